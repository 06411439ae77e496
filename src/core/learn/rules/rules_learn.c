/*
 * rules_learn.c
 *	  Bands of usual values, from the rows of a training.
 *
 * Memory: the values of one feature at a time.  Polls at each feature.
 */
#include <math.h>
#include <string.h>

#include "core/base/sort.h"
#include "core/learn/rules/rules.h"
#include "core/stats/quantile.h"

/* A value that at most this share of the rows is beyond of gets so many points. */
static const struct
{
	double share;
	double points;
	HmlRisk severity;
} steps[] = {
	{0.001, 3, HML_RISK_HIGH},
	{0.01, 2, HML_RISK_MEDIUM},
	{0.05, 1, HML_RISK_LOW},
};

#define N_STEPS (sizeof(steps) / sizeof(*steps))

static HmlStatus
add_bands(HmlRuleList *list, uint32_t feature, const double *sorted, size_t n)
{
	for (size_t s = 0; s < N_STEPS; s++)
	{
		HmlRule rule = {.feature = feature,
						.low = -INFINITY,
						.high = nextafter(hml_quantile(sorted, n, steps[s].share), -INFINITY),
						.points = steps[s].points,
						.severity = steps[s].severity,
						.message = "unusually low"};

		HML_TRY(hml_rule_add(list, &rule));
		rule.low = nextafter(hml_quantile(sorted, n, 1.0 - steps[s].share), INFINITY);
		rule.high = INFINITY;
		rule.message = "unusually high";
		HML_TRY(hml_rule_add(list, &rule));
	}
	return HML_OK;
}

static HmlStatus
add_rare(HmlRuleList *list, uint32_t feature, double value, double share)
{
	for (size_t s = 0; s < N_STEPS; s++)
		if (share <= steps[s].share)
		{
			HmlRule rule = {.feature = feature,
							.low = value,
							.high = value,
							.points = steps[s].points,
							.severity = steps[s].severity,
							.message = "rare"};

			return hml_rule_add(list, &rule);
		}
	return HML_OK;
}

static HmlStatus
learn_number(HmlRuleList *list, uint32_t feature, const HmlFrame *frame, const uint32_t *rows, size_t n_rows)
{
	HmlContext *ctx = hml_arena_context(list->arena);
	size_t n = 0;
	double *values;
	HmlStatus status;

	HML_TRY(HML_NEW(ctx, &values, n_rows));
	for (size_t i = 0; i < n_rows; i++)
	{
		double value = hml_frame_row(frame, rows[i])[feature];

		if (isfinite(value))
			values[n++] = value;
	}
	status = hml_sort_doubles(ctx, values, n);
	if (status == HML_OK && n > 0)
		status = add_bands(list, feature, values, n);
	hml_free(ctx, values);
	return status;
}

static HmlStatus
learn_boolean(HmlRuleList *list, uint32_t feature, double share_of_true)
{
	HML_TRY(add_rare(list, feature, 1, share_of_true));
	return add_rare(list, feature, 0, 1 - share_of_true);
}

static HmlStatus
learn_category(HmlRuleList *list, uint32_t feature, const HmlFeature *described)
{
	for (size_t code = 0; code < described->column.categories.count; code++)
		if (described->column.categories.texts[code][0] != '\0')
			HML_TRY(add_rare(list, feature, (double) code, described->shares[code]));
	return HML_OK;
}

HmlStatus
hml_rules_learn(HmlRuleList *list, const HmlPipeline *pipeline, const HmlFrame *frame, const uint32_t *rows,
				size_t n_rows, const bool *given)
{
	for (uint32_t f = 0; f < pipeline->n_features; f++)
	{
		const HmlFeature *feature = &pipeline->features[f];

		if (given[f])
			continue;
		HML_TRY(hml_poll(hml_arena_context(list->arena)));
		if (feature->column.kind == HML_COLUMN_NUMERIC)
			HML_TRY(learn_number(list, f, frame, rows, n_rows));
		else if (feature->column.kind == HML_COLUMN_BOOLEAN)
			HML_TRY(learn_boolean(list, f, feature->mean));
		else
			HML_TRY(learn_category(list, f, feature));
	}
	return HML_OK;
}
