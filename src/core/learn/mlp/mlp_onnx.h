/*
 * mlp_onnx.h
 *	  Models of the algorithm "mlp" from ONNX files.
 */
#ifndef HML_LEARN_MLP_MLP_ONNX_H
#define HML_LEARN_MLP_MLP_ONNX_H

#include "core/learn/mlp/mlp.h"

/* "features", "classes" and "threshold". */
extern const HmlParamSpec hml_mlp_import_params[];

/*
 * A model of a network that was trained elsewhere.  Its last
 * operator decides what it does: sigmoid is two classes, softmax as many as it has
 * outputs, anything else with one output a value.  Features are called x1, x2, ... and classes 0, 1, ... unless the
 * parameters name them.  It has no training scores.
 */
extern HmlStatus hml_mlp_import_onnx(HmlContext *ctx, const void *bytes, size_t length,
									 const HmlParams *params, HmlModel **out) HML_NODISCARD;

#endif /* HML_LEARN_MLP_MLP_ONNX_H */
