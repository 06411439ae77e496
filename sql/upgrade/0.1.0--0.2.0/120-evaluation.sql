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
