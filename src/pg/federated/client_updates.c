/*
 * client_updates.c
 *	  Type healthml.client_updates, and the robust aggregates over it:
 *	  fedmedian, fed_trimmed_mean, krum, multi_krum.
 *
 * These rules need every update at once.  While an aggregate runs, its state is
 * an expanded object (utils/expandeddatum.h): a growing matrix of updates in the
 * aggregate's memory context, flattened only to cross to another process.  It
 * also carries the constant arguments of the aggregate, for the final function.
 *
 * Flat form: varlena header, uint32 n_weights, uint32 n_updates, options, the
 * samples of each update, the updates.  Binary form: the same fields in network
 * order.  Invariants: weights are finite, samples positive, and the flat form
 * fits in one value.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/expandeddatum.h"
#include "utils/memutils.h"

#include "core/federated/average.h"
#include "core/federated/robust.h"

#include "pg/server/aggregate.h"
#include "pg/server/binary_text.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"
#include "pg/server/settings.h"
#include "pg/networks/weights.h"

#define N_OPTIONS 2 /* beta; or malicious and keep */

typedef struct FlatUpdates
{
	int32 vl_len_;
	uint32 n_weights;
	uint32 n_updates;
	uint32 padding;
	double options[N_OPTIONS];
	int64 samples[FLEXIBLE_ARRAY_MEMBER]; /* followed by the updates */
} FlatUpdates;

/* What a value says, whichever form it is in. */
typedef struct Updates
{
	uint32 n_weights;
	uint32 n_updates;
	double options[N_OPTIONS];
	int64 *samples; /* (n_updates) */
	float4 *values; /* (n_updates, n_weights) */
} Updates;

#define UPDATES_MAGIC 1718186852

typedef struct ExpandedUpdates
{
	ExpandedObjectHeader header;
	int magic;
	Size capacity; /* updates that there is room for */
	Updates updates;
} ExpandedUpdates;

#define FIRST_CAPACITY 4
#define UPDATE_SIZE(n_weights) (sizeof(int64) + (Size) (n_weights) * sizeof(float4))
#define FLAT_SIZE(n_weights, n_updates) (offsetof(FlatUpdates, samples) + (n_updates) *UPDATE_SIZE(n_weights))
#define MAX_UPDATES(n_weights) ((MaxAllocSize - offsetof(FlatUpdates, samples)) / UPDATE_SIZE(n_weights))
#define MAX_WEIGHTS ((MaxAllocSize - offsetof(FlatUpdates, samples)) / sizeof(float4) - 2)

/* ---- the expanded object ---- */

static Size
get_flat_size(ExpandedObjectHeader *header)
{
	Updates *updates = &((ExpandedUpdates *) header)->updates;

	return FLAT_SIZE(updates->n_weights, updates->n_updates);
}

static void
flatten_into(ExpandedObjectHeader *header, void *result, Size allocated_size)
{
	Updates *updates = &((ExpandedUpdates *) header)->updates;
	FlatUpdates *flat = result;

	SET_VARSIZE(flat, allocated_size);
	flat->n_weights = updates->n_weights;
	flat->n_updates = updates->n_updates;
	flat->padding = 0;
	memcpy(flat->options, updates->options, sizeof(flat->options));
	memcpy(flat->samples, updates->samples, updates->n_updates * sizeof(int64));
	memcpy(&flat->samples[updates->n_updates], updates->values,
		   (Size) updates->n_updates * updates->n_weights * sizeof(float4));
}

static const ExpandedObjectMethods methods = {get_flat_size, flatten_into};

static ExpandedUpdates *
make_updates(MemoryContext parent, uint32 n_weights, Size capacity, const double *options)
{
	MemoryContext memory =
		AllocSetContextCreate(parent, "healthml client updates", ALLOCSET_START_SMALL_SIZES);
	ExpandedUpdates *object = MemoryContextAllocZero(memory, sizeof(ExpandedUpdates));

	healthml_check_block(Max(capacity, 1) * UPDATE_SIZE(n_weights), "the updates of an aggregate");
	EOH_init_header(&object->header, &methods, memory);
	object->magic = UPDATES_MAGIC;
	object->capacity = Max(capacity, 1);
	object->updates.n_weights = n_weights;
	memcpy(object->updates.options, options, sizeof(object->updates.options));
	object->updates.samples = MemoryContextAllocHuge(memory, object->capacity * sizeof(int64));
	object->updates.values = MemoryContextAllocHuge(memory, object->capacity * n_weights * sizeof(float4));
	return object;
}

static void
reserve(ExpandedUpdates *object, Size more)
{
	Updates *updates = &object->updates;
	Size max = MAX_UPDATES(updates->n_weights);
	Size needed = updates->n_updates + more;

	if (needed > max)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("cannot collect more than %zu updates of %u weights in one aggregate",
							   (size_t) max, updates->n_weights),
						errhint("healthml.fedavg needs no more memory for more updates.")));
	if (needed <= object->capacity)
		return;
	healthml_check_block(needed * UPDATE_SIZE(updates->n_weights), "the updates of an aggregate");
	max = Min(max, Max(needed, (Size) healthml_max_memory * 1024 / UPDATE_SIZE(updates->n_weights)));
	object->capacity = Min(Max(2 * object->capacity, needed), max);
	updates->samples = repalloc_huge(updates->samples, object->capacity * sizeof(int64));
	updates->values = repalloc_huge(updates->values, object->capacity * updates->n_weights * sizeof(float4));
}

static void
append(ExpandedUpdates *object, const int64 *samples, const float4 *values, Size count)
{
	Updates *updates = &object->updates;

	reserve(object, count);
	memcpy(updates->samples + updates->n_updates, samples, count * sizeof(int64));
	memcpy(updates->values + (Size) updates->n_updates * updates->n_weights, values,
		   count * updates->n_weights * sizeof(float4));
	updates->n_updates += (uint32) count;
}

/* ---- values in either form ---- */

static ExpandedUpdates *
as_expanded(Datum value)
{
	if (!VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value)))
		return NULL;
	Assert(((ExpandedUpdates *) DatumGetEOHP(value))->magic == UPDATES_MAGIC);
	return (ExpandedUpdates *) DatumGetEOHP(value);
}

static Updates
view_of(Datum value)
{
	ExpandedUpdates *object = as_expanded(value);
	FlatUpdates *flat;
	Updates view;

	if (object != NULL)
		return object->updates;

	flat = (FlatUpdates *) PG_DETOAST_DATUM(value);
	if (VARSIZE(flat) < offsetof(FlatUpdates, samples) || flat->n_weights == 0 ||
		flat->n_weights > MAX_WEIGHTS || flat->n_updates > MAX_UPDATES(flat->n_weights) ||
		VARSIZE(flat) != FLAT_SIZE(flat->n_weights, flat->n_updates))
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("client_updates value is damaged")));
	view.n_weights = flat->n_weights;
	view.n_updates = flat->n_updates;
	memcpy(view.options, flat->options, sizeof(view.options));
	view.samples = flat->samples;
	view.values = (float4 *) &flat->samples[flat->n_updates];
	return view;
}

/* The state in argument 0 ready to be changed, or NULL before the first update. */
static ExpandedUpdates *
state_of(FunctionCallInfo fcinfo)
{
	MemoryContext memory = healthml_aggregate_context(fcinfo);
	ExpandedUpdates *object;
	Updates view;

	if (PG_ARGISNULL(0))
		return NULL;
	if (VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(PG_GETARG_DATUM(0))))
		return as_expanded(PG_GETARG_DATUM(0));
	view = view_of(PG_GETARG_DATUM(0));
	object = make_updates(memory, view.n_weights, view.n_updates, view.options);
	append(object, view.samples, view.values, view.n_updates);
	return object;
}

static void
check_same_options(const double *expected, const double *found)
{
	if (memcmp(expected, found, N_OPTIONS * sizeof(double)) != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("parameters of a federated aggregate must be the same in every row")));
}

/* ---- transition ---- */

static void
check_finite(const float4 *values, uint32 n, uint32 update)
{
	size_t index = hml_average_find_nonfinite_f32(values, n);

	if (index < n)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("weight %zu is not finite", index + 1),
				 errdetail("It belongs to update %u of this aggregation.", update + 1)));
}

/* Argument 1 are the weights; a row without them, or without 'samples', is skipped. */
static Datum
add_update(FunctionCallInfo fcinfo, int64 samples, const double *options)
{
	ExpandedUpdates *object = state_of(fcinfo);
	ArrayType *weights = PG_GETARG_ARRAYTYPE_P(1);
	uint32 n = healthml_weights_length(weights, MAX_WEIGHTS);
	const float4 *values = (const float4 *) ARR_DATA_PTR(weights);

	if (object == NULL)
		object = make_updates(healthml_aggregate_context(fcinfo), n, FIRST_CAPACITY, options);
	healthml_check_same_length(object->updates.n_weights, n);
	check_same_options(object->updates.options, options);
	check_finite(values, n, object->updates.n_updates);
	append(object, &samples, values, 1);
	PG_RETURN_DATUM(EOHPGetRWDatum(&object->header));
}

static Datum
skip_update(FunctionCallInfo fcinfo)
{
	healthml_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

static void
refuse_null(FunctionCallInfo fcinfo, int argument, const char *name)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", name)));
}

static double
count_argument(FunctionCallInfo fcinfo, int argument, const char *name, int least)
{
	int32 value;

	refuse_null(fcinfo, argument, name);
	value = PG_GETARG_INT32(argument);
	if (value < least)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be at least %d, not %d", name, least, value)));
	return value;
}

PG_FUNCTION_INFO_V1(healthml_fedmedian_accum);
Datum
healthml_fedmedian_accum(PG_FUNCTION_ARGS)
{
	const double options[N_OPTIONS] = {0, 0};

	return PG_ARGISNULL(1) ? skip_update(fcinfo) : add_update(fcinfo, 1, options);
}

PG_FUNCTION_INFO_V1(healthml_fed_trimmed_mean_accum);
Datum
healthml_fed_trimmed_mean_accum(PG_FUNCTION_ARGS)
{
	double options[N_OPTIONS] = {0, 0};

	refuse_null(fcinfo, 2, "beta");
	options[0] = PG_GETARG_FLOAT8(2);
	return PG_ARGISNULL(1) ? skip_update(fcinfo) : add_update(fcinfo, 1, options);
}

PG_FUNCTION_INFO_V1(healthml_krum_accum);
Datum
healthml_krum_accum(PG_FUNCTION_ARGS)
{
	const double options[N_OPTIONS] = {count_argument(fcinfo, 2, "malicious", 0), 1};

	return PG_ARGISNULL(1) ? skip_update(fcinfo) : add_update(fcinfo, 1, options);
}

PG_FUNCTION_INFO_V1(healthml_multi_krum_accum);
Datum
healthml_multi_krum_accum(PG_FUNCTION_ARGS)
{
	const double options[N_OPTIONS] = {count_argument(fcinfo, 3, "malicious", 0),
									   count_argument(fcinfo, 4, "keep", 1)};

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return skip_update(fcinfo);
	if (PG_GETARG_INT64(2) <= 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("sample count must be positive, not %lld", (long long) PG_GETARG_INT64(2))));
	return add_update(fcinfo, PG_GETARG_INT64(2), options);
}

PG_FUNCTION_INFO_V1(healthml_client_updates_combine);
Datum
healthml_client_updates_combine(PG_FUNCTION_ARGS)
{
	ExpandedUpdates *object;
	Updates other;

	if (PG_ARGISNULL(1))
		return skip_update(fcinfo);
	object = state_of(fcinfo);
	other = view_of(PG_GETARG_DATUM(1));
	if (object == NULL)
		object =
			make_updates(healthml_aggregate_context(fcinfo), other.n_weights, other.n_updates, other.options);
	healthml_check_same_length(object->updates.n_weights, other.n_weights);
	check_same_options(object->updates.options, other.options);
	append(object, other.samples, other.values, other.n_updates);
	PG_RETURN_DATUM(EOHPGetRWDatum(&object->header));
}

/* ---- results ---- */

typedef struct FinalState
{
	Updates updates;
	HmlContext ctx;
	ArrayType *result;
} FinalState;

static void
begin_final(FunctionCallInfo fcinfo, FinalState *final)
{
	healthml_aggregate_context(fcinfo);
	final->updates = view_of(PG_GETARG_DATUM(0));
	final->result = healthml_make_weights(final->updates.n_weights, FLOAT4OID);
	healthml_context_init(&final->ctx, CurrentMemoryContext);
	healthml_limit_memory(&final->ctx);
}

PG_FUNCTION_INFO_V1(healthml_fedmedian_final);
Datum
healthml_fedmedian_final(PG_FUNCTION_ARGS)
{
	FinalState final;
	Updates *u = &final.updates;

	begin_final(fcinfo, &final);
	healthml_check(&final.ctx, hml_fed_median(&final.ctx, u->values, u->n_updates, u->n_weights,
											  (float4 *) ARR_DATA_PTR(final.result)));
	PG_RETURN_ARRAYTYPE_P(final.result);
}

PG_FUNCTION_INFO_V1(healthml_fed_trimmed_mean_final);
Datum
healthml_fed_trimmed_mean_final(PG_FUNCTION_ARGS)
{
	FinalState final;
	Updates *u = &final.updates;

	begin_final(fcinfo, &final);
	healthml_check(&final.ctx, hml_fed_trimmed_mean(&final.ctx, u->values, u->n_updates, u->n_weights,
													u->options[0], (float4 *) ARR_DATA_PTR(final.result)));
	PG_RETURN_ARRAYTYPE_P(final.result);
}

PG_FUNCTION_INFO_V1(healthml_krum_final);
Datum
healthml_krum_final(PG_FUNCTION_ARGS)
{
	FinalState final;
	Updates *u = &final.updates;

	begin_final(fcinfo, &final);
	healthml_check(&final.ctx, hml_fed_krum(&final.ctx, u->values, u->samples, u->n_updates, u->n_weights,
											(size_t) u->options[0], (size_t) u->options[1],
											(float4 *) ARR_DATA_PTR(final.result), NULL));
	PG_RETURN_ARRAYTYPE_P(final.result);
}

/* ---- input and output ---- */

PG_FUNCTION_INFO_V1(healthml_client_updates_send);
Datum
healthml_client_updates_send(PG_FUNCTION_ARGS)
{
	Updates view = view_of(PG_GETARG_DATUM(0));
	Size n_values = (Size) view.n_updates * view.n_weights;
	StringInfoData buffer;

	pq_begintypsend(&buffer);
	pq_sendint32(&buffer, view.n_weights);
	pq_sendint32(&buffer, view.n_updates);
	for (int i = 0; i < N_OPTIONS; i++)
		pq_sendfloat8(&buffer, view.options[i]);
	for (uint32 i = 0; i < view.n_updates; i++)
		pq_sendint64(&buffer, view.samples[i]);
	for (Size i = 0; i < n_values; i++)
		pq_sendfloat4(&buffer, view.values[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

static void
invalid_binary(const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					errmsg("invalid client_updates in external binary format"), errdetail("%s", detail)));
}

static void
receive_updates(StringInfo buffer, Updates *updates, uint32 n_updates)
{
	Size n_values = (Size) n_updates * updates->n_weights;

	for (uint32 i = 0; i < n_updates; i++)
		if ((updates->samples[i] = pq_getmsgint64(buffer)) <= 0)
			invalid_binary("A sample count is not positive.");
	for (Size i = 0; i < n_values; i++)
	{
		CHECK_FOR_INTERRUPTS();
		updates->values[i] = pq_getmsgfloat4(buffer);
	}
	if (hml_average_find_nonfinite_f32(updates->values, n_values) < n_values)
		invalid_binary("A weight is not finite.");
	updates->n_updates = n_updates;
}

/* Option values that no aggregate would have stored must not reach a final function. */
static void
receive_options(StringInfo buffer, double *options)
{
	for (int i = 0; i < N_OPTIONS; i++)
	{
		options[i] = pq_getmsgfloat8(buffer);
		if (!(options[i] >= 0 && options[i] <= PG_INT32_MAX))
			invalid_binary("A parameter is out of range.");
	}
}

PG_FUNCTION_INFO_V1(healthml_client_updates_recv);
Datum
healthml_client_updates_recv(PG_FUNCTION_ARGS)
{
	StringInfo buffer = (StringInfo) PG_GETARG_POINTER(0);
	uint32 n_weights = pq_getmsgint(buffer, 4);
	uint32 n_updates = pq_getmsgint(buffer, 4);
	double options[N_OPTIONS];
	ExpandedUpdates *object;
	FlatUpdates *flat;
	Size size;

	receive_options(buffer, options);
	if (n_weights == 0 || n_weights > MAX_WEIGHTS || n_updates > MAX_UPDATES(n_weights) ||
		(Size) (buffer->len - buffer->cursor) != n_updates * UPDATE_SIZE(n_weights))
		invalid_binary("Its length does not fit its counts.");

	object = make_updates(CurrentMemoryContext, n_weights, n_updates, options);
	receive_updates(buffer, &object->updates, n_updates);
	size = get_flat_size(&object->header);
	flat = palloc(size);
	flatten_into(&object->header, flat, size);
	DeleteExpandedObject(EOHPGetRWDatum(&object->header));
	PG_RETURN_POINTER(flat);
}

PG_FUNCTION_INFO_V1(healthml_client_updates_out);
Datum
healthml_client_updates_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(healthml_value_to_text(PG_GETARG_DATUM(0), healthml_client_updates_send));
}

PG_FUNCTION_INFO_V1(healthml_client_updates_in);
Datum
healthml_client_updates_in(PG_FUNCTION_ARGS)
{
	return healthml_text_to_value(PG_GETARG_CSTRING(0), healthml_client_updates_recv);
}
