/*
 * inputs.h
 *	  Rows of a frame as a network sees them: the pipeline's inputs, in float32.
 */
#ifndef HML_LEARN_NETWORK_INPUTS_H
#define HML_LEARN_NETWORK_INPUTS_H

#include "core/data/pipeline.h"

/* *inputs, in 'arena', gets (n_rows, pipeline->n_inputs): the frame's rows with these numbers. */
extern HmlStatus hml_network_inputs(HmlArena *arena, const HmlPipeline *pipeline, const HmlFrame *frame,
									const uint32_t *rows, size_t n_rows, float **inputs) HML_NODISCARD;

#endif /* HML_LEARN_NETWORK_INPUTS_H */
