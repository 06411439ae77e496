/*
 * op.h
 *	  What an operator is, and what a node of a network is: one use of one.
 *
 * An operator is a row of hml_ops[] (optable.h) and is implemented in one file
 * op_<family>.c: its attributes, its shape rule, forward, backward.  The shape
 * rule runs when a network is built: it checks the shapes of the inputs and the
 * attributes, and declares the shape of the output, the parameters and the work
 * memory.  Everything after that can only be cancelled, not fail.
 *
 * Forward and backward see one chunk: n samples out of the batch, so that what
 * neighbouring operators hand to each other stays in the cache, cancellation
 * needs no thought, and chunks could be computed in parallel.  An operator whose
 * samples depend on each other (batch norm) is coupled: its reduce() sees all
 * chunks before its forward() sees the first.  See pass.h.
 */
#ifndef HML_NN_GRAPH_OP_H
#define HML_NN_GRAPH_OP_H

#include "core/base/arena.h"
#include "core/base/rng.h"
#include "core/nn/graph/shape.h"

#define HML_MAX_OP_INPUTS 16
#define HML_MAX_OP_ATTRIBUTES 12
#define HML_MAX_OP_PARAMETERS 64

typedef struct HmlOp HmlOp;
typedef struct HmlBuilder HmlBuilder; /* network under construction, private to spec.c */

/* ---- attributes ------------------------------------------------------------------------------------ */

typedef enum HmlAttrType
{
	HML_ATTR_INTEGER,
	HML_ATTR_NUMBER,
	HML_ATTR_BOOLEAN,
	HML_ATTR_CHOICE,   /* one of 'choices'; its number is the position in there */
	HML_ATTR_INTEGERS, /* an array of 1 to HML_MAX_DIMS whole numbers */
	HML_ATTR_EXTENT,   /* one whole number for every direction of a window, or an array of one for each */
	HML_ATTR_PADDING   /* an extent; or "same"; or an array: before in each direction, after in each */
} HmlAttrType;

typedef struct HmlAttrSpec
{
	const char *name; /* NULL ends the table */
	HmlAttrType type;
	const char *fallback; /* default as JSON text; "null" = not set; NULL = must be given */
	double min;           /* of every number, inclusive */
	double max;
	const char *choices; /* "a|b|c" for a choice, else NULL */
	const char *help;    /* a phrase for the manual */
} HmlAttrSpec;

typedef struct HmlAttr
{
	size_t count; /* numbers held; 0 = not set, and for a padding "same" */
	double numbers[HML_MAX_DIMS];
} HmlAttr;

/* ---- parameters ------------------------------------------------------------------------------------ */

typedef enum HmlInit
{
	HML_INIT_ZEROS,
	HML_INIT_ONES,
	HML_INIT_UNIFORM, /* between -scale and scale */
	HML_INIT_NORMAL   /* mean 0, standard deviation 'scale' */
} HmlInit;

typedef struct HmlParameter
{
	const char *name; /* "weight", "bias", "running_mean", as in PyTorch */
	HmlShape shape;
	size_t size;
	size_t offset; /* in the weights of the network */
	HmlInit init;
	float scale;
	bool trainable;   /* else it is state that training updates, such as running means */
	bool decays;      /* weight decay applies: matrices and filters, not biases and gains */
	bool is_variance; /* may not be negative */
} HmlParameter;

/* ---- nodes ----------------------------------------------------------------------------------------- */

typedef struct HmlNode
{
	const char *name;
	const HmlOp *op; /* NULL = an input of the network */
	size_t n_inputs;
	const size_t *inputs;    /* node numbers, all smaller than this one's */
	const HmlShape *x_shape; /* (n_inputs) */
	HmlShape shape;          /* of the output */
	size_t n_readers;        /* nodes that have this one as an input, counted once per use */
	HmlAttr attrs[HML_MAX_OP_ATTRIBUTES];
	size_t n_parameters;
	HmlParameter *parameters;
	const void *geometry; /* what the shape rule worked out, of the operator's own type */

	/* Work memory in bytes.  Kept from forward to backward: */
	size_t saved_sample; /* for each sample */
	size_t state;        /* for the batch */
	/* For the length of one call: */
	size_t scratch;
	size_t scratch_sample; /* more, for each sample of the chunk */

	double flops; /* of forward, per sample; a multiply-add counts two */
} HmlNode;

static inline double
hml_attr_number(const HmlNode *node, size_t attr)
{
	return node->attrs[attr].numbers[0];
}

static inline size_t
hml_attr_size(const HmlNode *node, size_t attr)
{
	return (size_t) node->attrs[attr].numbers[0];
}

static inline bool
hml_attr_flag(const HmlNode *node, size_t attr)
{
	return node->attrs[attr].numbers[0] != 0;
}

/* ---- calls ----------------------------------------------------------------------------------------- */

/*
 * One chunk of one node.  Gradients are with respect to the sum over the batch
 * that the loss defines.  Backward writes gx (it need not be clear) and adds to
 * the gradients of parameters.
 */
typedef struct HmlRun
{
	HmlContext *ctx;
	const HmlNode *node;
	size_t n;     /* samples of this chunk */
	size_t first; /* number of its first sample in the batch */
	size_t batch; /* samples of the batch */
	bool training;
	HmlRng *rng;                       /* for dropout; NULL unless training */
	const float *x[HML_MAX_OP_INPUTS]; /* (n, x_shape[i]) each */
	float *y;                          /* (n, shape) */
	const float *gy;                   /* gradient of y */
	float *gx[HML_MAX_OP_INPUTS];      /* gradient of x[i]; NULL = nobody wants it */
	const float *weights;              /* of the network */
	float *state_weights;              /* the same, for running means; NULL unless training */
	float *gradients;                  /* of the trainable weights; NULL = nobody wants them */
	void *saved;                       /* node->saved_sample bytes per sample; NULL without backward */
	void *state;                       /* node->state bytes, clear at the start; NULL likewise */
	void *scratch;
} HmlRun;

static inline const float *
hml_run_weight(const HmlRun *run, size_t parameter)
{
	return run->weights + run->node->parameters[parameter].offset;
}

static inline float *
hml_run_gradient(const HmlRun *run, size_t parameter)
{
	return run->gradients + run->node->parameters[parameter].offset;
}

/* ---- operators ------------------------------------------------------------------------------------- */

typedef enum HmlOpFlag
{
	HML_OP_KEEPS_INPUTS = 1,  /* backward reads x */
	HML_OP_KEEPS_OUTPUT = 2,  /* backward reads y */
	HML_OP_IN_PLACE = 4,      /* y may be x[0], and gx[0] may be gy */
	HML_OP_VIEW = 8,          /* y holds the numbers of x[0] in the same order */
	HML_OP_WHOLE_BATCH = 16,  /* wants all samples in one call, and polls by itself */
	HML_OP_TRAINING_ONLY = 32 /* y is x[0] unless training */
} HmlOpFlag;

struct HmlOp
{
	const char *name;
	const char *help; /* one sentence for the manual */
	size_t min_inputs;
	size_t max_inputs;
	unsigned flags; /* HmlOpFlag */
	/* The operator of ONNX that does the same with each number of one input, without attributes; NULL = there is none. */
	const char *onnx;
	const HmlAttrSpec *attrs;
	/* Fills node->shape, parameters, geometry, work memory and flops from x_shape and attrs. */
	HmlStatus (*shape)(HmlBuilder *builder, HmlNode *node);
	HmlStatus (*forward)(const HmlRun *run);
	HmlStatus (*backward)(const HmlRun *run);
	/* Coupled operators, training only; they keep what they find in run->state. */
	void (*reduce)(const HmlRun *run);          /* reads x */
	void (*reduce_backward)(const HmlRun *run); /* reads x and gy, adds to the gradients */
	const char *const *cases; /* specifications for the gradient check, the first is the manual's example */
};

/* In alphabetical order; the last is NULL. */
extern const HmlOp *const hml_ops[];
extern const HmlOp *hml_op_find(const char *name); /* NULL = unknown */

/* ---- for shape rules ------------------------------------------------------------------------------- */

extern HmlArena *hml_builder_arena(const HmlBuilder *builder);

/* Declare a parameter; its number is the count of those declared before. */
extern HmlStatus hml_add_parameter(HmlBuilder *builder, HmlNode *node, const char *name, HmlShape shape,
								   HmlInit init, double scale) HML_NODISCARD;
/* State that is not learnt by gradient; what begins with ones is a variance. */
extern HmlStatus hml_add_state(HmlBuilder *builder, HmlNode *node, const char *name, HmlShape shape,
							   HmlInit init) HML_NODISCARD;

/* HML_INVALID_ARGUMENT with the layer's name in front of the message. */
extern HmlStatus hml_shape_error(HmlBuilder *builder, const HmlNode *node, const char *fmt, ...)
	HML_PRINTF(3, 4);
/* HML_OK, or the error that "dense needs an input of shape (features), not (3,4)". */
extern HmlStatus hml_need_dims(HmlBuilder *builder, const HmlNode *node, size_t min_dims, size_t max_dims,
							   const char *wanted) HML_NODISCARD;

#endif /* HML_NN_GRAPH_OP_H */
