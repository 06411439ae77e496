/*
 * frame.h
 *	  Training rows as they were read: one pass, bounded memory.
 *
 * A frame holds at most 'capacity' rows.  When more arrive it is a uniform
 * random sample of all of them (algorithm L of K.-H. Li, ACM TOMS 20, 1994), so
 * that a source of any length is read once and need not fit in memory.
 */
#ifndef HML_DATA_FRAME_H
#define HML_DATA_FRAME_H

#include "core/base/arena.h"
#include "core/base/rng.h"

typedef enum HmlColumnKind
{
	HML_COLUMN_NUMERIC = 1,
	HML_COLUMN_BOOLEAN = 2, /* 0 or 1 */
	HML_COLUMN_CATEGORY = 3 /* code of a text: index into the column's categories */
} HmlColumnKind;

#define HML_MAX_FEATURES 1600    /* PostgreSQL's limit of columns of a table */
#define HML_MAX_CATEGORIES 10000 /* distinct texts of one column */
#define HML_MAX_GROUPS 10000000  /* distinct texts of the group column, and of the site column */

/* Columns that a frame may have beside its features. */
typedef enum HmlRole
{
	HML_ROLE_NONE = 0,
	HML_ROLE_TARGET = 1, /* what is to be learnt */
	HML_ROLE_GROUP = 2,  /* rows that belong together and are never split */
	HML_ROLE_SITE = 4    /* where a row comes from: another place, another instrument */
} HmlRole;

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

typedef struct HmlFrame
{
	HmlArena *arena;
	size_t n_columns; /* feature columns */
	HmlColumn *columns;
	bool has_target;
	HmlColumn target; /* meaningful when has_target */
	bool has_group;
	HmlColumn group; /* its codes tell which rows belong together */
	bool has_site;
	HmlColumn site;

	size_t n_rows;     /* rows held */
	size_t capacity;   /* rows that may be held */
	int64_t rows_seen; /* rows offered */
	double *values;    /* (n_rows, n_columns) row-major; NaN = missing */
	double *targets;   /* (n_rows) or NULL */
	double *groups;    /* (n_rows) or NULL */
	double *sites;     /* (n_rows) or NULL */
	HmlRng rng;
	/* state of algorithm L is private to frame.c */
	double reservoir_w;
	int64_t reservoir_next;
	size_t allocated;
} HmlFrame;

/*
 * Columns are declared first; 'roles' is the sum of those beside the features.  The capacity is the lesser of max_rows (0 = any
 * number) and what fits max_bytes, which the frame's rows never exceed, not even
 * while their arrays grow.
 */
extern HmlStatus hml_frame_create(HmlContext *ctx, size_t n_columns, unsigned roles, size_t max_rows,
								  size_t max_bytes, uint64_t seed, HmlFrame **out) HML_NODISCARD;
extern void hml_frame_free(HmlFrame *frame);

/*
 * Names are copied.  Index n_columns is the target, n_columns + 1 the group, n_columns + 2 the site.
 * Every column must be set before the first row.
 */
extern HmlStatus hml_frame_set_column(HmlFrame *frame, size_t index, const char *name,
									  HmlColumnKind kind) HML_NODISCARD;

/* Code of a text in a category column, new ones added; HML_LIMIT beyond HML_MAX_CATEGORIES or HML_MAX_GROUPS. */
extern HmlStatus hml_frame_category(HmlFrame *frame, size_t index, const char *text, size_t length,
									double *code) HML_NODISCARD;

/*
 * Offer the next row, values being (n_columns).  A caller can spare itself the
 * conversion of a row that will not be kept: when hml_frame_wants() says no, it
 * calls hml_frame_skip() instead of hml_frame_add().
 */
extern bool hml_frame_wants(const HmlFrame *frame);
extern HmlStatus hml_frame_add(HmlFrame *frame, const double *values, double target, double group,
							   double site) HML_NODISCARD;
extern void hml_frame_skip(HmlFrame *frame);

/* A frame of some rows of another one, with the columns of it. */
extern HmlStatus hml_frame_subset(HmlContext *ctx, const HmlFrame *frame, const uint32_t *rows, size_t n_rows,
								  HmlFrame **out) HML_NODISCARD;

static inline const double *
hml_frame_row(const HmlFrame *frame, size_t row)
{
	return frame->values + row * frame->n_columns;
}

#endif /* HML_DATA_FRAME_H */
