/*
 * background.c
 *	  Drawing, writing and reading background rows.
 */
#include "core/model/background.h"

#include <math.h>

#include "core/base/rng.h"

#define BACKGROUND_STREAM (UINT64_MAX - 1) /* of the seed; models draw from streams that count from 0 */

HmlStatus
hml_background_keep(HmlModel *model, const float *inputs, const uint32_t *rows, size_t n_rows, uint64_t seed)
{
	size_t n_inputs = model->pipeline->n_inputs;
	size_t wanted = n_rows < HML_BACKGROUND_ROWS ? n_rows : HML_BACKGROUND_ROWS;
	size_t kept = 0;
	HmlRng rng;

	HML_TRY(hml_arena_alloc(model->arena, wanted, n_inputs * sizeof(double), (void **) &model->background));
	hml_rng_seed_stream(&rng, seed, BACKGROUND_STREAM);
	/* D. E. Knuth, TAOCP vol. 2, 3.4.2, algorithm S. */
	for (size_t i = 0; i < n_rows && kept < wanted; i++)
	{
		const float *row = inputs + (rows != NULL ? rows[i] : i) * n_inputs;

		if (hml_rng_below(&rng, n_rows - i) >= wanted - kept)
			continue;
		for (size_t j = 0; j < n_inputs; j++)
			model->background[kept * n_inputs + j] = (double) row[j];
		kept++;
	}
	model->n_background = kept;
	return HML_OK;
}

void
hml_background_write(const HmlModel *model, HmlWriter *writer)
{
	hml_write_u32(writer, (uint32_t) model->n_background);
	hml_write_u32(writer, (uint32_t) model->pipeline->n_inputs);
	hml_write_f64_array(writer, model->background, model->n_background * model->pipeline->n_inputs);
}

HmlStatus
hml_background_read(HmlModel *model, HmlReader *reader)
{
	size_t n_inputs = model->pipeline->n_inputs;
	size_t n_rows;
	uint32_t width;

	HML_TRY(hml_read_count(reader, 0, HML_MAX_BACKGROUND_ROWS, &n_rows));
	HML_TRY(hml_read_u32(reader, &width));
	if (width != n_inputs || n_rows == 0 || n_rows > hml_reader_left(reader) / (n_inputs * sizeof(double)))
		return hml_fail(reader->ctx, HML_CORRUPT, "%s has counts that make no sense", reader->what);
	HML_TRY(hml_arena_alloc(model->arena, n_rows, n_inputs * sizeof(double), (void **) &model->background));
	HML_TRY(hml_read_f64_array(reader, model->background, n_rows * n_inputs));
	for (size_t i = 0; i < n_rows * n_inputs; i++)
		if (!isfinite(model->background[i]))
			return hml_fail(reader->ctx, HML_CORRUPT, "%s has a value that is not finite", reader->what);
	model->n_background = n_rows;
	return hml_read_end(reader);
}
