/*
 * recording.h
 *	  Recordings of any modality: their settings, reading them, and what a model
 *	  finds in one.  Shared by SQL functions, triggers, batches and training.
 */
#ifndef HEALTHML_RECORDING_H
#define HEALTHML_RECORDING_H

#include "pg/server/compat.h"

#include "catalog/pg_attribute.h"

#include "core/model/modality.h"

#include "pg/predict/score.h"

/* ---- settings ---- */

/* Define healthml.<limit> for each limit of each reader; to be called once when the library is loaded. */
/* Raise where a value that was set before the module was loaded is out of range; define the settings. */
extern void healthml_check_limits(void);
extern void healthml_define_limits(void);

/* Their present values, in the order of the reader's limits. */
extern const int *healthml_limits(const HmlSignalReader *reader);

/* ---- names ---- */

/*
 * The modality that a function is named after: heart_sound_classify,
 * fill_heart_sound, plot_heart_sound.  NULL where it is none.
 */
extern const HmlModality *healthml_modality_of_function(Oid function);

/* ---- reading ---- */

/* The bytes of a datum, unpacked where it is toasted; its memory counts for 'ctx' until it is released. */
typedef struct HealthmlBytes
{
	const void *data;
	size_t length;
	struct varlena *unpacked; /* NULL where the datum was not toasted */
	size_t charged;
} HealthmlBytes;

extern HmlStatus healthml_unpack(HmlContext *ctx, Datum recording, HealthmlBytes *out) HML_NODISCARD;
extern void healthml_release(HmlContext *ctx, HealthmlBytes *bytes);

/* Where a recording comes from. */
typedef struct HealthmlRecording
{
	const HmlModality *modality;
	Datum datum;        /* bytea, or a real[] of channels x samples */
	double at_s;        /* middle of the stretch that is wanted; NaN = what the reader takes by itself */
	bool is_array;      /* and so has no reader; the rest is of arrays */
	double sample_rate; /* Hz */
	Datum channels;     /* text[] of their names; 0 = they have none */
} HealthmlRecording;

/*
 * The limits are the settings'; the memory limit of 'ctx' bounds the file (where it
 * has to be unpacked) and its samples together.  Failures are those of the reader
 * and HML_MEMORY_LIMIT.
 */
extern HmlStatus healthml_read_signal(HmlContext *ctx, const HealthmlRecording *recording,
									  HmlSignal *out) HML_NODISCARD;

/* Whether a status is the recording's fault, and so no reason to give up those after it. */
extern bool healthml_is_unreadable(HmlStatus status);

/* Raise an error unless a column holds bytea, as recordings do. */
extern void healthml_check_recordings(Form_pg_attribute column);

/* ---- findings ---- */

typedef struct HealthmlFinding
{
	HmlVerdict verdict;
	double duration_s;
	double sample_rate;                /* of the recording, Hz */
	double measures[HML_MAX_MEASURES]; /* of the modality */
	const double *features;            /* of the model; NULL = not usable, or its samples are tensors */
} HealthmlFinding;

/*
 * What the scorer's model, which takes the modality, finds in a recording.  Features
 * are the scorer's present row from then on.  'out' refers to memory of the scorer
 * and to the current context.  The last recording is remembered.  A file that cannot
 * be read is a status, with its message in 'ctx'.
 */
extern HmlStatus healthml_examine(HealthmlScorer *scorer, HmlContext *ctx, const HealthmlRecording *recording,
								  HealthmlFinding *out) HML_NODISCARD;

/* Features of a finding by name, as jsonb; 'finding' must have some. */
extern Datum healthml_finding_document(const HealthmlScorer *scorer, const HealthmlFinding *finding);

/* The same of a signal that has been read, with all that its encoder found, in 'arena'. */
extern HmlStatus healthml_judge_signal(HealthmlScorer *scorer, HmlArena *arena, const HmlSignal *signal,
									   HmlEncodedSignal *encoding, HmlVerdict *out) HML_NODISCARD;

#endif /* HEALTHML_RECORDING_H */
