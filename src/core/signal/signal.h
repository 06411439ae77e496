/*
 * signal.h
 *	  A recording as numbers, whatever it was made with, and how bytes become one.
 *
 * A modality (model/modality.h) names its reader.  Arrays become a signal without
 * one: their rows are the channels.
 */
#ifndef HML_SIGNAL_SIGNAL_H
#define HML_SIGNAL_SIGNAL_H

#include "core/base/context.h"

typedef struct HmlSignal
{
	size_t n_channels;
	size_t n_samples;    /* of each channel */
	float *samples;      /* (n_channels, n_samples) always finite */
	double sample_rate;  /* Hz */
	const char *unit;    /* of the samples: "full scale", "uV"; "" = unknown */
	const char **labels; /* (n_channels) UTF-8, one block with their text; NULL = channels have no names */
	const char *format;  /* of the file: "wav", "edf", ...; "array" without one */
	bool truncated;      /* the file ends before its recording does */
	bool is_placed;      /* a moment was asked for, and the signal is what there is round it */
	double at_s;         /* that moment, in the signal; it need not be the middle */
} HmlSignal;

/* Frees samples and labels; a signal of zeros is allowed. */
extern void hml_signal_free(HmlContext *ctx, HmlSignal *signal);

static inline double
hml_signal_seconds(const HmlSignal *signal)
{
	return (double) signal->n_samples / signal->sample_rate;
}

/* What a picture shows of a recording. */
typedef struct HmlSignalView
{
	const char *title;
	double from_s; /* in the recording */
	double to_s;   /* after from_s; what is beyond the end is the end */
} HmlSignalView;

/* A limit on what a reader accepts; the server has a setting healthml.<name> for it. */
typedef struct HmlSignalLimit
{
	const char *name;
	int value; /* unless it is set */
	int least;
	int most;
	bool is_seconds;
	const char *help;   /* what the setting sets, one sentence */
	const char *detail; /* what happens beyond, one sentence */
} HmlSignalLimit;

#define HML_SIGNAL_MAX_LIMITS 4

typedef struct HmlSignalRequest
{
	const void *bytes; /* the whole file */
	size_t length;
	const int *limits; /* values, in the order of the reader's */
	double at_s;       /* middle of the stretch that is wanted; NaN = what the reader takes by itself */
} HmlSignalRequest;

typedef struct HmlSignalReader
{
	const char *name;             /* "audio" */
	const HmlSignalLimit *limits; /* at most HML_SIGNAL_MAX_LIMITS, ending with a name of NULL */
	/*
	 * On success *out is freed by hml_signal_free(); on failure it holds nothing.
	 * HML_CORRUPT: not such a file, or damaged.  HML_LIMIT: a limit that the message
	 * names.  HML_INVALID_DATA: most of it is no usable numbers.
	 */
	HmlStatus (*read)(HmlContext *ctx, const HmlSignalRequest *request, HmlSignal *out);
} HmlSignalReader;

#endif /* HML_SIGNAL_SIGNAL_H */
