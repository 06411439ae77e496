/*
 * pass_plan.h
 *	  A prepared pass, for pass.c and the two files that prepare it.
 */
#ifndef HML_NN_TRAIN_PASS_PLAN_H
#define HML_NN_TRAIN_PASS_PLAN_H

#include "core/nn/train/pass.h"

#define HML_CHUNK_BYTES ((size_t) 1 << 20) /* what a chunk of the largest operator of a segment may move */

/*
 * Nodes begin to end - 1, in chunks.  Forward: all of them, then the reduction
 * of the coupled node, which is number 'end' and begins the next segment.
 * Backward: the coupled node, then the others from last to first; where node
 * 'begin' is the coupled one of the segment before, only its reduction.
 */
typedef struct HmlSegment
{
	size_t begin;
	size_t end;
	bool has_coupled;
	size_t chunk; /* samples */
} HmlSegment;

/* Data of a node: sample i is at data + i * stride, where stride is 0 for a buffer of one chunk. */
typedef struct HmlSlot
{
	float *data;
	size_t stride;
} HmlSlot;

typedef struct HmlPassNode
{
	size_t segment;       /* of its forward */
	size_t value_root;    /* the node whose buffer holds its value; itself unless in place or a view */
	size_t gradient_root; /* likewise for the gradient */
	bool in_backward;     /* the gradient of its output is computed */
	HmlSlot value;        /* unset where the root is an input of the network */
	HmlSlot gradient;
	float **spill; /* (n_inputs): where gx goes to be added to what is there; NULL = straight there */
	char *saved;
	char *state;
} HmlPassNode;

struct HmlPass
{
	HmlContext *ctx;
	HmlArena *arena;
	const HmlNetwork *network;
	HmlPassOptions options;
	HmlPassNode *nodes;
	size_t n_segments;
	HmlSegment *segments;
	char *scratch;
	char *states; /* of all nodes together, cleared for each batch */
	size_t states_size;

	/* Of the current batch: */
	size_t n;
	const float *inputs[HML_MAX_NETWORK_INPUTS];
	const float *weights;
	float *state_weights; /* NULL unless training */
	HmlRng *rng;
};

/* Segments, in_backward and the roots. */
extern HmlStatus hml_schedule_pass(HmlPass *pass) HML_NODISCARD;

/* After that: everything that points into memory. */
extern HmlStatus hml_allocate_pass(HmlPass *pass) HML_NODISCARD;

static inline bool
hml_is_coupled(const HmlNode *node)
{
	return node->op != NULL && node->op->reduce != NULL;
}

static inline bool
hml_has_flag(const HmlNode *node, unsigned flag)
{
	return node->op != NULL && (node->op->flags & flag) != 0;
}

static inline bool
hml_is_seen_by_caller(const HmlPass *pass, size_t node)
{
	return node == pass->network->output || node == pass->options.loss_node;
}

#endif /* HML_NN_TRAIN_PASS_PLAN_H */
