/*
 * sample.h
 *	  What a model judges at once: rows of features, sequences or signals.
 *
 * An algorithm declares the kind of its samples and takes no other.  Rows are
 * doubles that went through the model's pipeline.  Sequences and signals are
 * float32 tensors of one shape in one block, as their encoder made them: the
 * algorithm scales them and fills their gaps itself.
 */
#ifndef HML_DATA_SAMPLE_H
#define HML_DATA_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

typedef enum HmlSampleKind
{
	HML_SAMPLE_ROW = 0,      /* the inputs of one row of a table */
	HML_SAMPLE_SEQUENCE = 1, /* steps x features: measurements in the order of time */
	HML_SAMPLE_SIGNAL = 2    /* channels x time: a recording, or what is computed of it */
} HmlSampleKind;

typedef struct HmlSamples
{
	HmlSampleKind kind;
	size_t n;
	const double *rows;      /* of kind ROW: (n, n_inputs) */
	const float *tensors;    /* of the other kinds: (n, shape[0], shape[1]) */
	size_t shape[2];         /* steps and features, or channels and time */
	const uint32_t *lengths; /* (n) steps or times that are filled, 0 = none is usable; NULL = all of them */
} HmlSamples;

/* rows is (n, n_inputs). */
static inline HmlSamples
hml_sample_rows(const double *rows, size_t n)
{
	HmlSamples samples = {.kind = HML_SAMPLE_ROW, .n = n, .rows = rows};

	return samples;
}

/* tensors is (n, shape_0, shape_1). */
static inline HmlSamples
hml_sample_tensors(HmlSampleKind kind, const float *tensors, size_t n, size_t shape_0, size_t shape_1)
{
	HmlSamples samples = {.kind = kind, .n = n, .tensors = tensors, .shape = {shape_0, shape_1}};

	return samples;
}

#endif /* HML_DATA_SAMPLE_H */
