/*
 * holdout.h
 *	  The rows of a training that judge the network and are not learnt from.
 */
#ifndef HML_LEARN_NETWORK_HOLDOUT_H
#define HML_LEARN_NETWORK_HOLDOUT_H

#include "core/data/frame.h"

typedef struct HmlHoldoutSpec
{
	double fraction;       /* of the rows that are held out, "validation_fraction"; 0 = none */
	const HmlFrame *frame; /* whose groups are kept together; NULL = none are */
	const uint32_t *rows;  /* (n_rows) of the frame */
	size_t n_rows;
	const uint32_t *strata; /* (n_rows) shared out evenly, such as classes; NULL = none */
	size_t n_strata;
	uint64_t seed;
} HmlHoldoutSpec;

/* Numbers of rows among those of the specification, ascending; each array has room for all. */
typedef struct HmlHoldout
{
	uint32_t *learnt;
	size_t n_learnt;
	uint32_t *held_out;
	size_t n_held_out;
} HmlHoldout;

extern HmlStatus hml_holdout(HmlArena *arena, const HmlHoldoutSpec *spec, HmlHoldout *out) HML_NODISCARD;

#endif /* HML_LEARN_NETWORK_HOLDOUT_H */
