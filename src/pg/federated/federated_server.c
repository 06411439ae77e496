/*
 * federated_server.c
 *	  What a coordinator computes between two rounds, on artifacts, summaries,
 *	  updates and tallies.  But for the registration of a version, none of these
 *	  functions reads or writes a table.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "port/pg_bswap.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "core/federated/accountant.h"
#include "core/federated/average.h"
#include "core/federated/client.h"
#include "core/federated/masking.h"
#include "core/federated/optimizer.h"
#include "core/learn/mlp/mlp.h"

#include "pg/server/document.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"
#include "pg/registry/registry.h"
#include "pg/networks/weights.h"

/* ---- arguments and results ---- */

static void
begin(HmlContext *ctx, HmlArena **arena)
{
	healthml_context_init(ctx, CurrentMemoryContext);
	healthml_limit_memory(ctx);
	healthml_check(ctx, hml_arena_create(ctx, arena));
}

static HmlModel *
read_model(HmlContext *ctx, bytea *artifact)
{
	HmlModel *model;

	healthml_check(ctx, hml_model_read(ctx, VARDATA_ANY(artifact), VARSIZE_ANY_EXHDR(artifact), &model));
	return model;
}

static bytea *
write_model(HmlContext *ctx, const HmlModel *model)
{
	HmlWriter writer;
	bytea *artifact;

	hml_writer_init(&writer, ctx);
	healthml_check(ctx, hml_model_write(model, &writer));
	artifact = palloc(writer.length + VARHDRSZ);
	SET_VARSIZE(artifact, writer.length + VARHDRSZ);
	memcpy(VARDATA(artifact), writer.data, writer.length);
	return artifact;
}

static Datum *
elements_of(ArrayType *array, Oid type, const char *name, int *n)
{
	Datum *elements;

	if (array_contains_nulls(array))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not contain nulls", name)));
	deconstruct_array(array, type, -1, false, TYPALIGN_INT, &elements, NULL, n);
	return elements;
}

/* A vector that must have as many weights as another one. */
static float4 *
weights_of(ArrayType *array, size_t n)
{
	healthml_check_same_length((uint32) n, healthml_weights_length(array, SIZE_MAX));
	return (float4 *) ARR_DATA_PTR(array);
}

/* ---- the beginning ---- */

static HmlSummary *
read_summary(HmlContext *ctx, HmlArena *arena, bytea *bytes)
{
	HmlSummary *summary;
	HmlReader reader;

	hml_reader_init(&reader, ctx, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), "summary of a client");
	healthml_check(ctx, hml_summary_read(arena, &reader, &summary));
	return summary;
}

PG_FUNCTION_INFO_V1(healthml_federated_summary_rows);
Datum
healthml_federated_summary_rows(PG_FUNCTION_ARGS)
{
	HmlContext ctx;
	HmlArena *arena;

	begin(&ctx, &arena);
	PG_RETURN_INT64(read_summary(&ctx, arena, PG_GETARG_BYTEA_PP(0))->n_rows);
}

PG_FUNCTION_INFO_V1(healthml_federated_begin);

/* (params jsonb, summaries bytea[]) RETURNS bytea: the artifact of the untrained model */
Datum
healthml_federated_begin(PG_FUNCTION_ARGS)
{
	HmlContext ctx;
	HmlArena *arena;
	HmlParams *params;
	HmlModel *model;
	HmlSummary *combined;
	HmlSummary **summaries;
	int n;
	Datum *elements = elements_of(PG_GETARG_ARRAYTYPE_P(1), BYTEAOID, "summaries", &n);

	begin(&ctx, &arena);
	healthml_check(&ctx,
				   hml_algorithm_params(arena, &hml_mlp,
										healthml_document_of_jsonb(arena, PG_GETARG_DATUM(0)), &params));
	summaries = palloc(sizeof(*summaries) * (n + 1));
	for (int i = 0; i < n; i++)
		summaries[i] = read_summary(&ctx, arena, DatumGetByteaPP(elements[i]));
	healthml_check(&ctx,
				   hml_summary_combine(arena, (const HmlSummary *const *) summaries, (size_t) n, &combined));
	healthml_check(&ctx, hml_fed_begin(&ctx, combined, params, &model));
	PG_RETURN_BYTEA_P(write_model(&ctx, model));
}

/* ---- weights ---- */

PG_FUNCTION_INFO_V1(healthml_federated_weights);
Datum
healthml_federated_weights(PG_FUNCTION_ARGS)
{
	HmlContext ctx;
	HmlArena *arena;
	const float *weights;
	size_t n;
	ArrayType *result;

	begin(&ctx, &arena);
	healthml_check(&ctx, hml_fed_weights(&ctx, read_model(&ctx, PG_GETARG_BYTEA_PP(0)), &weights, &n));
	result = healthml_make_weights((uint32) n, FLOAT4OID);
	memcpy(ARR_DATA_PTR(result), weights, n * sizeof(float4));
	PG_RETURN_ARRAYTYPE_P(result);
}

PG_FUNCTION_INFO_V1(healthml_federated_learnt_weights);

/* (artifact bytea) RETURNS integer */
Datum
healthml_federated_learnt_weights(PG_FUNCTION_ARGS)
{
	HmlContext ctx;
	HmlArena *arena;
	size_t n;

	begin(&ctx, &arena);
	healthml_check(&ctx, hml_fed_learnt_weights(&ctx, read_model(&ctx, PG_GETARG_BYTEA_PP(0)), &n));
	PG_RETURN_INT32((int32) n);
}

static void
sum_tallies(HmlContext *ctx, ArrayType *array, HmlFedTally *total)
{
	HmlFedTally *tally = palloc(sizeof(*tally));
	int n;
	Datum *elements = elements_of(array, BYTEAOID, "tallies", &n);

	memset(total, 0, sizeof(*total));
	for (int i = 0; i < n; i++)
	{
		bytea *bytes = DatumGetByteaPP(elements[i]);
		HmlReader reader;

		hml_reader_init(&reader, ctx, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), "tally of a client");
		healthml_check(ctx, hml_fed_tally_read(&reader, tally));
		hml_fed_tally_add(total, tally);
	}
	pfree(tally);
}

PG_FUNCTION_INFO_V1(healthml_federated_replace);

/* (artifact bytea, weights real[], tallies bytea[]) RETURNS bytea: with these weights, calibrated by the tallies */
Datum
healthml_federated_replace(PG_FUNCTION_ARGS)
{
	HmlContext ctx;
	HmlArena *arena;
	HmlModel *model;
	ArrayType *weights = PG_GETARG_ARRAYTYPE_P(1);
	HmlFedTally *tally = palloc(sizeof(*tally));

	begin(&ctx, &arena);
	model = read_model(&ctx, PG_GETARG_BYTEA_PP(0));
	healthml_check(&ctx, hml_fed_set_weights(&ctx, model, (float4 *) ARR_DATA_PTR(weights),
											 healthml_weights_length(weights, SIZE_MAX)));
	sum_tallies(&ctx, PG_GETARG_ARRAYTYPE_P(2), tally);
	healthml_check(&ctx, hml_fed_calibrate(model, tally));
	PG_RETURN_BYTEA_P(write_model(&ctx, model));
}

PG_FUNCTION_INFO_V1(healthml_federated_report);

/* (artifact bytea, tallies bytea[]) RETURNS jsonb */
Datum
healthml_federated_report(PG_FUNCTION_ARGS)
{
	HmlContext ctx;
	HmlArena *arena;
	HmlModel *model;
	HmlFedTally *tally = palloc(sizeof(*tally));
	HmlText text;
	const char *members;

	begin(&ctx, &arena);
	model = read_model(&ctx, PG_GETARG_BYTEA_PP(0));
	sum_tallies(&ctx, PG_GETARG_ARRAYTYPE_P(1), tally);
	hml_text_init(&text, &ctx);
	healthml_check(&ctx, hml_fed_report(&ctx, tally, model, &text));
	healthml_check(&ctx, hml_text_finish(&text, &members));
	PG_RETURN_DATUM(healthml_jsonb_of_json(psprintf("{%s}", members)));
}

/* ---- versions ---- */

PG_FUNCTION_INFO_V1(healthml_federated_register);

/* (model text, artifact bytea, metrics jsonb, trained_on text) RETURNS healthml.training_result */
Datum
healthml_federated_register(PG_FUNCTION_ARGS)
{
	HealthmlNewVersion new_version = {.model = text_to_cstring(PG_GETARG_TEXT_PP(0)),
									  .metrics =
										  DatumGetCString(DirectFunctionCall1(jsonb_out, PG_GETARG_DATUM(2))),
									  .trained_on = text_to_cstring(PG_GETARG_TEXT_PP(3)),
									  .started_at = GetCurrentTimestamp()};
	HmlContext ctx;
	HmlArena *arena;
	int32 version;

	begin(&ctx, &arena);
	new_version.content = read_model(&ctx, PG_GETARG_BYTEA_PP(1));
	healthml_check_new_version(new_version.model, new_version.content->algorithm);
	PG_RETURN_DATUM(healthml_register_version(&new_version, &version));
}

/* ---- the server's step ---- */

static const HmlParamSpec strategy_specs[] = {
	{"eta", HML_PARAM_NUMBER, "null", 0, 1e6, NULL, "Learning rate of the server."},
	{"beta_1", HML_PARAM_NUMBER, "null", 0, 0.999999, NULL, "Momentum, or decay of the first moment."},
	{"beta_2", HML_PARAM_NUMBER, "null", 0, 0.999999, NULL, "Decay of the second moment."},
	{"tau", HML_PARAM_NUMBER, "null", 1e-12, 1e6, NULL, "Added to the root of the second moment."},
	{"mu", HML_PARAM_NUMBER, "null", 0, 1e6, NULL, "Pull towards the global weights, of fedprox."},
	{"beta", HML_PARAM_NUMBER, "null", 0, 0.499999, NULL, "Share that fed_trimmed_mean cuts at each end."},
	{"malicious", HML_PARAM_INTEGER, "null", 0, 1000000, NULL, "Malicious clients that krum reckons with."},
	{0}};

static void
set_when_given(const HmlParams *params, const char *name, double *value)
{
	if (hml_param_is_set(params, name))
		*value = hml_param_number(params, name);
}

static void
read_strategy(HmlContext *ctx, HmlArena *arena, const char *strategy, Datum options,
			  HmlServerOptimizer *optimizer)
{
	static const HmlParamSpec *const specs[] = {strategy_specs, NULL};
	HmlParams *params;

	healthml_check(ctx, hml_server_optimizer_default(ctx, strategy, optimizer));
	healthml_check(
		ctx, hml_params_parse(arena, strategy, specs, healthml_document_of_jsonb(arena, options), &params));
	set_when_given(params, "eta", &optimizer->eta);
	set_when_given(params, "beta_1", &optimizer->beta_1);
	set_when_given(params, "beta_2", &optimizer->beta_2);
	set_when_given(params, "tau", &optimizer->tau);
}

PG_FUNCTION_INFO_V1(healthml_federated_step);

/*
 * (strategy text, options jsonb, round int, current real[], update real[], first real[], second real[], learnt int,
 *  OUT next real[], OUT first real[], OUT second real[]): update is the average change.  Running means and variances,
 *  which come after the learnt weights, are averaged: a step could make a variance negative.
 */
Datum
healthml_federated_step(PG_FUNCTION_ARGS)
{
	HmlContext ctx;
	HmlArena *arena;
	HmlServerOptimizer optimizer;
	uint32 n = healthml_weights_length(PG_GETARG_ARRAYTYPE_P(3), SIZE_MAX);
	uint32 learnt = Min(n, (uint32) Max(PG_GETARG_INT32(7), 0));
	float4 *current = weights_of(PG_GETARG_ARRAYTYPE_P(3), n);
	float4 *average = weights_of(PG_GETARG_ARRAYTYPE_P_COPY(4), n);
	ArrayType *next = healthml_make_weights(n, FLOAT4OID);
	ArrayType *first = PG_GETARG_ARRAYTYPE_P_COPY(5);
	ArrayType *second = PG_GETARG_ARRAYTYPE_P_COPY(6);
	TupleDesc desc;
	Datum values[3];
	bool nulls[3] = {false, false, false};

	begin(&ctx, &arena);
	read_strategy(&ctx, arena, text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_DATUM(1), &optimizer);
	for (uint32 i = 0; i < n; i++)
		average[i] += current[i];
	hml_server_step(&optimizer, PG_GETARG_INT32(2), learnt, current, average, weights_of(first, n),
					weights_of(second, n), (float4 *) ARR_DATA_PTR(next));
	memcpy((float4 *) ARR_DATA_PTR(next) + learnt, average + learnt, (n - learnt) * sizeof(float4));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = PointerGetDatum(next);
	values[1] = PointerGetDatum(first);
	values[2] = PointerGetDatum(second);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

PG_FUNCTION_INFO_V1(healthml_federated_check_strategy);

/* (strategy text, options jsonb) RETURNS void: an error when they make no sense */
Datum
healthml_federated_check_strategy(PG_FUNCTION_ARGS)
{
	HmlContext ctx;
	HmlArena *arena;
	HmlServerOptimizer optimizer;

	begin(&ctx, &arena);
	read_strategy(&ctx, arena, text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_DATUM(1), &optimizer);
	PG_RETURN_VOID();
}

/* ---- secure aggregation ---- */

static void
add_masked(uint32 *sum, bytea *masked, Size size)
{
	if (VARSIZE_ANY_EXHDR(masked) != size || size < 2 * sizeof(uint32) || size % sizeof(uint32) != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("masked updates differ in length: %zu and %zu bytes", (size_t) size,
							   (size_t) VARSIZE_ANY_EXHDR(masked))));
	for (Size i = 0; i < size / sizeof(uint32); i++)
	{
		uint32 network;

		memcpy(&network, VARDATA_ANY(masked) + i * sizeof(uint32), sizeof(uint32));
		sum[i] += pg_ntoh32(network);
	}
}

PG_FUNCTION_INFO_V1(healthml_federated_unmask);

/* (masked bytea[], clip float8) RETURNS real[]: the average update, from all clients of a round together */
Datum
healthml_federated_unmask(PG_FUNCTION_ARGS)
{
	int n_clients;
	Datum *elements = elements_of(PG_GETARG_ARRAYTYPE_P(0), BYTEAOID, "masked updates", &n_clients);
	double clip = PG_GETARG_FLOAT8(1);
	Size size;
	size_t n;
	uint32 *sum;
	double *values;
	ArrayType *average;

	if (n_clients < 2)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("secure aggregation needs at least two clients")));
	size = VARSIZE_ANY_EXHDR(DatumGetByteaPP(elements[0]));
	n = size / sizeof(uint32);
	healthml_check_block(size + n * (sizeof(double) + sizeof(float4)), "the sum of masked updates");
	sum = palloc0(size + sizeof(uint32));
	for (int i = 0; i < n_clients; i++)
		add_masked(sum, DatumGetByteaPP(elements[i]), size);
	values = MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(double));
	hml_mask_dequantise(sum, n, (size_t) n_clients, clip, values);
	if (!(values[n - 1] > 0) || values[n - 1] > n_clients + 0.01)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("masks of the round do not cancel"),
						errdetail("A client is missing, or two of them used different keys.")));
	average = healthml_make_weights((uint32) (n - 1), FLOAT4OID);
	for (size_t i = 0; i < n - 1; i++)
		((float4 *) ARR_DATA_PTR(average))[i] = (float4) (values[i] / values[n - 1]);
	PG_RETURN_ARRAYTYPE_P(average);
}

/* ---- differential privacy ---- */

PG_FUNCTION_INFO_V1(healthml_federated_add_noise);

/* (update real[], standard_deviation float8) RETURNS real[] */
Datum
healthml_federated_add_noise(PG_FUNCTION_ARGS)
{
	HmlContext ctx;
	HmlArena *arena;
	ArrayType *update = PG_GETARG_ARRAYTYPE_P_COPY(0);
	uint32 n = healthml_weights_length(update, SIZE_MAX);
	size_t weight;

	if (!(PG_GETARG_FLOAT8(1) >= 0) || isinf(PG_GETARG_FLOAT8(1)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("standard deviation must not be negative, but is %g", PG_GETARG_FLOAT8(1))));
	begin(&ctx, &arena);
	healthml_check(&ctx, hml_dp_add_noise(&ctx, (float4 *) ARR_DATA_PTR(update), n, PG_GETARG_FLOAT8(1)));
	weight = hml_average_find_nonfinite_f32((float4 *) ARR_DATA_PTR(update), n);
	if (weight < n)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("weight %zu with its noise is not finite", weight + 1)));
	PG_RETURN_ARRAYTYPE_P(update);
}

PG_FUNCTION_INFO_V1(healthml_federated_epsilon);

/* (noise_multiplier float8, sampling_rate float8, rounds bigint, delta float8) RETURNS float8 */
Datum
healthml_federated_epsilon(PG_FUNCTION_ARGS)
{
	HmlContext ctx;
	HmlArena *arena;
	double epsilon;

	begin(&ctx, &arena);
	healthml_check(&ctx, hml_dp_epsilon(&ctx, PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1), PG_GETARG_INT64(2),
										PG_GETARG_FLOAT8(3), &epsilon));
	PG_RETURN_FLOAT8(epsilon);
}
