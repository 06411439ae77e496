/*
 * architectures.h
 *	  The networks that healthml ships, as specifications (network.h).
 *
 * Each function appends one JSON document to 'text', whose failure it leaves to
 * hml_text_finish().  Whoever wants another network gives one as "network".
 */
#ifndef HML_NN_GRAPH_ARCHITECTURES_H
#define HML_NN_GRAPH_ARCHITECTURES_H

#include "core/base/text.h"

/* Hidden layers of dense, activation, dropout; then the outputs. */
typedef struct HmlMlpSpec
{
	size_t n_inputs;
	size_t n_hidden;
	const size_t *hidden; /* (n_hidden) units */
	const char *activation;
	double dropout; /* 0 = none */
	size_t n_outputs;
	const char *last; /* operator after the outputs, or NULL */
} HmlMlpSpec;

extern void hml_spec_mlp(HmlText *text, const HmlMlpSpec *mlp);

/* Symmetric: hidden layers, bottleneck, hidden layers in reverse, and as many outputs as inputs. */
typedef struct HmlAutoencoderSpec
{
	size_t n_inputs;
	size_t n_hidden;
	const size_t *hidden;
	size_t bottleneck;
	const char *activation;
} HmlAutoencoderSpec;

extern void hml_spec_autoencoder(HmlText *text, const HmlAutoencoderSpec *autoencoder);

/* (1, bands, frames): four 3x3 convolutions of 16 to 128 filters, each with batch norm, ReLU and a pool. */
extern void hml_spec_cnn2d(HmlText *text, size_t bands, size_t frames);

/* (channels, samples): a residual network in one dimension (K. He et al., CVPR 2016), GRU, attention. */
extern void hml_spec_resnet1d_gru(HmlText *text, size_t channels, size_t samples, size_t classes);

/* (steps, features): the last state of an LSTM, repeated, and an LSTM that reconstructs the steps. */
extern void hml_spec_lstm_autoencoder(HmlText *text, size_t steps, size_t features, size_t units);

/* (channels, size, size): M. Tan and Q. Le, EfficientNet, ICML 2019, without stochastic depth. */
extern void hml_spec_efficientnet_b0(HmlText *text, size_t channels, size_t size, size_t classes);

/* All of them at the sizes that the performance page quotes, by name; the last name is NULL. */
typedef struct HmlArchitecture
{
	const char *name;
	void (*write)(HmlText *text);
} HmlArchitecture;

extern const HmlArchitecture hml_architectures[];

#endif /* HML_NN_GRAPH_ARCHITECTURES_H */
