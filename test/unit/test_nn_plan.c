/*
 * test_nn_plan.c
 *	  Plans against hml_pass_forward(), which computes one operator after the other:
 *	  every operator's own cases, and networks that are fused, viewed, framed and
 *	  converted in every way, on every variant of the kernels.
 */
#include "unit/nn_specs.h"
#include "unit/model_support.h"
#include "unit/support.h"

#include "core/base/cpu.h"
#include "core/nn/graph/optable.h"
#include "core/nn/train/pass.h"
#include "core/nn/plan/plan.h"

#define MAX_SAMPLES 5

typedef struct Case
{
	HmlContext *ctx;
	HmlArena *arena;
	HmlNetwork *network;
	float *weights;
	float *inputs[HML_MAX_NETWORK_INPUTS];
	float *expected;
	float *output;
	size_t out;
} Case;

static void
run_pass(const Case *c)
{
	HmlPassOptions options = {.batch = MAX_SAMPLES, .loss_node = c->network->output};
	HmlPass *pass;

	assert_ok(c->ctx, hml_pass_create(c->ctx, c->network, &options, &pass));
	assert_ok(c->ctx, hml_pass_forward(pass, c->weights, (const float *const *) c->inputs, MAX_SAMPLES));
	memcpy(c->expected, hml_pass_output(pass), MAX_SAMPLES * c->out * sizeof(float));
	hml_pass_free(pass);
}

static void
run_plan(const Case *c, const char *spec)
{
	HmlPlan *plan;
	void *scratch;
	float *alone;
	double largest = 1e-3;

	assert_ok(c->ctx, hml_plan_create(c->arena, c->network, c->weights, &plan));
	assert_ok(c->ctx, hml_alloc(c->ctx, 1, hml_plan_scratch_size(plan), &scratch));
	assert_ok(c->ctx, HML_ARENA_NEW(c->arena, &alone, c->out));
	memset(scratch, 0xff, hml_plan_scratch_size(plan)); /* NaN: what lay there must not matter */
	for (size_t i = 0; i < MAX_SAMPLES * c->out; i++)
		largest = fmax(largest, fabs((double) c->expected[i]));
	for (size_t n = 1; n <= MAX_SAMPLES; n += MAX_SAMPLES - 1)
		for (int again = 0; again < 2; again++)
		{
			memset(c->output, 0xff, MAX_SAMPLES * c->out * sizeof(float));
			assert_ok(c->ctx,
					  hml_plan_run(plan, c->ctx, scratch, (const float *const *) c->inputs, n, c->output));
			for (size_t i = 0; i < n * c->out; i++)
				if (!(fabs((double) c->output[i] - (double) c->expected[i]) <= 2e-5 * largest))
					fail_msg("level %d, %zu samples of %s: [%zu] is %g, not %g", hml_cpu_level(), n, spec, i,
							 (double) c->output[i], (double) c->expected[i]);
			for (size_t i = n * c->out; i < MAX_SAMPLES * c->out; i++)
				assert_true(isnan(c->output[i]));
			if (n == 1)
				memcpy(alone, c->output, c->out * sizeof(float));
			else /* a sample does not depend on those beside it */
				assert_memory_equal(alone, c->output, c->out * sizeof(float));
		}
	hml_free(c->ctx, scratch);
}

static void
check(const char *spec)
{
	TestHost host;
	HmlContext ctx;
	Case c = {.ctx = &ctx};

	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &c.arena));
	assert_ok(&ctx, hml_network_parse(c.arena, spec, strlen(spec), &c.network));
	c.out = hml_shape_size(&c.network->nodes[c.network->output].shape);
	assert_ok(&ctx, HML_ARENA_NEW(c.arena, &c.weights, c.network->n_weights));
	assert_ok(&ctx, HML_ARENA_NEW(c.arena, &c.expected, MAX_SAMPLES * c.out));
	assert_ok(&ctx, HML_ARENA_NEW(c.arena, &c.output, MAX_SAMPLES * c.out));
	for (size_t i = 0; i < c.network->n_inputs; i++)
	{
		size_t size = MAX_SAMPLES * hml_shape_size(&c.network->nodes[i].shape);

		assert_ok(&ctx, HML_ARENA_NEW(c.arena, &c.inputs[i], size));
		fill_numbers(c.inputs[i], size, (uint32_t) i + 17);
	}
	assert_ok(&ctx, hml_network_init(c.network, 1, c.weights));
	disturb_weights(c.network, c.weights);
	run_pass(&c);
	for (int level = 1; level <= 4; level++)
	{
		hml_cpu_cap_level(level);
		run_plan(&c, spec);
	}
	hml_arena_free(c.arena);
	test_host_finish(&host, &ctx);
}

static void
every_operator(void **state)
{
	(void) state;
	for (size_t i = 0; hml_ops[i] != NULL; i++)
		for (size_t k = 0; hml_ops[i]->cases[k] != NULL; k++)
			check(hml_ops[i]->cases[k]);
}

static void
networks(void **state)
{
	(void) state;
	for (size_t i = 0; nn_operator_specs[i] != NULL; i++)
		check(nn_operator_specs[i]);
	for (size_t i = 0; nn_network_specs[i] != NULL; i++)
		check(nn_network_specs[i]);
}
/* ---- failures --------------------------------------------------------------------------------------- */

static const char work_spec[] = SIGNAL
	"{\"op\":\"conv1d\",\"filters\":8,\"kernel_size\":3,\"padding\":1},{\"op\":\"batch_norm\"},{\"op\":"
	"\"relu\"},{\"op\":\"transpose\",\"perm\":[1,0]},{\"op\":\"gru\",\"units\":9},{\"op\":\"softmax\"}]}";

static HmlStatus
make_plan(HmlContext *ctx, HmlArena *arena, HmlPlan **out)
{
	HmlNetwork *network;
	float *weights;

	HML_TRY(hml_network_parse(arena, work_spec, strlen(work_spec), &network));
	HML_TRY(HML_ARENA_NEW(arena, &weights, network->n_weights));
	HML_TRY(hml_network_init(network, 1, weights));
	HML_TRY(hml_plan_create(arena, network, weights, out));
	return hml_poll(ctx);
}

static HmlStatus
make_and_run(HmlContext *ctx, void *argument)
{
	static const float zeros[5 * 40];
	const float *inputs[] = {zeros};
	float output[9];
	HmlArena *arena;
	HmlPlan *plan;
	void *scratch = NULL;
	HmlStatus status;

	(void) argument;
	HML_TRY(hml_arena_create(ctx, &arena));
	status = make_plan(ctx, arena, &plan);
	if (status == HML_OK)
		status = hml_alloc(ctx, 1, hml_plan_scratch_size(plan), &scratch);
	if (status == HML_OK)
		status = hml_plan_run(plan, ctx, scratch, inputs, 1, output);
	hml_free(ctx, scratch);
	hml_arena_free(arena);
	return status;
}

static void
every_allocation_may_fail(void **state)
{
	(void) state;
	test_allocation_sweep(make_and_run, NULL);
}

static void
every_poll_may_cancel(void **state)
{
	(void) state;
	test_cancellation_sweep(make_and_run, NULL);
}

/* A call allocates nothing. */
static void
calls_allocate_nothing(void **state)
{
	static const float zeros[5 * 40];
	const float *inputs[] = {zeros};
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlPlan *plan;
	void *scratch;
	float output[9];
	size_t allocations;

	(void) state;
	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_arena_create(&ctx, &arena));
	assert_ok(&ctx, make_plan(&ctx, arena, &plan));
	assert_ok(&ctx, hml_alloc(&ctx, 1, hml_plan_scratch_size(plan), &scratch));
	allocations = host.allocations;
	for (int i = 0; i < 3; i++)
		assert_ok(&ctx, hml_plan_run(plan, &ctx, scratch, inputs, 1, output));
	assert_int_equal(host.allocations, allocations);
	hml_free(&ctx, scratch);
	hml_arena_free(arena);
	test_host_finish(&host, &ctx);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operator),
		cmocka_unit_test(networks),
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(every_poll_may_cancel),
		cmocka_unit_test(calls_allocate_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
