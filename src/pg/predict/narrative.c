/*
 * narrative.c
 *	  An explained score in words: healthml.explain_text.
 */
#include "pg/predict/narrative.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"

#include "core/base/text.h"
#include "core/explain/narrative.h"
#include "pg/server/document.h"
#include "pg/server/errors.h"
#include "pg/predict/explain.h"
#include "pg/server/memory.h"
#include "pg/server/statement.h"

#define WORDS "feature, label, unit, value_names, plausible_low, plausible_high"

/* The common words, then those for every model, then those for this one: later ones hold. */
static HealthmlStatement find_words = {
	.sql = "SELECT " WORDS " FROM (SELECT 1 AS priority, " WORDS " FROM healthml.common_feature "
		   "UNION ALL SELECT CASE WHEN model IS NULL THEN 2 ELSE 3 END, " WORDS " "
		   "FROM healthml.feature_dictionary WHERE model IS NULL OR model" EQUALS "$2) AS words "
		   "WHERE feature OPERATOR(pg_catalog.=) ANY ($1) ORDER BY priority",
	.n_arguments = 2,
	.types = {TEXTARRAYOID, TEXTOID},
};

#define SPAN "(?:hour|day|week|month|year)"

/* What a version predicts, and by when as far as the description of its model says so: "within 30 days", "30-day". */
static HealthmlStatement find_target = {
	.sql =
		"SELECT v.target, pg_catalog.substring(m.description, '(within (?:the next )?[0-9]+ " SPAN "s?)'), "
		"pg_catalog.substring(m.description, '([0-9]+)-" SPAN "'), "
		"pg_catalog.substring(m.description, '[0-9]+-(" SPAN ")') "
		"FROM healthml.model m JOIN healthml.model_version v ON v.model_id" EQUALS "m.model_id "
		"WHERE m.name" EQUALS "$1 AND v.version" EQUALS "$2 ORDER BY m.model_id DESC LIMIT 1",
	.n_arguments = 2,
	.types = {TEXTOID, INT4OID},
};

/* {"0": "female", "1": "male"}; keys that are no numbers are left out. */
static void
read_value_names(Datum value_names, HmlFeatureWords *words)
{
	Jsonb *object = DatumGetJsonbP(value_names);
	JsonbIterator *iterator = JsonbIteratorInit(&object->root);
	JsonbIteratorToken token;
	JsonbValue value;
	HmlValueName *names;
	bool has_key = false;

	if (!JB_ROOT_IS_OBJECT(object))
		return;
	names = palloc0(sizeof(HmlValueName) * Max(JB_ROOT_COUNT(object), 1));
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		HmlValueName *name = &names[words->n_values];

		if (token == WJB_KEY)
		{
			char *key = pnstrdup(value.val.string.val, value.val.string.len);
			char *end;

			name->value = strtod(key, &end);
			has_key = end != key && *end == '\0';
		}
		else if (token == WJB_VALUE && has_key && value.type == jbvString)
		{
			name->name = healthml_to_utf8(pnstrdup(value.val.string.val, value.val.string.len));
			words->n_values++;
		}
	}
	words->values = names;
}

static const char *
text_column(HeapTuple tuple, int column)
{
	char *value = SPI_getvalue(tuple, SPI_tuptable->tupdesc, column);

	return value != NULL ? healthml_to_utf8(value) : NULL;
}

/* The values that the words of a row are meant for; words without a range are for any. */
static void
read_range(HeapTuple tuple, bool has_words, HmlFeatureWords *words)
{
	bool no_low;
	bool no_high;
	Datum low = SPI_getbinval(tuple, SPI_tuptable->tupdesc, 5, &no_low);
	Datum high = SPI_getbinval(tuple, SPI_tuptable->tupdesc, 6, &no_high);

	if (!has_words && no_low && no_high)
		return;
	words->plausible_low = words->plausible_high = 0;
	if (no_low && no_high)
		return;
	words->plausible_low = no_low ? -INFINITY : DatumGetFloat8(low);
	words->plausible_high = no_high ? INFINITY : DatumGetFloat8(high);
}

/* NULL keeps the value of a less specific row. */
static void
read_words(HeapTuple tuple, HmlFeatureWords *words)
{
	const char *label = text_column(tuple, 2);
	const char *unit = text_column(tuple, 3);
	bool is_null;
	Datum value_names = SPI_getbinval(tuple, SPI_tuptable->tupdesc, 4, &is_null);

	if (label != NULL)
		words->label = *label != '\0' ? label : NULL;
	if (unit != NULL)
		words->unit = unit;
	read_range(tuple, label != NULL || unit != NULL || !is_null, words);
	if (!is_null)
	{
		words->n_values = 0;
		read_value_names(value_names, words);
	}
}

/* Names of the features, and of the target unless that is NULL. */
static Datum
names_of(const HmlPipeline *pipeline, const char *target)
{
	size_t n = pipeline->n_features;
	Datum *names = palloc(sizeof(Datum) * (n + 1));
	size_t i;

	for (i = 0; i < n; i++)
		names[i] = CStringGetTextDatum(healthml_from_utf8(pipeline->features[i].column.name));
	if (target != NULL)
		names[n++] = CStringGetTextDatum(target);
	return PointerGetDatum(construct_array(names, (int) n, TEXTOID, -1, false, TYPALIGN_INT));
}

/*
 * Words of the features, then of the target (NULL = none), whose name is in the encoding of the
 * database.  Between SPI_connect() and SPI_finish(), which frees them.
 */
static HmlFeatureWords *
look_up_words(const HmlPipeline *pipeline, const char *model, const char *target)
{
	HmlFeatureWords *words = palloc0(sizeof(HmlFeatureWords) * (pipeline->n_features + 1));
	Datum values[2] = {names_of(pipeline, target), CStringGetTextDatum(model)};
	uint64 n = healthml_execute(&find_words, values, NULL, true);
	uint64 i;

	for (i = 0; i < n; i++)
	{
		HeapTuple tuple = SPI_tuptable->vals[i];
		int feature = hml_pipeline_find(pipeline, text_column(tuple, 1));

		if (feature >= 0)
			read_words(tuple, &words[feature]);
		else if (target != NULL)
			read_words(tuple, &words[pipeline->n_features]);
	}
	return words;
}

/* The name of the target, or NULL, in the encoding of the database; *horizon is in UTF-8. */
static const char *
look_up_target(const HealthmlVersion *version, const char **horizon)
{
	Datum values[2] = {CStringGetTextDatum(version->model), Int32GetDatum(version->version)};
	HeapTuple tuple;
	const char *count;

	*horizon = NULL;
	if (healthml_execute(&find_target, values, NULL, true) == 0)
		return NULL;
	tuple = SPI_tuptable->vals[0];
	*horizon = text_column(tuple, 2);
	count = text_column(tuple, 3);
	if (*horizon == NULL && count != NULL)
		*horizon =
			psprintf("within %s %s%s", count, text_column(tuple, 4), strcmp(count, "1") == 0 ? "" : "s");
	return SPI_getvalue(tuple, SPI_tuptable->tupdesc, 1);
}

static void
look_up(const HealthmlScorer *scorer, HmlNarrative *narrative)
{
	const HealthmlVersion *version = healthml_binding_version(scorer->binding);
	const HmlPipeline *pipeline = scorer->model->pipeline;
	const char *target = look_up_target(version, &narrative->horizon);
	HmlFeatureWords *words = look_up_words(pipeline, version->model, target);

	narrative->words = words;
	if (target == NULL)
		return;
	narrative->target = words[pipeline->n_features].label;
	narrative->target_unit = words[pipeline->n_features].unit;
	if (narrative->target == NULL)
		narrative->target = healthml_to_utf8(target);
}

void
healthml_report_words(const HmlPipeline *pipeline, const char *model)
{
	HmlFeatureWords *words;

	SPI_connect();
	words = look_up_words(pipeline, model, NULL);
	for (size_t i = 0; i < pipeline->n_features; i++)
		if (hml_words_contradict(&words[i], &pipeline->features[i]))
			ereport(NOTICE,
					(errmsg("narratives do not use the dictionary's words for feature \"%s\": its values are "
							"%g to %g, but "
							"the words are for %g to %g",
							healthml_from_utf8(pipeline->features[i].column.name), pipeline->features[i].min,
							pipeline->features[i].max, words[i].plausible_low, words[i].plausible_high),
					 errhint("Give it a label and a unit of its own in healthml.feature_dictionary.")));
	SPI_finish();
}

char *
healthml_narrate(HealthmlScorer *scorer, const HealthmlAssessment *assessment,
				 const HmlExplanation *explanation)
{
	MemoryContext caller = CurrentMemoryContext;
	HmlNarrative narrative = {.model = scorer->model,
							  .values = scorer->values,
							  .unseen = scorer->features.unseen,
							  .score = assessment->score,
							  .percentile = assessment->percentile,
							  .risk = assessment->risk,
							  .label = assessment->label,
							  .label_probability = assessment->label_probability,
							  .explanation = explanation};
	HmlContext ctx;
	HmlText paragraph;
	const char *utf8;
	char *result;

	SPI_connect();
	healthml_context_init(&ctx, CurrentMemoryContext);
	look_up(scorer, &narrative);
	hml_text_init(&paragraph, &ctx);
	hml_narrate(&narrative, &paragraph);
	healthml_check(&ctx, hml_text_finish(&paragraph, &utf8));
	result = MemoryContextStrdup(caller, healthml_from_utf8(utf8));
	SPI_finish();
	return result;
}

PG_FUNCTION_INFO_V1(healthml_explain_text);

/* healthml.explain_text(features, model) RETURNS text */
Datum
healthml_explain_text(PG_FUNCTION_ARGS)
{
	HealthmlScorer *scorer = healthml_scorer_of_call(fcinfo, NULL);
	HealthmlAssessment assessment;
	HmlExplanation explanation;

	healthml_scorer_assess(scorer, &assessment);
	healthml_explain(scorer, &explanation);
	PG_RETURN_TEXT_P(cstring_to_text(healthml_narrate(scorer, &assessment, &explanation)));
}
