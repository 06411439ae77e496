/* 120-evaluation.sql: changes since 0.1.0. */

COMMENT ON FUNCTION healthml.evaluate(text, text, text, integer, float8, bigint) IS
'metrics of a model version on the rows of a source (a table, a view or one SELECT), with bootstrap confidence intervals (percentile method, stratified; 0 replicates for none). Two classes and anomalies: roc_auc, average_precision, accuracy, precision, recall, specificity, f1, mcc, balanced_accuracy, brier_score, log_loss; more classes: accuracy, macro_f1, weighted_f1; values: rmse, mae, r2. rows were judged; rows_left_out have no target, or a class that the model does not know. The target is one that training would take. Rows that the model was trained on flatter it';

CREATE FUNCTION healthml.evaluation_by(ref text, source text, target text, replicates integer, confidence float8, seed bigint, by text)
RETURNS jsonb
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 100000 AS 'MODULE_PATHNAME', 'healthml_evaluate_by';
COMMENT ON FUNCTION healthml.evaluation_by(text, text, text, integer, float8, bigint, text) IS
'metrics of a model version on parts of a source as one jsonb array; healthml.evaluate with "by" gives them as rows';

CREATE FUNCTION healthml.evaluate(ref text, source text, target text, by text, replicates integer DEFAULT 1000,
	confidence float8 DEFAULT 0.95, seed bigint DEFAULT 42)
RETURNS TABLE (subgroup text, metric text, value float8, low float8, high float8)
LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED ROWS 50
BEGIN ATOMIC
	WITH evaluation AS MATERIALIZED (
		SELECT p.part ->> 'subgroup' AS subgroup, p.part -> 'metrics' AS metrics, p.place
		FROM jsonb_array_elements(healthml.evaluation_by(ref, source, target, replicates, confidence, seed, by))
			WITH ORDINALITY AS p (part, place)
	)
	SELECT e.subgroup, m.key, m.value::float8, (e.metrics ->> (m.key || '_low'))::float8, (e.metrics ->> (m.key || '_high'))::float8
	FROM evaluation e, jsonb_each_text(e.metrics) AS m
	WHERE m.key !~ '_(low|high)$'
	ORDER BY e.place, m.key;
END;
COMMENT ON FUNCTION healthml.evaluate(text, text, text, text, integer, float8, bigint) IS
'the same metrics for each value of the column "by", such as sex or hospital, from one reading of the source; rows without a value are the subgroup NULL, and subgroups in which no row has a target are left out';

CREATE FUNCTION healthml.comparison(a text, b text, source text, target text, replicates integer, confidence float8, seed bigint)
RETURNS jsonb
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 100000 AS 'MODULE_PATHNAME', 'healthml_compare';
COMMENT ON FUNCTION healthml.comparison(text, text, text, text, integer, float8, bigint) IS
'two model versions on the same rows as one jsonb array; healthml.compare gives them as rows';

CREATE FUNCTION healthml.compare(a text, b text, source text, target text, replicates integer DEFAULT 1000,
	confidence float8 DEFAULT 0.95, seed bigint DEFAULT 42)
RETURNS TABLE (metric text, a_value float8, b_value float8, difference float8, low float8, high float8, p_value float8, method text)
LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED ROWS 15
BEGIN ATOMIC
	SELECT m.item ->> 'metric', (m.item ->> 'a')::float8, (m.item ->> 'b')::float8, (m.item ->> 'difference')::float8,
		(m.item ->> 'low')::float8, (m.item ->> 'high')::float8, (m.item ->> 'p_value')::float8, m.item ->> 'method'
	FROM jsonb_array_elements(healthml.comparison(a, b, source, target, replicates, confidence, seed)) AS m (item);
END;
COMMENT ON FUNCTION healthml.compare(text, text, text, text, integer, float8, bigint) IS
'how much better model version a is than b on the same rows of a source (a table, a view or one SELECT), which is read once: each metric that healthml.evaluate has of both, the difference a - b, and its confidence interval. roc_auc and alarm_roc_auc: method and test of DeLong, DeLong and Clarke-Pearson (1988). Other metrics: percentiles of the differences on rows that are drawn anew, the same for both (paired bootstrap, stratified by class; 0 replicates for none); accuracy, recall and specificity with McNemar''s exact test. p_value is that of no difference, two-sided, and not corrected for the number of metrics. Detectors and classifiers of two classes may be compared with each other, without brier_score and log_loss; classifiers of other classes by their names. rows were judged by both; rows_left_out have no target or a class that one of them does not know. Rows that a model was trained on flatter it';

CREATE OR REPLACE VIEW healthml.leaderboard AS
SELECT b.task, CASE WHEN b.metric IS NOT NULL AND b.target IS NOT NULL THEN rank() OVER (
		PARTITION BY b.task, b.trained_on, b.target ORDER BY b.metric DESC NULLS LAST) END AS place,
	b.model, b.version, b.algorithm, b.aliases, b.roc_auc, b.average_precision, b.accuracy, b.f1, b.macro_f1, b.rmse, b.r2,
	b.trained_rows, b.duration, b.trained_on, b.created_at, b.target, b.recall, b.specificity, b.judged_rows
FROM (
	SELECT m.task, m.name AS model, v.version, m.algorithm,
		ARRAY(SELECT a.alias FROM healthml.model_alias a
			WHERE a.model_id = v.model_id AND a.version = v.version ORDER BY a.alias) AS aliases,
		(v.metrics ->> 'roc_auc')::float8 AS roc_auc, (v.metrics ->> 'average_precision')::float8 AS average_precision,
		(v.metrics ->> 'accuracy')::float8 AS accuracy, (v.metrics ->> 'f1')::float8 AS f1,
		(v.metrics ->> 'macro_f1')::float8 AS macro_f1, (v.metrics ->> 'rmse')::float8 AS rmse, (v.metrics ->> 'r2')::float8 AS r2,
		coalesce(v.metrics ->> 'roc_auc', v.metrics ->> 'macro_f1', v.metrics ->> 'r2')::float8 AS metric,
		coalesce(v.metrics ->> 'recall', v.metrics ->> 'alarm_recall')::float8 AS recall,
		coalesce(v.metrics ->> 'specificity', v.metrics ->> 'alarm_specificity')::float8 AS specificity,
		coalesce(v.metrics ->> 'validation_rows', v.metrics ->> 'evaluated_rows')::float8::bigint AS judged_rows,
		v.trained_rows, v.duration, v.trained_on, v.created_at, v.target
	FROM healthml.model_version v
	JOIN healthml.model m USING (model_id)) b;
COMMENT ON VIEW healthml.leaderboard IS
'all versions of all models by their metrics at training. place: 1 is the best of one task, source (trained_on) and target by roc_auc, macro_f1 or r2; NULL where there is no metric or the target is not known, for what was judged on different data is not compared. judged_rows: classifiers were judged on rows of the source that they did not learn from, which another seed chooses otherwise, detectors partly on rows that they did learn. recall and specificity of more than two classes are those of the alarm. healthml.compare judges two versions on the same rows';
