/*
 * edf_parse.h
 *	  What the parts of the reader of EDF files share while a file is opened.
 */
#ifndef HML_SIGNAL_EDF_EDF_PARSE_H
#define HML_SIGNAL_EDF_EDF_PARSE_H

#include "core/signal/edf/edf.h"
#include "core/signal/edf/edf_field.h"

#define HML_EDF_MAX_WARNINGS 64

/* Where annotations lie in a record. */
typedef struct HmlEdfSlot
{
	size_t offset;
	size_t size;
} HmlEdfSlot;

typedef struct HmlEdfParse
{
	HmlArena *arena;
	HmlContext *ctx;
	const unsigned char *bytes;
	size_t length;
	HmlEdf *edf;
	size_t n_signals; /* with those of annotations */
	size_t n_slots;
	HmlEdfSlot *slots;
	size_t header_size;
	double first_onset_s;
	bool is_plus; /* header and annotations follow EDF+ */
} HmlEdfParse;

/* A whole sentence; beyond HML_EDF_MAX_WARNINGS it is dropped. */
extern HmlStatus hml_edf_warn(HmlEdfParse *parse, const char *fmt, ...) HML_PRINTF(2, 3) HML_NODISCARD;

/* Header of the file and of its signals: all of the HmlEdf but what follows. */
extern HmlStatus hml_edf_parse_header(HmlEdfParse *parse) HML_NODISCARD;

/* Number of records and 'truncated', from the size. */
extern HmlStatus hml_edf_count_records(HmlEdfParse *parse) HML_NODISCARD;

/* Stretches and annotations. */
extern HmlStatus hml_edf_parse_records(HmlEdfParse *parse) HML_NODISCARD;

#endif /* HML_SIGNAL_EDF_EDF_PARSE_H */
