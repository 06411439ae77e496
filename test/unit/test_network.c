/*
 * test_network.c
 *	  Networks from specifications: what is built, what is refused, what is written.
 */
#include "unit/support.h"

#include "core/nn/graph/network.h"

#define DENSE_4 "{\"op\":\"dense\",\"units\":4}"

/* ---- what is built --------------------------------------------------------------------------------- */

typedef struct Built
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlNetwork *network;
} Built;

static void
build(Built *built, const char *spec)
{
	test_host_init(&built->host, &built->ctx);
	assert_ok(&built->ctx, hml_arena_create(&built->ctx, &built->arena));
	assert_ok(&built->ctx, hml_network_parse(built->arena, spec, strlen(spec), &built->network));
}

static void
release(Built *built)
{
	hml_arena_free(built->arena);
	test_host_finish(&built->host, &built->ctx);
}

static void
test_chain(void **state)
{
	Built b;
	const HmlNode *dense;

	(void) state;
	build(&b, "{\"input\":[13],\"layers\":[{\"op\":\"dense\",\"units\":64},{\"op\":\"relu\"},"
			  "{\"op\":\"dense\",\"units\":1,\"name\":\"risk\"},{\"op\":\"sigmoid\"}]}");
	assert_int_equal(b.network->n_nodes, 5);
	assert_int_equal(b.network->output, 4);
	assert_int_equal(b.network->n_trainable, 13 * 64 + 64 + 64 + 1);
	assert_int_equal(b.network->n_weights, b.network->n_trainable);
	dense = hml_network_find(b.network, "dense_1");
	assert_non_null(dense);
	assert_string_equal(dense->op->name, "dense");
	assert_int_equal(dense->shape.dims[0], 64);
	assert_string_equal(dense->parameters[1].name, "bias");
	assert_int_equal(dense->parameters[1].offset, 13 * 64);
	assert_close(dense->flops, 2.0 * 13 * 64, 0);
	assert_non_null(hml_network_find(b.network, "risk"));
	assert_null(hml_network_find(b.network, "nobody"));
	release(&b);
}

/* State lies after all trainable parameters. */
static void
test_state_comes_last(void **state)
{
	Built b;
	const HmlNode *norm;

	(void) state;
	build(&b, "{\"input\":[3],\"layers\":[{\"op\":\"batch_norm\"}," DENSE_4 "]}");
	norm = hml_network_find(b.network, "batch_norm_1");
	assert_int_equal(b.network->n_trainable, 3 + 3 + 12 + 4);
	assert_int_equal(b.network->n_weights, b.network->n_trainable + 6);
	assert_string_equal(norm->parameters[2].name, "running_mean");
	assert_false(norm->parameters[2].trainable);
	assert_int_equal(norm->parameters[2].offset, b.network->n_trainable);
	assert_int_equal(norm->parameters[3].offset, b.network->n_trainable + 3);
	release(&b);
}

/* Layers may be in any order; a default name gives way to a given one. */
static void
test_graph(void **state)
{
	Built b;

	(void) state;
	build(&b, "{\"inputs\":{\"ecg\":[2,8],\"age\":[1]},\"layers\":["
			  "{\"op\":\"concat\",\"name\":\"both\",\"inputs\":[\"pooled\",\"age\"]},"
			  "{\"op\":\"dense\",\"units\":1,\"name\":\"out\"},"
			  "{\"op\":\"global_avg_pool\",\"name\":\"pooled\",\"inputs\":\"tanh_1\"},"
			  "{\"op\":\"tanh\",\"inputs\":[\"ecg\"]}],\"output\":\"out\"}");
	assert_string_equal(b.network->nodes[0].name, "ecg");
	assert_string_equal(b.network->nodes[1].name, "age");
	assert_string_equal(b.network->nodes[b.network->output].name, "out");
	for (size_t i = 0; i < b.network->n_nodes; i++)
		for (size_t k = 0; k < b.network->nodes[i].n_inputs; k++)
			assert_true(b.network->nodes[i].inputs[k] < i);
	assert_int_equal(hml_network_find(b.network, "both")->shape.dims[0], 3);
	assert_int_equal(hml_network_find(b.network, "age")->n_readers, 1);
	release(&b);

	build(&b, "{\"input\":[3],\"layers\":[{\"op\":\"relu\"},{\"op\":\"tanh\",\"name\":\"relu_1\"}]}");
	assert_string_equal(b.network->nodes[1].name, "relu_2");
	release(&b);
}

static void
test_windows(void **state)
{
	static const struct
	{
		const char *layer;
		size_t height, width;
	} cases[] = {
		{"\"kernel_size\":3", 18, 8},
		{"\"kernel_size\":3,\"padding\":\"same\"", 20, 10},
		{"\"kernel_size\":[4,1],\"padding\":\"same\",\"dilation\":2", 20, 10},
		{"\"kernel_size\":3,\"stride\":[3,2],\"padding\":1", 7, 5},
		{"\"kernel_size\":3,\"stride\":2,\"padding\":[0,1,2,1]", 10, 5},
		{"\"kernel_size\":[5,3],\"dilation\":[2,4]", 12, 2},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
	{
		char spec[256];
		Built b;

		snprintf(spec, sizeof(spec),
				 "{\"input\":[4,20,10],\"layers\":[{\"op\":\"conv2d\",\"filters\":6,%s}]}", cases[i].layer);
		build(&b, spec);
		assert_int_equal(b.network->nodes[1].shape.dims[0], 6);
		assert_int_equal(b.network->nodes[1].shape.dims[1], cases[i].height);
		assert_int_equal(b.network->nodes[1].shape.dims[2], cases[i].width);
		release(&b);
	}
}

/* ---- what is refused ------------------------------------------------------------------------------- */

static void
test_mistakes(void **state)
{
	static const struct
	{
		const char *spec;
		HmlStatus status;
		const char *message;
	} cases[] = {
		{"[1]", HML_INVALID_ARGUMENT, "a network must be a JSON object, but is of type array"},
		{"{\"input\":[3]", HML_INVALID_DATA, "line 1"},
		{"{\"input\":[3]}", HML_INVALID_ARGUMENT, "a network must have \"layers\""},
		{"{\"layers\":[" DENSE_4 "]}", HML_INVALID_ARGUMENT, "either \"input\""},
		{"{\"input\":[3],\"inputs\":{\"a\":[3]},\"layers\":[" DENSE_4 "]}", HML_INVALID_ARGUMENT,
		 "either \"input\""},
		{"{\"input\":[3],\"layers\":[]}", HML_INVALID_ARGUMENT, "at least one layer"},
		{"{\"input\":[3],\"layers\":[" DENSE_4 "],\"outputs\":[]}", HML_UNDEFINED, "no member \"outputs\""},
		{"{\"input\":[0],\"layers\":[" DENSE_4 "]}", HML_INVALID_ARGUMENT, "the shape of input \"input\""},
		{"{\"input\":[1.5],\"layers\":[" DENSE_4 "]}", HML_INVALID_ARGUMENT, "the shape of input \"input\""},
		{"{\"input\":[1,1,1,1,1],\"layers\":[" DENSE_4 "]}", HML_INVALID_ARGUMENT, "1 to 4 whole numbers"},
		{"{\"input\":[100000,100000],\"layers\":[" DENSE_4 "]}", HML_INVALID_ARGUMENT, "product of at most"},
		{"{\"input\":[3],\"layers\":[{\"op\":\"dens\"}]}", HML_UNDEFINED,
		 "unknown operator \"dens\" in layer 1"},
		{"{\"input\":[3],\"layers\":[{\"op\":\"dens\"}]}", HML_UNDEFINED, "batch_norm, concat, conv1d"},
		{"{\"input\":[3],\"layers\":[7]}", HML_INVALID_ARGUMENT, "layer 1 must be an object"},
		{"{\"input\":[3],\"layers\":[{\"op\":\"dense\",\"unit\":4}]}", HML_UNDEFINED,
		 "layer \"dense_1\": operator \"dense\" has no attribute \"unit\""},
		{"{\"input\":[3],\"layers\":[{\"op\":\"dense\",\"unit\":4}]}", HML_UNDEFINED, "\"units\", \"bias\""},
		{"{\"input\":[3],\"layers\":[{\"op\":\"relu\",\"unit\":4}]}", HML_UNDEFINED, "has no attributes"},
		{"{\"input\":[3],\"layers\":[{\"op\":\"dense\"}]}", HML_INVALID_ARGUMENT,
		 "needs the attribute \"units\""},
		{"{\"input\":[3],\"layers\":[{\"op\":\"dense\",\"units\":0}]}", HML_INVALID_ARGUMENT,
		 "\"units\" must be a whole number from 1 to 1048576, not 0"},
		{"{\"input\":[3],\"layers\":[{\"op\":\"dense\",\"units\":2.5}]}", HML_INVALID_ARGUMENT, "not 2.5"},
		{"{\"input\":[3],\"layers\":[{\"op\":\"dense\",\"units\":\"many\"}]}", HML_INVALID_ARGUMENT,
		 "not \"many\""},
		{"{\"input\":[3],\"layers\":[{\"op\":\"dense\",\"units\":[4]}]}", HML_INVALID_ARGUMENT,
		 "not a value of type array"},
		{"{\"input\":[3],\"layers\":[{\"op\":\"dense\",\"units\":4,\"bias\":1}]}", HML_INVALID_ARGUMENT,
		 "\"bias\" must be true or false"},
		{"{\"input\":[3],\"layers\":[{\"op\":\"dense\",\"units\":4,\"init\":\"xavier\"}]}",
		 HML_INVALID_ARGUMENT, "one of he|glorot|torch|zeros, not \"xavier\""},
		{"{\"input\":[3],\"layers\":[{\"op\":\"reshape\",\"shape\":[1,1,1,1,3]}]}", HML_INVALID_ARGUMENT,
		 "must have 1 to 4 numbers, not 5"},
		{"{\"input\":[3],\"layers\":[{\"op\":\"reshape\",\"shape\":[2,-1]}]}", HML_INVALID_ARGUMENT,
		 "layer \"reshape_1\": an input of shape (3) does not fit"},
		{"{\"input\":[3],\"layers\":[{\"op\":\"reshape\",\"shape\":[-1,-1]}]}", HML_INVALID_ARGUMENT,
		 "only one"},
		{"{\"input\":[3],\"layers\":[{\"op\":\"conv2d\",\"filters\":4,\"kernel_size\":3}]}",
		 HML_INVALID_ARGUMENT,
		 "conv2d needs an input of shape (channels, height, width), but \"input\" has (3)"},
		{"{\"input\":[3,4],\"layers\":[{\"op\":\"conv1d\",\"filters\":4,\"kernel_size\":5}]}",
		 HML_INVALID_ARGUMENT, "a window of 5 does not fit into 4"},
		{"{\"input\":[3,4],\"layers\":[{\"op\":\"conv1d\",\"filters\":4,\"kernel_size\":[3,3]}]}",
		 HML_INVALID_ARGUMENT, "\"kernel_size\" has 2 numbers for 1 directions"},
		{"{\"input\":[3,9],\"layers\":[{\"op\":\"conv1d\",\"filters\":4,\"kernel_size\":3,\"groups\":2}]}",
		 HML_INVALID_ARGUMENT, "2 groups do not divide 3 input channels and 4 filters"},
		{"{\"input\":[3,9],\"layers\":[{\"op\":\"conv1d\",\"filters\":4,\"kernel_size\":3,\"padding\":3}]}",
		 HML_INVALID_ARGUMENT, "a padding of 3 is too much for a window of 3"},
		{"{\"input\":[3,9],\"layers\":[{\"op\":\"conv1d\",\"filters\":4,\"kernel_size\":3,\"padding\":"
		 "\"same\","
		 "\"stride\":2}]}",
		 HML_INVALID_ARGUMENT, "padding \"same\" needs a stride of 1"},
		{"{\"input\":[3,9],\"layers\":[{\"op\":\"transpose\",\"perm\":[0,0]}]}", HML_INVALID_ARGUMENT,
		 "each of the 2 axes once"},
		{"{\"input\":[9],\"layers\":[{\"op\":\"slice\",\"start\":5,\"end\":3}]}", HML_INVALID_ARGUMENT,
		 "a slice from 5 to 3 does not fit a dimension of 9"},
		{"{\"input\":[9],\"layers\":[{\"op\":\"slice\",\"axis\":1}]}", HML_INVALID_ARGUMENT,
		 "axis 1 is out of range for 1 dimensions"},
		{"{\"input\":[9],\"layers\":[{\"op\":\"concat\"}]}", HML_INVALID_ARGUMENT,
		 "takes 2 to 16 inputs, not 1"},
		{"{\"inputs\":{\"a\":[2,3],\"b\":[2,4]},\"layers\":[{\"op\":\"concat\",\"inputs\":[\"a\",\"b\"]}]}",
		 HML_INVALID_ARGUMENT, "layer \"concat_1\": shapes (2,3) and (2,4) differ in more than axis 0"},
		{"{\"inputs\":{\"a\":[2,3],\"b\":[2,4]},\"layers\":[{\"op\":\"add\",\"inputs\":[\"a\",\"b\"]}]}",
		 HML_INVALID_ARGUMENT, "shapes (2,3) and (2,4) do not match"},
		{"{\"inputs\":{\"a\":[2],\"b\":[2]},\"layers\":[{\"op\":\"relu\"}]}", HML_INVALID_ARGUMENT,
		 "must say which of the network's inputs it takes"},
		{"{\"input\":[3],\"layers\":[{\"op\":\"relu\",\"inputs\":[\"inputt\"]}]}", HML_UNDEFINED,
		 "layer \"relu_1\" takes its input from \"inputt\", which is neither a layer nor an input"},
		{"{\"input\":[3],\"layers\":[{\"op\":\"relu\",\"inputs\":[1]}]}", HML_INVALID_ARGUMENT,
		 "\"inputs\" of layer \"relu_1\" must be names of layers, not of type number"},
		{"{\"input\":[3],\"layers\":[{\"op\":\"relu\",\"name\":\"a\"},{\"op\":\"tanh\",\"name\":\"a\"}]}",
		 HML_INVALID_ARGUMENT, "the name \"a\" is used twice"},
		{"{\"input\":[3],\"layers\":[{\"op\":\"relu\",\"name\":\"\"}]}", HML_INVALID_ARGUMENT,
		 "1 to 63 bytes"},
		{"{\"input\":[3],\"layers\":[{\"op\":\"relu\",\"name\":5}]}", HML_INVALID_ARGUMENT,
		 "must be a string"},
		{"{\"input\":[3],\"layers\":[{\"op\":\"add\",\"name\":\"a\",\"inputs\":[\"input\",\"b\"]},"
		 "{\"op\":\"relu\",\"name\":\"b\",\"inputs\":[\"a\"]}]}",
		 HML_INVALID_ARGUMENT, "the network has a cycle through layer"},
		{"{\"input\":[3],\"layers\":[{\"op\":\"relu\",\"inputs\":[\"relu_1\"]}]}", HML_INVALID_ARGUMENT,
		 "cycle"},
		{"{\"input\":[3],\"layers\":[{\"op\":\"relu\"},{\"op\":\"tanh\",\"inputs\":[\"input\"]}]}",
		 HML_INVALID_ARGUMENT, "layer \"relu_1\" is used by no other layer"},
		{"{\"inputs\":{\"a\":[3],\"b\":[3]},\"layers\":[{\"op\":\"relu\",\"inputs\":[\"a\"]}]}",
		 HML_INVALID_ARGUMENT, "input \"b\" is used by no other layer"},
		{"{\"input\":[3],\"layers\":[{\"op\":\"relu\"}],\"output\":\"input\"}", HML_UNDEFINED, "\"output\""},
		{"{\"input\":[1000000],\"layers\":[{\"op\":\"dense\",\"units\":1000000}]}", HML_LIMIT,
		 "layer \"dense_1\" alone has more than 500000000 parameters"},
		{"{\"input\":[20000],\"layers\":[{\"op\":\"dense\",\"units\":20000},{\"op\":\"dense\",\"units\":"
		 "20000}]}",
		 HML_LIMIT, "more than 500000000 parameters up to layer \"dense_2\""},
		{"{\"input\":[1048576,8],\"layers\":[{\"op\":\"dense\",\"units\":1024}]}", HML_LIMIT,
		 "the output (1048576,1024) of layer \"dense_1\" has more than"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
	{
		Built b;

		test_host_init(&b.host, &b.ctx);
		assert_ok(&b.ctx, hml_arena_create(&b.ctx, &b.arena));
		assert_status(&b.ctx, hml_network_parse(b.arena, cases[i].spec, strlen(cases[i].spec), &b.network),
					  cases[i].status);
		assert_message(&b.ctx, cases[i].message);
		release(&b);
	}
}

static void
test_too_many_layers(void **state)
{
	size_t size = 30 * (HML_MAX_LAYERS + 1) + 100;
	char *spec = malloc(size);
	size_t length;
	Built b;

	(void) state;
	assert_non_null(spec);
	for (int extra = 0; extra <= 1; extra++)
	{
		length = (size_t) snprintf(spec, size, "{\"input\":[3],\"layers\":[{\"op\":\"relu\"}");
		for (size_t i = 1; i < HML_MAX_LAYERS + (size_t) extra; i++)
			length += (size_t) snprintf(spec + length, size - length, ",{\"op\":\"relu\"}");
		snprintf(spec + length, size - length, "]}");
		test_host_init(&b.host, &b.ctx);
		assert_ok(&b.ctx, hml_arena_create(&b.ctx, &b.arena));
		assert_status(&b.ctx, hml_network_parse(b.arena, spec, strlen(spec), &b.network),
					  extra ? HML_LIMIT : HML_OK);
		release(&b);
	}
	free(spec);
}

/* ---- what is written ------------------------------------------------------------------------------- */

static const char every_kind[] =
	"{\"inputs\":{\"x\":[2,12,10],\"age\":[1]},\"layers\":["
	"{\"op\":\"conv2d\",\"filters\":4,\"kernel_size\":[3,1],\"padding\":\"same\",\"inputs\":[\"x\"]},"
	"{\"op\":\"max_pool\",\"kernel_size\":2,\"padding\":[0,1,1,0]},"
	"{\"op\":\"batch_norm\",\"eps\":0.001},{\"op\":\"leaky_relu\"},{\"op\":\"flatten\"},"
	"{\"op\":\"reshape\",\"shape\":[-1,4]},{\"op\":\"gru\",\"units\":3,\"bidirectional\":true},"
	"{\"op\":\"concat\",\"inputs\":[\"gru_1\",\"age\"]},{\"op\":\"dense\",\"units\":2,\"init\":\"glorot\"}]}";

static char *
canonical(HmlContext *ctx, const HmlNetwork *network)
{
	HmlText text;
	const char *spec;
	char *copy;

	hml_text_init(&text, ctx);
	hml_network_spec(network, &text);
	assert_ok(ctx, hml_text_finish(&text, &spec));
	copy = malloc(strlen(spec) + 1);
	assert_non_null(copy);
	strcpy(copy, spec);
	hml_text_free(&text);
	return copy;
}

static void
test_canonical_form(void **state)
{
	Built first;
	Built second;
	char *once;
	char *twice;

	(void) state;
	build(&first, every_kind);
	once = canonical(&first.ctx, first.network);
	build(&second, once);
	twice = canonical(&second.ctx, second.network);
	assert_string_equal(once, twice);
	assert_int_equal(first.network->n_weights, second.network->n_weights);
	assert_non_null(strstr(once, "\"padding\":\"same\""));
	assert_non_null(strstr(once, "\"padding\":[0,1,1,0]"));
	assert_non_null(strstr(once, "\"init\":\"glorot\""));
	assert_non_null(strstr(once, "\"momentum\":0.1"));
	assert_null(strstr(once, "\"stride\":null"));
	free(once);
	free(twice);
	release(&second);
	release(&first);
}

static void
test_initial_weights(void **state)
{
	Built b;
	float *weights;
	float *again;
	size_t bytes;
	double sum = 0;
	double squares = 0;

	(void) state;
	build(&b, "{\"input\":[200],\"layers\":[{\"op\":\"dense\",\"units\":300},{\"op\":\"batch_norm\"}]}");
	bytes = b.network->n_weights * sizeof(float);
	weights = malloc(bytes);
	again = malloc(bytes);
	assert_ok(&b.ctx, hml_network_init(b.network, 7, weights));
	assert_ok(&b.ctx, hml_network_init(b.network, 7, again));
	assert_memory_equal(weights, again, bytes);
	assert_ok(&b.ctx, hml_network_init(b.network, 8, again));
	assert_memory_not_equal(weights, again, bytes);
	for (size_t i = 0; i < 200 * 300; i++)
	{
		sum += (double) weights[i];
		squares += (double) weights[i] * (double) weights[i];
	}
	assert_close(sum / 60000, 0, 2e-3);
	assert_close(squares / 60000, 2.0 / 200, 3e-4); /* He */
	for (size_t i = 0; i < 300; i++)
	{
		assert_true(fabsf(weights[60000 + i]) <= 1 / sqrtf(200)); /* bias */
		assert_float_equal(weights[60300 + i], 1, 0);             /* gain */
		assert_float_equal(weights[60600 + i], 0, 0);             /* shift */
		assert_float_equal(weights[60900 + i], 0, 0);             /* running mean */
		assert_float_equal(weights[61200 + i], 1, 0);             /* running variance */
	}
	free(weights);
	free(again);
	release(&b);
}

/* Write, read, and then read with every byte cut off and every byte changed. */
static void
test_bytes(void **state)
{
	Built b;
	HmlWriter writer;
	HmlReader reader;
	HmlArena *arena;
	HmlNetwork *network;
	float *weights;
	float *read;
	unsigned char *bytes;

	(void) state;
	build(&b, every_kind);
	weights = malloc(b.network->n_weights * sizeof(float));
	assert_ok(&b.ctx, hml_network_init(b.network, 1, weights));
	hml_writer_init(&writer, &b.ctx);
	hml_network_write(b.network, weights, &writer);
	assert_ok(&b.ctx, hml_writer_finish(&writer));

	assert_ok(&b.ctx, hml_arena_create(&b.ctx, &arena));
	hml_reader_init(&reader, &b.ctx, writer.data, writer.length, "network");
	assert_ok(&b.ctx, hml_network_read(arena, &reader, &network, &read));
	assert_ok(&b.ctx, hml_read_end(&reader));
	assert_int_equal(network->n_weights, b.network->n_weights);
	assert_memory_equal(read, weights, network->n_weights * sizeof(float));
	hml_arena_free(arena);

	for (size_t length = 0; length < writer.length; length++)
	{
		assert_ok(&b.ctx, hml_arena_create(&b.ctx, &arena));
		hml_reader_init(&reader, &b.ctx, writer.data, length, "network");
		assert_status(&b.ctx, hml_network_read(arena, &reader, &network, &read), HML_CORRUPT);
		hml_arena_free(arena);
	}
	bytes = malloc(writer.length);
	for (size_t i = 0; i < writer.length; i++)
	{
		memcpy(bytes, writer.data, writer.length);
		bytes[i] ^= 0x20;
		assert_ok(&b.ctx, hml_arena_create(&b.ctx, &arena));
		hml_reader_init(&reader, &b.ctx, bytes, writer.length, "network");
		if (hml_network_read(arena, &reader, &network, &read) == HML_OK)
			assert_int_equal(network->n_weights, b.network->n_weights);
		hml_arena_free(arena);
	}
	weights[3] = NAN;
	writer.length = 0;
	hml_network_write(b.network, weights, &writer);
	assert_ok(&b.ctx, hml_arena_create(&b.ctx, &arena));
	hml_reader_init(&reader, &b.ctx, writer.data, writer.length, "network");
	assert_status(&b.ctx, hml_network_read(arena, &reader, &network, &read), HML_CORRUPT);
	assert_message(&b.ctx, "not finite");
	hml_arena_free(arena);
	free(bytes);
	free(weights);
	hml_writer_free(&writer);
	release(&b);
}

static HmlStatus
build_write_and_read(HmlContext *ctx, void *argument)
{
	HmlArena *arena = NULL;
	HmlNetwork *network;
	HmlWriter writer;
	HmlReader reader;
	float *weights = NULL;
	HmlStatus status;

	hml_writer_init(&writer, ctx);
	status = hml_arena_create(ctx, &arena);
	if (status == HML_OK)
		status = hml_network_parse(arena, argument, strlen(argument), &network);
	if (status == HML_OK)
		status = HML_ARENA_NEW_ZERO(arena, &weights, network->n_weights);
	if (status == HML_OK)
	{
		hml_network_write(network, weights, &writer);
		status = hml_writer_finish(&writer);
	}
	if (status == HML_OK)
	{
		hml_reader_init(&reader, ctx, writer.data, writer.length, "network");
		status = hml_network_read(arena, &reader, &network, &weights);
	}
	hml_writer_free(&writer);
	hml_arena_free(arena);
	return status;
}

static void
test_no_memory(void **state)
{
	char spec[sizeof(every_kind)];

	(void) state;
	memcpy(spec, every_kind, sizeof(every_kind));
	test_allocation_sweep(build_write_and_read, spec);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chain),          cmocka_unit_test(test_state_comes_last),
		cmocka_unit_test(test_graph),          cmocka_unit_test(test_windows),
		cmocka_unit_test(test_mistakes),       cmocka_unit_test(test_too_many_layers),
		cmocka_unit_test(test_canonical_form), cmocka_unit_test(test_initial_weights),
		cmocka_unit_test(test_bytes),          cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
