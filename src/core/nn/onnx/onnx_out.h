/*
 * onnx_out.h
 *	  The parts of an ONNX file under construction: nodes, attributes, tensors.
 *
 * Names are made in an arena that lives as long as the construction.  As with
 * HmlWriter, a failure makes everything after it do nothing and is found at the
 * end, in the writer's status.
 */
#ifndef HML_NN_ONNX_ONNX_OUT_H
#define HML_NN_ONNX_ONNX_OUT_H

#include "core/nn/onnx/onnx.h"

typedef struct OnnxOut
{
	HmlContext *ctx;
	HmlArena *arena;
	HmlWriter *writer; /* within the graph message */
} OnnxOut;

/* "owner/part", or "owner" where part is NULL. */
extern const char *hml_onnx_name(OnnxOut *out, const char *owner, const char *part);

/* A node with the inputs given one by one, then its attributes, then the end. */
extern size_t hml_onnx_begin_node(OnnxOut *out, const char *op, const char *output);
extern void hml_onnx_input(OnnxOut *out, const char *name);
extern void hml_onnx_output(OnnxOut *out, const char *name); /* a second one */
extern void hml_onnx_int(OnnxOut *out, const char *name, int64_t value);
extern void hml_onnx_float(OnnxOut *out, const char *name, double value);
extern void hml_onnx_ints(OnnxOut *out, const char *name, const int64_t *values, size_t count);
extern void hml_onnx_string(OnnxOut *out, const char *name, const char *value);
extern void hml_onnx_end_node(OnnxOut *out, size_t node);

/* A whole node without attributes, whose output is 'owner/part'; b may be NULL.  Returns the output. */
extern const char *hml_onnx_call(OnnxOut *out, const char *owner, const char *part, const char *op,
								 const char *a, const char *b);

/* x as another type: ONNX_FLOAT, ... */
extern const char *hml_onnx_cast(OnnxOut *out, const char *owner, const char *part, const char *x, int type);

/* Initializers, of which all return their name. */
extern const char *hml_onnx_f32(OnnxOut *out, const char *name, const int64_t *dims, size_t n_dims,
								const float *values);

/* The same, put together from 'count' values each, 'step' apart. */
typedef struct OnnxRows
{
	const float *values;
	size_t count;
	size_t step;
} OnnxRows;

extern const char *hml_onnx_f32_rows(OnnxOut *out, const char *name, const int64_t *dims, size_t n_dims,
									 const OnnxRows *rows, size_t n_rows);
extern const char *hml_onnx_f64(OnnxOut *out, const char *name, const double *values, size_t count);
extern const char *hml_onnx_i64(OnnxOut *out, const char *name, const int64_t *values, size_t count);
extern const char *hml_onnx_bool(OnnxOut *out, const char *name, const bool *values, size_t count);
extern const char *hml_onnx_scalar(OnnxOut *out, const char *name, float value);

/* An input or output of the graph: a batch of samples of this shape, as field 'number' of the graph. */
extern void hml_onnx_value_info(OnnxOut *out, uint32_t number, const char *name, int element,
								const size_t *dims, size_t n_dims);

extern const char *hml_onnx_f64_matrix(OnnxOut *out, const char *name, const double *values, size_t rows,
									   size_t columns);

/*
 * A file whose graph 'write' makes: its inputs, its nodes, and its outputs, which it
 * calls "output".  The names are kept as metadata.
 */
typedef struct HmlOnnxFile
{
	const char *name;
	const HmlPipeline *pipeline; /* whose features are named; NULL = none */
	const char *const *output_names;
	size_t n_output_names;
	HmlStatus (*write)(OnnxOut *out, const void *user);
	const void *user;
} HmlOnnxFile;

extern HmlStatus hml_onnx_write_file(HmlContext *ctx, const HmlOnnxFile *file,
									 HmlWriter *writer) HML_NODISCARD;

/* From the input "features" to the inputs of a network, float32 (n, n_inputs), whose name *result becomes. */
extern HmlStatus hml_onnx_write_pipeline(OnnxOut *out, const HmlPipeline *pipeline,
										 const char **result) HML_NODISCARD;

/* Those inputs in the shape that a network wants, where it is not a plain vector. */
extern const char *hml_onnx_shape_input(OnnxOut *out, const HmlShape *shape, const char *x);

/*
 * Nodes of a network; onnx_write.c.  'input' is the name of the value that is its
 * only input, or NULL: then inputs of the graph are written.  *output is the name
 * of its output.
 */
extern HmlStatus hml_onnx_write_network(OnnxOut *out, const HmlOnnxExport *what, const char *input,
										const char **output) HML_NODISCARD;

#endif /* HML_NN_ONNX_ONNX_OUT_H */
