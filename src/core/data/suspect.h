/*
 * suspect.h
 *	  Features that a model had better not learn from: those that give the target
 *	  away, and identifiers.
 *
 * A feature that alone separates two classes almost perfectly is mostly a copy of
 * the target, or known only afterwards (leakage: Kaufman et al., ACM TKDD 6, 2012).
 * So is one that correlates almost perfectly with a value.  What is different in
 * every row, as an identifier is, cannot help with rows to come.
 *
 * At most HML_SUSPECT_ROWS rows, evenly spread, are looked at, all of them for
 * identifiers.  Memory: some numbers a row; O(n log n) a feature; polls for cancellation.
 */
#ifndef HML_DATA_SUSPECT_H
#define HML_DATA_SUSPECT_H

#include "core/data/frame.h"

#define HML_SUSPECT_ROWS 20000
#define HML_SUSPECT_AUC 0.99           /* of a feature against two classes */
#define HML_SUSPECT_CORRELATION 0.9999 /* of a feature with a value */
#define HML_SUSPECT_MIN_CLASS 10       /* rows of each class: fewer separate by chance */
#define HML_SUSPECT_MIN_UNIQUE 30      /* rows: fewer differ by chance */

typedef enum HmlSuspicion
{
	HML_SUSPECT_SEPARATES, /* 'strength' is the ROC AUC */
	HML_SUSPECT_COPIES,    /* 'strength' is the absolute correlation */
	HML_SUSPECT_IDENTIFIES
} HmlSuspicion;

typedef struct HmlSuspect
{
	size_t column;
	HmlSuspicion suspicion;
	double strength;
} HmlSuspect;

/* out is (n_columns) of the frame; *n gets the number of suspects, in the order of the columns. */
extern HmlStatus hml_find_suspects(HmlContext *ctx, const HmlFrame *frame, HmlSuspect *out,
								   size_t *n) HML_NODISCARD;

#endif /* HML_DATA_SUSPECT_H */
