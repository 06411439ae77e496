/*
 * heart_period.h
 *	  How often the heart beats, by the autocorrelation of its level.
 */
#ifndef HML_HEART_HEART_PERIOD_H
#define HML_HEART_HEART_PERIOD_H

#include "core/base/arena.h"

/* Frames first .. last - 1, in which the recording has sound. */
typedef struct HmlHeartStretch
{
	size_t first;
	size_t last;
} HmlHeartStretch;

typedef struct HmlHeartPeriod
{
	size_t lag;        /* frames, 0 where nothing repeats */
	double coarse_s;   /* that lag in seconds, or what most hearts have */
	double period_s;   /* finer than a frame; NaN where nothing repeats */
	double rhythm;     /* autocorrelation at that lag, at most 1 */
	double interval_s; /* from the first sound to the second */
} HmlHeartPeriod;

#define HML_HEART_PERIODS 3

/*
 * The usual period and, where they are possible at all, a fast and a slow one: the
 * phases decide.  out is (HML_HEART_PERIODS), of which *n >= 1 are set.  flat is a
 * level without its drift, whose stretches are ascending and do not overlap.
 * Periods lie in HML_HEART_FASTEST_S to HML_HEART_SLOWEST_S.
 */
extern HmlStatus hml_heart_periods(HmlArena *arena, const double *flat, const HmlHeartStretch *stretches,
								   size_t n_stretches, double frames_per_s, HmlHeartPeriod *out,
								   size_t *n) HML_NODISCARD;

/* 18 to 250 beats a minute: rates of 25 to 240 lie well within. */
#define HML_HEART_SLOWEST_S 3.3
#define HML_HEART_FASTEST_S 0.24

extern void hml_mean_and_spread(const double *x, size_t n, double *mean, double *spread);

#endif /* HML_HEART_HEART_PERIOD_H */
