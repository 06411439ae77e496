/*
 * fuzz_artifact.c
 *	  The reader of artifacts against hostile bytes.
 *
 * Most mutations are of the payload of one section, whose length and checksum
 * are then made right, so that the fuzzer gets past them; the others are of
 * the bytes as they are.  What is accepted must be usable, and must be written
 * as it was read.
 */
#include "fuzz/support.h"

#include <math.h>
#include <string.h>

#include "core/base/crc32c.h"
#include "core/base/rng.h"
#include "core/model/verdict.h"

#define HEADER_SIZE 20
#define SECTION_SIZE 12 /* in front of the payload */
#define CRC_SIZE 4
#define MAX_SECTIONS 8
#define MAX_PAYLOAD 65536

extern size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
extern size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* ---- mutation ---- */

static uint32_t
get_u32(const uint8_t *at)
{
	return (uint32_t) at[0] | (uint32_t) at[1] << 8 | (uint32_t) at[2] << 16 | (uint32_t) at[3] << 24;
}

static void
put_u32(uint8_t *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t) (value >> (8 * i));
}

/* Where the sections begin; returns how many are whole. */
static size_t
find_sections(const uint8_t *data, size_t size, size_t *starts)
{
	size_t at = HEADER_SIZE;
	size_t count = 0;

	while (count < MAX_SECTIONS && at < size && size - at >= SECTION_SIZE + CRC_SIZE)
	{
		size_t length = get_u32(data + at + 8);

		if (length > size - at - SECTION_SIZE - CRC_SIZE)
			break;
		starts[count++] = at;
		at += SECTION_SIZE + length + CRC_SIZE;
	}
	return count;
}

static void
forge_checksums(uint8_t *data, size_t size)
{
	size_t starts[MAX_SECTIONS];
	size_t count = find_sections(data, size, starts);

	if (size >= HEADER_SIZE)
		put_u32(data + 16, hml_crc32c(data, 16));
	for (size_t i = 0; i < count; i++)
	{
		size_t length = SECTION_SIZE + get_u32(data + starts[i] + 8);

		put_u32(data + starts[i] + length, hml_crc32c(data + starts[i], length));
	}
}

/* Replace the payload of the section that starts there; returns the new size. */
static size_t
mutate_payload(uint8_t *data, size_t size, size_t max_size, size_t start)
{
	static uint8_t payload[MAX_PAYLOAD];
	size_t length = get_u32(data + start + 8);
	size_t rest = size - length;
	size_t room = max_size - rest;
	size_t mutated;

	if (length > MAX_PAYLOAD || max_size < rest)
		return LLVMFuzzerMutate(data, size, max_size);
	memcpy(payload, data + start + SECTION_SIZE, length);
	mutated = LLVMFuzzerMutate(payload, length, room < MAX_PAYLOAD ? room : MAX_PAYLOAD);
	memmove(data + start + SECTION_SIZE + mutated, data + start + SECTION_SIZE + length,
			size - start - SECTION_SIZE - length);
	memcpy(data + start + SECTION_SIZE, payload, mutated);
	put_u32(data + start + 8, (uint32_t) mutated);
	return size - length + mutated;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	size_t starts[MAX_SECTIONS];
	size_t count;
	HmlRng rng;

	if (size > max_size)
		size = max_size; /* an input may be larger than what is to come of it */
	count = find_sections(data, size, starts);
	hml_rng_seed(&rng, seed);
	if (count == 0 || hml_rng_below(&rng, 8) == 0)
		size = LLVMFuzzerMutate(data, size, max_size);
	else
		size = mutate_payload(data, size, max_size, starts[hml_rng_below(&rng, count)]);
	if (hml_rng_below(&rng, 32) != 0)
		forge_checksums(data, size);
	return size;
}

/* ---- what is tested ---- */

/* A failure for lack of memory says nothing about the model. */
static void
check_status(HmlStatus status)
{
	fuzz_assert(status == HML_OK || status == HML_MEMORY_LIMIT || status == HML_LIMIT);
}

static void
use_inputs(HmlContext *ctx, const HmlModel *model, const double *inputs)
{
	size_t n_contributions = model->pipeline->n_features;
	HmlSamples row = hml_sample_rows(inputs, 1);
	HmlExplanation explanation;
	void *scratch = NULL;
	double score = NAN;
	HmlStatus status = hml_alloc(ctx, 1, model->algorithm->scratch_size(model), &scratch);

	if (status == HML_OK)
		status = hml_model_score(model, ctx, scratch, &row, &score);
	check_status(status);
	fuzz_assert(status != HML_OK || !isnan(score));
	hml_free(ctx, scratch);
	fuzz_assert(!isnan(hml_calibration_percentile(&model->calibration, score)) ||
				model->calibration.n_scores == 0 || status != HML_OK);
	if (model->algorithm->explain == NULL)
		return;
	status = HML_NEW(ctx, &explanation.contributions, n_contributions);
	if (status == HML_OK)
		status = model->algorithm->explain(model, ctx, inputs, &explanation);
	check_status(status);
	hml_free(ctx, explanation.contributions);
}

/* Score a row of zeros, or of whatever the pipeline makes of missing values. */
static void
use_model(HmlContext *ctx, const HmlModel *model)
{
	size_t n_features = model->pipeline->n_features;
	double *values = NULL;
	double *inputs = NULL;

	if (HML_NEW(ctx, &values, n_features) == HML_OK &&
		HML_NEW(ctx, &inputs, model->pipeline->n_inputs) == HML_OK)
	{
		for (size_t i = 0; i < n_features; i++)
			values[i] = isnan(model->pipeline->features[i].fill) ? 0 : NAN;
		if (hml_pipeline_apply(model->pipeline, ctx, values, inputs, NULL) == HML_OK)
			use_inputs(ctx, model, inputs);
	}
	hml_free(ctx, inputs);
	hml_free(ctx, values);
}

/* Sections that were skipped, and a minor version other than ours, are not written again. */
static void
write_again(HmlContext *ctx, const HmlModel *model, const uint8_t *data, size_t size)
{
	HmlWriter writer;

	hml_writer_init(&writer, ctx);
	if (hml_model_write(model, &writer) == HML_OK && data[10] == 0 && data[11] == 0 &&
		get_u32(data + 12) == 4)
	{
		fuzz_assert(writer.length == size);
		fuzz_assert(memcmp(writer.data, data, size) == 0);
	}
	hml_writer_free(&writer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HmlContext ctx;
	HmlModel *model;

	fuzz_context_init(&ctx);
	if (hml_model_read(&ctx, data, size, &model) == HML_OK)
	{
		write_again(&ctx, model, data, size);
		use_model(&ctx, model);
		hml_model_free(model);
	}
	else
		fuzz_assert(ctx.message[0] != '\0');
	fuzz_context_finish(&ctx);
	return 0;
}
