/*
 * narrative.h
 *	  An explained score as a paragraph that a clinician reads with ease.
 *
 * It says the risk in words, score and percentile, of several classes the predicted one, the strongest reasons with
 * the patient's value beside what is usual in the training data, what speaks
 * against, which values were filled in, and that it is no diagnosis.  Words are
 * English, numbers have a decimal point, labels and categories come as they are.
 */
#ifndef HML_EXPLAIN_NARRATIVE_H
#define HML_EXPLAIN_NARRATIVE_H

#include "core/base/text.h"
#include "core/model/model.h"

#define HML_NARRATIVE_REASONS 3 /* at most, for the risk */
#define HML_NARRATIVE_OFFSETS 2 /* at most, against it */
#define HML_NARRATIVE_LISTED 5  /* filled-in values that are listed one by one */

/* What a coded number stands for: 1 = male. */
typedef struct HmlValueName
{
	double value;
	const char *name;
} HmlValueName;

/* How to speak of a feature; all zeros for its column name and bare numbers. */
typedef struct HmlFeatureWords
{
	const char *label; /* NULL = the name of the column */
	const char *unit;  /* NULL or "" = none */
	size_t n_values;
	const HmlValueName *values; /* (n_values) */
	double plausible_low;       /* values that label and unit are meant for; 0 and 0 = any */
	double plausible_high;
} HmlFeatureWords;

/*
 * Do the training values contradict the words?  Of an amount the median is outside of what
 * is plausible, as a code from 1 to 3 in a column named cholesterol is not in mg/dl; of codes
 * that have names any value is.
 */
extern bool hml_words_contradict(const HmlFeatureWords *words, const HmlFeature *feature);

typedef struct HmlNarrative
{
	const HmlModel *model;
	const double *values;         /* (n_features), NaN = missing; as hml_pipeline_apply() accepted them */
	const char *const *unseen;    /* (n_features) category that training has not seen, else NULL; or NULL */
	const HmlFeatureWords *words; /* (n_features) or NULL */
	double score;
	double percentile; /* NaN = unknown */
	HmlRisk risk;
	const char *target;       /* name of what is predicted, or NULL */
	const char *target_unit;  /* of a value, or NULL */
	const char *horizon;      /* "within 30 days", or NULL */
	const char *label;        /* predicted class of a classifier, or NULL */
	double label_probability; /* where there is a label */
	const HmlExplanation *explanation;
} HmlNarrative;

/* Appends the paragraph, without a line end.  Failures are those of the text. */
extern void hml_narrate(const HmlNarrative *narrative, HmlText *text);

#endif /* HML_EXPLAIN_NARRATIVE_H */
