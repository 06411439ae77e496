/*
 * narrative_values.h
 *	  Values of features in words, for narrative.c.
 *
 * index is that of a feature, value one of its values, not missing.
 */
#ifndef HML_EXPLAIN_NARRATIVE_VALUES_H
#define HML_EXPLAIN_NARRATIVE_VALUES_H

#include "core/explain/narrative.h"

extern void hml_narrate_label(HmlText *text, const HmlNarrative *narrative, size_t index);

/* "564 mg/dl", "97%", "88/min", "yes", "ICU"; and a unit alone, which may be NULL or empty. */
extern void hml_narrate_value(HmlText *text, const HmlNarrative *narrative, size_t index, double value);
extern void hml_narrate_unit(HmlText *text, const char *unit);

/* " (usually 175 to 326, median 244, never above 417)", of a flag or a code " (24% of the training cases)" */
extern void hml_narrate_usual(HmlText *text, const HmlNarrative *narrative, size_t index, double value);

/* "24%", and no 0% or 100% where that is not so. */
extern void hml_narrate_percent(HmlText *text, double percent);

/* Between the parts of "a, b and c". */
extern void hml_narrate_separator(HmlText *text, size_t position, size_t count);

/* The text of a value that is shown by a word: a category, a boolean, a named code; else NULL. */
extern const char *hml_word_for_value(const HmlNarrative *narrative, size_t index, double value);

/* Share of the training rows that have this value of a flag, a code or a category; NaN of an amount. */
extern double hml_share_of_value(const HmlFeature *feature, double value);

/* Is the feature's value a flag or a code that most of the training cases have?  Then it is no reason for anything. */
extern bool hml_is_usual(const HmlNarrative *narrative, size_t index);

#endif /* HML_EXPLAIN_NARRATIVE_VALUES_H */
