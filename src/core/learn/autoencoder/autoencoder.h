/*
 * autoencoder.h
 *	  The algorithm "autoencoder": an anomaly is what a network that has learnt to
 *	  reproduce normal rows reproduces badly.
 *
 * The error of a row is the mean over its inputs of the squared difference
 * between input and reconstruction, each divided by that input's mean squared
 * difference in training, so that inputs which nobody could predict do not drown
 * the others.  The score is error / (error + half_error).
 */
#ifndef HML_LEARN_AUTOENCODER_AUTOENCODER_H
#define HML_LEARN_AUTOENCODER_AUTOENCODER_H

#include "core/model/model.h"
#include "core/learn/network/ensemble.h"

typedef struct HmlAutoencoder
{
	HmlEnsemble net;   /* of one member */
	float *precision;  /* (n_inputs) weight of a squared difference */
	double half_error; /* error whose score is 0.5 */
} HmlAutoencoder;

extern const HmlAlgorithm hml_autoencoder;

/* Of one row, as it goes into the network and as it comes out. */
extern double hml_autoencoder_error(const HmlModel *model, const float *input, const float *output);

/*
 * What became of one row: inputs is (n_inputs); reconstruction is (n_inputs), in
 * the scale of the inputs; share is (n_features), each feature's share of the
 * error, with a sum of 1 (of 0 where there is no error).
 */
extern HmlStatus hml_autoencoder_explain(const HmlModel *model, HmlContext *ctx, const double *inputs,
										 double *reconstruction, double *share) HML_NODISCARD;

/* As HmlAlgorithm.export_onnx: the score; autoencoder_export.c. */
extern HmlStatus hml_autoencoder_export_onnx(HmlContext *ctx, const HmlModel *model, const char *name,
											 HmlWriter *writer) HML_NODISCARD;

#endif /* HML_LEARN_AUTOENCODER_AUTOENCODER_H */
