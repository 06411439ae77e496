/*
 * test_ensemble.c
 *	  The networks of a model: members and their seeds, inference without
 *	  allocations, bytes.
 */
#include "unit/model_support.h"
#include "unit/support.h"

#include "core/learn/network/ensemble.h"

#define IN 3
#define ROWS 200
#define MEMBERS 3
#define SPEC \
	"{\"input\": [3], \"layers\": [{\"op\": \"dense\", \"units\": 4}, {\"op\": \"tanh\"}, " \
	"{\"op\": \"dense\", \"units\": 2}]}"

typedef struct Fixture
{
	TestHost host;
	HmlContext ctx;
	HmlArena *arena;
	HmlNetwork *network;
	double rows[ROWS * IN];
	int reported;
} Fixture;

static void
setup(Fixture *f)
{
	float numbers[ROWS * IN];

	test_host_init(&f->host, &f->ctx);
	assert_ok(&f->ctx, hml_arena_create(&f->ctx, &f->arena));
	assert_ok(&f->ctx, hml_network_parse(f->arena, SPEC, strlen(SPEC), &f->network));
	fill_numbers(numbers, ROWS * IN, 1);
	for (size_t i = 0; i < ROWS * IN; i++)
		f->rows[i] = (double) numbers[i];
	f->reported = 0;
}

static void
teardown(Fixture *f)
{
	hml_arena_free(f->arena);
	test_host_finish(&f->host, &f->ctx);
}

/* Targets: the first two inputs. */
static HmlStatus
fill_batch(void *user, HmlContext *ctx, const HmlBatch *batch, HmlRng *rng)
{
	const Fixture *f = user;

	(void) ctx;
	(void) rng;
	for (size_t i = 0; i < batch->n; i++)
		for (size_t j = 0; j < IN; j++)
		{
			batch->inputs[0][i * IN + j] = (float) f->rows[batch->rows[i] * IN + j];
			if (j < 2)
				batch->targets[i * 2 + j] = (float) f->rows[batch->rows[i] * IN + j];
		}
	return HML_OK;
}

static HmlStatus
count_epoch(void *user, const HmlEpoch *epoch)
{
	(void) epoch;
	((Fixture *) user)->reported++;
	return HML_OK;
}

static HmlStatus
train(Fixture *f, size_t n_members, uint64_t seed, HmlEnsemble *out)
{
	HmlTrainOptions options = hml_default_train_options();
	HmlDataset dataset = {.n_rows = ROWS, .fill = fill_batch, .user = f};
	HmlTrainResult result;

	options.epochs = 2;
	options.seed = seed;
	options.on_epoch = count_epoch;
	options.on_epoch_user = f;
	HML_TRY(hml_ensemble_create(f->arena, HML_ONLY_NETWORK, f->network, n_members, out));
	HML_TRY(hml_ensemble_train(&f->ctx, out, &options, &dataset, NULL, &result));
	return hml_ensemble_prepare(f->arena, out);
}

/* Sums of all members' outputs, (ROWS, 2). */
static void
add_outputs(void *user, const HmlMemberOutputs *outputs)
{
	double *sums = user;

	for (size_t i = 0; i < outputs->n * 2; i++)
		sums[outputs->first * 2 + i] += (double) outputs->outputs[i];
}

static void
run(Fixture *f, const HmlEnsemble *ensemble, double *sums)
{
	const HmlPipeline plain = {.n_inputs = IN};
	double again[ROWS * 2] = {0};
	float tensors[ROWS * IN];
	void *scratch;
	size_t allocations;

	memset(sums, 0, ROWS * 2 * sizeof(*sums));
	assert_ok(&f->ctx, hml_arena_alloc(f->arena, 1, hml_ensemble_scratch_size(ensemble), &scratch));
	for (size_t i = 0; i < ROWS * IN; i++)
		tensors[i] = (float) f->rows[i];
	allocations = f->host.allocations;
	assert_ok(&f->ctx,
			  hml_ensemble_run_rows(ensemble, &plain, &f->ctx, scratch, f->rows, ROWS, add_outputs, sums));
	assert_ok(&f->ctx,
			  hml_ensemble_run_tensors(ensemble, &f->ctx, scratch, tensors, ROWS, add_outputs, again));
	assert_int_equal(f->host.allocations, allocations);
	assert_memory_equal(sums, again, sizeof(again));
}

/* Members are the networks that their seeds train one by one; the first one reports its epochs. */
static void
test_members(void **state)
{
	Fixture f;
	HmlEnsemble all;
	double together[ROWS * 2];
	double sum[ROWS * 2] = {0};

	(void) state;
	setup(&f);
	assert_ok(&f.ctx, train(&f, MEMBERS, 7, &all));
	assert_int_equal(f.reported, 2);
	for (size_t k = 0; k < MEMBERS; k++)
	{
		HmlEnsemble one;
		double alone[ROWS * 2];

		assert_ok(&f.ctx, train(&f, 1, 7 + k, &one));
		assert_memory_equal(one.weights[0], all.weights[k], f.network->n_weights * sizeof(float));
		run(&f, &one, alone);
		for (size_t i = 0; i < ROWS * 2; i++)
			sum[i] += alone[i];
	}
	run(&f, &all, together);
	assert_memory_equal(together, sum, sizeof(sum));
	assert_true(memcmp(all.weights[0], all.weights[1], f.network->n_weights * sizeof(float)) != 0);
	teardown(&f);
}

static void
test_number_of_members(void **state)
{
	Fixture f;
	HmlEnsemble ensemble;

	(void) state;
	setup(&f);
	assert_status(&f.ctx, hml_ensemble_create(f.arena, HML_ONLY_NETWORK, f.network, 0, &ensemble),
				  HML_INVALID_ARGUMENT);
	assert_status(&f.ctx,
				  hml_ensemble_create(f.arena, HML_ONLY_NETWORK, f.network, HML_MAX_MEMBERS + 1, &ensemble),
				  HML_INVALID_ARGUMENT);
	assert_message(&f.ctx, "there must be from 1 to 16 networks, not 17");
	teardown(&f);
}

static HmlStatus
read_back(Fixture *f, const HmlWriter *writer, size_t length, HmlEnsemble *out)
{
	HmlReader reader;

	hml_reader_init(&reader, &f->ctx, writer->data, length, "networks");
	HML_TRY(hml_ensemble_read(f->arena, &reader, "again", out));
	HML_TRY(hml_ensemble_read_others(f->arena, &reader, out));
	HML_TRY(hml_read_end(&reader));
	return hml_ensemble_prepare(f->arena, out);
}

static void
test_bytes(void **state)
{
	Fixture f;
	HmlEnsemble written;
	HmlEnsemble again;
	HmlWriter writer;
	double before[ROWS * 2];
	double after[ROWS * 2];

	(void) state;
	setup(&f);
	assert_ok(&f.ctx, train(&f, MEMBERS, 1, &written));
	hml_writer_init(&writer, &f.ctx);
	hml_ensemble_write(&written, &writer);
	hml_ensemble_write_others(&written, &writer);
	assert_ok(&f.ctx, hml_writer_finish(&writer));
	assert_ok(&f.ctx, read_back(&f, &writer, writer.length, &again));
	assert_string_equal(again.name, "again");
	assert_int_equal(again.n_members, MEMBERS);
	run(&f, &written, before);
	run(&f, &again, after);
	assert_memory_equal(before, after, sizeof(before));
	for (size_t length = 0; length < writer.length; length += 5)
		assert_int_not_equal(read_back(&f, &writer, length, &again), HML_OK);
	memset(writer.data + writer.length - sizeof(float), 0xff, sizeof(float));
	assert_status(&f.ctx, read_back(&f, &writer, writer.length, &again), HML_CORRUPT);
	assert_message(&f.ctx, "is not finite");
	hml_writer_free(&writer);
	teardown(&f);
}

static HmlStatus
train_twice(HmlContext *ctx, void *argument)
{
	Fixture *f = argument;
	HmlEnsemble ensemble;
	HmlStatus status;

	f->ctx = *ctx;
	HML_TRY(hml_arena_create(ctx, &f->arena));
	status = hml_network_parse(f->arena, SPEC, strlen(SPEC), &f->network);
	if (status == HML_OK)
		status = train(f, 2, 1, &ensemble);
	hml_arena_free(f->arena);
	return status;
}

static void
test_failures(void **state)
{
	Fixture f = {0};

	(void) state;
	test_allocation_sweep(train_twice, &f);
	test_cancellation_sweep(train_twice, &f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_number_of_members),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
