/*
 * forest_support.c
 *	  Forests for the tests of isolation forest and TreeSHAP.
 */
#include "unit/forest_support.h"

#include "core/model/verdict.h"

static char *
read_text(const char *path)
{
	FILE *file = fopen(path, "rb");
	long size;
	char *text;

	if (file == NULL)
		fail_msg("cannot open %s", path);
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	rewind(file);
	text = calloc(1, (size_t) size + 1);
	assert_int_equal(fread(text, 1, (size_t) size, file), size);
	fclose(file);
	return text;
}

HmlStatus
forest_import_text(HmlContext *ctx, const char *text, HmlModel **out)
{
	HmlArena *arena;
	const HmlJson *document;
	HmlStatus status;

	*out = NULL;
	HML_TRY(hml_arena_create(ctx, &arena));
	status = hml_json_parse(arena, text, strlen(text), &document);
	if (status == HML_OK)
		status = hml_iforest_import(ctx, document, out);
	hml_arena_free(arena);
	return status;
}

HmlStatus
forest_import_file(HmlContext *ctx, const char *name, HmlModel **out)
{
	char path[512];
	char *text;
	HmlStatus status;

	snprintf(path, sizeof(path), strstr(name, ".json") != NULL ? "%s" : "test/golden/iforest/%s.forest.json",
			 name);
	text = read_text(path);
	status = forest_import_text(ctx, text, out);
	free(text);
	return status;
}

TestTable *
forest_golden_rows(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "test/golden/iforest/%s.csv", name);
	return test_read_table(path);
}

static HmlStatus
fill_frame(HmlFrame *frame, size_t n_rows, uint64_t seed)
{
	double row[HML_MAX_FEATURES];
	HmlRng rng;

	hml_rng_seed(&rng, seed);
	for (size_t i = 0; i < frame->n_columns; i++)
	{
		char name[24];

		snprintf(name, sizeof(name), "x%zu", i);
		HML_TRY(hml_frame_set_column(frame, i, name, HML_COLUMN_NUMERIC));
	}
	for (size_t i = 0; i < n_rows; i++)
	{
		for (size_t j = 0; j < frame->n_columns; j++)
			row[j] = hml_rng_normal(&rng);
		HML_TRY(hml_frame_add(frame, row, NULL));
	}
	return HML_OK;
}

HmlStatus
forest_frame(HmlContext *ctx, size_t n_rows, size_t n_columns, uint64_t seed, HmlFrame **out)
{
	HmlStatus status;

	HML_TRY(hml_frame_create(
		ctx, &(HmlFrameSpec){.n_columns = n_columns, .max_bytes = (size_t) 1 << 28, .seed = seed}, out));
	status = fill_frame(*out, n_rows, seed);
	if (status == HML_OK)
		return HML_OK;
	hml_frame_free(*out);
	*out = NULL;
	return status;
}

static HmlStatus
train_with(HmlContext *ctx, HmlArena *arena, const HmlFrame *frame, const char *text, HmlModel **out)
{
	HmlTraining training = {.frame = frame};
	const HmlJson *given;
	HmlParams *params;

	HML_TRY(hml_json_parse(arena, text, strlen(text), &given));
	HML_TRY(hml_algorithm_params(arena, &hml_isolation_forest, given, &params));
	training.params = params;
	return hml_model_train(ctx, &hml_isolation_forest, &training, out);
}

HmlStatus
forest_train(HmlContext *ctx, const HmlFrame *frame, const char *params, HmlModel **out)
{
	HmlArena *arena;
	HmlStatus status;

	*out = NULL;
	HML_TRY(hml_arena_create(ctx, &arena));
	status = train_with(ctx, arena, frame, params, out);
	hml_arena_free(arena);
	return status;
}

HmlStatus
forest_score(HmlContext *ctx, const HmlModel *model, const double *inputs, size_t n, double *scores)
{
	HmlSamples rows = hml_sample_rows(inputs, n);
	void *scratch;
	HmlStatus status;

	HML_TRY(hml_alloc(ctx, 1, model->algorithm->scratch_size(model), &scratch));
	status = hml_model_score(model, ctx, scratch, &rows, scores);
	hml_free(ctx, scratch);
	return status;
}

/* Skip the subtree at *node. */
static void
skip_subtree(const HmlForest *forest, size_t *node, size_t *split, size_t *leaf)
{
	size_t open = 1;

	while (open > 0)
	{
		bool is_leaf = forest->feature[(*node)++] == HML_IFOREST_LEAF;

		open = is_leaf ? open - 1 : open + 1;
		++*(is_leaf ? leaf : split);
	}
}

double
forest_margin(const HmlForest *forest, const double *inputs)
{
	size_t node = 0;
	size_t split = 0;
	size_t leaf = 0;
	double sum = 0;

	for (size_t tree = 0; tree < forest->n_trees; tree++)
	{
		unsigned depth = 0;
		size_t n_skipped = 0; /* right subtrees that begin where the left one ends */

		for (; forest->feature[node] != HML_IFOREST_LEAF; depth++)
		{
			bool right = (float) inputs[forest->feature[node++]] > forest->threshold[split++];

			if (right)
				skip_subtree(forest, &node, &split, &leaf);
			else
				n_skipped++;
		}
		sum += hml_iforest_leaf_path(forest, depth, forest->n_samples[leaf++]);
		node++;
		while (n_skipped-- > 0)
			skip_subtree(forest, &node, &split, &leaf);
	}
	return -sum / ((double) forest->n_trees * hml_iforest_normalizer(forest));
}
