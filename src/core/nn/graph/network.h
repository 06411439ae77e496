/*
 * network.h
 *	  A network: operators in topological order, built from a specification.
 *
 * The specification is JSON (docs/network-specification.md):
 *
 *	{"input": [13],
 *	 "layers": [{"op": "dense", "units": 64}, {"op": "relu"}, {"op": "dense", "units": 1}]}
 *
 * A layer takes the output of the one before it unless "inputs" names others;
 * "name" names it; several inputs are declared as "inputs": {"ecg": [1,1000], ...}.
 *
 * A network is immutable and holds no weights.  These are one array of float32,
 * laid out by the network: the trainable parameters in the order of the layers,
 * then the state (running means) in the order of the layers.  Many weight arrays
 * can go with one network.
 */
#ifndef HML_NN_GRAPH_NETWORK_H
#define HML_NN_GRAPH_NETWORK_H

#include "core/base/bytes.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/nn/graph/op.h"

#define HML_MAX_LAYERS 2000
#define HML_MAX_NETWORK_INPUTS 16
#define HML_MAX_WEIGHTS ((size_t) 500 * 1000 * 1000)

typedef struct HmlNetwork
{
	HmlArena *arena;
	size_t n_inputs; /* the first nodes */
	size_t n_nodes;
	HmlNode *nodes;
	size_t output;      /* number of the node whose output is that of the network */
	size_t n_trainable; /* the first ones of the weights */
	size_t n_weights;
	double flops; /* of forward, per sample */
} HmlNetwork;

/*
 * Build a network in 'arena'.  Every mistake is an error that names the layer:
 * HML_UNDEFINED for an unknown operator, attribute or input (the hint lists the
 * known ones), HML_INVALID_ARGUMENT for a wrong value, a shape that does not fit,
 * a cycle, a name used twice, a layer that nothing reads; HML_LIMIT for too many
 * layers, weights or elements of a tensor.
 */
extern HmlStatus hml_network_build(HmlArena *arena, const HmlJson *spec, HmlNetwork **out) HML_NODISCARD;
extern HmlStatus hml_network_parse(HmlArena *arena, const char *spec, size_t length,
								   HmlNetwork **out) HML_NODISCARD;

/* Parse a specification that was just written, and free the text, whatever comes of it. */
extern HmlStatus hml_network_parse_text(HmlArena *arena, HmlText *spec, HmlNetwork **out) HML_NODISCARD;

/* The specification in its canonical form: building from it gives the same network. */
extern void hml_network_spec(const HmlNetwork *network, HmlText *text);

/* Node by name, or NULL. */
extern const HmlNode *hml_network_find(const HmlNetwork *network, const char *name);

/* Initial weights: (n_weights), the same for the same seed.  Fails only when it is cancelled. */
extern HmlStatus hml_network_init(const HmlNetwork *network, uint64_t seed, float *weights) HML_NODISCARD;

/*
 * Weights (n_weights) from outside must be finite, and running variances not
 * negative; else 'status', with the layer in the message.
 */
extern HmlStatus hml_network_check_weights(HmlContext *ctx, const HmlNetwork *network, const float *weights,
										   HmlStatus status) HML_NODISCARD;

/*
 * The artifact's section: specification, then weights.  The reader builds the
 * network in 'arena' and wants exactly as many weights, of which hml_network_check_weights() approves.
 */
extern void hml_network_write(const HmlNetwork *network, const float *weights, HmlWriter *writer);
extern HmlStatus hml_network_read(HmlArena *arena, HmlReader *reader, HmlNetwork **network,
								  float **weights) HML_NODISCARD;

#endif /* HML_NN_GRAPH_NETWORK_H */
