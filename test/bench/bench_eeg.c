/*
 * bench_eeg.c
 *	  Times of the EEG floor without a server: 50 s of nineteen channels at 200 Hz.
 *
 *	  bench_eeg    prints lines 'name<TAB>figure' in microseconds, the least of several runs
 */
#include "core/base/rng.h"
#include "core/eeg/eeg_spectrogram.h"
#include "core/eeg/eeg_window.h"

#include "support.h"

#define MIN_SECONDS 0.5 /* of measuring one figure */
#define MIN_RUNS 20
#define N (HML_EEG_ELECTRODES * HML_EEG_SAMPLES)
#define SPECTRUM (HML_CHAINS * HML_EEG_BINS * (HML_EEG_SAMPLES / HML_EEG_HOP))

static float samples[N];
static float banana[N];
static float spectrogram[SPECTRUM];
static HmlSignal signal = {.n_channels = HML_EEG_ELECTRODES,
						   .n_samples = HML_EEG_SAMPLES,
						   .samples = samples,
						   .sample_rate = HML_EEG_RATE,
						   .unit = "uV",
						   .format = "array"};

/* Median, mains, band-pass, double banana: what SciPy's side of the bench does, too. */
static void
preprocess(HmlContext *ctx)
{
	HmlEegFilter filter = HML_EEG_FILTER_DEFAULT;
	HmlEegWindow window;
	HmlArena *arena;

	filter.notch_hz = 50;
	must(ctx, hml_arena_create(ctx, &arena));
	must(ctx, hml_eeg_window(arena, &signal, &window));
	must(ctx,
		 hml_eeg_filter(ctx, &filter, HML_EEG_RATE, window.samples, HML_EEG_ELECTRODES, window.n_samples));
	hml_montage_apply(&hml_montages[HML_MONTAGE_DOUBLE_BANANA], window.samples, window.n_samples, banana);
	hml_arena_free(arena);
}

static void
transform(HmlContext *ctx)
{
	must(ctx, hml_eeg_spectrogram(ctx, samples, HML_EEG_SAMPLES, spectrogram));
}

static void
measure(HmlContext *ctx, const char *name, void (*work)(HmlContext *ctx))
{
	double least = 1e9;
	double end = bench_processor_clock() + MIN_SECONDS;

	for (int runs = 0; runs < MIN_RUNS || bench_processor_clock() < end; runs++)
	{
		double start = bench_processor_clock();

		work(ctx);
		if (bench_processor_clock() - start < least)
			least = bench_processor_clock() - start;
	}
	say(name, "", 1e6 * least);
}

int
main(void)
{
	HmlContext ctx;
	HmlRng rng;

	bench_init(&ctx, "bench_eeg");
	hml_rng_seed(&rng, 1);
	for (size_t i = 0; i < N; i++)
		samples[i] = (float) (20 * hml_rng_normal(&rng));
	measure(&ctx, "preprocess", preprocess);
	measure(&ctx, "spectrogram", transform);
	return 0;
}
