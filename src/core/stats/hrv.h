/*
 * hrv.h
 *	  Heart-rate variability of a series of intervals between beats.
 *
 * Definitions are those of the Task Force of the ESC and NASPE (Heart rate
 * variability, Circulation 93, 1996) as NeuroKit2 and hrv-analysis compute them;
 * where the two differ, the member says which one is meant.  A measure that the
 * series is too short for is NaN.
 */
#ifndef HML_STATS_HRV_H
#define HML_STATS_HRV_H

#include "core/base/context.h"

#define HML_RR_MIN 10.0    /* ms; what is shorter was given in seconds */
#define HML_RR_MAX 60000.0 /* ms */

/* Recording times in seconds that a band needs: its slowest wave must be seen more than once. */
#define HML_HRV_HF_SECONDS 60.0
#define HML_HRV_LF_SECONDS 120.0
#define HML_HRV_VLF_SECONDS 300.0

/* Power in ms^2; the bands are 0.003-0.04, 0.04-0.15 and 0.15-0.40 Hz, upper end excluded. */
typedef struct HmlHrvBands
{
	double total; /* vlf + lf + hf */
	double vlf;
	double lf;
	double hf;
	double lf_hf_ratio;
	double lf_nu; /* percent of lf + hf */
	double hf_nu;
} HmlHrvBands;

typedef struct HmlHrv
{
	size_t n;
	size_t corrected; /* intervals that the correction replaced */
	/* time domain, ms */
	double mean_nn, median_nn, min_nn, max_nn, range_nn;
	double sdnn; /* n - 1 */
	double sdsd; /* of successive differences, n - 1 */
	double rmssd;
	double nn50, nn20;                     /* successive differences above 50 ms, 20 ms */
	double pnn50, pnn20;                   /* percent of the differences */
	double cvnn, cvsd;                     /* sdnn and rmssd by mean_nn */
	double mean_hr, min_hr, max_hr, sd_hr; /* of 60000 / interval, per minute */
	double triangular_index;               /* intervals by the fullest bin of 1/128 s */
	double tinn;                           /* base of the least-squares triangle over that histogram */
	/* frequency domain */
	HmlHrvBands welch;
	HmlHrvBands lomb;
	/* non-linear */
	double sd1, sd2, sd1_sd2_ratio;
	double sample_entropy; /* m = 2, r = 0.2 sdnn */
	double csi, cvi;       /* M. Toichi et al., J. Auton. Nerv. Syst. 62, 1997 */
} HmlHrv;

/*
 * Replace artefacts, then ectopic beats of rr[0 .. n-1] in place by the line between the good intervals beside them.
 * Artefacts are intervals of less than 300 or more than 2000 ms; ectopic is one that differs from the one
 * before it by more than a fifth (the rule of M. Malik), but not the one after such a one.  *corrected is the
 * number of both.  As hrv-analysis' get_nn_intervals().  HML_INVALID_DATA when there are only artefacts.
 */
extern HmlStatus hml_rr_correct(HmlContext *ctx, double *rr, size_t n, size_t *corrected) HML_NODISCARD;

/*
 * All measures of rr[0 .. n-1] in ms, each between HML_RR_MIN and HML_RR_MAX, else
 * HML_INVALID_DATA.  Memory: less than 100 bytes an interval and 1 MB.  Polls.
 */
extern HmlStatus hml_hrv(HmlContext *ctx, const double *rr, size_t n, HmlHrv *out) HML_NODISCARD;

/* ---- parts of it, for tests ---- */

/*
 * Welch's method on the series resampled at 4 Hz by a cubic spline (not a knot):
 * segments of at most 256 s, half overlapping, Hann window, mean removed; what
 * scipy.interpolate.CubicSpline and scipy.signal.welch give.
 */
extern HmlStatus hml_hrv_welch(HmlContext *ctx, const double *rr, size_t n, HmlHrvBands *out) HML_NODISCARD;

/*
 * Lomb and Scargle's periodogram at multiples of 1/300 Hz, on pieces of 300 s of
 * which the mean is taken: 2 mean(dt) times scipy.signal.lombscargle.
 */
extern HmlStatus hml_hrv_lomb(HmlContext *ctx, const double *rr, size_t n, HmlHrvBands *out) HML_NODISCARD;

/*
 * Sample entropy (J. S. Richman and J. R. Moorman, 2000) with m = 2: of all pairs
 * up to HML_ENTROPY_EXACT values, beyond that of the pairs within blocks of
 * HML_ENTROPY_BLOCK, whose counts are added up.  NaN where nothing matches.
 */
#define HML_ENTROPY_EXACT 8192
#define HML_ENTROPY_BLOCK 1024
extern HmlStatus hml_sample_entropy(HmlContext *ctx, const double *values, size_t n, double tolerance,
									double *out) HML_NODISCARD;

#endif /* HML_STATS_HRV_H */
