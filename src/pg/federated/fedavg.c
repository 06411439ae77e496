/*
 * fedavg.c
 *	  The aggregate healthml.fedavg: average of weight vectors by samples.
 *
 * The state (type healthml.fedavg_state) has a fixed size after the first row, so
 * that memory does not grow with the number of updates.  It has a binary form,
 * hence parallel, partition-wise and distributed plans can split the aggregate;
 * what arrives through that form is checked like any user's input.
 *
 * Within one aggregation the state is an expanded object (utils/expandeddatum.h),
 * which holds the last few updates back and adds them together: a large sum is
 * pushed out of the cache by reading the next row, and one trip for eight rows
 * is a third of the time.  Whoever reads the state flushes them first.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "utils/expandeddatum.h"
#include "utils/float.h"
#include "utils/memutils.h"

#include "core/federated/average.h"

#include "pg/server/aggregate.h"
#include "pg/server/binary_text.h"
#include "pg/networks/weights.h"

/*
 * 'sum' is followed by 'rest': n floats when the weights are real[], n doubles
 * when they are float8[].
 */
typedef struct FedavgState
{
	int32 vl_len_; /* varlena header (do not touch directly!) */
	uint32 n;
	int64 samples;
	int64 updates;
	uint32 weight_size; /* 4 or 8 */
	uint32 padding;
	double sum[FLEXIBLE_ARRAY_MEMBER];
} FedavgState;

#define MAX_WEIGHTS ((uint32) ((MaxAllocSize - offsetof(FedavgState, sum)) / (2 * sizeof(double))))
#define STATE_SIZE(n, weight_size) \
	(offsetof(FedavgState, sum) + (Size) (n) * (sizeof(double) + (weight_size)))

static inline void *
rest_of(FedavgState *state)
{
	return &state->sum[state->n];
}

static inline bool
is_float4(const FedavgState *state)
{
	return state->weight_size == sizeof(float4);
}

static FedavgState *
make_state(MemoryContext context, uint32 n, uint32 weight_size)
{
	Size size = STATE_SIZE(n, weight_size);
	FedavgState *state = MemoryContextAllocZero(context, size);

	SET_VARSIZE(state, size);
	state->n = n;
	state->weight_size = weight_size;
	return state;
}

/* A state that comes from outside this aggregation: its size must be what its counts say. */
static FedavgState *
check_state(FedavgState *state)
{
	Size size = VARSIZE(state);
	bool valid = size >= offsetof(FedavgState, sum) && state->n <= MAX_WEIGHTS && state->n > 0 &&
				 (state->weight_size == sizeof(float4) || state->weight_size == sizeof(float8)) &&
				 size == STATE_SIZE(state->n, state->weight_size) && state->samples > 0 &&
				 state->updates > 0 && state->updates <= state->samples &&
				 state->samples <= HML_AVERAGE_MAX_SAMPLES;

	if (!valid)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION), errmsg("invalid fedavg_state")));
	return state;
}

static void
add_samples(FedavgState *state, int64 samples)
{
	if (samples > HML_AVERAGE_MAX_SAMPLES - state->samples)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("sum of sample counts exceeds %lld", (long long) HML_AVERAGE_MAX_SAMPLES)));
	state->samples += samples;
}

/* ---- the state within an aggregation ---- */

#define FEDAVG_MAGIC 1718186853
#define MAX_PENDING 8
#define MAX_PENDING_BYTES (8 * 1024 * 1024)

typedef struct ExpandedFedavg
{
	ExpandedObjectHeader header;
	int magic;
	int n_pending;
	int max_pending;
	FedavgState *state;
	char *weights[MAX_PENDING]; /* room for one update each, in the object's own memory */
	int64 samples[MAX_PENDING]; /* already counted in the state */
} ExpandedFedavg;

static void
raise_nonfinite(const ExpandedFedavg *object)
{
	const FedavgState *state = object->state;

	for (int i = 0; i < object->n_pending; i++)
	{
		const void *values = object->weights[i];
		size_t index = is_float4(state) ? hml_average_find_nonfinite_f32(values, state->n)
										: hml_average_find_nonfinite_f64(values, state->n);

		if (index < state->n)
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("weight %zu is not finite", index + 1),
							errdetail("It belongs to update %lld of this aggregation.",
									  (long long) state->updates - object->n_pending + i + 1)));
	}
}

static void
flush(ExpandedFedavg *object)
{
	FedavgState *state = object->state;
	bool finite = true;

	if (is_float4(state))
		finite = hml_average_add_many_f32(state->sum, rest_of(state), (const float4 *const *) object->weights,
										  object->samples, object->n_pending, state->n);
	for (int i = 0; i < object->n_pending && !is_float4(state); i++)
		finite &= hml_average_add_f64(state->sum, rest_of(state), (const float8 *) object->weights[i],
									  object->samples[i], state->n);
	if (!finite)
		raise_nonfinite(object);
	object->n_pending = 0;
}

static Size
get_flat_size(ExpandedObjectHeader *header)
{
	return VARSIZE(((ExpandedFedavg *) header)->state);
}

static void
flatten_into(ExpandedObjectHeader *header, void *result, Size allocated_size)
{
	ExpandedFedavg *object = (ExpandedFedavg *) header;

	flush(object);
	memcpy(result, object->state, allocated_size);
}

static const ExpandedObjectMethods methods = {get_flat_size, flatten_into};

static ExpandedFedavg *
make_object(MemoryContext parent, uint32 n, uint32 weight_size)
{
	MemoryContext memory = AllocSetContextCreate(parent, "healthml fedavg", ALLOCSET_START_SMALL_SIZES);
	ExpandedFedavg *object = MemoryContextAllocZero(memory, sizeof(ExpandedFedavg));

	EOH_init_header(&object->header, &methods, memory);
	object->magic = FEDAVG_MAGIC;
	object->state = make_state(memory, n, weight_size);
	object->max_pending = (int) Min(Max(MAX_PENDING_BYTES / ((Size) n * weight_size), 1), MAX_PENDING);
	for (int i = 0; i < object->max_pending; i++)
		object->weights[i] = MemoryContextAllocHuge(memory, (Size) n * weight_size);
	return object;
}

/* The state in any form, with nothing pending, to be read. */
static FedavgState *
state_of(Datum value)
{
	ExpandedFedavg *object;

	if (!VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value)))
		return check_state((FedavgState *) PG_DETOAST_DATUM(value));
	object = (ExpandedFedavg *) DatumGetEOHP(value);
	Assert(object->magic == FEDAVG_MAGIC);
	flush(object);
	return object->state;
}

/* The state in argument 0, to be changed; NULL before the first update. */
static ExpandedFedavg *
object_of(FunctionCallInfo fcinfo)
{
	MemoryContext memory = healthml_aggregate_context(fcinfo);
	ExpandedFedavg *object;
	FedavgState *state;

	if (PG_ARGISNULL(0))
		return NULL;
	if (VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(PG_GETARG_DATUM(0))))
		return (ExpandedFedavg *) DatumGetEOHP(PG_GETARG_DATUM(0));
	state = state_of(PG_GETARG_DATUM(0));
	object = make_object(memory, state->n, state->weight_size);
	memcpy(object->state, state, VARSIZE(state));
	return object;
}

static Datum
skip_row(FunctionCallInfo fcinfo)
{
	healthml_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/*
 * fedavg_accum(state, weights real[] or float8[], samples bigint): rows in which
 * weights or samples are NULL are skipped.
 */
PG_FUNCTION_INFO_V1(healthml_fedavg_accum);
Datum
healthml_fedavg_accum(PG_FUNCTION_ARGS)
{
	ExpandedFedavg *object;
	ArrayType *weights;
	int64 samples;
	uint32 n;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return skip_row(fcinfo);
	samples = PG_GETARG_INT64(2);
	if (samples <= 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("sample count must be positive, not %lld", (long long) samples)));

	weights = PG_GETARG_ARRAYTYPE_P(1);
	n = healthml_weights_length(weights, MAX_WEIGHTS);
	object = object_of(fcinfo);
	if (object == NULL)
		object = make_object(healthml_aggregate_context(fcinfo), n,
							 ARR_ELEMTYPE(weights) == FLOAT4OID ? sizeof(float4) : sizeof(float8));
	healthml_check_same_length(object->state->n, n);

	add_samples(object->state, samples);
	object->state->updates++;
	memcpy(object->weights[object->n_pending], ARR_DATA_PTR(weights), (Size) n * object->state->weight_size);
	object->samples[object->n_pending++] = samples;
	if (object->n_pending == object->max_pending)
		flush(object);
	PG_RETURN_DATUM(EOHPGetRWDatum(&object->header));
}

PG_FUNCTION_INFO_V1(healthml_fedavg_combine);
Datum
healthml_fedavg_combine(PG_FUNCTION_ARGS)
{
	ExpandedFedavg *object;
	FedavgState *state;
	FedavgState *other;

	if (PG_ARGISNULL(1))
		return skip_row(fcinfo);
	other = state_of(PG_GETARG_DATUM(1));
	object = object_of(fcinfo);
	if (object == NULL)
		object = make_object(healthml_aggregate_context(fcinfo), other->n, other->weight_size);
	flush(object);
	state = object->state;
	healthml_check_same_length(state->n, other->n);
	if (state->weight_size != other->weight_size)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("cannot combine averages of real and of float8")));

	add_samples(state, other->samples);
	state->updates += other->updates;
	if (is_float4(state))
		hml_average_combine_f32(state->sum, rest_of(state), other->sum, rest_of(other), state->n);
	else
		hml_average_combine_f64(state->sum, rest_of(state), other->sum, rest_of(other), state->n);
	PG_RETURN_DATUM(EOHPGetRWDatum(&object->header));
}

/* The two results differ in type, so each aggregate has a final function of its own. */
static FedavgState *
final_state(FunctionCallInfo fcinfo, Oid element_type)
{
	FedavgState *state = state_of(PG_GETARG_DATUM(0));

	if (is_float4(state) != (element_type == FLOAT4OID))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("fedavg_state is of the other type of weights")));
	return state;
}

PG_FUNCTION_INFO_V1(healthml_fedavg_final_real);
Datum
healthml_fedavg_final_real(PG_FUNCTION_ARGS)
{
	FedavgState *state;
	ArrayType *average;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = final_state(fcinfo, FLOAT4OID);
	average = healthml_make_weights(state->n, FLOAT4OID);
	hml_average_finish_f32((float4 *) ARR_DATA_PTR(average), state->sum, rest_of(state), state->samples,
						   state->n);
	PG_RETURN_ARRAYTYPE_P(average);
}

PG_FUNCTION_INFO_V1(healthml_fedavg_final_float8);
Datum
healthml_fedavg_final_float8(PG_FUNCTION_ARGS)
{
	FedavgState *state;
	ArrayType *average;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	state = final_state(fcinfo, FLOAT8OID);
	average = healthml_make_weights(state->n, FLOAT8OID);
	hml_average_finish_f64((float8 *) ARR_DATA_PTR(average), state->sum, rest_of(state), state->samples,
						   state->n);
	if (hml_average_find_nonfinite_f64((float8 *) ARR_DATA_PTR(average), state->n) < state->n)
		float_overflow_error();
	PG_RETURN_ARRAYTYPE_P(average);
}

/* ---- the state as a type: binary form, and the same in hexadecimal as text ---- */

static bytea *
encode_state(FedavgState *state)
{
	StringInfoData buffer;

	pq_begintypsend(&buffer);
	pq_sendint32(&buffer, state->n);
	pq_sendint32(&buffer, state->weight_size);
	pq_sendint64(&buffer, state->samples);
	pq_sendint64(&buffer, state->updates);
	for (uint32 i = 0; i < state->n; i++)
		pq_sendfloat8(&buffer, state->sum[i]);
	for (uint32 i = 0; i < state->n; i++)
		if (is_float4(state))
			pq_sendfloat4(&buffer, ((float4 *) rest_of(state))[i]);
		else
			pq_sendfloat8(&buffer, ((float8 *) rest_of(state))[i]);
	return pq_endtypsend(&buffer);
}

static double
receive_finite(StringInfo buffer, uint32 size)
{
	double value = size == sizeof(float4) ? (double) pq_getmsgfloat4(buffer) : pq_getmsgfloat8(buffer);

	if (!isfinite(value))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid fedavg_state: a sum is not finite")));
	return value;
}

static FedavgState *
decode_state(StringInfo buffer)
{
	uint32 n = pq_getmsgint(buffer, 4);
	uint32 weight_size = pq_getmsgint(buffer, 4);
	FedavgState *state;

	if (n == 0 || n > MAX_WEIGHTS || (weight_size != sizeof(float4) && weight_size != sizeof(float8)) ||
		(Size) (buffer->len - buffer->cursor) !=
			2 * sizeof(int64) + (Size) n * (sizeof(double) + weight_size))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION), errmsg("invalid fedavg_state"),
						errdetail("Its length does not fit its %u weights.", n)));

	state = make_state(CurrentMemoryContext, n, weight_size);
	state->samples = pq_getmsgint64(buffer);
	state->updates = pq_getmsgint64(buffer);
	for (uint32 i = 0; i < n; i++)
		state->sum[i] = receive_finite(buffer, sizeof(float8));
	for (uint32 i = 0; i < n; i++)
		if (is_float4(state))
			((float4 *) rest_of(state))[i] = (float4) receive_finite(buffer, sizeof(float4));
		else
			((float8 *) rest_of(state))[i] = receive_finite(buffer, sizeof(float8));
	return check_state(state);
}

PG_FUNCTION_INFO_V1(healthml_fedavg_state_send);
Datum
healthml_fedavg_state_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(encode_state(state_of(PG_GETARG_DATUM(0))));
}

PG_FUNCTION_INFO_V1(healthml_fedavg_state_recv);
Datum
healthml_fedavg_state_recv(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(decode_state((StringInfo) PG_GETARG_POINTER(0)));
}

PG_FUNCTION_INFO_V1(healthml_fedavg_state_out);
Datum
healthml_fedavg_state_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(healthml_value_to_text(PG_GETARG_DATUM(0), healthml_fedavg_state_send));
}

PG_FUNCTION_INFO_V1(healthml_fedavg_state_in);
Datum
healthml_fedavg_state_in(PG_FUNCTION_ARGS)
{
	return healthml_text_to_value(PG_GETARG_CSTRING(0), healthml_fedavg_state_recv);
}
