/*
 * spool.h
 *	  Temporary files of the server as storage of libhml beside memory.
 *
 * They lie in temp_tablespaces, are charged to temp_file_limit and appear in
 * pg_stat_database.  A file is gone when libhml closes it, and otherwise with the
 * memory context of its HmlContext, however the call ends.
 */
#ifndef HEALTHML_SPOOL_H
#define HEALTHML_SPOOL_H

#include "pg/server/compat.h"

#include "core/base/context.h"

extern const HmlSpool healthml_spool;

#endif /* HEALTHML_SPOOL_H */
