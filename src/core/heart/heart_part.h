/*
 * heart_part.h
 *	  Networks that separate normal from abnormal hearts by the first few of its
 *	  features: one part of a model (heart_network.h).
 *
 * A part has one network or several of the same shape, which differ in their seeds;
 * its logit is the mean of theirs, and steadier than that of one.
 *
 * A recording comes from a site: a clinic with its stethoscope and its share of
 * ill people.  Training draws both classes of a site equally often, so that
 * telling sites apart gains nothing.  What is drawn is shaken (noise on the
 * standardised features) and mixed with another draw.
 */
#ifndef HML_HEART_HEART_PART_H
#define HML_HEART_HEART_PART_H

#include "core/heart/heart_features.h"
#include "core/learn/network/ensemble.h"

typedef struct HmlHeartExamples
{
	size_t n;
	const float *features; /* (n, HML_HEART_FEATURES) */
	const bool *abnormal;  /* (n) */
	const uint32_t *sites; /* (n) numbers below n_sites */
	uint32_t n_sites;
	const uint32_t *groups; /* (n) numbers below n_groups: patients; NULL = every row is its own */
	size_t n_groups;
} HmlHeartExamples;

typedef struct HmlHeartPartTraining
{
	const char *name;    /* of the part within the model */
	const char *network; /* JSON specification: n_inputs inputs, one output that ends in sigmoid */
	size_t n_inputs;     /* the first features; at most HML_HEART_FEATURES */
	int epochs;
	size_t batch_size;
	size_t draws_per_epoch;
	double learning_rate;
	HmlOptimizerKind optimizer;
	double weight_decay;
	double jitter;          /* standard deviation of the noise, in those of the features */
	double mixup;           /* alpha of the Beta distribution of the share; 0 = no mixing */
	double label_smoothing; /* targets are this and one minus this */
	size_t n_networks;      /* 1 to HML_MAX_MEMBERS */
	double site_power;      /* a site is drawn as this power of its number of recordings; 0 = all alike */
	uint64_t seed;
	HmlStatus (*on_epoch)(void *user, const HmlEpoch *epoch); /* may be NULL */
	void *on_epoch_user;
} HmlHeartPartTraining;

typedef struct HmlHeartPart
{
	size_t n_inputs;
	float *mean; /* (n_inputs) of the training, its draws weighted as they are drawn */
	float *sd;   /* (n_inputs) */
	HmlEnsemble net;
} HmlHeartPart;

/* HML_INVALID_DATA when a class is missing; HML_INVALID_ARGUMENT for a network of another shape. */
extern HmlStatus hml_heart_part_train(HmlArena *arena, const HmlHeartExamples *examples,
									  const HmlHeartPartTraining *training, HmlHeartPart *out) HML_NODISCARD;

/*
 * (n_sites), in 'arena': sites of one class alone, which would teach that their
 * stethoscope means that class; none when no site has both.
 */
extern HmlStatus hml_heart_one_sided_sites(HmlArena *arena, const HmlHeartExamples *examples,
										   bool **left_out) HML_NODISCARD;

/* Probability of a logit, which is taken as HML_HEART_MAX_LOGIT where it is larger. */
#define HML_HEART_MAX_LOGIT 16.0
extern double hml_heart_sigmoid(double logit);

/* Standardised inputs of one row of features, limited to HML_HEART_MAX_Z. */
#define HML_HEART_MAX_Z 4.0f
extern void hml_heart_part_inputs(const HmlHeartPart *part, const float *features, float *inputs);

/* features is (n, HML_HEART_FEATURES); logits is (n), at most HML_HEART_MAX_LOGIT in size.  Allocates nothing. */
extern size_t hml_heart_part_scratch_size(const HmlHeartPart *part);
extern HmlStatus hml_heart_part_score(HmlContext *ctx, const HmlHeartPart *part, void *scratch,
									  const float *features, size_t n, double *logits) HML_NODISCARD;

extern void hml_heart_part_write(const HmlHeartPart *part, HmlWriter *writer);
extern HmlStatus hml_heart_part_read(HmlArena *arena, HmlReader *reader, const char *name, size_t n_inputs,
									 HmlHeartPart *out) HML_NODISCARD;

#endif /* HML_HEART_HEART_PART_H */
