/*
 * onnx.h
 *	  Networks to and from ONNX files (opset 17), https://onnx.ai.
 *
 * Writing: any network that the engine can run.  A tabular model's feature
 * pipeline can go in front of it, so that the file takes the features as a user
 * has them, followed by a scale and an offset.
 *
 * Reading: networks that were trained elsewhere, as far as the engine has their
 * operators; the first one that it has not is named.  The reader believes nothing.
 */
#ifndef HML_NN_ONNX_ONNX_H
#define HML_NN_ONNX_ONNX_H

#include "core/data/pipeline.h"
#include "core/nn/graph/network.h"

typedef struct HmlOnnxExport
{
	const HmlNetwork *network;
	const float *weights;
	size_t output;      /* number of the node whose value is written, normally that of the network */
	const char *prefix; /* of the names of its values, where a graph has several networks; NULL = none */
	/*
	 * NULL, or what makes the network's only input: then the file's input is
	 * "features", float64 (n, n_features), numbers, 0/1 or category codes, NaN =
	 * missing.  Otherwise the inputs have the names of the network's, float32.
	 */
	const HmlPipeline *pipeline;
	double offset; /* output = network's output * scale + offset */
	double scale;
	const char *name;                /* of the graph */
	const char *const *output_names; /* classes, to be kept as metadata; NULL = none */
	size_t n_output_names;
} HmlOnnxExport;

/* A scale of 1 and nothing but the network. */
extern HmlOnnxExport hml_onnx_export_defaults(const HmlNetwork *network, const float *weights);

/* The output is called "output", float32 (n, shape of the network's output). */
extern HmlStatus hml_onnx_write(HmlContext *ctx, const HmlOnnxExport *what, HmlWriter *writer) HML_NODISCARD;

typedef struct HmlOnnxImport
{
	HmlNetwork *network;
	float *weights;
	double *fill;   /* (elements of the input) what a missing one is taken for; NULL = nothing is filled in */
	double *offset; /* (elements of the input) the network sees (input - offset) * scale; NULL = the input */
	double *scale;
	bool is_pair;    /* the file's output is (1 - p, p), the network's is p */
	size_t n_labels; /* of the classes; 0 = the file has none */
	const char **labels;
} HmlOnnxImport;

/*
 * HML_CORRUPT for bytes that are no valid file, HML_UNSUPPORTED for one that is
 * more than the engine can run: it names the operator and the node.
 */
extern HmlStatus hml_onnx_read(HmlArena *arena, const void *bytes, size_t length,
							   HmlOnnxImport *out) HML_NODISCARD;

#endif /* HML_NN_ONNX_ONNX_H */
