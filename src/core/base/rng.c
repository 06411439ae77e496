/*
 * rng.c
 *	  xoshiro256** and the distributions that we draw from it.
 */
#include "core/base/rng.h"

#include <math.h>

__extension__ typedef unsigned __int128 Wide;

static uint64_t
splitmix64(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline uint64_t
rotate_left(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

void
hml_rng_seed(HmlRng *rng, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		rng->state[i] = splitmix64(&seed);
}

void
hml_rng_seed_stream(HmlRng *rng, uint64_t seed, uint64_t stream)
{
	uint64_t mixed = splitmix64(&seed) ^ stream;

	hml_rng_seed(rng, splitmix64(&mixed));
}

uint64_t
hml_rng_next(HmlRng *rng)
{
	uint64_t *s = rng->state;
	uint64_t result = rotate_left(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

/* D. Lemire: Fast random integer generation in an interval, ACM TOMACS 29 (2019). */
uint64_t
hml_rng_below(HmlRng *rng, uint64_t bound)
{
	Wide product = (Wide) hml_rng_next(rng) * bound;

	if ((uint64_t) product < bound)
	{
		uint64_t threshold = -bound % bound;

		while ((uint64_t) product < threshold)
			product = (Wide) hml_rng_next(rng) * bound;
	}
	return (uint64_t) (product >> 64);
}

double
hml_rng_uniform(HmlRng *rng)
{
	return (double) (hml_rng_next(rng) >> 11) * 0x1.0p-53;
}

/* G. Marsaglia's polar method; the second number is not kept, so that a stream has no hidden state. */
double
hml_rng_normal(HmlRng *rng)
{
	double u;
	double v;
	double s;

	do
	{
		u = 2.0 * hml_rng_uniform(rng) - 1.0;
		v = 2.0 * hml_rng_uniform(rng) - 1.0;
		s = u * u + v * v;
	} while (s >= 1.0 || s == 0.0);
	return u * sqrt(-2.0 * log(s) / s);
}

void
hml_rng_shuffle(HmlRng *rng, uint32_t *items, size_t count)
{
	for (size_t i = count; i > 1; i--)
	{
		size_t j = (size_t) hml_rng_below(rng, i);
		uint32_t swap = items[i - 1];

		items[i - 1] = items[j];
		items[j] = swap;
	}
}
