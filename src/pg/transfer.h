/*
 * transfer.h
 *	  Versions that were made elsewhere.
 */
#ifndef HEALTHML_TRANSFER_H
#define HEALTHML_TRANSFER_H

#include "compat.h"

#include "fmgr.h"

#include "registry.h"

/* Make a model of the second argument of the SQL function; its memory comes from 'ctx'. */
typedef HmlStatus (*HealthmlImporter)(HmlContext *ctx, Datum argument, HmlModel **out);

/* The body of a strict SQL function (model text, something) RETURNS healthml.training_result. */
extern Datum healthml_import(FunctionCallInfo fcinfo, HealthmlImporter importer);

#endif /* HEALTHML_TRANSFER_H */
