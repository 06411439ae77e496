/*
 * series.h
 *	  A float8[] that grows by one value a row: the state of aggregates over time.
 *
 * While an aggregate runs, the array is an expanded object (utils/array.h) in the
 * aggregate's memory, so that a row costs amortised O(1).  It is an ordinary
 * float8[] to everybody else: it can be sent, and two can be joined.
 */
#ifndef HEALTHML_SERIES_H
#define HEALTHML_SERIES_H

#include "pg/server/compat.h"

#include "fmgr.h"
#include "utils/array.h"

/* The state in argument 0, or an empty one. */
extern ExpandedArrayHeader *healthml_series(FunctionCallInfo fcinfo);

extern void healthml_series_append(ExpandedArrayHeader *series, double value);

/* The values of a state, not NULL: a copy in the current memory context. */
extern double *healthml_series_values(Datum state, size_t *n);

#endif /* HEALTHML_SERIES_H */
