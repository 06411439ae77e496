/*
 * rng.h
 *	  The one random number generator of healthml: xoshiro256**.
 *
 * D. Blackman, S. Vigna: Scrambled linear pseudorandom number generators, ACM
 * TOMS 47 (2021), https://prng.di.unimi.it/.  Seeded through splitmix64, so that
 * every 64-bit seed is a good one.  The same seed gives the same numbers on
 * every machine.  Not for cryptography.
 */
#ifndef HML_BASE_RNG_H
#define HML_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

typedef struct HmlRng
{
	uint64_t state[4];
} HmlRng;

extern void hml_rng_seed(HmlRng *rng, uint64_t seed);

/* An independent stream for part 'stream' of the work under the same seed. */
extern void hml_rng_seed_stream(HmlRng *rng, uint64_t seed, uint64_t stream);

extern uint64_t hml_rng_next(HmlRng *rng);
extern uint64_t hml_rng_below(HmlRng *rng, uint64_t bound); /* 0 <= x < bound, unbiased; bound > 0 */
extern double hml_rng_uniform(HmlRng *rng);                 /* 0 <= x < 1, 53 bits */
extern double hml_rng_normal(HmlRng *rng);                  /* mean 0, variance 1 */
extern void hml_rng_shuffle(HmlRng *rng, uint32_t *items, size_t count);

#endif /* HML_BASE_RNG_H */
