/*
 * onnx_import_sequences.c
 *	  ONNX operators on sequences: LSTM, GRU, and what repeats a row.
 *
 * ONNX has the steps first and the gates in another order: input, output, forget,
 * cell for LSTM where ours are input, forget, cell, output; update, reset, new for
 * GRU where ours are reset, update, new.
 */
#include <string.h>

#include "core/nn/onnx/onnx_import.h"

typedef struct Recurrent
{
	bool is_lstm;
	size_t gates;
	const size_t *order; /* ONNX's place of each of our gates */
	size_t directions;
	size_t units;
	size_t features;
	size_t steps;
	const OnnxTensor *w;
	const OnnxTensor *r;
	const OnnxTensor *b;
} Recurrent;

/* Inputs that must not be there, or be zeros. */
static HmlStatus
need_zeros(Import *im, size_t k, const char *what)
{
	ImportValue value;

	HML_TRY(hml_import_input(im, k, &value));
	if (value.kind == IMPORT_NOTHING || value.kind == IMPORT_ZEROS)
		return HML_OK;
	for (size_t i = 0; value.kind == IMPORT_CONSTANT && value.tensor->floats != NULL; i++)
	{
		if (i == value.tensor->count)
			return HML_OK;
		if (value.tensor->floats[i] != 0)
			break;
	}
	return hml_import_refuse(im, "has %s", what);
}

static HmlStatus
check_attributes(Import *im, const Recurrent *r)
{
	const OnnxAttribute *direction = hml_import_attribute(im, "direction");

	if (direction != NULL && strcmp(direction->s, "reverse") == 0)
		return hml_import_refuse(im, "goes backwards only");
	if (hml_import_attribute(im, "activations") != NULL || hml_import_attribute(im, "clip") != NULL ||
		hml_import_int(im, "input_forget", 0) != 0)
		return hml_import_refuse(im, "has gates of its own kind");
	if (hml_import_int(im, "layout", 0) != 0)
		return hml_import_refuse(im, "has the batch first (layout)");
	if (!r->is_lstm && hml_import_int(im, "linear_before_reset", 0) == 0)
		return hml_import_refuse(im, "resets before the product (linear_before_reset is 0)");
	HML_TRY(need_zeros(im, 4, "lengths of sequences"));
	HML_TRY(need_zeros(im, 5, "an initial state that is not zero"));
	HML_TRY(need_zeros(im, 6, "an initial cell that is not zero"));
	return need_zeros(im, 7, "peepholes");
}

static HmlStatus
read_recurrent(Import *im, Recurrent *r)
{
	static const size_t lstm_order[] = {0, 2, 3, 1};
	static const size_t gru_order[] = {1, 0, 2};
	size_t rows;

	r->is_lstm = strcmp(im->node->op, "LSTM") == 0;
	r->gates = r->is_lstm ? 4 : 3;
	r->order = r->is_lstm ? lstm_order : gru_order;
	HML_TRY(check_attributes(im, r));
	HML_TRY(hml_import_floats(im, 1, false, &r->w));
	HML_TRY(hml_import_floats(im, 2, false, &r->r));
	HML_TRY(hml_import_floats(im, 3, true, &r->b));
	if (r->w->n_dims != 3 || r->r->n_dims != 3 || r->w->count == 0 || r->r->count == 0)
		return hml_import_refuse(im, "has weights of the wrong number of dimensions");
	r->directions = (size_t) r->w->dims[0];
	r->units = (size_t) r->r->dims[2];
	r->features = (size_t) r->w->dims[2];
	rows = (size_t) r->w->dims[1];
	if (r->directions > 2 || rows / r->gates != r->units || rows % r->gates != 0 ||
		(size_t) r->r->dims[0] != r->directions || (size_t) r->r->dims[1] != rows ||
		(r->b != NULL && (r->b->n_dims != 2 || (size_t) r->b->dims[0] != r->directions ||
						  (size_t) r->b->dims[1] / 2 != rows || r->b->dims[1] % 2 != 0)))
		return hml_import_refuse(im, "has weights of shapes that do not match");
	return HML_OK;
}

/* Rows of all gates from ONNX's order to ours. */
static HmlStatus
reorder(Import *im, const Recurrent *r, const float *from, size_t columns, const float **out)
{
	size_t block = r->units * columns;
	float *values;

	HML_TRY(HML_ARENA_NEW_ZERO(im->arena, &values, r->gates * block));
	for (size_t g = 0; g < r->gates && from != NULL; g++)
		memcpy(values + g * block, from + r->order[g] * block, block * sizeof(float));
	*out = values;
	return HML_OK;
}

static HmlStatus
add_parameter(Import *im, const Recurrent *r, size_t layer, const char *name, const float *from,
			  size_t columns)
{
	const float *values;

	HML_TRY(reorder(im, r, from, columns, &values));
	return hml_import_weight(im, layer, name, values, r->gates * r->units * columns);
}

static HmlStatus
add_parameters(Import *im, const Recurrent *r, size_t layer)
{
	static const char *const names[2][4] = {
		{"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"},
		{"weight_ih_l0_reverse", "weight_hh_l0_reverse", "bias_ih_l0_reverse", "bias_hh_l0_reverse"}};
	size_t rows = r->gates * r->units;

	for (size_t d = 0; d < r->directions; d++)
	{
		const float *bias = r->b == NULL ? NULL : r->b->floats + 2 * d * rows;

		HML_TRY(add_parameter(im, r, layer, names[d][0], r->w->floats + d * rows * r->features, r->features));
		HML_TRY(add_parameter(im, r, layer, names[d][1], r->r->floats + d * rows * r->units, r->units));
		HML_TRY(add_parameter(im, r, layer, names[d][2], bias, 1));
		HML_TRY(add_parameter(im, r, layer, names[d][3], bias == NULL ? NULL : bias + rows, 1));
	}
	return HML_OK;
}

static HmlStatus
add_recurrent(Import *im, const Recurrent *r, size_t from, bool sequence, size_t *layer)
{
	HmlShape all = {2, {r->steps, r->directions * r->units}};
	HmlShape last = {1, {r->directions * r->units}};

	HML_TRY(hml_import_add_layer(im, r->is_lstm ? "lstm" : "gru", &from, 1, sequence ? &all : &last, layer,
								 ", \"units\": %zu, \"bidirectional\": %s, \"return_sequences\": %s",
								 r->units, r->directions == 2 ? "true" : "false",
								 sequence ? "true" : "false"));
	return add_parameters(im, r, *layer);
}

static bool
output_is_needed(Import *im, size_t k)
{
	return k < im->node->n_outputs && im->node->outputs[k][0] != '\0' &&
		   hml_import_name(im, im->node->outputs[k])->is_needed;
}

/* Y is (steps, directions, batch, units), Y_h is (directions, batch, units). */
static HmlStatus
import_recurrent(Import *im)
{
	Recurrent r = {0};
	ImportValue x;
	ImportValue y = {.kind = IMPORT_LAYER};
	HmlShape shape;
	size_t from;

	HML_TRY(hml_import_layer_input(im, 0, &x));
	HML_TRY(read_recurrent(im, &r));
	if (x.n_dims != 3 || hml_import_batch_axis(&x) != 1)
		return hml_import_refuse(im, "needs an input of (steps, batch, features)");
	HML_TRY(hml_import_real_layer(im, &x, &shape, &from));
	r.steps = shape.dims[0];
	if (shape.dims[1] != r.features)
		return hml_import_refuse(im, "has weights for %zu features, not %zu", r.features, shape.dims[1]);
	if (output_is_needed(im, 2))
		return hml_import_refuse(im, "puts out the cell");
	if (output_is_needed(im, 0))
	{
		HML_TRY(add_recurrent(im, &r, from, true, &y.layer));
		y.n_dims = 4;
		y.dims[0] = (int64_t) r.steps;
		y.dims[1] = (int64_t) r.directions;
		y.dims[2] = ONNX_BATCH;
		y.dims[3] = (int64_t) r.units;
		hml_import_set_output(im, 0, &y);
	}
	if (output_is_needed(im, 1))
	{
		HML_TRY(add_recurrent(im, &r, from, false, &y.layer));
		y.n_dims = 3;
		y.dims[0] = (int64_t) r.directions;
		y.dims[1] = ONNX_BATCH;
		y.dims[2] = (int64_t) r.units;
		hml_import_set_output(im, 1, &y);
	}
	return HML_OK;
}

/* ---- repetition ------------------------------------------------------------------------------------- */

/* (batch, 1, features) to (batch, times, features), as many times as the second number says. */
static HmlStatus
repeat(Import *im, const ImportValue *x, int64_t times)
{
	ImportValue row = *x;
	HmlShape shape;
	size_t layer;

	if (x->n_dims != 3 || x->dims[0] != ONNX_BATCH || x->dims[1] != 1 || times < 1)
		return hml_import_refuse(im, "repeats something else than one row");
	row.n_dims = 2;
	row.dims[1] = x->dims[2];
	HML_TRY(hml_import_batch_first(im, &row, &shape, &layer));
	shape = (HmlShape){2, {(size_t) times, (size_t) x->dims[2]}};
	HML_TRY(hml_import_add_layer(im, "repeat", &layer, 1, &shape, &layer, ", \"times\": %lld",
								 (long long) times));
	return hml_import_put(im, layer);
}

/* What is repeated by shape (Expand) or by counts (Tile); 1 and the batch leave things as they are. */
static HmlStatus
import_repetition(Import *im)
{
	bool is_tile = strcmp(im->node->op, "Tile") == 0;
	ImportValue x;
	const OnnxTensor *numbers;
	int64_t times = 1;

	HML_TRY(hml_import_input(im, 0, &x));
	if (x.kind == IMPORT_ZEROS)
	{
		hml_import_set_output(im, 0, &x);
		return HML_OK;
	}
	HML_TRY(hml_import_integers(im, 1, false, &numbers));
	if (x.kind == IMPORT_CONSTANT)
	{
		/* an initial state, of which only matters whether it is zero */
		HML_TRY(need_zeros(im, 0, "a constant that is not zero"));
		x.kind = IMPORT_ZEROS;
		hml_import_set_output(im, 0, &x);
		return HML_OK;
	}
	if (numbers->count > x.n_dims)
		return hml_import_refuse(im, "adds dimensions");
	for (size_t i = 0; i < numbers->count; i++)
	{
		size_t axis = x.n_dims - numbers->count + i;
		int64_t n = numbers->integers[i];

		if (n == 1 || n == ONNX_BATCH || (!is_tile && n == x.dims[axis]))
			continue;
		if (axis != 1 || times != 1)
			return hml_import_refuse(im, "repeats something else than one row");
		times = n;
	}
	if (times != 1)
		return repeat(im, &x, times);
	hml_import_set_output(im, 0, &x);
	return HML_OK;
}

const ImportOp hml_import_sequence_ops[] = {
	{"Expand", import_repetition, NULL, NULL},
	{"GRU", import_recurrent, "activations clip direction hidden_size layout linear_before_reset", NULL},
	{"LSTM", import_recurrent, "activations clip direction hidden_size input_forget layout", NULL},
	{"Tile", import_repetition, NULL, NULL},
	{NULL, NULL, NULL, NULL},
};
