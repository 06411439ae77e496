/*
 * frame.c
 *	  One pass over a source of any length into bounded memory.
 *
 * Memory: rows and the values of roles are arrays of the context that grow by
 * doubling; names and categories lie in the frame's arena, the hash tables of
 * the categories in the context.  While an array grows the old one is still
 * there, so the capacity is two thirds of what max_bytes would hold.  Of tensors,
 * which do not grow, half of max_bytes lies in memory, and a quarter is for roles.
 *
 * Algorithm L draws how many rows to skip until the next one that replaces a
 * random row, which costs a few logarithms for each row kept instead of a
 * random number for each row seen.
 */
#include "core/data/frame.h"

#include <math.h>
#include <string.h>

#include "core/base/checked.h"

#define FIRST_ROWS 1024
#define FIRST_SLOTS 64 /* a power of two */
#define NEVER INT64_MAX

/* Open addressing with linear probing; a slot holds code + 1, 0 = empty. */
struct HmlCategoryIndex
{
	size_t size; /* slots, a power of two, at most two thirds full */
	uint32_t slots[];
};

static HmlContext *
context_of(const HmlFrame *frame)
{
	return hml_arena_context(frame->arena);
}

static size_t
row_bytes(const HmlFrame *frame)
{
	size_t values = frame->kind == HML_SAMPLE_ROW ? frame->n_columns : 1; /* of a tensor its length */

	return (values + frame->n_roles) * sizeof(double);
}

static HmlStatus
set_capacity(HmlFrame *frame, size_t max_rows, size_t max_bytes)
{
	size_t bytes = frame->kind == HML_SAMPLE_ROW ? max_bytes : max_bytes / 4;

	frame->capacity = bytes / 3 * 2 / row_bytes(frame);
	if (frame->tensors != NULL && frame->capacity > hml_tensors_capacity(frame->tensors))
		frame->capacity = hml_tensors_capacity(frame->tensors);
	if (frame->capacity == 0)
		return hml_fail(context_of(frame), HML_MEMORY_LIMIT,
						"%zu bytes of memory cannot hold one row of %zu columns", max_bytes,
						frame->n_columns);
	if (frame->capacity > UINT32_MAX)
		frame->capacity = UINT32_MAX; /* row numbers are uint32 */
	if (max_rows > 0 && frame->capacity > max_rows)
		frame->capacity = max_rows;
	return HML_OK;
}

static HmlStatus
check_spec(HmlContext *ctx, const HmlFrameSpec *spec)
{
	if (spec->n_columns == 0)
		return hml_fail(ctx, HML_INVALID_DATA, "there is no column to learn from");
	if (spec->n_columns > HML_MAX_FEATURES)
		return hml_fail(ctx, HML_LIMIT, "%zu columns are more than the limit of %d", spec->n_columns,
						HML_MAX_FEATURES);
	if (spec->length > HML_MAX_TENSOR_BYTES)
		return hml_fail(ctx, HML_LIMIT, "samples of a length of %zu are beyond the limit of %zu",
						spec->length, HML_MAX_TENSOR_BYTES);
	return HML_OK;
}

static HmlStatus
make_roles(HmlFrame *frame, const HmlFrameSpec *spec)
{
	while (frame->n_roles < HML_MAX_ROLES && spec->roles[frame->n_roles] != HML_ROLE_NONE)
		frame->n_roles++;
	HML_TRY(HML_ARENA_NEW_ZERO(frame->arena, &frame->roles, frame->n_roles));
	for (size_t i = 0; i < frame->n_roles; i++)
	{
		HmlFrameRole *role = &frame->roles[i];

		role->role = spec->roles[i];
		if (frame->first[role->role] == NULL)
			frame->first[role->role] = role;
	}
	return HML_OK;
}

static HmlStatus
make_frame(HmlFrame *frame, const HmlFrameSpec *spec)
{
	size_t max_bytes = spec->max_bytes > 0 ? spec->max_bytes : SIZE_MAX;
	bool channels_first = spec->kind == HML_SAMPLE_SIGNAL;

	frame->kind = spec->kind;
	frame->n_columns = spec->n_columns;
	hml_rng_seed(&frame->rng, spec->seed);
	HML_TRY(HML_ARENA_NEW_ZERO(frame->arena, &frame->columns, spec->n_columns));
	HML_TRY(make_roles(frame, spec));
	if (spec->kind != HML_SAMPLE_ROW)
	{
		frame->shape[0] = channels_first ? spec->n_columns : spec->length;
		frame->shape[1] = channels_first ? spec->length : spec->n_columns;
		HML_TRY(hml_tensors_create(context_of(frame), spec->n_columns * spec->length, max_bytes / 2,
								   &frame->tensors));
	}
	return set_capacity(frame, spec->max_rows, max_bytes);
}

HmlStatus
hml_frame_create(HmlContext *ctx, const HmlFrameSpec *spec, HmlFrame **out)
{
	HmlArena *arena;
	HmlFrame *frame;
	HmlStatus status;

	*out = NULL;
	HML_TRY(check_spec(ctx, spec));
	HML_TRY(hml_arena_create(ctx, &arena));
	status = HML_ARENA_NEW_ZERO(arena, &frame, 1);
	if (status != HML_OK)
	{
		hml_arena_free(arena);
		return status;
	}
	frame->arena = arena;
	status = make_frame(frame, spec);
	if (status == HML_OK)
		*out = frame;
	else
		hml_frame_free(frame);
	return status;
}

static void
free_categories(HmlContext *ctx, HmlCategories *categories)
{
	hml_free(ctx, categories->texts);
	hml_free(ctx, categories->index);
}

void
hml_frame_free(HmlFrame *frame)
{
	HmlContext *ctx;

	if (frame == NULL)
		return;
	ctx = context_of(frame);
	for (size_t i = 0; frame->columns != NULL && i < frame->n_columns; i++)
		free_categories(ctx, &frame->columns[i].categories);
	for (size_t i = 0; frame->roles != NULL && i < frame->n_roles; i++)
	{
		free_categories(ctx, &frame->roles[i].column.categories);
		hml_free(ctx, frame->roles[i].values);
	}
	hml_free(ctx, frame->values);
	if (frame->tensor_of_row == NULL)
		hml_tensors_free(frame->tensors);
	hml_arena_free(frame->arena);
}

static HmlColumn *
column_at(HmlFrame *frame, size_t index)
{
	return index < frame->n_columns ? &frame->columns[index] : &frame->roles[index - frame->n_columns].column;
}

HmlStatus
hml_frame_set_column(HmlFrame *frame, size_t index, const char *name, HmlColumnKind kind)
{
	HmlColumn *column = column_at(frame, index);
	char *copy;

	HML_TRY(hml_arena_strdup(frame->arena, name, strlen(name), &copy));
	column->name = copy;
	column->kind = kind;
	return HML_OK;
}

/* FNV-1a, its high bits folded down. */
static size_t
hash_text(const char *text, size_t length)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char) text[i]) * UINT64_C(0x100000001b3);
	return (size_t) (hash ^ (hash >> 32));
}

static bool
same_text(const char *a, const char *text, size_t length)
{
	return strncmp(a, text, length) == 0 && a[length] == '\0';
}

/* The slot of the text, or the empty one where it belongs. */
static uint32_t *
find_slot(const HmlCategories *categories, const char *text, size_t length)
{
	struct HmlCategoryIndex *index = categories->index;
	size_t at = hash_text(text, length) & (index->size - 1);

	while (index->slots[at] != 0 && !same_text(categories->texts[index->slots[at] - 1], text, length))
		at = (at + 1) & (index->size - 1);
	return &index->slots[at];
}

/* Room for one more category; texts has as many places as two thirds of the slots. */
static HmlStatus
grow_categories(HmlContext *ctx, HmlCategories *categories)
{
	struct HmlCategoryIndex *old = categories->index;
	size_t size = old == NULL ? FIRST_SLOTS : old->size * 2;
	struct HmlCategoryIndex *grown;

	if (old != NULL && categories->count < old->size / 3 * 2)
		return HML_OK;
	HML_TRY(HML_RENEW(ctx, &categories->texts, size / 3 * 2));
	HML_TRY(hml_alloc_zero(ctx, 1, sizeof(*grown) + size * sizeof(uint32_t), (void **) &grown));
	grown->size = size;
	categories->index = grown;
	hml_free(ctx, old);
	for (size_t i = 0; i < categories->count; i++)
		*find_slot(categories, categories->texts[i], strlen(categories->texts[i])) = (uint32_t) i + 1;
	return HML_OK;
}

static HmlStatus
refuse_category(const HmlFrame *frame, const HmlColumn *column, size_t limit)
{
	hml_fail(context_of(frame), HML_LIMIT, "column \"%s\" has more than %zu distinct texts", column->name,
			 limit);
	if (limit == HML_MAX_GROUPS)
		return HML_LIMIT;
	return hml_hint(context_of(frame), "A text column is learnt as a category; leave out names, identifiers "
									   "and free text, or group rare values together.");
}

HmlStatus
hml_frame_category(HmlFrame *frame, size_t index, const char *text, size_t length, double *code)
{
	HmlColumn *column = column_at(frame, index);
	HmlCategories *categories = &column->categories;
	bool is_class =
		index < frame->n_columns || frame->roles[index - frame->n_columns].role == HML_ROLE_TARGET;
	size_t limit = is_class ? HML_MAX_CATEGORIES : HML_MAX_GROUPS;
	uint32_t *slot;
	char *copy;

	HML_TRY(grow_categories(context_of(frame), categories));
	slot = find_slot(categories, text, length);
	if (*slot == 0)
	{
		if (categories->count == limit)
			return refuse_category(frame, column, limit);
		HML_TRY(hml_arena_strdup(frame->arena, text, length, &copy));
		categories->texts[categories->count++] = copy;
		*slot = (uint32_t) categories->count;
	}
	*code = *slot - 1;
	return HML_OK;
}

bool
hml_frame_wants(const HmlFrame *frame)
{
	return frame->n_rows < frame->capacity || frame->rows_seen == frame->reservoir_next;
}

static HmlStatus
grow_rows(HmlFrame *frame)
{
	HmlContext *ctx = context_of(frame);
	size_t wanted = frame->allocated == 0 ? FIRST_ROWS : frame->allocated * 2;
	size_t items;

	if (wanted > frame->capacity)
		wanted = frame->capacity;
	if (!hml_size_mul(wanted, frame->n_columns, &items))
		return hml_fail(ctx, HML_LIMIT, "%zu rows of %zu columns do not fit in memory", wanted,
						frame->n_columns);
	if (frame->kind == HML_SAMPLE_ROW)
		HML_TRY(HML_RENEW(ctx, &frame->values, items));
	for (size_t i = 0; i < frame->n_roles; i++)
		HML_TRY(HML_RENEW(ctx, &frame->roles[i].values, wanted));
	frame->allocated = wanted;
	return HML_OK;
}

/* In (0, 1], so that its logarithm is finite. */
static double
positive_uniform(HmlRng *rng)
{
	return 1.0 - hml_rng_uniform(rng);
}

/* Which of the rows to come is the next one to be kept; row numbers count from 0. */
static void
draw_next(HmlFrame *frame)
{
	double log_w = log(positive_uniform(&frame->rng)) / (double) frame->capacity;
	double skip;

	frame->reservoir_w *= exp(log_w);
	skip = floor(log(positive_uniform(&frame->rng)) / log1p(-frame->reservoir_w));
	if (!(skip < 0x1p62))
		frame->reservoir_next = NEVER;
	else
		frame->reservoir_next = frame->rows_seen + (int64_t) skip;
}

/* What is to be kept of a row: values, or a tensor and its length. */
typedef struct Row
{
	const double *values;
	const float *tensor;
	uint32_t length;
	const double *roles;
} Row;

static HmlStatus
put_row(HmlFrame *frame, size_t at, const Row *row)
{
	if (frame->kind == HML_SAMPLE_ROW)
		memcpy(frame->values + at * frame->n_columns, row->values, frame->n_columns * sizeof(double));
	else
		HML_TRY(hml_tensors_put(frame->tensors, at, row->tensor, row->length));
	for (size_t i = 0; i < frame->n_roles; i++)
		frame->roles[i].values[at] = row->roles[i];
	return HML_OK;
}

static HmlStatus
append_row(HmlFrame *frame, const Row *row)
{
	if (frame->n_rows == frame->allocated)
		HML_TRY(grow_rows(frame));
	HML_TRY(put_row(frame, frame->n_rows, row));
	frame->n_rows++;
	frame->rows_seen++;
	if (frame->n_rows == frame->capacity)
	{
		frame->reservoir_w = 1.0;
		draw_next(frame);
	}
	return HML_OK;
}

static HmlStatus
add_row(HmlFrame *frame, const Row *row)
{
	if (!hml_frame_wants(frame))
	{
		hml_frame_skip(frame);
		return HML_OK;
	}
	if (frame->n_rows < frame->capacity)
		return append_row(frame, row);
	HML_TRY(put_row(frame, (size_t) hml_rng_below(&frame->rng, frame->capacity), row));
	frame->rows_seen++;
	draw_next(frame);
	return HML_OK;
}

HmlStatus
hml_frame_add(HmlFrame *frame, const double *values, const double *roles)
{
	return add_row(frame, &(Row){.values = values, .roles = roles});
}

HmlStatus
hml_frame_add_tensor(HmlFrame *frame, const float *tensor, size_t length, const double *roles)
{
	return add_row(frame, &(Row){.tensor = tensor, .length = (uint32_t) length, .roles = roles});
}

void
hml_frame_skip(HmlFrame *frame)
{
	frame->rows_seen++;
}

/* ---- subsets -------------------------------------------------------------------------------------- */

static HmlStatus
copy_columns(const HmlFrame *from, HmlFrame *to)
{
	for (size_t i = 0; i < from->n_columns; i++)
		HML_TRY(hml_frame_set_column(to, i, from->columns[i].name, from->columns[i].kind));
	for (size_t i = 0; i < from->n_roles; i++)
		HML_TRY(hml_frame_set_column(to, from->n_columns + i, from->roles[i].column.name,
									 from->roles[i].column.kind));
	return HML_OK;
}

/* A code of one frame as a code of the other. */
static HmlStatus
recode(HmlFrame *to, size_t index, const HmlColumn *column, double *value)
{
	const char *text;

	if (column->kind != HML_COLUMN_CATEGORY || isnan(*value))
		return HML_OK;
	text = column->categories.texts[(size_t) *value];
	return hml_frame_category(to, index, text, strlen(text), value);
}

/* The values of a row; a tensor stays where it is. */
static HmlStatus
copy_row(const HmlFrame *from, size_t row, HmlFrame *to)
{
	double values[HML_MAX_FEATURES];
	double roles[HML_MAX_ROLES];

	for (size_t i = 0; i < from->n_roles; i++)
	{
		roles[i] = from->roles[i].values[row];
		HML_TRY(recode(to, from->n_columns + i, &from->roles[i].column, &roles[i]));
	}
	if (to->n_rows == to->allocated)
		HML_TRY(grow_rows(to));
	for (size_t i = 0; i < from->n_roles; i++)
		to->roles[i].values[to->n_rows] = roles[i];
	if (from->kind == HML_SAMPLE_ROW)
	{
		memcpy(values, hml_frame_row(from, row), from->n_columns * sizeof(*values));
		for (size_t i = 0; i < from->n_columns; i++)
			HML_TRY(recode(to, i, &from->columns[i], &values[i]));
		memcpy(to->values + to->n_rows * to->n_columns, values, from->n_columns * sizeof(*values));
	}
	to->n_rows++;
	to->rows_seen++;
	return HML_OK;
}

static HmlStatus
share_tensors(const HmlFrame *from, const uint32_t *rows, size_t n_rows, HmlFrame *to)
{
	uint32_t *tensor_of_row;

	if (from->kind == HML_SAMPLE_ROW)
		return HML_OK;
	HML_TRY(HML_ARENA_NEW(to->arena, &tensor_of_row, n_rows));
	for (size_t i = 0; i < n_rows; i++)
		tensor_of_row[i] = from->tensor_of_row != NULL ? from->tensor_of_row[rows[i]] : rows[i];
	to->tensor_of_row = tensor_of_row;
	hml_tensors_free(to->tensors);
	to->tensors = from->tensors;
	return HML_OK;
}

static HmlStatus
copy_rows(const HmlFrame *from, const uint32_t *rows, size_t n_rows, HmlFrame *to)
{
	HML_TRY(copy_columns(from, to));
	HML_TRY(share_tensors(from, rows, n_rows, to));
	for (size_t i = 0; i < n_rows; i++)
	{
		HML_TRY(copy_row(from, rows[i], to));
		if (i % 4096 == 0)
			HML_TRY(hml_poll(context_of(to)));
	}
	return HML_OK;
}

HmlStatus
hml_frame_subset(HmlContext *ctx, const HmlFrame *frame, const uint32_t *rows, size_t n_rows, HmlFrame **out)
{
	HmlFrameSpec spec = {.kind = frame->kind,
						 .n_columns = frame->n_columns,
						 .length = frame->shape[frame->kind == HML_SAMPLE_SIGNAL ? 1 : 0]};
	HmlStatus status;

	for (size_t i = 0; i < frame->n_roles; i++)
		spec.roles[i] = frame->roles[i].role;
	HML_TRY(hml_frame_create(ctx, &spec, out));
	status = copy_rows(frame, rows, n_rows, *out);
	if (status == HML_OK)
		return HML_OK;
	hml_frame_free(*out);
	*out = NULL;
	return status;
}

HmlStatus
hml_frame_tensors(const HmlFrame *frame, const uint32_t *rows, size_t n, float *tensors, uint32_t *lengths)
{
	size_t size = frame->shape[0] * frame->shape[1];

	for (size_t i = 0; i < n; i++)
	{
		size_t at = frame->tensor_of_row != NULL ? frame->tensor_of_row[rows[i]] : rows[i];

		HML_TRY(hml_tensors_get(frame->tensors, at, tensors + i * size, &lengths[i]));
	}
	return HML_OK;
}
