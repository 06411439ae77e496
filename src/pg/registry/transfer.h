/*
 * transfer.h
 *	  Versions that were made elsewhere.
 */
#ifndef HEALTHML_TRANSFER_H
#define HEALTHML_TRANSFER_H

#include "pg/server/compat.h"

#include "fmgr.h"

#include "pg/registry/registry.h"

/* Make a model of what the SQL function was given; its memory comes from 'ctx'. */
typedef HmlStatus (*HealthmlImporter)(HmlContext *ctx, Datum argument, HmlModel **out);

/*
 * The body of a strict SQL function (model text, ...) RETURNS healthml.training_result;
 * 'argument' is handed to the importer.
 */
extern Datum healthml_import(FunctionCallInfo fcinfo, HealthmlImporter importer, Datum argument);

#endif /* HEALTHML_TRANSFER_H */
