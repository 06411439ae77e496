/*
 * heart_network.c
 *	  Training and calibration of both networks, scoring, artifact.
 *
 * Calibration: J. Platt, Probabilistic Outputs for Support Vector Machines, 1999,
 * here by Newton's method with both classes weighing the same, and held near the
 * identity by a penalty that a few recordings do not outweigh.
 */
#include "core/heart/heart_network.h"

#include <math.h>
#include <string.h>

#include "core/data/split.h"

#define N_FEATURES HML_HEART_FEATURES
#define FOLDS 5
#define FOLD_STREAM 1         /* of the seed */
#define MIN_CLASS 10          /* recordings of each class without which there is no expert */
#define EXPERT_SITE_POWER 0.5 /* a larger clinic has more to teach about itself */
#define EXPERT_DRAWS 4        /* of a recording in an epoch, at most */
#define NEWTON_STEPS 50
#define PENALTY 1.0
#define GENERAL "general"
#define EXPERT "expert"

/* ---- checks ---------------------------------------------------------- */

static HmlStatus
check_features(HmlContext *ctx, const HmlHeartExamples *examples)
{
	for (size_t i = 0; i < examples->n * N_FEATURES; i++)
		if (!isfinite(examples->features[i]))
			return hml_fail(ctx, HML_INVALID_DATA, "feature \"%s\" of example %zu is not finite",
							hml_heart_feature_names[i % N_FEATURES], i / N_FEATURES + 1);
	return HML_OK;
}

static HmlStatus
check_training(HmlContext *ctx, const HmlHeartTraining *training)
{
	if (!(training->jitter >= 0 && training->jitter <= 10))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "jitter must be from 0 to 10, not %g", training->jitter);
	if (!(training->mixup >= 0 && training->mixup <= 1))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "mixup must be from 0 to 1, not %g", training->mixup);
	if (!(training->label_smoothing >= 0 && training->label_smoothing < 0.5))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "label_smoothing must be from 0 to less than 0.5, not %g",
						training->label_smoothing);
	if (training->epochs < 1 || training->expert_passes < 1 || training->batch_size < 1 ||
		training->draws_per_epoch < training->batch_size)
		return hml_fail(ctx, HML_INVALID_ARGUMENT,
						"cannot train for %d epochs of %zu examples in batches of %zu", training->epochs,
						training->draws_per_epoch, training->batch_size);
	return HML_OK;
}

/* ---- the two networks ------------------------------------------------ */

/* The epochs of the second network are numbered on from those of the first. */
typedef struct Reporting
{
	const HmlHeartTraining *training;
	int before;
	int all;
} Reporting;

static HmlStatus
report_epoch(void *user, const HmlEpoch *epoch)
{
	const Reporting *reporting = user;
	HmlEpoch reported = *epoch;

	reported.epoch += reporting->before;
	reported.epochs = reporting->all;
	return reporting->training->on_epoch(reporting->training->on_epoch_user, &reported);
}

static HmlHeartPartTraining
general_training(const HmlHeartTraining *training)
{
	return (HmlHeartPartTraining){.name = GENERAL,
								  .network = training->network,
								  .n_inputs = HML_HEART_CONTRASTS,
								  .epochs = training->epochs,
								  .batch_size = training->batch_size,
								  .draws_per_epoch = training->draws_per_epoch,
								  .learning_rate = training->learning_rate,
								  .optimizer = HML_ADAM,
								  .weight_decay = training->weight_decay,
								  .jitter = training->jitter,
								  .mixup = training->mixup,
								  .label_smoothing = training->label_smoothing,
								  .n_networks = training->n_networks,
								  .seed = training->seed};
}

/* Of few recordings it draws fewer, too: each would only come more often. */
static HmlHeartPartTraining
expert_training(const HmlHeartTraining *training, size_t n)
{
	HmlHeartPartTraining expert = general_training(training);

	if (expert.draws_per_epoch > EXPERT_DRAWS * n)
		expert.draws_per_epoch = EXPERT_DRAWS * n < expert.batch_size ? expert.batch_size : EXPERT_DRAWS * n;
	expert.name = EXPERT;
	expert.network = training->expert;
	expert.n_inputs = HML_HEART_SOUNDS;
	expert.epochs = training->epochs * training->expert_passes;
	expert.optimizer = HML_ADAMW;
	expert.weight_decay = training->expert_weight_decay;
	expert.jitter = training->expert_jitter;
	expert.site_power = EXPERT_SITE_POWER;
	return expert;
}

static HmlStatus
train_part(HmlArena *arena, const HmlHeartExamples *examples, const HmlHeartTraining *training,
		   const HmlHeartPartTraining *how, int before, int all, HmlHeartPart *out)
{
	HmlHeartPartTraining reported = *how;
	Reporting reporting = {training, before, all};

	if (training->on_epoch != NULL)
	{
		reported.on_epoch = report_epoch;
		reported.on_epoch_user = &reporting;
	}
	return hml_heart_part_train(arena, examples, &reported, out);
}

/* ---- folds ----------------------------------------------------------- */

typedef struct Folds
{
	uint32_t *fold;  /* (n) */
	double *general; /* (n) logits of networks that have not seen the recording */
	double *expert;  /* (n) */
} Folds;

static bool
has_enough(const HmlHeartExamples *examples)
{
	size_t counts[2] = {0};

	for (size_t i = 0; i < examples->n; i++)
		counts[examples->abnormal[i]]++;
	return counts[0] >= MIN_CLASS && counts[1] >= MIN_CLASS &&
		   (examples->groups == NULL || examples->n_groups >= FOLDS);
}

/* Whether what is left of each class outside of every fold is enough to train with. */
static bool
folds_have_both(const HmlHeartExamples *examples, const uint32_t *fold)
{
	for (uint32_t k = 0; k < FOLDS; k++)
	{
		size_t counts[2] = {0};

		for (size_t i = 0; i < examples->n; i++)
			counts[examples->abnormal[i]] += fold[i] != k;
		if (counts[0] == 0 || counts[1] == 0)
			return false;
	}
	return true;
}

static HmlStatus
deal_folds(HmlArena *scratch, const HmlHeartExamples *examples, uint64_t seed, uint32_t **out)
{
	uint32_t *strata;
	HmlSplit split = {.n_rows = examples->n,
					  .n_folds = FOLDS,
					  .n_strata = 2 * (size_t) examples->n_sites,
					  .groups = examples->groups,
					  .n_groups = examples->n_groups,
					  .seed = seed + FOLD_STREAM};

	HML_TRY(HML_ARENA_NEW(scratch, &strata, examples->n));
	HML_TRY(HML_ARENA_NEW(scratch, out, examples->n));
	for (size_t i = 0; i < examples->n; i++)
		strata[i] = 2 * examples->sites[i] + examples->abnormal[i];
	split.strata = strata;
	return hml_split(hml_arena_context(scratch), &split, *out);
}

/* The examples of the other folds. */
static HmlStatus
without_fold(HmlArena *arena, const HmlHeartExamples *examples, const uint32_t *fold, uint32_t number,
			 HmlHeartExamples *out)
{
	float *features;
	bool *abnormal;
	uint32_t *sites;

	*out = (HmlHeartExamples){.n_sites = examples->n_sites};
	HML_TRY(hml_arena_alloc(arena, examples->n, N_FEATURES * sizeof(float), (void **) &features));
	HML_TRY(HML_ARENA_NEW(arena, &abnormal, examples->n));
	HML_TRY(HML_ARENA_NEW(arena, &sites, examples->n));
	for (size_t i = 0; i < examples->n; i++)
		if (fold[i] != number)
		{
			memcpy(features + out->n * N_FEATURES, examples->features + i * N_FEATURES,
				   N_FEATURES * sizeof(float));
			abnormal[out->n] = examples->abnormal[i];
			sites[out->n++] = examples->sites[i];
		}
	out->features = features;
	out->abnormal = abnormal;
	out->sites = sites;
	return HML_OK;
}

static HmlStatus
score_fold(HmlArena *arena, const HmlHeartExamples *examples, const uint32_t *fold, uint32_t number,
		   const HmlHeartPart *part, double *logits)
{
	HmlContext *ctx = hml_arena_context(arena);
	void *scratch;

	HML_TRY(hml_arena_alloc(arena, 1, hml_heart_part_scratch_size(part), &scratch));
	for (size_t i = 0; i < examples->n; i++)
		if (fold[i] == number)
			HML_TRY(
				hml_heart_part_score(ctx, part, scratch, examples->features + i * N_FEATURES, 1, &logits[i]));
	return HML_OK;
}

static HmlStatus
run_fold(HmlArena *arena, const HmlHeartExamples *examples, const HmlHeartTraining *training, uint32_t number,
		 Folds *folds)
{
	HmlHeartPartTraining general = general_training(training);
	HmlHeartPartTraining expert = expert_training(training, examples->n);
	HmlHeartExamples others;
	HmlHeartPart part;

	HML_TRY(without_fold(arena, examples, folds->fold, number, &others));
	HML_TRY(hml_heart_part_train(arena, &others, &general, &part));
	HML_TRY(score_fold(arena, examples, folds->fold, number, &part, folds->general));
	HML_TRY(hml_heart_part_train(arena, &others, &expert, &part));
	return score_fold(arena, examples, folds->fold, number, &part, folds->expert);
}

static HmlStatus
run_folds(HmlArena *scratch, const HmlHeartExamples *examples, const HmlHeartTraining *training, Folds *folds)
{
	HML_TRY(HML_ARENA_NEW(scratch, &folds->general, examples->n));
	HML_TRY(HML_ARENA_NEW(scratch, &folds->expert, examples->n));
	for (uint32_t k = 0; k < FOLDS; k++)
	{
		HmlArena *arena;
		HmlStatus status;

		HML_TRY(hml_arena_create(hml_arena_context(scratch), &arena));
		status = run_fold(arena, examples, training, k, folds);
		hml_arena_free(arena);
		HML_TRY(status);
	}
	return HML_OK;
}

/* ---- calibration ----------------------------------------------------- */

typedef struct Calibration
{
	double slope;
	double bias;
	double loss; /* mean log loss, both classes weighing the same */
} Calibration;

/* Gradient and Hessian of the loss of all, plus the penalty. */
static void
newton_step(const double *logits, const bool *abnormal, size_t n, const double *weights, Calibration *fit)
{
	double g_slope = PENALTY * (fit->slope - 1);
	double g_bias = PENALTY * fit->bias;
	double h_slope = PENALTY;
	double h_bias = PENALTY;
	double h_both = 0;
	double determinant;

	for (size_t i = 0; i < n; i++)
	{
		double p = hml_heart_sigmoid(fit->slope * logits[i] + fit->bias);
		double weight = weights[abnormal[i]];
		double error = weight * (p - abnormal[i]);
		double curve = weight * p * (1 - p);

		g_slope += error * logits[i];
		g_bias += error;
		h_slope += curve * logits[i] * logits[i];
		h_bias += curve;
		h_both += curve * logits[i];
	}
	determinant = h_slope * h_bias - h_both * h_both;
	fit->slope -= (h_bias * g_slope - h_both * g_bias) / determinant;
	fit->bias -= (h_slope * g_bias - h_both * g_slope) / determinant;
}

static Calibration
calibrate(const double *logits, const bool *abnormal, size_t n)
{
	Calibration fit = {.slope = 1};
	double counts[2] = {0};
	double weights[2];

	for (size_t i = 0; i < n; i++)
		counts[abnormal[i]]++;
	for (int c = 0; c < 2; c++)
		weights[c] = (double) n / (2 * counts[c]);
	for (int step = 0; step < NEWTON_STEPS; step++)
		newton_step(logits, abnormal, n, weights, &fit);
	for (size_t i = 0; i < n; i++)
	{
		double p = hml_heart_sigmoid(fit.slope * logits[i] + fit.bias);

		fit.loss -= weights[abnormal[i]] * log(abnormal[i] ? p : 1 - p) / (double) n;
	}
	return fit;
}

static HmlStatus
find_clinics(HmlArena *arena, HmlArena *scratch, const HmlHeartExamples *examples, HmlHeartClinics *out)
{
	HmlHeartClinicData data = {.n = examples->n,
							   .features = examples->features,
							   .sites = examples->sites,
							   .n_sites = examples->n_sites,
							   .groups = examples->groups};
	bool *left_out;

	HML_TRY(hml_heart_one_sided_sites(scratch, examples, &left_out));
	data.left_out = left_out;
	return hml_heart_clinics_fit(arena, &data, out);
}

/* ---- training -------------------------------------------------------- */

/* Clinics are left empty where the expert has not earned its place. */
static HmlStatus
judge_expert(HmlArena *arena, HmlArena *scratch, const HmlHeartExamples *examples,
			 const HmlHeartTraining *training, HmlHeartNetwork *out)
{
	Folds folds;
	Calibration expert;
	Calibration general;

	if (training->expert == NULL || !has_enough(examples))
		return HML_OK;
	HML_TRY(deal_folds(scratch, examples, training->seed, &folds.fold));
	if (!folds_have_both(examples, folds.fold))
		return HML_OK;
	HML_TRY(run_folds(scratch, examples, training, &folds));
	expert = calibrate(folds.expert, examples->abnormal, examples->n);
	general = calibrate(folds.general, examples->abnormal, examples->n);
	if (!(expert.loss < general.loss && expert.slope > 0))
		return HML_OK;
	out->slope = expert.slope;
	out->bias = expert.bias;
	return find_clinics(arena, scratch, examples, &out->clinics);
}

static HmlStatus
train(HmlArena *arena, HmlArena *scratch, const HmlHeartExamples *examples, const HmlHeartTraining *training,
	  HmlHeartNetwork *out)
{
	HmlHeartPartTraining general = general_training(training);
	HmlHeartPartTraining expert = expert_training(training, examples->n);
	int all;

	HML_TRY(judge_expert(arena, scratch, examples, training, out));
	all = general.epochs + (out->clinics.n > 0 ? expert.epochs : 0);
	HML_TRY(train_part(arena, examples, training, &general, 0, all, &out->general));
	if (out->clinics.n == 0)
		return HML_OK;
	return train_part(arena, examples, training, &expert, general.epochs, all, &out->expert);
}

HmlStatus
hml_heart_network_train(HmlArena *arena, const HmlHeartExamples *examples, const HmlHeartTraining *training,
						HmlHeartNetwork *out)
{
	HmlContext *ctx = hml_arena_context(arena);
	HmlArena *scratch;
	HmlStatus status;

	memset(out, 0, sizeof(*out));
	HML_TRY(check_training(ctx, training));
	HML_TRY(check_features(ctx, examples));
	HML_TRY(hml_arena_create(ctx, &scratch));
	status = train(arena, scratch, examples, training, out);
	hml_arena_free(scratch);
	return status;
}

/* ---- scoring --------------------------------------------------------- */

static HmlStatus
score_one(HmlContext *ctx, const HmlHeartNetwork *network, void *scratch, const float *features, double *p)
{
	double familiarity = hml_heart_familiarity(&network->clinics, features);
	double general = 0;
	double expert = 0;

	if (familiarity < 1)
		HML_TRY(hml_heart_part_score(ctx, &network->general, scratch, features, 1, &general));
	if (familiarity > 0)
		HML_TRY(hml_heart_part_score(ctx, &network->expert, scratch, features, 1, &expert));
	*p = familiarity * hml_heart_sigmoid(network->slope * expert + network->bias) +
		 (1 - familiarity) * hml_heart_sigmoid(general);
	return HML_OK;
}

size_t
hml_heart_network_scratch_size(const HmlHeartNetwork *network)
{
	size_t general = hml_heart_part_scratch_size(&network->general);
	size_t expert = network->clinics.n > 0 ? hml_heart_part_scratch_size(&network->expert) : 0;

	return general > expert ? general : expert;
}

HmlStatus
hml_heart_network_score(HmlContext *ctx, const HmlHeartNetwork *network, void *scratch, const float *features,
						size_t n, double *p_abnormal)
{
	for (size_t i = 0; i < n; i++)
		HML_TRY(score_one(ctx, network, scratch, features + i * N_FEATURES, &p_abnormal[i]));
	return HML_OK;
}

const HmlEnsemble *
hml_heart_network_part(const HmlHeartNetwork *network, size_t number)
{
	if (number == 0)
		return &network->general.net;
	return number == 1 && network->clinics.n > 0 ? &network->expert.net : NULL;
}

/* ---- artifact -------------------------------------------------------- */

void
hml_heart_network_write(const HmlHeartNetwork *network, HmlWriter *writer)
{
	hml_heart_part_write(&network->general, writer);
	hml_heart_clinics_write(&network->clinics, writer);
	if (network->clinics.n == 0)
		return;
	hml_heart_part_write(&network->expert, writer);
	hml_write_f64(writer, network->slope);
	hml_write_f64(writer, network->bias);
}

HmlStatus
hml_heart_network_read(HmlArena *arena, HmlReader *reader, HmlHeartNetwork *out)
{
	memset(out, 0, sizeof(*out));
	HML_TRY(hml_heart_part_read(arena, reader, GENERAL, HML_HEART_CONTRASTS, &out->general));
	HML_TRY(hml_heart_clinics_read(arena, reader, &out->clinics));
	if (out->clinics.n == 0)
		return HML_OK;
	HML_TRY(hml_heart_part_read(arena, reader, EXPERT, HML_HEART_SOUNDS, &out->expert));
	HML_TRY(hml_read_f64(reader, &out->slope));
	HML_TRY(hml_read_f64(reader, &out->bias));
	if (!isfinite(out->slope) || !isfinite(out->bias))
		return hml_fail(reader->ctx, HML_CORRUPT, "calibration of the model is not finite");
	return HML_OK;
}
