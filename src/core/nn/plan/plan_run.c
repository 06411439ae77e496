/*
 * plan_run.c
 *	  The steps of a plan: from the values of a chunk to the arguments of kernels.
 */
#include <math.h>
#include <string.h>

#include "core/base/gemm.h"
#include "core/nn/kernel/dense.h"
#include "core/nn/plan/plan_steps.h"

static const PlanValue *
value_of(const PlanCall *call, size_t value)
{
	return &call->plan->values[value];
}

HmlImages
hml_plan_images(const PlanCall *call, size_t value)
{
	const PlanValue *v = value_of(call, value);
	const PlanValue *root = value_of(call, v->root);
	float *data;

	if (root->home == PLAN_INPUT) /* which no step writes */
		data = (float *) (uintptr_t) (call->inputs[root->input] + call->first * root->sample);
	else if (root->home == PLAN_OUTPUT)
		data = call->output + call->first * root->sample;
	else
		data = call->scratch + root->offset;
	return (HmlImages){data + v->first, v->sample, v->row, v->pixel};
}

/* The same of one sample. */
static HmlImages
sample_of(const HmlImages *images, size_t sample)
{
	HmlImages one = *images;

	one.data += sample * images->image;
	return one;
}

/* For values that are contiguous. */
static float *
data_of(const PlanCall *call, size_t value)
{
	return hml_plan_images(call, value).data;
}

/* The activation of a step whose kernel does not apply it. */
static void
activate(const PlanCall *call, const PlanStep *step, const HmlImages *y)
{
	const PlanValue *v = value_of(call, step->y);

	if (step->activation == HML_ACT_NONE)
		return;
	for (size_t i = 0; i < v->height; i++)
		call->plan->channels->activate(step->activation, step->slope, y->data + i * y->row, v->width,
									   v->channels, y->pixel);
}

/* ---- layouts ---------------------------------------------------------------------------------------- */

/* x is plain, (channels, height * width); y is pixels. */
HmlStatus
hml_plan_to_pixels(const PlanCall *call, const PlanStep *step)
{
	HmlImages x = hml_plan_images(call, step->x[0]);
	HmlImages y = hml_plan_images(call, step->y);
	const PlanValue *v = value_of(call, step->y);

	for (size_t s = 0; s < call->n; s++)
		for (size_t i = 0; i < v->height; i++)
			hml_transpose(v->channels, v->width, x.data + s * x.image + i * v->width, v->height * v->width,
						  y.data + s * y.image + i * y.row, y.pixel);
	return HML_OK;
}

HmlStatus
hml_plan_to_plain(const PlanCall *call, const PlanStep *step)
{
	HmlImages x = hml_plan_images(call, step->x[0]);
	HmlImages y = hml_plan_images(call, step->y);
	const PlanValue *v = value_of(call, step->x[0]);

	for (size_t s = 0; s < call->n; s++)
		for (size_t i = 0; i < v->height; i++)
			hml_transpose(v->width, v->channels, x.data + s * x.image + i * x.row, x.pixel,
						  y.data + s * y.image + i * v->width, v->height * v->width);
	return HML_OK;
}

/* x into a part of y. */
HmlStatus
hml_plan_copy(const PlanCall *call, const PlanStep *step)
{
	HmlImages x = hml_plan_images(call, step->x[0]);
	HmlImages y = hml_plan_images(call, step->y);
	const PlanValue *v = value_of(call, step->x[0]);
	bool is_row = x.pixel == v->channels && y.pixel == v->channels;
	size_t runs = is_row ? 1 : v->width;
	size_t run = is_row ? v->width * v->channels : v->channels;

	y.data += step->first_row * y.row + step->first_pixel * y.pixel + step->first_channel;
	for (size_t s = 0; s < call->n; s++)
		for (size_t i = 0; i < v->height; i++)
			for (size_t j = 0; j < runs; j++)
				memcpy(y.data + s * y.image + i * y.row + j * y.pixel,
					   x.data + s * x.image + i * x.row + j * x.pixel, run * sizeof(float));
	return HML_OK;
}

/* ---- products --------------------------------------------------------------------------------------- */

HmlStatus
hml_plan_dense(const PlanCall *call, const PlanStep *step)
{
	HmlImages x = hml_plan_images(call, step->x[0]);
	HmlImages y = hml_plan_images(call, step->y);
	const PlanValue *in = value_of(call, step->x[0]);
	const PlanValue *out = value_of(call, step->y);
	HmlDense dense = {.set = call->plan->tiles,
					  .in = in->channels,
					  .out = out->channels,
					  .packed = step->weights,
					  .bias = step->bias,
					  .activation = step->activation,
					  .slope = step->slope};

	if (in->width == 1) /* the samples are the rows */
		return hml_dense_run(call->ctx, &dense, call->n, x.data, x.image, y.data, y.image);
	for (size_t s = 0; s < call->n; s++)
		HML_TRY(hml_dense_run(call->ctx, &dense, in->width, x.data + s * x.image, x.pixel,
							  y.data + s * y.image, y.pixel));
	return HML_OK;
}

static HmlConvCall
describe_conv(const PlanCall *call, const PlanStep *step)
{
	HmlConvCall conv = {.set = call->plan->tiles,
						.shape = &step->conv,
						.packed = step->weights,
						.bias = step->bias,
						.n = call->n,
						.x = hml_plan_images(call, step->x[0]),
						.activation = step->activation,
						.slope = step->slope};

	conv.x.data -= step->conv.window.pad[0] * conv.x.row + step->conv.window.pad[1] * conv.x.pixel;
	return conv;
}

/* Sample by sample, because each has filters of its own. */
static HmlStatus
run_scaled_conv(const PlanCall *call, const PlanStep *step, HmlConvCall *conv)
{
	HmlImages scales = hml_plan_images(call, step->scale);
	float *packed = data_of(call, step->work);

	conv->packed = packed;
	conv->n = 1;
	for (size_t s = 0; s < call->n; s++)
	{
		hml_conv_scale_inputs(conv->set, conv->shape, step->weights, scales.data + s * scales.image, packed);
		HML_TRY(hml_conv_run(call->ctx, conv));
		conv->x.data += conv->x.image;
		conv->y.data += conv->y.image;
		if (conv->add.data != NULL)
			conv->add.data += conv->add.image;
	}
	return HML_OK;
}

HmlStatus
hml_plan_conv(const PlanCall *call, const PlanStep *step)
{
	HmlConvCall conv = describe_conv(call, step);

	conv.y = hml_plan_images(call, step->y);
	if (step->add != PLAN_NO_VALUE)
		conv.add = hml_plan_images(call, step->add);
	if (step->scale != PLAN_NO_VALUE)
		return run_scaled_conv(call, step, &conv);
	return hml_conv_run(call->ctx, &conv);
}

HmlStatus
hml_plan_winograd(const PlanCall *call, const PlanStep *step)
{
	HmlConvCall conv = describe_conv(call, step);

	conv.y = hml_plan_images(call, step->y);
	if (step->add != PLAN_NO_VALUE)
		conv.add = hml_plan_images(call, step->add);
	return hml_winograd_run(call->ctx, &conv, data_of(call, step->work));
}

/* ---- pixels ----------------------------------------------------------------------------------------- */

HmlStatus
hml_plan_each_sample(const PlanCall *call, const PlanStep *step)
{
	HmlImages all_x = hml_plan_images(call, step->x[0]);
	HmlImages all_y = hml_plan_images(call, step->y);

	for (size_t s = 0; s < call->n; s++)
	{
		HmlImages x = sample_of(&all_x, s);
		HmlImages y = sample_of(&all_y, s);

		step->kernel(call, step, s, &x, &y);
		if (call->plan->polls)
			HML_TRY(hml_poll(call->ctx));
	}
	return HML_OK;
}

void
hml_plan_depthwise(const PlanCall *call, const PlanStep *step, size_t sample, const HmlImages *x,
				   const HmlImages *y)
{
	HmlImages framed = *x;

	(void) sample;
	framed.data -= step->window.pad[0] * x->row + step->window.pad[1] * x->pixel;
	call->plan->channels->depthwise(&step->window, value_of(call, step->y)->channels, &framed, step->weights,
									step->bias, step->activation, step->slope, y);
}

void
hml_plan_max_pool(const PlanCall *call, const PlanStep *step, size_t sample, const HmlImages *x,
				  const HmlImages *y)
{
	(void) sample;
	call->plan->channels->max_pool(&step->window, value_of(call, step->y)->channels, x, y);
	activate(call, step, y);
}

void
hml_plan_avg_pool(const PlanCall *call, const PlanStep *step, size_t sample, const HmlImages *x,
				  const HmlImages *y)
{
	(void) sample;
	call->plan->channels->average_pool(&step->window, value_of(call, step->y)->channels, x,
									   step->count_padding, y);
	activate(call, step, y);
}

void
hml_plan_mean(const PlanCall *call, const PlanStep *step, size_t sample, const HmlImages *x,
			  const HmlImages *y)
{
	const PlanValue *v = value_of(call, step->x[0]);

	(void) sample;
	call->plan->channels->mean(v->height, v->width, v->channels, x, y->data);
	activate(call, step, y);
}

void
hml_plan_maximum(const PlanCall *call, const PlanStep *step, size_t sample, const HmlImages *x,
				 const HmlImages *y)
{
	const PlanValue *v = value_of(call, step->x[0]);

	(void) sample;
	call->plan->channels->maximum(v->height, v->width, v->channels, x, y->data);
	activate(call, step, y);
}

void
hml_plan_affine(const PlanCall *call, const PlanStep *step, size_t sample, const HmlImages *x,
				const HmlImages *y)
{
	const PlanValue *v = value_of(call, step->y);

	(void) sample;
	call->plan->channels->affine(v->height, v->width, v->channels, x, step->weights, step->bias, y);
	activate(call, step, y);
}

/* Each channel times a number that is a value itself. */
void
hml_plan_scale(const PlanCall *call, const PlanStep *step, size_t sample, const HmlImages *x,
			   const HmlImages *y)
{
	const PlanValue *v = value_of(call, step->y);
	HmlImages scales = hml_plan_images(call, step->x[1]);

	call->plan->channels->affine(v->height, v->width, v->channels, x, scales.data + sample * scales.image,
								 NULL, y);
	activate(call, step, y);
}

void
hml_plan_multiply(const PlanCall *call, const PlanStep *step, size_t sample, const HmlImages *x,
				  const HmlImages *y)
{
	const PlanValue *v = value_of(call, step->y);
	HmlImages all = hml_plan_images(call, step->x[1]);
	HmlImages other = sample_of(&all, sample);

	call->plan->channels->multiply(v->height, v->width, v->channels, x, &other, y);
	activate(call, step, y);
}

void
hml_plan_add(const PlanCall *call, const PlanStep *step, size_t sample, const HmlImages *x,
			 const HmlImages *y)
{
	const PlanValue *v = value_of(call, step->y);
	HmlImages sum = *x;

	for (size_t k = 1; k < step->n_inputs; k++)
	{
		HmlImages all = hml_plan_images(call, step->x[k]);
		HmlImages other = sample_of(&all, sample);

		call->plan->channels->add(v->height, v->width, v->channels, &sum, &other, y);
		sum = *y;
	}
	activate(call, step, y);
}

HmlStatus
hml_plan_activate(const PlanCall *call, const PlanStep *step)
{
	HmlImages all = hml_plan_images(call, step->y);

	if (step->x[0] != step->y)
		HML_TRY(hml_plan_copy(call, step));
	for (size_t s = 0; s < call->n; s++)
	{
		HmlImages y = sample_of(&all, s);

		activate(call, step, &y);
		if (call->plan->polls)
			HML_TRY(hml_poll(call->ctx));
	}
	return HML_OK;
}

/* ---- sequences -------------------------------------------------------------------------------------- */

/* Work memory of a recurrent step: one lane's part from the inputs, its kernel's scratch, states of two layers. */
typedef struct RecurrentWork
{
	float *inputs;
	float *scratch;
	float *states[2];
} RecurrentWork;

size_t
hml_plan_recurrent_work(const PlanRecurrent *r)
{
	return r->steps * hml_cell_gates(r->cell) * r->units + HML_RECURRENT_SLACK +
		   hml_recurrent_scratch(r->units) + 2 * r->steps * r->directions * r->units;
}

static RecurrentWork
divide_work(const PlanRecurrent *r, float *memory)
{
	RecurrentWork work;

	work.inputs = memory;
	work.scratch = memory + r->steps * hml_cell_gates(r->cell) * r->units + HML_RECURRENT_SLACK;
	work.states[0] = work.scratch + hml_recurrent_scratch(r->units);
	work.states[1] = work.states[0] + r->steps * r->directions * r->units;
	return work;
}

/* One layer and direction of one sample. */
static HmlStatus
run_lane(const PlanCall *call, const PlanRecurrent *r, const PlanLane *lane, const RecurrentWork *work,
		 const float *x, size_t ldx, bool reverse, float *sequence, float *last)
{
	size_t gates = hml_cell_gates(r->cell) * r->units;
	bool is_repeated = ldx == 0;
	HmlDense dense = {.set = call->plan->tiles,
					  .in = lane->features,
					  .out = gates,
					  .packed = lane->input_weights,
					  .bias = lane->input_bias};
	HmlRecurrentCall recurrent = {.set = call->plan->recurrent,
								  .cell = r->cell,
								  .hidden = r->units,
								  .packed = lane->hidden_weights,
								  .new_bias = lane->new_bias,
								  .steps = r->steps,
								  .reverse = reverse,
								  .x = work->inputs,
								  .x_row = is_repeated ? 0 : gates,
								  .sequence = sequence,
								  .sequence_row = r->directions * r->units,
								  .last = last,
								  .scratch = work->scratch};

	HML_TRY(hml_dense_run(call->ctx, &dense, is_repeated ? 1 : r->steps, x, ldx, work->inputs, gates));
	return hml_recurrent_run(call->ctx, &recurrent);
}

/* All layers of one sample; row t of x is at x + t * ldx. */
static HmlStatus
run_layers(const PlanCall *call, const PlanRecurrent *r, const RecurrentWork *work, const float *x,
		   size_t ldx, float *y)
{
	size_t width = r->directions * r->units;

	for (size_t layer = 0; layer < r->layers; layer++)
	{
		bool is_last = layer + 1 == r->layers;
		float *states = is_last ? y : work->states[layer % 2];

		for (size_t d = 0; d < r->directions; d++)
		{
			const PlanLane *lane = &r->lanes[layer * r->directions + d];
			bool ends = is_last && !r->returns_sequence;

			HML_TRY(run_lane(call, r, lane, work, x, ldx, d == 1, ends ? NULL : states + d * r->units,
							 ends ? states + d * r->units : NULL));
		}
		x = states;
		ldx = width;
	}
	return HML_OK;
}

HmlStatus
hml_plan_recurrent(const PlanCall *call, const PlanStep *step)
{
	const PlanRecurrent *r = step->recurrent;
	HmlImages x = hml_plan_images(call, step->x[0]);
	HmlImages y = hml_plan_images(call, step->y);
	RecurrentWork work = divide_work(r, data_of(call, step->work));

	for (size_t s = 0; s < call->n; s++)
	{
		HmlImages to = sample_of(&y, s);

		HML_TRY(run_layers(call, r, &work, x.data + s * x.image, r->is_repeated ? 0 : x.pixel, to.data));
		activate(call, step, &to);
	}
	return HML_OK;
}

/* ---- everything else -------------------------------------------------------------------------------- */

/* As the operator itself does it. */
HmlStatus
hml_plan_operator(const PlanCall *call, const PlanStep *step)
{
	HmlRun run = {.ctx = call->ctx,
				  .node = step->node,
				  .n = call->n,
				  .batch = call->n,
				  .weights = call->plan->weights,
				  .y = data_of(call, step->y)};

	if (step->work != PLAN_NO_VALUE)
	{
		run.state = data_of(call, step->work);
		memset(run.state, 0, step->node->state);
		run.scratch = (char *) run.state + hml_plan_state_size(step->node);
	}
	for (size_t k = 0; k < step->n_inputs; k++)
		run.x[k] = data_of(call, step->x[k]);
	HML_TRY(step->node->op->forward(&run));
	for (size_t s = 0; s < call->n; s++)
	{
		HmlImages all = hml_plan_images(call, step->y);
		HmlImages y = sample_of(&all, s);

		activate(call, step, &y);
	}
	return HML_OK;
}
