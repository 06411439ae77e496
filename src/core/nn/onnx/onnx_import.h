/*
 * onnx_import.h
 *	  An ONNX graph on its way to a network; private to onnx_*.c.
 *
 * The nodes are taken in order.  Each value of the graph is either a constant, or
 * what a layer of the network puts out.  A layer's output has a sample shape of its
 * own; the graph may see the same numbers in the same order under other dimensions,
 * with the batch at any place among them.  So Reshape, Squeeze and most Transposes
 * cost no layer: one is made only where an operator needs the real shape.
 */
#ifndef HML_NN_ONNX_ONNX_IMPORT_H
#define HML_NN_ONNX_ONNX_IMPORT_H

#include <string.h>

#include "core/base/text.h"
#include "core/nn/graph/network.h"
#include "core/nn/onnx/onnx.h"
#include "core/nn/onnx/onnx_parse.h"

/* The batch, where it stands among dimensions and in constants that are made of them. */
#define ONNX_BATCH INT64_MIN

typedef struct ImportWeight
{
	const char *name; /* of the parameter */
	const float *values;
	size_t count;
} ImportWeight;

#define IMPORT_MAX_WEIGHTS 16

typedef struct ImportLayer
{
	const char *name;
	const char *op;         /* NULL = an input of the network */
	const char *attributes; /* members of its JSON object, each with ", " in front */
	size_t n_inputs;
	size_t inputs[HML_MAX_OP_INPUTS];
	HmlShape shape;
	size_t n_weights;
	ImportWeight weights[IMPORT_MAX_WEIGHTS];
	bool is_needed;
	const OnnxNode *node; /* that it was made for; NULL of an input */
} ImportLayer;

typedef enum ImportKind
{
	IMPORT_NOTHING,
	IMPORT_CONSTANT,
	IMPORT_ZEROS, /* a constant of zeros whose dimensions may include the batch */
	IMPORT_LAYER,
	IMPORT_MISSING /* where a layer's numbers are missing; only Where understands it */
} ImportKind;

typedef struct ImportValue
{
	ImportKind kind;
	const OnnxTensor *tensor;
	size_t layer;
	size_t n_dims; /* as the graph sees it, with one ONNX_BATCH among them */
	int64_t dims[ONNX_MAX_DIMS];
	bool is_double; /* a layer's numbers, which the graph sees as float64 */
} ImportValue;

typedef struct ImportName
{
	const char *name; /* NULL = free */
	ImportValue value;
	size_t n_readers; /* inputs of needed nodes */
	bool is_needed;
	const OnnxNode *producer;
} ImportName;

typedef struct Import
{
	HmlContext *ctx;
	HmlArena *arena; /* until the network is made */
	const OnnxGraph *graph;
	size_t n_names; /* a power of 2 */
	ImportName *names;
	size_t n_layers;
	size_t max_layers;
	ImportLayer *layers;
	size_t output;         /* layer */
	bool has_double_input; /* the network's input is of float64 */
	double *fill;          /* of the input's elements, or NULL */
	double *offset;        /* the network sees (input - offset) * scale; NULL = the input */
	double *scale;
	const OnnxNode *shaped_by; /* the last node that filled in or scaled the input, or NULL */
	int64_t fixed_batch;       /* samples for which the file was made, or -1 */
	const OnnxNode *node;
} Import;

static inline bool
hml_import_has_same_dims(const ImportValue *a, const ImportValue *b)
{
	return a->n_dims == b->n_dims && memcmp(a->dims, b->dims, a->n_dims * sizeof(a->dims[0])) == 0;
}

/* ---- names and values; onnx_import.c ---------------------------------------------------------------- */

/* HML_UNSUPPORTED: 'operator "X" (node "y") ...'. */
extern HmlStatus hml_import_refuse(Import *im, const char *fmt, ...) HML_PRINTF(2, 3);

extern ImportName *hml_import_name(Import *im, const char *name); /* never NULL */

/* Input k of the node; kind IMPORT_NOTHING where it is left out. */
extern HmlStatus hml_import_input(Import *im, size_t k, ImportValue *out) HML_NODISCARD;
extern HmlStatus hml_import_layer_input(Import *im, size_t k, ImportValue *out) HML_NODISCARD;
/* The same, which may be of float64. */
extern HmlStatus hml_import_any_layer(Import *im, size_t k, ImportValue *out) HML_NODISCARD;
extern HmlStatus hml_import_refuse_double(Import *im);
/* A constant of float32 or of int64; NULL where it is left out and may be. */
extern HmlStatus hml_import_floats(Import *im, size_t k, bool is_optional,
								   const OnnxTensor **out) HML_NODISCARD;
extern HmlStatus hml_import_integers(Import *im, size_t k, bool is_optional,
									 const OnnxTensor **out) HML_NODISCARD;
extern void hml_import_set_output(Import *im, size_t k, const ImportValue *value);

extern const OnnxAttribute *hml_import_attribute(const Import *im, const char *name); /* NULL = not there */
extern int64_t hml_import_int(const Import *im, const char *name, int64_t fallback);
extern float hml_import_float(const Import *im, const char *name, float fallback);

/* An axis that may count from the end, below 'n_dims'. */
extern HmlStatus hml_import_axis(Import *im, int64_t axis, size_t n_dims, size_t *out) HML_NODISCARD;

/* ---- layers; onnx_import.c -------------------------------------------------------------------------- */

/* A new layer; attributes are formatted as JSON members, each with ", " in front. */
extern HmlStatus hml_import_add_layer(Import *im, const char *op, const size_t *inputs, size_t n_inputs,
									  const HmlShape *shape, size_t *out, const char *fmt, ...)
	HML_PRINTF(7, 8) HML_NODISCARD;
extern HmlStatus hml_import_weight(Import *im, size_t layer, const char *name, const float *values,
								   size_t count) HML_NODISCARD;

/* "[1, 2, 3]" into 'text', which it returns. */
#define IMPORT_NUMBERS_SIZE 256
extern const char *hml_import_numbers(char text[IMPORT_NUMBERS_SIZE], const size_t *numbers, size_t count);

/* The sample shape that the graph sees, and the layer that has it: a reshape is added where it must. */
extern HmlStatus hml_import_real_layer(Import *im, const ImportValue *value, HmlShape *shape,
									   size_t *layer) HML_NODISCARD;
/* The same for an operator that wants the batch in front. */
extern HmlStatus hml_import_batch_first(Import *im, const ImportValue *value, HmlShape *shape,
										size_t *layer) HML_NODISCARD;
extern size_t hml_import_batch_axis(const ImportValue *value);

/* Output 0 of the node: a layer, seen with the batch in front. */
extern HmlStatus hml_import_put(Import *im, size_t layer);
/* Output 0 of the node: a layer in place of that of 'like', whose dimensions it has. */
extern HmlStatus hml_import_put_like(Import *im, size_t layer, const ImportValue *like);

/* y = x * scale + shift: both have one number, or one for each of the first dimension. */
extern HmlStatus hml_import_affine(Import *im, size_t layer, const float *scale, const float *shift,
								   size_t count, size_t *out) HML_NODISCARD;
extern HmlStatus hml_import_transpose(Import *im, size_t layer, const size_t *perm,
									  size_t *out) HML_NODISCARD;

/* input k 'op' c of float64, or c 'op' input k; onnx_import_scaling.c. */
extern HmlStatus hml_import_scale_input(Import *im, char op, size_t k, const ImportValue *x,
										const OnnxTensor *c) HML_NODISCARD;

/* ---- operators -------------------------------------------------------------------------------------- */

/*
 * A node of another domain, or with an attribute that is not listed, means
 * something else than we would compute, and is refused before 'import' sees it.
 */
typedef struct ImportOp
{
	const char *name;
	HmlStatus (*import)(Import *im);
	const char *attributes; /* that are understood, separated by spaces; NULL = none */
	const char *domain;     /* NULL = ONNX itself */
} ImportOp;

/*
 * Whether a value is seen through the node that reads it alone: each name from
 * 'name' back to what 'maker' makes (NULL = an input of the graph) has one reader.
 * The first name may have 'readers'.  A rewrite that changes the layer itself needs it.
 */
extern bool hml_import_is_private(Import *im, const char *name, size_t readers, const OnnxNode *maker);

/* By the engine's operator 'op' with one input; attributes as for hml_import_add_layer(). */
extern HmlStatus hml_import_each_number(Import *im, const char *op, const char *attributes) HML_NODISCARD;

extern const ImportOp hml_import_layer_ops[];      /* onnx_import_layers.c; ends with NULL */
extern const ImportOp hml_import_shape_ops[];      /* onnx_import_shapes.c */
extern const ImportOp hml_import_arithmetic_ops[]; /* onnx_import_arithmetic.c */
extern const ImportOp hml_import_sequence_ops[];   /* onnx_import_sequences.c */
extern const ImportOp hml_import_scaling_ops[];    /* onnx_import_scaling.c */

/* ---- outputs; onnx_import_labels.c ------------------------------------------------------------------- */

/*
 * What the chosen output says of classes: their labels, and p in place of the pair
 * (1 - p, p) that converters of scikit-learn make of it.
 */
typedef struct ImportClasses
{
	bool is_pair;
	size_t n_labels; /* 0 = the file has none */
	const char *const *labels;
} ImportClasses;

/* Before the nodes are taken; '*output' becomes p where it was the pair. */
extern HmlStatus hml_import_classes(Import *im, const char **output, ImportClasses *out) HML_NODISCARD;

/* The network of the layers, in 'arena'; onnx_import_network.c. */
extern HmlStatus hml_import_network(Import *im, HmlArena *arena, const ImportClasses *classes,
									HmlOnnxImport *out) HML_NODISCARD;

#endif /* HML_NN_ONNX_ONNX_IMPORT_H */
