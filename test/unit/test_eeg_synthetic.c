/*
 * test_eeg_synthetic.c
 *	  Synthetic EEGs: the same each time, patterns where they were asked for, votes, and
 *	  arguments that make no sense.
 */
#include "unit/support.h"

#include "core/eeg/eeg_synthetic.h"
#include "core/eeg/montage.h"

#define RATE HML_SYNTHETIC_EEG_RATE

typedef struct Made
{
	TestHost host;
	HmlContext ctx;
	float *samples;
	size_t n; /* of each channel */
	unsigned votes[HML_EEG_CLASSES];
} Made;

static HmlSyntheticEeg
eeg_of(HmlEegClass pattern, uint64_t seed)
{
	return (HmlSyntheticEeg){.pattern = pattern,
							 .seconds = 20,
							 .seed = seed,
							 .head = seed,
							 .frequency_hz = NAN,
							 .amplitude_uv = NAN,
							 .from_s = NAN,
							 .to_s = NAN};
}

static void
make(Made *made, const HmlSyntheticEeg *eeg)
{
	test_host_init(&made->host, &made->ctx);
	made->n = (size_t) eeg->seconds * RATE;
	assert_ok(&made->ctx, hml_synthetic_eeg(&made->ctx, eeg, &made->samples, made->votes));
}

static void
finish(Made *made)
{
	hml_free(&made->ctx, made->samples);
	test_host_finish(&made->host, &made->ctx);
}

/* Mean power of all electrodes between two seconds. */
static double
power(const Made *made, double from, double to)
{
	double sum = 0;

	for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
		for (size_t i = (size_t) (from * RATE); i < (size_t) (to * RATE); i++)
			sum += (double) made->samples[e * made->n + i] * (double) made->samples[e * made->n + i];
	return sum / ((to - from) * RATE * HML_EEG_ELECTRODES);
}

static void
test_same_seed(void **state)
{
	HmlSyntheticEeg eeg = eeg_of(HML_EEG_LPD, 3);
	Made a;
	Made b;

	(void) state;
	eeg.artifacts = 1;
	make(&a, &eeg);
	make(&b, &eeg);
	assert_memory_equal(a.samples, b.samples, HML_SYNTHETIC_EEG_CHANNELS * a.n * sizeof(float));
	assert_memory_equal(a.votes, b.votes, sizeof(a.votes));
	finish(&b);
	eeg.seed++;
	make(&b, &eeg);
	assert_memory_not_equal(a.samples, b.samples, HML_SYNTHETIC_EEG_CHANNELS * a.n * sizeof(float));
	finish(&b);
	finish(&a);
}

/* It is there between the seconds that were asked for, and makes the EEG stronger. */
static void
test_place_of_pattern(void **state)
{
	(void) state;
	for (int pattern = HML_EEG_SEIZURE; pattern < HML_EEG_OTHER; pattern++)
	{
		HmlSyntheticEeg eeg = eeg_of((HmlEegClass) pattern, 11);
		Made made;

		eeg.amplitude_uv = 600;
		eeg.from_s = 8;
		eeg.to_s = 16;
		make(&made, &eeg);
		assert_true(power(&made, 9, 15) > 3 * power(&made, 0, 7));
		assert_true(power(&made, 9, 15) > 3 * power(&made, 18, 20));
		finish(&made);
	}
}

/* One discharge each second: the EEG resembles itself a second later more than half a second later. */
static void
test_frequency(void **state)
{
	HmlSyntheticEeg eeg = eeg_of(HML_EEG_GRDA, 5);
	double whole = 0;
	double half = 0;
	Made made;

	(void) state;
	eeg.amplitude_uv = 300;
	eeg.frequency_hz = 1;
	make(&made, &eeg);
	for (size_t i = 8 * RATE; i < 12 * RATE; i++)
	{
		const float *fz = made.samples + HML_FZ * made.n;

		whole += (double) fz[i] * (double) fz[i + RATE];
		half += (double) fz[i] * (double) fz[i + RATE / 2];
	}
	assert_true(whole > 0);
	assert_true(half < 0);
	finish(&made);
}

/* Most readers see what is there, of every pattern, and each of them votes once. */
static void
test_votes(void **state)
{
	(void) state;
	for (int pattern = 0; pattern < HML_EEG_CLASSES; pattern++)
	{
		unsigned sums[HML_EEG_CLASSES] = {0};

		for (uint64_t seed = 0; seed < 10; seed++)
		{
			HmlSyntheticEeg eeg = eeg_of((HmlEegClass) pattern, seed);
			unsigned total = 0;
			Made made;

			make(&made, &eeg);
			for (int c = 0; c < HML_EEG_CLASSES; c++)
			{
				sums[c] += made.votes[c];
				total += made.votes[c];
			}
			assert_in_range(total, 3, 20);
			finish(&made);
		}
		for (int c = 0; c < HML_EEG_CLASSES; c++)
			assert_true(c == pattern || sums[c] < sums[pattern]);
	}
}

static void
test_set(void **state)
{
	unsigned counts[HML_EEG_CLASSES] = {0};

	(void) state;
	for (uint64_t i = 0; i < 48; i++)
	{
		HmlSyntheticEeg eeg = hml_synthetic_eeg_of_set(1, i);

		counts[eeg.pattern]++;
		assert_true(eeg.head == hml_synthetic_eeg_of_set(1, i ^ 1).head);
		assert_true(eeg.seed != hml_synthetic_eeg_of_set(1, i ^ 1).seed);
		assert_true(eeg.seed != hml_synthetic_eeg_of_set(2, i).seed);
	}
	for (int c = 0; c < HML_EEG_CLASSES; c++)
		assert_int_equal(counts[c], 8);
}

static void
refuse(const HmlSyntheticEeg *eeg, const char *message)
{
	TestHost host;
	HmlContext ctx;
	float *samples;
	unsigned votes[HML_EEG_CLASSES];

	test_host_init(&host, &ctx);
	assert_int_equal(hml_synthetic_eeg(&ctx, eeg, &samples, votes), HML_INVALID_ARGUMENT);
	assert_string_equal(ctx.message, message);
	assert_null(samples);
	test_host_finish(&host, &ctx);
}

static void
test_arguments(void **state)
{
	HmlSyntheticEeg eeg = eeg_of(HML_EEG_OTHER, 1);

	(void) state;
	eeg.seconds = 2.5;
	refuse(&eeg, "seconds must be a whole number from 1 to 36000, not 2.5");
	eeg.seconds = NAN;
	refuse(&eeg, "seconds must be a whole number from 1 to 36000, not nan");
	eeg = eeg_of(HML_EEG_OTHER, 1);
	eeg.frequency_hz = 31;
	refuse(&eeg, "frequency must be from 0.1 to 30 Hz, not 31");
	eeg = eeg_of(HML_EEG_OTHER, 1);
	eeg.amplitude_uv = -1;
	refuse(&eeg, "amplitude must be from 0 to 2000 uV, not -1");
	eeg = eeg_of(HML_EEG_OTHER, 1);
	eeg.artifacts = 11;
	refuse(&eeg, "artifacts must be from 0 to 10, not 11");
	eeg = eeg_of(HML_EEG_OTHER, 1);
	eeg.from_s = 20;
	refuse(&eeg, "the pattern must begin within 20 s, not at 20");
	eeg.from_s = 5;
	eeg.to_s = 5;
	refuse(&eeg, "the pattern must end after it begins, not at 5 s");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_seed), cmocka_unit_test(test_place_of_pattern),
		cmocka_unit_test(test_frequency), cmocka_unit_test(test_votes),
		cmocka_unit_test(test_set),       cmocka_unit_test(test_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
