/*
 * metrics.h
 *	  How good predictions are: scores, probabilities, classes, values.
 *
 * Definitions are those of scikit-learn, which the golden tests hold them
 * against.  Where its answer is a warning and a number, ours is that number;
 * where it is a warning and NaN, or an exception about too little data, ours is
 * NaN with HML_OK, and the function's comment says when.
 *
 * Everything is O(n) or a sort, in float64.  scores and labels are (n); a label
 * is true for the positive class.  A score that is NaN or infinite, and a
 * probability outside 0..1 by more than rounding in float32, are HML_INVALID_DATA.
 */
#ifndef HML_STATS_METRICS_H
#define HML_STATS_METRICS_H

#include "core/base/context.h"
#include "core/stats/exact_sum.h"
#include "core/stats/ranking.h"

/* Metrics of hml_ranking_...() for callers that need one number. */
extern HmlStatus hml_roc_auc(HmlContext *ctx, const double *scores, const bool *labels, size_t n,
							 double *out) HML_NODISCARD;
extern HmlStatus hml_average_precision(HmlContext *ctx, const double *scores, const bool *labels, size_t n,
									   double *out) HML_NODISCARD;

/*
 * Probabilities.  The mean of these losses over all rows is the Brier score and
 * the log loss (natural logarithm, probabilities clipped to eps..1-eps with the
 * eps of float64); NaN without rows.
 */
extern HmlStatus hml_brier_loss(HmlContext *ctx, double probability, bool label, double *out) HML_NODISCARD;
extern HmlStatus hml_log_loss(HmlContext *ctx, double probability, bool label, double *out) HML_NODISCARD;

/* The mean of 'n' losses that were summed exactly; NaN when n is 0. */
extern double hml_mean_loss(HmlExactSum sum, int64_t n);

typedef HmlStatus (*HmlProbabilityLoss)(HmlContext *ctx, double probability, bool label, double *out);

extern HmlStatus hml_mean_of_loss(HmlContext *ctx, HmlProbabilityLoss loss, const double *probabilities,
								  const bool *labels, size_t n, double *out) HML_NODISCARD;

/* The same of a ranking, for the bootstrap. */
extern HmlStatus hml_ranking_brier_score(HmlContext *ctx, const HmlRanking *ranking,
										 double *out) HML_NODISCARD;
extern HmlStatus hml_ranking_log_loss(HmlContext *ctx, const HmlRanking *ranking, double *out) HML_NODISCARD;

#define HML_CONFUSION_MAX (INT64_MAX / 2) /* of each count, so that products fit in 128 bits */

/* Two classes, predicted and actual. */
typedef struct HmlConfusion
{
	uint64_t true_positives;
	uint64_t false_positives;
	uint64_t true_negatives;
	uint64_t false_negatives;
} HmlConfusion;

/*
 * A ratio whose denominator is 0 is 0, as with scikit-learn's default
 * zero_division: precision without predicted positives, recall without actual
 * ones, F1 without either, MCC when a row or a column of the table is empty.
 * Balanced accuracy is the mean recall of the classes that occur.  Without any
 * row, accuracy and balanced accuracy are NaN.
 */
typedef struct HmlClassificationMetrics
{
	double accuracy;
	double precision;
	double recall;      /* sensitivity */
	double specificity; /* recall of the negative class */
	double f1;
	double mcc; /* Matthews correlation coefficient */
	double balanced_accuracy;
} HmlClassificationMetrics;

extern HmlConfusion hml_confusion_at(const double *scores, const bool *labels, size_t n,
									 double threshold); /* positive when score > threshold */
extern HmlClassificationMetrics hml_classification_metrics(const HmlConfusion *confusion);

/*
 * Several classes.  matrix is (n_classes, n_classes), row = actual, column =
 * predicted.  Macro F1 is the mean over the classes that occur among the
 * predicted or the actual ones, weighted F1 weighs them by their actual number.
 * NaN for an empty matrix.
 */
#define HML_MAX_CLASSES 4096

extern HmlStatus hml_confusion_matrix(HmlContext *ctx, const uint32_t *predicted, const uint32_t *actual,
									  size_t n, size_t n_classes, uint64_t *matrix) HML_NODISCARD;
/* One class against the rest; true negatives are not counted and 0. */
extern HmlConfusion hml_matrix_class(const uint64_t *matrix, size_t n_classes, size_t class);
extern double hml_matrix_accuracy(const uint64_t *matrix, size_t n_classes);
extern double hml_macro_f1(const uint64_t *matrix, size_t n_classes);
extern double hml_weighted_f1(const uint64_t *matrix, size_t n_classes);

/*
 * Regression; values are finite, which is the caller's promise.  R2 of a
 * constant target is 1 for exact predictions and 0 otherwise; it is NaN below
 * two rows, and everything is NaN without rows.
 */
typedef struct HmlRegressionMetrics
{
	double mse;
	double rmse;
	double mae;
	double r2;
} HmlRegressionMetrics;

extern HmlRegressionMetrics hml_regression_metrics(const double *predicted, const double *actual, size_t n);

#endif /* HML_STATS_METRICS_H */
