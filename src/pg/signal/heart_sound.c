/*
 * heart_sound.c
 *	  heart_sound_classify, and hearing for triggers and batches.
 *
 * (heart_sound_classify(audio)).* is ten calls, one for each column, and what
 * people write.  So the last recording is remembered with what was heard in it:
 * the same bytes and the same model give the same answer.
 */
#include "pg/signal/heart_sound.h"

#include <math.h>

#include "access/detoast.h"
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "core/heart/heart_sound_algorithm.h"

#include "pg/signal/audio.h"
#include "pg/server/document.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"
#include "pg/server/settings.h"

#define NO_EVIDENCE 0.5

const char *const healthml_sound_names[HEALTHML_SOUNDS] = {"normal", "abnormal", "uncertain"};

/* ---- hearing ---- */

static double
probability(HealthmlScorer *scorer, const HealthmlHearing *hearing)
{
	if (!hearing->has_features)
		return NO_EVIDENCE;
	healthml_scorer_read(scorer, hearing->features);
	return healthml_scorer_score(scorer);
}

HmlStatus
healthml_listen(HealthmlScorer *scorer, HmlArena *arena, const HmlAudio *audio, HmlHeartSound *sound,
				HealthmlHearing *out)
{
	double p;

	HML_TRY(hml_heart_listen(arena, audio, sound));
	out->has_features = sound->has_beats;
	hml_heart_values(sound, out->features);
	p = probability(scorer, out);
	healthml_assess_score(scorer, p, &out->assessment);
	out->reason = hml_heart_doubt(sound);
	out->sound = out->reason != NULL          ? HEALTHML_SOUND_UNCERTAIN
				 : out->assessment.is_anomaly ? HEALTHML_SOUND_ABNORMAL
											  : HEALTHML_SOUND_NORMAL;
	out->confidence = fmax(p, 1 - p);
	out->duration_s = (double) audio->n_samples / audio->sample_rate;
	out->sample_rate = audio->sample_rate;
	out->windows = (int) sound->n_windows;
	out->heart_rate_bpm = sound->heart_rate_bpm;
	return HML_OK;
}

static HmlStatus
decode_and_listen(HealthmlScorer *scorer, HmlContext *ctx, Datum recording, HealthmlHearing *out)
{
	HmlAudio audio;
	HmlArena *arena;
	HmlHeartSound sound;
	HmlStatus status;

	HML_TRY(healthml_decode_audio(ctx, recording, &audio));
	HML_TRY(hml_arena_create(ctx, &arena));
	status = healthml_listen(scorer, arena, &audio, &sound, out);
	hml_arena_free(arena);
	hml_audio_free(ctx, &audio);
	return status;
}

/* ---- the last recording ---- */

#define REMEMBERED_BYTES (5 * 1024 * 1024) /* ten minutes of 16 bits at 4 kHz; longer ones are heard anew */

static struct
{
	char *bytes; /* NULL = there is none */
	Size length;
	pg_uuid_t artifact_id;
	int max_seconds; /* under which it was not too long */
	HealthmlHearing hearing;
} last;

static bool
is_last(const HealthmlScorer *scorer, const bytea *recording)
{
	return last.bytes != NULL && last.length == VARSIZE_ANY_EXHDR(recording) &&
		   last.max_seconds == healthml_max_audio_seconds &&
		   memcmp(&last.artifact_id, &healthml_binding_version(scorer->binding)->artifact_id, UUID_LEN) ==
			   0 &&
		   memcmp(last.bytes, VARDATA_ANY(recording), last.length) == 0;
}

static void
remember(const HealthmlScorer *scorer, const bytea *recording, const HealthmlHearing *hearing)
{
	Size length = VARSIZE_ANY_EXHDR(recording);

	if (last.bytes != NULL)
		pfree(last.bytes);
	last.bytes = MemoryContextAllocExtended(TopMemoryContext, length, MCXT_ALLOC_NO_OOM);
	if (last.bytes == NULL)
		return;
	memcpy(last.bytes, VARDATA_ANY(recording), length);
	last.length = length;
	last.artifact_id = healthml_binding_version(scorer->binding)->artifact_id;
	last.max_seconds = healthml_max_audio_seconds;
	last.hearing = *hearing;
}

HmlStatus
healthml_hear(HealthmlScorer *scorer, HmlContext *ctx, Datum recording, HealthmlHearing *out)
{
	bytea *bytes;

	if (toast_raw_datum_size(recording) > REMEMBERED_BYTES)
		return decode_and_listen(scorer, ctx, recording, out);
	bytes = DatumGetByteaPP(recording);
	if (is_last(scorer, bytes))
	{
		*out = last.hearing;
		if (out->has_features)
			healthml_scorer_read(scorer, out->features);
		healthml_assess_score(scorer, last.hearing.assessment.score, &out->assessment);
		return HML_OK;
	}
	HML_TRY(decode_and_listen(scorer, ctx, PointerGetDatum(bytes), out));
	remember(scorer, bytes, out);
	return HML_OK;
}

bool
healthml_is_unreadable(HmlStatus status)
{
	return status == HML_CORRUPT || status == HML_LIMIT || status == HML_INVALID_DATA ||
		   status == HML_UNSUPPORTED;
}

static Datum
features_document(const double *features)
{
	HmlContext ctx;
	HmlText json;
	const char *text;

	healthml_context_init(&ctx, CurrentMemoryContext);
	hml_text_init(&json, &ctx);
	for (size_t i = 0; i < HML_HEART_FEATURES; i++)
	{
		hml_text_add(&json, i == 0 ? "{" : ",");
		hml_text_add_json_string(&json, hml_heart_feature_names[i]);
		hml_text_add(&json, ":");
		hml_text_add_json_number(&json, features[i]);
	}
	hml_text_add(&json, "}");
	healthml_check(&ctx, hml_text_finish(&json, &text));
	return healthml_jsonb_of_json(text);
}

void
healthml_predict_heard(HealthmlScorer *scorer, const HealthmlHearing *hearing, int top,
					   HealthmlPrediction *prediction)
{
	double p = hearing->assessment.score;
	double probabilities[2] = {1 - p, p};

	prediction->assessment = hearing->assessment;
	prediction->probabilities = healthml_probabilities_document(scorer->model, probabilities);
	prediction->label = healthml_sound_names[hearing->sound];
	if (top == 0 || !hearing->has_features)
		return;
	prediction->features = features_document(hearing->features);
	healthml_explain_prediction(scorer, top, prediction);
}

/* ---- SQL ---- */

#define COLUMNS 10

/* Kept in fn_extra. */
typedef struct ClassifyCall
{
	HealthmlScorer *scorer;
	MemoryContext memory; /* of one recording, emptied after it */
	TupleDesc result;
	bool by_artifact;
} ClassifyCall;

static ClassifyCall *
create_call(FunctionCallInfo fcinfo)
{
	MemoryContext memory = fcinfo->flinfo->fn_mcxt;
	MemoryContext caller = MemoryContextSwitchTo(memory);
	ClassifyCall *call = palloc0(sizeof(*call));
	TupleDesc desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "healthml.heart_sound_classify must return a row");
	call->result = BlessTupleDesc(desc);
	call->by_artifact = healthml_names_artifact(fcinfo->flinfo);
	call->scorer = healthml_scorer_create(memory, HEALTHML_HEART_SOUND_ALGORITHM);
	call->memory = AllocSetContextCreate(memory, "healthml recording", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(caller);
	fcinfo->flinfo->fn_extra = call;
	return call;
}

static Datum
result_row(const ClassifyCall *call, const HealthmlHearing *hearing)
{
	Datum values[COLUMNS];
	bool nulls[COLUMNS] = {false};

	values[0] = CStringGetTextDatum(healthml_sound_names[hearing->sound]);
	values[1] = Float8GetDatum(hearing->assessment.score);
	values[2] = Float8GetDatum(hearing->confidence);
	values[3] = Float8GetDatum(hearing->duration_s);
	values[4] = Int32GetDatum(hearing->sample_rate);
	values[5] = Int32GetDatum(hearing->windows);
	values[6] = CStringGetTextDatum(hearing->assessment.model);
	values[7] = Int32GetDatum(hearing->assessment.version);
	values[8] = Float8GetDatum(hearing->heart_rate_bpm);
	nulls[8] = isnan(hearing->heart_rate_bpm);
	nulls[9] = hearing->reason == NULL;
	values[9] = nulls[9] ? (Datum) 0 : CStringGetTextDatum(hearing->reason);
	return HeapTupleGetDatum(heap_form_tuple(call->result, values, nulls));
}

PG_FUNCTION_INFO_V1(healthml_heart_sound_classify);

/* healthml.heart_sound_classify(audio, model text | artifact_id uuid) RETURNS healthml.heart_sound */
Datum
healthml_heart_sound_classify(PG_FUNCTION_ARGS)
{
	ClassifyCall *call = fcinfo->flinfo->fn_extra;
	MemoryContext caller;
	HealthmlHearing hearing;
	HmlContext ctx;
	Datum result;

	if (call == NULL)
		call = create_call(fcinfo);
	healthml_scorer_use_argument(call->scorer, fcinfo, call->by_artifact);
	caller = MemoryContextSwitchTo(call->memory);
	healthml_context_init(&ctx, call->memory);
	healthml_limit_memory(&ctx);
	healthml_check(&ctx, healthml_hear(call->scorer, &ctx, PG_GETARG_DATUM(0), &hearing));
	MemoryContextSwitchTo(caller);
	result = result_row(call, &hearing);
	MemoryContextReset(call->memory);
	PG_RETURN_DATUM(result);
}

static HmlStatus
read_features(HmlContext *ctx, Datum recording, double *values)
{
	HmlAudio audio;
	HmlStatus status;

	HML_TRY(healthml_decode_audio(ctx, recording, &audio));
	status = hml_heart_sound_cnn.recording->read(ctx, &audio, values);
	hml_audio_free(ctx, &audio);
	return status;
}

PG_FUNCTION_INFO_V1(healthml_heart_sound_features);

/* healthml.heart_sound_features(audio) RETURNS jsonb */
Datum
healthml_heart_sound_features(PG_FUNCTION_ARGS)
{
	double values[HML_HEART_FEATURES];
	HmlContext ctx;

	healthml_context_init(&ctx, CurrentMemoryContext);
	healthml_limit_memory(&ctx);
	healthml_check(&ctx, read_features(&ctx, PG_GETARG_DATUM(0), values));
	if (isnan(values[0]))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(features_document(values));
}
