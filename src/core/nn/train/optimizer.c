/*
 * optimizer.c
 *	  Optimisers and learning-rate schedules.
 */
#include "core/nn/train/optimizer.h"

#include <math.h>

#include "core/nn/loops/loops.h"

/* Neighbouring parameters that are treated alike. */
typedef struct Range
{
	size_t offset;
	size_t size;
	bool decays;
} Range;

struct HmlOptimizer
{
	HmlOptimizerOptions options;
	size_t n_trainable;
	size_t n_ranges;
	Range *ranges;
	float *first;  /* moving mean of the gradient, or momentum */
	float *second; /* moving mean of its square */
	double beta1_power;
	double beta2_power;
};

static size_t
count_parameters(const HmlNetwork *network)
{
	size_t count = 0;

	for (size_t i = 0; i < network->n_nodes; i++)
		count += network->nodes[i].n_parameters;
	return count;
}

static void
find_ranges(HmlOptimizer *optimizer, const HmlNetwork *network)
{
	Range *last = NULL;

	for (size_t i = 0; i < network->n_nodes; i++)
		for (size_t k = 0; k < network->nodes[i].n_parameters; k++)
		{
			const HmlParameter *parameter = &network->nodes[i].parameters[k];
			bool decays = parameter->decays && optimizer->options.weight_decay > 0;

			if (!parameter->trainable)
				continue;
			if (last == NULL || last->decays != decays)
			{
				last = &optimizer->ranges[optimizer->n_ranges++];
				*last = (Range){parameter->offset, 0, decays};
			}
			last->size += parameter->size;
		}
}

HmlStatus
hml_optimizer_create(HmlArena *arena, const HmlNetwork *network, const HmlOptimizerOptions *options,
					 HmlOptimizer **out)
{
	HmlOptimizer *optimizer;

	HML_TRY(HML_ARENA_NEW_ZERO(arena, &optimizer, 1));
	optimizer->options = *options;
	optimizer->n_trainable = network->n_trainable;
	optimizer->beta1_power = 1;
	optimizer->beta2_power = 1;
	HML_TRY(HML_ARENA_NEW(arena, &optimizer->ranges, count_parameters(network)));
	find_ranges(optimizer, network);
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &optimizer->first, network->n_trainable));
	if (options->kind != HML_SGD)
		HML_TRY(HML_ARENA_NEW_ZERO(arena, &optimizer->second, network->n_trainable));
	*out = optimizer;
	return HML_OK;
}

static double
clip_factor(const HmlOptimizer *optimizer, const float *gradients)
{
	double limit = optimizer->options.clip_norm;
	double norm;

	if (limit <= 0)
		return 1;
	norm = sqrt(hml_loops()->square_sum(gradients, 0, optimizer->n_trainable));
	return norm > limit ? limit / norm : 1;
}

static void
adam_step(const HmlOptimizer *optimizer, const Range *range, double rate, double clip, const float *gradients,
		  float *weights)
{
	const HmlOptimizerOptions *options = &optimizer->options;
	double decay = range->decays ? options->weight_decay : 0;
	bool is_decoupled = options->kind == HML_ADAMW;
	HmlAdamStep step = {
		.learning_rate = (float) (rate / (1 - optimizer->beta1_power)),
		.beta1 = (float) options->beta1,
		.beta2 = (float) options->beta2,
		.epsilon = (float) options->epsilon,
		.second_scale = (float) (1 / (1 - optimizer->beta2_power)),
		.decoupled = (float) (is_decoupled ? 1 - rate * decay : 1),
		.coupled = (float) (is_decoupled ? 0 : decay),
		.clip = (float) clip,
	};

	hml_loops()->adam(&step, gradients + range->offset, weights + range->offset,
					  optimizer->first + range->offset, optimizer->second + range->offset, range->size);
}

void
hml_optimizer_step(HmlOptimizer *optimizer, double learning_rate, const float *gradients, float *weights)
{
	const HmlOptimizerOptions *options = &optimizer->options;
	double clip = clip_factor(optimizer, gradients);

	optimizer->beta1_power *= options->beta1;
	optimizer->beta2_power *= options->beta2;
	for (size_t i = 0; i < optimizer->n_ranges; i++)
	{
		const Range *range = &optimizer->ranges[i];

		if (options->kind != HML_SGD)
			adam_step(optimizer, range, learning_rate, clip, gradients, weights);
		else
			hml_loops()->sgd((float) learning_rate, (float) options->momentum,
							 (float) (range->decays ? options->weight_decay : 0), (float) clip,
							 gradients + range->offset, weights + range->offset,
							 optimizer->first + range->offset, range->size);
	}
}

/* ---- schedules ------------------------------------------------------------------------------------- */

static double
cosine_rate(const HmlSchedule *schedule, double epoch, int epochs)
{
	double warmup = schedule->warmup_epochs;
	double share;

	if (epoch < warmup)
		return schedule->learning_rate * epoch / warmup;
	share = epochs > warmup ? (epoch - warmup) / (epochs - warmup) : 1;
	share = 0.5 * (1 + cos(acos(-1.0) * share));
	return schedule->learning_rate * (schedule->final_share + (1 - schedule->final_share) * share);
}

double
hml_schedule_rate(const HmlSchedule *schedule, double epoch, int epochs)
{
	switch (schedule->kind)
	{
		case HML_SCHEDULE_STEP:
			return schedule->learning_rate * pow(schedule->factor, floor(epoch / schedule->step_epochs));
		case HML_SCHEDULE_COSINE:
			return cosine_rate(schedule, epoch, epochs);
		case HML_SCHEDULE_REDUCE_ON_PLATEAU:
			return schedule->plateau_rate > 0 ? schedule->plateau_rate : schedule->learning_rate;
		default:
			return schedule->learning_rate;
	}
}

#define PLATEAU_THRESHOLD 1e-4 /* an improvement by less than this share is none, as in PyTorch */

void
hml_schedule_observe(HmlSchedule *schedule, double loss)
{
	if (schedule->plateau_rate <= 0)
	{
		schedule->plateau_rate = schedule->learning_rate;
		schedule->best_loss = INFINITY;
		schedule->bad_epochs = 0;
	}
	if (loss < schedule->best_loss - PLATEAU_THRESHOLD * fabs(schedule->best_loss) ||
		isinf(schedule->best_loss))
	{
		schedule->best_loss = loss;
		schedule->bad_epochs = 0;
	}
	else if (++schedule->bad_epochs > schedule->plateau_patience)
	{
		schedule->plateau_rate *= schedule->factor;
		schedule->bad_epochs = 0;
	}
}
