/*
 * sort.c
 *	  Radix sort of float64, least significant byte first; heap sort of texts.
 *
 * The bits of a double, with the sign bit flipped for a positive and all bits
 * flipped for a negative number, order as unsigned integers as the numbers do
 * (M. Herf, 2001, http://stereopsis.com/radix.html).  All eight histograms are
 * counted in one pass, and a byte that is the same everywhere costs no pass.
 */
#include "core/base/sort.h"

#include <string.h>

#define RADIX 256
#define PASSES 8
#define SMALL 48             /* up to here insertion is faster than eight histograms */
#define POLL_EVERY (1 << 18) /* values between polls, about a millisecond */

_Static_assert(sizeof(double) == sizeof(uint64_t), "keys are the bits of a double");

static inline uint64_t
key_of(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits ^ ((bits >> 63) != 0 ? UINT64_MAX : UINT64_C(1) << 63);
}

static inline double
value_of(uint64_t key)
{
	uint64_t bits = key ^ ((key >> 63) != 0 ? UINT64_C(1) << 63 : UINT64_MAX);
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static inline uint64_t
load(const double *slot)
{
	uint64_t key;

	memcpy(&key, slot, sizeof(key));
	return key;
}

static inline void
store(double *slot, uint64_t key)
{
	memcpy(slot, &key, sizeof(key));
}

static void
insertion_sort(double *values, size_t n)
{
	for (size_t i = 1; i < n; i++)
	{
		double value = values[i];
		size_t j = i;

		for (; j > 0 && values[j - 1] > value; j--)
			values[j] = values[j - 1];
		values[j] = value;
	}
}

/* Put keys in place of the values and count each of their bytes. */
static void
to_keys(double *values, size_t n, size_t counts[PASSES][RADIX])
{
	memset(counts, 0, sizeof(size_t) * PASSES * RADIX);
	for (size_t i = 0; i < n; i++)
	{
		uint64_t key = key_of(values[i]);

		for (int pass = 0; pass < PASSES; pass++)
			counts[pass][(key >> (8 * pass)) & (RADIX - 1)]++;
		store(&values[i], key);
	}
}

static void
from_keys(double *values, size_t n)
{
	for (size_t i = 0; i < n; i++)
		values[i] = value_of(load(&values[i]));
}

/* From counts to the first position of each byte. */
static void
to_positions(size_t counts[RADIX])
{
	size_t position = 0;

	for (int byte = 0; byte < RADIX; byte++)
	{
		size_t count = counts[byte];

		counts[byte] = position;
		position += count;
	}
}

/* Deal the keys of 'from' into 'to' by byte number 'pass'; 'from' keeps them. */
static HmlStatus
deal(HmlContext *ctx, const double *from, double *to, size_t n, int pass, size_t positions[RADIX])
{
	for (size_t start = 0; start < n; start += POLL_EVERY)
	{
		size_t end = n - start < POLL_EVERY ? n : start + POLL_EVERY;

		HML_TRY(hml_poll(ctx));
		for (size_t i = start; i < end; i++)
		{
			uint64_t key = load(&from[i]);

			store(&to[positions[(key >> (8 * pass)) & (RADIX - 1)]++], key);
		}
	}
	return HML_OK;
}

/* *keys ends as the one of the two blocks that holds all keys, also on failure. */
static HmlStatus
radix_passes(HmlContext *ctx, double **keys, double *other, size_t n, size_t counts[PASSES][RADIX])
{
	for (int pass = 0; pass < PASSES; pass++)
	{
		double *dealt = other;
		size_t first_byte = (load(*keys) >> (8 * pass)) & (RADIX - 1);

		if (counts[pass][first_byte] == n)
			continue;
		to_positions(counts[pass]);
		HML_TRY(deal(ctx, *keys, dealt, n, pass, counts[pass]));
		other = *keys;
		*keys = dealt;
	}
	return HML_OK;
}

HmlStatus
hml_sort_doubles(HmlContext *ctx, double *values, size_t n)
{
	size_t counts[PASSES][RADIX];
	double *scratch;
	double *keys = values;
	HmlStatus status;

	if (n <= SMALL)
	{
		insertion_sort(values, n);
		return HML_OK;
	}
	HML_TRY(HML_NEW(ctx, &scratch, n));
	to_keys(values, n, counts);
	status = radix_passes(ctx, &keys, scratch, n, counts);
	if (keys != values)
		memcpy(values, keys, n * sizeof(*values));
	from_keys(values, n);
	hml_free(ctx, scratch);
	return status;
}

/* The item at 'root' sinks to its place in the heap texts[0 .. n-1] (R. W. Floyd, CACM 7, 1964). */
size_t
hml_find_double(const double *sorted, size_t n, double value)
{
	size_t low = 0;

	while (n > 1)
	{
		size_t half = n / 2;

		if (sorted[low + half] <= value)
			low += half;
		n -= half;
	}
	return low;
}

static void
sink(const char **texts, size_t root, size_t n)
{
	const char *item = texts[root];

	for (size_t child; (child = 2 * root + 1) < n; root = child)
	{
		if (child + 1 < n && strcmp(texts[child + 1], texts[child]) > 0)
			child++;
		if (strcmp(texts[child], item) <= 0)
			break;
		texts[root] = texts[child];
	}
	texts[root] = item;
}

void
hml_sort_texts(const char **texts, size_t n)
{
	for (size_t i = n / 2; i > 0; i--)
		sink(texts, i - 1, n);
	for (size_t i = n; i > 1; i--)
	{
		const char *largest = texts[0];

		texts[0] = texts[i - 1];
		texts[i - 1] = largest;
		sink(texts, 0, i - 1);
	}
}
