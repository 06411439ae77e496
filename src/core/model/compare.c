/*
 * compare.c
 *	  Metrics of two models on the same rows, and their differences.
 *
 * Each model gets its own view of the frame, is judged, and its outputs are reduced to a score or a class of each row; the
 * rows that both can be judged by are compared.  A draw of rows weighs the same rows for both models: the weights come
 * in the order of the strata, and a ranking, which is sorted, gets them by the place of each row.
 */
#include "core/model/compare.h"

#include <math.h>
#include <string.h>

#include "core/base/sort.h"
#include "core/model/judged.h"
#include "core/model/metric_set.h"
#include "core/model/verdict.h"
#include "core/stats/paired.h"

typedef struct Side
{
	const HmlModel *model;
	HmlFrame frame; /* its view: its features in its order */
	HmlJudgedRows judged;
	double *scores;      /* (n) score of two classes, that of the alarm of more, or value */
	uint32_t *predicted; /* (n) class, of classes */
	HmlMetricSet set;
	uint32_t *
		places; /* (n) of the rows in the ranking, stratum by stratum; NULL = their order is that of the strata */
	uint32_t *weights; /* (n) in that order */
} Side;

typedef struct Compare
{
	HmlContext *ctx;
	HmlArena *arena;
	const HmlComparison *options;
	HmlText *items;
	HmlJudgement judgement;
	Side sides[2];
	size_t n;
	uint32_t *rows; /* (n) of the frame */
	bool *labels;   /* (n) positive, or of an alarm class */
} Compare;

/* ---- the rows of both ----------------------------------------------------------------------------- */

static size_t
column_named(const HmlFrame *frame, const char *name)
{
	for (size_t i = 0; i < frame->n_columns; i++)
		if (strcmp(frame->columns[i].name, name) == 0)
			return i;
	return frame->n_columns;
}

static bool
is_in_order(const HmlFrame *frame, const uint32_t *columns, size_t n)
{
	bool in_order = n == frame->n_columns;

	for (size_t i = 0; i < n; i++)
		in_order = in_order && columns[i] == i;
	return in_order;
}

static HmlStatus
copy_columns(Compare *c, const uint32_t *columns, size_t n, HmlFrame *view)
{
	const HmlFrame *frame = c->options->frame;

	HML_TRY(HML_ARENA_NEW(c->arena, &view->columns, n));
	for (size_t i = 0; i < n; i++)
		view->columns[i] = frame->columns[columns[i]];
	view->n_columns = n;
	HML_TRY(hml_alloc(c->ctx, frame->n_rows, n * sizeof(double), (void **) &view->values));
	for (size_t row = 0; row < frame->n_rows; row++)
	{
		if (row % 4096 == 0)
			HML_TRY(hml_poll(c->ctx));
		for (size_t i = 0; i < n; i++)
			view->values[row * n + i] = hml_frame_row(frame, row)[columns[i]];
	}
	return HML_OK;
}

/* The frame with the features of the model as its columns; values are its own unless the frame is so already. */
static HmlStatus
view_frame(Compare *c, Side *side)
{
	const HmlFrame *frame = c->options->frame;
	const HmlPipeline *pipeline = side->model->pipeline;
	uint32_t *columns;

	side->frame = *frame;
	if (frame->kind != HML_SAMPLE_ROW)
		return HML_OK;
	HML_TRY(HML_ARENA_NEW(c->arena, &columns, pipeline->n_features));
	for (size_t i = 0; i < pipeline->n_features; i++)
	{
		const char *name = pipeline->features[i].column.name;

		columns[i] = (uint32_t) column_named(frame, name);
		if (columns[i] == frame->n_columns)
			return hml_fail(c->ctx, HML_UNDEFINED, "the source has no column \"%s\"", name);
	}
	if (is_in_order(frame, columns, pipeline->n_features))
		return HML_OK;
	return copy_columns(c, columns, pipeline->n_features, &side->frame);
}

static HmlStatus
reduce_outputs(Compare *c, Side *side, const double *outputs)
{
	const HmlModel *model = side->model;

	HML_TRY(HML_ARENA_NEW(c->arena, &side->scores, side->judged.n));
	HML_TRY(HML_ARENA_NEW(c->arena, &side->predicted, side->judged.n));
	for (size_t i = 0; i < side->judged.n; i++)
	{
		side->scores[i] = hml_score_of_outputs(model, outputs + i * model->n_outputs);
		side->predicted[i] = (uint32_t) hml_class_of_outputs(model, outputs + i * model->n_outputs);
	}
	return HML_OK;
}

static HmlStatus
judge_view(Compare *c, Side *side)
{
	double *outputs;
	HmlStatus status;

	HML_TRY(hml_judged_rows(c->arena, side->model, &side->frame, NULL, side->frame.n_rows, &side->judged));
	HML_TRY(hml_alloc(c->ctx, side->judged.n, side->model->n_outputs * sizeof(double), (void **) &outputs));
	status = hml_frame_outputs(c->ctx, side->model, &side->frame, side->judged.rows, side->judged.n, NULL,
							   outputs);
	if (status == HML_OK)
		status = reduce_outputs(c, side, outputs);
	hml_free(c->ctx, outputs);
	return status;
}

static HmlStatus
judge_side(Compare *c, Side *side)
{
	HmlStatus status = view_frame(c, side);

	if (status == HML_OK)
		status = judge_view(c, side);
	if (side->frame.values != c->options->frame->values)
		hml_free(c->ctx, side->frame.values);
	return status;
}

static void
keep(Side *side, size_t to, size_t from)
{
	side->scores[to] = side->scores[from];
	side->predicted[to] = side->predicted[from];
	side->judged.classes[to] = side->judged.classes[from];
}

/* Leave to both sides the rows that both were judged by; rows of a side are ascending. */
static HmlStatus
meet(Compare *c)
{
	Side *a = &c->sides[0];
	Side *b = &c->sides[1];

	c->rows = a->judged.rows;
	for (size_t i = 0, k = 0; i < a->judged.n && k < b->judged.n;)
		if (a->judged.rows[i] == b->judged.rows[k])
		{
			c->rows[c->n] = a->judged.rows[i];
			keep(a, c->n, i++);
			keep(b, c->n++, k++);
		}
		else if (a->judged.rows[i] < b->judged.rows[k])
			i++;
		else
			k++;
	if (c->n == 0)
		return hml_fail(c->ctx, HML_INVALID_DATA, "no row has a target that both models can be judged by");
	return HML_OK;
}

/* ---- classes of both ------------------------------------------------------------------------------ */

/* Name of a class of two or more; a detector's have none. */
static const char *
class_name(const HmlModel *model, uint32_t class)
{
	static const char *const detected[] = {"false", "true"};

	return model->output_names != NULL ? model->output_names[class] : detected[class];
}

static HmlStatus
refuse_classes(const Compare *c, size_t row)
{
	const Side *sides = c->sides;

	hml_fail(c->ctx, HML_INVALID_DATA,
			 "models that take the same rows for different classes cannot be compared");
	hml_detail(c->ctx, "What is \"%s\" for one of them is \"%s\" for the other.",
			   class_name(sides[0].model, sides[0].judged.classes[row]),
			   class_name(sides[1].model, sides[1].judged.classes[row]));
	return HML_INVALID_DATA;
}

/* Of two classes the positive ones must be the same, of more the names. */
static HmlStatus
check_classes(const Compare *c)
{
	const Side *a = &c->sides[0];
	const Side *b = &c->sides[1];

	for (size_t i = 0; i < c->n; i++)
		if (c->judgement == HML_JUDGE_BINARY ? a->judged.classes[i] != b->judged.classes[i]
											 : c->judgement == HML_JUDGE_CLASSES &&
												   strcmp(class_name(a->model, a->judged.classes[i]),
														  class_name(b->model, b->judged.classes[i])) != 0)
			return refuse_classes(c, i);
	return HML_OK;
}

/* Number of a name among the classes of model a, or after them, of b. */
static uint32_t
common_class(const HmlModel *a, const HmlModel *b, uint32_t class_of_b)
{
	for (uint32_t k = 0; k < a->n_outputs; k++)
		if (strcmp(a->output_names[k], b->output_names[class_of_b]) == 0)
			return k;
	return (uint32_t) a->n_outputs + class_of_b;
}

static HmlStatus
number_classes(Compare *c)
{
	Side *a = &c->sides[0];
	Side *b = &c->sides[1];
	uint32_t *numbers;

	HML_TRY(HML_ARENA_NEW(c->arena, &numbers, b->model->n_outputs));
	for (uint32_t k = 0; k < b->model->n_outputs; k++)
		numbers[k] = common_class(a->model, b->model, k);
	for (size_t i = 0; i < c->n; i++)
		b->predicted[i] = numbers[b->predicted[i]];
	return HML_OK;
}

/* ---- differences ---------------------------------------------------------------------------------- */

/* Rows of the positives, then of the negatives, in the order of a ranking of the scores; of equal ones any. */
static HmlStatus
place_rows(Compare *c, Side *side)
{
	const HmlRanking *ranking = &side->set.ranking;
	uint32_t *taken; /* (n) how many of equal scores have a place, at the last of them */
	size_t next[2];

	HML_TRY(HML_ARENA_NEW(c->arena, &side->places, c->n));
	HML_TRY(HML_ARENA_NEW(c->arena, &side->weights, c->n));
	HML_TRY(HML_ARENA_NEW_ZERO(c->arena, &taken, c->n));
	next[true] = 0;
	next[false] = ranking->n_positives;
	for (size_t i = 0; i < c->n; i++)
	{
		bool label = c->labels[i];
		size_t start = label ? 0 : ranking->n_positives;
		size_t last =
			start + hml_find_double(label ? ranking->positives : ranking->negatives,
									label ? ranking->n_positives : ranking->n_negatives, side->scores[i]);

		side->places[next[label]++] = (uint32_t) (last - taken[last]++);
	}
	return HML_OK;
}

static HmlStatus
side_values(const Side *side, size_t n, const uint32_t *weights, double *values)
{
	if (side->places == NULL || weights == NULL)
		return side->set.resampling.metrics(side->set.resampling.user, weights, values);
	for (size_t i = 0; i < n; i++)
		side->weights[side->places[i]] = weights[i];
	return side->set.resampling.metrics(side->set.resampling.user, side->weights, values);
}

static HmlStatus
differences(void *user, const uint32_t *weights, double *values)
{
	const Compare *c = user;
	double b[HML_MAX_METRICS];

	HML_TRY(side_values(&c->sides[0], c->n, weights, values));
	HML_TRY(side_values(&c->sides[1], c->n, weights, b));
	for (size_t i = 0; i < c->sides[0].set.resampling.n_metrics; i++)
		values[i] -= b[i];
	return HML_OK;
}

typedef struct Item
{
	const char *metric;
	double a;
	double b;
	HmlInterval difference;
	double p_value;
	const char *method; /* NULL = none */
} Item;

static void
add_item(const Compare *c, const Item *item)
{
	HmlText *items = c->items;

	hml_text_add(items, items->length > 0 ? ", {\"metric\": " : "{\"metric\": ");
	hml_text_add_json_string(items, item->metric);
	hml_add_metric(items, "a", item->a);
	hml_add_metric(items, "b", item->b);
	hml_add_metric(items, "difference", item->difference.estimate);
	hml_add_metric(items, "low", item->difference.low);
	hml_add_metric(items, "high", item->difference.high);
	hml_add_metric(items, "p_value", item->p_value);
	if (item->method != NULL)
		hml_text_addf(items, ", \"method\": \"%s\"", item->method);
	hml_text_add(items, "}");
}

/* ---- tests ---------------------------------------------------------------------------------------- */

static HmlStatus
test_area(const Compare *c, Item *item)
{
	HmlDelong delong;

	HML_TRY(hml_delong(c->ctx, c->sides[0].scores, c->sides[1].scores, c->labels, c->n,
					   c->options->bootstrap.confidence, &delong));
	item->difference.low = delong.low;
	item->difference.high = delong.high;
	item->p_value = delong.p_value;
	item->method = "DeLong";
	return HML_OK;
}

static bool
is_right(const Compare *c, const Side *side, size_t row, bool by_threshold)
{
	if (by_threshold)
		return (side->scores[row] > side->model->calibration.threshold) == c->labels[row];
	return side->predicted[row] == c->sides[0].judged.classes[row];
}

/* Of the rows of one label, or of all where both are wanted. */
static void
test_shares(const Compare *c, Item *item, bool by_threshold, bool positives, bool negatives)
{
	uint64_t only[2] = {0, 0};

	for (size_t i = 0; i < c->n; i++)
	{
		bool a = is_right(c, &c->sides[0], i, by_threshold);
		bool b = is_right(c, &c->sides[1], i, by_threshold);

		if (a != b && (positives && negatives ? true : c->labels[i] ? positives : negatives))
			only[b]++;
	}
	item->p_value = hml_mcnemar(only[0], only[1]);
	item->method = item->method != NULL ? "paired bootstrap, McNemar" : "McNemar";
}

static HmlStatus
test_item(const Compare *c, Item *item)
{
	bool by_threshold = c->sides[0].set.ranking.n_positives + c->sides[0].set.ranking.n_negatives > 0;
	size_t skip = strncmp(item->metric, "alarm_", 6) == 0 ? 6 : 0;
	const char *name = item->metric + skip;

	if (c->options->bootstrap.replicates > 0)
		item->method = "paired bootstrap";
	if (strcmp(name, "roc_auc") == 0)
		return test_area(c, item);
	if (strcmp(name, "accuracy") == 0)
		test_shares(c, item, by_threshold, true, true);
	else if (strcmp(name, "recall") == 0)
		test_shares(c, item, by_threshold, true, false);
	else if (strcmp(name, "specificity") == 0)
		test_shares(c, item, by_threshold, false, true);
	return HML_OK;
}

/* The sets of both sides are made: add all their metrics. */
static HmlStatus
add_sets(Compare *c)
{
	HmlResampling resampling = c->sides[0].set.resampling;
	HmlInterval intervals[HML_MAX_METRICS];
	double values[2][HML_MAX_METRICS];

	resampling.metrics = differences;
	resampling.user = c;
	HML_TRY(hml_bootstrap_metrics(c->ctx, &resampling,
								  c->options->bootstrap.replicates > 0 ? &c->options->bootstrap : NULL,
								  intervals));
	for (size_t k = 0; k < 2; k++)
		HML_TRY(side_values(&c->sides[k], c->n, NULL, values[k]));
	for (size_t i = 0; i < resampling.n_metrics; i++)
	{
		Item item = {.metric = c->sides[0].set.names[i],
					 .a = values[0][i],
					 .b = values[1][i],
					 .difference = intervals[i],
					 .p_value = NAN};

		HML_TRY(test_item(c, &item));
		add_item(c, &item);
	}
	return HML_OK;
}

/* ---- kinds ---------------------------------------------------------------------------------------- */

typedef HmlStatus (*MakeSet)(Compare *c, Side *side);

static HmlStatus
make_binary(Compare *c, Side *side)
{
	bool are_probabilities =
		c->sides[0].model->output_names != NULL && c->sides[1].model->output_names != NULL;

	HML_TRY(hml_binary_metrics(c->ctx, side->scores, c->labels, c->n, side->model->calibration.threshold,
							   are_probabilities, &side->set));
	return place_rows(c, side);
}

static HmlStatus
make_alarm(Compare *c, Side *side)
{
	HML_TRY(hml_alarm_metrics(c->ctx, side->scores, c->labels, c->n, side->model->calibration.threshold,
							  &side->set));
	return place_rows(c, side);
}

static HmlStatus
make_classes(Compare *c, Side *side)
{
	return hml_class_metrics(c->ctx, side->predicted, c->sides[0].judged.classes, c->n,
							 c->sides[0].model->n_outputs + c->sides[1].model->n_outputs, &side->set);
}

static HmlStatus
make_values(Compare *c, Side *side)
{
	double *actual;

	HML_TRY(HML_ARENA_NEW(c->arena, &actual, c->n));
	for (size_t i = 0; i < c->n; i++)
		actual[i] = hml_frame_values(c->options->frame, HML_ROLE_TARGET)[c->rows[i]];
	return hml_value_metrics(c->ctx, side->scores, actual, c->n, &side->set);
}

static HmlStatus
compare_sets(Compare *c, MakeSet make)
{
	HmlStatus status = HML_OK;

	for (size_t k = 0; k < 2; k++)
	{
		c->sides[k].set = (HmlMetricSet){.ctx = c->ctx};
		c->sides[k].places = NULL;
	}
	for (size_t k = 0; k < 2 && status == HML_OK; k++)
		status = make(c, &c->sides[k]);
	if (status == HML_OK)
		status = add_sets(c);
	for (size_t k = 0; k < 2; k++)
		hml_metric_set_free(&c->sides[k].set);
	return status;
}

static HmlStatus
compare_binary(Compare *c)
{
	Item positives = {.metric = "positives", .difference = {NAN, NAN, NAN, 0}, .p_value = NAN};

	for (size_t i = 0; i < c->n; i++)
	{
		c->labels[i] = c->sides[0].judged.classes[i] == 1;
		positives.a += c->labels[i];
	}
	positives.b = positives.a;
	add_item(c, &positives);
	return compare_sets(c, make_binary);
}

/* Alarms are compared where both models raise one of the same rows. */
static HmlStatus
compare_classes(Compare *c)
{
	bool is_same_alarm = hml_has_risk(c->sides[0].model) && hml_has_risk(c->sides[1].model);

	HML_TRY(number_classes(c));
	HML_TRY(compare_sets(c, make_classes));
	for (size_t i = 0; i < c->n; i++)
	{
		c->labels[i] = hml_is_alarm_class(c->sides[0].model, c->sides[0].judged.classes[i]);
		is_same_alarm = is_same_alarm &&
						c->labels[i] == hml_is_alarm_class(c->sides[1].model, c->sides[1].judged.classes[i]);
	}
	return is_same_alarm ? compare_sets(c, make_alarm) : HML_OK;
}

static void
count_rows(const Compare *c)
{
	const char *const names[] = {"rows", "rows_left_out"};
	double counts[] = {(double) c->n, (double) (c->options->frame->n_rows - c->n)};

	for (size_t i = 0; i < 2; i++)
		add_item(c, &(Item){.metric = names[i],
							.a = counts[i],
							.b = counts[i],
							.difference = {NAN, NAN, NAN, 0},
							.p_value = NAN});
}

/* Classifiers of two classes and of more are compared by their classes. */
static HmlStatus
find_judgement(Compare *c)
{
	HmlJudgement a = hml_judgement_of(c->options->models[0]);
	HmlJudgement b = hml_judgement_of(c->options->models[1]);

	c->judgement = a;
	if (a == b)
		return HML_OK;
	c->judgement = HML_JUDGE_CLASSES;
	if (c->options->models[0]->output_names != NULL && c->options->models[1]->output_names != NULL)
		return HML_OK;
	return hml_fail(c->ctx, HML_INVALID_ARGUMENT,
					"models cannot be compared when one predicts %s and the other %s",
					a == HML_JUDGE_VALUES || b == HML_JUDGE_VALUES ? "a value" : "more than two classes",
					a == HML_JUDGE_BINARY || b == HML_JUDGE_BINARY ? "one of two classes" : "classes");
}

static HmlStatus
compare(Compare *c)
{
	HML_TRY(find_judgement(c));
	for (size_t k = 0; k < 2; k++)
	{
		c->sides[k].model = c->options->models[k];
		HML_TRY(judge_side(c, &c->sides[k]));
	}
	HML_TRY(meet(c));
	HML_TRY(check_classes(c));
	HML_TRY(HML_ARENA_NEW_ZERO(c->arena, &c->labels, c->n));
	count_rows(c);
	if (c->judgement == HML_JUDGE_BINARY)
		return compare_binary(c);
	return c->judgement == HML_JUDGE_CLASSES ? compare_classes(c) : compare_sets(c, make_values);
}

HmlStatus
hml_compare(HmlContext *ctx, const HmlComparison *comparison, HmlText *items)
{
	Compare c = {.ctx = ctx, .options = comparison, .items = items};
	HmlStatus status;

	HML_TRY(hml_arena_create(ctx, &c.arena));
	status = compare(&c);
	hml_arena_free(c.arena);
	return status;
}
