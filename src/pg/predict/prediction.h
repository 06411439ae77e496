/*
 * prediction.h
 *	  A row of healthml.prediction: its documents, and writing it.
 */
#ifndef HEALTHML_PREDICTION_H
#define HEALTHML_PREDICTION_H

#include "pg/server/compat.h"

#include "portability/instr_time.h"

#include "pg/predict/explain.h"
#include "pg/predict/score.h"

typedef struct HealthmlPrediction
{
	const char *subject; /* NULL = unknown */
	HealthmlAssessment assessment;
	const char *label;   /* of classifiers, else NULL */
	bool is_doubtful;    /* the label is "uncertain" */
	Datum probabilities; /* jsonb; 0 = none, and so below */
	Datum features;
	Datum explanation;
	const char *narrative;
	const char *source;
	double latency_ms;
} HealthmlPrediction;

/* Columns that are written, in the order of healthml_prediction_values(). */
#define HEALTHML_PREDICTION_COLUMNS \
	"subject, model, version, score, percentile, risk, is_anomaly, label, probabilities, features, " \
	"explanation, narrative, source, latency_ms, missing_features"
#define HEALTHML_PREDICTION_N 15

extern const Oid healthml_prediction_types[HEALTHML_PREDICTION_N];
extern void healthml_prediction_values(const HealthmlPrediction *prediction, Datum *values, bool *nulls);

/* Probabilities (n_outputs) by the name of the class, as jsonb. */
extern Datum healthml_probabilities_document(const HmlModel *model, const double *probabilities);

/* Score the scorer's present row. */
extern void healthml_predict(HealthmlScorer *scorer, HealthmlPrediction *prediction);

/* The same of a row that has been scored: outputs is (n_outputs), values (n_features), n_filled of them missing. */
extern void healthml_predict_row(const HealthmlScorer *scorer, const double *outputs, const double *values,
								 size_t n_filled, HealthmlPrediction *prediction);

/* The same of a recording, whose label is that of its verdict or "uncertain". */
extern void healthml_predict_recording(const HealthmlScorer *scorer, const HmlVerdict *verdict,
									   HealthmlPrediction *prediction);

/* Write one row and return its prediction_id, 0 when a trigger of the table has swallowed it. */
extern int64 healthml_insert_prediction(const HealthmlPrediction *prediction);

/* The features of the row that the scorer has read last, by name; datums and nulls are its columns. */
extern Datum healthml_features_document(const HealthmlScorer *scorer, const Datum *datums, const bool *nulls);

/* Explain the scorer's present row, which has been predicted: 'top' reasons, and the strongest in words. */
extern void healthml_explain_prediction(HealthmlScorer *scorer, int top, HealthmlPrediction *prediction);

static inline double
healthml_ms_since(instr_time start)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	return INSTR_TIME_GET_MILLISEC(now);
}

#endif /* HEALTHML_PREDICTION_H */
