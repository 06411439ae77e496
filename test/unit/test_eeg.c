/*
 * test_eeg.c
 *	  Electrodes, windows, spectra, quality and trends of EEGs that are made here.
 */
#include "unit/support.h"

#include "core/base/rng.h"
#include "core/eeg/eeg_plot.h"
#include "core/eeg/eeg_quality.h"
#include "core/eeg/eeg_spectrogram.h"
#include "core/eeg/eeg_trends.h"
#include "core/eeg/eeg_window.h"
#include "unit/signal_support.h"

#define PI 3.14159265358979323846
#define SECONDS 20
#define RATE 200
#define N (SECONDS * RATE)

/* ---- labels ---------------------------------------------------------------------------------------- */

static void
assert_label(const char *label, HmlEegLabelKind kind, const char *name, int plus, int minus)
{
	HmlEegLabel found = hml_eeg_label(label);

	assert_int_equal(found.kind, kind);
	assert_string_equal(found.name, name);
	assert_int_equal(found.plus, plus);
	assert_int_equal(found.minus, minus);
}

static void
test_labels(void **state)
{
	static const char *const fp1[] = {"Fp1",        "FP1",  "EEG FP1-REF", "EEG Fp1-LE", "EEG Fp1",
									  "EEG Fp1-A1", "Fp1.", "Fp1-M2",      " fp1 ",      "EEG FP1-Ref"};

	(void) state;
	for (size_t i = 0; i < sizeof(fp1) / sizeof(fp1[0]); i++)
		assert_label(fp1[i], HML_EEG_LABEL_ELECTRODE, "Fp1", HML_FP1, -1);
	assert_label("T7", HML_EEG_LABEL_ELECTRODE, "T3", HML_T3, -1);
	assert_label("EEG P8-REF", HML_EEG_LABEL_ELECTRODE, "T6", HML_T6, -1);
	assert_label("Iz..", HML_EEG_LABEL_ELECTRODE, "Iz", -1, -1);
	assert_label("Fc5.", HML_EEG_LABEL_ELECTRODE, "FC5", -1, -1);
	assert_label("EEG A1-LE", HML_EEG_LABEL_ELECTRODE, "A1", -1, -1);
	assert_label("T7-P7", HML_EEG_LABEL_BIPOLAR, "T3-T5", HML_T3, HML_T5);
	assert_label("EEG Fpz-Cz", HML_EEG_LABEL_BIPOLAR, "Fpz-Cz", -1, HML_CZ);
	assert_label("EKG EKG", HML_EEG_LABEL_ECG, "EKG", -1, -1);
	assert_label("EEG EKG1-REF", HML_EEG_LABEL_ECG, "EKG", -1, -1);
	assert_label("SpO2", HML_EEG_LABEL_OTHER, "", -1, -1);
	assert_label("DC1-DC", HML_EEG_LABEL_OTHER, "", -1, -1);
	assert_label("", HML_EEG_LABEL_OTHER, "", -1, -1);
	assert_label("EEG 20-REF", HML_EEG_LABEL_OTHER, "", -1, -1);
	assert_label("a label that is far too long for any electrode", HML_EEG_LABEL_OTHER, "", -1, -1);
	assert_int_equal(hml_electrode_mirror(HML_T3), HML_T4);
	assert_int_equal(hml_electrode_mirror(HML_O2), HML_O1);
	assert_int_equal(hml_electrode_mirror(HML_CZ), HML_CZ);
}

/* ---- a head ---------------------------------------------------------------------------------------- */

/* Nineteen electrodes with noise of their own, and a wave that is the same in all. */
typedef struct Head
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlSignal signal;
	const char *labels[HML_EEG_ELECTRODES];
	float samples[HML_EEG_ELECTRODES * N];
} Head;

static Head head;

static void
make_head(double noise_uv, double wave_uv, double wave_hz)
{
	HmlRng rng;

	test_host_init(&head.host, &head.ctx);
	assert_ok(&head.ctx, hml_arena_create(&head.ctx, &head.arena));
	hml_rng_seed(&rng, 7);
	for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
	{
		head.labels[e] = hml_electrode_names[e];
		for (size_t i = 0; i < N; i++)
			head.samples[e * N + i] =
				(float) (noise_uv * (hml_rng_uniform(&rng) - 0.5) +
						 wave_uv * (1 + (double) e) * sin(2 * PI * wave_hz * (double) i / RATE));
	}
	head.signal = (HmlSignal){.n_channels = HML_EEG_ELECTRODES,
							  .n_samples = N,
							  .samples = head.samples,
							  .sample_rate = RATE,
							  .unit = "uV",
							  .labels = head.labels,
							  .format = "array"};
}

static void
finish_head(void)
{
	hml_arena_free(head.arena);
	test_host_finish(&head.host, &head.ctx);
}

/* ---- windows --------------------------------------------------------------------------------------- */

static void
test_window_of_all(void **state)
{
	HmlEegWindow window;

	(void) state;
	make_head(40, 0, 1);
	assert_ok(&head.ctx, hml_eeg_electrodes(head.arena, &head.signal, 0, &window));
	assert_int_equal(window.n_samples, N);
	assert_int_equal(window.n_missing, 0);
	assert_close(window.usable_share, 1, 1e-12);
	for (size_t i = 1; i < N; i++)
		assert_true(fabsf(window.samples[i] - window.samples[0] - head.samples[i] + head.samples[0]) < 1e-3);
	head.signal.labels = NULL;
	assert_ok(&head.ctx, hml_eeg_electrodes(head.arena, &head.signal, 0, &window));
	assert_int_equal(window.n_missing, 0);
	head.signal.n_channels = 5;
	assert_status(&head.ctx, hml_eeg_electrodes(head.arena, &head.signal, 0, &window), HML_INVALID_DATA);
	finish_head();
}

/* 20 s lie in the middle of 50 s, or where they were asked for. */
static void
test_window_is_placed(void **state)
{
	HmlEegWindow window;

	(void) state;
	make_head(40, 0, 1);
	assert_ok(&head.ctx, hml_eeg_window(head.arena, &head.signal, &window));
	assert_int_equal(window.n_samples, HML_EEG_SAMPLES);
	assert_int_equal(window.first, 3000);
	assert_int_equal(window.end, 7000);
	assert_string_equal(window.doubt, "too little is recorded round this second");
	assert_close(window.usable_share, 0.4, 1e-12);
	head.signal.is_placed = true;
	head.signal.at_s = 0;
	assert_ok(&head.ctx, hml_eeg_window(head.arena, &head.signal, &window));
	assert_int_equal(window.first, 5000);
	assert_int_equal(window.end, 9000);
	head.signal.at_s = 400;
	assert_ok(&head.ctx, hml_eeg_window(head.arena, &head.signal, &window));
	assert_int_equal(window.end - window.first, 0);
	assert_non_null(window.doubt);
	finish_head();
}

static void
test_missing_electrodes(void **state)
{
	HmlEegWindow window;

	(void) state;
	make_head(0, 10, 3);
	head.labels[HML_C3] = "SpO2";
	head.labels[HML_FP2] = "";
	assert_ok(&head.ctx, hml_eeg_electrodes(head.arena, &head.signal, 0, &window));
	assert_int_equal(window.n_missing, 2);
	assert_true(window.missing[HML_C3] && window.missing[HML_FP2] && !window.missing[HML_C4]);
	/* between its neighbours F3 (20), P3 (40), Cz (100) and T3 (60) */
	assert_true(fabsf(window.samples[HML_C3 * N + 17]) > 0.2f * fabsf(window.samples[HML_CZ * N + 17]));
	assert_true(fabsf(window.samples[HML_C3 * N + 17]) < fabsf(window.samples[HML_CZ * N + 17]));
	head.labels[HML_FP1] = head.labels[HML_O1] = "x";
	assert_ok(&head.ctx, hml_eeg_electrodes(head.arena, &head.signal, 50, &window));
	assert_int_equal(window.n_samples, N / 4);
	assert_int_equal(window.n_missing, 4);
	for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
		head.labels[e] = "Pulse";
	assert_status(&head.ctx, hml_eeg_electrodes(head.arena, &head.signal, 0, &window), HML_INVALID_DATA);
	finish_head();
}

/* Of the differences of the double banana, the double banana comes out as it went in. */
static void
test_bipolar(void **state)
{
	static float banana[18 * N];
	static float again[18 * N];
	static const char *labels[18];
	const HmlMontage *montage = &hml_montages[HML_MONTAGE_DOUBLE_BANANA];
	HmlEegWindow window;

	(void) state;
	make_head(40, 5, 3);
	hml_montage_apply(montage, head.samples, N, banana);
	for (size_t r = 0; r < montage->n; r++)
		labels[r] = montage->rows[r].name;
	head.signal.samples = banana;
	head.signal.labels = labels;
	head.signal.n_channels = montage->n;
	assert_ok(&head.ctx, hml_eeg_electrodes(head.arena, &head.signal, 0, &window));
	assert_true(window.is_bipolar);
	assert_int_equal(window.n_missing, 0);
	hml_montage_apply(montage, window.samples, N, again);
	for (size_t r = 0; r < montage->n; r++)
		for (size_t i = 1; i < N; i++)
			assert_true(fabsf(again[r * N + i] - again[r * N] - banana[r * N + i] + banana[r * N]) < 0.01f);
	finish_head();
}

static void
test_units_are_doubted(void **state)
{
	static float longer[HML_EEG_ELECTRODES * 50 * RATE];
	HmlEegWindow window;

	(void) state;
	make_head(0, 0, 1);
	for (size_t i = 0; i < HML_EEG_ELECTRODES * 50 * RATE; i++)
		longer[i] = 0.4f * (float) sin((double) i);
	head.signal.samples = longer;
	head.signal.n_samples = 50 * RATE;
	assert_ok(&head.ctx, hml_eeg_window(head.arena, &head.signal, &window));
	assert_string_equal(window.doubt, "amplitudes are below those of an EEG: check the unit");
	for (size_t i = 0; i < HML_EEG_ELECTRODES * 50 * RATE; i++)
		longer[i] *= 100;
	assert_ok(&head.ctx, hml_eeg_window(head.arena, &head.signal, &window));
	assert_null(window.doubt);
	finish_head();
}

/* ---- spectra --------------------------------------------------------------------------------------- */

static void
test_golden_spectrum(void **state)
{
	TestTable *table = test_read_table("test/golden/eeg_spectrum.csv");
	TestHost host;
	HmlContext ctx;
	float *signal;
	float spectrum[HML_EEG_BINS * 3];

	(void) state;
	test_host_init(&host, &ctx);
	assert_true(golden_signal(&ctx, &signal) >= 1600);
	assert_int_equal(hml_eeg_frames(1600), 3);
	assert_int_equal(hml_eeg_frames(799), 0);
	assert_ok(&ctx, hml_eeg_spectrum(&ctx, signal, 1600, spectrum));
	for (size_t b = 0; b < HML_EEG_BINS; b++)
		for (size_t f = 0; f < 3; f++)
		{
			double expected = test_number(table, b, f);

			assert_true(fabs(spectrum[b * 3 + f] - expected) <= 1e-4 * expected + 1e-9);
		}
	hml_free(&ctx, signal);
	test_free_table(table);
	test_host_finish(&host, &ctx);
}

static HmlStatus
make_spectrogram(HmlContext *ctx, void *argument)
{
	static float out[HML_CHAINS * HML_EEG_BINS * (N / HML_EEG_HOP)];

	return hml_eeg_spectrogram(ctx, argument, N, out);
}

static HmlStatus
make_window(HmlContext *ctx, void *argument)
{
	HmlArena *arena;
	HmlEegWindow window;
	HmlStatus status;

	HML_TRY(hml_arena_create(ctx, &arena));
	status = hml_eeg_window(arena, argument, &window);
	hml_arena_free(arena);
	return status;
}

static HmlStatus
make_trend(HmlContext *ctx, void *argument)
{
	HmlEegTrend trend;

	return hml_eeg_trend(ctx, argument, N, 200, N - 200, &trend);
}

static void
test_failures(void **state)
{
	(void) state;
	make_head(40, 5, 3);
	assert_ok(&head.ctx, make_spectrogram(&head.ctx, head.samples)); /* plans and tapers are kept */
	test_allocation_sweep(make_spectrogram, head.samples);
	test_cancellation_sweep(make_spectrogram, head.samples);
	test_allocation_sweep(make_window, &head.signal);
	test_allocation_sweep(make_trend, head.samples);
	test_cancellation_sweep(make_trend, head.samples);
	finish_head();
}

/* ---- quality --------------------------------------------------------------------------------------- */

static void
test_flaws(void **state)
{
	static HmlEegSecond seconds[HML_EEG_ELECTRODES * SECONDS];
	static const bool frontal[HML_EEG_ELECTRODES] = {[HML_FP1] = true, [HML_FP2] = true};

	(void) state;
	make_head(20, 0, 1);
	for (size_t i = 0; i < RATE; i++)
	{
		double t = (double) i / RATE;

		head.samples[HML_F3 * N + 2 * RATE + i] = 3;
		head.samples[HML_C3 * N + 3 * RATE + i] += (float) (90 * sin(2 * PI * 60 * t));
		head.samples[HML_FP1 * N + 4 * RATE + i] += (float) (150 * exp(-pow((t - 0.5) / 0.1, 2)));
		head.samples[HML_FP2 * N + 4 * RATE + i] += (float) (130 * exp(-pow((t - 0.5) / 0.1, 2)));
		head.samples[HML_T3 * N + 5 * RATE + i] += (float) (40 * sin(2 * PI * 37 * t));
		head.samples[HML_O1 * N + 6 * RATE + i] += i < 100 ? 0 : (float) (400 * exp(-(t - 0.5) / 0.3));
		head.samples[HML_PZ * N + 7 * RATE + i] = i % 50 < 25 ? 900 : -900;
		head.samples[HML_O2 * N + 8 * RATE + i] += (float) (1500 * sin(2 * PI * t));
	}
	assert_ok(&head.ctx,
			  hml_eeg_quality(&head.ctx, head.samples, HML_EEG_ELECTRODES, N, RATE, frontal, seconds));
#define FLAWS(electrode, second) (seconds[(electrode) *SECONDS + (second)].flaws)
	assert_int_equal(FLAWS(HML_F3, 2), HML_EEG_FLAT);
	assert_int_equal(FLAWS(HML_C3, 3) & ~(unsigned) HML_EEG_POP, HML_EEG_MAINS);
	assert_int_equal(FLAWS(HML_FP1, 4), HML_EEG_BLINK);
	assert_int_equal(FLAWS(HML_FP2, 4), HML_EEG_BLINK);
	assert_int_equal(FLAWS(HML_T3, 5), HML_EEG_MUSCLE);
	assert_true(FLAWS(HML_O1, 6) & HML_EEG_POP);
	assert_true(FLAWS(HML_PZ, 7) & HML_EEG_CLIPPED);
	assert_true(FLAWS(HML_O2, 8) & HML_EEG_EXTREME);
	for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
		assert_int_equal(FLAWS(e, 15), 0);
	finish_head();
}

/* ---- trends ---------------------------------------------------------------------------------------- */

static void
test_trend_of_a_rhythm(void **state)
{
	HmlEegTrend trend;

	(void) state;
	make_head(2, 10, 2);
	assert_ok(&head.ctx, hml_eeg_trend(&head.ctx, head.samples, N, 0, N, &trend));
	assert_true(trend.rhythmicity > 0.95);
	assert_close(trend.rhythm_hz, 2, 0.05);
	assert_true(trend.delta_uv2 > 50 * (trend.theta_uv2 + trend.alpha_uv2 + trend.beta_uv2));
	assert_true(trend.edge_hz < 3 && trend.median_hz > 1.5 && trend.median_hz < 2.5);
	assert_true(fabs(trend.asymmetry) < 0.05);
	assert_status(&head.ctx, hml_eeg_trend(&head.ctx, head.samples, N, 0, 100, &trend), HML_INVALID_ARGUMENT);
	finish_head();
}

static void
test_trend_of_suppression(void **state)
{
	HmlEegTrend trend;

	(void) state;
	make_head(100, 0, 2);
	for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
		memset(head.samples + e * N + N / 4, 0, N / 2 * sizeof(float));
	assert_ok(&head.ctx, hml_eeg_trend(&head.ctx, head.samples, N, 0, N, &trend));
	assert_close(trend.suppression_ratio, 0.5, 0.02);
	assert_true(trend.aeeg_low_uv < 1 && trend.aeeg_high_uv > 5);
	finish_head();
	make_head(0, 0, 1);
	assert_ok(&head.ctx, hml_eeg_trend(&head.ctx, head.samples, N, 0, N, &trend));
	assert_close(trend.suppression_ratio, 1, 1e-9);
	assert_true(isnan(trend.edge_hz) && isnan(trend.asymmetry) && isnan(trend.rhythm_hz));
	finish_head();
}

/* ---- pictures -------------------------------------------------------------------------------------- */

static void
test_pictures(void **state)
{
	static const bool doubtful[18] = {true};
	static const HmlEegEvent events[] = {
		{1, NAN, "<blink>"}, {3, 4, "arm"}, {-9, 1, "before"}, {90, NAN, "after"}};
	static float banana[18 * N];
	static float power[HML_CHAINS * HML_EEG_BINS * (N / HML_EEG_HOP)];
	HmlEegPage page = {.title = "A & B",
					   .legend = "",
					   .montage = &hml_montages[HML_MONTAGE_DOUBLE_BANANA],
					   .samples = banana,
					   .n = N,
					   .rate = RATE,
					   .uv_per_mm = 7,
					   .doubtful = doubtful,
					   .n_events = 4,
					   .events = events};
	const char *drawn;
	HmlText svg;

	(void) state;
	make_head(60, 1, 3);
	hml_montage_apply(page.montage, head.samples, N, banana);
	hml_text_init(&svg, &head.ctx);
	assert_ok(&head.ctx, hml_plot_eeg(&svg, &page));
	assert_ok(&head.ctx, hml_text_finish(&svg, &drawn));
	assert_drawable(drawn);
	assert_non_null(strstr(drawn, "&lt;blink&gt;"));
	assert_non_null(strstr(drawn, "A &amp; B"));
	assert_null(strstr(drawn, "before"));
	assert_null(strstr(drawn, "after"));
	hml_text_free(&svg);
	page.uv_per_mm = 0;
	hml_text_init(&svg, &head.ctx);
	assert_status(&head.ctx, hml_plot_eeg(&svg, &page), HML_INVALID_ARGUMENT);
	hml_text_free(&svg);
	assert_ok(&head.ctx, hml_eeg_spectrogram(&head.ctx, head.samples, N, power));
	hml_text_init(&svg, &head.ctx);
	assert_ok(&head.ctx, hml_plot_eeg_spectrogram(&svg, "chains", power, hml_eeg_frames(N), 100));
	assert_ok(&head.ctx, hml_text_finish(&svg, &drawn));
	assert_drawable(drawn);
	hml_text_free(&svg);
	finish_head();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_window_of_all),
		cmocka_unit_test(test_window_is_placed),
		cmocka_unit_test(test_missing_electrodes),
		cmocka_unit_test(test_bipolar),
		cmocka_unit_test(test_units_are_doubted),
		cmocka_unit_test(test_golden_spectrum),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_flaws),
		cmocka_unit_test(test_trend_of_a_rhythm),
		cmocka_unit_test(test_trend_of_suppression),
		cmocka_unit_test(test_pictures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
