/*
 * rules.c
 *	  The algorithm "rules": parameters, training, scoring, explanation.
 *
 * Section of the artifact: f64 medium points, u32 rules; of each u32 feature, f64 low, high and points, u8 severity,
 * text message.
 */
#include "core/learn/rules/rules.h"

#include <math.h>
#include <string.h>

#include "core/model/anomaly.h"

#define HALF_A_POINT 0.5 /* cut-offs lie between sums of points */
#define ESCALATED 0.25   /* points that a row of medium risk by one rule lacks at most */
#define ALARM_POINTS 3.0
#define LEAST_RULE_BYTES (4 + 3 * 8 + 1 + 4)
#define ROWS_BETWEEN_POLLS 4096

static const HmlParamSpec params[] = {
	{"rules", HML_PARAM_OBJECT, "null", 0, 0, NULL,
	 "Rules by feature: {\"pulse\": [{\"min\": 131, \"points\": 3, \"severity\": \"high\", \"message\": "
	 "\"tachycardia\"}]}; "
	 "min and max are part of the band, above and below are not, equals is a single value."},
	{"learn_bands", HML_PARAM_TEXT, "\"auto\"", 0, 0, "auto|yes|no",
	 "Learn bands of features that have no rules: beyond the 5, 1 and 0.1 % of the rows at either end are 1, "
	 "2 and "
	 "3 points; auto learns when no rules are given."},
	{"medium_points", HML_PARAM_NUMBER, "null", 0, 1e9, NULL,
	 "Points from which the risk is medium, as it is when a rule of severity high fires; by default a "
	 "percentile."},
	{"high_points", HML_PARAM_NUMBER, "null", 0, 1e9, NULL,
	 "Points from which the risk is high; by default a percentile."},
	{"alarm_points", HML_PARAM_NUMBER, "null", 0, 1e9, NULL,
	 "Points from which a row is an anomaly; by default those of medium risk, or 3."},
	{0}};

/* ---- firing ---------------------------------------------------------------------------------------- */

const HmlRule *
hml_rule_fired(const HmlRules *rules, size_t feature, double value)
{
	if (value == HML_RULES_ABSENT)
		return NULL;
	for (size_t i = rules->first[feature]; i < rules->first[feature + 1]; i++)
		if (value >= rules->rules[i].low && value <= rules->rules[i].high)
			return &rules->rules[i];
	return NULL;
}

static double
score_of(const HmlRules *rules, const double *inputs, size_t n_features)
{
	double points = 0;
	bool severe = false;

	for (size_t f = 0; f < n_features; f++)
	{
		const HmlRule *rule = hml_rule_fired(rules, f, inputs[f]);

		if (rule != NULL)
		{
			points += rule->points;
			severe |= rule->severity == HML_RISK_HIGH;
		}
	}
	if (severe && points < rules->medium_points)
		points = fmax(points, rules->medium_points - ESCALATED);
	return points / rules->max_points;
}

static size_t
scratch_size(const HmlModel *model)
{
	(void) model;
	return 1;
}

static HmlStatus
outputs(const HmlModel *model, HmlContext *ctx, void *scratch, const HmlSamples *samples, double *scores)
{
	size_t n_features = model->pipeline->n_features;

	(void) scratch;
	for (size_t i = 0; i < samples->n; i++)
	{
		scores[i] = score_of(model->impl, samples->rows + i * n_features, n_features);
		if (i % ROWS_BETWEEN_POLLS == ROWS_BETWEEN_POLLS - 1)
			HML_TRY(hml_poll(ctx));
	}
	return HML_OK;
}

/* Points of each feature; what one severe rule adds to them is its feature's. */
static HmlStatus
explain(const HmlModel *model, HmlContext *ctx, const double *inputs, HmlExplanation *out)
{
	const HmlRules *rules = model->impl;
	size_t n_features = model->pipeline->n_features;
	size_t severe = n_features;
	double sum = 0;

	(void) ctx;
	for (size_t f = 0; f < n_features; f++)
	{
		const HmlRule *rule = hml_rule_fired(rules, f, inputs[f]);

		out->contributions[f] = rule != NULL ? rule->points / rules->max_points : 0;
		sum += out->contributions[f];
		if (rule != NULL && rule->severity == HML_RISK_HIGH && severe == n_features)
			severe = f;
	}
	out->base = 0;
	out->margin = score_of(rules, inputs, n_features);
	if (severe < n_features)
		out->contributions[severe] += out->margin - sum;
	out->standard_error = 0;
	out->method = "rules";
	return HML_OK;
}

/* ---- training -------------------------------------------------------------------------------------- */

/* Nothing is imputed and nothing scaled: a rule speaks of the value as it was measured. */
static HmlStatus
set_pipeline(HmlModel *model, const HmlTraining *training, const uint32_t *rows, size_t n_rows,
			 const HmlJson *given)
{
	HmlPipeline *pipeline;

	HML_TRY(hml_pipeline_fit(model->arena, training->frame, rows, n_rows, training->params, HML_SCALE_NONE,
							 &model->pipeline));
	pipeline = model->pipeline;
	pipeline->imputation = HML_IMPUTE_CONSTANT;
	pipeline->scaling = HML_SCALE_NONE;
	pipeline->encoding = HML_ENCODE_ORDINAL;
	HML_TRY(hml_rules_add_categories(model->arena, pipeline, given));
	for (size_t f = 0; f < pipeline->n_features; f++)
	{
		HmlFeature *feature = &pipeline->features[f];

		feature->offset = 0;
		feature->scale = 1;
		feature->fill = feature->column.kind == HML_COLUMN_CATEGORY ? 0 : HML_RULES_ABSENT;
	}
	return hml_pipeline_lay_out(pipeline, hml_arena_context(model->arena));
}

/* Insertion sort by feature, then points: lists are short and mostly in order. */
static void
sort_rules(HmlRule *rules, size_t n)
{
	for (size_t i = 1; i < n; i++)
	{
		HmlRule rule = rules[i];
		size_t j = i;

		while (j > 0 && (rules[j - 1].feature > rule.feature ||
						 (rules[j - 1].feature == rule.feature && rules[j - 1].points < rule.points)))
		{
			rules[j] = rules[j - 1];
			j--;
		}
		rules[j] = rule;
	}
}

/* Index by feature and greatest sum of sorted rules. */
static HmlStatus
index_rules(HmlArena *arena, HmlRules *rules, size_t n_features)
{
	size_t next = 0;

	HML_TRY(HML_ARENA_NEW(arena, &rules->first, n_features + 1));
	rules->max_points = 0;
	for (size_t f = 0; f < n_features; f++)
	{
		rules->first[f] = next;
		if (next < rules->n_rules && rules->rules[next].feature == f)
			rules->max_points += rules->rules[next].points;
		while (next < rules->n_rules && rules->rules[next].feature == f)
			next++;
	}
	rules->first[n_features] = next;
	return HML_OK;
}

static HmlStatus
copy_messages(HmlArena *arena, HmlRules *rules)
{
	for (size_t i = 0; i < rules->n_rules; i++)
	{
		const char *message = rules->rules[i].message;
		char *copy;

		HML_TRY(hml_arena_strdup(arena, message, strlen(message), &copy));
		rules->rules[i].message = copy;
	}
	return HML_OK;
}

static HmlStatus
make_rules(HmlModel *model, const HmlTraining *training, const uint32_t *rows, size_t n_rows,
		   const HmlJson *json, HmlRules *out)
{
	const HmlParams *given = training->params;
	HmlContext *ctx = hml_arena_context(model->arena);
	HmlRuleList list = {.arena = model->arena};
	bool *has_rules;

	HML_TRY(HML_ARENA_NEW_ZERO(model->arena, &has_rules, model->pipeline->n_features));
	HML_TRY(hml_rules_parse(&list, model->pipeline, json, has_rules));
	if (hml_param_is_choice(given, "learn_bands", "yes") ||
		(hml_param_is_choice(given, "learn_bands", "auto") && list.n == 0))
		HML_TRY(hml_rules_learn(&list, model->pipeline, training->frame, rows, n_rows, has_rules));
	if (list.n == 0)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "there is no rule");
	sort_rules(list.rules, list.n);
	out->n_rules = list.n;
	out->rules = list.rules;
	out->medium_points =
		hml_param_is_set(given, "medium_points") ? hml_param_number(given, "medium_points") : NAN;
	HML_TRY(copy_messages(model->arena, out));
	return index_rules(model->arena, out, model->pipeline->n_features);
}

static void
set_risks(const HmlParams *given, const HmlRules *rules, HmlCalibration *calibration)
{
	bool has_medium = hml_param_is_set(given, "medium_points");
	double high = calibration->high_cutoff;

	if (hml_param_is_set(given, "high_points"))
		high = (hml_param_number(given, "high_points") - HALF_A_POINT) / rules->max_points;
	else if (has_medium)
		high = fmax(high, 1.0);
	calibration->high_cutoff = high;
	if (has_medium)
		calibration->medium_cutoff = (rules->medium_points - HALF_A_POINT) / rules->max_points;
	calibration->medium_cutoff = fmin(calibration->medium_cutoff, high);
}

static double
alarm_threshold(const HmlParams *given, const HmlRules *rules)
{
	double points =
		isnan(rules->medium_points) ? fmin(ALARM_POINTS, rules->max_points) : rules->medium_points;

	if (hml_param_is_set(given, "alarm_points"))
		points = hml_param_number(given, "alarm_points");
	return (points - HALF_A_POINT) / rules->max_points;
}

static HmlStatus
fit_rows(HmlArena *arena, const HmlTraining *training, HmlModel *model, const uint32_t *rows, size_t n_rows)
{
	HmlContext *ctx = hml_arena_context(arena);
	static const HmlJson none = {.type = HML_JSON_OBJECT};
	const HmlJson *json = &none;
	HmlRules *rules;

	if (hml_param_is_set(training->params, "rules"))
		json = hml_param_json(training->params, "rules");
	HML_TRY(set_pipeline(model, training, rows, n_rows, json));
	HML_TRY(HML_ARENA_NEW_ZERO(model->arena, &rules, 1));
	HML_TRY(make_rules(model, training, rows, n_rows, json, rules));
	model->impl = rules;
	hml_metric(training, "rules", (double) rules->n_rules);
	hml_metric(training, "max_points", rules->max_points);
	HML_TRY(
		hml_anomaly_calibrate(ctx, training, model, rows, n_rows, alarm_threshold(training->params, rules)));
	set_risks(training->params, rules, &model->calibration);
	return HML_OK;
}

static HmlStatus
train(HmlContext *ctx, const HmlTraining *training, HmlModel *model)
{
	return hml_anomaly_train(ctx, training, model, fit_rows);
}

/* ---- artifact -------------------------------------------------------------------------------------- */

static void
write_rules(const HmlModel *model, HmlWriter *writer)
{
	const HmlRules *rules = model->impl;

	hml_write_f64(writer, rules->medium_points);
	hml_write_u32(writer, (uint32_t) rules->n_rules);
	for (size_t i = 0; i < rules->n_rules; i++)
	{
		const HmlRule *rule = &rules->rules[i];

		hml_write_u32(writer, rule->feature);
		hml_write_f64(writer, rule->low);
		hml_write_f64(writer, rule->high);
		hml_write_f64(writer, rule->points);
		hml_write_u8(writer, (uint8_t) rule->severity);
		hml_write_text(writer, rule->message, strlen(rule->message));
	}
}

static HmlStatus
read_rule(HmlModel *model, HmlReader *reader, HmlRule *rule)
{
	uint8_t severity;

	HML_TRY(hml_read_u32(reader, &rule->feature));
	HML_TRY(hml_read_f64(reader, &rule->low));
	HML_TRY(hml_read_f64(reader, &rule->high));
	HML_TRY(hml_read_f64(reader, &rule->points));
	HML_TRY(hml_read_u8(reader, &severity));
	HML_TRY(hml_read_text_copy(model->arena, reader, &rule->message));
	rule->severity = (HmlRisk) severity;
	if (rule->feature < model->pipeline->n_features && rule->low <= rule->high && rule->points > 0 &&
		rule->points <= HML_MAX_RULE_POINTS && severity <= HML_RISK_HIGH)
		return HML_OK;
	return hml_fail(reader->ctx, HML_CORRUPT, "%s has a rule that makes no sense", reader->what);
}

static HmlStatus
read_rules(HmlModel *model, HmlReader *reader)
{
	HmlRules *rules;

	HML_TRY(HML_ARENA_NEW_ZERO(model->arena, &rules, 1));
	HML_TRY(hml_read_f64(reader, &rules->medium_points));
	HML_TRY(hml_read_count(reader, LEAST_RULE_BYTES, HML_MAX_RULES, &rules->n_rules));
	HML_TRY(HML_ARENA_NEW(model->arena, &rules->rules, rules->n_rules));
	for (size_t i = 0; i < rules->n_rules; i++)
	{
		HML_TRY(read_rule(model, reader, &rules->rules[i]));
		if (i > 0 && rules->rules[i].feature < rules->rules[i - 1].feature)
			return hml_fail(reader->ctx, HML_CORRUPT, "%s has rules in disorder", reader->what);
	}
	if (rules->n_rules == 0 || model->n_outputs != 1 || isinf(rules->medium_points) ||
		model->pipeline->n_inputs != model->pipeline->n_features)
		return hml_fail(reader->ctx, HML_CORRUPT, "%s contradicts itself", reader->what);
	model->impl = rules;
	return index_rules(model->arena, rules, model->pipeline->n_features);
}

const HmlAlgorithm hml_rules = {
	.name = "rules",
	.task = "anomaly_detection",
	.help = "Rules: bands of values with points, given or learnt; the rules that fire are the explanation.",
	.target_use = HML_TARGET_EVALUATES,
	.scores_risk = true,
	.params = params,
	.train = train,
	.write = write_rules,
	.read = read_rules,
	.scratch_size = scratch_size,
	.outputs = outputs,
	.explain = explain,
};
