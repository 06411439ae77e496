/*
 * onnx_parse.h
 *	  An ONNX file as it lies in memory after parsing; private to onnx_*.c.
 *
 * Everything lies in one arena and nothing points into the file.  Numbers of
 * tensors are converted to float32 or int64; those of float64 are kept beside it.
 */
#ifndef HML_NN_ONNX_ONNX_PARSE_H
#define HML_NN_ONNX_ONNX_PARSE_H

#include "core/base/arena.h"
#include "core/base/bytes.h"

#define ONNX_MAX_DIMS 8
#define ONNX_MAX_NODES 100000
#define ONNX_UNKNOWN_DIM (-1) /* of an input: it has a name, or none */

typedef struct OnnxTensor
{
	const char *name;
	size_t n_dims;
	int64_t dims[ONNX_MAX_DIMS];
	size_t count;
	const float *floats;        /* NULL unless the elements are floating-point numbers */
	const double *doubles;      /* the same before rounding; NULL unless they are of float64 */
	const int64_t *integers;    /* NULL unless they are whole numbers or booleans */
	const char *const *strings; /* NULL unless they are texts */
} OnnxTensor;

typedef struct OnnxAttribute
{
	const char *name;
	int64_t i;
	float f;
	const char *s; /* "" where there is none */
	const OnnxTensor *t;
	size_t n_ints;
	const int64_t *ints;
	size_t n_floats;
	const float *floats;
	size_t n_strings;
	const char *const *strings;
} OnnxAttribute;

typedef struct OnnxNode
{
	const char *op;
	const char *domain; /* "" for the operators of ONNX itself */
	const char *name;   /* "" where there is none */
	size_t n_inputs;
	const char **inputs; /* "" for one that is left out */
	size_t n_outputs;
	const char **outputs;
	size_t n_attributes;
	OnnxAttribute *attributes;
} OnnxNode;

typedef struct OnnxValueInfo
{
	const char *name;
	bool is_tensor;
	int element;
	size_t n_dims;
	int64_t dims[ONNX_MAX_DIMS];
} OnnxValueInfo;

typedef struct OnnxGraph
{
	int64_t opset;
	size_t n_nodes;
	OnnxNode *nodes;
	size_t n_initializers;
	OnnxTensor *initializers;
	size_t n_inputs;
	OnnxValueInfo *inputs;
	size_t n_outputs;
	OnnxValueInfo *outputs;
} OnnxGraph;

extern HmlStatus hml_onnx_parse(HmlArena *arena, const void *bytes, size_t length,
								OnnxGraph *out) HML_NODISCARD;

#endif /* HML_NN_ONNX_ONNX_PARSE_H */
