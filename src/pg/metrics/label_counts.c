/*
 * label_counts.c
 *	  Type healthml.label_counts: a square table of counts over a set of labels.
 *
 * It is the transition type of confusion_matrix.  The value is one flat block:
 * varlena header, uint32 number of labels n, the n x n counts by rows of actual
 * labels, n uint32 ends of the labels' bytes, and those bytes.  A row whose labels
 * are known adds one in place, O(log n); a new label makes a new block, which
 * happens at most MAX_LABELS times.
 *
 * Labels are in the encoding of the database and strictly ascending by their
 * bytes, so that equal tables are equal blocks.  Binary form: int4 n, n x n int8,
 * then for each label int4 length and bytes.
 */
#include "pg/metrics/label_counts.h"

#include "common/int.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "pg/server/aggregate.h"
#include "pg/server/binary_text.h"

#define MAX_LABELS 256
#define MAX_LABEL_LENGTH 256 /* bytes */

typedef struct LabelCounts
{
	int32 vl_len_;
	uint32 n;
	uint64 counts[FLEXIBLE_ARRAY_MEMBER]; /* then uint32 ends[n], then the bytes */
} LabelCounts;

typedef struct Label
{
	const char *bytes;
	int length;
} Label;

PG_FUNCTION_INFO_V1(healthml_label_counts_in);
PG_FUNCTION_INFO_V1(healthml_label_counts_out);
PG_FUNCTION_INFO_V1(healthml_label_counts_recv);
PG_FUNCTION_INFO_V1(healthml_label_counts_send);
PG_FUNCTION_INFO_V1(healthml_label_counts_add);
PG_FUNCTION_INFO_V1(healthml_label_counts_merge);

/* ---- the block ---- */

static Size
header_size(uint32 n)
{
	return offsetof(LabelCounts, counts) + (Size) n * n * sizeof(uint64) + n * sizeof(uint32);
}

static uint32 *
ends_of(const LabelCounts *table)
{
	return (uint32 *) (table->counts + (Size) table->n * table->n);
}

static char *
bytes_of(const LabelCounts *table)
{
	return (char *) table + header_size(table->n);
}

static uint64 *
count_of(LabelCounts *table, int actual, int predicted)
{
	return &table->counts[(Size) actual * table->n + predicted];
}

static Label
label_at(const LabelCounts *table, int i)
{
	uint32 start = i == 0 ? 0 : ends_of(table)[i - 1];
	Label label = {bytes_of(table) + start, (int) (ends_of(table)[i] - start)};

	return label;
}

static int
compare_labels(Label a, Label b)
{
	int order = memcmp(a.bytes, b.bytes, Min(a.length, b.length));

	return order != 0 ? order : a.length - b.length;
}

/* A table of these ascending labels with all counts 0. */
static LabelCounts *
make_table(const Label *labels, uint32 n)
{
	Size size = header_size(n);
	LabelCounts *table;
	uint32 end = 0;

	if (n > MAX_LABELS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a confusion matrix cannot have more than %d labels", MAX_LABELS),
						errhint("Group rare labels into one, or count the pairs with GROUP BY.")));
	for (uint32 i = 0; i < n; i++)
		size += labels[i].length;
	table = palloc0(size);
	SET_VARSIZE(table, size);
	table->n = n;
	for (uint32 i = 0; i < n; i++)
	{
		memcpy(bytes_of(table) + end, labels[i].bytes, labels[i].length);
		end += labels[i].length;
		ends_of(table)[i] = end;
	}
	return table;
}

/* Position of a label, or of the first one after it. */
static int
search(const LabelCounts *table, Label label, bool *found)
{
	int low = 0;
	int high = (int) table->n;

	while (low < high)
	{
		int middle = (low + high) / 2;
		int order = compare_labels(label_at(table, middle), label);

		if (order == 0)
		{
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*found = false;
	return low;
}

/* Where the labels of 'from' are in 'into', which has them all. */
static int *
places_in(const LabelCounts *into, const LabelCounts *from)
{
	int *places = palloc(from->n * sizeof(int));
	bool found;

	for (uint32 i = 0; i < from->n; i++)
		places[i] = search(into, label_at(from, i), &found);
	return places;
}

/* Add all counts of 'from' to 'into', which has its labels. */
static void
add_counts(LabelCounts *into, LabelCounts *from)
{
	int *places = places_in(into, from);

	for (uint32 i = 0; i < from->n; i++)
		for (uint32 j = 0; j < from->n; j++)
		{
			uint64 *count = count_of(into, places[i], places[j]);

			if (pg_add_s64_overflow((int64) *count, (int64) *count_of(from, i, j), (int64 *) count))
				ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("bigint out of range")));
		}
	pfree(places);
}

/* The same for a table whose counts are all 0. */
static void
copy_counts(LabelCounts *into, const LabelCounts *from)
{
	int *places = places_in(into, from);
	const uint64 *count = from->counts;

	for (uint32 i = 0; i < from->n; i++)
	{
		uint64 *row = count_of(into, places[i], 0);

		for (uint32 j = 0; j < from->n; j++)
			row[places[j]] = *count++;
	}
	pfree(places);
}

static bool
has_labels_of(const LabelCounts *table, const LabelCounts *other)
{
	bool found = true;

	for (uint32 i = 0; i < other->n && found; i++)
		search(table, label_at(other, i), &found);
	return found;
}

/* A new table over the labels of both, with the counts of 'a'. */
static LabelCounts *
widen(const LabelCounts *a, const LabelCounts *b)
{
	Label *labels = palloc((a->n + b->n) * sizeof(Label));
	uint32 n = 0;
	uint32 i = 0;
	uint32 j = 0;
	LabelCounts *wide;

	while (i < a->n || j < b->n)
	{
		int order = i == a->n ? 1 : j == b->n ? -1 : compare_labels(label_at(a, i), label_at(b, j));

		labels[n++] = order <= 0 ? label_at(a, i) : label_at(b, j);
		i += order <= 0;
		j += order >= 0;
	}
	wide = make_table(labels, n);
	copy_counts(wide, a);
	pfree(labels);
	return wide;
}

/* ---- transition ---- */

static LabelCounts *
table_arg(FunctionCallInfo fcinfo, int arg)
{
	return (LabelCounts *) PG_DETOAST_DATUM(PG_GETARG_DATUM(arg));
}

static Label
label_of(const text *value)
{
	Label label = {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};

	if (label.length > MAX_LABEL_LENGTH)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a label of %d bytes exceeds the limit of %d bytes", label.length,
							   MAX_LABEL_LENGTH)));
	return label;
}

/* (state, predicted, actual): rows with a NULL are skipped. */
Datum
healthml_label_counts_add(PG_FUNCTION_ARGS)
{
	LabelCounts *state;
	Label predicted;
	Label actual;
	bool knows_predicted;
	bool knows_actual;
	int column;
	int row;

	healthml_aggregate_context(fcinfo);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return healthml_same_state(fcinfo);
	state = PG_ARGISNULL(0) ? make_table(NULL, 0) : table_arg(fcinfo, 0);
	predicted = label_of(PG_GETARG_TEXT_PP(1));
	actual = label_of(PG_GETARG_TEXT_PP(2));

	column = search(state, predicted, &knows_predicted);
	if (!knows_predicted)
		state = widen(state, make_table(&predicted, 1));
	row = search(state, actual, &knows_actual);
	if (!knows_actual)
		state = widen(state, make_table(&actual, 1));
	if (!knows_actual)
		column = search(state, predicted, &knows_predicted);
	(*count_of(state, row, column))++;
	PG_RETURN_POINTER(state);
}

/* (state, state), either of them NULL */
Datum
healthml_label_counts_merge(PG_FUNCTION_ARGS)
{
	LabelCounts *state;
	LabelCounts *other;

	healthml_aggregate_context(fcinfo);
	if (PG_ARGISNULL(1))
		return healthml_same_state(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_DATUM(PG_GETARG_DATUM(1));
	state = table_arg(fcinfo, 0);
	other = table_arg(fcinfo, 1);
	if (!has_labels_of(state, other))
		state = widen(state, other);
	add_counts(state, other);
	PG_RETURN_POINTER(state);
}

LabelTable
healthml_label_table(Datum value)
{
	LabelCounts *counts = (LabelCounts *) PG_DETOAST_DATUM(value);
	LabelTable table = {(int) counts->n, counts->counts, palloc(counts->n * sizeof(char *))};

	for (uint32 i = 0; i < counts->n; i++)
	{
		Label label = label_at(counts, i);

		table.labels[i] = pnstrdup(label.bytes, label.length);
	}
	return table;
}

/* ---- input and output ---- */

static void
damaged(const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					errmsg("invalid label_counts in external binary format"), errdetail("%s", detail)));
}

static Label
receive_label(StringInfo buffer, const Label *previous)
{
	Label label;

	label.length = (int) pq_getmsgint(buffer, 4);
	if (label.length < 0 || label.length > MAX_LABEL_LENGTH)
		damaged("The length of a label is out of range.");
	label.bytes = pq_getmsgbytes(buffer, label.length);
	pg_verifymbstr(label.bytes, label.length, false);
	if (previous != NULL && compare_labels(*previous, label) >= 0)
		damaged("Labels are not in ascending order.");
	return label;
}

Datum
healthml_label_counts_recv(PG_FUNCTION_ARGS)
{
	StringInfo buffer = (StringInfo) PG_GETARG_POINTER(0);
	uint32 n = pq_getmsgint(buffer, 4);
	const char *counts;
	Label *labels;
	LabelCounts *table;
	StringInfoData counts_buffer;

	if (n > MAX_LABELS)
		damaged("The number of labels is out of range.");
	labels = palloc0(n * sizeof(Label));
	counts = pq_getmsgbytes(buffer, (int) (n * n * sizeof(uint64)));
	for (uint32 i = 0; i < n; i++)
		labels[i] = receive_label(buffer, i == 0 ? NULL : &labels[i - 1]);
	if (buffer->cursor != buffer->len)
		damaged("Bytes are left over.");

	table = make_table(labels, n);
	counts_buffer = (StringInfoData){.data = unconstify(char *, counts), .len = n * n * sizeof(uint64)};
	for (Size i = 0; i < (Size) n * n; i++)
	{
		int64 count = pq_getmsgint64(&counts_buffer);

		if (count < 0)
			damaged("A count is negative.");
		table->counts[i] = (uint64) count;
	}
	PG_RETURN_POINTER(table);
}

Datum
healthml_label_counts_send(PG_FUNCTION_ARGS)
{
	LabelCounts *table = table_arg(fcinfo, 0);
	StringInfoData buffer;

	pq_begintypsend(&buffer);
	pq_sendint32(&buffer, table->n);
	for (Size i = 0; i < (Size) table->n * table->n; i++)
		pq_sendint64(&buffer, table->counts[i]);
	for (uint32 i = 0; i < table->n; i++)
	{
		Label label = label_at(table, i);

		pq_sendint32(&buffer, (uint32) label.length);
		pq_sendbytes(&buffer, label.bytes, label.length);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buffer));
}

Datum
healthml_label_counts_in(PG_FUNCTION_ARGS)
{
	return healthml_text_to_value(PG_GETARG_CSTRING(0), healthml_label_counts_recv);
}

Datum
healthml_label_counts_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(healthml_value_to_text(PG_GETARG_DATUM(0), healthml_label_counts_send));
}
