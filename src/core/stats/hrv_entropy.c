/*
 * hrv_entropy.c
 *	  Sample entropy.
 *
 * The distance of two templates is the greatest difference of their values, and
 * a pair matches when it is at most the tolerance.  For each distance in time one
 * pass marks the values that match, a second one counts two and three marks in a
 * row; the compiler turns both into vector instructions.  Memory: a byte a value.
 * Polls after each distance.
 */
#include "core/stats/hrv.h"

#include <math.h>

#define LAGS_BETWEEN_POLLS 64 /* each takes a microsecond or two */

typedef struct Matches
{
	uint64_t two;   /* pairs of templates of two values */
	uint64_t three; /* of three */
} Matches;

/* Pairs of templates that begin 'lag' apart; the templates begin at 0 .. n-3.  mark is (n). */
static void
count_lag(const double *x, size_t n, size_t lag, double tolerance, uint8_t *mark, Matches *matches)
{
	size_t pairs = n - 2 - lag;
	const double *y = x + lag;
	uint32_t two = 0;
	uint32_t three = 0;

	for (size_t i = 0; i < pairs + 2; i++)
		mark[i] = fabs(x[i] - y[i]) <= tolerance;
	for (size_t i = 0; i < pairs; i++)
	{
		uint8_t both = mark[i] & mark[i + 1];

		two += both;
		three += both & mark[i + 2];
	}
	matches->two += two;
	matches->three += three;
}

static HmlStatus
count_block(HmlContext *ctx, const double *x, size_t n, double tolerance, uint8_t *mark, Matches *matches)
{
	for (size_t lag = 1; lag + 2 < n; lag++)
	{
		count_lag(x, n, lag, tolerance, mark, matches);
		if (lag % LAGS_BETWEEN_POLLS == 0)
			HML_TRY(hml_poll(ctx));
	}
	return hml_poll(ctx);
}

static HmlStatus
count_all(HmlContext *ctx, const double *x, size_t n, size_t block, double tolerance, uint8_t *mark,
		  Matches *matches)
{
	for (size_t first = 0; first < n; first += block)
		HML_TRY(count_block(ctx, x + first, n - first < block ? n - first : block, tolerance, mark, matches));
	return HML_OK;
}

HmlStatus
hml_sample_entropy(HmlContext *ctx, const double *values, size_t n, double tolerance, double *out)
{
	size_t block = n <= HML_ENTROPY_EXACT ? n : HML_ENTROPY_BLOCK;
	Matches matches = {0, 0};
	uint8_t *mark;
	HmlStatus status;

	*out = NAN;
	HML_TRY(HML_NEW(ctx, &mark, block));
	status = count_all(ctx, values, n, block, tolerance, mark, &matches);
	hml_free(ctx, mark);
	if (matches.two > 0 && matches.three > 0)
		*out = log((double) matches.two / (double) matches.three);
	return status;
}
