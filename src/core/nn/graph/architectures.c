/*
 * architectures.c
 *	  The specifications that healthml ships.
 */
#include "core/nn/graph/architectures.h"

#include <stdbool.h>
#include <stdio.h>

/* ---- pieces ---------------------------------------------------------------------------------------- */

static void
begin(HmlText *text, size_t n_dims, const size_t *dims)
{
	hml_text_add(text, "{\"input\":[");
	for (size_t i = 0; i < n_dims; i++)
		hml_text_addf(text, "%s%zu", i == 0 ? "" : ",", dims[i]);
	hml_text_add(text, "],\"layers\":[");
}

static void
end(HmlText *text)
{
	hml_text_add(text, "]}");
}

/* A layer without attributes, and the comma after it. */
static void
layer(HmlText *text, const char *op)
{
	hml_text_addf(text, "{\"op\":\"%s\"},", op);
}

static void
dense(HmlText *text, size_t units)
{
	hml_text_addf(text, "{\"op\":\"dense\",\"units\":%zu},", units);
}

static void
dropout(HmlText *text, double p)
{
	if (p <= 0)
		return;
	hml_text_add(text, "{\"op\":\"dropout\",\"p\":");
	hml_text_add_json_number(text, p);
	hml_text_add(text, "},");
}

/* The last layer: without a comma. */
static void
last_dense(HmlText *text, size_t units, const char *activation)
{
	hml_text_addf(text, "{\"op\":\"dense\",\"units\":%zu}", units);
	if (activation != NULL)
		hml_text_addf(text, ",{\"op\":\"%s\"}", activation);
}

/* ---- dense networks -------------------------------------------------------------------------------- */

void
hml_spec_mlp(HmlText *text, const HmlMlpSpec *mlp)
{
	begin(text, 1, &mlp->n_inputs);
	for (size_t i = 0; i < mlp->n_hidden; i++)
	{
		dense(text, mlp->hidden[i]);
		layer(text, mlp->activation);
		dropout(text, mlp->dropout);
	}
	last_dense(text, mlp->n_outputs, mlp->last);
	end(text);
}

void
hml_spec_autoencoder(HmlText *text, const HmlAutoencoderSpec *autoencoder)
{
	size_t n = autoencoder->n_hidden;

	begin(text, 1, &autoencoder->n_inputs);
	for (size_t i = 0; i < n; i++)
	{
		dense(text, autoencoder->hidden[i]);
		layer(text, autoencoder->activation);
	}
	hml_text_addf(text, "{\"op\":\"dense\",\"units\":%zu,\"name\":\"bottleneck\"},", autoencoder->bottleneck);
	for (size_t i = n; i-- > 0;)
	{
		dense(text, autoencoder->hidden[i]);
		layer(text, autoencoder->activation);
	}
	last_dense(text, autoencoder->n_inputs, NULL);
	end(text);
}

/* ---- cnn2d ----------------------------------------------------------------------------------------- */

void
hml_spec_cnn2d(HmlText *text, size_t bands, size_t frames)
{
	static const int filters[] = {16, 32, 64, 128};
	const size_t input[] = {1, bands, frames};

	begin(text, 3, input);
	for (int i = 0; i < 4; i++)
	{
		hml_text_addf(text,
					  "{\"op\":\"conv2d\",\"filters\":%d,\"kernel_size\":3,\"padding\":1,\"bias\":false},",
					  filters[i]);
		layer(text, "batch_norm");
		layer(text, "relu");
		if (i < 3)
			hml_text_add(text, "{\"op\":\"max_pool\",\"kernel_size\":2},");
	}
	layer(text, "global_avg_pool");
	dropout(text, 0.3);
	last_dense(text, 1, "sigmoid");
	end(text);
}

/* ---- resnet1d_gru ---------------------------------------------------------------------------------- */

/* Convolution and batch norm; the convolution reads 'input', the batch norm is called name_norm. */
static void
conv1d_norm(HmlText *text, const char *name, const char *input, size_t filters, size_t kernel, size_t stride)
{
	hml_text_addf(
		text,
		"{\"op\":\"conv1d\",\"name\":\"%s\",\"inputs\":[\"%s\"],\"filters\":%zu,\"kernel_size\":%zu,"
		"\"stride\":%zu,\"padding\":%zu,\"bias\":false},"
		"{\"op\":\"batch_norm\",\"name\":\"%s_norm\"},",
		name, input, filters, kernel, stride, kernel / 2, name);
}

/* Two convolutions round a short cut, which has one of its own where the shape changes. */
static void
residual_block(HmlText *text, int number, size_t filters, size_t stride, bool changes_shape)
{
	char input[32], first[32], second[32], short_cut[32], previous[32]; /* any int fits */

	snprintf(input, sizeof(input), "block%d", number - 1);
	snprintf(first, sizeof(first), "b%d_first", number);
	snprintf(second, sizeof(second), "b%d_second", number);
	snprintf(short_cut, sizeof(short_cut), "b%d_short", number);
	snprintf(previous, sizeof(previous), "b%d_dropout", number);
	conv1d_norm(text, first, input, filters, 7, stride);
	layer(text, "relu");
	hml_text_addf(text, "{\"op\":\"dropout\",\"p\":0.1,\"name\":\"%s\"},", previous);
	conv1d_norm(text, second, previous, filters, 7, 1);
	if (changes_shape)
		conv1d_norm(text, short_cut, input, filters, 1, stride);
	hml_text_addf(text, "{\"op\":\"add\",\"inputs\":[\"%s_norm\",\"%s%s\"]},", second,
				  changes_shape ? short_cut : input, changes_shape ? "_norm" : "");
	hml_text_addf(text, "{\"op\":\"relu\",\"name\":\"block%d\"},", number);
}

void
hml_spec_resnet1d_gru(HmlText *text, size_t channels, size_t samples, size_t classes)
{
	const size_t input[] = {channels, samples};

	begin(text, 2, input);
	conv1d_norm(text, "stem", "input", 32, 7, 2);
	layer(text, "relu");
	hml_text_add(text, "{\"op\":\"max_pool\",\"kernel_size\":2,\"name\":\"block0\"},");
	residual_block(text, 1, 32, 1, false);
	residual_block(text, 2, 64, 2, true);
	residual_block(text, 3, 128, 2, true);
	residual_block(text, 4, 256, 2, true);
	hml_text_add(text, "{\"op\":\"transpose\",\"perm\":[1,0]},"
					   "{\"op\":\"gru\",\"units\":128,\"bidirectional\":true,\"return_sequences\":true},"
					   "{\"op\":\"attention_pool\",\"units\":64},");
	last_dense(text, classes, "softmax");
	end(text);
}

/* ---- lstm_autoencoder ------------------------------------------------------------------------------ */

void
hml_spec_lstm_autoencoder(HmlText *text, size_t steps, size_t features, size_t units)
{
	const size_t input[] = {steps, features};

	begin(text, 2, input);
	hml_text_addf(text,
				  "{\"op\":\"lstm\",\"units\":%zu,\"name\":\"encoder\"},{\"op\":\"repeat\",\"times\":%zu},"
				  "{\"op\":\"lstm\",\"units\":%zu,\"return_sequences\":true,\"name\":\"decoder\"},",
				  units, steps, units);
	last_dense(text, features, NULL);
	end(text);
}

/* ---- efficientnet_b0 ------------------------------------------------------------------------------- */

typedef struct Stage
{
	size_t expand;
	size_t channels;
	size_t blocks;
	size_t stride;
	size_t kernel;
} Stage;

static const Stage stages[] = {
	{1, 16, 1, 1, 3},  {6, 24, 2, 2, 3},  {6, 40, 2, 2, 5},  {6, 80, 3, 2, 3},
	{6, 112, 3, 1, 5}, {6, 192, 4, 2, 5}, {6, 320, 1, 1, 3},
};

#define STEM_CHANNELS 32
#define HEAD_CHANNELS 1280
#define SQUEEZE 4 /* of the channels that a block begins with */

static void
conv2d_norm(HmlText *text, size_t filters, size_t kernel, size_t stride, size_t groups)
{
	hml_text_addf(text,
				  "{\"op\":\"conv2d\",\"filters\":%zu,\"kernel_size\":%zu,\"stride\":%zu,\"padding\":%zu,"
				  "\"groups\":%zu,\"bias\":false},",
				  filters, kernel, stride, kernel / 2, groups);
}

static void
norm(HmlText *text)
{
	hml_text_add(text, "{\"op\":\"batch_norm\",\"eps\":0.001},");
}

/* Squeeze and excite: J. Hu et al., CVPR 2018.  Gates the layer called block<number>_depth. */
static void
squeeze_and_excite(HmlText *text, int number, size_t channels, size_t squeezed)
{
	layer(text, "global_avg_pool");
	dense(text, squeezed);
	layer(text, "silu");
	dense(text, channels);
	layer(text, "sigmoid");
	hml_text_addf(text, "{\"op\":\"reshape\",\"shape\":[%zu,1,1],\"name\":\"block%d_gate\"},", channels,
				  number);
	hml_text_addf(text, "{\"op\":\"mul\",\"inputs\":[\"block%d_depth\",\"block%d_gate\"]},", number, number);
}

/* Inverted bottleneck of MobileNetV2.  Reads block<number - 1>, and its output is block<number>. */
static void
inverted_bottleneck(HmlText *text, int number, size_t in, const Stage *stage, size_t stride)
{
	size_t wide = in * stage->expand;
	bool is_residual = stride == 1 && in == stage->channels;

	if (stage->expand > 1)
	{
		conv2d_norm(text, wide, 1, 1, 1);
		norm(text);
		layer(text, "silu");
	}
	conv2d_norm(text, wide, stage->kernel, stride, wide);
	norm(text);
	hml_text_addf(text, "{\"op\":\"silu\",\"name\":\"block%d_depth\"},", number);
	squeeze_and_excite(text, number, wide, in / SQUEEZE);
	conv2d_norm(text, stage->channels, 1, 1, 1);
	hml_text_addf(text, "{\"op\":\"batch_norm\",\"eps\":0.001,\"name\":\"block%d%s\"},", number,
				  is_residual ? "_project" : "");
	if (is_residual)
		hml_text_addf(text,
					  "{\"op\":\"add\",\"inputs\":[\"block%d_project\",\"block%d\"],\"name\":\"block%d\"},",
					  number, number - 1, number);
}

void
hml_spec_efficientnet_b0(HmlText *text, size_t channels, size_t size, size_t classes)
{
	const size_t input[] = {channels, size, size};
	size_t in = STEM_CHANNELS;
	int number = 0;

	begin(text, 3, input);
	conv2d_norm(text, STEM_CHANNELS, 3, 2, 1);
	norm(text);
	layer(text, "silu");
	for (size_t s = 0; s < sizeof(stages) / sizeof(*stages); s++)
		for (size_t b = 0; b < stages[s].blocks; b++)
		{
			inverted_bottleneck(text, ++number, in, &stages[s], b == 0 ? stages[s].stride : 1);
			in = stages[s].channels;
		}
	conv2d_norm(text, HEAD_CHANNELS, 1, 1, 1);
	norm(text);
	layer(text, "silu");
	layer(text, "global_avg_pool");
	dropout(text, 0.2);
	last_dense(text, classes, "softmax");
	end(text);
}

/* ---- by name --------------------------------------------------------------------------------------- */

static const size_t mlp_hidden[] = {64, 32, 16};

static void
write_mlp(HmlText *text)
{
	const HmlMlpSpec mlp = {4, 3, mlp_hidden, "relu", 0, 1, "sigmoid"};

	hml_spec_mlp(text, &mlp);
}

static void
write_autoencoder(HmlText *text)
{
	const HmlAutoencoderSpec autoencoder = {13, 2, mlp_hidden, 4, "relu"};

	hml_spec_autoencoder(text, &autoencoder);
}

static void
write_cnn2d(HmlText *text)
{
	hml_spec_cnn2d(text, 128, 157);
}

static void
write_resnet1d_gru(HmlText *text)
{
	hml_spec_resnet1d_gru(text, 19, 10000, 6);
}

static void
write_lstm_autoencoder(HmlText *text)
{
	hml_spec_lstm_autoencoder(text, 60, 5, 64);
}

static void
write_efficientnet_b0(HmlText *text)
{
	hml_spec_efficientnet_b0(text, 3, 224, 6);
}

const HmlArchitecture hml_architectures[] = {
	{"mlp", write_mlp},
	{"autoencoder", write_autoencoder},
	{"cnn2d", write_cnn2d},
	{"resnet1d_gru", write_resnet1d_gru},
	{"lstm_autoencoder", write_lstm_autoencoder},
	{"efficientnet_b0", write_efficientnet_b0},
	{NULL, NULL},
};
