/*
 * plan_steps.h
 *	  What a plan is made of: values and steps.  Private to plan*.c; how they are made is in
 *	  plan_build.h.
 *
 * A value is what one node of the network, or a few that are fused, puts out.  It
 * lies either in the order of its shape (plain) or, where it is a signal (C,L) or
 * an image (C,H,W) and a kernel wants it so, as pixels: channels-last, within a
 * frame of zeros as wide as the padding of its readers.  A value may be a view of
 * another one, its root, which owns the memory.
 *
 * A vector is one pixel, and a plain (T,F) is T pixels of F channels: both need no
 * conversion.
 */
#ifndef HML_NN_PLAN_PLAN_STEPS_H
#define HML_NN_PLAN_PLAN_STEPS_H

#include "core/nn/kernel/channels.h"
#include "core/nn/kernel/conv.h"
#include "core/nn/kernel/recurrent.h"
#include "core/nn/kernel/winograd.h"
#include "core/nn/plan/plan.h"

typedef enum PlanHome
{
	PLAN_SCRATCH,
	PLAN_INPUT, /* of the network: memory of the caller, not to be written */
	PLAN_OUTPUT /* memory of the caller */
} PlanHome;

typedef struct PlanValue
{
	PlanHome home;
	size_t input; /* its number, where it is one */
	size_t root;  /* the value itself, or the one whose memory it is a view of */
	size_t height;
	size_t width;
	size_t channels;
	size_t pixel;  /* floats from pixel to pixel, ... */
	size_t row;    /* ... from row to row, ... */
	size_t sample; /* ... from sample to sample, ... */
	size_t first;  /* ... and from the start of a sample to its first pixel */
	/* Of a root: */
	size_t frame[4]; /* pixels of zeros above, left, below, right */
	bool is_fixed;   /* samples must be contiguous, so that there can be no frame */
	bool is_viewed;
	bool is_single; /* one for the whole chunk: work memory */
	size_t offset;  /* in the scratch block, in floats */
	size_t begin;   /* number of the first step that uses it, ... */
	size_t end;     /* ... and of the last one */
} PlanValue;

/* One layer and direction of a recurrent node. */
typedef struct PlanLane
{
	const float *input_weights; /* packed as a dense layer */
	const float *input_bias;
	const float *hidden_weights;
	const float *new_bias;
	size_t features;
} PlanLane;

typedef struct PlanRecurrent
{
	HmlCell cell;
	size_t units;
	size_t layers;
	size_t directions;
	size_t steps;
	bool is_repeated; /* the input is the same at every step */
	bool returns_sequence;
	PlanLane *lanes; /* (layers, directions) */
} PlanRecurrent;

typedef struct PlanCall PlanCall;
typedef struct PlanStep PlanStep;
typedef HmlStatus (*PlanRun)(const PlanCall *call, const PlanStep *step);

/* One sample, whose images x and y are. */
typedef void (*PlanKernel)(const PlanCall *call, const PlanStep *step, size_t sample, const HmlImages *x,
						   const HmlImages *y);

#define PLAN_NO_VALUE SIZE_MAX

struct PlanStep
{
	PlanRun run;
	PlanKernel kernel;   /* of hml_plan_each_sample() */
	const HmlNode *node; /* the first of those that it stands for */
	size_t n_inputs;
	size_t x[HML_MAX_OP_INPUTS]; /* values */
	size_t y;
	size_t work;      /* value that is memory for this step only, or PLAN_NO_VALUE */
	size_t add;       /* value that is added before the activation, or PLAN_NO_VALUE */
	size_t scale;     /* value of a factor for each input channel of a convolution, or PLAN_NO_VALUE */
	size_t first_row; /* of y, where a copy goes */
	size_t first_pixel;
	size_t first_channel;
	HmlConvShape conv;
	HmlWindow window; /* of a pool or a depthwise convolution */
	bool count_padding;
	const float *weights; /* packed, or a scale for each channel */
	const float *bias;
	HmlActivation activation;
	float slope;
	const PlanRecurrent *recurrent;
	const PlanStep *depthwise; /* what a convolution does in bands together with the one before it */
	size_t band_rows;
};

struct HmlPlan
{
	const HmlNetwork *network;
	const float *weights;
	const HmlTileSet *tiles;
	const HmlChannels *channels;
	const HmlRecurrentSet *recurrent;
	size_t chunk; /* samples */
	size_t n_values;
	PlanValue *values;
	size_t n_steps;
	PlanStep *steps;
	size_t output;  /* value */
	size_t scratch; /* bytes */
	bool polls;     /* between steps, and not only between chunks */
};

/* A chunk of a call. */
struct PlanCall
{
	const HmlPlan *plan;
	HmlContext *ctx;
	float *scratch;
	const float *const *inputs;
	float *output;
	size_t first; /* sample */
	size_t n;
};

/* Memory of a value: of its first sample's first pixel, without the frame. */
extern HmlImages hml_plan_images(const PlanCall *call, size_t value);

/* Bytes of an operator's state, with which its work memory begins. */
static inline size_t
hml_plan_state_size(const HmlNode *node)
{
	return (node->state + HML_ALIGNMENT - 1) / HML_ALIGNMENT * HML_ALIGNMENT;
}

/* Floats of the work memory of a recurrent step. */
extern size_t hml_plan_recurrent_work(const PlanRecurrent *recurrent);

/*
 * Rows of a depthwise convolution's output that a band of at most 'bytes' serves,
 * at least one, and the floats of such a band; plan_bands.c.
 */
extern size_t hml_plan_band_rows(const HmlWindow *window, size_t channels, size_t bytes);
extern size_t hml_plan_band_size(const HmlWindow *window, size_t channels, size_t rows);

/* The kinds of steps; plan_run.c, plan_bands.c. */
extern HmlStatus hml_plan_to_pixels(const PlanCall *call, const PlanStep *step);
extern HmlStatus hml_plan_to_plain(const PlanCall *call, const PlanStep *step);
extern HmlStatus hml_plan_copy(const PlanCall *call, const PlanStep *step);
extern HmlStatus hml_plan_dense(const PlanCall *call, const PlanStep *step);
extern HmlStatus hml_plan_conv(const PlanCall *call, const PlanStep *step);
extern HmlStatus hml_plan_winograd(const PlanCall *call, const PlanStep *step);
extern HmlStatus hml_plan_conv_depthwise(const PlanCall *call, const PlanStep *step);
extern HmlStatus hml_plan_each_sample(const PlanCall *call, const PlanStep *step);
extern HmlStatus hml_plan_activate(const PlanCall *call, const PlanStep *step);
extern HmlStatus hml_plan_recurrent(const PlanCall *call, const PlanStep *step);
extern HmlStatus hml_plan_operator(const PlanCall *call, const PlanStep *step);

/* Kernels of hml_plan_each_sample(). */
extern void hml_plan_depthwise(const PlanCall *call, const PlanStep *step, size_t sample, const HmlImages *x,
							   const HmlImages *y);
extern void hml_plan_max_pool(const PlanCall *call, const PlanStep *step, size_t sample, const HmlImages *x,
							  const HmlImages *y);
extern void hml_plan_avg_pool(const PlanCall *call, const PlanStep *step, size_t sample, const HmlImages *x,
							  const HmlImages *y);
extern void hml_plan_mean(const PlanCall *call, const PlanStep *step, size_t sample, const HmlImages *x,
						  const HmlImages *y);
extern void hml_plan_maximum(const PlanCall *call, const PlanStep *step, size_t sample, const HmlImages *x,
							 const HmlImages *y);
extern void hml_plan_affine(const PlanCall *call, const PlanStep *step, size_t sample, const HmlImages *x,
							const HmlImages *y);
extern void hml_plan_scale(const PlanCall *call, const PlanStep *step, size_t sample, const HmlImages *x,
						   const HmlImages *y);
extern void hml_plan_multiply(const PlanCall *call, const PlanStep *step, size_t sample, const HmlImages *x,
							  const HmlImages *y);
extern void hml_plan_add(const PlanCall *call, const PlanStep *step, size_t sample, const HmlImages *x,
						 const HmlImages *y);

#endif /* HML_NN_PLAN_PLAN_STEPS_H */
