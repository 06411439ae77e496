/*
 * eeg_reader.h
 *	  The electrodes of an opened file as a signal in microvolt.
 */
#ifndef HML_EEG_EEG_READER_H
#define HML_EEG_EEG_READER_H

#include "core/signal/edf/edf.h"
#include "core/signal/signal.h"

/* Channels of a file that are one kind of thing, under their canonical names; all lies in the arena. */
typedef struct HmlEegChannels
{
	size_t n;
	const HmlEdfChannel **channels;
	const char **names;
	bool is_bipolar;
	double rate; /* the fastest of theirs, Hz */
} HmlEegChannels;

/*
 * The electrodes of a file, those beyond the nineteen included, each once;
 * of a file with fewer electrodes than differences, the differences.  HML_INVALID_DATA
 * where there is neither.
 */
extern HmlStatus hml_eeg_channels(HmlArena *arena, const HmlEdf *edf, HmlEegChannels *out) HML_NODISCARD;

/* What of an EEG is wanted; it must lie in one stretch. */
typedef struct HmlEegPart
{
	double from_s;
	double seconds;
	double microvolts; /* of one unit of the file, whatever that says; NaN = as it says */
} HmlEegPart;

/*
 * HML_INVALID_ARGUMENT: beyond the recording, or over a gap.  HML_INVALID_DATA: a
 * unit that is no voltage.  On success *out is freed by hml_signal_free().
 */
extern HmlStatus hml_eeg_read(HmlContext *ctx, const HmlEdf *edf, const HmlEegChannels *channels,
							  const HmlEegPart *part, HmlSignal *out) HML_NODISCARD;

/*
 * The part of 'seconds' round at_s, or round the middle of the longest stretch where
 * that is NaN, as far as it lies in one stretch.  *at_s is set.
 */
extern HmlStatus hml_eeg_part_round(HmlContext *ctx, const HmlEdf *edf, double *at_s, double seconds,
									HmlEegPart *out) HML_NODISCARD;

#endif /* HML_EEG_EEG_READER_H */
