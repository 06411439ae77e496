/*
 * heart_sound_cnn.h
 *	  The network that tells a normal heart from an abnormal one by the features
 *	  of a typical beat (heart_features.h).
 *
 * A recording comes from a site: a clinic with its stethoscope and its share of
 * ill people.  Training draws every site equally often and both classes of a site
 * equally often, so that telling sites apart gains nothing.  What is drawn is
 * shaken (noise on the standardised features) and mixed with another draw.
 */
#ifndef HML_SIGNAL_HEART_SOUND_CNN_H
#define HML_SIGNAL_HEART_SOUND_CNN_H

#include "core/nn/plan.h"
#include "core/nn/train.h"
#include "core/signal/heart_features.h"

typedef struct HmlHeartExamples
{
	size_t n;
	const float *features; /* (n, HML_HEART_FEATURES) */
	const bool *abnormal;  /* (n) */
	const uint32_t *sites; /* (n) numbers below n_sites */
	uint32_t n_sites;
} HmlHeartExamples;

typedef struct HmlHeartTraining
{
	const char *network; /* JSON specification: HML_HEART_FEATURES inputs, one output that ends in sigmoid */
	int epochs;
	size_t batch_size;
	size_t draws_per_epoch;
	double learning_rate;
	double weight_decay;    /* added to the gradient: strong, since databases differ more than hearts do */
	double jitter;          /* standard deviation of the noise, in those of the features */
	double mixup;           /* alpha of the Beta distribution of the share; 0 = no mixing */
	double label_smoothing; /* targets are this and one minus this */
	uint64_t seed;
} HmlHeartTraining;

#define HML_HEART_NETWORK \
	"{\"input\": [36], \"layers\": [" \
	"{\"op\": \"dense\", \"units\": 16}, {\"op\": \"relu\"}, {\"op\": \"dropout\", \"p\": 0.5}, " \
	"{\"op\": \"dense\", \"units\": 1}, {\"op\": \"sigmoid\"}]}"

#define HML_HEART_TRAINING_DEFAULT \
	{ \
		.network = HML_HEART_NETWORK, .epochs = 20, .batch_size = 64, .draws_per_epoch = 2560, \
		.learning_rate = 2e-3, .weight_decay = 0.1, .jitter = 0.5, .mixup = 0.3, .label_smoothing = 0.05, \
		.seed = 1 \
	}

typedef struct HmlHeartNetwork
{
	float mean[HML_HEART_FEATURES]; /* of the training, sites and classes weighted alike */
	float sd[HML_HEART_FEATURES];
	HmlNetwork *network;
	float *weights;
	HmlPlan *plan;
} HmlHeartNetwork;

/*
 * Train in 'arena'.  HML_INVALID_DATA when a class is missing everywhere, or a
 * feature is not finite; HML_INVALID_ARGUMENT for a network of another shape.
 */
extern HmlStatus hml_heart_network_train(HmlArena *arena, const HmlHeartExamples *examples,
										 const HmlHeartTraining *training,
										 HmlHeartNetwork *out) HML_NODISCARD;

/* features is (n, HML_HEART_FEATURES), p_abnormal (n): probabilities for sites with as many ill as healthy. */
extern HmlStatus hml_heart_network_score(HmlContext *ctx, const HmlHeartNetwork *network,
										 const float *features, size_t n, double *p_abnormal) HML_NODISCARD;

extern void hml_heart_network_write(const HmlHeartNetwork *network, HmlWriter *writer);
extern HmlStatus hml_heart_network_read(HmlArena *arena, HmlReader *reader,
										HmlHeartNetwork *out) HML_NODISCARD;

#endif /* HML_SIGNAL_HEART_SOUND_CNN_H */
