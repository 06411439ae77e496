/*
 * test_loss.c
 *	  Losses by hand, and their gradients by differences.
 */
#include "unit/support.h"

#include "core/base/rng.h"
#include "core/nn/train/loss.h"

#define ALL_KINDS 6

static void
test_names(void **state)
{
	static const char *const names[ALL_KINDS] = {"mse",           "mae", "huber", "bce_with_logits",
												 "cross_entropy", "kl"};
	HmlLossKind kind;

	(void) state;
	for (int i = 0; i < ALL_KINDS; i++)
	{
		assert_true(hml_loss_find(names[i], &kind));
		assert_int_equal(kind, i);
	}
	assert_false(hml_loss_find("mean", &kind));
}

/* Two samples of two elements, weights 1 and 3. */
static void
test_values(void **state)
{
	static const float x[] = {1.0f, -2.0f, 0.5f, 3.0f};
	static const float t[] = {0.0f, 1.0f, 0.25f, 0.75f};
	static const float weight[] = {1, 3};
	static const double expected[ALL_KINDS] = {
		(1 + 9) / 2.0 + 3 * (0.0625 + 5.0625) / 2,
		(1 + 3) / 2.0 + 3 * (0.25 + 2.25) / 2,
		(0.5 + 2.5) / 2.0 + 3 * (0.03125 + 1.75) / 2,
		/* log(1 + e^1), 2 + log(1 + e^-2), log(1 + e^.5) - .125, log(1 + e^3) - 2.25 */
		(1.3132616875182228 + 2.1269280110429727) / 2 +
			3 * (0.9740769841801067 - 0.125 + 3.048587351573742 - 2.25) / 2,
		/* log-softmax of (1,-2): -.048587, -3.048587; of (.5,3): -2.578889, -.078889 */
		3.048587351573742 + 3 * (0.25 * 2.5788889 + 0.75 * 0.0788889),
		3.048587351573742 + 3 * (0.25 * 2.5788889 + 0.75 * 0.0788889 - 0.5623351446188083),
	};

	(void) state;
	for (int i = 0; i < ALL_KINDS; i++)
	{
		HmlLoss loss = {(HmlLossKind) i, 1, 2, 2};

		assert_close(hml_loss(&loss, x, t, weight, 2, 0, NULL), expected[i], 1e-6);
	}
}

/* No overflow where it can be avoided, and no hiding of what is not finite. */
static void
test_extremes(void **state)
{
	static const float x[] = {1e4f, -1e4f, 500.0f};
	static const float t[] = {0, 1, 0};
	static const float bad[] = {NAN, 0, 0};
	float gradient[3];

	(void) state;
	for (int i = 0; i < ALL_KINDS; i++)
	{
		HmlLoss loss = {(HmlLossKind) i, 1, 3, 3};

		assert_true(isfinite(hml_loss(&loss, x, t, NULL, 1, 1, gradient)));
		for (int k = 0; k < 3; k++)
			assert_true(isfinite(gradient[k]));
		assert_true(isnan(hml_loss(&loss, bad, t, NULL, 1, 1, gradient)));
	}
}

static void
test_gradients(void **state)
{
	enum
	{
		N = 3,
		SIZE = 6
	};
	float x[N * SIZE], t[N * SIZE], gradient[N * SIZE];
	static const float weight[N] = {0.5f, 2, 1};
	const double step = 1e-3;
	HmlRng rng;

	(void) state;
	hml_rng_seed(&rng, 11);
	for (int i = 0; i < ALL_KINDS; i++)
	{
		HmlLoss loss = {(HmlLossKind) i, 0.7f, SIZE, 3};

		for (int k = 0; k < N * SIZE; k++)
		{
			x[k] = (float) hml_rng_normal(&rng);
			t[k] = (float) hml_rng_uniform(&rng);
		}
		hml_loss(&loss, x, t, weight, N, 0.25, gradient);
		for (int k = 0; k < N * SIZE; k++)
		{
			float origin = x[k];
			double high, low;

			x[k] = origin + (float) step;
			high = hml_loss(&loss, x, t, weight, N, 0, NULL);
			x[k] = origin - (float) step;
			low = hml_loss(&loss, x, t, weight, N, 0, NULL);
			x[k] = origin;
			assert_close((double) gradient[k], 0.25 * (high - low) / (2 * step), 2e-3);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_gradients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
