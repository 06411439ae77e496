/*
 * lstm_autoencoder.h
 *	  The algorithm "lstm_autoencoder": windows of time that a recurrent network reconstructs badly.
 *
 * A row is a window: steps x features numbers, the features of the first step
 * first, as the aggregate vitals_sequence lays them out.  A missing value is not
 * imputed: the network sees the last value before it, and it has no share in the error.
 */
#ifndef HML_LEARN_SEQUENCE_LSTM_AUTOENCODER_H
#define HML_LEARN_SEQUENCE_LSTM_AUTOENCODER_H

#include "core/learn/network/ensemble.h"
#include "core/model/model.h"

#define HML_MAX_STEPS 1600

typedef struct HmlLstmAutoencoder
{
	size_t steps;
	size_t features;
	double half_error; /* the score is error / (error + half_error) */
	float *precision;  /* (features) 1 / variance of the difference */
	HmlEnsemble net;
} HmlLstmAutoencoder;

extern const HmlAlgorithm hml_lstm_autoencoder;

/*
 * The reconstruction of a window and each element's share of its error; inputs, reconstruction and
 * share are (steps, features), in the units of the inputs.  A missing element has share 0.
 */
extern HmlStatus hml_lstm_autoencoder_explain(const HmlModel *model, HmlContext *ctx, const double *inputs,
											  double *reconstruction, double *share) HML_NODISCARD;

#endif /* HML_LEARN_SEQUENCE_LSTM_AUTOENCODER_H */
