/*
 * onnx_import_scaling.c
 *	  What an ONNX graph does to its input before the network sees it.
 *
 * Missing values are filled in, and numbers of float64 are scaled while they have
 * that type.  The network computes in float32, so float64 is understood only there:
 * offset and scale become those of the feature pipeline, which computes in float64.
 */
#include <math.h>

#include "core/nn/onnx/onnx_import.h"

/* One number, or one for each element of a sample, in the dimensions of the sample. */
static bool
fits_each(const OnnxTensor *constant, const ImportValue *x)
{
	if (constant->count == 1)
		return constant->n_dims <= x->n_dims;
	for (size_t i = 1; i <= x->n_dims; i++)
	{
		int64_t dim = x->dims[x->n_dims - i];
		int64_t own = i <= constant->n_dims ? constant->dims[constant->n_dims - i] : 1;

		if (own != (dim == ONNX_BATCH ? 1 : dim))
			return false;
	}
	return constant->n_dims <= x->n_dims;
}

/* Number i of a constant for each element, or its only one. */
static double
number_at(const OnnxTensor *t, size_t i)
{
	i = t->count == 1 ? 0 : i;
	return t->doubles != NULL ? t->doubles[i] : (double) t->floats[i];
}

/* ---- float64 ---------------------------------------------------------------------------------------- */

/* Nothing but the input, and 1 for each element: (x - 0) * 1. */
static HmlStatus
start_scaling(Import *im, size_t size)
{
	if (im->scale != NULL)
		return HML_OK;
	HML_TRY(HML_ARENA_NEW_ZERO(im->arena, &im->offset, size));
	HML_TRY(HML_ARENA_NEW(im->arena, &im->scale, size));
	for (size_t i = 0; i < size; i++)
		im->scale[i] = 1;
	return HML_OK;
}

/* (x - offset) * scale 'op' c, or c 'op' that where the constant is on the left. */
static void
scale_one(double *offset, double *scale, char op, bool is_left, double c)
{
	if (op == '-' && is_left)
		*scale = -*scale;
	switch (op)
	{
		case '*':
			*scale *= c;
			break;
		case '/':
			*scale /= c;
			break;
		case '-':
			*offset += is_left ? -c / *scale : c / *scale;
			break;
		default:
			*offset -= c / *scale;
	}
}

static HmlStatus
scale_each(Import *im, char op, bool is_left, const ImportValue *x, const OnnxTensor *c)
{
	size_t size = hml_shape_size(&im->layers[0].shape);

	if (!fits_each(c, x))
		return hml_import_refuse(im, "has a constant that is no number for each input");
	HML_TRY(start_scaling(im, size));
	for (size_t i = 0; i < size; i++)
	{
		scale_one(&im->offset[i], &im->scale[i], op, is_left, number_at(c, i));
		if (!isfinite(im->offset[i]) || !isfinite(im->scale[i]) || im->scale[i] == 0)
			return hml_import_refuse(im, "scales its input by %g, which leaves no number", number_at(c, i));
	}
	return HML_OK;
}

/* Whether input k is the network's input as the nodes before have scaled it, and nothing else reads it. */
static bool
is_input_alone(Import *im, size_t k, const ImportValue *x)
{
	return x->layer == 0 && im->layers[0].op == NULL && im->has_double_input &&
		   hml_import_is_private(im, im->node->inputs[k], 1, im->shaped_by);
}

HmlStatus
hml_import_scale_input(Import *im, char op, size_t k, const ImportValue *x, const OnnxTensor *c)
{
	if (!is_input_alone(im, k, x))
		return hml_import_refuse_double(im);
	HML_TRY(scale_each(im, op, k == 1, x, c));
	im->shaped_by = im->node;
	hml_import_set_output(im, 0, x);
	return HML_OK;
}

/* (x - offset) * scale in float64, rounded to float32. */
static HmlStatus
scale_double(Import *im, const ImportValue *x, const OnnxAttribute *offset, const OnnxAttribute *scale)
{
	OnnxTensor tensor = {.n_dims = 1, .dims = {(int64_t) offset->n_floats}, .count = offset->n_floats};
	ImportValue y = *x;

	if (!is_input_alone(im, 0, x))
		return hml_import_refuse_double(im);
	tensor.floats = offset->floats;
	HML_TRY(scale_each(im, '-', false, x, &tensor));
	tensor.floats = scale->floats;
	HML_TRY(scale_each(im, '*', false, x, &tensor));
	im->shaped_by = im->node;
	y.is_double = false;
	hml_import_set_output(im, 0, &y);
	return HML_OK;
}

/* ---- scikit-learn's scaler, missing values ----------------------------------------------------------- */

/* Of scikit-learn's converters: (x - offset) * scale; in float32 the difference comes first, as a product of the two rounds. */
static HmlStatus
import_scaler(Import *im)
{
	const OnnxAttribute *offset = hml_import_attribute(im, "offset");
	const OnnxAttribute *scale = hml_import_attribute(im, "scale");
	ImportValue x;
	HmlShape shape;
	size_t layer;
	float *values;

	HML_TRY(hml_import_any_layer(im, 0, &x));
	HML_TRY(hml_import_batch_first(im, &x, &shape, &layer));
	if (shape.n_dims != 1 || offset == NULL || scale == NULL || offset->n_floats != shape.dims[0] ||
		scale->n_floats != shape.dims[0])
		return hml_import_refuse(im, "does not have one offset and one scale for each feature");
	if (x.is_double)
		return scale_double(im, &x, offset, scale);
	HML_TRY(HML_ARENA_NEW(im->arena, &values, shape.dims[0]));
	for (size_t i = 0; i < shape.dims[0]; i++)
		values[i] = -offset->floats[i];
	HML_TRY(hml_import_affine(im, layer, NULL, values, shape.dims[0], &layer));
	HML_TRY(hml_import_affine(im, layer, scale->floats, NULL, shape.dims[0], &layer));
	return hml_import_put(im, layer);
}

static HmlStatus
import_is_nan(Import *im)
{
	ImportValue x;

	HML_TRY(hml_import_any_layer(im, 0, &x));
	if (im->layers[x.layer].op != NULL)
		return hml_import_refuse(im, "is of something else than the input");
	x.kind = IMPORT_MISSING;
	hml_import_set_output(im, 0, &x);
	return HML_OK;
}

/*
 * Where(IsNaN(x), fill, x) of the input: a missing value is filled in before the
 * network sees it.  So nothing else may see x, or where it is missing.
 */
static HmlStatus
import_where(Import *im)
{
	const OnnxTensor *fill;
	ImportValue missing;
	ImportValue x;
	size_t size;

	HML_TRY(hml_import_input(im, 0, &missing));
	if (im->node->n_inputs != 3 || missing.kind != IMPORT_MISSING)
		return hml_import_refuse(im, "is not one that the engine has, but to fill in missing inputs");
	HML_TRY(hml_import_floats(im, 1, false, &fill));
	HML_TRY(hml_import_any_layer(im, 2, &x));
	size = hml_shape_size(&im->layers[x.layer].shape);
	if (im->fill != NULL || im->shaped_by != NULL || x.layer != 0 || missing.layer != x.layer ||
		!hml_import_has_same_dims(&missing, &x) || !fits_each(fill, &x))
		return hml_import_refuse(im, "does not fill in one number for each input");
	if (hml_import_name(im, im->node->inputs[0])->n_readers != 1 ||
		!hml_import_is_private(im, im->node->inputs[2], 2, NULL))
		return hml_import_refuse(im,
								 "fills in an input that is also read unfilled, or whose missing values are");
	HML_TRY(HML_ARENA_NEW(im->arena, &im->fill, size));
	for (size_t i = 0; i < size; i++)
		im->fill[i] = number_at(fill, i);
	im->shaped_by = im->node;
	hml_import_set_output(im, 0, &x);
	return HML_OK;
}

const ImportOp hml_import_scaling_ops[] = {
	{"IsNaN", import_is_nan, NULL, NULL},
	{"Scaler", import_scaler, "offset scale", "ai.onnx.ml"},
	{"Where", import_where, NULL, NULL},
	{NULL, NULL, NULL, NULL},
};
