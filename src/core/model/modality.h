/*
 * modality.h
 *	  Seam B: kinds of recordings, and how an algorithm takes one in.
 *
 * A modality is one row of hml_modalities: how the bytes of a recording become a
 * signal, and what is measured in one beside the verdict.  An algorithm that
 * learns from recordings has an encoder, which makes a signal its sample; several
 * algorithms may take the same modality, each with an encoder of its own.  The
 * server classifies, explains, trains and fills columns through these two and knows
 * no modality by name: docs/architecture.md has the recipe.
 *
 * The names of a modality are those of its SQL objects: modality "heart_sound" has
 * the functions heart_sound_classify and heart_sound_explain and the trigger
 * function fill_heart_sound.
 */
#ifndef HML_MODEL_MODALITY_H
#define HML_MODEL_MODALITY_H

#include "core/model/verdict.h"
#include "core/signal/signal.h"

#define HML_MAX_MEASURES 16

typedef struct HmlModality
{
	const char *name;
	const HmlSignalReader *reader;
	const char *column; /* parameter of training that names the column of the recordings */
	const char *const
		*measures; /* at most HML_MAX_MEASURES, ending with NULL; columns of the verdict in SQL */
} HmlModality;

/* What an algorithm makes of a signal; lies in the arena of the call. */
typedef struct HmlEncodedSignal
{
	bool is_usable;     /* there is something in the signal to judge by */
	double *values;     /* (n_features) of an algorithm whose samples are rows, NaN if not usable */
	HmlSamples sample;  /* one tensor, of any other algorithm */
	HmlQuality quality; /* a verdict is uncertain where it has a doubt */
	double measures[HML_MAX_MEASURES]; /* in the order of the modality's; NaN = unknown */
	void *details;                     /* of the encoder, for 'explain', 'saliency' and 'plot' */
} HmlEncodedSignal;

/* One value of a row of an explanation: a text, or a number where that is NULL. */
typedef struct HmlCell
{
	const char *column; /* in SQL */
	const char *text;
	double number; /* NaN = null */
} HmlCell;

typedef struct HmlRow
{
	struct HmlRow *next;
	size_t n;
	HmlCell *cells; /* (n) the columns that are not null, in any order */
} HmlRow;

typedef struct HmlRows
{
	HmlRow *first; /* NULL = there is none */
	HmlRow *last;
} HmlRows;

/* Copies the cells, not their text. */
extern HmlStatus hml_rows_add(HmlArena *arena, HmlRows *rows, const HmlCell *cells, size_t n) HML_NODISCARD;

/* What is known of a recording when it is explained or drawn. */
typedef struct HmlJudged
{
	const HmlModel *model;
	const HmlSignal *signal;
	const HmlEncodedSignal *encoding;
	const HmlVerdict *verdict;
} HmlJudged;

/* Numbers over channels or bands and time. */
typedef struct HmlMatrix
{
	size_t rows;
	size_t columns;
	float *values; /* (rows, columns) */
} HmlMatrix;

struct HmlEncoder
{
	const HmlModality *modality;
	size_t n_features;        /* values, or channels of a signal, or values of a step of a sequence */
	const char *const *names; /* (n_features) they stand in for the columns of a table */
	size_t length;            /* times or steps of a tensor; 0 where the samples are rows */
	/* 'model' is NULL in training, where there is none yet. */
	HmlStatus (*encode)(HmlArena *arena, const HmlModel *model, const HmlSignal *signal,
						HmlEncodedSignal *out);
	/* Below, NULL is for what it cannot give.  Rows of reasons, at most 'top' of each kind. */
	HmlStatus (*explain)(HmlArena *arena, const HmlJudged *judged, size_t top, HmlRows *out);
	/* What each place of the signal adds to the margin; out->values is NULL where it cannot be judged. */
	HmlStatus (*saliency)(HmlArena *arena, const HmlJudged *judged, HmlMatrix *out);
	HmlStatus (*plot)(HmlArena *arena, const HmlJudged *judged, const HmlSignalView *view, HmlText *svg);
};

/*
 * A frame of what an encoder makes, whose columns are its features: set kind,
 * n_columns and length of a specification, declare the columns of the frame, add a
 * row.  Of a signal that is NULL, or not usable, values are NaN, and a tensor is zeros of
 * length 0.
 */
extern void hml_encoder_frame(const HmlEncoder *encoder, HmlSampleKind kind, HmlFrameSpec *spec);
extern HmlStatus hml_encoder_columns(const HmlEncoder *encoder, HmlFrame *frame) HML_NODISCARD;
extern HmlStatus hml_frame_add_signal(HmlFrame *frame, const HmlEncoder *encoder, const HmlSignal *signal,
									  const double *roles) HML_NODISCARD;

/*
 * The verdict on an encoded signal: each class is as likely as the others where it is
 * not usable.  inputs is (n_inputs) and scratch of the algorithm's scratch_size(),
 * both of the caller, as is outputs, (n_outputs), to which the verdict refers.
 */
extern HmlStatus hml_judge(const HmlModel *model, HmlContext *ctx, const HmlEncodedSignal *encoding,
						   double *inputs, void *scratch, double *outputs, HmlVerdict *out) HML_NODISCARD;

/* Label of a verdict that has a doubt. */
#define HML_UNCERTAIN "uncertain"

static inline const char *
hml_verdict_word(const HmlVerdict *verdict)
{
	return verdict->quality.doubt != NULL ? HML_UNCERTAIN : verdict->label;
}

/* Ends with NULL. */
extern const HmlModality *const hml_modalities[];

#endif /* HML_MODEL_MODALITY_H */
