/*
 * fuzz_edf.c
 *	  The whole way from the bytes of an EDF file to electrodes, filters and
 *	  spectrograms, against hostile bytes.
 *
 * What is read must be finite, and so must everything that is made of it.
 */
#include "fuzz/support.h"

#include <math.h>

#include "core/eeg/eeg_quality.h"
#include "core/eeg/eeg_reader.h"
#include "core/eeg/eeg_spectrogram.h"
#include "core/eeg/eeg_window.h"

static void
check_finite(const float *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fuzz_assert(isfinite(values[i]));
}

static void
check_file(const HmlEdf *edf)
{
	double end_s = 0;

	fuzz_assert(edf->n_stretches > 0 && edf->n_records > 0);
	for (size_t i = 0; i < edf->n_stretches; i++)
	{
		fuzz_assert(edf->stretches[i].onset_s >= end_s - 1e-6 * fabs(end_s) &&
					edf->stretches[i].n_records > 0);
		end_s = hml_edf_stretch_end(edf, &edf->stretches[i]);
	}
	for (size_t i = 0; i < edf->n_annotations; i++)
		fuzz_assert(isfinite(edf->annotations[i].onset_s) && edf->annotations[i].text[0] != '\0');
}

static HmlStatus
use_window(HmlArena *arena, const HmlSignal *signal)
{
	HmlContext *ctx = hml_arena_context(arena);
	HmlEegFilter filter = HML_EEG_FILTER_DEFAULT;
	HmlEegWindow window;
	float *spectrogram;

	check_finite(signal->samples, signal->n_channels * signal->n_samples);
	HML_TRY(hml_eeg_window(arena, signal, &window));
	fuzz_assert(window.usable_share >= 0 && window.usable_share <= 1);
	fuzz_assert(window.first <= window.end && window.end <= HML_EEG_SAMPLES);
	check_finite(window.samples, HML_EEG_ELECTRODES * window.n_samples);
	HML_TRY(hml_eeg_filter(ctx, &filter, HML_EEG_RATE, window.samples, HML_EEG_ELECTRODES, window.n_samples));
	check_finite(window.samples, HML_EEG_ELECTRODES * window.n_samples);
	HML_TRY(hml_arena_alloc(arena, HML_CHAINS * HML_EEG_BINS * hml_eeg_frames(window.n_samples),
							sizeof(*spectrogram), (void **) &spectrogram));
	return hml_eeg_spectrogram(ctx, window.samples, window.n_samples, spectrogram);
}

static HmlStatus
use_file(HmlArena *arena, const uint8_t *data, size_t size)
{
	HmlContext *ctx = hml_arena_context(arena);
	HmlSignalRequest request = {.bytes = data, .length = size, .at_s = size % 2 == 0 ? NAN : 1};
	HmlEdf edf;
	HmlSignal signal;
	HmlStatus status;

	HML_TRY(hml_edf_open(arena, data, size, &edf));
	check_file(&edf);
	if (size % 8 > 1) /* what follows takes a hundred times as long */
		return HML_OK;
	HML_TRY(hml_eeg_reader.read(ctx, &request, &signal));
	status = use_window(arena, &signal);
	hml_signal_free(ctx, &signal);
	return status;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HmlContext ctx;
	HmlArena *arena;
	HmlStatus status;

	fuzz_context_init(&ctx);
	status = hml_arena_create(&ctx, &arena);
	if (status == HML_OK)
	{
		status = use_file(arena, data, size);
		hml_arena_free(arena);
	}
	fuzz_assert(status == HML_OK || ctx.message[0] != '\0');
	fuzz_context_finish(&ctx);
	return 0;
}
