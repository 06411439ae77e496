/*
 * evaluate.c
 *	  healthml.evaluate, healthml.compare and healthml.cross_validate: metrics as
 *	  jsonb, which SQL turns into rows.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "core/model/compare.h"
#include "core/model/evaluate.h"

#include "pg/registry/algorithms.h"
#include "pg/server/arguments.h"
#include "pg/registry/binding.h"
#include "pg/server/document.h"
#include "pg/server/errors.h"
#include "pg/rows/frame_source.h"
#include "pg/server/memory.h"
#include "pg/training/suspects.h"

/* ---- a model on a source ---- */

static bool
is_listed(const List *names, const char *name)
{
	ListCell *cell;

	foreach (cell, names)
		if (strcmp(lfirst(cell), name) == 0)
			return true;
	return false;
}

/* The names, and those of the model's features that are not among them. */
static List *
add_features(List *names, const HmlModel *model)
{
	for (size_t i = 0; i < model->pipeline->n_features; i++)
	{
		const char *name = healthml_from_utf8(model->pipeline->features[i].column.name);

		if (!is_listed(names, name))
			names = lappend(names, (char *) name);
	}
	return names;
}

/* The recordings of the source lie in the column where those of the training did. */
static void
request_recordings(HmlContext *ctx, const HmlModel *model, HealthmlFrameRequest *request)
{
	HmlArena *arena;
	const HmlJson *given;
	HmlParams *params;

	healthml_check(ctx, hml_arena_create(ctx, &arena));
	healthml_check(ctx, hml_json_parse(arena, model->params, strlen(model->params), &given));
	healthml_check(ctx, hml_algorithm_params(arena, model->algorithm, given, &params));
	healthml_request_roles(request, model->algorithm, params);
	request->group = NULL;
	request->site = NULL;
	request->weight = NULL;
	request->labels = NIL;
	request->excluded = NIL;
}

/* replicates, confidence and seed are arguments 'first' and the next two. */
static HmlBootstrap
bootstrap_of(FunctionCallInfo fcinfo, int first)
{
	HmlBootstrap bootstrap = hml_bootstrap_default();
	int32 replicates = PG_GETARG_INT32(first);

	bootstrap.replicates = (size_t) replicates;
	bootstrap.confidence = PG_GETARG_FLOAT8(first + 1);
	bootstrap.seed = (uint64) PG_GETARG_INT64(first + 2);
	if (replicates < 0 || replicates > HML_BOOTSTRAP_MAX_REPLICATES)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("replicates must be between 0 and %d, not %d", HML_BOOTSTRAP_MAX_REPLICATES,
							   replicates)));
	if (!(bootstrap.confidence > 0 && bootstrap.confidence < 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("confidence must be between 0 and 1, not %g", bootstrap.confidence)));
	return bootstrap;
}

static void
request_samples(HmlContext *ctx, const HmlModel *model, HealthmlFrameRequest *request)
{
	if (model->algorithm->encoder != NULL)
		request_recordings(ctx, model, request);
	else
		request->features = add_features(request->features, model);
	if (model->algorithm->target_use == HML_TARGET_EVALUATES)
		request->target_is_condition = true;
}

/* The rows of the source as samples of the model, with the target, and 'by' as their group where it is not NULL. */
static HmlFrame *
read_judged(HmlContext *ctx, const HmlModel *model, FunctionCallInfo fcinfo, const char *by, uint64 seed)
{
	HealthmlFrameRequest request = {
		.source = text_to_cstring(PG_GETARG_TEXT_PP(1)),
		.target = text_to_cstring(PG_GETARG_TEXT_PP(2)),
		.max_rows = SIZE_MAX,
		.max_bytes = ctx->memory_limit / 3,
		.seed = seed,
	};
	int64 rows;

	request_samples(ctx, model, &request);
	request.group = by;
	request.group_may_be_feature = by != NULL;
	return healthml_read_frame(ctx, &request, &rows);
}

static const char *
metrics_of_rows(HmlContext *ctx, const HmlModel *model, const HmlFrame *frame, const uint32_t *rows, size_t n,
				const HmlBootstrap *bootstrap)
{
	HmlText metrics;
	const char *members;

	hml_text_init(&metrics, ctx);
	healthml_check(ctx, hml_evaluate(ctx, model, frame, rows, n, bootstrap->replicates > 0 ? bootstrap : NULL,
									 &metrics));
	healthml_check(ctx, hml_text_finish(&metrics, &members));
	return members;
}

PG_FUNCTION_INFO_V1(healthml_evaluate);

/* (ref, source, target, replicates int, confidence float8, seed bigint) RETURNS jsonb; strict */
Datum
healthml_evaluate(PG_FUNCTION_ARGS)
{
	HealthmlBinding *binding = healthml_binding_create(CurrentMemoryContext);
	HmlBootstrap bootstrap = bootstrap_of(fcinfo, 3);
	bool changed;
	const HmlModel *model = healthml_bind_reference(binding, PG_GETARG_TEXT_PP(0), &changed);
	HmlContext ctx;
	HmlFrame *frame;

	healthml_context_init(&ctx, CurrentMemoryContext);
	healthml_limit_memory(&ctx);
	frame = read_judged(&ctx, model, fcinfo, NULL, bootstrap.seed);
	PG_RETURN_DATUM(
		healthml_jsonb_of_json(psprintf("{%s}", metrics_of_rows(&ctx, model, frame, NULL, 0, &bootstrap))));
}

/* ---- of parts of a source ---- */

/* By name or number, rows without a group last. */
static int
compare_groups(const void *a, const void *b, void *arg)
{
	const HmlFrame *frame = arg;
	double x = hml_frame_values(frame, HML_ROLE_GROUP)[*(const uint32_t *) a];
	double y = hml_frame_values(frame, HML_ROLE_GROUP)[*(const uint32_t *) b];

	if (isnan(x) || isnan(y))
		return isnan(x) && isnan(y) ? 0 : isnan(x) ? 1 : -1;
	if (hml_frame_column(frame, HML_ROLE_GROUP)->kind == HML_COLUMN_CATEGORY)
		return strcmp(hml_frame_column(frame, HML_ROLE_GROUP)->categories.texts[(size_t) x],
					  hml_frame_column(frame, HML_ROLE_GROUP)->categories.texts[(size_t) y]);
	return x < y ? -1 : x > y;
}

static bool
same_group(const HmlFrame *frame, uint32_t a, uint32_t b)
{
	return compare_groups(&a, &b, unconstify(HmlFrame *, frame)) == 0;
}

static bool
has_target(const HmlFrame *frame, const uint32_t *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isnan(hml_frame_values(frame, HML_ROLE_TARGET)[rows[i]]))
			return true;
	return false;
}

/* The value of the column that the rows have in common, as JSON. */
static void
add_group_name(HmlText *json, const HmlFrame *frame, double group)
{
	if (isnan(group))
		hml_text_add(json, "null");
	else if (hml_frame_column(frame, HML_ROLE_GROUP)->kind == HML_COLUMN_CATEGORY)
		hml_text_add_json_string(json,
								 hml_frame_column(frame, HML_ROLE_GROUP)->categories.texts[(size_t) group]);
	else if (hml_frame_column(frame, HML_ROLE_GROUP)->kind == HML_COLUMN_BOOLEAN)
		hml_text_add(json, group != 0 ? "\"true\"" : "\"false\"");
	else
		hml_text_add_json_number(json, group);
}

/* Rows of each group; those without any target are left out. */
static void
judge_groups(HmlContext *ctx, const HmlModel *model, const HmlFrame *frame, const HmlBootstrap *bootstrap,
			 HmlText *json)
{
	uint32_t *rows = palloc_extended(sizeof(uint32_t) * Max(frame->n_rows, 1), MCXT_ALLOC_HUGE);
	size_t start = 0;
	size_t n;

	for (size_t i = 0; i < frame->n_rows; i++)
		rows[i] = (uint32_t) i;
	qsort_arg(rows, frame->n_rows, sizeof(uint32_t), compare_groups, unconstify(HmlFrame *, frame));
	for (; start < frame->n_rows; start += n)
	{
		CHECK_FOR_INTERRUPTS();
		n = 1;
		while (start + n < frame->n_rows && same_group(frame, rows[start], rows[start + n]))
			n++;
		if (!has_target(frame, rows + start, n))
			continue;
		hml_text_add(json, json->length > 0 ? ", {\"subgroup\": " : "{\"subgroup\": ");
		add_group_name(json, frame, hml_frame_values(frame, HML_ROLE_GROUP)[rows[start]]);
		hml_text_addf(json, ", \"metrics\": {%s}}",
					  metrics_of_rows(ctx, model, frame, rows + start, n, bootstrap));
	}
}

PG_FUNCTION_INFO_V1(healthml_evaluate_by);

/* (ref, source, target, replicates int, confidence float8, seed bigint, by) RETURNS jsonb: an array; strict */
Datum
healthml_evaluate_by(PG_FUNCTION_ARGS)
{
	HealthmlBinding *binding = healthml_binding_create(CurrentMemoryContext);
	HmlBootstrap bootstrap = bootstrap_of(fcinfo, 3);
	bool changed;
	const HmlModel *model = healthml_bind_reference(binding, PG_GETARG_TEXT_PP(0), &changed);
	HmlContext ctx;
	HmlFrame *frame;
	HmlText json;
	const char *groups;

	healthml_context_init(&ctx, CurrentMemoryContext);
	healthml_limit_memory(&ctx);
	frame = read_judged(&ctx, model, fcinfo, text_to_cstring(PG_GETARG_TEXT_PP(6)), bootstrap.seed);
	hml_text_init(&json, &ctx);
	judge_groups(&ctx, model, frame, &bootstrap, &json);
	healthml_check(&ctx, hml_text_finish(&json, &groups));
	PG_RETURN_DATUM(healthml_jsonb_of_json(psprintf("[%s]", groups)));
}

/* ---- two models on a source ---- */

/* What both models judge is read once, for a source need not have the same rows, or the same order, twice. */
static void
request_both(HmlContext *ctx, const HmlModel *const models[2], HealthmlFrameRequest *request)
{
	const char *recordings;

	if (models[0]->algorithm->encoder != models[1]->algorithm->encoder)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("models of algorithms \"%s\" and \"%s\" cannot be compared",
							   models[0]->algorithm->name, models[1]->algorithm->name),
						errdetail("They judge different things.")));
	request_samples(ctx, models[0], request);
	recordings = request->recordings;
	request_samples(ctx, models[1], request);
	if (recordings != NULL && strcmp(recordings, request->recordings) != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("one model takes its recordings from column \"%s\", the other from \"%s\"",
							   recordings, request->recordings)));
}

PG_FUNCTION_INFO_V1(healthml_compare);

/* (a, b, source, target, replicates int, confidence float8, seed bigint) RETURNS jsonb: an array of metrics; strict */
Datum
healthml_compare(PG_FUNCTION_ARGS)
{
	HmlComparison comparison = {.bootstrap = bootstrap_of(fcinfo, 4)};
	HealthmlFrameRequest request = {
		.source = text_to_cstring(PG_GETARG_TEXT_PP(2)),
		.target = text_to_cstring(PG_GETARG_TEXT_PP(3)),
		.max_rows = SIZE_MAX,
		.seed = comparison.bootstrap.seed,
	};
	HmlContext ctx;
	HmlText items;
	const char *finished;
	bool changed;
	int64 rows;

	for (int i = 0; i < 2; i++)
		comparison.models[i] = healthml_bind_reference(healthml_binding_create(CurrentMemoryContext),
													   PG_GETARG_TEXT_PP(i), &changed);
	healthml_context_init(&ctx, CurrentMemoryContext);
	healthml_limit_memory(&ctx);
	request.max_bytes = ctx.memory_limit / 4;
	request_both(&ctx, comparison.models, &request);
	comparison.frame = healthml_read_frame(&ctx, &request, &rows);
	hml_text_init(&items, &ctx);
	healthml_check(&ctx, hml_compare(&ctx, &comparison, &items));
	healthml_check(&ctx, hml_text_finish(&items, &finished));
	PG_RETURN_DATUM(healthml_jsonb_of_json(psprintf("[%s]", finished)));
}

/* ---- cross-validation ---- */

static HmlStatus
add_fold(void *user, size_t fold, size_t rows, const char *metrics)
{
	HmlText *result = user;

	hml_text_addf(result, "%s{\"fold\": %zu, \"rows\": %zu, \"metrics\": {%s}}", fold > 0 ? ", " : "",
				  fold + 1, rows, metrics);
	return HML_OK;
}

static int32
check_folds(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(5) || PG_GETARG_INT32(5) < 2 || PG_GETARG_INT32(5) > 1000)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("folds must be between 2 and 1000")));
	return PG_GETARG_INT32(5);
}

PG_FUNCTION_INFO_V1(healthml_cross_validate);

/* (algorithm, source, features, target, params, folds int, group, seed bigint) RETURNS jsonb: an array of folds */
Datum
healthml_cross_validate(PG_FUNCTION_ARGS)
{
	HmlCrossValidation validation = {.algorithm =
										 healthml_algorithm(healthml_required_text(fcinfo, 0, "algorithm")),
									 .n_folds = (size_t) check_folds(fcinfo),
									 .seed = PG_ARGISNULL(7) ? 42 : (uint64) PG_GETARG_INT64(7),
									 .on_fold = add_fold};
	HealthmlFrameRequest request = {
		.source = healthml_required_text(fcinfo, 1, "source"),
		.features = PG_ARGISNULL(2) ? NIL : healthml_feature_list(PG_GETARG_ARRAYTYPE_P(2)),
		.target = healthml_required_text(fcinfo, 3, "target"),
		.group = PG_ARGISNULL(6) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(6)),
		.target_is_condition = validation.algorithm->target_use == HML_TARGET_EVALUATES,
		.max_rows = SIZE_MAX,
		.seed = validation.seed,
	};
	HmlContext ctx;
	HmlArena *arena;
	HmlParams *params;
	HmlText result;
	const char *folds;
	int64 rows;

	healthml_context_init(&ctx, CurrentMemoryContext);
	healthml_limit_memory(&ctx);
	healthml_check(&ctx, hml_arena_create(&ctx, &arena));
	healthml_check(&ctx, hml_algorithm_params(
							 arena, validation.algorithm,
							 PG_ARGISNULL(4) ? NULL : healthml_document_of_jsonb(arena, PG_GETARG_DATUM(4)),
							 &params));
	request.max_bytes = ctx.memory_limit / 4;
	healthml_request_roles(&request, validation.algorithm, params);
	validation.params = params;
	validation.frame = healthml_read_frame(&ctx, &request, &rows);
	healthml_report_suspects(&ctx, validation.frame);
	hml_text_init(&result, &ctx);
	validation.user = &result;
	healthml_check(&ctx, hml_cross_validate(&ctx, &validation));
	healthml_check(&ctx, hml_text_finish(&result, &folds));
	PG_RETURN_DATUM(healthml_jsonb_of_json(psprintf("[%s]", folds)));
}
