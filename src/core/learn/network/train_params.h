/*
 * train_params.h
 *	  Parameters of a training that all algorithms with a network share, and the
 *	  options of the trainer that follow from them.
 */
#ifndef HML_LEARN_NETWORK_TRAIN_PARAMS_H
#define HML_LEARN_NETWORK_TRAIN_PARAMS_H

#include "core/model/model.h"
#include "core/nn/train/train.h"

/* Rows of a table of parameters. */
/* clang-format off */
#define HML_TRAIN_PARAMS \
	{"optimizer", HML_PARAM_TEXT, "\"adam\"", 0, 0, "adam|adamw|sgd", \
	 "Optimiser; sgd has a momentum of 0.9."}, \
	{"learning_rate", HML_PARAM_NUMBER, "0.003", 1e-12, 1e6, NULL, \
	 "Learning rate that the schedule starts from."}, \
	{"weight_decay", HML_PARAM_NUMBER, "0.0001", 0, 1e6, NULL, \
	 "Weight decay; biases do not decay."}, \
	{"clip_norm", HML_PARAM_NUMBER, "0", 0, 1e6, NULL, \
	 "Norm to which the gradient of a batch is clipped; 0 does not clip."}, \
	{"schedule", HML_PARAM_TEXT, "\"cosine\"", 0, 0, "constant|step|cosine|reduce_on_plateau", \
	 "How the learning rate changes: not at all, halved every 30 epochs, along half a cosine to 1 %, or " \
	 "halved when the loss has not improved for 5 epochs."}, \
	{"epochs", HML_PARAM_INTEGER, "100", 1, 1000000, NULL, \
	 "Maximum number of passes through the training rows."}, \
	{"batch_size", HML_PARAM_INTEGER, "32", 1, 1000000, NULL, \
	 "Rows for each step of the optimiser."}, \
	{"validation_fraction", HML_PARAM_NUMBER, "0.15", 0, 0.9, NULL, \
	 "Share of the rows that is held out to measure each epoch; with 0 the last epoch is kept."}, \
	{"patience", HML_PARAM_INTEGER, "15", 0, 1000000, NULL, \
	 "Epochs without a better validation loss after which training stops; 0 never stops early."}, \
	{"group", HML_PARAM_TEXT, "null", 0, 0, NULL, \
	 "Column that identifies rows that belong together, such as those of one patient; they are never split " \
	 "between training and validation."}
/* clang-format on */

/* The trainer's options for these parameters, the seed and the listener of a training; the caller sets the loss. */
extern HmlTrainOptions hml_train_options(const HmlTraining *training);

/* Report loss, epochs and best_epoch of a training, and validation_loss where rows were held out. */
extern void hml_train_report(const HmlTraining *training, const HmlTrainResult *result, size_t n_held_out);

/* A parameter of type HML_PARAM_INTEGERS, as sizes in 'arena'. */
extern HmlStatus hml_param_sizes(HmlArena *arena, const HmlParams *params, const char *name,
								 const size_t **sizes, size_t *count) HML_NODISCARD;

#endif /* HML_LEARN_NETWORK_TRAIN_PARAMS_H */
