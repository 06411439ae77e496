/*
 * rules.h
 *	  The algorithm "rules": bands of values with points, given or learnt.
 *
 * A rule belongs to a feature and fires when its value lies in the rule's band.  Of the rules of a
 * feature that fire, the one with the most points counts; the score is the sum of
 * the points by their greatest possible sum.  Nothing is imputed: a missing value
 * fires no rule.
 */
#ifndef HML_LEARN_RULES_RULES_H
#define HML_LEARN_RULES_RULES_H

#include "core/model/model.h"

#define HML_MAX_RULES 100000
#define HML_MAX_RULE_POINTS 1000000.0

/* Stands for a missing number among the inputs; of a category it is the code of "". */
#define HML_RULES_ABSENT 1.7976931348623157e308

typedef struct HmlRule
{
	uint32_t feature;
	double low; /* band, both ends included; -infinity, infinity where it has no end */
	double high;
	double points; /* above 0 */
	HmlRisk severity;
	const char *message; /* "" = none */
} HmlRule;

typedef struct HmlRules
{
	size_t n_rules;
	HmlRule *rules; /* by feature, of a feature those with the most points first */
	size_t *first;  /* (n_features + 1) */
	double max_points;
	double medium_points; /* NaN = by percentile */
} HmlRules;

extern const HmlAlgorithm hml_rules;

/* The rule of a feature that counts, or NULL; value is an input of the model. */
extern const HmlRule *hml_rule_fired(const HmlRules *rules, size_t feature, double value);

/* ---- for rules.c ---- */

/* A list that grows in an arena. */
typedef struct HmlRuleList
{
	HmlArena *arena;
	size_t n;
	size_t capacity;
	HmlRule *rules;
} HmlRuleList;

extern HmlStatus hml_rule_add(HmlRuleList *list, const HmlRule *rule) HML_NODISCARD;

/*
 * Rules from JSON: {"feature": [{"min": ..., "max": ..., "above": ..., "below": ..., "equals": ..., "points": ...,
 * "severity": "low" | "medium" | "high", "message": "..."}, ...], ...}.  min and max belong to the band, above and
 * below do not; equals is a number, a boolean or a category.  given[f] says which features have rules.
 */
extern HmlStatus hml_rules_parse(HmlRuleList *list, const HmlPipeline *pipeline, const HmlJson *json,
								 bool *given) HML_NODISCARD;

/* Categories that rules name become categories of the pipeline, and so does "", for what is missing. */
extern HmlStatus hml_rules_add_categories(HmlArena *arena, HmlPipeline *pipeline,
										  const HmlJson *json) HML_NODISCARD;

/*
 * Bands of features that have none: 1, 2 and 3 points beyond the 5 %, 1 % and 0.1 % of the rows
 * at either end, or for a boolean or category that at most so many rows have.
 */
extern HmlStatus hml_rules_learn(HmlRuleList *list, const HmlPipeline *pipeline, const HmlFrame *frame,
								 const uint32_t *rows, size_t n_rows, const bool *given) HML_NODISCARD;

#endif /* HML_LEARN_RULES_RULES_H */
