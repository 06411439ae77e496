/*
 * shape.h
 *	  Shapes of tensors.
 *
 * A tensor is float32, contiguous, row-major, with the batch as its first
 * dimension.  An HmlShape is the shape of one sample, without the batch, because
 * the batch changes from call to call and the rest does not.
 *
 * Order of dimensions, as in PyTorch: features (F), a sequence (T,F), a signal
 * (C,L), an image (C,H,W).
 */
#ifndef HML_NN_GRAPH_SHAPE_H
#define HML_NN_GRAPH_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

#define HML_MAX_DIMS 4                         /* of a sample; the batch makes five */
#define HML_MAX_SAMPLE_SIZE ((size_t) 1 << 28) /* elements of one sample: 1 GB */

typedef struct HmlShape
{
	size_t n_dims; /* 1 to HML_MAX_DIMS */
	size_t dims[HML_MAX_DIMS];
} HmlShape;

#define HML_SHAPE_TEXT_SIZE 96

/* Product of the dimensions from 'first' up to, not including, 'last'; a valid shape cannot overflow. */
static inline size_t
hml_shape_product(const HmlShape *shape, size_t first, size_t last)
{
	size_t product = 1;

	for (size_t i = first; i < last; i++)
		product *= shape->dims[i];
	return product;
}

/* Elements of one sample. */
static inline size_t
hml_shape_size(const HmlShape *shape)
{
	return hml_shape_product(shape, 0, shape->n_dims);
}

/* Whether each dimension is at least 1 and the size at most HML_MAX_SAMPLE_SIZE. */
extern bool hml_shape_is_valid(const HmlShape *shape);
extern bool hml_shape_equal(const HmlShape *a, const HmlShape *b);

/* "(16,128,157)" into 'text', which it returns. */
extern const char *hml_shape_text(const HmlShape *shape, char text[HML_SHAPE_TEXT_SIZE]);

#endif /* HML_NN_GRAPH_SHAPE_H */
