/*
 * heart_export.h
 *	  A model of heart sounds as an ONNX file.
 */
#ifndef HML_HEART_HEART_EXPORT_H
#define HML_HEART_HEART_EXPORT_H

#include "core/heart/heart_network.h"

/*
 * As HmlAlgorithm.export_onnx, in one graph: features (heart_features.h) through the
 * pipeline, standardised for each part, through all networks, and mixed by the
 * familiarity of the recording; "output" is the probability, (n, 1).
 */
extern HmlStatus hml_heart_export_onnx(HmlContext *ctx, const HmlModel *model, const char *name,
									   HmlWriter *writer) HML_NODISCARD;

#endif /* HML_HEART_HEART_EXPORT_H */
