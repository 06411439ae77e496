-- The history: its tables and views as others rely on them, and functions row by row.
BEGIN;
SET LOCAL search_path = healthml, public;
SELECT plan(75);

-- tables
SELECT columns_are('healthml', 'prediction', ARRAY['prediction_id', 'subject', 'model', 'version', 'score', 'percentile',
	'risk', 'is_anomaly', 'label', 'probabilities', 'features', 'explanation', 'narrative', 'source', 'predicted_at', 'latency_ms', 'missing_features']);
SELECT col_is_pk('healthml', 'prediction', 'prediction_id', 'predictions have a number');
SELECT col_type_is('healthml', 'prediction', 'risk', 'healthml', 'risk_level', 'a risk is ordered');
SELECT col_not_null('healthml', 'prediction', c, c || ' is always known')
FROM unnest(ARRAY['model', 'version', 'score', 'risk', 'is_anomaly', 'predicted_at']) c;
SELECT col_is_null('healthml', 'prediction', c, c || ' may be unknown')
FROM unnest(ARRAY['subject', 'percentile', 'label', 'probabilities', 'features', 'explanation', 'narrative', 'source', 'latency_ms']) c;
SELECT has_index('healthml', 'prediction', 'prediction_predicted_at', ARRAY['predicted_at', 'prediction_id'], 'the latest are found quickly');
SELECT has_index('healthml', 'prediction', 'prediction_subject', ARRAY['subject', 'predicted_at'], 'so are those of a patient');
SELECT col_isnt_fk('healthml', 'outcome', 'prediction_id', 'tables of a dump come in any order: outcomes.sql has what a foreign key would promise');
SELECT col_is_pk('healthml', 'outcome', 'prediction_id', 'a prediction has one outcome');
SELECT has_index('healthml', 'score_failure', 'score_failure_failed_at', ARRAY['failed_at'], 'recent failures are found quickly');

-- views
SELECT columns_are('healthml', 'recent_predictions', ARRAY['prediction_id', 'predicted_at', 'subject', 'model', 'version', 'score',
	'percentile', 'risk', 'is_anomaly', 'label', 'main_reason', 'narrative', 'actual', 'source', 'risk_text', 'actual_label', 'actual_value']);
SELECT columns_are('healthml', 'label_distribution', ARRAY['model', 'version', 'label', 'predictions', 'share', 'mean_score', 'mean_latency_ms']);
SELECT columns_are('healthml', 'risk_distribution', ARRAY['model', 'version', 'risk', 'predictions', 'share', 'mean_score', 'risk_text']);
SELECT columns_are('healthml', 'daily_risk', ARRAY['day', 'model', 'predictions', 'low', 'medium', 'high', 'high_share', 'mean_score', 'max_score', 'unknown']);
SELECT columns_are('healthml', 'prediction_reasons', ARRAY['prediction_id', 'predicted_at', 'subject', 'model', 'version', 'risk', 'score',
	'rank', 'feature', 'value', 'contribution', 'raises_risk', 'risk_text']);
SELECT columns_are('healthml', 'model_performance', ARRAY['model', 'version', 'outcomes', 'positives', 'roc_auc', 'average_precision',
	'brier_score', 'log_loss', 'accuracy', 'precision', 'recall', 'specificity', 'f1', 'mcc', 'tp', 'fp', 'tn', 'fn',
	'first_predicted_at', 'last_predicted_at', 'balanced_accuracy', 'macro_f1', 'mae', 'rmse', 'r2']);
SELECT is(count(*)::int, 1, 'health is one row') FROM health;
SELECT is_empty('SELECT * FROM ' || v, v || ' of no history is empty')
FROM unnest(ARRAY['recent_predictions', 'label_distribution', 'risk_distribution', 'daily_risk', 'prediction_reasons', 'model_performance', 'batch_progress']) v;
SELECT isnt(obj_description(('healthml.' || r)::regclass, 'pg_class'), NULL, r || ' is commented')
FROM unnest(ARRAY['prediction', 'outcome', 'score_failure', 'recent_predictions', 'label_distribution', 'risk_distribution', 'daily_risk', 'prediction_reasons',
	'model_performance', 'batch_progress', 'health']) r;
SELECT is_empty($$SELECT grantee, table_name FROM information_schema.table_privileges
	WHERE table_schema = 'healthml' AND grantee = 'PUBLIC'$$, 'nothing is granted to everybody');
SELECT is(count(*)::int, 5, 'tables and sequences are dumped')
FROM pg_extension, unnest(extconfig) AS config
WHERE extname = 'healthml' AND config::regclass::text ~ '^(prediction|outcome|score_failure)';

-- explanations of others may look otherwise
SAVEPOINT foreign_explanation;
INSERT INTO prediction (model, version, score, risk, is_anomaly, explanation) VALUES ('x', 1, 0, 'low', false, '{"reasons": {"a": 1}}'),
	('x', 1, 0, 'low', false, '[1, 2]'), ('x', 1, 0, 'low', false, '"because"');
SELECT is_empty('SELECT * FROM prediction_reasons', 'an explanation without a list has no reasons');
SELECT is(count(main_reason)::int, 0, 'nor a main one') FROM recent_predictions;
ROLLBACK TO foreign_explanation;

-- functions
SELECT function_returns('healthml', 'batch_predict', ARRAY['text', 'text', 'text', 'integer'], 'bigint');
SELECT function_returns('healthml', 'fill_risk', '{}'::name[], 'trigger');
SELECT function_returns('healthml', 'record_risk', '{}'::name[], 'trigger');
SELECT function_returns('healthml', 'record_outcome', ARRAY['bigint', 'boolean', 'text'], 'void');
SELECT function_returns('healthml', 'prune_predictions', ARRAY['interval'], 'bigint');
SELECT isnt_definer('healthml', f, f || ' runs as its caller')
FROM unnest(ARRAY['batch_predict', 'fill_risk', 'record_risk', 'record_outcome', 'prune_predictions']) f;
SELECT volatility_is('healthml', f, 'volatile', f || ' is volatile') FROM unnest(ARRAY['batch_predict', 'record_outcome', 'prune_predictions']) f;

-- what an application may write itself
INSERT INTO prediction (model, version, score, risk, is_anomaly) VALUES ('by hand', 1, 0.9, 'high', true);
SELECT is(count(*)::int, 1, 'a prediction needs no explanation') FROM recent_predictions;
SELECT is_empty('SELECT * FROM prediction_reasons', 'and then has no reasons');
INSERT INTO prediction (model, version, score, risk, is_anomaly, features, explanation)
VALUES ('by hand', 1, 0.8, 'high', true, '{"a": 1.5, "b": null, "c": "x"}', '{"reasons": [{"feature": "c", "contribution": 0.5},
	{"feature": "b", "contribution": -0.25}, {"feature": "a", "contribution": 0}]}');
SELECT results_eq('SELECT rank, feature, value, contribution, raises_risk FROM prediction_reasons ORDER BY rank',
	$$VALUES (1, 'c', 'x', 0.5::float8, true), (2, 'b', NULL, -0.25, false), (3, 'a', '1.5', 0, false)$$, 'reasons are rows');
SELECT is(main_reason, 'c', 'the first one is the main reason') FROM recent_predictions WHERE score = 0.8;
SELECT lives_ok('SELECT record_outcome(prediction_id, score > 0.85) FROM prediction', 'outcomes are recorded');
SELECT results_eq('SELECT outcomes, positives, roc_auc, tp, fp FROM model_performance',
	'VALUES (2::bigint, 1::bigint, 1::float8, 1::bigint, 1::bigint)', 'and judged');
SELECT throws_ok('SELECT record_outcome(0, true)', '42704', 'prediction 0 does not exist', 'an outcome of nothing');
SELECT throws_ok($$SELECT prune_predictions('-1 s')$$, '22023', NULL, 'pruning the future');
SELECT is(prune_predictions('1 hour'), 0::bigint, 'what is young stays');
SELECT throws_ok($$INSERT INTO prediction (model, version, score, risk, is_anomaly) VALUES ('x', 1, 1, 'extreme', true)$$,
	'22P02', NULL, 'a risk that is none');

SELECT * FROM finish();
ROLLBACK;
