/*
 * heart_network.h
 *	  The model that separates normal from abnormal hearts.
 *
 * Two networks and a gate.  The general one hears contrasts alone, which another
 * stethoscope does not change.  The expert hears levels, too: it knows more, but
 * only about recordings like those that it was trained on.  The gate decides by the
 * floors of a recording whether it comes from a clinic of the training
 * (heart_clinic.h):
 *
 *	p = familiarity * expert + (1 - familiarity) * general
 *
 * Both networks draw the classes of each site alike (heart_part.h).  The expert is
 * calibrated on recordings that it has not seen, in folds of the training, so that
 * p is meant for as many ill as healthy; where it does not beat the general
 * network there, as with few recordings, it is left out.
 */
#ifndef HML_HEART_HEART_NETWORK_H
#define HML_HEART_HEART_NETWORK_H

#include "core/heart/heart_clinic.h"
#include "core/heart/heart_part.h"
#include "core/learn/network/integrated_gradients.h"

typedef struct HmlHeartTraining
{
	const char *network; /* JSON specification: HML_HEART_CONTRASTS inputs, one output that ends in sigmoid */
	int epochs;
	size_t batch_size;
	size_t draws_per_epoch;
	double learning_rate;
	double weight_decay;    /* added to the gradient: strong, since databases differ more than hearts do */
	double jitter;          /* standard deviation of the noise, in those of the features */
	double mixup;           /* alpha of the Beta distribution of the share; 0 = no mixing */
	double label_smoothing; /* targets are this and one minus this */
	const char *expert;     /* likewise, with HML_HEART_SOUNDS inputs; NULL = none */
	int expert_passes;      /* epochs of the expert for each of the general network */
	double expert_weight_decay; /* decoupled */
	double expert_jitter;
	size_t n_networks; /* of each kind, which are averaged */
	uint64_t seed;
	/* May be NULL; epochs of both networks are counted on, those of the folds are not reported. */
	HmlStatus (*on_epoch)(void *user, const HmlEpoch *epoch);
	void *on_epoch_user;
} HmlHeartTraining;

#define HML_HEART_NETWORK \
	"{\"input\": [36], \"layers\": [" \
	"{\"op\": \"dense\", \"units\": 16}, {\"op\": \"relu\"}, {\"op\": \"dropout\", \"p\": 0.5}, " \
	"{\"op\": \"dense\", \"units\": 1}, {\"op\": \"sigmoid\"}]}"

#define HML_HEART_EXPERT \
	"{\"input\": [222], \"layers\": [{\"op\": \"dropout\", \"p\": 0.1}, " \
	"{\"op\": \"dense\", \"units\": 64}, {\"op\": \"relu\"}, {\"op\": \"dropout\", \"p\": 0.3}, " \
	"{\"op\": \"dense\", \"units\": 16}, {\"op\": \"relu\"}, {\"op\": \"dropout\", \"p\": 0.3}, " \
	"{\"op\": \"dense\", \"units\": 1}, {\"op\": \"sigmoid\"}]}"

#define HML_HEART_TRAINING_DEFAULT \
	{ \
		.network = HML_HEART_NETWORK, .epochs = 20, .batch_size = 64, .draws_per_epoch = 2560, \
		.learning_rate = 2e-3, .weight_decay = 0.1, .jitter = 0.5, .mixup = 0.3, .label_smoothing = 0.05, \
		.expert = HML_HEART_EXPERT, .expert_passes = 2, .expert_weight_decay = 0.01, .expert_jitter = 0.3, \
		.n_networks = 1, .seed = 1 \
	}

typedef struct HmlHeartNetwork
{
	HmlHeartPart general;
	HmlHeartClinics clinics; /* none = the general network alone */
	HmlHeartPart expert;     /* where there are clinics */
	double slope;            /* the expert's calibrated logit is slope * logit + bias */
	double bias;
} HmlHeartNetwork;

/*
 * Train in 'arena'.  HML_INVALID_DATA when a class is missing everywhere, or a
 * feature is not finite; HML_INVALID_ARGUMENT for a network of another shape.
 */
extern HmlStatus hml_heart_network_train(HmlArena *arena, const HmlHeartExamples *examples,
										 const HmlHeartTraining *training,
										 HmlHeartNetwork *out) HML_NODISCARD;

/*
 * features is (n, HML_HEART_FEATURES), p_abnormal (n): probabilities as if there
 * were as many ill as healthy.  Allocates nothing.
 */
extern size_t hml_heart_network_scratch_size(const HmlHeartNetwork *network);
extern HmlStatus hml_heart_network_score(HmlContext *ctx, const HmlHeartNetwork *network, void *scratch,
										 const float *features, size_t n, double *p_abnormal) HML_NODISCARD;

/* By number, "general" and, where there are clinics, "expert"; NULL after the last one. */
extern const HmlEnsemble *hml_heart_network_part(const HmlHeartNetwork *network, size_t number);

/*
 * The logit of the probability of one row as a function of both parts' logits;
 * contributions is (HML_HEART_FEATURES).
 */
extern HmlStatus hml_heart_network_gradient(HmlArena *arena, const HmlHeartNetwork *network,
											const float *features, double *contributions,
											HmlGradientSpec *out) HML_NODISCARD;

/*
 * What each feature of one row adds to the logit of its probability: integrated
 * gradients along the straight line from the mean of the training, in standardised
 * features.  The familiarity is held at that of the row: how a microphone sounds
 * speaks neither for nor against a heart, so that floors contribute nothing.
 * contributions is (HML_HEART_FEATURES).  base + their sum is the logit: what the
 * numeric integral leaves over, some 1e-3, is spread in proportion to them.
 */
extern HmlStatus hml_heart_network_explain(HmlContext *ctx, const HmlHeartNetwork *network,
										   const float *features, double *base,
										   double *contributions) HML_NODISCARD;

extern void hml_heart_network_write(const HmlHeartNetwork *network, HmlWriter *writer);
extern HmlStatus hml_heart_network_read(HmlArena *arena, HmlReader *reader,
										HmlHeartNetwork *out) HML_NODISCARD;

#endif /* HML_HEART_HEART_NETWORK_H */
