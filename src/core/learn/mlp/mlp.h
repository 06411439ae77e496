/*
 * mlp.h
 *	  The algorithm "mlp": a network that classifies or predicts a value.
 *
 * Its inputs are those of the pipeline.  A binary classifier has one output, the
 * probability of the positive class; a classifier of more has one for each; a
 * regressor has one, the value.
 */
#ifndef HML_LEARN_MLP_MLP_H
#define HML_LEARN_MLP_MLP_H

#include "core/model/labels.h"
#include "core/learn/network/ensemble.h"

typedef struct HmlMlp
{
	HmlTask task;
	double offset; /* of regression: value = output * scale + offset */
	double scale;
	HmlEnsemble net; /* of one member */
} HmlMlp;

extern const HmlAlgorithm hml_mlp;

/*
 * A network for n_inputs and the outputs of the task: that of "network" in
 * 'params', else one of "hidden_layers", "activation" and "dropout".
 * HML_INVALID_ARGUMENT when the given one does not fit.
 */
extern HmlStatus hml_mlp_network(HmlArena *arena, const HmlParams *params, size_t n_inputs, HmlTask task,
								 size_t n_outputs, HmlNetwork **out) HML_NODISCARD;

/* Make model->impl, an HmlMlp with its final weights, ready to score. */
extern HmlStatus hml_mlp_prepare(HmlModel *model) HML_NODISCARD;

/* Train model->impl, an HmlMlp with initial weights, on rows of the frame; mlp_train.c. */
extern HmlStatus hml_mlp_fit(HmlContext *ctx, const HmlTraining *training, const HmlLabels *labels,
							 HmlModel *model) HML_NODISCARD;

/* As HmlAlgorithm.export_onnx: probabilities or the value as the network gives them; mlp_export.c. */
extern HmlStatus hml_mlp_export_onnx(HmlContext *ctx, const HmlModel *model, const char *name,
									 HmlWriter *writer) HML_NODISCARD;

#endif /* HML_LEARN_MLP_MLP_H */
