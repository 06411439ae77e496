/*
 * test_identity.c
 *	  Models of a seed are the same bytes as in version 0.1.0, before the core was
 *	  divided into rooms and networks were shared between algorithms.
 *
 * The checksums below were taken then.  Bytes of a network depend on more than
 * this library: on the kernels of the processor, which the test caps at portable
 * C, on whether the compiler contracts products and sums, which it may do on other
 * processors than x86-64, and on the C library's exp, log, tanh and the like.  So
 * the last two are probed first, and where they differ from those of then the
 * test only checks that training twice gives the same bytes.
 */
#include "unit/model_support.h"
#include "unit/support.h"

#include "core/base/cpu.h"
#include "core/base/crc32c.h"
#include "core/base/rng.h"
#include "core/heart/heart_features.h"

#define ROWS 300
#define COLUMNS 6
#define PROBED 2000
#define PROBE 0xd0ef2d03u /* checksum of the C library's functions */

typedef enum TargetKind
{
	TARGET_FLAG,
	TARGET_CLASSES,
	TARGET_VALUE
} TargetKind;

typedef struct Expected
{
	const char *algorithm;
	const char *params;
	TargetKind target;
	size_t length; /* of the artifact */
	uint32_t crc;
} Expected;

static const Expected expected[] = {
	{"isolation_forest", "{\"seed\": 3}", TARGET_FLAG, 183830, 0x7796ea79},
	{"mlp", "{\"seed\": 3, \"epochs\": 8}", TARGET_FLAG, 21093, 0x26ee33bf},
	{"mlp", "{\"seed\": 3, \"epochs\": 8}", TARGET_CLASSES, 21245, 0x41007380},
	{"mlp", "{\"seed\": 3, \"epochs\": 8}", TARGET_VALUE, 21045, 0xb17cfb82},
	{"autoencoder", "{\"seed\": 3, \"epochs\": 8}", TARGET_FLAG, 29290, 0x5c125a12},
	{"heart_sound_cnn", "{\"seed\": 3, \"epochs\": 3}", TARGET_FLAG, 37056, 0x697d82d1},
};

typedef struct Fixture
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlFrame *frame;
} Fixture;

/* ---- data: made of sums and products alone -------------------------------------------------------- */

static void
set_columns(Fixture *f, size_t n_columns, TargetKind kind)
{
	bool is_heart = n_columns == HML_HEART_FEATURES;
	char name[16];

	assert_ok(&f->ctx,
			  hml_frame_create(&f->ctx,
							   &(HmlFrameSpec){.n_columns = n_columns, .roles = {HML_ROLE_TARGET}, .seed = 1},
							   &f->frame));
	for (size_t c = 0; c < n_columns; c++)
	{
		snprintf(name, sizeof(name), "x%zu", c);
		assert_ok(&f->ctx,
				  hml_frame_set_column(f->frame, c, is_heart ? hml_heart_feature_names[c] : name,
									   !is_heart && c == 2 ? HML_COLUMN_CATEGORY : HML_COLUMN_NUMERIC));
	}
	assert_ok(&f->ctx,
			  hml_frame_set_column(f->frame, n_columns, "target",
								   kind == TARGET_CLASSES ? HML_COLUMN_CATEGORY : HML_COLUMN_NUMERIC));
}

static double
code(Fixture *f, size_t column, uint64_t of)
{
	static const char *const names[] = {"north", "south", "east", "west"};
	double result;

	assert_ok(&f->ctx, hml_frame_category(f->frame, column, names[of], strlen(names[of]), &result));
	return result;
}

static void
add_row(Fixture *f, size_t n_columns, TargetKind kind, HmlRng *rng)
{
	double values[HML_HEART_FEATURES + COLUMNS];
	double sum = 0;

	for (size_t c = 0; c < n_columns; c++)
	{
		values[c] = 2 * hml_rng_uniform(rng) - 1;
		if (c < COLUMNS)
			sum += c % 3 == 0 ? values[c] : values[c] * values[c] / 2;
	}
	if (n_columns == COLUMNS)
	{
		values[2] = code(f, 2, hml_rng_below(rng, 4));
		values[5] = hml_rng_below(rng, 10) == 0 ? NAN : values[5];
	}
	if (kind == TARGET_FLAG)
		sum = sum > 0.3;
	else if (kind == TARGET_CLASSES)
		sum = code(f, n_columns, sum < 0 ? 0 : sum < 0.6 ? 1 : 2);
	assert_ok(&f->ctx, hml_frame_add(f->frame, values, &sum));
}

static void
setup(Fixture *f, const Expected *e)
{
	size_t n_columns = strcmp(e->algorithm, "heart_sound_cnn") == 0 ? HML_HEART_FEATURES : COLUMNS;
	HmlRng rng;

	test_host_init(&f->host, &f->ctx);
	assert_ok(&f->ctx, hml_arena_create(&f->ctx, &f->arena));
	set_columns(f, n_columns, e->target);
	hml_rng_seed(&rng, 9);
	for (size_t i = 0; i < ROWS; i++)
		add_row(f, n_columns, e->target, &rng);
}

static void
teardown(Fixture *f)
{
	hml_frame_free(f->frame);
	hml_arena_free(f->arena);
	test_host_finish(&f->host, &f->ctx);
}

/* ---- the machine ---------------------------------------------------------------------------------- */

static bool
is_that_machine(void)
{
#ifdef __x86_64__
	double results[10];
	uint32_t crc = 0;
	HmlRng rng;

	hml_rng_seed(&rng, 1);
	for (int i = 0; i < PROBED; i++)
	{
		double x = 8 * hml_rng_uniform(&rng) - 4;
		double all[] = {exp(x),
						log(fabs(x) + 1),
						tanh(x),
						pow(fabs(x), 1.7),
						sin(x),
						cos(x),
						exp2(x),
						(double) expf((float) x),
						(double) tanhf((float) x),
						log1p(fabs(x))};

		memcpy(results, all, sizeof(results));
		crc = crc * 31 + hml_crc32c(results, sizeof(results));
	}
	return crc == PROBE;
#else
	return false;
#endif
}

/* ---- models --------------------------------------------------------------------------------------- */

static void
write_artifact(Fixture *f, const Expected *e, size_t *length, uint32_t *crc)
{
	HmlModel *model;
	HmlModel *copy;
	HmlWriter writer;
	HmlWriter again;

	assert_ok(&f->ctx,
			  train_model(f->arena, hml_algorithm_find(e->algorithm), f->frame, e->params, NULL, &model));
	hml_writer_init(&writer, &f->ctx);
	assert_ok(&f->ctx, hml_model_write(model, &writer));
	assert_ok(&f->ctx, hml_model_read(&f->ctx, writer.data, writer.length, &copy));
	hml_writer_init(&again, &f->ctx);
	assert_ok(&f->ctx, hml_model_write(copy, &again));
	assert_int_equal(again.length, writer.length);
	assert_memory_equal(again.data, writer.data, writer.length);
	*length = writer.length;
	*crc = hml_crc32c(writer.data, writer.length);
	hml_writer_free(&writer);
	hml_writer_free(&again);
	hml_model_free(model);
	hml_model_free(copy);
}

static void
test_identity(void **state)
{
	bool comparable = is_that_machine();

	(void) state;
	hml_cpu_cap_level(1);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
	{
		const Expected *e = &expected[i];
		size_t length;
		size_t length_again;
		uint32_t crc;
		uint32_t crc_again;
		Fixture f;

		setup(&f, e);
		write_artifact(&f, e, &length, &crc);
		if (!comparable)
		{
			write_artifact(&f, e, &length_again, &crc_again);
			assert_int_equal(length, length_again);
			assert_int_equal(crc, crc_again);
		}
		teardown(&f);
		if (!comparable)
			continue;
		if (length != e->length || crc != e->crc)
			fail_msg("artifact %zu, %s: %zu bytes with checksum %#x", i, e->algorithm, length, crc);
	}
	hml_cpu_cap_level(4);
	if (!comparable)
	{
		print_message("# skipped: the artifacts were made with another library or processor\n");
		skip();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity),
	};

	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
