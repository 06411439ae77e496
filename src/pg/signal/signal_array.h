/*
 * signal_array.h
 *	  Arrays as signals.
 */
#ifndef HEALTHML_SIGNAL_ARRAY_H
#define HEALTHML_SIGNAL_ARRAY_H

#include "pg/signal/recording.h"

/*
 * A real[] of channels x samples, or of the samples of one channel, as a signal; its
 * samples count for the memory of 'ctx'.  HML_INVALID_DATA: empty, NULL, NaN or
 * infinite.  HML_INVALID_ARGUMENT: more dimensions, a rate that is not above 0, or
 * another number of names than of channels.
 */
extern HmlStatus healthml_signal_of_array(HmlContext *ctx, const HealthmlRecording *recording,
										  HmlSignal *out) HML_NODISCARD;

#endif /* HEALTHML_SIGNAL_ARRAY_H */
