/*
 * ocsvm.c
 *	  The algorithm "one_class_svm": parameters, training, scoring.
 *
 * The problem is solved in ocsvm_solve.c.  Only support vectors are kept, feature by
 * feature, so that a row meets all of them in a few vector loops: 16 bytes of work
 * for a vector and input, and nothing is allocated.
 *
 * Section of the artifact: u8 kernel, f64 gamma, f64 coef0, u8 degree, f64 rho, f64 unit, u32 vectors, u32 inputs,
 * f32 vectors (inputs, vectors), f64 alpha.
 */
#include "core/learn/ocsvm/ocsvm.h"

#include <math.h>
#include <string.h>

#include "core/learn/network/inputs.h"
#include "core/learn/ocsvm/ocsvm_solve.h"
#include "core/model/anomaly.h"
#include "core/model/background.h"

#define AUTO_THRESHOLD 0.5 /* the score of decision 0 */
#define CACHE_SHARE 0.5    /* of the memory that is left */
#define MAX_CACHE_BYTES ((size_t) 200 << 20)
#define WIDTH 16 /* strides are multiples of it */
#define KERNELS "linear|poly|rbf|sigmoid"
#define ROWS_BETWEEN_POLLS 64

static const HmlParamSpec params[] = {
	{"nu", HML_PARAM_NUMBER, "0.05", 0, 1, NULL,
	 "Upper bound of the share of training rows outside, lower bound of the share of support vectors; above "
	 "0."},
	{"kernel", HML_PARAM_TEXT, "\"rbf\"", 0, 0, KERNELS,
	 "Kernel: x.y, (gamma x.y + coef0)^degree, exp(-gamma |x-y|^2), or tanh(gamma x.y + coef0)."},
	{"gamma", HML_PARAM_NUMBER_OR_CHOICE, "\"scale\"", 0, 1e12, "scale|auto",
	 "Coefficient of the kernel: a number, 1 / (inputs * variance of all inputs), or 1 / inputs."},
	{"coef0", HML_PARAM_NUMBER, "0", -1e12, 1e12, NULL, "Constant of the poly and sigmoid kernels."},
	{"degree", HML_PARAM_INTEGER, "3", 1, HML_OCSVM_MAX_DEGREE, NULL, "Degree of the poly kernel."},
	{"tol", HML_PARAM_NUMBER, "0.001", 1e-12, 1, NULL, "Tolerance of the optimality conditions."},
	{"max_iter", HML_PARAM_INTEGER, "-1", -1, 9007199254740992.0, NULL,
	 "The most iterations of the solver; -1 is as many as it takes."},
	{"shrinking", HML_PARAM_BOOLEAN, "true", 0, 0, NULL, "Put rows aside that seem to stay at their bound."},
	{0}};

/* ---- training -------------------------------------------------------------------------------------- */

typedef struct Fit
{
	HmlContext *ctx;
	HmlArena *arena; /* ends with the fit */
	const HmlTraining *training;
	HmlModel *model;
	const uint32_t *rows;
	size_t n_rows;
	size_t n_inputs;
	float *inputs; /* (n_rows, n_inputs) */
	float *points; /* (n_inputs, stride) */
	size_t stride;
	HmlOcsvmSolution solution;
} Fit;

static size_t
stride_of(size_t n)
{
	return (n + WIDTH - 1) / WIDTH * WIDTH;
}

/* 1 / (inputs * variance), as scikit-learn's "scale". */
static double
gamma_scale(const Fit *fit)
{
	size_t n = fit->n_rows * fit->n_inputs;
	double sum = 0;
	double squares = 0;
	double variance;

	for (size_t i = 0; i < n; i++)
		sum += (double) fit->inputs[i];
	for (size_t i = 0; i < n; i++)
	{
		double difference = (double) fit->inputs[i] - sum / (double) n;

		squares += difference * difference;
	}
	variance = squares / (double) n;
	return variance > 0 ? 1.0 / ((double) fit->n_inputs * variance) : 1.0;
}

static HmlStatus
kernel_of(const Fit *fit, HmlKernelSpec *out)
{
	static const char *const names[HML_N_KERNELS] = {"linear", "poly", "rbf", "sigmoid"};
	const HmlParams *given = fit->training->params;

	for (int kernel = 0; kernel < HML_N_KERNELS; kernel++)
		if (hml_param_is_choice(given, "kernel", names[kernel]))
			out->kernel = (HmlKernel) kernel;
	out->coef0 = hml_param_number(given, "coef0");
	out->degree = (int) hml_param_integer(given, "degree");
	if (hml_param_is_choice(given, "gamma", "scale"))
		out->gamma = gamma_scale(fit);
	else if (hml_param_is_choice(given, "gamma", "auto"))
		out->gamma = 1.0 / (double) fit->n_inputs;
	else
		out->gamma = hml_param_number(given, "gamma");
	if (out->gamma > 0)
		return HML_OK;
	return hml_fail(fit->ctx, HML_INVALID_ARGUMENT, "parameter \"gamma\" must be above 0");
}

static size_t
cache_bytes(const HmlContext *ctx)
{
	size_t left = ctx->memory_limit - ctx->memory_used;

	if (ctx->memory_limit == SIZE_MAX || (double) left * CACHE_SHARE > (double) MAX_CACHE_BYTES)
		return MAX_CACHE_BYTES;
	return (size_t) ((double) left * CACHE_SHARE);
}

static HmlStatus
transpose_points(Fit *fit)
{
	fit->stride = stride_of(fit->n_rows);
	HML_TRY(
		hml_arena_alloc_zero(fit->arena, fit->n_inputs, fit->stride * sizeof(float), (void **) &fit->points));
	for (size_t i = 0; i < fit->n_rows; i++)
		for (size_t j = 0; j < fit->n_inputs; j++)
			fit->points[j * fit->stride + i] = fit->inputs[i * fit->n_inputs + j];
	return HML_OK;
}

static HmlStatus
solve(Fit *fit, HmlOcsvm *svm)
{
	const HmlParams *given = fit->training->params;
	HmlOcsvmProblem problem = {.kernel = svm->kernel,
							   .n = fit->n_rows,
							   .n_inputs = fit->n_inputs,
							   .stride = fit->stride,
							   .points = fit->points,
							   .nu = hml_param_number(given, "nu"),
							   .tolerance = hml_param_number(given, "tol"),
							   .max_iterations = hml_param_integer(given, "max_iter"),
							   .shrinking = hml_param_boolean(given, "shrinking")};

	if (!(problem.nu > 0))
		return hml_fail(fit->ctx, HML_INVALID_ARGUMENT, "parameter \"nu\" must be above 0");
	HML_TRY(HML_ARENA_NEW(fit->arena, &fit->solution.alpha, fit->n_rows));
	problem.cache_bytes = cache_bytes(fit->ctx);
	HML_TRY(hml_ocsvm_solve(fit->ctx, &problem, &fit->solution));
	svm->rho = fit->solution.rho;
	if (isfinite(svm->rho))
		return HML_OK;
	return hml_fail(fit->ctx, HML_DIVERGED, "the support-vector machine has no finite solution");
}

static HmlStatus
keep_vectors(const Fit *fit, HmlOcsvm *svm)
{
	size_t n = 0;

	for (size_t i = 0; i < fit->n_rows; i++)
		n += fit->solution.alpha[i] > 0;
	if (n > HML_OCSVM_MAX_VECTORS)
		return hml_fail(fit->ctx, HML_LIMIT, "too many support vectors: %zu (limit %d)", n,
						HML_OCSVM_MAX_VECTORS);
	svm->n_vectors = n;
	svm->stride = stride_of(n);
	HML_TRY(hml_arena_alloc_zero(fit->model->arena, fit->n_inputs, svm->stride * sizeof(float),
								 (void **) &svm->vectors));
	HML_TRY(HML_ARENA_NEW(fit->model->arena, &svm->alpha, n));
	n = 0;
	for (size_t i = 0; i < fit->n_rows; i++)
	{
		if (!(fit->solution.alpha[i] > 0))
			continue;
		for (size_t j = 0; j < fit->n_inputs; j++)
			svm->vectors[j * svm->stride + n] = fit->inputs[i * fit->n_inputs + j];
		svm->alpha[n++] = fit->solution.alpha[i];
	}
	return HML_OK;
}

/* The unit of the score: how far the decisions of at most MAX_UNIT_ROWS rows of the fit are spread. */
#define MAX_UNIT_ROWS 2000

static HmlStatus
measure_unit(const Fit *fit, HmlOcsvm *svm)
{
	size_t step = fit->n_rows / MAX_UNIT_ROWS + 1;
	double sum = 0;
	double squares = 0;
	double n = 0;
	float *row;

	HML_TRY(HML_ARENA_NEW(fit->arena, &row, svm->stride));
	for (size_t i = 0; i < fit->n_rows; i += step)
	{
		double decision = -svm->rho;

		hml_kernel_row(&svm->kernel, svm->vectors, fit->n_inputs, svm->stride, svm->n_vectors,
					   fit->inputs + i * fit->n_inputs, row);
		for (size_t v = 0; v < svm->n_vectors; v++)
			decision += svm->alpha[v] * (double) row[v];
		sum += decision;
		squares += decision * decision;
		n += 1;
		HML_TRY(hml_poll(fit->ctx));
	}
	svm->unit = sqrt(fmax(squares / n - sum / n * (sum / n), 0));
	if (!(svm->unit > 0) || !isfinite(svm->unit))
		svm->unit = 1;
	return HML_OK;
}

static void
report(const Fit *fit, const HmlOcsvm *svm)
{
	hml_metric(fit->training, "support_vectors", (double) svm->n_vectors);
	hml_metric(fit->training, "iterations", (double) fit->solution.iterations);
	hml_metric(fit->training, "converged", fit->solution.converged ? 1 : 0);
	hml_metric(fit->training, "rho", svm->rho);
	hml_metric(fit->training, "gamma", svm->kernel.gamma);
}

static HmlStatus
fit_model(Fit *fit)
{
	HmlModel *model = fit->model;
	const HmlParams *given = fit->training->params;
	HmlOcsvm *svm;

	HML_TRY(hml_pipeline_fit(model->arena, fit->training->frame, fit->rows, fit->n_rows, given,
							 HML_SCALE_STANDARD, &model->pipeline));
	fit->n_inputs = model->pipeline->n_inputs;
	HML_TRY(HML_ARENA_NEW_ZERO(model->arena, &svm, 1));
	model->impl = svm;
	HML_TRY(hml_network_inputs(fit->arena, model->pipeline, fit->training->frame, fit->rows, fit->n_rows,
							   &fit->inputs));
	HML_TRY(kernel_of(fit, &svm->kernel));
	HML_TRY(transpose_points(fit));
	HML_TRY(solve(fit, svm));
	HML_TRY(keep_vectors(fit, svm));
	HML_TRY(measure_unit(fit, svm));
	report(fit, svm);
	HML_TRY(hml_background_keep(model, fit->inputs, NULL, fit->n_rows,
								(uint64_t) hml_param_integer(given, "seed")));
	return hml_anomaly_calibrate(fit->ctx, fit->training, model, fit->rows, fit->n_rows, AUTO_THRESHOLD);
}

static HmlStatus
fit_rows(HmlArena *arena, const HmlTraining *training, HmlModel *model, const uint32_t *rows, size_t n_rows)
{
	Fit fit = {.ctx = hml_arena_context(arena),
			   .arena = arena,
			   .training = training,
			   .model = model,
			   .rows = rows,
			   .n_rows = n_rows};

	return fit_model(&fit);
}

static HmlStatus
train(HmlContext *ctx, const HmlTraining *training, HmlModel *model)
{
	return hml_anomaly_train(ctx, training, model, fit_rows);
}

/* ---- scoring --------------------------------------------------------------------------------------- */

static size_t
scratch_size(const HmlModel *model)
{
	const HmlOcsvm *svm = model->impl;

	return (svm->stride + stride_of(model->pipeline->n_inputs)) * sizeof(float);
}

HmlStatus
hml_ocsvm_decisions(const HmlModel *model, HmlContext *ctx, void *scratch, const double *rows, size_t n,
					double *decisions)
{
	const HmlOcsvm *svm = model->impl;
	size_t n_inputs = model->pipeline->n_inputs;
	float *kernel = scratch;
	float *point = kernel + svm->stride;

	for (size_t i = 0; i < n; i++)
	{
		double sum = 0;

		for (size_t j = 0; j < n_inputs; j++)
			point[j] = (float) rows[i * n_inputs + j];
		hml_kernel_row(&svm->kernel, svm->vectors, n_inputs, svm->stride, svm->n_vectors, point, kernel);
		for (size_t v = 0; v < svm->n_vectors; v++)
			sum += svm->alpha[v] * (double) kernel[v];
		decisions[i] = sum - svm->rho;
		if (i % ROWS_BETWEEN_POLLS == ROWS_BETWEEN_POLLS - 1)
			HML_TRY(hml_poll(ctx));
	}
	return HML_OK;
}

static HmlStatus
outputs(const HmlModel *model, HmlContext *ctx, void *scratch, const HmlSamples *samples, double *scores)
{
	const HmlOcsvm *svm = model->impl;

	HML_TRY(hml_ocsvm_decisions(model, ctx, scratch, samples->rows, samples->n, scores));
	for (size_t i = 0; i < samples->n; i++)
		scores[i] = isfinite(scores[i]) ? 1.0 / (1.0 + exp(scores[i] / svm->unit)) : 1.0;
	return HML_OK;
}

/* ---- artifact -------------------------------------------------------------------------------------- */

static void
write_svm(const HmlModel *model, HmlWriter *writer)
{
	const HmlOcsvm *svm = model->impl;
	size_t n_inputs = model->pipeline->n_inputs;

	hml_write_u8(writer, (uint8_t) svm->kernel.kernel);
	hml_write_f64(writer, svm->kernel.gamma);
	hml_write_f64(writer, svm->kernel.coef0);
	hml_write_u8(writer, (uint8_t) svm->kernel.degree);
	hml_write_f64(writer, svm->rho);
	hml_write_f64(writer, svm->unit);
	hml_write_u32(writer, (uint32_t) svm->n_vectors);
	hml_write_u32(writer, (uint32_t) n_inputs);
	for (size_t j = 0; j < n_inputs; j++)
		hml_write_f32_array(writer, svm->vectors + j * svm->stride, svm->n_vectors);
	hml_write_f64_array(writer, svm->alpha, svm->n_vectors);
}

static HmlStatus
read_kernel(HmlReader *reader, HmlOcsvm *svm)
{
	uint8_t kernel;
	uint8_t degree;

	HML_TRY(hml_read_u8(reader, &kernel));
	HML_TRY(hml_read_f64(reader, &svm->kernel.gamma));
	HML_TRY(hml_read_f64(reader, &svm->kernel.coef0));
	HML_TRY(hml_read_u8(reader, &degree));
	HML_TRY(hml_read_f64(reader, &svm->rho));
	HML_TRY(hml_read_f64(reader, &svm->unit));
	svm->kernel.kernel = (HmlKernel) kernel;
	svm->kernel.degree = degree;
	if (kernel < HML_N_KERNELS && degree >= 1 && degree <= HML_OCSVM_MAX_DEGREE && svm->kernel.gamma > 0 &&
		isfinite(svm->kernel.gamma) && isfinite(svm->kernel.coef0) && isfinite(svm->rho) && svm->unit > 0 &&
		isfinite(svm->unit))
		return HML_OK;
	return hml_fail(reader->ctx, HML_CORRUPT, "%s has an impossible kernel", reader->what);
}

static bool
vectors_are_sound(const HmlOcsvm *svm, size_t n_inputs)
{
	bool sound = true;

	for (size_t j = 0; j < n_inputs; j++)
		for (size_t v = 0; v < svm->n_vectors; v++)
			sound &= isfinite(svm->vectors[j * svm->stride + v]);
	for (size_t v = 0; v < svm->n_vectors; v++)
		sound &= svm->alpha[v] > 0 && svm->alpha[v] <= 1;
	return sound;
}

static HmlStatus
read_svm(HmlModel *model, HmlReader *reader)
{
	HmlOcsvm *svm;
	uint32_t n_inputs;

	HML_TRY(HML_ARENA_NEW_ZERO(model->arena, &svm, 1));
	HML_TRY(read_kernel(reader, svm));
	HML_TRY(hml_read_count(reader, sizeof(double), HML_OCSVM_MAX_VECTORS, &svm->n_vectors));
	HML_TRY(hml_read_u32(reader, &n_inputs));
	if (n_inputs != model->pipeline->n_inputs || svm->n_vectors == 0 || model->n_outputs != 1 ||
		hml_reader_left(reader) / svm->n_vectors < n_inputs * sizeof(float) + sizeof(double))
		return hml_fail(reader->ctx, HML_CORRUPT, "%s contradicts itself", reader->what);
	svm->stride = stride_of(svm->n_vectors);
	HML_TRY(
		hml_arena_alloc_zero(model->arena, n_inputs, svm->stride * sizeof(float), (void **) &svm->vectors));
	HML_TRY(HML_ARENA_NEW(model->arena, &svm->alpha, svm->n_vectors));
	for (size_t j = 0; j < n_inputs; j++)
		HML_TRY(hml_read_f32_array(reader, svm->vectors + j * svm->stride, svm->n_vectors));
	HML_TRY(hml_read_f64_array(reader, svm->alpha, svm->n_vectors));
	if (!vectors_are_sound(svm, n_inputs))
		return hml_fail(reader->ctx, HML_CORRUPT, "%s has impossible support vectors", reader->what);
	model->impl = svm;
	return HML_OK;
}

const HmlAlgorithm hml_one_class_svm = {
	.name = "one_class_svm",
	.task = "anomaly_detection",
	.help =
		"One-class support-vector machine: rows outside the region where most training rows lie are unusual.",
	.target_use = HML_TARGET_EVALUATES,
	.params = params,
	.train = train,
	.write = write_svm,
	.read = read_svm,
	.scratch_size = scratch_size,
	.outputs = outputs,
};
