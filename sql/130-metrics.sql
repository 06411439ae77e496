/*
 * 130-metrics.sql: aggregates over predictions and what came true.
 *
 * Definitions are scikit-learn's.  A row with a NULL does not count.  All split:
 * their states are types that can be sent, with combine functions.
 */

/* ---- states ---- */

CREATE TYPE healthml.labelled_scores;
CREATE FUNCTION healthml.labelled_scores_in(cstring) RETURNS healthml.labelled_scores
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_labelled_scores_in';
COMMENT ON FUNCTION healthml.labelled_scores_in(cstring) IS 'input of labelled_scores';
CREATE FUNCTION healthml.labelled_scores_out(healthml.labelled_scores) RETURNS cstring
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_labelled_scores_out';
COMMENT ON FUNCTION healthml.labelled_scores_out(healthml.labelled_scores) IS 'output of labelled_scores';
CREATE FUNCTION healthml.labelled_scores_recv(internal) RETURNS healthml.labelled_scores
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_labelled_scores_recv';
COMMENT ON FUNCTION healthml.labelled_scores_recv(internal) IS 'binary input of labelled_scores';
CREATE FUNCTION healthml.labelled_scores_send(healthml.labelled_scores) RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_labelled_scores_send';
COMMENT ON FUNCTION healthml.labelled_scores_send(healthml.labelled_scores) IS 'binary output of labelled_scores';
CREATE TYPE healthml.labelled_scores (
	INPUT = healthml.labelled_scores_in,
	OUTPUT = healthml.labelled_scores_out,
	RECEIVE = healthml.labelled_scores_recv,
	SEND = healthml.labelled_scores_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = extended
);
COMMENT ON TYPE healthml.labelled_scores IS
'state of roc_auc, average_precision and roc_curve: the scores of positives and of negatives';

CREATE FUNCTION healthml.labelled_scores_add(state healthml.labelled_scores, score float8, label boolean)
RETURNS healthml.labelled_scores
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_labelled_scores_add';
COMMENT ON FUNCTION healthml.labelled_scores_add(healthml.labelled_scores, float8, boolean) IS
'transition of roc_auc, average_precision and roc_curve';
CREATE FUNCTION healthml.labelled_scores_merge(a healthml.labelled_scores, b healthml.labelled_scores)
RETURNS healthml.labelled_scores
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_labelled_scores_merge';
COMMENT ON FUNCTION healthml.labelled_scores_merge(healthml.labelled_scores, healthml.labelled_scores) IS
'combines states of roc_auc, average_precision and roc_curve';

CREATE TYPE healthml.label_counts;
CREATE FUNCTION healthml.label_counts_in(cstring) RETURNS healthml.label_counts
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_label_counts_in';
COMMENT ON FUNCTION healthml.label_counts_in(cstring) IS 'input of label_counts';
CREATE FUNCTION healthml.label_counts_out(healthml.label_counts) RETURNS cstring
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_label_counts_out';
COMMENT ON FUNCTION healthml.label_counts_out(healthml.label_counts) IS 'output of label_counts';
CREATE FUNCTION healthml.label_counts_recv(internal) RETURNS healthml.label_counts
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_label_counts_recv';
COMMENT ON FUNCTION healthml.label_counts_recv(internal) IS 'binary input of label_counts';
CREATE FUNCTION healthml.label_counts_send(healthml.label_counts) RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_label_counts_send';
COMMENT ON FUNCTION healthml.label_counts_send(healthml.label_counts) IS 'binary output of label_counts';
CREATE TYPE healthml.label_counts (
	INPUT = healthml.label_counts_in,
	OUTPUT = healthml.label_counts_out,
	RECEIVE = healthml.label_counts_recv,
	SEND = healthml.label_counts_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = extended
);
COMMENT ON TYPE healthml.label_counts IS
'state of confusion_matrix: how often each label was predicted for each actual one';

CREATE FUNCTION healthml.label_counts_add(state healthml.label_counts, predicted text, actual text)
RETURNS healthml.label_counts
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_label_counts_add';
COMMENT ON FUNCTION healthml.label_counts_add(healthml.label_counts, text, text) IS 'transition of confusion_matrix';
CREATE FUNCTION healthml.label_counts_merge(a healthml.label_counts, b healthml.label_counts)
RETURNS healthml.label_counts
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_label_counts_merge';
COMMENT ON FUNCTION healthml.label_counts_merge(healthml.label_counts, healthml.label_counts) IS
'combines states of confusion_matrix';

/* ---- rankings ---- */

CREATE FUNCTION healthml.roc_auc_final(state healthml.labelled_scores) RETURNS float8
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'healthml_roc_auc_final';
COMMENT ON FUNCTION healthml.roc_auc_final(healthml.labelled_scores) IS 'result of roc_auc';
CREATE AGGREGATE healthml.roc_auc(score float8, label boolean) (
	SFUNC = healthml.labelled_scores_add,
	STYPE = healthml.labelled_scores,
	SSPACE = 8192,
	FINALFUNC = healthml.roc_auc_final,
	COMBINEFUNC = healthml.labelled_scores_merge,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE healthml.roc_auc(float8, boolean) IS
'area under the ROC curve: the probability that a positive scores above a negative, ties counting half; NULL without both classes';

CREATE FUNCTION healthml.average_precision_final(state healthml.labelled_scores) RETURNS float8
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'healthml_average_precision_final';
COMMENT ON FUNCTION healthml.average_precision_final(healthml.labelled_scores) IS 'result of average_precision';
CREATE AGGREGATE healthml.average_precision(score float8, label boolean) (
	SFUNC = healthml.labelled_scores_add,
	STYPE = healthml.labelled_scores,
	SSPACE = 8192,
	FINALFUNC = healthml.average_precision_final,
	COMBINEFUNC = healthml.labelled_scores_merge,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE healthml.average_precision(float8, boolean) IS
'sum over thresholds of recall gained times precision there, without interpolation; NULL without positives';

CREATE TYPE healthml.roc_point AS (threshold float8, fpr float8, tpr float8);
COMMENT ON TYPE healthml.roc_point IS
'false and true positive rate when every score of at least the threshold is called positive';

CREATE FUNCTION healthml.roc_curve_final(state healthml.labelled_scores) RETURNS healthml.roc_point[]
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'healthml_roc_curve_final';
COMMENT ON FUNCTION healthml.roc_curve_final(healthml.labelled_scores) IS 'result of roc_curve';
CREATE AGGREGATE healthml.roc_curve(score float8, label boolean) (
	SFUNC = healthml.labelled_scores_add,
	STYPE = healthml.labelled_scores,
	SSPACE = 8192,
	FINALFUNC = healthml.roc_curve_final,
	COMBINEFUNC = healthml.labelled_scores_merge,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE healthml.roc_curve(float8, boolean) IS
'points of the ROC curve from (0,0) to (1,1), for unnest; points on a straight line are left out; NULL without both classes';

/* ---- probabilities ---- */

CREATE FUNCTION healthml.brier_score_add(state bigint[], probability float8, label boolean) RETURNS bigint[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_brier_score_add';
COMMENT ON FUNCTION healthml.brier_score_add(bigint[], float8, boolean) IS 'transition of brier_score';
CREATE FUNCTION healthml.brier_score_remove(state bigint[], probability float8, label boolean) RETURNS bigint[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_brier_score_remove';
COMMENT ON FUNCTION healthml.brier_score_remove(bigint[], float8, boolean) IS 'inverse transition of brier_score';
CREATE FUNCTION healthml.log_loss_add(state bigint[], probability float8, label boolean) RETURNS bigint[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_log_loss_add';
COMMENT ON FUNCTION healthml.log_loss_add(bigint[], float8, boolean) IS 'transition of log_loss';
CREATE FUNCTION healthml.log_loss_remove(state bigint[], probability float8, label boolean) RETURNS bigint[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_log_loss_remove';
COMMENT ON FUNCTION healthml.log_loss_remove(bigint[], float8, boolean) IS 'inverse transition of log_loss';
CREATE FUNCTION healthml.loss_merge(a bigint[], b bigint[]) RETURNS bigint[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_loss_merge';
COMMENT ON FUNCTION healthml.loss_merge(bigint[], bigint[]) IS 'combines states of brier_score or log_loss';
CREATE FUNCTION healthml.loss_final(state bigint[]) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_loss_final';
COMMENT ON FUNCTION healthml.loss_final(bigint[]) IS 'result of brier_score and log_loss';

CREATE AGGREGATE healthml.brier_score(probability float8, label boolean) (
	SFUNC = healthml.brier_score_add,
	STYPE = bigint[],
	FINALFUNC = healthml.loss_final,
	COMBINEFUNC = healthml.loss_merge,
	INITCOND = '{0,0,0,0}',
	MSFUNC = healthml.brier_score_add,
	MINVFUNC = healthml.brier_score_remove,
	MSTYPE = bigint[],
	MFINALFUNC = healthml.loss_final,
	MINITCOND = '{0,0,0,0}',
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE healthml.brier_score(float8, boolean) IS
'mean squared difference of a probability and what came true (1 or 0); NULL without rows';
CREATE AGGREGATE healthml.log_loss(probability float8, label boolean) (
	SFUNC = healthml.log_loss_add,
	STYPE = bigint[],
	FINALFUNC = healthml.loss_final,
	COMBINEFUNC = healthml.loss_merge,
	INITCOND = '{0,0,0,0}',
	MSFUNC = healthml.log_loss_add,
	MINVFUNC = healthml.log_loss_remove,
	MSTYPE = bigint[],
	MFINALFUNC = healthml.loss_final,
	MINITCOND = '{0,0,0,0}',
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE healthml.log_loss(float8, boolean) IS
'mean negative logarithm of the probability that was given to what came true; NULL without rows';

/* ---- classes ---- */

CREATE TYPE healthml.classification_result AS (
	accuracy float8,
	precision float8,
	recall float8,
	specificity float8,
	f1 float8,
	mcc float8,
	tp bigint,
	fp bigint,
	tn bigint,
	fn bigint
);
COMMENT ON TYPE healthml.classification_result IS
'metrics of yes-or-no predictions with the counts that they are made of; a ratio with denominator 0 is 0';

CREATE FUNCTION healthml.classification_add(state bigint[], predicted boolean, actual boolean) RETURNS bigint[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_classification_add';
COMMENT ON FUNCTION healthml.classification_add(bigint[], boolean, boolean) IS
'transition of classification_metrics';
CREATE FUNCTION healthml.classification_remove(state bigint[], predicted boolean, actual boolean)
RETURNS bigint[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_classification_remove';
COMMENT ON FUNCTION healthml.classification_remove(bigint[], boolean, boolean) IS
'inverse transition of classification_metrics';
CREATE FUNCTION healthml.classification_merge(a bigint[], b bigint[]) RETURNS bigint[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_classification_merge';
COMMENT ON FUNCTION healthml.classification_merge(bigint[], bigint[]) IS
'combines states of classification_metrics';
CREATE FUNCTION healthml.classification_metrics_final(state bigint[]) RETURNS healthml.classification_result
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_classification_metrics_final';
COMMENT ON FUNCTION healthml.classification_metrics_final(bigint[]) IS 'result of classification_metrics';
CREATE AGGREGATE healthml.classification_metrics(predicted boolean, actual boolean) (
	SFUNC = healthml.classification_add,
	STYPE = bigint[],
	FINALFUNC = healthml.classification_metrics_final,
	COMBINEFUNC = healthml.classification_merge,
	INITCOND = '{0,0,0,0}',
	MSFUNC = healthml.classification_add,
	MINVFUNC = healthml.classification_remove,
	MSTYPE = bigint[],
	MFINALFUNC = healthml.classification_metrics_final,
	MINITCOND = '{0,0,0,0}',
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE healthml.classification_metrics(boolean, boolean) IS
'accuracy, precision, recall, specificity, f1, mcc and counts of yes-or-no predictions; NULL without rows';

/* One GROUP BY gives the cells as rows; the document adds order, totals and what each label's metrics are. */
CREATE FUNCTION healthml.confusion_matrix_final(state healthml.label_counts) RETURNS jsonb
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'healthml_confusion_matrix_final';
COMMENT ON FUNCTION healthml.confusion_matrix_final(healthml.label_counts) IS 'result of confusion_matrix';
CREATE AGGREGATE healthml.confusion_matrix(predicted text, actual text) (
	SFUNC = healthml.label_counts_add,
	STYPE = healthml.label_counts,
	SSPACE = 1024,
	FINALFUNC = healthml.confusion_matrix_final,
	COMBINEFUNC = healthml.label_counts_merge,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE healthml.confusion_matrix(text, text) IS
'labels, counts (rows actual, columns predicted), accuracy, macro_f1, weighted_f1, and precision, recall and f1 of each label; NULL without rows';
