/*
 * ensemble.h
 *	  Neural networks of a model: one specification and one or several sets of
 *	  weights, the members, that differ in the seed they were trained from.
 *
 * This is what algorithms with networks share: weights and their initial values,
 * training, plans for inference, scratch memory, bytes in the artifact.  A model
 * has one ensemble or several; most have one of one member.  What is made of the
 * outputs is up to the algorithm.
 *
 * An ensemble lies in the arena of its model.  Once prepared it does not change, and
 * any number of calls may use it, each with a scratch block of its own; scoring
 * allocates nothing.
 */
#ifndef HML_LEARN_NETWORK_ENSEMBLE_H
#define HML_LEARN_NETWORK_ENSEMBLE_H

#include "core/data/pipeline.h"
#include "core/nn/plan/plan.h"
#include "core/nn/train/train.h"

#define HML_MAX_MEMBERS 16
#define HML_ONLY_NETWORK "network" /* name where a model has one */

typedef struct HmlEnsemble
{
	const char *name;    /* within the model: "general", HML_ONLY_NETWORK */
	HmlNetwork *network; /* of all members */
	size_t n_members;
	float *weights[HML_MAX_MEMBERS]; /* (network->n_weights) each */
	HmlPlan *plans[HML_MAX_MEMBERS]; /* by hml_ensemble_prepare() */
} HmlEnsemble;

/* Numbers of the first input and of the output for one sample. */
extern size_t hml_ensemble_inputs(const HmlEnsemble *ensemble);
extern size_t hml_ensemble_outputs(const HmlEnsemble *ensemble);

/* ---- making one ------------------------------------------------------------------------------------ */

/* Members whose weights are not set yet; 'name' must live as long.  HML_INVALID_ARGUMENT unless 1 to HML_MAX_MEMBERS. */
extern HmlStatus hml_ensemble_create(HmlArena *arena, const char *name, HmlNetwork *network, size_t n_members,
									 HmlEnsemble *out) HML_NODISCARD;

/* Initial weights: member k has those of seed + k. */
extern HmlStatus hml_ensemble_init(HmlEnsemble *ensemble, uint64_t seed) HML_NODISCARD;

/*
 * Train every member from its initial weights, member k with options->seed + k.
 * Only the first one reports its epochs, and *result is its own.
 */
extern HmlStatus hml_ensemble_train(HmlContext *ctx, HmlEnsemble *ensemble, const HmlTrainOptions *options,
									const HmlDataset *training, const HmlDataset *validation,
									HmlTrainResult *result) HML_NODISCARD;

/* Plans of all members in 'arena', of the weights as they are now. */
extern HmlStatus hml_ensemble_prepare(HmlArena *arena, HmlEnsemble *ensemble) HML_NODISCARD;

/* ---- inference ------------------------------------------------------------------------------------- */

/* What one member makes of a few samples. */
typedef struct HmlMemberOutputs
{
	size_t member;
	size_t first; /* sample of the call */
	size_t n;
	const float *inputs;  /* (n, inputs) */
	const float *outputs; /* (n, outputs) */
} HmlMemberOutputs;

typedef void (*HmlTakeOutputs)(void *user, const HmlMemberOutputs *outputs);

/* Bytes of a call's scratch block, which is aligned to HML_ALIGNMENT, and the samples that go through it at once. */
extern size_t hml_ensemble_scratch_size(const HmlEnsemble *ensemble);
extern size_t hml_ensemble_chunk(const HmlEnsemble *ensemble);

/* Where the inputs of a chunk go: (chunk, inputs) within the scratch block. */
extern float *hml_ensemble_block(const HmlEnsemble *ensemble, void *scratch);

/*
 * Every member on the first n samples of the block, n at most a chunk; 'first' is only passed on.  Polls.
 * An output that is not finite is HML_INVALID_DATA and names the layer.
 */
extern HmlStatus hml_ensemble_run(const HmlEnsemble *ensemble, HmlContext *ctx, void *scratch, size_t first,
								  size_t n, HmlTakeOutputs take, void *user) HML_NODISCARD;

/* The same for tensors (n, inputs) in memory of the caller, chunk by chunk. */
extern HmlStatus hml_ensemble_run_tensors(const HmlEnsemble *ensemble, HmlContext *ctx, void *scratch,
										  const float *inputs, size_t n, HmlTakeOutputs take,
										  void *user) HML_NODISCARD;

/* The same for inputs (n, inputs) of doubles that the pipeline has made, chunk by chunk. */
extern HmlStatus hml_ensemble_run_rows(const HmlEnsemble *ensemble, const HmlPipeline *pipeline,
									   HmlContext *ctx, void *scratch, const double *inputs, size_t n,
									   HmlTakeOutputs take, void *user) HML_NODISCARD;

/* ---- artifact -------------------------------------------------------------------------------------- */

/* Specification and weights of the first member; all there is of an algorithm that has one. */
extern void hml_ensemble_write(const HmlEnsemble *ensemble, HmlWriter *writer);
extern HmlStatus hml_ensemble_read(HmlArena *arena, HmlReader *reader, const char *name,
								   HmlEnsemble *out) HML_NODISCARD;

/* u32 number of the other members, then their weights. */
extern void hml_ensemble_write_others(const HmlEnsemble *ensemble, HmlWriter *writer);
extern HmlStatus hml_ensemble_read_others(HmlArena *arena, HmlReader *reader,
										  HmlEnsemble *ensemble) HML_NODISCARD;

#endif /* HML_LEARN_NETWORK_ENSEMBLE_H */
