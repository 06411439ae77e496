/*
 * train_params.c
 *	  From the parameters of a training to the options of the trainer.
 */
#include "core/learn/network/train_params.h"

#define SGD_MOMENTUM 0.9
#define STEP_EPOCHS 30
#define HALVE 0.5
#define PLATEAU_PATIENCE 5
#define FINAL_SHARE 0.01

static void
set_optimizer(const HmlParams *given, HmlOptimizerOptions *optimizer)
{
	if (hml_param_is_choice(given, "optimizer", "sgd"))
		optimizer->kind = HML_SGD;
	else
		optimizer->kind = hml_param_is_choice(given, "optimizer", "adamw") ? HML_ADAMW : HML_ADAM;
	optimizer->momentum = SGD_MOMENTUM;
	optimizer->weight_decay = hml_param_number(given, "weight_decay");
	optimizer->clip_norm = hml_param_number(given, "clip_norm");
}

static void
set_schedule(const HmlParams *given, HmlSchedule *schedule)
{
	if (hml_param_is_choice(given, "schedule", "step"))
		schedule->kind = HML_SCHEDULE_STEP;
	else if (hml_param_is_choice(given, "schedule", "cosine"))
		schedule->kind = HML_SCHEDULE_COSINE;
	else if (hml_param_is_choice(given, "schedule", "reduce_on_plateau"))
		schedule->kind = HML_SCHEDULE_REDUCE_ON_PLATEAU;
	else
		schedule->kind = HML_SCHEDULE_CONSTANT;
	schedule->learning_rate = hml_param_number(given, "learning_rate");
	schedule->factor = HALVE;
	schedule->step_epochs = STEP_EPOCHS;
	schedule->final_share = FINAL_SHARE;
	schedule->plateau_patience = PLATEAU_PATIENCE;
}

HmlTrainOptions
hml_train_options(const HmlTraining *training)
{
	const HmlParams *given = training->params;
	HmlTrainOptions options = hml_default_train_options();

	set_optimizer(given, &options.optimizer);
	set_schedule(given, &options.schedule);
	options.epochs = (int) hml_param_integer(given, "epochs");
	options.batch_size = (size_t) hml_param_integer(given, "batch_size");
	options.patience = (int) hml_param_integer(given, "patience");
	options.seed = (uint64_t) hml_param_integer(given, "seed");
	options.on_epoch = training->on_epoch;
	options.on_epoch_user = training->on_epoch_user;
	return options;
}

void
hml_train_report(const HmlTraining *training, const HmlTrainResult *result, size_t n_held_out)
{
	hml_metric(training, "loss", result->loss);
	if (n_held_out > 0)
		hml_metric(training, "validation_loss", result->validation_loss);
	hml_metric(training, "epochs", result->epochs);
	hml_metric(training, "best_epoch", result->best_epoch);
}

HmlStatus
hml_param_sizes(HmlArena *arena, const HmlParams *params, const char *name, const size_t **sizes,
				size_t *count)
{
	const HmlJson *given = hml_param_json(params, name);
	size_t *copy;

	HML_TRY(HML_ARENA_NEW(arena, &copy, given->count));
	for (size_t i = 0; i < given->count; i++)
		copy[i] = (size_t) given->items[i].number;
	*sizes = copy;
	*count = given->count;
	return HML_OK;
}
