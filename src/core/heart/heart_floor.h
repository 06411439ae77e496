/*
 * heart_floor.h
 *	  What a recording sounds like where the heart is silent: its stethoscope, its
 *	  filters, its room.
 *
 * In frames of half a second, each frequency keeps the level that four frames of
 * five exceed.  Means over bands, in dB above the level of the whole recording,
 * are the same for any gain and nearly the same for any heart, and they separate one
 * make of recording from another: the bands reach from 4 to 938 Hz.  Above, the
 * filters of the resampling that MP3, Vorbis and Opus need change a recording.
 */
#ifndef HML_HEART_HEART_FLOOR_H
#define HML_HEART_HEART_FLOOR_H

#include "core/base/arena.h"

#define HML_HEART_FLOORS 20
#define HML_HEART_FLOOR_RATE 2000 /* least samples a second that it can be measured from */

/* Limits of the bands in Hz, ascending: band i reaches from limit i to limit i + 1. */
extern const double hml_heart_floor_hz[HML_HEART_FLOORS + 1];

/*
 * samples is (n), n >= 1, sample_rate at least HML_HEART_FLOOR_RATE; floors is
 * (HML_HEART_FLOORS), dB, finite.  A recording shorter than a frame is one frame.
 * HML_LIMIT for more than HML_MEL_MAX_CELLS values; the scratch memory ends with
 * the call.
 */
extern HmlStatus hml_heart_floor(HmlContext *ctx, const float *samples, size_t n, double sample_rate,
								 float *floors) HML_NODISCARD;

#endif /* HML_HEART_HEART_FLOOR_H */
