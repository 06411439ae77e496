/*
 * test_summary.c
 *	  Clients' summaries against a pipeline that is learnt from the pooled rows.
 */
#include "unit/support.h"

#include "core/base/rng.h"
#include "core/federated/summary.h"
#include "core/model/model.h"

#define CLIENTS 3
#define COLUMNS 3 /* age, smoker, hospital ward */

static const HmlParamSpec *const specs[] = {hml_pipeline_params, NULL};

typedef struct Fixture
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlFrame *sites[CLIENTS];
	HmlFrame *pooled;
} Fixture;

static HmlFrame *
make_frame(HmlContext *ctx)
{
	HmlFrame *frame;

	assert_ok(ctx, hml_frame_create(ctx, &(HmlFrameSpec){.n_columns = COLUMNS}, &frame));
	assert_ok(ctx, hml_frame_set_column(frame, 0, "age", HML_COLUMN_NUMERIC));
	assert_ok(ctx, hml_frame_set_column(frame, 1, "smoker", HML_COLUMN_BOOLEAN));
	assert_ok(ctx, hml_frame_set_column(frame, 2, "ward", HML_COLUMN_CATEGORY));
	return frame;
}

static void
add_row(HmlContext *ctx, HmlFrame *frame, double age, double smoker, const char *ward)
{
	double values[COLUMNS] = {age, smoker, NAN};

	if (ward != NULL)
		assert_ok(ctx, hml_frame_category(frame, 2, ward, strlen(ward), &values[2]));
	assert_ok(ctx, hml_frame_add(frame, values, NULL));
}

/* Sites that differ in size, age, share of missing values and wards. */
static void
setup(Fixture *f)
{
	static const char *const wards[] = {"cardiology", "surgery", "medicine", "emergency"};
	HmlRng rng;

	test_host_init(&f->host, &f->ctx);
	assert_ok(&f->ctx, hml_arena_create(&f->ctx, &f->arena));
	f->pooled = make_frame(&f->ctx);
	hml_rng_seed(&rng, 11);
	for (size_t s = 0; s < CLIENTS; s++)
	{
		f->sites[s] = make_frame(&f->ctx);
		for (size_t i = 0; i < 300 * (s + 1); i++)
		{
			double age = hml_rng_below(&rng, 10) == 0 ? NAN : 50 + 5 * (double) s + 10 * hml_rng_normal(&rng);
			double smoker = hml_rng_uniform(&rng) < 0.3;
			const char *ward = wards[(hml_rng_below(&rng, 3) + s) % 4];

			add_row(&f->ctx, f->sites[s], age, smoker, ward);
			add_row(&f->ctx, f->pooled, age, smoker, ward);
		}
	}
	add_row(&f->ctx, f->sites[0], 40, 0, "a ward with one patient");
}

static void
teardown(Fixture *f)
{
	for (size_t s = 0; s < CLIENTS; s++)
		hml_frame_free(f->sites[s]);
	hml_frame_free(f->pooled);
	hml_arena_free(f->arena);
	test_host_finish(&f->host, &f->ctx);
}

/* Through bytes, as on the way from client to coordinator. */
static const HmlSummary *
travel(Fixture *f, const HmlSummary *summary)
{
	HmlWriter writer;
	HmlReader reader;
	HmlSummary *copy;

	hml_writer_init(&writer, &f->ctx);
	hml_summary_write(summary, &writer);
	assert_ok(&f->ctx, hml_writer_finish(&writer));
	hml_reader_init(&reader, &f->ctx, writer.data, writer.length, "summary");
	assert_ok(&f->ctx, hml_summary_read(f->arena, &reader, &copy));
	for (size_t length = 0; length < writer.length; length++)
	{
		HmlSummary *part;

		hml_reader_init(&reader, &f->ctx, writer.data, length, "summary");
		assert_status(&f->ctx, hml_summary_read(f->arena, &reader, &part), HML_CORRUPT);
	}
	hml_writer_free(&writer);
	return copy;
}

static HmlSummary *
combine_sites(Fixture *f)
{
	const HmlSummary *summaries[CLIENTS];
	HmlSummary *combined;

	for (size_t s = 0; s < CLIENTS; s++)
	{
		HmlSummary *summary;

		assert_ok(&f->ctx, hml_summary_fit(f->arena, f->sites[s], &summary));
		summaries[s] = travel(f, summary);
	}
	assert_ok(&f->ctx, hml_summary_combine(f->arena, summaries, CLIENTS, &combined));
	return combined;
}

static void
test_agreed_pipeline_equals_pooled(void **state)
{
	Fixture f;
	HmlParams *params;
	HmlPipeline *agreed;
	HmlPipeline *pooled;

	(void) state;
	setup(&f);
	assert_ok(&f.ctx, hml_params_parse(f.arena, "mlp", specs, NULL, &params));
	assert_ok(&f.ctx, hml_summary_pipeline(f.arena, combine_sites(&f), params, HML_SCALE_STANDARD, &agreed));
	assert_ok(&f.ctx, hml_pipeline_fit(f.arena, f.pooled, NULL, 0, params, HML_SCALE_STANDARD, &pooled));

	assert_int_equal(agreed->n_inputs, pooled->n_inputs);
	for (size_t i = 0; i < COLUMNS; i++)
	{
		assert_string_equal(agreed->features[i].column.name, pooled->features[i].column.name);
		/* One more patient at the first site than in the pool. */
		assert_true(fabs(agreed->features[i].missing_share - pooled->features[i].missing_share) < 1e-3);
	}
	assert_true(fabs(agreed->features[0].mean - pooled->features[0].mean) < 0.02);
	assert_true(fabs(agreed->features[0].sd - pooled->features[0].sd) < 0.02);
	assert_true(fabs(agreed->features[0].median - pooled->features[0].median) < 0.2);
	assert_true(fabs(agreed->features[0].p05 - pooled->features[0].p05) < 1.0);
	assert_close(agreed->features[1].fill, pooled->features[1].fill, 0);
	assert_close(agreed->features[2].fill, pooled->features[2].fill, 0);

	/* The single patient's ward is no category. */
	assert_int_equal(agreed->features[2].column.categories.count, 4);
	for (size_t code = 0; code < 4; code++)
	{
		assert_string_equal(agreed->features[2].column.categories.texts[code],
							pooled->features[2].column.categories.texts[code]);
		assert_close(agreed->features[2].shares[code], pooled->features[2].shares[code], 1e-12);
	}
	teardown(&f);
}

/* Means and variances of parts give those of the whole exactly. */
static void
test_moments_are_exact(void **state)
{
	Fixture f;
	const HmlSummary *parts[2];
	HmlSummary *part;
	HmlSummary *combined;
	HmlFrame *frames[3];
	double sum = 0;
	double squares = 0;

	(void) state;
	setup(&f);
	for (int i = 0; i < 3; i++)
		frames[i] = make_frame(&f.ctx);
	for (int i = 0; i < 50; i++)
	{
		add_row(&f.ctx, frames[i % 2], 1e6 + i * i, 1, "x");
		sum += 1e6 + i * i;
	}
	for (int i = 0; i < 50; i++)
		squares += (1e6 + i * i - sum / 50) * (1e6 + i * i - sum / 50);
	for (int i = 0; i < 2; i++)
	{
		assert_ok(&f.ctx, hml_summary_fit(f.arena, frames[i], &part));
		parts[i] = part;
	}
	assert_ok(&f.ctx, hml_summary_combine(f.arena, parts, 2, &combined));
	assert_int_equal(combined->features[0].n_values, 50);
	assert_close(combined->features[0].mean, sum / 50, 1e-15);
	assert_close(combined->features[0].squares, squares, 1e-12);

	for (int i = 0; i < 3; i++)
		hml_frame_free(frames[i]);
	teardown(&f);
}

static void
test_refusals(void **state)
{
	Fixture f;
	HmlFrame *small;
	HmlSummary *summary;
	const HmlSummary *two[2];
	HmlParams *params;
	HmlPipeline *pipeline;
	const HmlJson *given;
	const char *minmax = "{\"scale\": \"minmax\"}";

	(void) state;
	setup(&f);
	small = make_frame(&f.ctx);
	for (int i = 0; i < HML_SUMMARY_MIN_ROWS - 1; i++)
		add_row(&f.ctx, small, i, 0, "x");
	assert_status(&f.ctx, hml_summary_fit(f.arena, small, &summary), HML_INVALID_DATA);
	add_row(&f.ctx, small, INFINITY, 0, "x");
	assert_status(&f.ctx, hml_summary_fit(f.arena, small, &summary), HML_INVALID_DATA);
	assert_message(&f.ctx, "age");
	hml_frame_free(small);

	two[0] = combine_sites(&f);
	summary = combine_sites(&f);
	summary->features[1].column.name = "drinker";
	two[1] = summary;
	assert_status(&f.ctx, hml_summary_combine(f.arena, two, 2, &summary), HML_INVALID_DATA);
	assert_message(&f.ctx, "drinker");
	assert_status(&f.ctx, hml_summary_combine(f.arena, two, 0, &summary), HML_INVALID_DATA);

	assert_ok(&f.ctx, hml_json_parse(f.arena, minmax, strlen(minmax), &given));
	assert_ok(&f.ctx, hml_params_parse(f.arena, "mlp", specs, given, &params));
	assert_status(&f.ctx, hml_summary_pipeline(f.arena, two[0], params, HML_SCALE_STANDARD, &pipeline),
				  HML_UNSUPPORTED);
	teardown(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agreed_pipeline_equals_pooled),
		cmocka_unit_test(test_moments_are_exact),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
