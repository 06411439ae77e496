/*
 * classify.c
 *	  One classification for all modalities: what a model finds in a recording, as
 *	  a row.
 *
 * SQL declares a function for each modality, <modality>_classify, and the columns
 * that it returns.  A column is filled by its name: label, confidence, entropy, reason,
 * usable_share, duration_s, sample_rate, model, version; a measure of the modality;
 * a class of the model, as such or with "p_" before it, whose probability it is.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "pg/server/document.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"
#include "pg/signal/named_row.h"
#include "pg/signal/recording.h"
#include "pg/signal/recording_call.h"

/* ---- columns ---- */

typedef struct Findings
{
	const HealthmlRecordingCall *call;
	const HealthmlFinding *finding;
} Findings;

static const char *
text_of(const Findings *result, const char *name)
{
	const HmlVerdict *verdict = &result->finding->verdict;

	if (strcmp(name, "label") == 0)
		return healthml_from_utf8(hml_verdict_word(verdict));
	if (strcmp(name, "reason") == 0)
		return verdict->quality.doubt;
	if (strcmp(name, "model") == 0)
		return healthml_binding_version(result->call->scorer->binding)->model;
	return NULL;
}

static double
measure_of(const Findings *result, const char *name)
{
	const char *const *measures = result->call->recording.modality->measures;

	for (int i = 0; measures[i] != NULL; i++)
		if (strcmp(measures[i], name) == 0)
			return result->finding->measures[i];
	return NAN;
}

/* NaN where the model has no such class. */
static double
probability_of(const Findings *result, const char *name)
{
	const HmlModel *model = result->call->scorer->model;

	for (size_t i = 0; i < model->n_outputs; i++)
	{
		const char *class = model->output_names[i];

		if (strcmp(name, class) == 0 || (strncmp(name, "p_", 2) == 0 && strcmp(name + 2, class) == 0))
			return result->finding->verdict.outputs[i];
	}
	return NAN;
}

/* Of the probabilities, as a share of the most there can be. */
static double
entropy_of(const Findings *result)
{
	const double *outputs = result->finding->verdict.outputs;
	size_t n = result->call->scorer->model->n_outputs;
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		if (outputs[i] > 0)
			sum -= outputs[i] * log(outputs[i]);
	return n > 1 ? sum / log((double) n) : NAN;
}

static double
number_of(const Findings *result, const char *name)
{
	const HealthmlFinding *finding = result->finding;
	double number = measure_of(result, name);

	if (strcmp(name, "confidence") == 0)
		return finding->verdict.confidence;
	if (strcmp(name, "entropy") == 0)
		return entropy_of(result);
	if (strcmp(name, "usable_share") == 0)
		return finding->verdict.quality.usable_share;
	if (strcmp(name, "duration_s") == 0)
		return finding->duration_s;
	if (strcmp(name, "sample_rate") == 0)
		return finding->sample_rate;
	if (strcmp(name, "version") == 0)
		return healthml_binding_version(result->call->scorer->binding)->version;
	return isnan(number) ? probability_of(result, name) : number;
}

static Datum
result_row(const Findings *result)
{
	HealthmlNamedRow row = healthml_named_row(result->call->result);

	for (int i = 0; i < row.desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(row.desc, i);

		if (column->atttypid == TEXTOID)
			healthml_set_text(&row, i, text_of(result, NameStr(column->attname)));
		else
			healthml_set_number(&row, i, number_of(result, NameStr(column->attname)));
	}
	return HeapTupleGetDatum(heap_form_tuple(row.desc, row.values, row.nulls));
}

/* ---- SQL ---- */

PG_FUNCTION_INFO_V1(healthml_classify);

/* healthml.<modality>_classify(recording, ..., model text | artifact_id uuid): see recording_call.h for the arguments */
Datum
healthml_classify(PG_FUNCTION_ARGS)
{
	HealthmlRecordingCall *call = healthml_recording_call(fcinfo);
	MemoryContext caller;
	HealthmlFinding finding;
	Findings result = {call, &finding};
	HmlContext ctx;
	Datum row;

	if (!healthml_take_arguments(fcinfo, call))
		PG_RETURN_NULL();
	caller = MemoryContextSwitchTo(call->memory);
	healthml_context_init(&ctx, call->memory);
	healthml_limit_memory(&ctx);
	healthml_check(&ctx, healthml_examine(call->scorer, &ctx, &call->recording, &finding));
	MemoryContextSwitchTo(caller);
	row = result_row(&result);
	MemoryContextReset(call->memory);
	PG_RETURN_DATUM(row);
}

/* ---- features ---- */

static HmlStatus
encode(HmlArena *arena, const HmlEncoder *encoder, const HealthmlRecording *recording, HmlEncodedSignal *out)
{
	HmlContext *ctx = hml_arena_context(arena);
	HmlSignal signal;
	HmlStatus status;

	*out = (HmlEncodedSignal){0};
	HML_TRY(healthml_read_signal(ctx, recording, &signal));
	status = encoder->encode(arena, NULL, &signal, out);
	hml_signal_free(ctx, &signal);
	return status;
}

PG_FUNCTION_INFO_V1(healthml_signal_features);

/* healthml.<modality>_features(recording) RETURNS jsonb */
Datum
healthml_signal_features(PG_FUNCTION_ARGS)
{
	const HmlEncoder *encoder =
		healthml_feature_encoder(healthml_modality_of_function(fcinfo->flinfo->fn_oid));
	HealthmlRecording recording = {
		.modality = encoder->modality, .datum = PG_GETARG_DATUM(0), .at_s = NAN, .sample_rate = NAN};
	HmlContext ctx;
	HmlArena *arena;
	HmlEncodedSignal encoding;

	healthml_context_init(&ctx, CurrentMemoryContext);
	healthml_limit_memory(&ctx);
	healthml_check(&ctx, hml_arena_create(&ctx, &arena));
	healthml_check(&ctx, encode(arena, encoder, &recording, &encoding));
	if (!encoding.is_usable)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(healthml_numbers_document(encoder->names, encoding.values, encoder->n_features));
}
