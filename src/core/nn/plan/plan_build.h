/*
 * plan_build.h
 *	  A plan under construction.  Private to plan*.c.
 */
#ifndef HML_NN_PLAN_PLAN_BUILD_H
#define HML_NN_PLAN_PLAN_BUILD_H

#include "core/nn/plan/plan_steps.h"

typedef struct PlanBuilder
{
	HmlContext *ctx;
	HmlArena *arena; /* of the plan */
	HmlArena *draft; /* until it is made */
	HmlPlan *plan;
	const HmlNetwork *network;
	const float *weights;
	size_t *reader;     /* (n_nodes) the only reader of a node, or SIZE_MAX */
	bool *is_done;      /* (n_nodes) fused into another one's step */
	size_t *of_node[2]; /* (n_nodes) values, plain and pixels; PLAN_NO_VALUE = none */
	size_t max_values;
	size_t max_steps;
} PlanBuilder;

/* ---- steps; plan_build.c ---------------------------------------------------------------------------- */

extern HmlStatus hml_plan_build(PlanBuilder *b) HML_NODISCARD;

/* ---- values; plan_values.c -------------------------------------------------------------------------- */

/* Layouts. */
enum
{
	PLAN_PLAIN,
	PLAN_PIXELS
};

typedef struct PlanExtent
{
	size_t height;
	size_t width;
	size_t channels;
} PlanExtent;

/* What a node puts out, as pixels of channels: plain rows are pixels of the last dimension. */
extern PlanExtent hml_plan_extent_of(const HmlNode *node, int layout);

extern HmlStatus hml_plan_new_value(PlanBuilder *b, PlanExtent extent, size_t *out) HML_NODISCARD;
extern HmlStatus hml_plan_new_view(PlanBuilder *b, size_t of, PlanExtent extent, size_t *out) HML_NODISCARD;
extern PlanValue *hml_plan_root_of(const PlanBuilder *b, size_t value);
extern HmlStatus hml_plan_copy_value(PlanBuilder *b, const HmlNode *node, size_t *value) HML_NODISCARD;

/* The value, or a copy of it, will have its samples one after the other. */
extern HmlStatus hml_plan_make_contiguous(PlanBuilder *b, const HmlNode *node, size_t *value) HML_NODISCARD;

/* The value, or a copy of it, will have a frame of at least this. */
extern HmlStatus hml_plan_make_framed(PlanBuilder *b, const HmlNode *node, const size_t frame[4],
									  size_t *value) HML_NODISCARD;

/* Whether a node has a value; one that its only reader does on the way has none. */
extern bool hml_plan_is_there(const PlanBuilder *b, size_t node);

/* The layout in which it is there. */
extern int hml_plan_layout_of(const PlanBuilder *b, size_t node);

/* What a node puts out, in the layout that is asked for; pixels have at most three dimensions. */
extern HmlStatus hml_plan_value_in(PlanBuilder *b, size_t node, int layout, size_t *out) HML_NODISCARD;

/* A new value for what a node, the last of those that a step stands for, puts out. */
extern HmlStatus hml_plan_output_in(PlanBuilder *b, size_t node, int layout, size_t *out) HML_NODISCARD;

/* ---- fusing; plan_values.c -------------------------------------------------------------------------- */

/* What follows a node and is done with it. */
typedef struct PlanTail
{
	const HmlNode *batch_norm; /* NULL = none */
	size_t add;                /* value, or PLAN_NO_VALUE */
	HmlActivation activation;
	float slope;
	size_t last; /* the node whose output is that of all */
} PlanTail;

/* What a kernel can do beside an activation. */
enum
{
	PLAN_FUSE_BATCH_NORM = 1,
	PLAN_FUSE_ADD = 2
};

extern bool hml_plan_find_activation(const HmlNode *node, HmlActivation *out, float *slope);
extern HmlStatus hml_plan_find_tail(PlanBuilder *b, size_t node, unsigned what, PlanTail *tail) HML_NODISCARD;

extern HmlStatus hml_plan_new_step(PlanBuilder *b, const HmlNode *node, PlanRun run,
								   PlanStep **out) HML_NODISCARD;

/* The step of a node with one input and a tail, from and to values of one layout. */
extern HmlStatus hml_plan_add_step(PlanBuilder *b, size_t node, const PlanTail *tail, PlanRun run, size_t x,
								   int layout, PlanStep **out) HML_NODISCARD;

/* The same, by a kernel for each sample. */
extern HmlStatus hml_plan_add_kernel(PlanBuilder *b, size_t node, const PlanTail *tail, PlanKernel kernel,
									 size_t x, int layout, PlanStep **out) HML_NODISCARD;

/* ---- weights for kernels, batch norm folded in; plan_pack.c ----------------------------------------- */

extern HmlStatus hml_plan_pack_conv(PlanBuilder *b, const HmlNode *node, const HmlNode *batch_norm,
									PlanStep *step) HML_NODISCARD;
extern HmlStatus hml_plan_pack_dense(PlanBuilder *b, const HmlNode *node, const HmlNode *batch_norm,
									 PlanStep *step) HML_NODISCARD;
extern HmlStatus hml_plan_pack_batch_norm(PlanBuilder *b, const HmlNode *node, PlanStep *step) HML_NODISCARD;
extern HmlStatus hml_plan_pack_recurrent(PlanBuilder *b, const HmlNode *node, bool is_repeated,
										 const PlanRecurrent **out) HML_NODISCARD;

/* An attribute by its name, which the operator has; plan_pack.c. */
extern const HmlAttr *hml_plan_attr(const HmlNode *node, const char *name);

#endif /* HML_NN_PLAN_PLAN_BUILD_H */
