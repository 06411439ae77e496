/*
 * edf_write.h
 *	  EDF+ files of channels that are there as numbers.
 */
#ifndef HML_SIGNAL_EDF_EDF_WRITE_H
#define HML_SIGNAL_EDF_EDF_WRITE_H

#include "core/base/bytes.h"
#include "core/signal/edf/edf.h"

/* No patient, no date: fields that could identify a person are "X". */
typedef struct HmlEdfContent
{
	size_t n_channels;         /* up to 1,000 */
	size_t n_samples;          /* of each channel; the last second is filled with its last value */
	int sample_rate;           /* Hz, whole; a record lasts a second */
	const float *samples;      /* (n_channels, n_samples) in 'unit' */
	const char *const *labels; /* (n_channels) up to 16 bytes of ASCII each */
	const char *unit;          /* up to 8 bytes of ASCII */
	double physical_max;       /* the range is -physical_max to physical_max; beyond it is clipped */
	size_t n_annotations;
	const HmlEdfAnnotation *annotations; /* texts of up to HML_EDF_TEXT bytes of UTF-8 */
} HmlEdfContent;

#define HML_EDF_TEXT 80

/* Append the file, EDF+C of 16 bits; HML_INVALID_ARGUMENT where the content does not fit. */
extern HmlStatus hml_edf_write(const HmlEdfContent *content, HmlWriter *writer) HML_NODISCARD;

#endif /* HML_SIGNAL_EDF_EDF_WRITE_H */
