/*
 * optimizer.h
 *	  Optimisers and learning-rate schedules.
 *
 * sgd with momentum as in PyTorch (the first step is the gradient); adam: D.
 * Kingma and J. Ba, ICLR 2015, decay added to the gradient; adamw: I. Loshchilov
 * and F. Hutter, ICLR 2019, decay decoupled from it.  Weight decay touches
 * matrices and filters only, not biases and gains.
 */
#ifndef HML_NN_TRAIN_OPTIMIZER_H
#define HML_NN_TRAIN_OPTIMIZER_H

#include "core/nn/graph/network.h"

typedef enum HmlOptimizerKind
{
	HML_SGD,
	HML_ADAM,
	HML_ADAMW
} HmlOptimizerKind;

typedef struct HmlOptimizerOptions
{
	HmlOptimizerKind kind;
	double momentum; /* of sgd */
	double beta1;    /* of adam and adamw */
	double beta2;
	double epsilon;
	double weight_decay;
	double clip_norm; /* the gradient is scaled down to this Euclidean norm; 0 = as it is */
} HmlOptimizerOptions;

typedef struct HmlOptimizer HmlOptimizer;

/* Lies in 'arena'; 'network' must live as long. */
extern HmlStatus hml_optimizer_create(HmlArena *arena, const HmlNetwork *network,
									  const HmlOptimizerOptions *options, HmlOptimizer **out) HML_NODISCARD;

/* One step: weights and gradients are (n_trainable) and more. */
extern void hml_optimizer_step(HmlOptimizer *optimizer, double learning_rate, const float *gradients,
							   float *weights);

typedef enum HmlScheduleKind
{
	HML_SCHEDULE_CONSTANT,
	HML_SCHEDULE_STEP,             /* times 'factor' after every 'step_epochs' epochs */
	HML_SCHEDULE_COSINE,           /* linear warm-up, then half a cosine down to 'final_share' of the rate */
	HML_SCHEDULE_REDUCE_ON_PLATEAU /* times 'factor' when the loss has not improved for 'plateau_patience' epochs */
} HmlScheduleKind;

typedef struct HmlSchedule
{
	HmlScheduleKind kind;
	double learning_rate;
	double factor;
	int step_epochs;
	double warmup_epochs;
	double final_share;
	int plateau_patience;

	/* What the schedule has seen: */
	double plateau_rate; /* as reduced so far; 0 = not begun */
	double best_loss;
	int bad_epochs;
} HmlSchedule;

/* Rate at 'epoch' (from 0; a fraction is the part of the epoch that is done) of 'epochs'. */
extern double hml_schedule_rate(const HmlSchedule *schedule, double epoch, int epochs);
/* Give the schedule the loss with which an epoch ended. */
extern void hml_schedule_observe(HmlSchedule *schedule, double loss);

#endif /* HML_NN_TRAIN_OPTIMIZER_H */
