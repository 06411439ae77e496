/*
 * window.c
 *	  Aggregates over the last rows of a series: vitals_sequence, slope, hampel,
 *	  robust_zscore, ewma and time_in_range.
 *
 * Each has two states.  A plain one, float8[] (series.h), can be sent and joined.
 * A moving one, for window frames, is a queue: a row enters at the end, the
 * oldest one leaves at the front, both in amortised O(1).  Rows of a queue are
 * contiguous, so that a result is one pass over the frame.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/timestamp.h"

#include "core/base/sort.h"
#include "core/stats/quantile.h"

#include "pg/server/aggregate.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"
#include "pg/vitals/series.h"

#define MAX_WIDTH 1600
#define FIRST_STEPS 64
#define SECONDS_PER_HOUR 3600.0
#define MAD_TO_SD 1.4826022185056018 /* of normal data */

/* Rows of 'width' numbers each. */
typedef struct Rows
{
	size_t width;
	size_t n;
	const double *values; /* (n, width), the oldest first */
} Rows;

/* ---- queues ---------------------------------------------------------------------------------------- */

typedef struct Queue
{
	MemoryContext memory;
	size_t width;
	size_t first; /* row */
	size_t n;
	size_t capacity;
	double *values;
} Queue;

static Queue *
queue_of(FunctionCallInfo fcinfo, size_t width)
{
	MemoryContext memory = healthml_aggregate_context(fcinfo);
	Queue *queue;

	if (!PG_ARGISNULL(0))
	{
		queue = (Queue *) PG_GETARG_POINTER(0);
		if (queue->width != width)
			ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
							errmsg("%zu values in a series of %zu", width, queue->width)));
		return queue;
	}
	queue = MemoryContextAllocZero(memory, sizeof(*queue));
	queue->memory = memory;
	queue->width = width;
	queue->capacity = FIRST_STEPS;
	queue->values = MemoryContextAlloc(memory, sizeof(double) * width * queue->capacity);
	return queue;
}

/* Room for one more row: moved to the front where half is free there, else twice as much. */
static double *
next_row(Queue *queue)
{
	size_t bytes = sizeof(double) * queue->width;

	if (queue->first + queue->n == queue->capacity)
	{
		if (queue->first < queue->capacity / 2)
		{
			queue->capacity *= 2;
			queue->values = repalloc_huge(queue->values, bytes * queue->capacity);
		}
		else
		{
			memmove(queue->values, queue->values + queue->first * queue->width, bytes * queue->n);
			queue->first = 0;
		}
	}
	return queue->values + (queue->first + queue->n++) * queue->width;
}

static void
drop_oldest(Queue *queue)
{
	if (queue->n == 0)
		elog(ERROR, "no row is left in the window");
	queue->first++;
	queue->n--;
}

static Rows
rows_of_queue(const Queue *queue)
{
	return (Rows){queue->width, queue->n, queue->values + queue->first * queue->width};
}

/* ---- plain states: the width, then the rows -------------------------------------------------------- */

static ExpandedArrayHeader *
series_of(FunctionCallInfo fcinfo, size_t width)
{
	ExpandedArrayHeader *series = healthml_series(fcinfo);

	if (series->nelems == 0)
		healthml_series_append(series, (double) width);
	else if (DatumGetFloat8(series->dvalues[0]) != (double) width)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("%zu values in a series of %g", width, DatumGetFloat8(series->dvalues[0]))));
	return series;
}

static Rows
rows_of_series(Datum state)
{
	size_t n;
	double *values = healthml_series_values(state, &n);
	size_t width = n > 0 && values[0] >= 1 && values[0] <= MAX_WIDTH ? (size_t) values[0] : 0;

	if (width == 0 || (n - 1) % width != 0)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("state of a series contradicts itself")));
	return (Rows){width, (n - 1) / width, values + 1};
}

PG_FUNCTION_INFO_V1(healthml_rows_merge);

/* healthml.rows_merge(a, b): the rows of b after those of a */
Datum
healthml_rows_merge(PG_FUNCTION_ARGS)
{
	ExpandedArrayHeader *series;
	Rows other;

	if (PG_ARGISNULL(1))
		return healthml_same_state(fcinfo);
	other = rows_of_series(PG_GETARG_DATUM(1));
	series = series_of(fcinfo, other.width);
	for (size_t i = 0; i < other.n * other.width; i++)
		healthml_series_append(series, other.values[i]);
	return EOHPGetRWDatum(&series->hdr);
}

/* ---- rows of arguments ----------------------------------------------------------------------------- */

/* The elements of an array, NULL as NaN, in the current memory context. */
static double *
array_values(ArrayType *array, size_t *width)
{
	Datum *elements;
	bool *nulls;
	int n;
	double *values;

	if (ARR_ELEMTYPE(array) != FLOAT8OID)
		elog(ERROR, "features are not float8");
	deconstruct_array(array, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &elements, &nulls,
					  &n);
	if (n < 1 || n > MAX_WIDTH)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a step must have 1 to %d features, not %d", MAX_WIDTH, n)));
	values = palloc(sizeof(double) * n);
	for (int i = 0; i < n; i++)
		values[i] = nulls[i] ? NAN : DatumGetFloat8(elements[i]);
	*width = (size_t) n;
	return values;
}

/* The arguments after the state as one row; false where one of them is NULL or NaN: it does not count. */
static bool
argument_values(FunctionCallInfo fcinfo, double *values)
{
	for (int i = 1; i < PG_NARGS(); i++)
	{
		if (PG_ARGISNULL(i) || isnan(PG_GETARG_FLOAT8(i)))
			return false;
		values[i - 1] = PG_GETARG_FLOAT8(i);
	}
	return true;
}

/* A time in hours, and a value. */
static bool
timed_value(FunctionCallInfo fcinfo, double values[2])
{
	TimestampTz time;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) || isnan(PG_GETARG_FLOAT8(2)))
		return false;
	time = PG_GETARG_TIMESTAMPTZ(1);
	if (TIMESTAMP_NOT_FINITE(time))
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("time is infinite")));
	values[0] = (double) time / USECS_PER_SEC / SECONDS_PER_HOUR;
	values[1] = PG_GETARG_FLOAT8(2);
	return true;
}

static Datum
add_row(FunctionCallInfo fcinfo, const double *values, size_t width)
{
	ExpandedArrayHeader *series = series_of(fcinfo, width);

	for (size_t i = 0; i < width; i++)
		healthml_series_append(series, values[i]);
	return EOHPGetRWDatum(&series->hdr);
}

static Datum
push_row(FunctionCallInfo fcinfo, const double *values, size_t width)
{
	Queue *queue = queue_of(fcinfo, width);

	memcpy(next_row(queue), values, sizeof(double) * width);
	PG_RETURN_POINTER(queue);
}

static Datum
pop_row(FunctionCallInfo fcinfo)
{
	Queue *queue;

	healthml_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		elog(ERROR, "no row is left in the window");
	queue = (Queue *) PG_GETARG_POINTER(0);
	drop_oldest(queue);
	PG_RETURN_POINTER(queue);
}

/* ---- vitals_sequence ------------------------------------------------------------------------------- */

PG_FUNCTION_INFO_V1(healthml_sequence_add);
PG_FUNCTION_INFO_V1(healthml_sequence_push);
PG_FUNCTION_INFO_V1(healthml_sequence_pop);
PG_FUNCTION_INFO_V1(healthml_sequence_final);
PG_FUNCTION_INFO_V1(healthml_sequence_window_final);

Datum
healthml_sequence_add(PG_FUNCTION_ARGS)
{
	size_t width;
	double *values;

	if (PG_ARGISNULL(1))
		return healthml_same_state(fcinfo);
	values = array_values(PG_GETARG_ARRAYTYPE_P(1), &width);
	return add_row(fcinfo, values, width);
}

Datum
healthml_sequence_push(PG_FUNCTION_ARGS)
{
	size_t width;
	double *values;

	if (PG_ARGISNULL(1))
		return healthml_same_state(fcinfo);
	values = array_values(PG_GETARG_ARRAYTYPE_P(1), &width);
	return push_row(fcinfo, values, width);
}

Datum
healthml_sequence_pop(PG_FUNCTION_ARGS)
{
	return PG_ARGISNULL(1) ? healthml_same_state(fcinfo) : pop_row(fcinfo);
}

/* (steps, features) as a float8[] of two dimensions, NULL without steps. */
static Datum
sequence_datum(FunctionCallInfo fcinfo, const Rows *rows)
{
	Size size = rows->n * rows->width * sizeof(float8);
	ArrayType *array;

	if (rows->n == 0)
		PG_RETURN_NULL();
	if (rows->n > MaxAllocSize / sizeof(float8) / rows->width - 8)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many steps: %zu", rows->n)));
	size += ARR_OVERHEAD_NONULLS(2);
	array = palloc(size);
	SET_VARSIZE(array, size);
	array->ndim = 2;
	array->dataoffset = 0;
	array->elemtype = FLOAT8OID;
	ARR_DIMS(array)[0] = (int) rows->n;
	ARR_DIMS(array)[1] = (int) rows->width;
	ARR_LBOUND(array)[0] = ARR_LBOUND(array)[1] = 1;
	memcpy(ARR_DATA_PTR(array), rows->values, rows->n * rows->width * sizeof(float8));
	PG_RETURN_ARRAYTYPE_P(array);
}

Datum
healthml_sequence_final(PG_FUNCTION_ARGS)
{
	Rows rows;

	healthml_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	rows = rows_of_series(PG_GETARG_DATUM(0));
	return sequence_datum(fcinfo, &rows);
}

Datum
healthml_sequence_window_final(PG_FUNCTION_ARGS)
{
	Rows rows;

	healthml_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	rows = rows_of_queue((Queue *) PG_GETARG_POINTER(0));
	return sequence_datum(fcinfo, &rows);
}

/* ---- statistics of a frame ------------------------------------------------------------------------- */

PG_FUNCTION_INFO_V1(healthml_values_add);
PG_FUNCTION_INFO_V1(healthml_values_push);
PG_FUNCTION_INFO_V1(healthml_values_pop);
PG_FUNCTION_INFO_V1(healthml_timed_add);
PG_FUNCTION_INFO_V1(healthml_timed_push);
PG_FUNCTION_INFO_V1(healthml_timed_pop);

#define MAX_VALUES 4

Datum
healthml_values_add(PG_FUNCTION_ARGS)
{
	double values[MAX_VALUES];

	return argument_values(fcinfo, values) ? add_row(fcinfo, values, PG_NARGS() - 1)
										   : healthml_same_state(fcinfo);
}

Datum
healthml_values_push(PG_FUNCTION_ARGS)
{
	double values[MAX_VALUES];

	return argument_values(fcinfo, values) ? push_row(fcinfo, values, PG_NARGS() - 1)
										   : healthml_same_state(fcinfo);
}

Datum
healthml_values_pop(PG_FUNCTION_ARGS)
{
	double values[MAX_VALUES];

	return argument_values(fcinfo, values) ? pop_row(fcinfo) : healthml_same_state(fcinfo);
}

Datum
healthml_timed_add(PG_FUNCTION_ARGS)
{
	double values[2];

	return timed_value(fcinfo, values) ? add_row(fcinfo, values, 2) : healthml_same_state(fcinfo);
}

Datum
healthml_timed_push(PG_FUNCTION_ARGS)
{
	double values[2];

	return timed_value(fcinfo, values) ? push_row(fcinfo, values, 2) : healthml_same_state(fcinfo);
}

Datum
healthml_timed_pop(PG_FUNCTION_ARGS)
{
	double values[2];

	return timed_value(fcinfo, values) ? pop_row(fcinfo) : healthml_same_state(fcinfo);
}

typedef double (*Statistic)(const Rows *rows);

/* A statistic of a plain or of a moving state; NaN is NULL. */
static Datum
finish(FunctionCallInfo fcinfo, Statistic statistic, bool moving)
{
	Rows rows;
	double value;

	healthml_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	rows = moving ? rows_of_queue((Queue *) PG_GETARG_POINTER(0)) : rows_of_series(PG_GETARG_DATUM(0));
	value = rows.n > 0 ? statistic(&rows) : NAN;
	if (isnan(value))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value);
}

#define STATISTIC(name) \
	PG_FUNCTION_INFO_V1(healthml_##name##_final); \
	PG_FUNCTION_INFO_V1(healthml_##name##_window_final); \
	Datum healthml_##name##_final(PG_FUNCTION_ARGS) \
	{ \
		return finish(fcinfo, name, false); \
	} \
	Datum healthml_##name##_window_final(PG_FUNCTION_ARGS) \
	{ \
		return finish(fcinfo, name, true); \
	} \
	extern int healthml_no_semicolon

/* Least-squares slope per hour; times relative to the first, so that nothing cancels. */
static double
slope(const Rows *rows)
{
	double mean_t = 0, mean_x = 0, tt = 0, tx = 0;
	double begin = rows->values[0];

	for (size_t i = 0; i < rows->n; i++)
	{
		mean_t += (rows->values[2 * i] - begin) / (double) rows->n;
		mean_x += rows->values[2 * i + 1] / (double) rows->n;
	}
	for (size_t i = 0; i < rows->n; i++)
	{
		double t = rows->values[2 * i] - begin - mean_t;

		tt += t * t;
		tx += t * (rows->values[2 * i + 1] - mean_x);
	}
	return tt > 0 ? tx / tt : NAN;
}

typedef struct Robust
{
	double median;
	double sd; /* 1.4826 times the median absolute deviation */
	double last;
} Robust;

static double
median_of(HmlContext *ctx, double *values, size_t n)
{
	healthml_check(ctx, hml_sort_doubles(ctx, values, n));
	return hml_quantile(values, n, 0.5);
}

/* Of the first number of each row. */
static Robust
robust_of(const Rows *rows)
{
	double *values = palloc(sizeof(double) * rows->n);
	HmlContext ctx;
	Robust robust;

	healthml_context_init(&ctx, CurrentMemoryContext);
	for (size_t i = 0; i < rows->n; i++)
		values[i] = rows->values[i * rows->width];
	robust.last = values[rows->n - 1];
	robust.median = median_of(&ctx, values, rows->n);
	for (size_t i = 0; i < rows->n; i++)
		values[i] = fabs(values[i] - robust.median);
	robust.sd = MAD_TO_SD * median_of(&ctx, values, rows->n);
	pfree(values);
	return robust;
}

static double
robust_zscore(const Rows *rows)
{
	Robust robust = robust_of(rows);

	return robust.sd > 0 ? (robust.last - robust.median) / robust.sd : NAN;
}

static double
hampel(const Rows *rows)
{
	Robust robust = robust_of(rows);
	double threshold = rows->values[rows->n * rows->width - 1];

	return fabs(robust.last - robust.median) > threshold * robust.sd ? robust.median : robust.last;
}

/* Rows of value, low and high. */
static double
time_in_range(const Rows *rows)
{
	size_t inside = 0;

	for (size_t i = 0; i < rows->n; i++)
		inside +=
			rows->values[3 * i] >= rows->values[3 * i + 1] && rows->values[3 * i] <= rows->values[3 * i + 2];
	return (double) inside / (double) rows->n;
}

/* Rows of value and alpha. */
static double
ewma(const Rows *rows)
{
	double mean = rows->values[0];

	for (size_t i = 1; i < rows->n; i++)
		mean += rows->values[2 * i + 1] * (rows->values[2 * i] - mean);
	return mean;
}

STATISTIC(slope);
STATISTIC(robust_zscore);
STATISTIC(hampel);
STATISTIC(time_in_range);
STATISTIC(ewma);
