/*
 * shape.c
 *	  Shapes of tensors: checks and text.
 */
#include "core/nn/graph/shape.h"

#include <stdio.h>

#include "core/base/checked.h"

bool
hml_shape_is_valid(const HmlShape *shape)
{
	size_t size = 1;

	if (shape->n_dims < 1 || shape->n_dims > HML_MAX_DIMS)
		return false;
	for (size_t i = 0; i < shape->n_dims; i++)
		if (shape->dims[i] == 0 || !hml_size_mul(size, shape->dims[i], &size) || size > HML_MAX_SAMPLE_SIZE)
			return false;
	return true;
}

bool
hml_shape_equal(const HmlShape *a, const HmlShape *b)
{
	if (a->n_dims != b->n_dims)
		return false;
	for (size_t i = 0; i < a->n_dims; i++)
		if (a->dims[i] != b->dims[i])
			return false;
	return true;
}

const char *
hml_shape_text(const HmlShape *shape, char text[HML_SHAPE_TEXT_SIZE])
{
	size_t length = 0;

	for (size_t i = 0; i < shape->n_dims; i++)
		length += (size_t) snprintf(text + length, HML_SHAPE_TEXT_SIZE - length, "%c%zu", i == 0 ? '(' : ',',
									shape->dims[i]);
	snprintf(text + length, HML_SHAPE_TEXT_SIZE - length, ")");
	return text;
}
