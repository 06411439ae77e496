/*
 * labelled_scores.c
 *	  Type healthml.labelled_scores: a bag of scores, each of a positive or a negative.
 *
 * It is the transition type of roc_auc, average_precision and roc_curve.  While
 * an aggregate runs, the value is an expanded object (utils/expandeddatum.h) of
 * two growing arrays that lives in the aggregate's memory context, so that a row
 * costs amortised O(1) and nothing is copied.  It is flattened only to cross to
 * another process, or to be stored.
 *
 * Flat form: varlena header, uint32 number of positives, the positives' scores,
 * the negatives' scores, whose number follows from the length.  Binary form:
 * int4 number of positives, int4 number of negatives, that many float8.
 *
 * Invariants: scores are finite; all of them fit in one flat value, MAX_SCORES.
 * The order within a list has no meaning, which lets a final function sort in
 * place what it may otherwise not change.
 */
#include "pg/metrics/labelled_scores.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/expandeddatum.h"
#include "utils/memutils.h"

#include "core/base/sort.h"

#include "pg/server/aggregate.h"
#include "pg/server/binary_text.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"

typedef struct FlatScores
{
	int32 vl_len_;
	uint32 n_positives;
	double scores[FLEXIBLE_ARRAY_MEMBER];
} FlatScores;

#define FLAT_SIZE(n) (offsetof(FlatScores, scores) + (Size) (n) * sizeof(double))
#define MAX_SCORES ((MaxAllocSize - offsetof(FlatScores, scores)) / sizeof(double))
#define FIRST_CAPACITY 16

typedef struct ScoreList
{
	double *values;
	Size n;
	Size capacity;
	bool sorted;
} ScoreList;

#define SCORES_MAGIC 1718186851 /* for assertions, and to know our own kind */

typedef struct ExpandedScores
{
	ExpandedObjectHeader header;
	int magic;
	ScoreList positives;
	ScoreList negatives;
} ExpandedScores;

StaticAssertDecl(MAX_SCORES <= HML_RANKING_MAX, "a flat value must fit in a ranking");

PG_FUNCTION_INFO_V1(healthml_labelled_scores_in);
PG_FUNCTION_INFO_V1(healthml_labelled_scores_out);
PG_FUNCTION_INFO_V1(healthml_labelled_scores_recv);
PG_FUNCTION_INFO_V1(healthml_labelled_scores_send);
PG_FUNCTION_INFO_V1(healthml_labelled_scores_add);
PG_FUNCTION_INFO_V1(healthml_labelled_scores_merge);

/* ---- the expanded object ---- */

static Size
get_flat_size(ExpandedObjectHeader *header)
{
	ExpandedScores *scores = (ExpandedScores *) header;

	return FLAT_SIZE(scores->positives.n + scores->negatives.n);
}

static void
flatten_into(ExpandedObjectHeader *header, void *result, Size allocated_size)
{
	ExpandedScores *scores = (ExpandedScores *) header;
	FlatScores *flat = result;
	Size n_positives = scores->positives.n;

	Assert(allocated_size == get_flat_size(header));
	SET_VARSIZE(flat, allocated_size);
	flat->n_positives = (uint32) n_positives;
	memcpy(flat->scores, scores->positives.values, n_positives * sizeof(double));
	memcpy(flat->scores + n_positives, scores->negatives.values, scores->negatives.n * sizeof(double));
}

static const ExpandedObjectMethods methods = {get_flat_size, flatten_into};

static void
init_list(ScoreList *list, MemoryContext memory, Size n)
{
	list->n = 0;
	list->capacity = Max(n, FIRST_CAPACITY);
	list->sorted = false;
	list->values = MemoryContextAllocHuge(memory, list->capacity * sizeof(double));
}

/* An empty object with room for some scores, in a context of its own under 'parent'. */
static ExpandedScores *
make_scores(MemoryContext parent, Size n_positives, Size n_negatives)
{
	MemoryContext memory =
		AllocSetContextCreate(parent, "healthml labelled scores", ALLOCSET_START_SMALL_SIZES);
	ExpandedScores *scores = MemoryContextAlloc(memory, sizeof(ExpandedScores));

	EOH_init_header(&scores->header, &methods, memory);
	scores->magic = SCORES_MAGIC;
	init_list(&scores->positives, memory, n_positives);
	init_list(&scores->negatives, memory, n_negatives);
	return scores;
}

static void
check_room(Size held, Size more)
{
	if (held <= MAX_SCORES && more <= MAX_SCORES - held)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("cannot collect more than %zu scores in one aggregate", (size_t) MAX_SCORES),
			 errhint("Aggregate over a sample of the rows, such as one of TABLESAMPLE, or over groups.")));
}

/* Room for 'more' scores in 'list', which is one of the lists of 'scores'. */
static void
reserve(ExpandedScores *scores, ScoreList *list, Size more)
{
	check_room(scores->positives.n + scores->negatives.n, more);
	if (list->capacity - list->n >= more)
		return;
	list->capacity = Min(Max(2 * list->capacity, list->n + more), MAX_SCORES);
	list->values = repalloc_huge(list->values, list->capacity * sizeof(double));
}

static void
append(ExpandedScores *scores, ScoreList *list, const double *values, Size n)
{
	reserve(scores, list, n);
	memcpy(list->values + list->n, values, n * sizeof(double));
	list->n += n;
	list->sorted = false;
}

/* ---- values in either form ---- */

static ExpandedScores *
as_expanded(Datum value)
{
	ExpandedScores *scores;

	if (!VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value)))
		return NULL;
	scores = (ExpandedScores *) DatumGetEOHP(value);
	Assert(scores->magic == SCORES_MAGIC);
	return scores;
}

/* The lists of a value as they lie there; a flat one is detoasted first. */
static HmlRanking
view_of(Datum value)
{
	ExpandedScores *scores = as_expanded(value);
	HmlRanking view = {0};
	FlatScores *flat;
	Size n;

	if (scores != NULL)
	{
		view.positives = scores->positives.values;
		view.negatives = scores->negatives.values;
		view.n_positives = scores->positives.n;
		view.n_negatives = scores->negatives.n;
		return view;
	}
	flat = (FlatScores *) PG_DETOAST_DATUM(value);
	n = VARSIZE(flat) < FLAT_SIZE(0) ? 0 : (VARSIZE(flat) - FLAT_SIZE(0)) / sizeof(double);
	if (VARSIZE(flat) != FLAT_SIZE(n) || flat->n_positives > n)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("labelled_scores value is damaged")));
	view.positives = flat->scores;
	view.negatives = flat->scores + flat->n_positives;
	view.n_positives = flat->n_positives;
	view.n_negatives = n - flat->n_positives;
	return view;
}

static void
append_view(ExpandedScores *scores, const HmlRanking *view)
{
	append(scores, &scores->positives, view->positives, view->n_positives);
	append(scores, &scores->negatives, view->negatives, view->n_negatives);
}

static ExpandedScores *
expand(MemoryContext parent, Datum value)
{
	HmlRanking view = view_of(value);
	ExpandedScores *scores = make_scores(parent, view.n_positives, view.n_negatives);

	append_view(scores, &view);
	return scores;
}

/* The state in argument 0, ready to be changed. */
static ExpandedScores *
state_of(FunctionCallInfo fcinfo)
{
	MemoryContext memory = healthml_aggregate_context(fcinfo);

	if (PG_ARGISNULL(0))
		return make_scores(memory, 0, 0);
	if (VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(PG_GETARG_DATUM(0))))
		return as_expanded(PG_GETARG_DATUM(0));
	return expand(memory, PG_GETARG_DATUM(0));
}

static void
check_score(double score)
{
	HmlContext ctx;

	if (likely(isfinite(score)))
		return;
	healthml_context_init(&ctx, CurrentMemoryContext);
	healthml_check(&ctx, hml_check_score(&ctx, score));
}

/* ---- transition ---- */

/* (state, score, label): NULL scores and labels are skipped. */
Datum
healthml_labelled_scores_add(PG_FUNCTION_ARGS)
{
	ExpandedScores *scores;
	ScoreList *list;
	double score;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return healthml_same_state(fcinfo);
	score = PG_GETARG_FLOAT8(1);
	check_score(score);
	scores = state_of(fcinfo);
	list = PG_GETARG_BOOL(2) ? &scores->positives : &scores->negatives;
	reserve(scores, list, 1);
	list->values[list->n++] = score;
	list->sorted = false;
	PG_RETURN_DATUM(EOHPGetRWDatum(&scores->header));
}

/* (state, state), either of them NULL */
Datum
healthml_labelled_scores_merge(PG_FUNCTION_ARGS)
{
	ExpandedScores *scores;
	HmlRanking other;

	if (PG_ARGISNULL(1))
		return healthml_same_state(fcinfo);
	scores = state_of(fcinfo);
	other = view_of(PG_GETARG_DATUM(1));
	append_view(scores, &other);
	PG_RETURN_DATUM(EOHPGetRWDatum(&scores->header));
}

static void
sort_list(HmlContext *ctx, ScoreList *list)
{
	if (list->sorted)
		return;
	healthml_check(ctx, hml_sort_doubles(ctx, list->values, list->n));
	list->sorted = true;
}

HmlRanking
healthml_sorted_ranking(FunctionCallInfo fcinfo, HmlContext *ctx)
{
	ExpandedScores *scores = as_expanded(PG_GETARG_DATUM(0));

	healthml_aggregate_context(fcinfo);
	if (scores == NULL)
		scores = expand(CurrentMemoryContext, PG_GETARG_DATUM(0));
	sort_list(ctx, &scores->positives);
	sort_list(ctx, &scores->negatives);
	return view_of(EOHPGetRWDatum(&scores->header));
}

/* ---- input and output ---- */

static Datum
flatten(ExpandedScores *scores)
{
	Size size = get_flat_size(&scores->header);
	void *flat = palloc(size);

	flatten_into(&scores->header, flat, size);
	DeleteExpandedObject(EOHPGetRWDatum(&scores->header));
	return PointerGetDatum(flat);
}

static void
receive_list(StringInfo buffer, ExpandedScores *scores, ScoreList *list, Size n)
{
	for (Size i = 0; i < n; i++)
	{
		double score = pq_getmsgfloat8(buffer);

		CHECK_FOR_INTERRUPTS();
		check_score(score);
		append(scores, list, &score, 1);
	}
}

Datum
healthml_labelled_scores_recv(PG_FUNCTION_ARGS)
{
	StringInfo buffer = (StringInfo) PG_GETARG_POINTER(0);
	uint32 n_positives = pq_getmsgint(buffer, 4);
	uint32 n_negatives = pq_getmsgint(buffer, 4);
	Size bytes = (Size) (buffer->len - buffer->cursor);
	ExpandedScores *scores;

	if (bytes != ((Size) n_positives + n_negatives) * sizeof(double))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid labelled_scores in external binary format"),
						errdetail("%u positives and %u negatives do not take %zu bytes.", n_positives,
								  n_negatives, bytes)));
	scores = make_scores(CurrentMemoryContext, n_positives, n_negatives);
	receive_list(buffer, scores, &scores->positives, n_positives);
	receive_list(buffer, scores, &scores->negatives, n_negatives);
	return flatten(scores);
}

static void
send_list(StringInfo buffer, const double *values, Size n)
{
	for (Size i = 0; i < n; i++)
		pq_sendfloat8(buffer, values[i]);
}

Datum
healthml_labelled_scores_send(PG_FUNCTION_ARGS)
{
	HmlRanking view = view_of(PG_GETARG_DATUM(0));
	StringInfoData buffer;

	pq_begintypsend(&buffer);
	pq_sendint32(&buffer, (uint32) view.n_positives);
	pq_sendint32(&buffer, (uint32) view.n_negatives);
	send_list(&buffer, view.positives, view.n_positives);
	send_list(&buffer, view.negatives, view.n_negatives);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

Datum
healthml_labelled_scores_in(PG_FUNCTION_ARGS)
{
	return healthml_text_to_value(PG_GETARG_CSTRING(0), healthml_labelled_scores_recv);
}

Datum
healthml_labelled_scores_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(healthml_value_to_text(PG_GETARG_DATUM(0), healthml_labelled_scores_send));
}
