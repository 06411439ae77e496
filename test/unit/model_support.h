/*
 * model_support.h
 *	  Training and its metrics, for the unit tests of algorithms; random weights,
 *	  for those of networks.
 */
#ifndef TEST_UNIT_MODEL_SUPPORT_H
#define TEST_UNIT_MODEL_SUPPORT_H

#include "core/heart/heart_network.h"
#include "core/model/model.h"
#include "core/nn/graph/network.h"

/* Parameters given as a JSON object, in 'arena'; metrics may be NULL.  *model is NULL on failure. */
extern HmlStatus train_model(HmlArena *arena, const HmlAlgorithm *algorithm, const HmlFrame *frame,
							 const char *json, HmlText *metrics, HmlModel **model) HML_NODISCARD;

/* One of the metrics that a training has written; it must be there. */
extern double metric_of(HmlArena *arena, HmlText *metrics, const char *name);

/* Numbers from -1 to 1, the same for the same seed. */
extern void fill_numbers(float *values, size_t count, uint32_t seed);

/* Statistics that batch norm has not got at the start, and biases that are not zero. */
extern void disturb_weights(const HmlNetwork *network, float *weights);

/* Probabilities by the heart-sound networks, in a scratch block of this call. */
extern HmlStatus score_hearts(HmlContext *ctx, const HmlHeartNetwork *network, const float *features,
							  size_t n, double *p);

#endif /* TEST_UNIT_MODEL_SUPPORT_H */
