/*
 * iforest_import.c
 *	  A forest that was grown elsewhere, from JSON.
 *
 * The document has scikit-learn's arrays for each tree: feature, threshold,
 * left and right child, n_samples and, where it differs, the weighted cover.
 * Children may come in any order.  A tree is walked from its root without
 * recursion; every node must be met once, so that cycles, shared children and
 * nodes out of reach are all found in linear time.  Positions in messages are
 * those of the document: trees[2].left[7].
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/base/sort.h"
#include "core/learn/iforest/iforest_build.h"

#define FORMAT "healthml-iforest/1"
#define NODES_BETWEEN_POLLS 4096

/* Covers of children must add up to that of their parent within this share of it. */
#define COVER_TOLERANCE 1e-6

typedef enum Field
{
	FEATURE,
	THRESHOLD,
	LEFT,
	RIGHT,
	N_SAMPLES,
	COVER,
	N_FIELDS
} Field;

static const char *const field_names[N_FIELDS] = {"feature", "threshold", "left",
												  "right",   "n_samples", "cover"};

typedef struct Import
{
	HmlContext *ctx;
	const HmlJson *document;
	size_t n_inputs;
	HmlForestBuilder trees;

	/* the tree at hand */
	size_t tree;
	size_t n_nodes;
	const HmlJson *fields[N_FIELDS]; /* the last one may be NULL */
	uint8_t *met;                    /* (n_nodes) */
} Import;

/* ---- numbers of the document ---------------------------------------------------------------------- */

static HmlStatus
refuse(const Import *import, Field field, size_t node, const char *what)
{
	const HmlJson *value = &import->fields[field]->items[node];

	if (value->type == HML_JSON_NUMBER)
		return hml_fail(import->ctx, HML_INVALID_DATA, "trees[%zu].%s[%zu] is %.17g, but must be %s",
						import->tree, field_names[field], node, value->number, what);
	return hml_fail(import->ctx, HML_INVALID_DATA, "trees[%zu].%s[%zu] is of type %s, but must be %s",
					import->tree, field_names[field], node, hml_json_type_name(value->type), what);
}

static HmlStatus
number_of(const Import *import, Field field, size_t node, double least, double most, const char *what,
		  double *out)
{
	const HmlJson *value = &import->fields[field]->items[node];

	if (value->type != HML_JSON_NUMBER || !(value->number >= least && value->number <= most))
		return refuse(import, field, node, what);
	*out = value->number;
	return HML_OK;
}

static HmlStatus
whole_number_of(const Import *import, Field field, size_t node, double least, double most, const char *what,
				int64_t *out)
{
	double number = 0;

	HML_TRY(number_of(import, field, node, least, most, what, &number));
	if (number != floor(number))
		return refuse(import, field, node, what);
	*out = (int64_t) number;
	return HML_OK;
}

static HmlStatus
samples_of(const Import *import, size_t node, uint32_t *out)
{
	int64_t number = 0;

	HML_TRY(whole_number_of(import, N_SAMPLES, node, 1, UINT32_MAX, "a whole number from 1 to 4294967295",
							&number));
	*out = (uint32_t) number;
	return HML_OK;
}

static HmlStatus
cover_of(const Import *import, size_t node, double *out)
{
	uint32_t n_samples;

	if (import->fields[COVER] != NULL)
		return number_of(import, COVER, node, DBL_MIN, HML_IFOREST_MAX_COVER, "above 0 and at most 1e15",
						 out);
	HML_TRY(samples_of(import, node, &n_samples));
	*out = n_samples;
	return HML_OK;
}

/* ---- one tree ------------------------------------------------------------------------------------- */

typedef struct Pending
{
	size_t node;
	unsigned depth;
} Pending;

static HmlStatus
meet(Import *import, Field field, size_t parent, size_t *child)
{
	int64_t number = 0;

	HML_TRY(whole_number_of(import, field, parent, 0, (double) import->n_nodes - 1, "the number of a node",
							&number));
	*child = (size_t) number;
	if (import->met[*child])
		return hml_fail(import->ctx, HML_INVALID_DATA,
						"trees[%zu].%s[%zu] is %zu, but that node is in the tree already", import->tree,
						field_names[field], parent, *child);
	import->met[*child] = 1;
	return HML_OK;
}

/* What came to a node went to its children. */
static HmlStatus
check_sums(const Import *import, size_t node, size_t left, size_t right)
{
	uint32_t n[3];
	double cover[3];

	HML_TRY(samples_of(import, node, &n[0]));
	HML_TRY(samples_of(import, left, &n[1]));
	HML_TRY(samples_of(import, right, &n[2]));
	HML_TRY(cover_of(import, node, &cover[0]));
	HML_TRY(cover_of(import, left, &cover[1]));
	HML_TRY(cover_of(import, right, &cover[2]));
	if (n[0] != (uint64_t) n[1] + n[2])
		return hml_fail(import->ctx, HML_INVALID_DATA,
						"trees[%zu].n_samples[%zu] is %u, but its children have %u and %u", import->tree,
						node, n[0], n[1], n[2]);
	if (!(fabs(cover[1] + cover[2] - cover[0]) <= COVER_TOLERANCE * cover[0]))
		return hml_fail(import->ctx, HML_INVALID_DATA,
						"trees[%zu].cover[%zu] is %g, but its children have %g and %g", import->tree, node,
						cover[0], cover[1], cover[2]);
	return HML_OK;
}

static HmlStatus
take_leaf(Import *import, size_t node)
{
	uint32_t n_samples;
	double cover;

	HML_TRY(samples_of(import, node, &n_samples));
	HML_TRY(cover_of(import, node, &cover));
	return hml_forest_add_leaf(&import->trees, n_samples, cover);
}

static HmlStatus
take_split(Import *import, size_t node, size_t *left, size_t *right)
{
	int64_t feature = 0;
	double threshold = 0;

	HML_TRY(whole_number_of(import, FEATURE, node, 0, (double) import->n_inputs - 1,
							"the number of a feature", &feature));
	HML_TRY(number_of(import, THRESHOLD, node, -FLT_MAX, FLT_MAX, "within the range of float32", &threshold));
	HML_TRY(meet(import, LEFT, node, left));
	HML_TRY(meet(import, RIGHT, node, right));
	HML_TRY(check_sums(import, node, *left, *right));
	return hml_forest_add_split(&import->trees, (uint16_t) feature, threshold);
}

/* A leaf has -1 as its children. */
static bool
is_leaf(const Import *import, size_t node)
{
	const HmlJson *left = &import->fields[LEFT]->items[node];
	const HmlJson *right = &import->fields[RIGHT]->items[node];

	return left->type == HML_JSON_NUMBER && left->number == -1 && right->type == HML_JSON_NUMBER &&
		   right->number == -1;
}

static HmlStatus
take_nodes(Import *import)
{
	Pending pending[HML_IFOREST_MAX_DEPTH + 1];
	size_t n_pending = 1;
	size_t n_met = 0;

	pending[0] = (Pending){0, 0};
	import->met[0] = 1;
	while (n_pending > 0)
	{
		Pending at = pending[--n_pending];
		size_t left = 0;
		size_t right = 0;

		if (n_met++ % NODES_BETWEEN_POLLS == 0)
			HML_TRY(hml_poll(import->ctx));
		if (is_leaf(import, at.node))
		{
			HML_TRY(take_leaf(import, at.node));
			continue;
		}
		if (at.depth == HML_IFOREST_MAX_DEPTH)
			return hml_fail(import->ctx, HML_LIMIT, "trees[%zu] is deeper than %d levels", import->tree,
							HML_IFOREST_MAX_DEPTH);
		HML_TRY(take_split(import, at.node, &left, &right));
		pending[n_pending++] = (Pending){right, at.depth + 1};
		pending[n_pending++] = (Pending){left, at.depth + 1};
	}
	if (n_met != import->n_nodes)
		return hml_fail(import->ctx, HML_INVALID_DATA,
						"trees[%zu] has %zu nodes that its root does not reach", import->tree,
						import->n_nodes - n_met);
	return HML_OK;
}

static HmlStatus
find_fields(Import *import, const HmlJson *tree)
{
	for (int field = 0; field < N_FIELDS; field++)
	{
		const HmlJson *array = hml_json_get(tree, field_names[field]);

		import->fields[field] = array;
		if (array == NULL && field == COVER)
			continue;
		if (array == NULL || array->type != HML_JSON_ARRAY || array->count == 0)
			return hml_fail(import->ctx, HML_INVALID_DATA, "trees[%zu] needs \"%s\", an array of numbers",
							import->tree, field_names[field]);
		if (array->count != import->fields[0]->count)
			return hml_fail(import->ctx, HML_INVALID_DATA,
							"trees[%zu].%s has %zu items, but trees[%zu].feature has %zu", import->tree,
							field_names[field], array->count, import->tree, import->fields[0]->count);
	}
	import->n_nodes = import->fields[0]->count;
	return HML_OK;
}

static HmlStatus
take_tree(Import *import, const HmlJson *tree)
{
	HmlStatus status;

	HML_TRY(find_fields(import, tree));
	HML_TRY(HML_NEW_ZERO(import->ctx, &import->met, import->n_nodes));
	status = take_nodes(import);
	hml_free(import->ctx, import->met);
	return status;
}

/* ---- the document --------------------------------------------------------------------------------- */

static HmlStatus
member(const Import *import, const char *name, HmlJsonType type, const HmlJson **out)
{
	*out = hml_json_get(import->document, name);
	if (*out == NULL)
		return hml_fail(import->ctx, HML_INVALID_DATA, "the forest has no \"%s\"", name);
	if ((*out)->type != type)
		return hml_fail(import->ctx, HML_INVALID_DATA, "\"%s\" of the forest is of type %s, not %s", name,
						hml_json_type_name((*out)->type), hml_json_type_name(type));
	return HML_OK;
}

static HmlStatus
check_format(const Import *import)
{
	const HmlJson *format;

	if (import->document->type != HML_JSON_OBJECT)
		return hml_fail(import->ctx, HML_INVALID_DATA, "a forest must be a JSON object, not of type %s",
						hml_json_type_name(import->document->type));
	HML_TRY(member(import, "format", HML_JSON_STRING, &format));
	if (strcmp(format->string, FORMAT) == 0)
		return HML_OK;
	hml_fail(import->ctx, HML_UNSUPPORTED, "format \"%.64s\" of the forest is not known", format->string);
	return hml_hint(import->ctx, "The format that can be read is \"%s\".", FORMAT);
}

/* Sorts the names. */
static HmlStatus
refuse_twins(HmlContext *ctx, const char **names, size_t n)
{
	hml_sort_texts(names, n);
	for (size_t i = 1; i < n; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			return hml_fail(ctx, HML_INVALID_DATA, "feature name \"%.64s\" occurs twice", names[i]);
	return HML_OK;
}

static HmlStatus
take_names(Import *import, HmlModel *model)
{
	const HmlJson *names;
	const char **texts;
	HmlStatus status = HML_OK;

	HML_TRY(member(import, "feature_names", HML_JSON_ARRAY, &names));
	if (names->count == 0 || names->count > HML_MAX_FEATURES)
		return hml_fail(import->ctx, HML_INVALID_DATA, "a forest must have 1 to %d features, not %zu",
						HML_MAX_FEATURES, names->count);
	HML_TRY(HML_NEW(import->ctx, &texts, names->count));
	for (size_t i = 0; i < names->count && status == HML_OK; i++)
	{
		texts[i] = names->items[i].string;
		if (names->items[i].type != HML_JSON_STRING)
			status = hml_fail(import->ctx, HML_INVALID_DATA, "feature_names[%zu] is of type %s, not %s", i,
							  hml_json_type_name(names->items[i].type), hml_json_type_name(HML_JSON_STRING));
	}
	if (status == HML_OK)
		status = hml_pipeline_plain(model->arena, texts, names->count, &model->pipeline);
	if (status == HML_OK)
		status = refuse_twins(import->ctx, texts, names->count);
	hml_free(import->ctx, texts);
	import->n_inputs = names->count;
	return status;
}

static HmlStatus
take_max_samples(const Import *import, uint32_t *out)
{
	const HmlJson *max_samples;

	HML_TRY(member(import, "max_samples", HML_JSON_NUMBER, &max_samples));
	if (!(max_samples->number >= 1 && max_samples->number <= UINT32_MAX) ||
		max_samples->number != floor(max_samples->number))
		return hml_fail(import->ctx, HML_INVALID_DATA,
						"\"max_samples\" of the forest is %.17g, but must be a whole number from 1 to %u",
						max_samples->number, UINT32_MAX);
	*out = (uint32_t) max_samples->number;
	return HML_OK;
}

/*
 * Without training scores only two things are known: the threshold, and that a
 * score of 0.5 is that of a path as long as the mean.
 */
static HmlStatus
take_offset(const Import *import, HmlModel *model)
{
	const HmlJson *offset;

	HML_TRY(member(import, "offset", HML_JSON_NUMBER, &offset));
	model->calibration.threshold = -offset->number;
	model->calibration.high_cutoff = -offset->number;
	model->calibration.medium_cutoff = fmin(0.5, -offset->number);
	return HML_OK;
}

static HmlStatus
take_trees(Import *import)
{
	const HmlJson *trees;

	HML_TRY(member(import, "trees", HML_JSON_ARRAY, &trees));
	if (trees->count == 0 || trees->count > HML_IFOREST_MAX_TREES)
		return hml_fail(import->ctx, HML_INVALID_DATA, "a forest must have 1 to %d trees, not %zu",
						HML_IFOREST_MAX_TREES, trees->count);
	for (import->tree = 0; import->tree < trees->count; import->tree++)
		HML_TRY(take_tree(import, &trees->items[import->tree]));
	return HML_OK;
}

static HmlStatus
take_forest(Import *import, HmlModel *model)
{
	uint32_t max_samples = 0;
	HmlForest *forest;

	HML_TRY(check_format(import));
	HML_TRY(take_names(import, model));
	HML_TRY(take_max_samples(import, &max_samples));
	HML_TRY(take_offset(import, model));
	HML_TRY(take_trees(import));
	HML_TRY(
		hml_forest_build(&import->trees, model->arena, import->n_inputs, import->tree, max_samples, &forest));
	model->impl = forest;
	return HML_OK;
}

HmlStatus
hml_iforest_import(HmlContext *ctx, const HmlJson *document, HmlModel **out)
{
	Import import = {.ctx = ctx, .document = document};
	HmlModel *model;
	HmlStatus status;

	*out = NULL;
	HML_TRY(hml_model_create(ctx, &hml_isolation_forest, &model));
	hml_forest_builder_init(&import.trees, ctx);
	status = take_forest(&import, model);
	hml_forest_builder_free(&import.trees);
	if (status == HML_OK)
		*out = model;
	else
		hml_model_free(model);
	return status;
}
