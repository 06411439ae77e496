/*
 * eeg_modality.c
 *	  From an EEG to the sample of a model: seam B for EEGs.
 */
#include "core/eeg/eeg_modality.h"

#include <math.h>

#include "core/eeg/eeg_features.h"

/* Places of the measures. */
typedef enum Measure
{
	MEASURE_AT,
	MEASURE_RECORDED,
	MEASURE_MISSING,
	N_MEASURES
} Measure;

static const char *const measures[] = {[MEASURE_AT] = "at_s",
									   [MEASURE_RECORDED] = "recorded_s",
									   [MEASURE_MISSING] = "missing_electrodes",
									   [N_MEASURES] = NULL};

const HmlModality hml_eeg_modality = {
	.name = "eeg",
	.reader = &hml_eeg_reader,
	.column = "eeg",
	.measures = measures,
};

/* Seconds of the window at whose middle the verdict is, and those that there are. */
static double
recorded_s(const HmlEegWindow *window)
{
	return (double) (window->end - window->first) / HML_EEG_RATE;
}

/* Whether the ten seconds that are judged are all there. */
static bool
has_middle(const HmlEegWindow *window)
{
	size_t half = HML_EEG_JUDGED_S * HML_EEG_RATE / 2;
	size_t middle = window->n_samples / 2;

	return window->first <= middle - half && window->end >= middle + half;
}

static HmlStatus
make_features(HmlArena *arena, const HmlEegWindow *window, double *features)
{
	HmlEegFeatureSpace *space;
	HmlEegBanana banana;
	double middle = (double) window->n_samples / 2 - (double) window->first;

	HML_TRY(hml_eeg_banana(arena, window->samples + window->first, window->n_samples,
						   window->end - window->first, &banana));
	HML_TRY(hml_eeg_feature_space(arena, &space));
	return hml_eeg_features(hml_arena_context(arena), space, &banana, middle / HML_EEG_RATE, features);
}

static HmlStatus
encode(HmlArena *arena, const HmlModel *model, const HmlSignal *signal, HmlEncodedSignal *out)
{
	HmlEegWindow window;

	(void) model;
	HML_TRY(hml_eeg_window(arena, signal, &window));
	HML_TRY(HML_ARENA_NEW(arena, &out->values, HML_EEG_FEATURES));
	out->is_usable = has_middle(&window);
	out->quality = (HmlQuality){.usable_share = window.usable_share, .doubt = window.doubt};
	out->measures[MEASURE_AT] = window.at_s;
	out->measures[MEASURE_RECORDED] = recorded_s(&window);
	out->measures[MEASURE_MISSING] = (double) window.n_missing;
	for (size_t f = 0; f < HML_EEG_FEATURES; f++)
		out->values[f] = NAN;
	return out->is_usable ? make_features(arena, &window, out->values) : HML_OK;
}

const HmlEncoder hml_eeg_feature_encoder = {
	.modality = &hml_eeg_modality,
	.n_features = HML_EEG_FEATURES,
	.names = hml_eeg_feature_names,
	.encode = encode,
};
