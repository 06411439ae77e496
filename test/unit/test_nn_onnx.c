/*
 * test_nn_onnx.c
 *	  ONNX files, written and read.
 *
 * The networks of nn_specs.h are written; what ONNX Runtime computes with those
 * very files is in test/golden/nn_onnx.txt, which test/golden/make_nn_onnx.py
 * makes: it runs this program with HEALTHML_ONNX_OUT set to a folder, into which
 * files and inputs are then written.  The checksum in a line shows that the file is
 * still the one that was run.
 */
#include "unit/nn_specs.h"
#include "unit/model_support.h"
#include "unit/support.h"

#include "core/base/crc32c.h"
#include "core/nn/onnx/onnx.h"
#include "core/nn/onnx/onnx_format.h"
#include "core/nn/onnx/onnx_out.h"
#include "core/nn/graph/optable.h"
#include "core/nn/plan/plan.h"
#include "core/nn/onnx/protobuf.h"

#define SAMPLES 2
#define MAX_CASES 200

typedef struct Case
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlNetwork *network;
	float *weights;
	float *inputs[HML_MAX_NETWORK_INPUTS];
	size_t out;
	float *output;
} Case;

static void
setup(Case *c, const char *spec)
{
	test_host_init(&c->host, &c->ctx);
	assert_ok(&c->ctx, hml_arena_create(&c->ctx, &c->arena));
	assert_ok(&c->ctx, hml_network_parse(c->arena, spec, strlen(spec), &c->network));
	c->out = hml_shape_size(&c->network->nodes[c->network->output].shape);
	assert_ok(&c->ctx, HML_ARENA_NEW(c->arena, &c->weights, c->network->n_weights));
	assert_ok(&c->ctx, HML_ARENA_NEW(c->arena, &c->output, SAMPLES * c->out));
	for (size_t i = 0; i < c->network->n_inputs; i++)
	{
		size_t size = SAMPLES * hml_shape_size(&c->network->nodes[i].shape);

		assert_ok(&c->ctx, HML_ARENA_NEW(c->arena, &c->inputs[i], size));
		fill_numbers(c->inputs[i], size, (uint32_t) i + 17);
	}
	assert_ok(&c->ctx, hml_network_init(c->network, 1, c->weights));
	disturb_weights(c->network, c->weights);
}

static void
teardown(Case *c)
{
	hml_arena_free(c->arena);
	test_host_finish(&c->host, &c->ctx);
}

/* Each case's specification: operators on their own, then networks. */
static const char *
case_spec(size_t number)
{
	for (size_t i = 0; nn_operator_specs[i] != NULL; i++)
		if (number-- == 0)
			return nn_operator_specs[i];
	for (size_t i = 0; nn_network_specs[i] != NULL; i++)
		if (number-- == 0)
			return nn_network_specs[i];
	return NULL;
}

/* ---- feature pipelines ------------------------------------------------------------------------------ */

/* Age (scaled), smoker (0/1, filled in), blood group (one of three, or an ordinal). */
static void
make_pipeline(HmlPipeline *pipeline, HmlFeature features[3], HmlEncoding encoding)
{
	static const char *const groups[] = {"0", "A", "B"};
	size_t width = encoding == HML_ENCODE_ONEHOT ? 3 : 1;

	memset(pipeline, 0, sizeof(*pipeline));
	memset(features, 0, 3 * sizeof(features[0]));
	features[0] = (HmlFeature){.column = {.name = "age", .kind = HML_COLUMN_NUMERIC},
							   .first_input = 0,
							   .n_inputs = 1,
							   .fill = 54,
							   .offset = 50.5,
							   .scale = 0.07};
	features[1] = (HmlFeature){.column = {.name = "smoker", .kind = HML_COLUMN_BOOLEAN},
							   .first_input = 1,
							   .n_inputs = 1,
							   .fill = 0,
							   .scale = 1};
	features[2] = (HmlFeature){.column = {.name = "blood \"group\"", .kind = HML_COLUMN_CATEGORY},
							   .first_input = 2,
							   .n_inputs = width,
							   .fill = 1,
							   .offset = 0.25,
							   .scale = 2};
	features[2].column.categories.count = 3;
	features[2].column.categories.texts = (const char **) (uintptr_t) groups;
	*pipeline = (HmlPipeline){.imputation = HML_IMPUTE_MEDIAN,
							  .scaling = HML_SCALE_STANDARD,
							  .encoding = encoding,
							  .n_features = 3,
							  .features = features,
							  .n_inputs = 2 + width};
}

#define PIPELINE_CASE 180 /* and the next: numbers in the golden file */
#define N_PIPELINES 2

/* Two rows of features; NaN is missing, also a category that training did not see. */
static const double pipeline_rows[SAMPLES][3] = {{61.25, 1, 2}, {NAN, NAN, NAN}};

/* The network, pipeline and regression's scale of a case, as a file. */
static void
write_pipeline_case(size_t number, Case *c, HmlPipeline *pipeline, HmlFeature features[3], HmlWriter *writer)
{
	static const char *const specs[N_PIPELINES] = {"{\"input\":[5],\"layers\":[{\"op\":\"dense\",\"units\":7}"
												   ",{\"op\":\"silu\"},{\"op\":\"dense\",\"units\":2}]}",
												   "{\"input\":[3],\"layers\":[{\"op\":\"dense\",\"units\":4}"
												   ",{\"op\":\"tanh\"},{\"op\":\"dense\",\"units\":1}]}"};
	HmlOnnxExport what;

	make_pipeline(pipeline, features, number == 0 ? HML_ENCODE_ONEHOT : HML_ENCODE_ORDINAL);
	setup(c, specs[number]);
	what = hml_onnx_export_defaults(c->network, c->weights);
	what.pipeline = pipeline;
	what.scale = number == 0 ? 1 : 12.5;
	what.offset = number == 0 ? 0 : 130;
	hml_writer_init(writer, &c->ctx);
	assert_ok(&c->ctx, hml_onnx_write(&c->ctx, &what, writer));
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
write_case(const char *folder, size_t number, const char *spec)
{
	Case c;
	HmlOnnxExport what;
	HmlWriter writer;

	setup(&c, spec);
	what = hml_onnx_export_defaults(c.network, c.weights);
	hml_writer_init(&writer, &c.ctx);
	assert_ok(&c.ctx, hml_onnx_write(&c.ctx, &what, &writer));
	write_file(folder, number, "onnx", writer.data, writer.length);
	write_file(folder, number, "json", spec, strlen(spec));
	for (size_t i = 0; i < c.network->n_inputs; i++)
	{
		char ending[32];

		snprintf(ending, sizeof(ending), "input%zu", i);
		write_file(folder, number, ending, c.inputs[i],
				   SAMPLES * hml_shape_size(&c.network->nodes[i].shape) * sizeof(float));
	}
	hml_writer_free(&writer);
	teardown(&c);
}

static void
write_cases(const char *folder)
{
	for (size_t i = 0; case_spec(i) != NULL; i++)
		write_case(folder, i, case_spec(i));
	for (size_t i = 0; i < N_PIPELINES; i++)
	{
		Case c;
		HmlPipeline pipeline;
		HmlFeature features[3];
		HmlWriter writer;

		write_pipeline_case(i, &c, &pipeline, features, &writer);
		write_file(folder, PIPELINE_CASE + i, "onnx", writer.data, writer.length);
		write_file(folder, PIPELINE_CASE + i, "input0", pipeline_rows, sizeof(pipeline_rows));
		hml_writer_free(&writer);
		teardown(&c);
	}
}

/* ---- what ONNX Runtime computed --------------------------------------------------------------------- */

/* A line of the golden file: values of one case. */
typedef struct Golden
{
	unsigned crc;
	size_t count;
	double *values;
} Golden;

static Golden golden[MAX_CASES];

static int
read_golden(void **state)
{
	FILE *file = fopen("test/golden/nn_onnx.txt", "r");
	size_t number;

	(void) state;
	assert_non_null(file);
	assert_int_equal(fscanf(file, "#%*[^\n]\n"), 0);
	while (fscanf(file, "%zu", &number) == 1)
	{
		Golden *g = &golden[number];

		assert_true(number < MAX_CASES);
		assert_int_equal(fscanf(file, "%x %zu", &g->crc, &g->count), 2);
		g->values = calloc(g->count, sizeof(double));
		for (size_t i = 0; i < g->count; i++)
			assert_int_equal(fscanf(file, "%lf", &g->values[i]), 1);
	}
	fclose(file);
	return 0;
}

static int
free_golden(void **state)
{
	(void) state;
	for (size_t i = 0; i < MAX_CASES; i++)
		free(golden[i].values);
	return 0;
}

static void
run(Case *c, const HmlNetwork *network, const float *weights, const float *const *inputs, float *output)
{
	HmlPlan *plan;
	void *scratch;

	assert_ok(&c->ctx, hml_plan_create(c->arena, network, weights, &plan));
	assert_ok(&c->ctx, hml_alloc(&c->ctx, 1, hml_plan_scratch_size(plan), &scratch));
	assert_ok(&c->ctx, hml_plan_run(plan, &c->ctx, scratch, inputs, SAMPLES, output));
	hml_free(&c->ctx, scratch);
}

static void
compare(const char *what, const char *spec, const float *got, const double *wanted, size_t count)
{
	double largest = 1;

	for (size_t i = 0; i < count; i++)
		largest = fmax(largest, fabs(wanted[i]));
	for (size_t i = 0; i < count; i++)
		if (!(fabs((double) got[i] - wanted[i]) <= 1e-5 * largest))
			fail_msg("%s %s: [%zu] is %g, not %g", what, spec, i, (double) got[i], wanted[i]);
}

/* Every operator that there is can be written and read: its own cases give the same before and after. */
static void
check_operator(const char *spec)
{
	Case c;
	HmlOnnxExport what;
	HmlOnnxImport read;
	HmlWriter writer;
	double *wanted;

	setup(&c, spec);
	assert_ok(&c.ctx, HML_ARENA_NEW(c.arena, &wanted, SAMPLES * c.out));
	run(&c, c.network, c.weights, (const float *const *) c.inputs, c.output);
	for (size_t i = 0; i < SAMPLES * c.out; i++)
		wanted[i] = (double) c.output[i];
	what = hml_onnx_export_defaults(c.network, c.weights);
	hml_writer_init(&writer, &c.ctx);
	if (hml_onnx_write(&c.ctx, &what, &writer) != HML_OK ||
		hml_onnx_read(c.arena, writer.data, writer.length, &read) != HML_OK)
		fail_msg("%s: %s", spec, c.ctx.message);
	run(&c, read.network, read.weights, (const float *const *) c.inputs, c.output);
	compare("read again:", spec, c.output, wanted, SAMPLES * c.out);
	hml_writer_free(&writer);
	teardown(&c);
}

static void
every_operator_survives(void **state)
{
	(void) state;
	for (size_t i = 0; hml_ops[i] != NULL; i++)
		for (size_t k = 0; hml_ops[i]->cases[k] != NULL; k++)
			check_operator(hml_ops[i]->cases[k]);
}

/* The network itself, and what is read from its file, give what ONNX Runtime gives. */
static void
check_case(size_t number, const char *spec)
{
	Case c;
	HmlOnnxExport what;
	HmlOnnxImport read;
	HmlWriter writer;

	setup(&c, spec);
	assert_int_equal(golden[number].count, SAMPLES * c.out);
	run(&c, c.network, c.weights, (const float *const *) c.inputs, c.output);
	compare("engine:", spec, c.output, golden[number].values, SAMPLES * c.out);

	what = hml_onnx_export_defaults(c.network, c.weights);
	hml_writer_init(&writer, &c.ctx);
	assert_ok(&c.ctx, hml_onnx_write(&c.ctx, &what, &writer));
	if (hml_crc32c(writer.data, writer.length) != golden[number].crc)
		fail_msg("the file of %s has changed: run test/golden/make_nn_onnx.py", spec);
	if (hml_onnx_read(c.arena, writer.data, writer.length, &read) != HML_OK)
		fail_msg("%s: %s", spec, c.ctx.message);
	assert_null(read.fill);
	run(&c, read.network, read.weights, (const float *const *) c.inputs, c.output);
	compare("read again:", spec, c.output, golden[number].values, SAMPLES * c.out);
	hml_writer_free(&writer);
	teardown(&c);
}

/* What the pipeline makes of the rows, as the network's inputs. */
static void
apply_pipeline(Case *c, const HmlPipeline *pipeline, float *inputs)
{
	double row[8];

	for (size_t i = 0; i < SAMPLES; i++)
	{
		assert_ok(&c->ctx, hml_pipeline_apply(pipeline, &c->ctx, pipeline_rows[i], row, NULL));
		for (size_t k = 0; k < pipeline->n_inputs; k++)
			inputs[i * pipeline->n_inputs + k] = (float) row[k];
	}
}

static void
check_pipeline_case(size_t number)
{
	const Golden *g = &golden[PIPELINE_CASE + number];
	Case c;
	HmlPipeline pipeline;
	HmlFeature features[3];
	HmlWriter writer;
	HmlOnnxImport read;

	write_pipeline_case(number, &c, &pipeline, features, &writer);
	assert_int_equal(hml_crc32c(writer.data, writer.length), g->crc);
	assert_int_equal(g->count, SAMPLES * c.out);
	apply_pipeline(&c, &pipeline, c.inputs[0]);
	run(&c, c.network, c.weights, (const float *const *) c.inputs, c.output);
	for (size_t i = 0; i < g->count; i++)
		assert_close((double) c.output[i] * (number == 0 ? 1 : 12.5) + (number == 0 ? 0 : 130), g->values[i],
					 1e-5);

	/* read again: numbers are filled in and scaled; categories are none of the engine's operators */
	if (number == 0)
	{
		assert_status(&c.ctx, hml_onnx_read(c.arena, writer.data, writer.length, &read), HML_UNSUPPORTED);
		assert_message(&c.ctx, "\"Gather\"");
	}
	else
	{
		assert_ok(&c.ctx, hml_onnx_read(c.arena, writer.data, writer.length, &read));
		for (size_t i = 0; i < SAMPLES; i++)
			for (size_t k = 0; k < 3; k++)
			{
				double value = pipeline_rows[i][k];

				assert_true(read.fill[k] == features[k].fill);
				value = isnan(value) ? read.fill[k] : value;
				c.inputs[0][i * 3 + k] = (float) ((value - read.offset[k]) * read.scale[k]);
			}
		run(&c, read.network, read.weights, (const float *const *) c.inputs, c.output);
		compare("read again:", "pipeline", c.output, g->values, g->count);
	}
	hml_writer_free(&writer);
	teardown(&c);
}

static void
files_compute_the_same_everywhere(void **state)
{
	(void) state;
	for (size_t i = 0; case_spec(i) != NULL; i++)
		check_case(i, case_spec(i));
}

static void
pipelines_compute_the_same_everywhere(void **state)
{
	(void) state;
	for (size_t i = 0; i < N_PIPELINES; i++)
		check_pipeline_case(i);
}

/* ---- networks trained elsewhere --------------------------------------------------------------------- */

static unsigned char *
read_whole(HmlContext *ctx, const char *path, size_t *length)
{
	FILE *file = fopen(path, "rb");
	unsigned char *bytes;
	long size;

	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	size = ftell(file);
	rewind(file);
	assert_ok(ctx, hml_alloc(ctx, (size_t) size, 1, (void **) &bytes));
	assert_int_equal(fread(bytes, 1, (size_t) size, file), (size_t) size);
	fclose(file);
	*length = (size_t) size;
	return bytes;
}

/* Inputs and outputs of two samples, as test/golden/make_onnx_models.py has written them. */
static void
read_samples(Case *c, const char *path, float **inputs, double **outputs, size_t *n_inputs, size_t *n_outputs)
{
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%zu %zu", n_inputs, n_outputs), 2);
	assert_ok(&c->ctx, HML_ARENA_NEW(c->arena, inputs, *n_inputs));
	assert_ok(&c->ctx, HML_ARENA_NEW(c->arena, outputs, *n_outputs));
	for (size_t i = 0; i < *n_inputs; i++)
		assert_int_equal(fscanf(file, "%f", &(*inputs)[i]), 1);
	for (size_t i = 0; i < *n_outputs; i++)
		assert_int_equal(fscanf(file, "%lf", &(*outputs)[i]), 1);
	fclose(file);
}

static void
check_foreign(const char *name)
{
	char path[128];
	Case c;
	HmlOnnxImport read;
	unsigned char *bytes;
	size_t length;
	float *inputs;
	double *outputs;
	size_t n_inputs;
	size_t n_outputs;

	test_host_init(&c.host, &c.ctx);
	assert_ok(&c.ctx, hml_arena_create(&c.ctx, &c.arena));
	snprintf(path, sizeof(path), "test/golden/onnx/%s.onnx", name);
	bytes = read_whole(&c.ctx, path, &length);
	snprintf(path, sizeof(path), "test/golden/onnx/%s.txt", name);
	read_samples(&c, path, &inputs, &outputs, &n_inputs, &n_outputs);
	if (hml_onnx_read(c.arena, bytes, length, &read) != HML_OK)
		fail_msg("%s: %s", name, c.ctx.message);
	hml_free(&c.ctx, bytes);

	assert_int_equal(read.network->n_inputs, 1);
	assert_int_equal(SAMPLES * hml_shape_size(&read.network->nodes[0].shape), n_inputs);
	assert_int_equal(SAMPLES * hml_shape_size(&read.network->nodes[read.network->output].shape), n_outputs);
	assert_ok(&c.ctx, HML_ARENA_NEW(c.arena, &c.output, n_outputs));
	run(&c, read.network, read.weights, (const float *const *) &inputs, c.output);
	compare("import of", name, c.output, outputs, n_outputs);
	teardown(&c);
}

static void
networks_from_elsewhere_are_read(void **state)
{
	static const char *const names[] = {"pytorch_signal",    "pytorch_image",    "pytorch_autoencoder",
										"pytorch_attention", "pytorch_residual", "sklearn_binary",
										"sklearn_classes",   "sklearn_value",    "keras_image"};

	(void) state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		check_foreign(names[i]);
}

/* What stood apart in the file is one operator again, and a bias belongs to its layer. */
static void
files_become_our_operators(void **state)
{
	static const char *const image_ops[] = {"conv2d",          "silu",    "max_pool", "conv2d", "gelu",
											"global_avg_pool", "reshape", "dense",    "sigmoid"};
	Case c;
	HmlOnnxImport read;
	unsigned char *bytes;
	size_t length;

	(void) state;
	test_host_init(&c.host, &c.ctx);
	assert_ok(&c.ctx, hml_arena_create(&c.ctx, &c.arena));
	bytes = read_whole(&c.ctx, "test/golden/onnx/pytorch_image.onnx", &length);
	assert_ok(&c.ctx, hml_onnx_read(c.arena, bytes, length, &read));
	hml_free(&c.ctx, bytes);
	assert_int_equal(read.network->n_nodes, 1 + sizeof(image_ops) / sizeof(image_ops[0]));
	for (size_t i = 1; i < read.network->n_nodes; i++)
		assert_string_equal(read.network->nodes[i].op->name, image_ops[i - 1]);

	bytes = read_whole(&c.ctx, "test/golden/onnx/sklearn_binary.onnx", &length);
	assert_ok(&c.ctx, hml_onnx_read(c.arena, bytes, length, &read));
	hml_free(&c.ctx, bytes);
	/* the scaler is two batch norms; 1 - p is not imported */
	assert_int_equal(read.network->n_nodes, 7);
	assert_string_equal(read.network->nodes[1].op->name, "batch_norm");
	assert_string_equal(read.network->nodes[2].op->name, "batch_norm");
	assert_string_equal(read.network->nodes[6].op->name, "sigmoid");
	assert_true(read.is_pair);
	teardown(&c);
}

/* ---- what is refused -------------------------------------------------------------------------------- */

/* A file of one node, from x (n, 3) to y, written by hand. */
static void
write_small(OnnxOut *out, HmlWriter *writer, const char *op, const char *input)
{
	static const size_t dims[1] = {3};
	size_t graph;
	size_t node;

	graph = hml_begin_message(writer, ONNX_MODEL_GRAPH);
	hml_onnx_value_info(out, ONNX_GRAPH_INPUT, "x", ONNX_FLOAT, dims, 1);
	node = hml_onnx_begin_node(out, op, "y");
	hml_onnx_input(out, input);
	hml_onnx_end_node(out, node);
	hml_onnx_value_info(out, ONNX_GRAPH_OUTPUT, "y", ONNX_FLOAT, dims, 1);
	hml_end_message(writer, graph);
}

static void
check_refusal(const char *op, const char *input, HmlStatus status, const char *message)
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlWriter writer;
	OnnxOut out;
	HmlOnnxImport read;

	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	hml_writer_init(&writer, &ctx);
	out = (OnnxOut){&ctx, arena, &writer};
	write_small(&out, &writer, op, input);
	assert_status(&ctx, hml_onnx_read(arena, writer.data, writer.length, &read), status);
	if (status != HML_OK)
		assert_message(&ctx, message);
	hml_writer_free(&writer);
	hml_arena_free(arena);
	test_host_finish(&host, &ctx);
}

static void
the_first_unknown_operator_is_named(void **state)
{
	(void) state;
	check_refusal("Relu", "x", HML_OK, NULL);
	check_refusal("Einsum", "x", HML_UNSUPPORTED, "\"Einsum\" (node \"y\")");
	check_refusal("Loop", "x", HML_UNSUPPORTED, "\"Loop\"");
	/* a cycle, and a value that nobody makes */
	check_refusal("Relu", "y", HML_UNSUPPORTED, "depends on");
	check_refusal("Relu", "z", HML_UNSUPPORTED, "depends on");
}

/* Bytes in hexadecimal are no file; each is refused for the reason given. */
static void
check_bytes(const char *hex, HmlStatus status, const char *message)
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlOnnxImport read;
	unsigned char bytes[128];
	size_t length = strlen(hex) / 2;

	for (size_t i = 0; i < length; i++)
	{
		unsigned byte;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		bytes[i] = (unsigned char) byte;
	}
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	assert_status(&ctx, hml_onnx_read(arena, bytes, length, &read), status);
	assert_message(&ctx, message);
	hml_arena_free(arena);
	test_host_finish(&host, &ctx);
}

static void
hostile_bytes_are_refused(void **state)
{
	(void) state;
	check_bytes("", HML_CORRUPT, "no graph");
	check_bytes("89504e470d0a1a0a", HML_CORRUPT, ""); /* a PNG */
	check_bytes("3a05", HML_CORRUPT, "ends within");  /* a graph that is cut off */
	check_bytes("3aff", HML_CORRUPT, "");
	check_bytes("3a00", HML_UNSUPPORTED, "no output");
	check_bytes("3a003a00", HML_CORRUPT, "two graphs");
	check_bytes("3b", HML_CORRUPT, "wire type"); /* a group, which protocol buffers once had */
	check_bytes("80808080808080808080808001", HML_CORRUPT, "number");
	/* a tensor of 2^62 elements without any; of -1; in another file; sparse */
	check_bytes("3a102a0e0880808080808080804010014a00", HML_CORRUPT, "elements");
	check_bytes("3a112a0f08ffffffffffffffffff0110014a00", HML_CORRUPT, "impossible dimensions");
	check_bytes("3a042a027001", HML_UNSUPPORTED, "other files");
	check_bytes("3a027a00", HML_UNSUPPORTED, "sparse");
}

/* Every byte of a file changed, and the file cut off after every byte: an error or a network, never a crash. */
static void
damaged_files_do_no_harm(void **state)
{
	TestHost host;
	HmlContext ctx;
	unsigned char *bytes;
	size_t length;

	(void) state;
	test_host_init(&host, &ctx);
	bytes = read_whole(&ctx, "test/golden/onnx/pytorch_image.onnx", &length);
	ctx.memory_limit = 64 << 20;
	for (size_t i = 0; i < length; i++)
		for (int kind = 0; kind < 3; kind++)
		{
			unsigned char old = bytes[i];
			HmlArena *arena;
			HmlOnnxImport read;

			assert_ok(&ctx, hml_arena_create(&ctx, &arena));
			bytes[i] = kind == 0 ? old : kind == 1 ? old ^ 0xff : old ^ 1;
			if (hml_onnx_read(arena, bytes, kind == 0 ? i : length, &read) != HML_OK)
				assert_true(ctx.message[0] != '\0');
			else
				assert_non_null(read.network);
			bytes[i] = old;
			hml_arena_free(arena);
		}
	hml_free(&ctx, bytes);
	test_host_finish(&host, &ctx);
}

/* ---- failures of the host --------------------------------------------------------------------------- */

static HmlStatus
write_and_read(HmlContext *ctx, void *argument)
{
	static const char spec[] =
		"{\"input\":[4,6],\"layers\":[{\"op\":\"gru\",\"units\":3},{\"op\":\"dense\",\"units\":2},"
		"{\"op\":\"gelu\"}]}";
	HmlArena *arena;
	HmlNetwork *network;
	HmlWriter writer;
	HmlOnnxImport read;
	float *weights;
	HmlStatus status;

	(void) argument;
	hml_writer_init(&writer, ctx);
	HML_TRY(hml_arena_create(ctx, &arena));
	status = hml_network_parse(arena, spec, strlen(spec), &network);
	if (status == HML_OK)
		status = HML_ARENA_NEW_ZERO(arena, &weights, network->n_weights);
	if (status == HML_OK)
	{
		HmlOnnxExport what = hml_onnx_export_defaults(network, weights);

		status = hml_onnx_write(ctx, &what, &writer);
	}
	if (status == HML_OK)
		status = hml_onnx_read(arena, writer.data, writer.length, &read);
	hml_writer_free(&writer);
	hml_arena_free(arena);
	return status;
}

static void
every_allocation_may_fail(void **state)
{
	(void) state;
	test_allocation_sweep(write_and_read, NULL);
}

static void
every_poll_may_cancel(void **state)
{
	(void) state;
	test_cancellation_sweep(write_and_read, NULL);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operator_survives),
		cmocka_unit_test(files_compute_the_same_everywhere),
		cmocka_unit_test(pipelines_compute_the_same_everywhere),
		cmocka_unit_test(networks_from_elsewhere_are_read),
		cmocka_unit_test(files_become_our_operators),
		cmocka_unit_test(the_first_unknown_operator_is_named),
		cmocka_unit_test(hostile_bytes_are_refused),
		cmocka_unit_test(damaged_files_do_no_harm),
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(every_poll_may_cancel),
	};

	if (getenv("HEALTHML_ONNX_OUT") != NULL)
	{
		write_cases(getenv("HEALTHML_ONNX_OUT"));
		return 0;
	}
	return cmocka_run_group_tests(tests, read_golden, free_golden);
}
