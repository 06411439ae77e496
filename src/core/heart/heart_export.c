/*
 * heart_export.c
 *	  The mixture of heart_network.h in operators of ONNX.
 *
 * Networks work in float32.  The gate works in float64: the squared distance to
 * all recordings of a clinic is |x|^2 - 2 xy + |y|^2, one matrix product for a batch,
 * whose differences float32 would lose.
 */
#include "core/heart/heart_export.h"

#include <stdio.h>
#include <string.h>

#include "core/nn/onnx/onnx_format.h"
#include "core/nn/onnx/onnx_out.h"

#define FLOORS HML_HEART_FLOORS
#define NAME_SIZE 64

/* ---- nodes ----------------------------------------------------------- */

/* Columns 'first' to 'end' - 1. */
static const char *
columns(OnnxOut *out, const char *owner, const char *x, size_t first, size_t end)
{
	int64_t bounds[3] = {(int64_t) first, (int64_t) end, 1};
	const char *y = hml_onnx_name(out, owner, "columns");
	const char *starts = hml_onnx_i64(out, hml_onnx_name(out, y, "starts"), &bounds[0], 1);
	const char *ends = hml_onnx_i64(out, hml_onnx_name(out, y, "ends"), &bounds[1], 1);
	const char *axes = hml_onnx_i64(out, hml_onnx_name(out, y, "axes"), &bounds[2], 1);
	size_t node = hml_onnx_begin_node(out, "Slice", y);

	hml_onnx_input(out, x);
	hml_onnx_input(out, starts);
	hml_onnx_input(out, ends);
	hml_onnx_input(out, axes);
	hml_onnx_end_node(out, node);
	return y;
}

static const char *
clip(OnnxOut *out, const char *owner, const char *part, const char *x, float low, float high)
{
	const char *y = hml_onnx_name(out, owner, part);
	const char *least = hml_onnx_scalar(out, hml_onnx_name(out, y, "least"), low);
	const char *most = hml_onnx_scalar(out, hml_onnx_name(out, y, "most"), high);
	size_t node = hml_onnx_begin_node(out, "Clip", y);

	hml_onnx_input(out, x);
	hml_onnx_input(out, least);
	hml_onnx_input(out, most);
	hml_onnx_end_node(out, node);
	return y;
}

static const char *
clip_logit(OnnxOut *out, const char *owner, const char *x)
{
	return clip(out, owner, "clipped", x, -(float) HML_HEART_MAX_LOGIT, (float) HML_HEART_MAX_LOGIT);
}

/* One value of several of the same shape: "Mean" or "Min". */
static const char *
combine(OnnxOut *out, const char *owner, const char *part, const char *op, const char *const *x, size_t n)
{
	const char *y = hml_onnx_name(out, owner, part);
	size_t node = hml_onnx_begin_node(out, op, y);

	for (size_t i = 0; i < n; i++)
		hml_onnx_input(out, x[i]);
	hml_onnx_end_node(out, node);
	return y;
}

static const char *
f64(OnnxOut *out, const char *owner, const char *part, double value)
{
	return hml_onnx_f64(out, hml_onnx_name(out, owner, part), &value, 1);
}

/* ---- one part -------------------------------------------------------- */

/* As hml_heart_part_inputs(). */
static const char *
standardise(OnnxOut *out, const HmlHeartPart *part, const char *x)
{
	const char *owner = part->net.name;
	int64_t n = (int64_t) part->n_inputs;
	const char *mean = hml_onnx_f32(out, hml_onnx_name(out, owner, "mean"), &n, 1, part->mean);
	const char *sd = hml_onnx_f32(out, hml_onnx_name(out, owner, "sd"), &n, 1, part->sd);
	const char *centred =
		hml_onnx_call(out, owner, "centred", "Sub", columns(out, owner, x, 0, part->n_inputs), mean);

	return clip(out, owner, "inputs", hml_onnx_call(out, owner, "scaled", "Div", centred, sd),
				-HML_HEART_MAX_Z, HML_HEART_MAX_Z);
}

static HmlStatus
write_member(OnnxOut *out, const HmlHeartPart *part, size_t number, const char *z, const char **logit)
{
	char name[NAME_SIZE];
	HmlOnnxExport what = hml_onnx_export_defaults(part->net.network, part->net.weights[number]);

	snprintf(name, sizeof(name), "%s/%zu", part->net.name, number + 1);
	what.prefix = name;
	what.output = hml_loss_node(part->net.network, HML_LOSS_BCE_WITH_LOGITS);
	HML_TRY(hml_onnx_write_network(out, &what,
								   hml_onnx_shape_input(out, &part->net.network->nodes[0].shape, z), logit));
	*logit = clip_logit(out, name, *logit);
	return out->writer->status;
}

/* The mean logit of its networks, (n, 1). */
static HmlStatus
write_part(OnnxOut *out, const HmlHeartPart *part, const char *x, const char **logit)
{
	const char *logits[HML_MAX_MEMBERS];
	const char *z = standardise(out, part, x);

	for (size_t k = 0; k < part->net.n_members; k++)
		HML_TRY(write_member(out, part, k, z, &logits[k]));
	*logit = combine(out, part->net.name, "logit", "Mean", logits, part->net.n_members);
	return HML_OK;
}

/* ---- the gate -------------------------------------------------------- */

/* Inverse of a lower triangular matrix, transposed: whitened = floors * inverse. */
static void
invert(const double *factor, double *inverse)
{
	memset(inverse, 0, (size_t) FLOORS * FLOORS * sizeof(*inverse));
	for (size_t c = 0; c < FLOORS; c++)
		for (size_t a = c; a < FLOORS; a++)
		{
			double sum = a == c ? 1 : 0;

			for (size_t b = c; b < a; b++)
				sum -= factor[a * FLOORS + b] * inverse[c * FLOORS + b];
			inverse[c * FLOORS + a] = sum / factor[a * FLOORS + a];
		}
}

/* What the distances need of a clinic's recordings: -2 points, transposed, and their squared lengths. */
static HmlStatus
write_points(OnnxOut *out, const char *owner, const HmlHeartClinic *clinic, const char **points,
			 const char **squares)
{
	double *turned;
	double *lengths;

	HML_TRY(hml_arena_alloc(out->arena, clinic->n, FLOORS * sizeof(double), (void **) &turned));
	HML_TRY(HML_ARENA_NEW_ZERO(out->arena, &lengths, clinic->n));
	for (size_t i = 0; i < clinic->n; i++)
		for (size_t f = 0; f < FLOORS; f++)
		{
			double value = (double) clinic->points[i * FLOORS + f];

			turned[f * clinic->n + i] = -2 * value;
			lengths[i] += value * value;
		}
	*points = hml_onnx_f64_matrix(out, hml_onnx_name(out, owner, "points"), turned, FLOORS, clinic->n);
	*squares = hml_onnx_f64(out, hml_onnx_name(out, owner, "squares"), lengths, clinic->n);
	return HML_OK;
}

static const char *
length_squared(OnnxOut *out, const char *owner, const char *x)
{
	static const int64_t axis = 1;
	const char *y = hml_onnx_name(out, owner, "length");
	size_t node = hml_onnx_begin_node(out, "ReduceSumSquare", y);

	hml_onnx_input(out, x);
	hml_onnx_ints(out, "axes", &axis, 1);
	hml_onnx_end_node(out, node);
	return y;
}

/* The HML_HEART_NEIGHBOURS smallest of each row, ascending. */
static const char *
smallest(OnnxOut *out, const char *owner, const char *x)
{
	static const int64_t count = HML_HEART_NEIGHBOURS;
	const char *y = hml_onnx_name(out, owner, "nearest");
	const char *k = hml_onnx_i64(out, hml_onnx_name(out, y, "k"), &count, 1);
	size_t node = hml_onnx_begin_node(out, "TopK", y);

	hml_onnx_output(out, hml_onnx_name(out, y, "which"));
	hml_onnx_input(out, x);
	hml_onnx_input(out, k);
	hml_onnx_int(out, "largest", 0);
	hml_onnx_end_node(out, node);
	return y;
}

/* Distance of each recording to a clinic, in units of its reach, (n, 1). */
static HmlStatus
write_clinic(OnnxOut *out, const HmlHeartClinic *clinic, size_t number, const char *floors,
			 const char **distance)
{
	char owner[NAME_SIZE];
	double inverse[FLOORS * FLOORS];
	const char *points;
	const char *squares;
	const char *x;
	const char *sum;

	snprintf(owner, sizeof(owner), "clinic/%zu", number + 1);
	invert(clinic->factor, inverse);
	x = hml_onnx_call(
		out, owner, "whitened", "MatMul", floors,
		hml_onnx_f64_matrix(out, hml_onnx_name(out, owner, "whitening"), inverse, FLOORS, FLOORS));
	HML_TRY(write_points(out, owner, clinic, &points, &squares));
	sum = hml_onnx_call(out, owner, "product", "MatMul", x, points);
	sum = hml_onnx_call(out, owner, "sum", "Add", sum, squares);
	sum = hml_onnx_call(out, owner, "distances", "Add", sum, length_squared(out, owner, x));
	sum = columns(out, owner, smallest(out, owner, sum), HML_HEART_NEIGHBOURS - 1, HML_HEART_NEIGHBOURS);
	sum = hml_onnx_call(out, owner, "not_negative", "Max", sum, f64(out, owner, "zero", 0));
	*distance =
		hml_onnx_call(out, owner, "distance", "Div", hml_onnx_call(out, owner, "root", "Sqrt", sum, NULL),
					  f64(out, owner, "reach", clinic->reach));
	return out->writer->status;
}

/* As hml_heart_familiarity(): float32 (n, 1).  NULL where no clinic has enough recordings to be near to. */
static HmlStatus
write_familiarity(OnnxOut *out, const HmlHeartClinics *clinics, const char *x, const char **familiarity)
{
	const char *floors = hml_onnx_cast(
		out, "gate", "floors", columns(out, "gate", x, HML_HEART_SOUNDS, HML_HEART_FEATURES), ONNX_DOUBLE);
	const char **distances;
	const char *closest;
	const char *excess;
	size_t n = 0;

	*familiarity = NULL;
	HML_TRY(HML_ARENA_NEW(out->arena, &distances, clinics->n));
	for (size_t c = 0; c < clinics->n; c++)
		if (clinics->clinics[c].n >= HML_HEART_NEIGHBOURS)
			HML_TRY(write_clinic(out, &clinics->clinics[c], c, floors, &distances[n++]));
	if (n == 0)
		return HML_OK;
	closest = combine(out, "gate", "closest", "Min", distances, n);
	excess =
		hml_onnx_call(out, "gate", "excess", "Sub", f64(out, "gate", "foreign", HML_HEART_FOREIGN), closest);
	excess = hml_onnx_call(out, "gate", "slope", "Div", excess,
						   f64(out, "gate", "width", HML_HEART_FOREIGN - HML_HEART_FAMILIAR));
	*familiarity =
		clip(out, "gate", "familiarity", hml_onnx_cast(out, "gate", "single", excess, ONNX_FLOAT), 0, 1);
	return HML_OK;
}

/* ---- the mixture ----------------------------------------------------- */

/* Probability by the expert's calibrated logit. */
static const char *
calibrate(OnnxOut *out, const HmlHeartNetwork *network, const char *logit)
{
	const char *scaled = hml_onnx_call(out, "expert", "sloped", "Mul", logit,
									   hml_onnx_scalar(out, "expert/slope", (float) network->slope));
	const char *shifted = hml_onnx_call(out, "expert", "shifted", "Add", scaled,
										hml_onnx_scalar(out, "expert/bias", (float) network->bias));

	return hml_onnx_call(out, "expert", "p", "Sigmoid", clip_logit(out, "expert", shifted), NULL);
}

/* general + familiarity * (expert - general) */
static HmlStatus
write_mixture(OnnxOut *out, const HmlHeartNetwork *network, const char *x, const char **p)
{
	const char *general;
	const char *expert;
	const char *familiarity = NULL;

	HML_TRY(write_part(out, &network->general, x, &general));
	*p = hml_onnx_call(out, "general", "p", "Sigmoid", general, NULL);
	if (network->clinics.n > 0)
		HML_TRY(write_familiarity(out, &network->clinics, x, &familiarity));
	if (familiarity == NULL)
		return HML_OK;
	HML_TRY(write_part(out, &network->expert, x, &expert));
	expert = hml_onnx_call(out, "mixture", "difference", "Sub", calibrate(out, network, expert), *p);
	*p = hml_onnx_call(out, "mixture", "p", "Add", *p,
					   hml_onnx_call(out, "mixture", "part", "Mul", familiarity, expert));
	return HML_OK;
}

static HmlStatus
write_graph(OnnxOut *out, const void *user)
{
	static const size_t one = 1;
	const HmlModel *model = user;
	const char *x;
	const char *p;

	HML_TRY(hml_onnx_write_pipeline(out, model->pipeline, &x));
	HML_TRY(write_mixture(out, model->impl, x, &p));
	hml_onnx_call(out, "output", NULL, "Identity", p, NULL);
	hml_onnx_value_info(out, ONNX_GRAPH_OUTPUT, "output", ONNX_FLOAT, &one, 1);
	return HML_OK;
}

HmlStatus
hml_heart_export_onnx(HmlContext *ctx, const HmlModel *model, const char *name, HmlWriter *writer)
{
	HmlOnnxFile file = {.name = name,
						.pipeline = model->pipeline,
						.output_names = model->output_names,
						.n_output_names = model->n_outputs,
						.write = write_graph,
						.user = model};

	return hml_onnx_write_file(ctx, &file, writer);
}
