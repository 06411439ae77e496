/*
 * edf.h
 *	  Recordings of many signals: EDF, EDF+ (continuous or not), BDF and BDF+.
 *
 * B. Kemp et al., A simple format for exchange of digitized polygraphic recordings,
 * Electroenceph. clin. Neurophysiol. 82 (1992), and Kemp and Olivan, European data
 * format 'plus' (EDF+), Clin. Neurophysiol. 114 (2003), https://www.edfplus.info/specs/.
 *
 * Opening reads the header and the times of all records; samples stay in the bytes of
 * the caller, which must outlive the HmlEdf, and are converted when they are asked
 * for.  Nothing of the header is believed: what is odd but can be understood is a
 * warning, what cannot is an error.  No message quotes a field of the header other
 * than the label of a channel: the others may hold the name of a patient.
 *
 * Times are seconds from the first sample.  Records that follow each other without a
 * gap are a stretch; a discontinuous file has several.
 */
#ifndef HML_SIGNAL_EDF_EDF_H
#define HML_SIGNAL_EDF_EDF_H

#include "core/base/arena.h"

typedef struct HmlEdfChannel
{
	const char *label; /* UTF-8, as found, trimmed; repeated ones with " (2)", " (3)", ... */
	const char *unit;  /* the same; "" = blank */
	const char *filters;
	double microvolts;  /* of one unit; NaN where the unit is none of voltage, or blank */
	double sample_rate; /* Hz; 0 in a file whose records last no time */
	size_t per_record;  /* samples */
	double gain;        /* physical value = (digital - digital_min) * gain + physical_min */
	double physical_min;
	double physical_max;
	int32_t digital_min;
	int32_t digital_max;
	bool usable;   /* false where its ranges are not usable; such a channel has no samples */
	size_t offset; /* bytes, in a record */
} HmlEdfChannel;

typedef struct HmlEdfStretch
{
	double onset_s;
	size_t first_record;
	size_t n_records;
} HmlEdfStretch;

typedef struct HmlEdfAnnotation
{
	double onset_s;    /* may lie outside the recording */
	double duration_s; /* NaN = none is given */
	const char *text;  /* UTF-8, never empty */
} HmlEdfAnnotation;

/* Fields of the header that hold something: their content is never kept. */
typedef enum HmlEdfPerson
{
	HML_EDF_PATIENT_CODE = 1 << 0,
	HML_EDF_PATIENT_SEX = 1 << 1,
	HML_EDF_PATIENT_BIRTHDATE = 1 << 2,
	HML_EDF_PATIENT_NAME = 1 << 3,
	HML_EDF_PATIENT_OTHER = 1 << 4, /* of a plain EDF: any text */
	HML_EDF_RECORDING = 1 << 5      /* hospital, technician, equipment */
} HmlEdfPerson;

typedef struct HmlEdfStart
{
	bool has_date;
	bool has_time;
	int year, month, day;
	int hour, minute;
	double second; /* with the fraction that the first record may give */
} HmlEdfStart;

typedef struct HmlEdf
{
	const char *format; /* "EDF", "EDF+C", "EDF+D", "BDF", "BDF+C", "BDF+D" */
	size_t n_channels;  /* without those of annotations */
	HmlEdfChannel *channels;
	size_t n_stretches;
	HmlEdfStretch *stretches; /* in order of time */
	size_t n_annotations;
	HmlEdfAnnotation *annotations; /* in the order of the file */
	size_t n_warnings;
	const char **warnings; /* whole sentences */
	HmlEdfStart start;
	unsigned person; /* of HmlEdfPerson */
	double record_s;
	size_t n_records;
	double end_s;   /* end of the last stretch */
	bool truncated; /* fewer records than the header says, or one that is cut */

	const unsigned char *data; /* of the first record */
	size_t record_size;
	size_t sample_size; /* 2 or 3 bytes */
} HmlEdf;

/* HML_CORRUPT: no such file, or damaged; HML_INVALID_DATA: line ends were converted. */
extern HmlStatus hml_edf_open(HmlArena *arena, const void *bytes, size_t length, HmlEdf *out) HML_NODISCARD;

/* Seconds that are recorded: those of all stretches. */
extern double hml_edf_recorded_s(const HmlEdf *edf);

/* The stretch that holds the time, NULL where there is none. */
extern const HmlEdfStretch *hml_edf_stretch_at(const HmlEdf *edf, double at_s);

/* End of a stretch, seconds. */
extern double hml_edf_stretch_end(const HmlEdf *edf, const HmlEdfStretch *stretch);

/* Samples of a channel in a stretch. */
static inline size_t
hml_edf_samples(const HmlEdfChannel *channel, const HmlEdfStretch *stretch)
{
	return channel->per_record * stretch->n_records;
}

/*
 * Samples first .. first + n - 1 of a usable channel in a stretch, which must be there,
 * in physical units times 'scale'.  Polls.
 */
extern HmlStatus hml_edf_read(HmlContext *ctx, const HmlEdf *edf, const HmlEdfChannel *channel,
							  const HmlEdfStretch *stretch, size_t first, size_t n, double scale,
							  float *out) HML_NODISCARD;

#endif /* HML_SIGNAL_EDF_EDF_H */
