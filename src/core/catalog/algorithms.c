/*
 * algorithms.c
 *	  The table of algorithms: adding one is adding its row here.
 */
#include "core/model/model.h"

#include <math.h>
#include <string.h>

#include "core/model/anomaly.h"
#include "core/eeg/eeg_features_algorithm.h"
#include "core/learn/autoencoder/autoencoder.h"
#include "core/learn/mlp/mlp.h"
#include "core/heart/heart_sound_algorithm.h"
#include "core/learn/iforest/iforest.h"
#include "core/learn/ocsvm/ocsvm.h"
#include "core/learn/rules/rules.h"
#include "core/learn/sequence/lstm_autoencoder.h"

const HmlAlgorithm *const hml_algorithms[] = {
	&hml_autoencoder,
	&hml_eeg_features_algorithm,
	&hml_heart_sound_cnn,
	&hml_isolation_forest,
	&hml_lstm_autoencoder,
	&hml_mlp,
	&hml_one_class_svm,
	&hml_rules,
	NULL,
};

const HmlParamSpec hml_shared_params[] = {
	{"exclude", HML_PARAM_TEXTS | HML_PARAM_IMPLIED, "null", 0, 0, NULL,
	 "Columns that are no features where all columns are: identifiers, and what is only known with the "
	 "target."},
	{"seed", HML_PARAM_INTEGER, "42", 0, 9007199254740992.0, NULL,
	 "Seed of all random choices: the same rows, parameters and seed give the same model."},
	{"max_rows", HML_PARAM_INTEGER, "null", 1, 4294967295.0, NULL,
	 "Maximum number of rows to learn from; of more rows, a uniform random sample is drawn. By default as "
	 "many "
	 "as memory allows."},
	{0}};

const HmlAlgorithm *
hml_algorithm_find(const char *name)
{
	for (const HmlAlgorithm *const *algorithm = hml_algorithms; *algorithm != NULL; algorithm++)
		if (strcmp((*algorithm)->name, name) == 0)
			return *algorithm;
	return NULL;
}

void
hml_algorithm_param_tables(const HmlAlgorithm *algorithm, const HmlParamSpec *tables[HML_PARAM_TABLES])
{
	size_t n = 0;

	tables[n++] = algorithm->params;
	tables[n++] = algorithm->target_use == HML_TARGET_EVALUATES ? hml_anomaly_params : hml_alarm_params;
	if (algorithm->explain == NULL)
		tables[n++] = hml_explain_params;
	tables[n++] = hml_pipeline_params;
	tables[n++] = hml_shared_params;
	tables[n] = NULL;
}

HmlStatus
hml_algorithm_params(HmlArena *arena, const HmlAlgorithm *algorithm, const HmlJson *given, HmlParams **out)
{
	const HmlParamSpec *tables[HML_PARAM_TABLES];

	hml_algorithm_param_tables(algorithm, tables);
	return hml_params_parse(arena, algorithm->name, tables, given, out);
}
