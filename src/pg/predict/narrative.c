/*
 * narrative.c
 *	  An explained score in words: healthml.explain_text.
 */
#include "pg/predict/narrative.h"

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

/* The common words, then those for every model, then those for this one: later ones hold. */
static HealthmlStatement find_words = {
	.sql = "SELECT feature, label, unit, value_names FROM ("
		   "SELECT 1 AS priority, feature, label, unit, value_names FROM healthml.common_feature "
		   "UNION ALL SELECT CASE WHEN model IS NULL THEN 2 ELSE 3 END, feature, label, unit, value_names "
		   "FROM healthml.feature_dictionary WHERE model IS NULL OR model" EQUALS "$2) AS words "
		   "WHERE feature OPERATOR(pg_catalog.=) ANY ($1) ORDER BY priority",
	.n_arguments = 2,
	.types = {TEXTARRAYOID, TEXTOID},
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

/* A part that a row leaves NULL stays as the rows before it have set it. */
static void
read_words(HeapTuple tuple, HmlFeatureWords *words)
{
	const char *label = text_column(tuple, 2);
	const char *unit = text_column(tuple, 3);
	bool is_null;
	Datum value_names = SPI_getbinval(tuple, SPI_tuptable->tupdesc, 4, &is_null);

	if (label != NULL)
		words->label = label;
	if (unit != NULL)
		words->unit = unit;
	if (!is_null)
	{
		words->n_values = 0;
		read_value_names(value_names, words);
	}
}

static Datum
feature_names(const HealthmlScorer *scorer)
{
	size_t n = scorer->model->pipeline->n_features;
	Datum *names = palloc(sizeof(Datum) * Max(n, 1));
	size_t i;

	for (i = 0; i < n; i++)
		names[i] = CStringGetTextDatum(healthml_feature_name(scorer, (int) i));
	return PointerGetDatum(construct_array(names, (int) n, TEXTOID, -1, false, TYPALIGN_INT));
}

/* Between SPI_connect() and SPI_finish(), which frees the words. */
static HmlFeatureWords *
look_up_words(const HealthmlScorer *scorer)
{
	const HmlPipeline *pipeline = scorer->model->pipeline;
	HmlFeatureWords *words = palloc0(sizeof(HmlFeatureWords) * Max(pipeline->n_features, 1));
	Datum values[2] = {feature_names(scorer),
					   CStringGetTextDatum(healthml_binding_version(scorer->binding)->model)};
	uint64 n = healthml_execute(&find_words, values, NULL, true);
	uint64 i;

	for (i = 0; i < n; i++)
	{
		HeapTuple tuple = SPI_tuptable->vals[i];
		int feature = hml_pipeline_find(pipeline, text_column(tuple, 1));

		if (feature >= 0)
			read_words(tuple, &words[feature]);
	}
	return words;
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
	narrative.words = look_up_words(scorer);
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
