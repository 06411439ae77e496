/*
 * heart_beat.h
 *	  The typical beat of a recording.
 *
 * Every beat is stretched to the same HML_BEAT_BINS bins (4 of the first sound, 10
 * of systole, 4 of the second, 12 of diastole).  Over the beats, each cell (band,
 * bin) keeps its lower quartile, which noise that comes and goes does not reach,
 * and its interquartile range.
 */
#ifndef HML_SIGNAL_HEART_BEAT_H
#define HML_SIGNAL_HEART_BEAT_H

#include "core/signal/heart_cycle.h"

#define HML_BEAT_BINS 30
#define HML_BEAT_MIN_BEATS 3 /* fewer are not typical of anything */

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

#endif /* HML_SIGNAL_HEART_BEAT_H */
