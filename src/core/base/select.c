/*
 * select.c
 *	  Quantiles by one histogram.
 *
 * The bits of a double order as whole numbers do (sort.c), and where floating
 * point is dense, so are the numbers: buckets of equal width over the bits
 * between the least and the greatest value spread most data well.  One pass
 * counts, one collects the values of the few buckets that hold a wanted rank,
 * and only those are sorted.
 */
#include "core/base/select.h"

#include <string.h>

#include "core/base/sort.h"

#define BUCKET_BITS 11
#define N_BUCKETS ((size_t) 1 << BUCKET_BITS)
#define POLL_EVERY ((size_t) 1 << 18)

_Static_assert(sizeof(double) == sizeof(uint64_t), "keys are the bits of a double");

typedef struct Selection
{
	HmlContext *ctx;
	const double *values;
	size_t n;
	uint64_t least;               /* key of the least value */
	int shift;                    /* bucket of a key = (key - least) >> shift */
	size_t starts[N_BUCKETS + 1]; /* rank of the first value of each bucket */
	size_t places[N_BUCKETS];     /* where that value is among the collected ones */
	uint8_t wanted[N_BUCKETS];    /* 1 where the bucket holds a wanted rank */
	size_t n_collected;
	double *collected; /* the values of the wanted buckets, sorted */
} Selection;

static inline uint64_t
key_of(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits ^ ((bits >> 63) != 0 ? UINT64_MAX : UINT64_C(1) << 63);
}

static inline size_t
bucket_of(const Selection *selection, double value)
{
	return (size_t) ((key_of(value) - selection->least) >> selection->shift);
}

/* Buckets that cover the values, just. */
static void
find_range(Selection *selection)
{
	uint64_t least = UINT64_MAX;
	uint64_t greatest = 0;

	for (size_t i = 0; i < selection->n; i++)
	{
		uint64_t key = key_of(selection->values[i]);

		least = key < least ? key : least;
		greatest = key > greatest ? key : greatest;
	}
	selection->least = least;
	for (selection->shift = 0; (greatest - least) >> selection->shift >= N_BUCKETS;)
		selection->shift++;
}

static HmlStatus
count_buckets(Selection *selection)
{
	size_t rank = 0;

	memset(selection->starts, 0, sizeof(selection->starts));
	for (size_t first = 0; first < selection->n; first += POLL_EVERY)
	{
		size_t end = selection->n - first < POLL_EVERY ? selection->n : first + POLL_EVERY;

		HML_TRY(hml_poll(selection->ctx));
		for (size_t i = first; i < end; i++)
			selection->starts[bucket_of(selection, selection->values[i])]++;
	}
	for (size_t bucket = 0; bucket <= N_BUCKETS; bucket++)
	{
		size_t count = selection->starts[bucket];

		selection->starts[bucket] = rank;
		rank += count;
	}
	return HML_OK;
}

/* The bucket that holds the value of a rank: the last one that starts there or before. */
static size_t
bucket_of_rank(const Selection *selection, size_t rank)
{
	size_t low = 0;
	size_t high = N_BUCKETS;

	while (high - low > 1)
	{
		size_t middle = low + (high - low) / 2;

		if (selection->starts[middle] <= rank)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static void
mark_buckets(Selection *selection, const size_t *ranks, size_t n_ranks)
{
	memset(selection->wanted, 0, sizeof(selection->wanted));
	for (size_t i = 0; i < n_ranks; i++)
		selection->wanted[bucket_of_rank(selection, ranks[i])] = 1;
	for (size_t bucket = 0; bucket < N_BUCKETS; bucket++)
	{
		selection->places[bucket] = selection->n_collected;
		if (selection->wanted[bucket] != 0)
			selection->n_collected += selection->starts[bucket + 1] - selection->starts[bucket];
	}
}

static HmlStatus
collect(Selection *selection)
{
	double *out;

	/* One more, because each value is written and then counted or not. */
	HML_TRY(HML_NEW(selection->ctx, &selection->collected, selection->n_collected + 1));
	out = selection->collected;
	for (size_t first = 0; first < selection->n; first += POLL_EVERY)
	{
		size_t end = selection->n - first < POLL_EVERY ? selection->n : first + POLL_EVERY;

		HML_TRY(hml_poll(selection->ctx));
		for (size_t i = first; i < end; i++)
		{
			*out = selection->values[i];
			out += selection->wanted[bucket_of(selection, *out)];
		}
	}
	return hml_sort_doubles(selection->ctx, selection->collected, selection->n_collected);
}

static double
value_at(const Selection *selection, size_t rank)
{
	size_t bucket = bucket_of_rank(selection, rank);

	return selection->collected[selection->places[bucket] + rank - selection->starts[bucket]];
}

HmlStatus
hml_quantiles(HmlContext *ctx, const double *values, size_t n, const double *probabilities, size_t n_out,
			  double *out)
{
	Selection selection = {.ctx = ctx, .values = values, .n = n};
	size_t ranks[2 * HML_MAX_QUANTILES];
	HmlStatus status;

	for (size_t i = 0; i < n_out; i++)
	{
		ranks[2 * i] = (size_t) (probabilities[i] * (double) (n - 1));
		ranks[2 * i + 1] = ranks[2 * i] + 1 < n ? ranks[2 * i] + 1 : n - 1;
	}
	find_range(&selection);
	HML_TRY(count_buckets(&selection));
	mark_buckets(&selection, ranks, 2 * n_out);
	status = collect(&selection);
	for (size_t i = 0; status == HML_OK && i < n_out; i++)
	{
		double low = value_at(&selection, ranks[2 * i]);
		double high = value_at(&selection, ranks[2 * i + 1]);

		out[i] = low + (probabilities[i] * (double) (n - 1) - (double) ranks[2 * i]) * (high - low);
	}
	hml_free(ctx, selection.collected);
	return status;
}
