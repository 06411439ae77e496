/*
 * summary.h
 *	  What a client reports about its columns, so that all can agree on one pipeline.
 *
 * Rows never leave a client; counts, means, variances, quantiles and category
 * counts do.  A summary is made to say nothing of single patients: it needs at
 * least HML_SUMMARY_MIN_ROWS rows, its quantiles stop at the 5th and 95th
 * percentile, so that no extreme value appears, and a category with fewer than
 * HML_SUMMARY_MIN_CATEGORY rows is left out, as if it had not been seen.
 *
 * Means and variances of the combination are exact (T. F. Chan, G. H. Golub,
 * R. J. LeVeque, 1979); quantiles are those of the mixture of the clients'
 * distributions, each taken as linear between its own quantiles.
 */
#ifndef HML_FEDERATED_SUMMARY_H
#define HML_FEDERATED_SUMMARY_H

#include "core/data/pipeline.h"

#define HML_SUMMARY_MIN_ROWS 20
#define HML_SUMMARY_MIN_CATEGORY 5
#define HML_SUMMARY_QUANTILES 19 /* 5 %, 10 %, ... 95 % */

typedef struct HmlFeatureSummary
{
	HmlColumn column;                        /* name, kind, categories sorted by text */
	int64_t n_values;                        /* rows that have one */
	double mean;                             /* of the values; 0 without any */
	double squares;                          /* sum of (value - mean)^2 */
	double quantiles[HML_SUMMARY_QUANTILES]; /* of a number; ascending */
	int64_t *counts;                         /* of a category: rows of each */
} HmlFeatureSummary;

typedef struct HmlSummary
{
	int64_t n_rows;
	size_t n_features;
	HmlFeatureSummary *features; /* (n_features) */
	HmlFeatureSummary target; /* numbers that are all 0 or 1 are a boolean; n_values is 0 without a target */
} HmlSummary;

/* HML_INVALID_DATA for too few rows or an infinite value. */
extern HmlStatus hml_summary_fit(HmlArena *arena, const HmlFrame *frame, HmlSummary **out) HML_NODISCARD;

/* Columns must agree in number, name and kind; the error names the one that does not. */
extern HmlStatus hml_summary_combine(HmlArena *arena, const HmlSummary *const *summaries, size_t n_summaries,
									 HmlSummary **out) HML_NODISCARD;

/* The pipeline that everyone then uses.  "minmax" scaling is refused: it would need extreme values. */
extern HmlStatus hml_summary_pipeline(HmlArena *arena, const HmlSummary *summary, const HmlParams *params,
									  HmlScaling default_scaling, HmlPipeline **out) HML_NODISCARD;

extern void hml_summary_write(const HmlSummary *summary, HmlWriter *writer);
extern HmlStatus hml_summary_read(HmlArena *arena, HmlReader *reader, HmlSummary **out) HML_NODISCARD;

#endif /* HML_FEDERATED_SUMMARY_H */
