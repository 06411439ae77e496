/*
 * narrative.c
 *	  From contributions to sentences.
 *
 * A feature is a reason when its contribution points the way of the risk: up for
 * a high or medium one, down for a low one.  A flag or code that most cases have is
 * none.  Contributions that are a small part
 * of all are not worth a clinician's time and are left out.
 */
#include "core/explain/narrative.h"

#include <math.h>
#include <string.h>

#include "core/explain/narrative_values.h"
#include "core/model/verdict.h"

#define NEGLIGIBLE 0.05 /* share of the sum of absolute contributions */
#define SCORE_DECIMALS 3

static const HmlFeature *
feature_at(const HmlNarrative *narrative, size_t index)
{
	return &narrative->model->pipeline->features[index];
}

/* "cholesterol 564 mg/dl (usually 175 to 326, median 244)" */
static void
add_reason(HmlText *text, const HmlNarrative *narrative, size_t index)
{
	double value = narrative->values[index];

	if (isnan(value))
	{
		hml_narrate_label(text, narrative, index);
		hml_text_add(text, " (missing)");
		return;
	}
	hml_narrate_label(text, narrative, index);
	hml_text_add(text, hml_word_for_value(narrative, index, value) != NULL ? ": " : " ");
	hml_narrate_value(text, narrative, index, value);
	hml_narrate_usual(text, narrative, index, value);
}

/* The features that push hardest the given way, strongest first; returns how many. */
static size_t
strongest(const HmlNarrative *narrative, double sign, size_t most, size_t *indices)
{
	const double *contributions = narrative->explanation->contributions;
	size_t n = narrative->model->pipeline->n_features;
	double total = 0;
	double previous = INFINITY;
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		total += fabs(contributions[i]);
	while (found < most)
	{
		size_t best = n;

		for (size_t i = 0; i < n; i++)
		{
			double strength = sign * contributions[i];
			bool after_previous = strength < previous || (strength == previous && i > indices[found - 1]);

			if (after_previous && !hml_is_usual(narrative, i) && strength > 0 &&
				strength >= NEGLIGIBLE * total && (best == n || strength > sign * contributions[best]))
				best = i;
		}
		if (best == n)
			break;
		previous = sign * contributions[best];
		indices[found++] = best;
	}
	return found;
}

static void
add_reasons(HmlText *text, const HmlNarrative *narrative, const size_t *indices, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		hml_narrate_separator(text, i, count);
		add_reason(text, narrative, indices[i]);
	}
	hml_text_add(text, ".");
}

static bool
is_amount(const HmlNarrative *narrative, size_t index)
{
	double value = narrative->values[index];
	const HmlFeature *feature = feature_at(narrative, index);

	return !isnan(value) && hml_word_for_value(narrative, index, value) == NULL &&
		   isnan(hml_share_of_value(feature, value)) && feature->min < feature->max;
}

static void
add_raising(HmlText *text, const HmlNarrative *narrative, double sign, const size_t *indices, size_t count)
{
	if (count == 0)
		return;
	hml_text_add(text, sign > 0 ? " Raising the estimate: " : " Lowering the estimate: ");
	add_reasons(text, narrative, indices, count);
}

static void
add_for_and_against(HmlText *text, const HmlNarrative *narrative, double sign, const size_t *reasons,
					size_t n_reasons, const size_t *offsets, size_t n_offsets)
{
	if (n_reasons == 0)
	{
		hml_text_add(text, " No single value stands out as a reason for this.");
		add_raising(text, narrative, -sign, offsets, n_offsets);
		return;
	}
	hml_text_add(text, n_reasons == 1 ? " The strongest reason for this is "
									  : " The strongest reasons for this are ");
	add_reasons(text, narrative, reasons, n_reasons);
	if (n_offsets == 0)
		return;
	hml_text_add(text, " This is partly offset by ");
	add_reasons(text, narrative, offsets, n_offsets);
}

static bool
is_value(const HmlModel *model)
{
	return model->output_names == NULL && !hml_has_risk(model);
}

static void
add_explanation(HmlText *text, const HmlNarrative *narrative)
{
	double sign = narrative->risk == HML_RISK_LOW ? -1 : 1;
	size_t features[HML_NARRATIVE_REASONS + HML_NARRATIVE_OFFSETS];
	size_t n_reasons = strongest(narrative, sign, HML_NARRATIVE_REASONS, features);
	size_t *offsets = features + n_reasons;
	size_t n_offsets = strongest(narrative, -sign, HML_NARRATIVE_OFFSETS, offsets);

	if (is_value(narrative->model))
	{
		if (n_reasons + n_offsets == 0)
			hml_text_add(text, " No single value stands out as a reason for this.");
		add_raising(text, narrative, 1, features, n_reasons);
		add_raising(text, narrative, -1, offsets, n_offsets);
	}
	else
		add_for_and_against(text, narrative, sign, features, n_reasons, offsets, n_offsets);
	for (size_t i = 0; i < n_reasons + n_offsets; i++)
		if (is_amount(narrative, features[i]))
		{
			hml_text_add(text, " Usual values are the 5th to 95th percentile of the training cases.");
			return;
		}
}

static const char *
unseen_text(const HmlNarrative *narrative, size_t index)
{
	return narrative->unseen != NULL ? narrative->unseen[index] : NULL;
}

/* "creatinine with 1.09 mg/dl" or "ward \"Mars\" by Nord" */
static void
add_filled(HmlText *text, const HmlNarrative *narrative, size_t index)
{
	const char *unseen = unseen_text(narrative, index);

	hml_narrate_label(text, narrative, index);
	if (unseen != NULL)
		hml_text_addf(text, " \"%s\"", unseen);
	hml_text_add(text, unseen != NULL ? " by " : " with ");
	hml_narrate_value(text, narrative, index, feature_at(narrative, index)->fill);
}

/* One sentence about the values that were missing, or about those that training has not seen. */
static void
add_all_filled(HmlText *text, const HmlNarrative *narrative, bool unseen, const char *opening)
{
	size_t n = narrative->model->pipeline->n_features;
	size_t count = 0;
	size_t listed = 0;
	size_t parts;

	for (size_t i = 0; i < n; i++)
		count += isnan(narrative->values[i]) && (unseen_text(narrative, i) != NULL) == unseen;
	if (count == 0)
		return;
	parts = count <= HML_NARRATIVE_LISTED ? count : HML_NARRATIVE_LISTED + 1;
	hml_text_add(text, opening);
	for (size_t i = 0; i < n && listed < HML_NARRATIVE_LISTED; i++)
	{
		if (!isnan(narrative->values[i]) || (unseen_text(narrative, i) != NULL) != unseen)
			continue;
		hml_narrate_separator(text, listed++, parts);
		add_filled(text, narrative, i);
	}
	if (count > listed)
		hml_text_addf(text, " and %zu more", count - listed);
	hml_text_add(text, ".");
}

static bool
has_many_classes(const HmlModel *model)
{
	return model->output_names != NULL && model->n_outputs > 2;
}

static bool
is_affirmative(const char *label)
{
	return strcmp(label, "true") == 0 || strcmp(label, "1") == 0 || strcmp(label, "yes") == 0;
}

/* " of heart disease", " of rhythm \"atrial fibrillation\"", of several classes " of \"seizure\" or \"lpd\"" */
static void
add_what(HmlText *text, const HmlNarrative *narrative)
{
	const HmlModel *model = narrative->model;
	bool first = true;

	if (narrative->target != NULL)
		hml_text_addf(text, " of %s", narrative->target);
	for (size_t c = 0; c < model->n_outputs; c++)
	{
		bool said =
			narrative->target != NULL && !has_many_classes(model) && is_affirmative(model->output_names[c]);

		if (!hml_is_alarm_class(model, c) || said)
			continue;
		hml_text_addf(text, "%s \"%s\"",
					  !first                      ? " or"
					  : narrative->target != NULL ? ""
												  : " of",
					  model->output_names[c]);
		first = false;
	}
	if (narrative->horizon != NULL)
		hml_text_addf(text, " %s", narrative->horizon);
}

/* " The predicted class is \"severe\" with a probability of 0.980." */
static void
add_class(HmlText *text, const HmlNarrative *narrative)
{
	hml_text_addf(text, "The predicted class is \"%s\" with a probability of ", narrative->label);
	hml_text_add_fixed(text, narrative->label_probability, SCORE_DECIMALS);
}

static void
add_percentile(HmlText *text, double percentile)
{
	if (isnan(percentile))
	{
		hml_text_add(text, ".");
		return;
	}
	hml_text_add(text, "; ");
	if (percentile == 0)
		hml_text_add(text, "none");
	else if (percentile == 100)
		hml_text_add(text, "all");
	else
		hml_narrate_percent(text, percentile);
	hml_text_add(text, " of the training cases scored lower.");
}

/* "The predicted value of systolic blood pressure is 131.200 mmHg" */
static void
add_predicted_value(HmlText *text, const HmlNarrative *narrative)
{
	hml_text_add(text, "The predicted value");
	if (narrative->target != NULL)
		hml_text_addf(text, " of %s", narrative->target);
	if (narrative->horizon != NULL)
		hml_text_addf(text, " %s", narrative->horizon);
	hml_text_add(text, " is ");
	hml_text_add_fixed(text, narrative->score, SCORE_DECIMALS);
	hml_narrate_unit(text, narrative->target_unit);
}

/* "High risk: the predicted probability of heart disease is 0.712", "Highly unusual: the anomaly score is 0.712" */
static void
add_score(HmlText *text, const HmlNarrative *narrative)
{
	static const char *const risks[HML_N_RISKS] = {"Low risk", "Medium risk", "High risk",
												   "Unknown risk, because too many values are missing"};
	static const char *const oddities[HML_N_RISKS] = {"Not unusual", "Somewhat unusual", "Highly unusual",
													  "Not judged, because too many values are missing"};

	if (is_value(narrative->model))
	{
		add_predicted_value(text, narrative);
		return;
	}
	if (narrative->model->output_names != NULL)
	{
		hml_text_addf(text, "%s: the predicted probability", risks[narrative->risk]);
		add_what(text, narrative);
	}
	else if (narrative->model->algorithm->scores_risk)
		hml_text_addf(text, "%s: the score of the rules", risks[narrative->risk]);
	else
		hml_text_addf(text, "%s: the anomaly score", oddities[narrative->risk]);
	hml_text_add(text, " is ");
	hml_text_add_fixed(text, narrative->score, SCORE_DECIMALS);
}

static void
add_verdict(HmlText *text, const HmlNarrative *narrative)
{
	bool names_class = has_many_classes(narrative->model) && narrative->label != NULL;

	if (names_class && !hml_has_risk(narrative->model))
	{
		add_class(text, narrative);
		hml_text_add(text, ".");
		return;
	}
	add_score(text, narrative);
	add_percentile(text, narrative->percentile);
	if (names_class)
	{
		hml_text_add(text, " ");
		add_class(text, narrative);
		hml_text_add(text, ".");
	}
}

void
hml_narrate(const HmlNarrative *narrative, HmlText *text)
{
	add_verdict(text, narrative);
	if (narrative->risk != HML_RISK_UNKNOWN || !hml_has_risk(narrative->model))
		add_explanation(text, narrative);
	add_all_filled(text, narrative, false, " Missing values were filled in: ");
	add_all_filled(text, narrative, true, " Values that the model does not know were replaced: ");
	hml_text_add(text, " This supports a clinical decision and is not a diagnosis.");
}
