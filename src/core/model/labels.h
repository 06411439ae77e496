/*
 * labels.h
 *	  What a network is to learn from a target column: classes, or values.
 */
#ifndef HML_MODEL_LABELS_H
#define HML_MODEL_LABELS_H

#include "core/model/model.h"

typedef enum HmlTask
{
	HML_TASK_BINARY = 1,     /* one output: the probability of the positive class */
	HML_TASK_MULTICLASS = 2, /* an output for each class */
	HML_TASK_REGRESSION = 3  /* one output: the value */
} HmlTask;

typedef struct HmlLabels
{
	HmlTask task;
	size_t n_classes;   /* of a classifier: at least 2 */
	const char **names; /* (n_classes), of a binary task negative, positive; NULL for regression */
	double offset;      /* of regression: learnt value = (value - offset) / scale */
	double scale;
	size_t n_rows;     /* rows of the frame that have a target */
	uint32_t *rows;    /* (n_rows) their numbers, ascending */
	uint32_t *classes; /* (n_rows) of a classifier */
	float *values;     /* (n_rows) of regression, as learnt */
} HmlLabels;

/*
 * Boolean targets, and numbers that are all 0 or 1, are two classes; texts are
 * classes by their text; other numbers are values, unless "task" says that they
 * are classes.  Of two classes "positive" names the positive one, which is else
 * the last in order ("task" and "positive" are parameters of the algorithm).  Rows without a target are left out.  HML_INVALID_DATA for a
 * target of one class only, without any value, infinite, or constant.
 */
extern HmlStatus hml_labels_read(HmlArena *arena, const HmlFrame *frame, const HmlParams *params,
								 HmlLabels *out) HML_NODISCARD;

/*
 * Class of a target by its name in a model that has classes, n_outputs where it is
 * none of them.  Of two classes true and 1 are the same, as are false and 0; where
 * the classes are other words, such as "normal" and "abnormal", they are the second
 * and the first.
 */
extern size_t hml_class_of_target(const HmlModel *model, const HmlColumn *column, double target);

/*
 * Add to a failure about a target of other values the hint to select a condition.
 * Negative numbers are taken for the positive class where there are any, as those
 * who write -1 for an outlier mean them; else what is above the least number.
 */
extern HmlStatus hml_hint_condition(HmlContext *ctx, const HmlFrame *frame);

#endif /* HML_MODEL_LABELS_H */
