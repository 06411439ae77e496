/*
 * judged.h
 *	  The rows of a frame that a model can be judged by.
 */
#ifndef HML_MODEL_JUDGED_H
#define HML_MODEL_JUDGED_H

#include "core/model/model.h"

/* What a model is judged by. */
typedef enum HmlJudgement
{
	HML_JUDGE_BINARY,  /* two classes, or the anomalies of a detector */
	HML_JUDGE_CLASSES, /* more classes */
	HML_JUDGE_VALUES
} HmlJudgement;

extern HmlJudgement hml_judgement_of(const HmlModel *model);

typedef struct HmlJudgedRows
{
	HmlContext *ctx;
	const HmlModel *model;
	const HmlFrame *frame;
	size_t n;
	size_t n_left_out; /* rows without a target, or with a class that the model does not know */
	uint32_t *rows;    /* (n) of the frame */
	uint32_t *classes; /* (n) of a classifier or detector, 1 = positive of two; 0 of values */
} HmlJudgedRows;

/*
 * Columns of 'frame' are the features of the model in its order, and it has a target; of rows[n], or of all n rows
 * where rows is NULL.  A target that a training would not take, and columns that are text here and numbers there,
 * are HML_INVALID_DATA; so is a target without any row to judge by.
 */
extern HmlStatus hml_judged_rows(HmlArena *arena, const HmlModel *model, const HmlFrame *frame,
								 const uint32_t *rows, size_t n, HmlJudgedRows *out) HML_NODISCARD;

#endif /* HML_MODEL_JUDGED_H */
