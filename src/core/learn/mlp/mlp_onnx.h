/*
 * mlp_onnx.h
 *	  Models of the algorithm "mlp" to and from ONNX files.
 */
#ifndef HML_LEARN_MLP_MLP_ONNX_H
#define HML_LEARN_MLP_MLP_ONNX_H

#include "core/learn/mlp/mlp.h"
#include "core/nn/onnx/onnx.h"

/*
 * The model with its feature pipeline in front: features float64 (n, n_features)
 * to what the network gives, probabilities or the value.  HML_UNSUPPORTED for
 * other algorithms.
 */
extern HmlStatus hml_mlp_export_onnx(HmlContext *ctx, const HmlModel *model, const char *name,
									 HmlWriter *writer) HML_NODISCARD;

/* "features", "classes" and "threshold". */
extern const HmlParamSpec hml_mlp_import_params[];

/*
 * A model of a network that was trained elsewhere.  What it ends in tells what it
 * does: sigmoid two classes, softmax as many as it has outputs, anything else with
 * one output a value.  Features are called x1, x2, ... and classes 0, 1, ... unless the
 * parameters name them.  It has no training scores.
 */
extern HmlStatus hml_mlp_import_onnx(HmlContext *ctx, const void *bytes, size_t length,
									 const HmlParams *params, HmlModel **out) HML_NODISCARD;

#endif /* HML_LEARN_MLP_MLP_ONNX_H */
