/*
 * label_counts.h
 *	  The state of aggregate confusion_matrix: how often each pair of labels occurred.
 */
#ifndef HEALTHML_LABEL_COUNTS_H
#define HEALTHML_LABEL_COUNTS_H

#include "pg/server/compat.h"

#include "fmgr.h"

/* Labels ascending by their bytes; counts is (n, n), row = actual, column = predicted. */
typedef struct LabelTable
{
	int n;
	const uint64 *counts;
	char **labels; /* NUL-terminated */
} LabelTable;

/* The table of a value, which must outlive it. */
extern LabelTable healthml_label_table(Datum value);

#endif /* HEALTHML_LABEL_COUNTS_H */
