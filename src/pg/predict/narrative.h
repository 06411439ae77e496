/*
 * narrative.h
 *	  An explained score in words.
 */
#ifndef HEALTHML_NARRATIVE_H
#define HEALTHML_NARRATIVE_H

#include "pg/server/compat.h"

#include "pg/predict/score.h"

/*
 * A paragraph about the scorer's present row, in the current memory context and
 * the encoding of the database.  Labels, units and names of values come from
 * healthml.feature_dictionary.
 */
extern char *healthml_narrate(HealthmlScorer *scorer, const HealthmlAssessment *assessment,
							  const HmlExplanation *explanation);

/*
 * A NOTICE for each feature whose training values contradict the words that the
 * dictionary has for it.
 */
extern void healthml_report_words(const HmlPipeline *pipeline, const char *model);

#endif /* HEALTHML_NARRATIVE_H */
