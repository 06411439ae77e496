/*
 * narrative_values.c
 *	  Values of features in words: numbers as people write them, units, names of
 *	  codes, and what is usual in the training data.
 *
 * The artifact keeps no shares of numeric codes.  Those of two or of three values
 * follow from the mean and the variance.
 */
#include "core/explain/narrative_values.h"

#include <math.h>
#include <string.h>

#include "core/base/number.h"

#define VALUE_DIGITS 6      /* significant ones of a patient's value that is not whole */
#define USUAL_DIGITS 3      /* and of statistics; whole digits are never rounded away */
#define LARGEST_WHOLE 1e15  /* whole numbers up to here are written out */
#define FLAG_TOLERANCE 1e-9 /* of a variance, relative to the squared range */
#define USUAL_SHARE 0.5     /* of the training cases with a flag or code */

static const HmlFeatureWords no_words;

static const HmlFeature *
feature_at(const HmlNarrative *narrative, size_t index)
{
	return &narrative->model->pipeline->features[index];
}

bool
hml_words_contradict(const HmlFeatureWords *words, const HmlFeature *feature)
{
	bool has_range = words->plausible_low < words->plausible_high;
	double low = words->n_values > 0 ? feature->min : feature->median;
	double high = words->n_values > 0 ? feature->max : feature->median;

	return has_range && feature->column.kind == HML_COLUMN_NUMERIC &&
		   (low < words->plausible_low || high > words->plausible_high);
}

static const HmlFeatureWords *
words_for(const HmlNarrative *narrative, size_t index)
{
	if (narrative->words == NULL ||
		hml_words_contradict(&narrative->words[index], feature_at(narrative, index)))
		return &no_words;
	return &narrative->words[index];
}

void
hml_narrate_label(HmlText *text, const HmlNarrative *narrative, size_t index)
{
	const char *label = words_for(narrative, index)->label;

	hml_text_add(text, label != NULL ? label : feature_at(narrative, index)->column.name);
}

/* Between the parts of "a, b and c". */
void
hml_narrate_separator(HmlText *text, size_t position, size_t count)
{
	if (position > 0)
		hml_text_add(text, position + 1 == count ? " and " : ", ");
}

/* A number with at most 'digits' significant digits after its whole part, without trailing zeros. */
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
void
hml_narrate_percent(HmlText *text, double percent)
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
const char *
hml_word_for_value(const HmlNarrative *narrative, size_t index, double value)
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

void
hml_narrate_unit(HmlText *text, const char *unit)
{
	if (unit == NULL || *unit == '\0')
		return;
	if (*unit != '%' && *unit != '/')
		hml_text_add(text, " ");
	hml_text_add(text, unit);
}

/* "564 mg/dl", "97%", "88/min", "yes", "ICU". */
void
hml_narrate_value(HmlText *text, const HmlNarrative *narrative, size_t index, double value)
{
	const char *unit = words_for(narrative, index)->unit;
	const char *word = hml_word_for_value(narrative, index, value);

	if (word != NULL)
	{
		hml_text_add(text, word);
		return;
	}
	add_rounded(text, value, VALUE_DIGITS);
	hml_narrate_unit(text, unit);
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

/* Do the training values take two values only?  Then no spread about the mean is larger. */
static bool
is_flag(const HmlFeature *feature)
{
	double range = feature->max - feature->min;
	double largest = (feature->mean - feature->min) * (feature->max - feature->mean);

	return range > 0 && fabs(feature->sd * feature->sd - largest) < FLAG_TOLERANCE * range * range;
}

/* Three whole numbers one after the other, such as stages. */
static bool
is_code(const HmlFeature *feature)
{
	return is_whole(feature) && feature->max - feature->min == 2;
}

/* Share of a code: three shares follow from their sum, the mean and the variance. */
static double
share_of_code(const HmlFeature *feature, double value)
{
	double mean = feature->mean - feature->min;
	double square = feature->sd * feature->sd + mean * mean;
	double last = (square - mean) / 2;
	double share = value == feature->min       ? 1 - mean + last
				   : value == feature->max     ? last
				   : value == feature->min + 1 ? mean - 2 * last
											   : 0;

	return fmin(fmax(share, 0), 1);
}

/* Share of the training rows that have this value of a flag, a code or a category; NaN of an amount. */
double
hml_share_of_value(const HmlFeature *feature, double value)
{
	bool flag = feature->column.kind == HML_COLUMN_BOOLEAN || (feature->min == 0 && feature->max == 1);

	if (feature->column.kind == HML_COLUMN_CATEGORY)
		return feature->shares[(size_t) value];
	if (flag && (value == 0 || value == 1))
		return value == 1 ? feature->mean : 1 - feature->mean;
	if (is_flag(feature) && (value == feature->min || value == feature->max))
		return (value == feature->max ? feature->mean - feature->min : feature->max - feature->mean) /
			   (feature->max - feature->min);
	return is_code(feature) ? share_of_code(feature, value) : NAN;
}

/* A flag or a code that most of the training cases have is no reason for anything. */
bool
hml_is_usual(const HmlNarrative *narrative, size_t index)
{
	double value = narrative->values[index];

	return !isnan(value) && hml_share_of_value(feature_at(narrative, index), value) >= USUAL_SHARE;
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

/* Flags and codes are names, not amounts: what is usual of them is the share of a value. */
void
hml_narrate_usual(HmlText *text, const HmlNarrative *narrative, size_t index, double value)
{
	const HmlFeature *feature = feature_at(narrative, index);
	double share = hml_share_of_value(feature, value);

	if (isnan(share))
	{
		if (hml_word_for_value(narrative, index, value) == NULL)
			add_usual_range(text, feature, value);
		return;
	}
	hml_text_add(text, " (");
	hml_narrate_percent(text, 100 * share);
	hml_text_add(text, " of the training cases)");
}
