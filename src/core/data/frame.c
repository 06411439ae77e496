/*
 * frame.c
 *	  One pass over a source of any length into bounded memory.
 *
 * Memory: rows, targets, groups and sites are arrays of the context that grow by
 * doubling; names and categories lie in the frame's arena, the hash tables of
 * the categories in the context.  While an array grows the old one is still
 * there, so the capacity is two thirds of what max_bytes would hold.
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
	return (frame->n_columns + frame->has_target + frame->has_group + frame->has_site) * sizeof(double);
}

static HmlStatus
set_capacity(HmlFrame *frame, size_t max_rows, size_t max_bytes)
{
	frame->capacity = max_bytes / 3 * 2 / row_bytes(frame);
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

HmlStatus
hml_frame_create(HmlContext *ctx, size_t n_columns, unsigned roles, size_t max_rows, size_t max_bytes,
				 uint64_t seed, HmlFrame **out)
{
	HmlArena *arena;
	HmlFrame *frame;
	HmlStatus status;

	*out = NULL;
	if (n_columns == 0)
		return hml_fail(ctx, HML_INVALID_DATA, "there is no column to learn from");
	if (n_columns > HML_MAX_FEATURES)
		return hml_fail(ctx, HML_LIMIT, "%zu columns are more than the limit of %d", n_columns,
						HML_MAX_FEATURES);
	HML_TRY(hml_arena_create(ctx, &arena));
	status = HML_ARENA_NEW_ZERO(arena, &frame, 1);
	if (status == HML_OK)
	{
		frame->arena = arena;
		frame->n_columns = n_columns;
		frame->has_target = (roles & HML_ROLE_TARGET) != 0;
		frame->has_group = (roles & HML_ROLE_GROUP) != 0;
		frame->has_site = (roles & HML_ROLE_SITE) != 0;
		hml_rng_seed(&frame->rng, seed);
		status = HML_ARENA_NEW_ZERO(arena, &frame->columns, n_columns);
	}
	if (status == HML_OK)
		status = set_capacity(frame, max_rows, max_bytes);
	if (status != HML_OK)
		hml_arena_free(arena);
	else
		*out = frame;
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
	for (size_t i = 0; i < frame->n_columns; i++)
		free_categories(ctx, &frame->columns[i].categories);
	free_categories(ctx, &frame->target.categories);
	free_categories(ctx, &frame->group.categories);
	free_categories(ctx, &frame->site.categories);
	hml_free(ctx, frame->values);
	hml_free(ctx, frame->targets);
	hml_free(ctx, frame->groups);
	hml_free(ctx, frame->sites);
	hml_arena_free(frame->arena);
}

static HmlColumn *
column_at(HmlFrame *frame, size_t index)
{
	if (index < frame->n_columns)
		return &frame->columns[index];
	if (index == frame->n_columns)
		return &frame->target;
	return index == frame->n_columns + 1 ? &frame->group : &frame->site;
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
	size_t limit = column == &frame->group || column == &frame->site ? HML_MAX_GROUPS : HML_MAX_CATEGORIES;
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
	HML_TRY(HML_RENEW(ctx, &frame->values, items));
	if (frame->has_target)
		HML_TRY(HML_RENEW(ctx, &frame->targets, wanted));
	if (frame->has_group)
		HML_TRY(HML_RENEW(ctx, &frame->groups, wanted));
	if (frame->has_site)
		HML_TRY(HML_RENEW(ctx, &frame->sites, wanted));
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

static void
put_row(HmlFrame *frame, size_t at, const double *values, double target, double group, double site)
{
	memcpy(frame->values + at * frame->n_columns, values, frame->n_columns * sizeof(double));
	if (frame->has_target)
		frame->targets[at] = target;
	if (frame->has_group)
		frame->groups[at] = group;
	if (frame->has_site)
		frame->sites[at] = site;
}

HmlStatus
hml_frame_add(HmlFrame *frame, const double *values, double target, double group, double site)
{
	if (!hml_frame_wants(frame))
	{
		hml_frame_skip(frame);
		return HML_OK;
	}
	if (frame->n_rows == frame->capacity)
	{
		put_row(frame, (size_t) hml_rng_below(&frame->rng, frame->capacity), values, target, group, site);
		frame->rows_seen++;
		draw_next(frame);
		return HML_OK;
	}
	if (frame->n_rows == frame->allocated)
		HML_TRY(grow_rows(frame));
	put_row(frame, frame->n_rows, values, target, group, site);
	frame->n_rows++;
	frame->rows_seen++;
	if (frame->n_rows == frame->capacity)
	{
		frame->reservoir_w = 1.0;
		draw_next(frame);
	}
	return HML_OK;
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
	if (from->has_target)
		HML_TRY(hml_frame_set_column(to, from->n_columns, from->target.name, from->target.kind));
	if (from->has_group)
		HML_TRY(hml_frame_set_column(to, from->n_columns + 1, from->group.name, from->group.kind));
	if (from->has_site)
		HML_TRY(hml_frame_set_column(to, from->n_columns + 2, from->site.name, from->site.kind));
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

static HmlStatus
copy_row(const HmlFrame *from, size_t row, HmlFrame *to, double *values)
{
	double target = from->has_target ? from->targets[row] : NAN;
	double group = from->has_group ? from->groups[row] : NAN;
	double site = from->has_site ? from->sites[row] : NAN;

	memcpy(values, hml_frame_row(from, row), from->n_columns * sizeof(*values));
	for (size_t i = 0; i < from->n_columns; i++)
		HML_TRY(recode(to, i, &from->columns[i], &values[i]));
	HML_TRY(recode(to, from->n_columns, &from->target, &target));
	HML_TRY(recode(to, from->n_columns + 1, &from->group, &group));
	HML_TRY(recode(to, from->n_columns + 2, &from->site, &site));
	return hml_frame_add(to, values, target, group, site);
}

static HmlStatus
copy_rows(const HmlFrame *from, const uint32_t *rows, size_t n_rows, HmlFrame *to)
{
	double values[HML_MAX_FEATURES];

	HML_TRY(copy_columns(from, to));
	for (size_t i = 0; i < n_rows; i++)
	{
		HML_TRY(copy_row(from, rows[i], to, values));
		if (i % 4096 == 0)
			HML_TRY(hml_poll(context_of(to)));
	}
	return HML_OK;
}

HmlStatus
hml_frame_subset(HmlContext *ctx, const HmlFrame *frame, const uint32_t *rows, size_t n_rows, HmlFrame **out)
{
	unsigned roles = (frame->has_target ? HML_ROLE_TARGET : 0) | (frame->has_group ? HML_ROLE_GROUP : 0) |
					 (frame->has_site ? HML_ROLE_SITE : 0);
	HmlStatus status;

	HML_TRY(hml_frame_create(ctx, frame->n_columns, roles, 0, SIZE_MAX, 0, out));
	status = copy_rows(frame, rows, n_rows, *out);
	if (status == HML_OK)
		return HML_OK;
	hml_frame_free(*out);
	*out = NULL;
	return status;
}
