/*
 * heart_explain.c
 *	  Why a model hears what it hears in a recording: a table, a matrix, a picture.
 *
 * Each call decodes, hears and explains its recording anew, within
 * healthml.max_memory; everything lies in the memory context of the call.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "core/heart/heart_plot.h"

#include "pg/signal/audio.h"
#include "pg/server/document.h"
#include "pg/server/errors.h"
#include "pg/signal/heart_sound.h"
#include "pg/server/memory.h"

#define MOST_MOMENTS 1000

typedef struct Heard
{
	HmlContext ctx;
	HmlAudio audio;
	HmlHeartSound sound;
	HealthmlHearing hearing;
	double *windows; /* (n_windows) probabilities */
	HmlHeartExplanation explanation;
} Heard;

/* Hear argument 0 with the model of argument 1, and explain it where there are beats. */
static void
hear(FunctionCallInfo fcinfo, size_t top, Heard *heard)
{
	HealthmlScorer *scorer = healthml_scorer_create(CurrentMemoryContext, HEALTHML_HEART_SOUND_ALGORITHM);
	HmlContext *ctx = &heard->ctx;
	HmlArena *arena;

	healthml_scorer_use_argument(scorer, fcinfo, healthml_names_artifact(fcinfo->flinfo));
	healthml_context_init(ctx, CurrentMemoryContext);
	healthml_limit_memory(ctx);
	healthml_check(ctx, healthml_decode_audio(ctx, PG_GETARG_DATUM(0), &heard->audio));
	healthml_check(ctx, hml_arena_create(ctx, &arena));
	healthml_check(ctx, healthml_listen(scorer, arena, &heard->audio, &heard->sound, &heard->hearing));
	healthml_check(ctx, HML_ARENA_NEW(arena, &heard->windows, heard->sound.n_windows));
	healthml_check(ctx, hml_heart_score_windows(arena, scorer->model->impl, &heard->sound, heard->windows));
	if (heard->sound.has_beats)
		healthml_check(
			ctx, hml_heart_explain(arena, scorer->model->impl, &heard->sound, top, &heard->explanation));
}

/* ---- table ---- */

/* Columns of healthml.heart_sound_explain(). */
typedef enum Column
{
	COLUMN_KIND,
	COLUMN_RANK,
	COLUMN_START_S,
	COLUMN_END_S,
	COLUMN_LOW_HZ,
	COLUMN_HIGH_HZ,
	COLUMN_PHASE,
	COLUMN_FEATURE,
	COLUMN_CONTRIBUTION,
	COLUMN_P_ABNORMAL,
	COLUMN_WEIGHT
} Column;

#define COLUMNS (COLUMN_WEIGHT + 1)

typedef struct Row
{
	Datum values[COLUMNS];
	bool nulls[COLUMNS];
} Row;

static Row
new_row(const char *kind, size_t rank)
{
	Row row;

	memset(row.nulls, true, sizeof(row.nulls));
	row.nulls[COLUMN_KIND] = row.nulls[COLUMN_RANK] = false;
	row.values[COLUMN_KIND] = CStringGetTextDatum(kind);
	row.values[COLUMN_RANK] = Int32GetDatum((int) rank + 1);
	return row;
}

static void
set_number(Row *row, Column column, double number)
{
	row->values[column] = Float8GetDatum(number);
	row->nulls[column] = isnan(number);
}

static void
set_text(Row *row, Column column, const char *value)
{
	row->values[column] = CStringGetTextDatum(value);
	row->nulls[column] = false;
}

static void
put_row(FunctionCallInfo fcinfo, Row *row)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	tuplestore_putvalues(result->setResult, result->setDesc, row->values, row->nulls);
}

static void
put_windows(FunctionCallInfo fcinfo, const Heard *heard)
{
	for (size_t w = 0; w < heard->sound.n_windows; w++)
	{
		const HmlHeartWindow *window = &heard->sound.windows[w];
		double end = window->start_s + (double) window->n_frames / heard->sound.frames_per_s;
		Row row = new_row("window", w);

		set_number(&row, COLUMN_START_S, window->start_s);
		set_number(&row, COLUMN_END_S, fmin(end, heard->hearing.duration_s));
		set_number(&row, COLUMN_P_ABNORMAL, heard->windows[w]);
		set_number(&row, COLUMN_WEIGHT, window->weight);
		put_row(fcinfo, &row);
	}
}

static const char *const phases[HML_HEART_PHASES] = {"s1", "systole", "s2", "diastole"};

static void
put_moments(FunctionCallInfo fcinfo, const HmlHeartExplanation *explanation)
{
	for (size_t i = 0; i < explanation->n_moments; i++)
	{
		const HmlHeartMoment *moment = &explanation->moments[i];
		Row row = new_row("moment", i);

		set_number(&row, COLUMN_START_S, moment->start_s);
		set_number(&row, COLUMN_END_S, moment->end_s);
		set_number(&row, COLUMN_LOW_HZ, moment->low_hz);
		set_number(&row, COLUMN_HIGH_HZ, moment->high_hz);
		set_text(&row, COLUMN_PHASE, phases[moment->phase]);
		set_text(&row, COLUMN_FEATURE, hml_heart_feature_names[moment->feature]);
		set_number(&row, COLUMN_CONTRIBUTION, moment->contribution);
		put_row(fcinfo, &row);
	}
}

/* Frequencies, and the phase where it is one, of the place where a feature looks. */
static void
set_place(Row *row, const HmlHeartRegion *place)
{
	HmlHeartPhase phase;

	if (place->to_band == place->from_band)
		return;
	set_number(row, COLUMN_LOW_HZ, hml_heart_band_hz(place->from_band));
	set_number(row, COLUMN_HIGH_HZ, hml_heart_band_hz(place->to_band));
	phase = hml_beat_phase(place->from_bin);
	if (phase == hml_beat_phase(place->to_bin - 1))
		set_text(row, COLUMN_PHASE, phases[phase]);
}

static void
put_features(FunctionCallInfo fcinfo, const HmlHeartExplanation *explanation, size_t top)
{
	for (size_t i = 0; i < top && i < HML_HEART_FEATURES; i++)
	{
		size_t feature = explanation->strongest[i];
		Row row = new_row("feature", i);

		set_place(&row, &hml_heart_feature_regions[feature].plus);
		set_text(&row, COLUMN_FEATURE, hml_heart_feature_names[feature]);
		set_number(&row, COLUMN_CONTRIBUTION, explanation->contributions[feature]);
		put_row(fcinfo, &row);
	}
}

PG_FUNCTION_INFO_V1(healthml_heart_sound_explain);

/* healthml.heart_sound_explain(audio, model text | artifact_id uuid, top) RETURNS TABLE (...), see Column */
Datum
healthml_heart_sound_explain(PG_FUNCTION_ARGS)
{
	int32 top = PG_GETARG_INT32(2);
	Heard heard;

	if (top < 0 || top > MOST_MOMENTS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("top must be from 0 to %d, not %d", MOST_MOMENTS, top)));
	InitMaterializedSRF(fcinfo, 0);
	hear(fcinfo, (size_t) top, &heard);
	put_windows(fcinfo, &heard);
	if (heard.sound.has_beats)
	{
		put_moments(fcinfo, &heard.explanation);
		put_features(fcinfo, &heard.explanation, (size_t) top);
	}
	return (Datum) 0;
}

/* ---- matrix ---- */

PG_FUNCTION_INFO_V1(healthml_heart_sound_saliency);

/* healthml.heart_sound_saliency(audio, model text | artifact_id uuid) RETURNS real[] */
Datum
healthml_heart_sound_saliency(PG_FUNCTION_ARGS)
{
	Heard heard;

	hear(fcinfo, 0, &heard);
	if (!heard.sound.has_beats)
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(
		healthml_matrix(&heard.ctx, heard.explanation.saliency, heard.sound.n_mels, heard.sound.n_frames));
}

/* ---- picture ---- */

PG_FUNCTION_INFO_V1(healthml_plot_heart_sound);

/* healthml.plot_heart_sound(audio, model text | artifact_id uuid, from_s, to_s, title) RETURNS text */
Datum
healthml_plot_heart_sound(PG_FUNCTION_ARGS)
{
	HmlSignalView view = {.title = healthml_to_utf8(text_to_cstring(PG_GETARG_TEXT_PP(4))),
						  .from_s = PG_GETARG_FLOAT8(2),
						  .to_s = PG_GETARG_FLOAT8(3)};
	Heard heard;
	HmlHeartPicture picture = {.audio = &heard.audio, .sound = &heard.sound};
	HmlText svg;
	const char *text;

	hear(fcinfo, 0, &heard);
	picture.label = healthml_sound_names[heard.hearing.sound];
	picture.doubt = heard.hearing.reason;
	picture.p_abnormal = heard.hearing.assessment.score;
	picture.windows = heard.windows;
	picture.explanation = heard.sound.has_beats ? &heard.explanation : NULL;
	hml_text_init(&svg, &heard.ctx);
	healthml_check(&heard.ctx, hml_plot_heart_sound(&svg, &picture, &view));
	healthml_check(&heard.ctx, hml_text_finish(&svg, &text));
	PG_RETURN_TEXT_P(cstring_to_text(healthml_from_utf8(text)));
}
