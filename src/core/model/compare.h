/*
 * compare.h
 *	  How much better one model is than another on the same rows.
 */
#ifndef HML_MODEL_COMPARE_H
#define HML_MODEL_COMPARE_H

#include "core/base/text.h"
#include "core/model/model.h"
#include "core/stats/bootstrap.h"

typedef struct HmlComparison
{
	const HmlModel *models[2]; /* a and b */
	/* With a target, and all features of both models among its columns, by name. */
	const HmlFrame *frame;
	HmlBootstrap bootstrap; /* 0 replicates = no intervals but DeLong's */
} HmlComparison;

/*
 * Add the items of a JSON array to 'items', one for each metric: metric, a, b, difference (a - b), its interval low and
 * high, p_value and method; what has no value is null.  The metrics are those of hml_evaluate() that both models have.
 *
 * roc_auc and alarm_roc_auc have DeLong's interval and test (paired.h), which need no replicates.  The others have the interval of
 * differences on rows that are drawn anew, the same rows for both; accuracy, recall and specificity have McNemar's
 * exact test beside it.
 *
 * Rows that either model cannot be judged by are left out.  HML_INVALID_ARGUMENT where one model predicts values and
 * the other classes, or one more than two classes and the other is a detector; HML_INVALID_DATA where they take a row
 * for different classes, as when "positive" differs.
 * Memory: a copy of the frame's values where the models have different features, and some numbers a row.
 */
extern HmlStatus hml_compare(HmlContext *ctx, const HmlComparison *comparison, HmlText *items) HML_NODISCARD;

#endif /* HML_MODEL_COMPARE_H */
