/*
 * frame.h
 *	  Training rows as they were read: one pass, bounded memory.
 *
 * A frame holds at most 'capacity' rows.  When more arrive it is a uniform
 * random sample of all of them (algorithm L of K.-H. Li, ACM TOMS 20, 1994), so
 * that a source of any length is read once and need not fit in memory.
 *
 * A sample is a row of values, or a tensor: a sequence or a signal.  Tensors
 * that do not fit go to temporary storage of the host, if it lends any; then there
 * may be many times more of them than memory holds.  Beside its sample each row
 * has the values of the columns with a role, such as the target.
 */
#ifndef HML_DATA_FRAME_H
#define HML_DATA_FRAME_H

#include "core/base/arena.h"
#include "core/base/rng.h"
#include "core/data/sample.h"
#include "core/data/tensors.h"

typedef enum HmlColumnKind
{
	HML_COLUMN_NUMERIC = 1,
	HML_COLUMN_BOOLEAN = 2, /* 0 or 1 */
	HML_COLUMN_CATEGORY = 3 /* code of a text: index into the column's categories */
} HmlColumnKind;

#define HML_MAX_FEATURES 1600    /* PostgreSQL's limit of columns of a table */
#define HML_MAX_CATEGORIES 10000 /* distinct texts of one column */
#define HML_MAX_GROUPS 10000000  /* distinct texts of the group column, and of the site column */

/* What a column is that is no feature. */
typedef enum HmlRole
{
	HML_ROLE_NONE = 0,
	HML_ROLE_TARGET,  /* what is to be learnt */
	HML_ROLE_GROUP,   /* rows that belong together and are never split */
	HML_ROLE_SITE,    /* where a row comes from: another place, another instrument */
	HML_ROLE_SUBJECT, /* whom a row is about */
	HML_ROLE_TIME,    /* when it was measured */
	HML_ROLE_WEIGHT,  /* how much it counts */
	HML_ROLE_LABEL,   /* a soft label: share of the votes for a class; a column for each class */
	HML_N_ROLES
} HmlRole;

#define HML_MAX_ROLES 64 /* columns with a role */

typedef struct HmlCategories
{
	size_t count;
	const char **texts;             /* of a frame in order of first appearance, of a pipeline sorted */
	struct HmlCategoryIndex *index; /* of a frame: hash from text to code */
} HmlCategories;

typedef struct HmlColumn
{
	const char *name;
	HmlColumnKind kind;
	HmlCategories categories; /* empty unless kind is CATEGORY */
} HmlColumn;

/* A column with a role, and its value in each row; NaN = missing. */
typedef struct HmlFrameRole
{
	HmlRole role;
	HmlColumn column;
	double *values; /* (n_rows) */
} HmlFrameRole;

typedef struct HmlFrame
{
	HmlArena *arena;
	HmlSampleKind kind;
	size_t n_columns; /* features of a row or of a step, or channels */
	HmlColumn *columns;
	size_t n_roles;
	HmlFrameRole *roles;              /* (n_roles), in the order of the specification */
	HmlFrameRole *first[HML_N_ROLES]; /* of each role, NULL = there is none */

	size_t n_rows;     /* rows held */
	size_t capacity;   /* rows that may be held */
	int64_t rows_seen; /* rows offered */
	double *values;    /* of rows: (n_rows, n_columns) row-major; NaN = missing */
	size_t shape[2];   /* of tensors: steps and features, or channels and times */
	HmlTensors *tensors;
	const uint32_t *tensor_of_row; /* of a subset, whose tensors are those of another frame; else NULL */
	HmlRng rng;
	/* state of algorithm L is private to frame.c */
	double reservoir_w;
	int64_t reservoir_next;
	size_t allocated;
} HmlFrame;

typedef struct HmlFrameSpec
{
	HmlSampleKind kind;
	size_t n_columns;             /* features of a row or of a step, or channels */
	size_t length;                /* steps of a sequence, or times of a signal */
	HmlRole roles[HML_MAX_ROLES]; /* of the other columns, ends with HML_ROLE_NONE unless it is full */
	size_t max_rows;              /* 0 = any number */
	size_t max_bytes; /* of memory; the frame never takes more, not even while it grows; 0 = any number */
	uint64_t seed;    /* of the sample, when there are more rows */
} HmlFrameSpec;

/* Columns are declared next.  The capacity is the lesser of max_rows and what fits. */
extern HmlStatus hml_frame_create(HmlContext *ctx, const HmlFrameSpec *spec, HmlFrame **out) HML_NODISCARD;
extern void hml_frame_free(HmlFrame *frame);

/* Names are copied.  Index n_columns + i is roles[i].  Every column must be set before the first row. */
extern HmlStatus hml_frame_set_column(HmlFrame *frame, size_t index, const char *name,
									  HmlColumnKind kind) HML_NODISCARD;

/* Code of a text in a category column, new ones added; HML_LIMIT beyond HML_MAX_CATEGORIES or HML_MAX_GROUPS. */
extern HmlStatus hml_frame_category(HmlFrame *frame, size_t index, const char *text, size_t length,
									double *code) HML_NODISCARD;

/*
 * Offer the next row: values is (n_columns), tensor (shape[0], shape[1]) of which 'length' steps or times are filled,
 * roles (n_roles), or NULL without any.  A caller can spare itself the conversion of a row that will not be kept: when
 * hml_frame_wants() says no, it calls hml_frame_skip() instead.
 */
extern bool hml_frame_wants(const HmlFrame *frame);
extern HmlStatus hml_frame_add(HmlFrame *frame, const double *values, const double *roles) HML_NODISCARD;
extern HmlStatus hml_frame_add_tensor(HmlFrame *frame, const float *tensor, size_t length,
									  const double *roles) HML_NODISCARD;
extern void hml_frame_skip(HmlFrame *frame);

/* A frame of some rows of another one, with the columns of it.  It shares the tensors, and must not live longer. */
extern HmlStatus hml_frame_subset(HmlContext *ctx, const HmlFrame *frame, const uint32_t *rows, size_t n_rows,
								  HmlFrame **out) HML_NODISCARD;

/* The tensors of some rows: tensors is (n, shape[0], shape[1]), lengths (n). */
extern HmlStatus hml_frame_tensors(const HmlFrame *frame, const uint32_t *rows, size_t n, float *tensors,
								   uint32_t *lengths) HML_NODISCARD;

static inline bool
hml_frame_has(const HmlFrame *frame, HmlRole role)
{
	return frame->first[role] != NULL;
}

/* The first column with a role, NULL where there is none. */
static inline const HmlColumn *
hml_frame_column(const HmlFrame *frame, HmlRole role)
{
	return frame->first[role] != NULL ? &frame->first[role]->column : NULL;
}

/* Its values, (n_rows), NULL where there is none. */
static inline double *
hml_frame_values(const HmlFrame *frame, HmlRole role)
{
	return frame->first[role] != NULL ? frame->first[role]->values : NULL;
}

static inline const double *
hml_frame_row(const HmlFrame *frame, size_t row)
{
	return frame->values + row * frame->n_columns;
}

#endif /* HML_DATA_FRAME_H */
