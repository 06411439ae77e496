/*
 * test_architectures.c
 *	  The shipped specifications build, and have the sizes that their papers and
 *	  the performance page state.
 */
#include "unit/support.h"

#include "core/nn/graph/architectures.h"
#include "core/nn/graph/network.h"

static const struct
{
	const char *name;
	size_t n_trainable;
	double mflop; /* of forward, per sample */
	double tolerance;
} expected[] = {
	{"mlp", 4 * 64 + 64 + 64 * 32 + 32 + 32 * 16 + 16 + 17, 0.0057, 0.05},
	{"autoencoder", 2 * (13 * 64 + 64 * 32 + 32 * 4) + 64 + 32 + 4 + 32 + 64 + 13, 0.012, 0.05},
	{"cnn2d", 9 * (16 + 16 * 32 + 32 * 64 + 64 * 128) + 2 * 240 + 129, 143, 0.02},
	{"resnet1d_gru", 0, 1080, 0.05},
	{"lstm_autoencoder", 256 * (5 + 64 + 2) + 256 * (64 + 64 + 2) + 65 * 5, 6.1, 0.02},
	{"efficientnet_b0", 4007548 + 1281 * 6, 780, 0.03}, /* torchvision's features, and our head */
};

static void
test_sizes(void **state)
{
	TestHost host;
	HmlContext ctx;

	(void) state;
	test_host_init(&host, &ctx);
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
	{
		HmlArena *arena;
		HmlNetwork *network;
		HmlText text;
		const char *spec;

		assert_string_equal(hml_architectures[i].name, expected[i].name);
		assert_ok(&ctx, hml_arena_create(&ctx, &arena));
		hml_text_init(&text, &ctx);
		hml_architectures[i].write(&text);
		assert_ok(&ctx, hml_text_finish(&text, &spec));
		assert_ok(&ctx, hml_network_parse(arena, spec, strlen(spec), &network));
		if (expected[i].n_trainable > 0)
			assert_int_equal(network->n_trainable, expected[i].n_trainable);
		assert_close(network->flops / 1e6 / expected[i].mflop, 1, expected[i].tolerance);
		hml_text_free(&text);
		hml_arena_free(arena);
	}
	assert_null(hml_architectures[sizeof(expected) / sizeof(*expected)].name);
	test_host_finish(&host, &ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
