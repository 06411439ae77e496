/*
 * heart_modality.c
 *	  From a recording of the heart to the sample of a model, and back to seconds
 *	  and frequencies: seam B for heart sounds.
 *
 * Everything lies in the arena of the call; what it calls polls.
 */
#include "core/heart/heart_modality.h"

#include <math.h>

#include "core/heart/heart_plot.h"
#include "core/signal/audio/audio_reader.h"

#define N_FEATURES HML_HEART_FEATURES

/* Places of the measures. */
typedef enum Measure
{
	MEASURE_WINDOWS,
	MEASURE_HEART_RATE,
	N_MEASURES
} Measure;

static const char *const measures[] = {
	[MEASURE_WINDOWS] = "windows", [MEASURE_HEART_RATE] = "heart_rate_bpm", [N_MEASURES] = NULL};

const HmlModality hml_heart_sound_modality = {
	.name = "heart_sound",
	.reader = &hml_audio_reader,
	.column = "audio",
	.measures = measures,
};

/* ---- encoding ------------------------------------------------------------------------------------- */

static const char *
doubt(const HmlHeartSound *sound)
{
	if (sound->silent)
		return "the recording is silent";
	if (sound->clipped_share > HML_HEART_MOST_CLIPPED)
		return "the recording is clipped";
	if (!sound->has_beats && sound->sounding_share < 0.5)
		return "the recording is mostly silence, and fewer than three heart beats are heard";
	if (!sound->has_beats)
		return "fewer than three heart beats are heard";
	if (sound->cycle.ambiguous)
		return "the heart rate cannot be decided";
	if (!hml_heart_sound_is_judgeable(sound))
		return "the recording is too noisy";
	return NULL;
}

static HmlStatus
encode(HmlArena *arena, const HmlModel *model, const HmlSignal *signal, HmlEncodedSignal *out)
{
	static const HmlHeartSoundSpec spec = HML_HEART_SOUND_SPEC_DEFAULT;
	HmlHeartSound *sound;

	(void) model;
	HML_TRY(HML_ARENA_NEW(arena, &sound, 1));
	HML_TRY(HML_ARENA_NEW(arena, &out->values, N_FEATURES));
	HML_TRY(hml_heart_sound(arena, &spec, signal, sound));
	out->is_usable = sound->has_beats;
	for (size_t f = 0; f < N_FEATURES; f++)
		out->values[f] = sound->has_beats ? (double) sound->features[f] : NAN;
	out->quality = (HmlQuality){.usable_share = sound->weight, .doubt = doubt(sound)};
	out->measures[MEASURE_WINDOWS] = (double) sound->n_windows;
	out->measures[MEASURE_HEART_RATE] = sound->heart_rate_bpm;
	out->details = sound;
	return HML_OK;
}

/* ---- reasons -------------------------------------------------------------------------------------- */

static const char *const phases[HML_HEART_PHASES] = {"s1", "systole", "s2", "diastole"};

#define ADD_ROW(arena, rows, ...) \
	hml_rows_add(arena, rows, (HmlCell[]){__VA_ARGS__}, sizeof((HmlCell[]){__VA_ARGS__}) / sizeof(HmlCell))

static HmlCell
text_cell(const char *column, const char *text)
{
	return (HmlCell){column, text, NAN};
}

static HmlCell
number_cell(const char *column, double number)
{
	return (HmlCell){column, NULL, number};
}

static HmlCell
rank_cell(size_t rank)
{
	return number_cell("rank", (double) rank + 1);
}

/* Probability of each window, (n_windows). */
static HmlStatus
score_windows(HmlArena *arena, const HmlJudged *judged, double **out)
{
	const HmlHeartSound *sound = judged->encoding->details;

	HML_TRY(HML_ARENA_NEW(arena, out, sound->n_windows));
	return hml_heart_score_windows(arena, judged->model->impl, sound, *out);
}

static HmlStatus
add_windows(HmlArena *arena, const HmlJudged *judged, HmlRows *out)
{
	const HmlHeartSound *sound = judged->encoding->details;
	double *p;

	HML_TRY(score_windows(arena, judged, &p));
	for (size_t w = 0; w < sound->n_windows; w++)
	{
		const HmlHeartWindow *window = &sound->windows[w];
		double end = window->start_s + (double) window->n_frames / sound->frames_per_s;

		HML_TRY(ADD_ROW(arena, out, text_cell("kind", "window"), rank_cell(w),
						number_cell("start_s", window->start_s),
						number_cell("end_s", fmin(end, hml_signal_seconds(judged->signal))),
						number_cell("p_abnormal", p[w]), number_cell("weight", window->weight)));
	}
	return HML_OK;
}

static HmlStatus
add_moments(HmlArena *arena, const HmlHeartExplanation *explanation, HmlRows *out)
{
	for (size_t i = 0; i < explanation->n_moments; i++)
	{
		const HmlHeartMoment *moment = &explanation->moments[i];

		HML_TRY(ADD_ROW(arena, out, text_cell("kind", "moment"), rank_cell(i),
						number_cell("start_s", moment->start_s), number_cell("end_s", moment->end_s),
						number_cell("low_hz", moment->low_hz), number_cell("high_hz", moment->high_hz),
						text_cell("phase", phases[moment->phase]),
						text_cell("feature", hml_heart_feature_names[moment->feature]),
						number_cell("contribution", moment->contribution)));
	}
	return HML_OK;
}

/* Frequencies, and the phase if it is a single one, of the place where a feature looks; NaN and NULL without a place. */
static void
find_place(const HmlHeartRegion *region, HmlCell *low, HmlCell *high, HmlCell *phase)
{
	HmlHeartPhase first;

	*low = number_cell("low_hz", NAN);
	*high = number_cell("high_hz", NAN);
	*phase = text_cell("phase", NULL);
	if (region->to_band == region->from_band)
		return;
	low->number = hml_heart_band_hz(region->from_band);
	high->number = hml_heart_band_hz(region->to_band);
	first = hml_beat_phase(region->from_bin);
	if (first == hml_beat_phase(region->to_bin - 1))
		phase->text = phases[first];
}

static HmlStatus
add_features(HmlArena *arena, const HmlHeartExplanation *explanation, size_t top, HmlRows *out)
{
	for (size_t i = 0; i < top && i < N_FEATURES; i++)
	{
		size_t feature = explanation->strongest[i];
		HmlCell low;
		HmlCell high;
		HmlCell phase;

		find_place(&hml_heart_feature_regions[feature].plus, &low, &high, &phase);
		HML_TRY(ADD_ROW(arena, out, text_cell("kind", "feature"), rank_cell(i), low, high, phase,
						text_cell("feature", hml_heart_feature_names[feature]),
						number_cell("contribution", explanation->contributions[feature])));
	}
	return HML_OK;
}

static HmlStatus
explain(HmlArena *arena, const HmlJudged *judged, size_t top, HmlRows *out)
{
	const HmlHeartSound *sound = judged->encoding->details;
	HmlHeartExplanation explanation;

	HML_TRY(add_windows(arena, judged, out));
	if (!sound->has_beats)
		return HML_OK;
	HML_TRY(hml_heart_explain(arena, judged->model->impl, sound, top, &explanation));
	HML_TRY(add_moments(arena, &explanation, out));
	return add_features(arena, &explanation, top, out);
}

/* ---- pictures ------------------------------------------------------------------------------------- */

static HmlStatus
saliency(HmlArena *arena, const HmlJudged *judged, HmlMatrix *out)
{
	const HmlHeartSound *sound = judged->encoding->details;
	HmlHeartExplanation explanation;

	*out = (HmlMatrix){.rows = sound->n_mels, .columns = sound->n_frames};
	if (!sound->has_beats)
		return HML_OK;
	HML_TRY(hml_heart_explain(arena, judged->model->impl, sound, 0, &explanation));
	out->values = explanation.saliency;
	return HML_OK;
}

static HmlStatus
plot(HmlArena *arena, const HmlJudged *judged, const HmlSignalView *view, HmlText *svg)
{
	const HmlHeartSound *sound = judged->encoding->details;
	HmlHeartExplanation explanation;
	HmlHeartPicture picture = {.signal = judged->signal,
							   .sound = sound,
							   .label = hml_verdict_word(judged->verdict),
							   .doubt = judged->verdict->quality.doubt,
							   .p_abnormal = judged->verdict->score};
	double *windows;

	HML_TRY(score_windows(arena, judged, &windows));
	picture.windows = windows;
	if (sound->has_beats)
	{
		HML_TRY(hml_heart_explain(arena, judged->model->impl, sound, 0, &explanation));
		picture.explanation = &explanation;
	}
	return hml_plot_heart_sound(svg, &picture, view);
}

const HmlEncoder hml_heart_encoder = {
	.modality = &hml_heart_sound_modality,
	.n_features = N_FEATURES,
	.names = hml_heart_feature_names,
	.encode = encode,
	.explain = explain,
	.saliency = saliency,
	.plot = plot,
};
