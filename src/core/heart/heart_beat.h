/*
 * heart_beat.h
 *	  The typical beat of a recording.
 *
 * Every beat is stretched to the same HML_BEAT_BINS bins (4 of the first sound, 10
 * of systole, 4 of the second, 12 of diastole).  Over the beats, each cell (band,
 * bin) keeps its lower quartile, which noise that comes and goes does not reach,
 * and its interquartile range.
 */
#ifndef HML_HEART_HEART_BEAT_H
#define HML_HEART_HEART_BEAT_H

#include "core/heart/heart_cycle.h"

#define HML_BEAT_BINS 30
#define HML_BEAT_MIN_BEATS 3 /* fewer are not typical of anything */

/* The bin in which each phase begins, and HML_BEAT_BINS. */
extern const size_t hml_beat_phase_bins[HML_HEART_PHASES + 1];

extern HmlHeartPhase hml_beat_phase(size_t bin);

/* Where a bin lies in a beat, in frames: frame t reaches from t to t + 1. */
extern void hml_beat_bin(const HmlHeartBeat *beat, size_t bin, double *from, double *to);

/* One band of one beat, linearly interpolated: band is (n_frames), bins (HML_BEAT_BINS). */
extern void hml_stretch_beat(const float *band, size_t n_frames, const HmlHeartBeat *beat, float *bins);

typedef struct HmlTypicalBeat
{
	size_t n_bands;
	float *quartile; /* (n_bands, HML_BEAT_BINS) dB */
	float *range;    /* (n_bands, HML_BEAT_BINS) dB */
} HmlTypicalBeat;

/*
 * log_mel is (n_bands, n_frames), dB.  HML_INVALID_DATA with fewer than
 * HML_BEAT_MIN_BEATS beats.  The result lies in 'arena'.
 */
extern HmlStatus hml_typical_beat(HmlArena *arena, const float *log_mel, size_t n_bands, size_t n_frames,
								  const HmlHeartBeat *beats, size_t n_beats,
								  HmlTypicalBeat *out) HML_NODISCARD;

#endif /* HML_HEART_HEART_BEAT_H */
