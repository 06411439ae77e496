/*
 * test_model_onnx.c
 *	  Whole models as ONNX files: what ONNX Runtime computes with these very files is
 *	  in test/golden/model_onnx.txt, which test/golden/make_nn_onnx.py has made.
 */
#include "unit/model_support.h"
#include "unit/support.h"

#include "core/base/crc32c.h"
#include "core/base/rng.h"
#include "core/heart/heart_sound_algorithm.h"
#include "core/learn/autoencoder/autoencoder.h"
#include "core/learn/mlp/mlp.h"
#include "core/model/verdict.h"

#define SHIPPED "models/heart_sound.hml"
#define GOLDEN "test/golden/model_onnx.txt"
#define ROWS 6
#define F HML_HEART_FEATURES
#define MAX_FILE ((size_t) 4 * 1024 * 1024)

typedef struct Case
{
	TestHost host;
	HmlContext ctx;
	HmlModel *model;
	size_t n_features;
	double features[ROWS * F];
} Case;

/* ---- models ----------------------------------------------------------------------------------------- */

static HmlEnsemble
make_ensemble(HmlModel *model, const char *spec)
{
	HmlContext *ctx = hml_arena_context(model->arena);
	HmlNetwork *network;
	HmlEnsemble ensemble;

	assert_ok(ctx, hml_network_parse(model->arena, spec, strlen(spec), &network));
	assert_ok(ctx, hml_ensemble_create(model->arena, HML_ONLY_NETWORK, network, 1, &ensemble));
	assert_ok(ctx, hml_ensemble_init(&ensemble, 5));
	assert_ok(ctx, hml_ensemble_prepare(model->arena, &ensemble));
	return ensemble;
}

static void
make_features(Case *c, size_t n)
{
	float numbers[ROWS * F];

	c->n_features = n;
	fill_numbers(numbers, ROWS * n, 11);
	for (size_t i = 0; i < ROWS * n; i++)
		c->features[i] = (double) numbers[i];
}

static void
make_model(Case *c, const HmlAlgorithm *algorithm, size_t n)
{
	static const char *const names[] = {"a", "b", "c", "d"};

	assert_ok(&c->ctx, hml_model_create(&c->ctx, algorithm, &c->model));
	assert_ok(&c->ctx,
			  hml_pipeline_plain(c->model->arena, (const char **) (uintptr_t) names, n, &c->model->pipeline));
	make_features(c, n);
}

static void
make_mlp(Case *c)
{
	static const char *const names[] = {"low", "medium", "high"};
	HmlMlp *mlp;

	make_model(c, &hml_mlp, 3);
	assert_ok(&c->ctx, HML_ARENA_NEW_ZERO(c->model->arena, &mlp, 1));
	mlp->task = HML_TASK_MULTICLASS;
	mlp->scale = 1;
	mlp->net = make_ensemble(c->model, "{\"input\": [3], \"layers\": [{\"op\": \"dense\", \"units\": 5}, "
									   "{\"op\": \"gelu\"}, {\"op\": \"dense\", \"units\": 3}, "
									   "{\"op\": \"softmax\"}]}");
	c->model->impl = mlp;
	c->model->n_outputs = 3;
	c->model->output_names = (const char **) (uintptr_t) names;
}

/* Of a network whose tensors have two dimensions. */
static void
make_autoencoder(Case *c)
{
	HmlAutoencoder *autoencoder;

	make_model(c, &hml_autoencoder, 4);
	assert_ok(&c->ctx, HML_ARENA_NEW_ZERO(c->model->arena, &autoencoder, 1));
	assert_ok(&c->ctx, HML_ARENA_NEW(c->model->arena, &autoencoder->precision, 4));
	for (size_t i = 0; i < 4; i++)
		autoencoder->precision[i] = 0.5f * (float) (i + 1);
	autoencoder->half_error = 0.75;
	autoencoder->net = make_ensemble(c->model, "{\"input\": [2, 2], \"layers\": [{\"op\": \"dense\", "
											   "\"units\": 3}, {\"op\": \"tanh\"}, "
											   "{\"op\": \"dense\", \"units\": 2}]}");
	c->model->impl = autoencoder;
}

/* Floors of a recording of a clinic, with some distance: whitened = solved by its factor. */
static void
near_clinic(const HmlHeartClinic *clinic, size_t recording, double away, double *floors)
{
	for (size_t a = 0; a < HML_HEART_FLOORS; a++)
	{
		floors[a] = 0;
		for (size_t b = 0; b <= a; b++)
			floors[a] += clinic->factor[a * HML_HEART_FLOORS + b] *
						 ((double) clinic->points[recording * HML_HEART_FLOORS + b] + (b == 0 ? away : 0));
	}
}

static double
familiarity_of(const HmlHeartNetwork *network, const double *row)
{
	float features[F];

	for (size_t f = 0; f < F; f++)
		features[f] = (float) row[f];
	return hml_heart_familiarity(&network->clinics, features);
}

/* Floors that are half familiar: away from a recording by a distance found by bisection. */
static void
half_way(const HmlHeartNetwork *network, double *row)
{
	const HmlHeartClinic *clinic = &network->clinics.clinics[0];
	double near = 0;
	double far = 10 * clinic->reach;

	for (int step = 0; step < 40; step++)
	{
		double middle = (near + far) / 2;

		near_clinic(clinic, 0, middle, row + HML_HEART_SOUNDS);
		*(familiarity_of(network, row) > 0.5 ? &near : &far) = middle;
	}
}

/* Rows about the means of the training, the first ones from known clinics, the last ones from nowhere. */
static void
make_heart(Case *c)
{
	static unsigned char bytes[MAX_FILE];
	FILE *file = fopen(SHIPPED, "rb");
	const HmlHeartNetwork *network;
	size_t length;

	assert_non_null(file);
	length = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	assert_ok(&c->ctx, hml_model_read(&c->ctx, bytes, length, &c->model));
	network = c->model->impl;
	make_features(c, F);
	for (size_t row = 0; row < ROWS; row++)
	{
		double *features = c->features + row * F;

		for (size_t f = 0; f < HML_HEART_SOUNDS; f++)
			features[f] = (double) network->expert.mean[f] + 2 * features[f] * (double) network->expert.sd[f];
		if (row < 3)
			near_clinic(&network->clinics.clinics[row], 10 * row, 0, features + HML_HEART_SOUNDS);
		else if (row == 3)
			half_way(network, features);
	}
}

typedef void (*Make)(Case *c);
static const Make makes[] = {make_mlp, make_autoencoder, make_heart};
#define N_CASES (sizeof(makes) / sizeof(makes[0]))

static void
setup(Case *c, size_t number)
{
	memset(c, 0, sizeof(*c));
	test_host_init(&c->host, &c->ctx);
	makes[number](c);
}

static void
teardown(Case *c)
{
	hml_model_free(c->model);
	test_host_finish(&c->host, &c->ctx);
}

static void
export_model(Case *c, HmlWriter *writer)
{
	hml_writer_init(writer, &c->ctx);
	assert_ok(&c->ctx, c->model->algorithm->export_onnx(&c->ctx, c->model, "model", writer));
	assert_ok(&c->ctx, hml_writer_finish(writer));
}

/* ---- files for ONNX Runtime ------------------------------------------------------------------------- */

static void
write_file(const char *folder, size_t number, const char *ending, const void *bytes, size_t length)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%03zu.%s", folder, number, ending);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static void
write_cases(const char *folder)
{
	for (size_t i = 0; i < N_CASES; i++)
	{
		Case c;
		HmlWriter writer;

		setup(&c, i);
		export_model(&c, &writer);
		write_file(folder, i, "onnx", writer.data, writer.length);
		write_file(folder, i, "input0", c.features, ROWS * c.n_features * sizeof(double));
		hml_writer_free(&writer);
		teardown(&c);
	}
}

/* ---- what ONNX Runtime computed --------------------------------------------------------------------- */

/* The outputs of the file for one row: of a heart sound the probability of the second class. */
static void
compare_row(const Case *c, const double *own, const double *golden, size_t width)
{
	size_t n_outputs = c->model->n_outputs;

	if (width == 1)
		assert_close(golden[0], own[n_outputs == 2 ? 1 : 0], 1e-5);
	else
		for (size_t i = 0; i < width; i++)
			assert_close(golden[i], own[i], 1e-5);
}

static void
compare_case(FILE *golden, size_t number)
{
	Case c;
	HmlWriter writer;
	HmlSamples samples;
	double inputs[ROWS * F];
	double own[ROWS * 3];
	double values[ROWS * 3];
	void *scratch;
	unsigned crc;
	size_t stated;
	size_t count;

	setup(&c, number);
	export_model(&c, &writer);
	assert_int_equal(fscanf(golden, "%zu %x %zu", &stated, &crc, &count), 3);
	assert_int_equal(stated, number);
	if (hml_crc32c(writer.data, writer.length) != crc)
		fail_msg("the file of case %zu has changed: run test/golden/make_nn_onnx.py", number);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(fscanf(golden, "%lf", &values[i]), 1);
	for (size_t row = 0; row < ROWS; row++)
		assert_ok(&c.ctx, hml_pipeline_apply(c.model->pipeline, &c.ctx, c.features + row * c.n_features,
											 inputs + row * c.model->pipeline->n_inputs, NULL));
	samples = hml_sample_rows(inputs, ROWS);
	assert_ok(&c.ctx, hml_alloc(&c.ctx, 1, c.model->algorithm->scratch_size(c.model), &scratch));
	assert_ok(&c.ctx, c.model->algorithm->outputs(c.model, &c.ctx, scratch, &samples, own));
	for (size_t row = 0; row < ROWS; row++)
		compare_row(&c, own + row * c.model->n_outputs, values + row * (count / ROWS), count / ROWS);
	hml_free(&c.ctx, scratch);
	hml_writer_free(&writer);
	teardown(&c);
}

static void
test_same_as_onnx_runtime(void **state)
{
	FILE *golden = fopen(GOLDEN, "r");

	(void) state;
	assert_non_null(golden);
	assert_int_equal(fscanf(golden, "#%*[^\n]\n"), 0);
	for (size_t i = 0; i < N_CASES; i++)
		compare_case(golden, i);
	fclose(golden);
}

/* The rows of the heart cover a known clinic, its edge and a stranger. */
static void
test_rows_reach_both_parts(void **state)
{
	Case c;
	const HmlHeartNetwork *network;
	size_t counts[3] = {0};

	(void) state;
	setup(&c, 2);
	network = c.model->impl;
	for (size_t row = 0; row < ROWS; row++)
	{
		double familiarity = familiarity_of(network, c.features + row * F);

		counts[familiarity <= 0 ? 0 : familiarity < 1 ? 1 : 2]++;
	}
	assert_true(counts[0] > 0 && counts[1] > 0 && counts[2] > 0);
	teardown(&c);
}

/* ---- failures --------------------------------------------------------------------------------------- */

static HmlStatus
write_under(HmlContext *ctx, void *argument)
{
	const HmlModel *model = argument;
	HmlWriter writer;
	HmlStatus status;

	hml_writer_init(&writer, ctx);
	status = model->algorithm->export_onnx(ctx, model, "model", &writer);
	hml_writer_free(&writer);
	return status;
}

static void
test_failures(void **state)
{
	(void) state;
	for (size_t i = 0; i < N_CASES; i++)
	{
		Case c;

		setup(&c, i);
		test_allocation_sweep(write_under, c.model);
		test_cancellation_sweep(write_under, c.model);
		teardown(&c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_as_onnx_runtime),
		cmocka_unit_test(test_rows_reach_both_parts),
		cmocka_unit_test(test_failures),
	};
	const char *folder = getenv("HEALTHML_ONNX_OUT");

	if (folder != NULL)
	{
		write_cases(folder);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
