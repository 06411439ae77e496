/*
 * test_ocsvm.c
 *	  The algorithm "one_class_svm": libsvm's decisions, small caches, what it keeps and refuses.
 */
#include "unit/forest_support.h"
#include "unit/model_support.h"
#include "unit/support.h"

#include "core/learn/ocsvm/ocsvm.h"
#include "core/learn/ocsvm/ocsvm_solve.h"
#include "core/model/verdict.h"

#define N 500
#define ALL 560
#define D 5
#define STRIDE 512
#define TOLERANCE 1e-4       /* of decisions by rbf, and of small ones */
#define LARGE_TOLERANCE 1e-6 /* of the largest one, for kernels without bound: float32 has 24 bits */

static float points[D * STRIDE];
static float rows[ALL * D];

typedef struct Case
{
	const char *name;
	HmlKernelSpec kernel; /* gamma 0 = scale */
	double nu;
	double tolerance;
	bool shrinking;
} Case;

static const Case cases[] = {
	{"rbf", {HML_KERNEL_RBF, 0, 0, 3}, 0.1, 1e-3, true},
	{"rbf_tight", {HML_KERNEL_RBF, 0, 0, 3}, 0.1, 1e-6, true},
	{"rbf_auto", {HML_KERNEL_RBF, 1.0 / D, 0, 3}, 0.5, 1e-3, true},
	{"rbf_number", {HML_KERNEL_RBF, 0.02, 0, 3}, 0.03, 1e-3, false},
	{"linear", {HML_KERNEL_LINEAR, 1, 0, 3}, 0.2, 1e-6, true},
	{"poly", {HML_KERNEL_POLY, 0.1, 1, 3}, 0.1, 1e-6, true},
	{"sigmoid", {HML_KERNEL_SIGMOID, 0.01, 0.1, 3}, 0.2, 1e-6, true},
};

static TestTable *
read_rows(void)
{
	TestTable *table = test_read_table("test/golden/ocsvm.csv");

	assert_int_equal(table->rows, ALL);
	for (size_t i = 0; i < ALL; i++)
		for (size_t j = 0; j < D; j++)
		{
			rows[i * D + j] = (float) test_number(table, i, j);
			if (i < N)
				points[j * STRIDE + i] = rows[i * D + j];
		}
	return table;
}

static double
gamma_scale(void)
{
	double sum = 0;
	double squares = 0;

	for (size_t i = 0; i < N * D; i++)
	{
		sum += (double) rows[i];
		squares += (double) rows[i] * (double) rows[i];
	}
	return 1.0 / (D * (squares / (N * D) - sum / (N * D) * (sum / (N * D))));
}

static HmlOcsvmProblem
problem_of(const Case *c, size_t cache_rows)
{
	HmlOcsvmProblem problem = {.kernel = c->kernel,
							   .n = N,
							   .n_inputs = D,
							   .stride = STRIDE,
							   .points = points,
							   .nu = c->nu,
							   .tolerance = c->tolerance,
							   .max_iterations = -1,
							   .shrinking = c->shrinking,
							   .cache_bytes = cache_rows * N * sizeof(float)};

	if (problem.kernel.gamma == 0)
		problem.kernel.gamma = gamma_scale();
	return problem;
}

static double
decision_of(const HmlOcsvmProblem *problem, const HmlOcsvmSolution *solution, const float *row)
{
	float kernel[N];
	double decision = -solution->rho;

	hml_kernel_row(&problem->kernel, points, D, STRIDE, N, row, kernel);
	for (size_t i = 0; i < N; i++)
		decision += solution->alpha[i] * (double) kernel[i];
	return decision;
}

static void
check_case(const Case *c, const TestTable *table, size_t cache_rows)
{
	TestHost host;
	HmlContext ctx;
	double alpha[N];
	double sum = 0;
	double largest = 0;
	double unit;
	HmlOcsvmSolution solution = {.alpha = alpha};
	HmlOcsvmProblem problem = problem_of(c, cache_rows);

	test_host_init(&host, &ctx);
	assert_ok(&ctx, hml_ocsvm_solve(&ctx, &problem, &solution));
	assert_true(solution.converged);
	for (size_t i = 0; i < N; i++)
	{
		assert_true(alpha[i] >= 0 && alpha[i] <= 1);
		sum += alpha[i];
	}
	assert_close(sum, c->nu * N, 1e-9);
	for (size_t i = 0; i < ALL; i++)
		largest = fmax(largest, fabs(test_number(table, i, test_column(table, c->name))));
	unit = fmax(1, largest * LARGE_TOLERANCE / TOLERANCE);
	for (size_t i = 0; i < ALL; i++)
		test_close(decision_of(&problem, &solution, rows + i * D) / unit,
				   test_number(table, i, test_column(table, c->name)) / unit, TOLERANCE, c->name, __FILE__,
				   __LINE__);
	test_host_finish(&host, &ctx);
}

static void
test_libsvm(void **state)
{
	TestTable *table = read_rows();

	(void) state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++)
		check_case(&cases[c], table, N);
	test_free_table(table);
}

/* The answer does not depend on how many rows of the kernel matrix fit. */
static void
test_small_cache(void **state)
{
	TestTable *table = read_rows();

	(void) state;
	check_case(&cases[0], table, 0);
	check_case(&cases[2], table, 7);
	test_free_table(table);
}

static HmlStatus
solve_work(HmlContext *ctx, void *argument)
{
	double alpha[N];
	HmlOcsvmSolution solution = {.alpha = alpha};
	HmlOcsvmProblem problem = problem_of(argument, 20);

	problem.n = 60;
	return hml_ocsvm_solve(ctx, &problem, &solution);
}

static void
test_sweeps(void **state)
{
	Case c = cases[0];

	(void) state;
	test_free_table(read_rows());
	test_allocation_sweep(solve_work, &c);
	test_cancellation_sweep(solve_work, &c);
}

/* ---- the algorithm --------------------------------------------------------------------------------- */

typedef struct Fixture
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlFrame *frame;
	HmlText metrics;
} Fixture;

static void
setup(Fixture *f, size_t n)
{
	test_host_init(&f->host, &f->ctx);
	assert_ok(&f->ctx, hml_arena_create(&f->ctx, &f->arena));
	assert_ok(&f->ctx, forest_frame(&f->ctx, n, 4, 7, &f->frame));
	hml_text_init(&f->metrics, &f->ctx);
}

static void
teardown(Fixture *f)
{
	hml_text_free(&f->metrics);
	hml_frame_free(f->frame);
	hml_arena_free(f->arena);
	test_host_finish(&f->host, &f->ctx);
}

static void
score_rows(Fixture *f, const HmlModel *model, const double *inputs, size_t n, double *scores)
{
	HmlSamples samples = hml_sample_rows(inputs, n);
	void *scratch;

	assert_ok(&f->ctx, hml_alloc(&f->ctx, 1, model->algorithm->scratch_size(model), &scratch));
	assert_ok(&f->ctx, hml_model_outputs(model, &f->ctx, scratch, &samples, scores));
	hml_free(&f->ctx, scratch);
}

/* The scores of the same rows, before and after the artifact, bit for bit; far away is more unusual. */
static void
test_artifact(void **state)
{
	static const double inputs[] = {0, 0, 0, 0, 9, -9, 9, 9};
	Fixture f;
	HmlModel *model;
	HmlModel *copy;
	HmlWriter writer;
	double before[2];
	double after[2];

	(void) state;
	setup(&f, 300);
	assert_ok(&f.ctx, train_model(f.arena, &hml_one_class_svm, f.frame, "{\"nu\": 0.1}", &f.metrics, &model));
	score_rows(&f, model, inputs, 2, before);
	assert_true(before[0] < 0.5 && before[1] > 0.5);
	assert_true(metric_of(f.arena, &f.metrics, "support_vectors") >= 30);
	hml_writer_init(&writer, &f.ctx);
	assert_ok(&f.ctx, hml_model_write(model, &writer));
	assert_ok(&f.ctx, hml_model_read(&f.ctx, writer.data, writer.length, &copy));
	score_rows(&f, copy, inputs, 2, after);
	assert_memory_equal(before, after, sizeof(before));
	hml_model_free(copy);
	hml_writer_free(&writer);
	hml_model_free(model);
	teardown(&f);
}

static void
test_refusals(void **state)
{
	static const char *const bad[] = {"{\"nu\": 0}", "{\"nu\": 1.5}", "{\"gamma\": 0}",
									  "{\"kernel\": \"cubic\"}", "{\"degree\": 0}"};
	Fixture f;
	HmlModel *model;

	(void) state;
	setup(&f, 50);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_status(&f.ctx, train_model(f.arena, &hml_one_class_svm, f.frame, bad[i], &f.metrics, &model),
					  HML_INVALID_ARGUMENT);
	assert_ok(&f.ctx, train_model(f.arena, &hml_one_class_svm, f.frame, "{\"max_iter\": 2, \"nu\": 0.5}",
								  &f.metrics, &model));
	assert_close(metric_of(f.arena, &f.metrics, "converged"), 0, 0);
	hml_model_free(model);
	teardown(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_libsvm),   cmocka_unit_test(test_small_cache), cmocka_unit_test(test_sweeps),
		cmocka_unit_test(test_artifact), cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
