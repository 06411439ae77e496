/*
 * narrative.c
 *	  From contributions to sentences.
 *
 * A feature is a reason when its contribution points the way of the risk: up for
 * a high or medium one, down for a low one.  Contributions that are a small part
 * of all are not worth a clinician's time and are left out.
 */
#include "core/explain/narrative.h"

#include <math.h>
#include <string.h>

#include "core/base/number.h"
#include "core/model/verdict.h"

#define NEGLIGIBLE 0.05    /* share of the sum of absolute contributions */
#define VALUE_DIGITS 6     /* significant ones of a patient's value that is not whole */
#define USUAL_DIGITS 3     /* and of statistics; whole digits are never rounded away */
#define LARGEST_WHOLE 1e15 /* whole numbers up to here are written out */
#define SCORE_DECIMALS 3

static const HmlFeatureWords no_words;

static const HmlFeature *
feature_at(const HmlNarrative *narrative, size_t index)
{
	return &narrative->model->pipeline->features[index];
}

static const HmlFeatureWords *
words_for(const HmlNarrative *narrative, size_t index)
{
	return narrative->words != NULL ? &narrative->words[index] : &no_words;
}

static void
add_label(HmlText *text, const HmlNarrative *narrative, size_t index)
{
	const char *label = words_for(narrative, index)->label;

	hml_text_add(text, label != NULL ? label : feature_at(narrative, index)->column.name);
}

/* Between the parts of "a, b and c". */
static void
add_separator(HmlText *text, size_t position, size_t count)
{
	if (position > 0)
		hml_text_add(text, position + 1 == count ? " and " : ", ");
}

/* A number with at most 'digits' significant digits behind its whole part, and no needless zeros. */
static void
add_rounded(HmlText *text, double number, int digits)
{
	char buffer[HML_FIXED_SIZE];
	int decimals;
	size_t length;

	if (fabs(number) >= LARGEST_WHOLE || (number != 0 && fabs(number) < 1e-6))
	{
		hml_text_add_number(text, number);
		return;
	}
	decimals = number == 0 ? 0 : digits - 1 - (int) floor(log10(fabs(number)));
	if (decimals < 0)
		decimals = 0;
	hml_number_format_fixed(buffer, number, decimals);
	length = strlen(buffer);
	if (decimals > 0)
	{
		while (buffer[length - 1] == '0')
			length--;
		if (buffer[length - 1] == '.')
			length--;
	}
	hml_text_add_bytes(text, buffer, length);
}

/* "24%", and no 0% or 100% where that is not so. */
static void
add_percent(HmlText *text, double percent)
{
	double rounded = floor(percent + 0.5);

	if (rounded == 0 && percent > 0)
		hml_text_add(text, "less than 1%");
	else if (rounded == 100 && percent < 100)
		hml_text_add(text, "more than 99%");
	else
		hml_text_addf(text, "%d%%", (int) rounded);
}

static const char *
name_of_value(const HmlFeatureWords *words, double value)
{
	for (size_t i = 0; i < words->n_values; i++)
		if (words->values[i].value == value)
			return words->values[i].name;
	return NULL;
}

/* The text of a value that is shown by a word: a category, a boolean, a named code; else NULL. */
static const char *
word_for_value(const HmlNarrative *narrative, size_t index, double value)
{
	const HmlFeature *feature = feature_at(narrative, index);
	const char *name = name_of_value(words_for(narrative, index), value);

	if (name != NULL)
		return name;
	if (feature->column.kind == HML_COLUMN_CATEGORY)
		return feature->column.categories.texts[(size_t) value];
	if (feature->column.kind == HML_COLUMN_BOOLEAN && (value == 0 || value == 1))
		return value == 1 ? "yes" : "no";
	return NULL;
}

/* "564 mg/dl", "97%", "88/min", "yes", "ICU". */
static void
add_value(HmlText *text, const HmlNarrative *narrative, size_t index, double value)
{
	const char *unit = words_for(narrative, index)->unit;
	const char *word = word_for_value(narrative, index, value);

	if (word != NULL)
	{
		hml_text_add(text, word);
		return;
	}
	add_rounded(text, value, VALUE_DIGITS);
	if (unit == NULL || *unit == '\0')
		return;
	if (*unit != '%' && *unit != '/')
		hml_text_add(text, " ");
	hml_text_add(text, unit);
}

/* Share of the training rows that have this value, NaN where nobody knows. */
static double
share_of_value(const HmlFeature *feature, double value)
{
	bool binary = feature->column.kind == HML_COLUMN_BOOLEAN || (feature->min == 0 && feature->max == 1);

	if (feature->column.kind == HML_COLUMN_CATEGORY)
		return feature->shares[(size_t) value];
	if (binary && value == 1)
		return feature->mean;
	return binary && value == 0 ? 1 - feature->mean : NAN;
}

static bool
is_multiple(double number, double of)
{
	return number / of == floor(number / of);
}

/*
 * Are the training values whole numbers?  Then quartiles that were interpolated
 * between two of them are multiples of a quarter.
 */
static bool
is_whole(const HmlFeature *feature)
{
	return is_multiple(feature->min, 1) && is_multiple(feature->max, 1) &&
		   is_multiple(feature->median, 0.5) && is_multiple(feature->p25, 0.25) &&
		   is_multiple(feature->p75, 0.25);
}

static void
add_statistic(HmlText *text, const HmlFeature *feature, double statistic)
{
	add_rounded(text, is_whole(feature) ? floor(statistic + 0.5) : statistic, USUAL_DIGITS);
}

/* " (usually 175 to 326, median 244, never above 417)" */
static void
add_usual_range(HmlText *text, const HmlFeature *feature, double value)
{
	if (isnan(feature->median))
		return;
	if (feature->min == feature->max)
	{
		hml_text_add(text, " (always ");
		add_rounded(text, feature->median, VALUE_DIGITS);
		hml_text_add(text, " in training)");
		return;
	}
	hml_text_add(text, " (usually ");
	add_statistic(text, feature, feature->p05);
	if (feature->p05 != feature->p95)
	{
		hml_text_add(text, " to ");
		add_statistic(text, feature, feature->p95);
	}
	hml_text_add(text, ", median ");
	add_statistic(text, feature, feature->median);
	if (value > feature->max || value < feature->min)
	{
		hml_text_add(text, value > feature->max ? ", never above " : ", never below ");
		add_rounded(text, value > feature->max ? feature->max : feature->min, VALUE_DIGITS);
	}
	hml_text_add(text, ")");
}

/* Named codes are names, not amounts: of those only the share of a value is worth telling. */
static void
add_usual(HmlText *text, const HmlNarrative *narrative, size_t index, double value)
{
	const HmlFeature *feature = feature_at(narrative, index);
	double share;

	if (word_for_value(narrative, index, value) == NULL)
	{
		add_usual_range(text, feature, value);
		return;
	}
	share = share_of_value(feature, value);
	if (isnan(share))
		return;
	hml_text_add(text, " (");
	add_percent(text, 100 * share);
	hml_text_add(text, " of the training cases)");
}

/* "cholesterol 564 mg/dl (usually 175 to 326, median 244)" */
static void
add_reason(HmlText *text, const HmlNarrative *narrative, size_t index)
{
	double value = narrative->values[index];

	if (isnan(value))
	{
		hml_text_add(text, "missing ");
		add_label(text, narrative, index);
		return;
	}
	add_label(text, narrative, index);
	hml_text_add(text, word_for_value(narrative, index, value) != NULL ? ": " : " ");
	add_value(text, narrative, index, value);
	add_usual(text, narrative, index, value);
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

			if (after_previous && strength > 0 && strength >= NEGLIGIBLE * total &&
				(best == n || strength > sign * contributions[best]))
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
		add_separator(text, i, count);
		add_reason(text, narrative, indices[i]);
	}
	hml_text_add(text, ".");
}

static void
add_explanation(HmlText *text, const HmlNarrative *narrative)
{
	double sign = narrative->risk == HML_RISK_LOW ? -1 : 1;
	size_t reasons[HML_NARRATIVE_REASONS];
	size_t offsets[HML_NARRATIVE_OFFSETS];
	size_t n_reasons = strongest(narrative, sign, HML_NARRATIVE_REASONS, reasons);
	size_t n_offsets = strongest(narrative, -sign, HML_NARRATIVE_OFFSETS, offsets);

	if (n_reasons > 0)
	{
		hml_text_add(text, n_reasons == 1 ? " The strongest reason for this is "
										  : " The strongest reasons for this are ");
		add_reasons(text, narrative, reasons, n_reasons);
	}
	else
		hml_text_add(text, " No single value stands out as a reason for this.");
	if (n_offsets > 0)
	{
		hml_text_add(text, n_reasons > 0 ? " This is partly offset by " : " Against it stands ");
		add_reasons(text, narrative, offsets, n_offsets);
	}
	for (size_t i = 0; i < n_reasons + n_offsets; i++)
	{
		size_t index = i < n_reasons ? reasons[i] : offsets[i - n_reasons];
		double value = narrative->values[index];
		const HmlFeature *feature = feature_at(narrative, index);

		if (!isnan(value) && word_for_value(narrative, index, value) == NULL && feature->min < feature->max)
		{
			hml_text_add(text, " Usual values are the 5th to 95th percentile of the training cases.");
			break;
		}
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

	add_label(text, narrative, index);
	if (unseen != NULL)
		hml_text_addf(text, " \"%s\"", unseen);
	hml_text_add(text, unseen != NULL ? " by " : " with ");
	add_value(text, narrative, index, feature_at(narrative, index)->fill);
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
		add_separator(text, listed++, parts);
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

/* "the predicted probability", of an alarm "the predicted probability of \"seizure\" or \"lpd\"" */
static void
add_noun_for_score(HmlText *text, const HmlModel *model)
{
	bool first = true;

	if (model->output_names == NULL)
	{
		hml_text_add(text, hml_has_risk(model) ? "the anomaly score" : "the predicted value");
		return;
	}
	hml_text_add(text, "the predicted probability");
	for (size_t c = 0; has_many_classes(model) && c < model->n_outputs; c++)
		if (hml_is_alarm_class(model, c))
		{
			hml_text_addf(text, "%s \"%s\"", first ? " of" : " or", model->output_names[c]);
			first = false;
		}
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
		add_percent(text, percentile);
	hml_text_add(text, " of the training cases scored lower.");
}

/* "High risk: the anomaly score is 0.712"; without a risk "The predicted value is 3.100" */
static void
add_score(HmlText *text, const HmlNarrative *narrative)
{
	static const char *const risks[HML_N_RISKS] = {"Low risk", "Medium risk", "High risk",
												   "Unknown risk, because too many values are missing"};

	if (hml_has_risk(narrative->model))
	{
		hml_text_addf(text, "%s: ", risks[narrative->risk]);
		add_noun_for_score(text, narrative->model);
	}
	else
		hml_text_add(text, "The predicted value");
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
	add_explanation(text, narrative);
	add_all_filled(text, narrative, false, " Missing values were filled in: ");
	add_all_filled(text, narrative, true, " Values that the model does not know were replaced: ");
	hml_text_add(text, " This supports a clinical decision and is not a diagnosis.");
}
