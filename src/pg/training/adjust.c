/*
 * adjust.c
 *	  New versions of a model without training: healthml.set_threshold and
 *	  healthml.calibrate.
 *
 * The model is read again from its own bytes, changed, and written as a version
 * that has the settings, the source and the target of the one it was made from.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "core/model/labels.h"
#include "core/model/verdict.h"
#include "core/base/sort.h"
#include "core/stats/quantile.h"
#include "core/stats/ranking.h"
#include "core/stats/threshold.h"

#include "pg/registry/binding.h"
#include "pg/rows/frame_source.h"
#include "pg/server/arguments.h"
#include "pg/server/document.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"
#include "pg/server/statement.h"

typedef struct Adjustment
{
	HmlContext ctx;
	HmlModel *model; /* the copy that is changed */
	HealthmlVersion version;
	const char *source; /* NULL = none was given */
	const char *target;
	size_t n; /* rows whose class is known */
	double *scores;
	bool *labels;
} Adjustment;

/* ---- the model ---- */

static void
copy_model(Adjustment *a, const HmlModel *model)
{
	HmlWriter writer;

	hml_writer_init(&writer, &a->ctx);
	healthml_check(&a->ctx, hml_model_write(model, &writer));
	healthml_check(&a->ctx, hml_model_read(&a->ctx, writer.data, writer.length, &a->model));
	hml_writer_free(&writer);
}

static Adjustment *
start(FunctionCallInfo fcinfo, const char *usage, int source, int target)
{
	Adjustment *a = palloc0(sizeof(*a));
	HealthmlBinding *binding = healthml_binding_create(CurrentMemoryContext);
	const HmlModel *model;
	bool changed;

	PreventCommandDuringRecovery(usage);
	PreventCommandIfReadOnly(usage);
	PreventCommandIfParallelMode(usage);
	model = healthml_bind_reference(binding, cstring_to_text(healthml_required_text(fcinfo, 0, "model")),
									&changed);
	healthml_context_init(&a->ctx, CurrentMemoryContext);
	healthml_limit_memory(&a->ctx);
	a->version = *healthml_binding_version(binding);
	copy_model(a, model);
	healthml_check_new_version(a->version.model, model->algorithm);
	if (!PG_ARGISNULL(source))
		a->source = text_to_cstring(PG_GETARG_TEXT_PP(source));
	if (!PG_ARGISNULL(target))
		a->target = text_to_cstring(PG_GETARG_TEXT_PP(target));
	if (!hml_has_risk(model))
		ereport(
			ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("model \"%s\" has no threshold", a->version.model),
			 errhint("Detectors have one, classifiers of two classes, and those with parameter \"alarm\".")));
	return a;
}

/* ---- rows that judge ---- */

static HmlFrame *
read_rows(Adjustment *a, bool has_target)
{
	const HmlModel *model = a->model;
	HealthmlFrameRequest request = {
		.source = a->source,
		.target = has_target ? a->target : NULL,
		.target_is_condition = model->algorithm->target_use == HML_TARGET_EVALUATES,
		.max_rows = SIZE_MAX,
		.max_bytes = a->ctx.memory_limit / 3,
		.seed = 1,
	};
	int64 rows;

	if (a->source == NULL || (has_target && a->target == NULL))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("argument \"%s\" must not be null", a->source == NULL ? "source" : "target")));
	if (model->algorithm->encoder != NULL)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("model \"%s\" is of recordings and takes a number as its threshold only",
							   a->version.model)));
	for (size_t i = 0; i < model->pipeline->n_features; i++)
		request.features =
			lappend(request.features, (char *) healthml_from_utf8(model->pipeline->features[i].column.name));
	return healthml_read_frame(&a->ctx, &request, &rows);
}

/* Scores of all rows of the frame. */
static void
score_rows(Adjustment *a, const HmlFrame *frame)
{
	uint32_t *rows = palloc_extended(sizeof(uint32_t) * Max(frame->n_rows, 1), MCXT_ALLOC_HUGE);

	a->n = frame->n_rows;
	a->scores = palloc_extended(sizeof(double) * Max(a->n, 1), MCXT_ALLOC_HUGE);
	for (size_t i = 0; i < a->n; i++)
		rows[i] = (uint32_t) i;
	healthml_check(&a->ctx, hml_frame_scores(&a->ctx, a->model, frame, rows, a->n, NULL, a->scores));
}

/* Is the target what the model warns of?  -1 where it is not known. */
static int
outcome_of(const HmlModel *model, const HmlFrame *frame, size_t row)
{
	double target = hml_frame_values(frame, HML_ROLE_TARGET)[row];
	size_t class;

	if (isnan(target))
		return -1;
	if (model->output_names == NULL)
		return target == 1 ? 1 : target == 0 ? 0 : -1;
	class = hml_class_of_target(model, hml_frame_column(frame, HML_ROLE_TARGET), target);
	return class == model->n_outputs ? -1 : hml_is_alarm_class(model, class);
}

/* Scores and labels of the rows whose class is known. */
static void
judge_rows(Adjustment *a)
{
	HmlFrame *frame = read_rows(a, true);
	size_t known = 0;

	score_rows(a, frame);
	a->labels = palloc_extended(sizeof(bool) * Max(a->n, 1), MCXT_ALLOC_HUGE);
	for (size_t i = 0; i < a->n; i++)
	{
		int outcome = outcome_of(a->model, frame, i);

		if (outcome < 0)
			continue;
		a->scores[known] = a->scores[i];
		a->labels[known++] = outcome == 1;
	}
	a->n = known;
}

/* ---- the new version ---- */

static HealthmlStatement find_parent = {
	.sql = "SELECT v.metrics::pg_catalog.text, v.trained_on, v.target FROM healthml.model m "
		   "JOIN healthml.model_version v USING (model_id) "
		   "WHERE m.name" EQUALS "$1 AND v.version" EQUALS "$2 ORDER BY model_id DESC LIMIT 1",
	.n_arguments = 2,
	.types = {TEXTOID, INT4OID},
};

static char *
parent_value(int column, MemoryContext memory)
{
	char *value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column);

	return value != NULL ? MemoryContextStrdup(memory, value) : NULL;
}

static Datum
register_copy(Adjustment *a, TimestampTz started_at)
{
	MemoryContext memory = CurrentMemoryContext;
	HealthmlNewVersion new_version = {
		.model = a->version.model, .content = a->model, .started_at = started_at};
	Datum values[2] = {CStringGetTextDatum(a->version.model), Int32GetDatum(a->version.version)};
	int32 version;

	new_version.metrics = "{}";
	new_version.trained_on = "unknown";
	SPI_connect();
	if (healthml_execute(&find_parent, values, NULL, true) > 0)
	{
		new_version.metrics = psprintf("{\"threshold\": %s, \"adjusted_from\": %d, \"before\": %s}",
									   float8out_internal(a->model->calibration.threshold),
									   a->version.version, parent_value(1, memory));
		new_version.metrics = MemoryContextStrdup(memory, new_version.metrics);
		new_version.trained_on = parent_value(2, memory);
		new_version.target = parent_value(3, memory);
	}
	SPI_finish();
	if (new_version.trained_on == NULL)
		new_version.trained_on = "unknown";
	return healthml_register_version(&new_version, &version);
}

/* Risk is high above the threshold; medium of a classifier above half of it, of a detector where it was. */
static void
set_cutoffs(HmlModel *model, double threshold)
{
	HmlCalibration *calibration = &model->calibration;

	calibration->threshold = threshold;
	calibration->high_cutoff = threshold;
	calibration->medium_cutoff = model->output_names != NULL ? fmin(threshold / 2, threshold)
															 : fmin(calibration->medium_cutoff, threshold);
}

/* ---- set_threshold ---- */

static HealthmlStatement find_volume = {
	.sql = "SELECT pg_catalog.count(*)::pg_catalog.float8 OPERATOR(pg_catalog./) "
		   "pg_catalog.count(DISTINCT predicted_at::pg_catalog.date) "
		   "FROM healthml.prediction WHERE model" EQUALS
		   "$1 HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0",
	.n_arguments = 1,
	.types = {TEXTOID},
};

/* Predictions of the model on a day that has any. */
static double
predictions_per_day(const Adjustment *a)
{
	Datum values[1] = {CStringGetTextDatum(a->version.model)};
	double volume;

	SPI_connect();
	if (healthml_execute(&find_volume, values, NULL, true) == 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("model \"%s\" has no predictions from which to know how many a day has",
							   a->version.model),
						errhint("Record predictions first, or give a number as the threshold.")));
	volume = DatumGetFloat8(healthml_result(1));
	SPI_finish();
	return volume;
}

static double
threshold_for_alerts(Adjustment *a, double alerts)
{
	double share = alerts / predictions_per_day(a);

	score_rows(a, read_rows(a, false));
	if (a->n == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the source has no rows")));
	healthml_check(&a->ctx, hml_sort_doubles(&a->ctx, a->scores, a->n));
	return hml_quantile(a->scores, a->n, share < 1 ? 1 - share : 0);
}

static double
threshold_for_share(Adjustment *a, bool sensitivity, double share)
{
	HmlRanking ranking;
	double threshold;

	judge_rows(a);
	healthml_check(&a->ctx, hml_ranking_create(&a->ctx, a->scores, a->labels, a->n, &ranking));
	if ((sensitivity ? ranking.n_positives : ranking.n_negatives) == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the source has no rows that are %s", sensitivity ? "positive" : "negative")));
	threshold = sensitivity ? hml_threshold_of_sensitivity(&ranking, share)
							: hml_threshold_of_specificity(&ranking, share);
	hml_ranking_free(&a->ctx, &ranking);
	return threshold;
}

/* A number, or "sensitivity:0.90", "specificity:0.95", "alerts_per_day:20". */
static double
threshold_of_text(Adjustment *a, const char *text)
{
	static const char *const purposes[] = {"", "sensitivity:", "specificity:", "alerts_per_day:"};

	for (int i = lengthof(purposes) - 1; i >= 0; i--)
	{
		size_t length = strlen(purposes[i]);
		char *end;
		double number;

		if (strncmp(text, purposes[i], length) != 0)
			continue;
		number = strtod(text + length, &end);
		if (end == text + length || *end != '\0' || !isfinite(number) || (i > 0 && !(number > 0)) ||
			((i == 1 || i == 2) && number > 1))
			break;
		if (i == 0)
			return number;
		return i == 3 ? threshold_for_alerts(a, number) : threshold_for_share(a, i == 1, number);
	}
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid threshold \"%s\"", text),
					errhint("It is a number, or sensitivity:0.90, specificity:0.95 or alerts_per_day:20.")));
	return 0;
}

PG_FUNCTION_INFO_V1(healthml_set_threshold);

/* healthml.set_threshold(model, value, source, target) RETURNS healthml.training_result */
Datum
healthml_set_threshold(PG_FUNCTION_ARGS)
{
	TimestampTz started_at = GetCurrentTimestamp();
	Adjustment *a = start(fcinfo, "healthml.set_threshold()", 2, 3);
	double threshold = threshold_of_text(a, healthml_required_text(fcinfo, 1, "value"));

	if (a->model->output_names != NULL && !(threshold >= 0 && threshold <= 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("threshold of a probability must be between 0 and 1, not %g", threshold)));
	set_cutoffs(a->model, threshold);
	PG_RETURN_DATUM(register_copy(a, started_at));
}

/* ---- calibrate ---- */

static HmlCorrectionKind
method_of(const char *name)
{
	if (strcmp(name, "platt") == 0)
		return HML_CORRECT_PLATT;
	if (strcmp(name, "isotonic") == 0)
		return HML_CORRECT_ISOTONIC;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("method must be \"platt\" or \"isotonic\", not \"%s\"", name)));
	return HML_CORRECT_PLATT;
}

static double
corrected(const HmlCorrection *correction, double p)
{
	double outputs[2] = {1 - p, p};

	hml_correct(correction, outputs, 1, 2);
	return outputs[1];
}

/* Add the correction, and carry percentiles and threshold along, which are those of the same rows as before. */
static void
correct_model(Adjustment *a, const HmlCorrection *correction)
{
	HmlModel *model = a->model;
	HmlCorrection *all;

	healthml_check(&a->ctx, HML_ARENA_NEW_ZERO(model->arena, &all, model->n_corrections + 1));
	for (size_t i = 0; i < model->n_corrections; i++)
		all[i] = model->corrections[i];
	all[model->n_corrections++] = *correction;
	model->corrections = all;
	for (size_t i = 0; i < model->calibration.n_scores; i++)
		model->calibration.scores[i] = corrected(correction, model->calibration.scores[i]);
	set_cutoffs(model, corrected(correction, model->calibration.threshold));
}

PG_FUNCTION_INFO_V1(healthml_calibrate);

/* healthml.calibrate(model, source, target, method) RETURNS healthml.training_result */
Datum
healthml_calibrate(PG_FUNCTION_ARGS)
{
	TimestampTz started_at = GetCurrentTimestamp();
	HmlCorrectionKind kind = method_of(healthml_required_text(fcinfo, 3, "method"));
	Adjustment *a = start(fcinfo, "healthml.calibrate()", 1, 2);
	HmlCorrection correction;

	if (a->model->output_names == NULL || a->model->n_outputs != 2)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("model \"%s\" has no probability of two classes to calibrate", a->version.model)));
	if (a->model->n_corrections == HML_MAX_CORRECTIONS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("version %d of model \"%s\" was calibrated too often: %d times (limit %d)",
						a->version.version, a->version.model, HML_MAX_CORRECTIONS, HML_MAX_CORRECTIONS)));
	judge_rows(a);
	healthml_check(&a->ctx,
				   hml_correction_fit(a->model->arena, kind, a->scores, a->labels, a->n, &correction));
	correct_model(a, &correction);
	PG_RETURN_DATUM(register_copy(a, started_at));
}
