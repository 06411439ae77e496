/*
 * binary_text.h
 *	  Text form of a type that only machines read: its binary form as bytea shows it.
 */
#ifndef HEALTHML_BINARY_TEXT_H
#define HEALTHML_BINARY_TEXT_H

#include "pg/server/compat.h"

#include "fmgr.h"

extern Datum healthml_text_to_value(const char *text, PGFunction receive);
extern char *healthml_value_to_text(Datum value, PGFunction send);

#endif /* HEALTHML_BINARY_TEXT_H */
