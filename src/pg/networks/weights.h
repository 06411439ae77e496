/*
 * weights.h
 *	  Weight vectors as SQL arrays: real[] or float8[], one dimension, no nulls.
 */
#ifndef HEALTHML_WEIGHTS_H
#define HEALTHML_WEIGHTS_H

#include "pg/server/compat.h"

#include "fmgr.h"
#include "utils/array.h"

/* Number of weights, 1 to max; anything else about the array is an error that says what. */
extern uint32 healthml_weights_length(ArrayType *weights, Size max);

/* An array of n weights of FLOAT4OID or FLOAT8OID, to be filled. */
extern ArrayType *healthml_make_weights(uint32 n, Oid element_type);

/* Vectors of one aggregation must be of one length. */
extern void healthml_check_same_length(uint32 expected, uint32 found);

#endif /* HEALTHML_WEIGHTS_H */
