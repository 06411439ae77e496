/*
 * verdict.h
 *	  What a model's outputs mean: score, class, confidence, risk.
 *
 * The outputs of an algorithm are the only thing that it computes; everything
 * else about a sample follows from them here, so that a network runs once per
 * sample and all callers mean the same by a score, a label or a risk.
 */
#ifndef HML_MODEL_VERDICT_H
#define HML_MODEL_VERDICT_H

#include "core/model/model.h"

/* How far a sample can be judged at all. */
typedef struct HmlQuality
{
	double usable_share; /* of the sample, 0 to 1 */
	const char *doubt;   /* why the verdict is uncertain, a few words; NULL where it is not */
	bool has_no_risk;    /* too little of it is usable: its risk is unknown, and it raises no alarm */
} HmlQuality;

#define HML_QUALITY_FULL ((HmlQuality){.usable_share = 1.0})

/*
 * Of a row of values (n_features), NaN = missing, of which n_filled were missing:
 * it has no risk when more than the model's "max_missing" of it is missing.
 */
extern HmlQuality hml_row_quality(const HmlModel *model, const double *values, size_t n_filled);

typedef struct HmlVerdict
{
	double score;          /* anomaly score, probability, or value: hml_score_of_outputs() */
	const double *outputs; /* (n_outputs) that it was made from; of a classifier the probabilities */
	size_t class;          /* predicted class, of a classifier; else 0 */
	const char *label;     /* its name; NULL where the model has no classes */
	double confidence;     /* probability of the likeliest class; NaN where the model has no classes */
	double percentile;     /* 0..100, NaN where the model has no training scores */
	HmlRisk risk;
	bool is_anomaly; /* the score is above the model's threshold; false where there is no risk */
	HmlQuality quality;
} HmlVerdict;

/*
 * Whether the model warns of anything: an anomaly detector does, and a classifier
 * with alarm classes.  Otherwise the risk is unknown, and nothing is an anomaly.
 */
extern bool hml_has_risk(const HmlModel *model);

/* Whether a class raises an alarm. */
extern bool hml_is_alarm_class(const HmlModel *model, size_t class);

/*
 * The score that outputs (n_outputs) stand for: of two classes the probability
 * of the positive one, of more that of the alarm classes together, or of the
 * likeliest where there are none, else the only output.
 */
extern double hml_score_of_outputs(const HmlModel *model, const double *outputs);

/*
 * What is explained of outputs: their score; of several classes that raise no alarm the
 * probability of 'class', which is that of the explained row.
 */
extern double hml_explained_output(const HmlModel *model, const double *outputs, size_t class);

/* Of two classes the one that the model's threshold decides on, of more the likeliest; 0 without classes. */
extern size_t hml_class_of_outputs(const HmlModel *model, const double *outputs);

/* 'outputs' must live as long as the verdict; quality NULL = full. */
extern void hml_verdict_of_outputs(const HmlModel *model, const double *outputs, const HmlQuality *quality,
								   HmlVerdict *out);

/* Of a sample of which nothing is usable: each class is as likely as the others. */
extern void hml_outputs_of_nothing(const HmlModel *model, double *outputs);

/* Outputs (n, n_outputs) of samples of the algorithm's kind; scratch is of the algorithm's scratch_size(). */
static inline HmlStatus HML_NODISCARD
hml_model_outputs(const HmlModel *model, HmlContext *ctx, void *scratch, const HmlSamples *samples,
				  double *outputs)
{
	HML_TRY(model->algorithm->outputs(model, ctx, scratch, samples, outputs));
	for (size_t i = 0; i < model->n_corrections; i++)
		hml_correct(&model->corrections[i], outputs, samples->n, model->n_outputs);
	for (size_t i = 0; samples->lengths != NULL && i < samples->n; i++)
		if (samples->lengths[i] == 0)
			hml_outputs_of_nothing(model, outputs + i * model->n_outputs);
	return HML_OK;
}

/* Their scores alone, (n). */
extern HmlStatus hml_model_score(const HmlModel *model, HmlContext *ctx, void *scratch,
								 const HmlSamples *samples, double *scores) HML_NODISCARD;

/*
 * Some rows of a frame whose columns are the features of the model in its order, or
 * whose tensors are its samples; rows is (n), results is (n, n_outputs), or (n) scores.  Progress is reported as
 * 'phase' unless that is NULL.  Memory: one block of samples, and scratch.
 */
extern HmlStatus hml_frame_outputs(HmlContext *ctx, const HmlModel *model, const HmlFrame *frame,
								   const uint32_t *rows, size_t n, const char *phase,
								   double *results) HML_NODISCARD;
extern HmlStatus hml_frame_scores(HmlContext *ctx, const HmlModel *model, const HmlFrame *frame,
								  const uint32_t *rows, size_t n, const char *phase,
								  double *results) HML_NODISCARD;

#endif /* HML_MODEL_VERDICT_H */
