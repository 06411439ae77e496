-- Predictions that were kept: batch_predict, outcomes, views, pruning.
\set VERBOSITY terse
CREATE SCHEMA history_test;
SET search_path = history_test, healthml;

CREATE TABLE patient AS
SELECT n AS id, 'MRN-' || n AS mrn, CASE WHEN n % 50 = 0 THEN 150 ELSE 40 + n % 30 END AS age, (180 + n * 7 % 60)::numeric AS cholesterol,
	(ARRAY['f', 'm'])[1 + n % 2] AS sex, n % 3 = 0 AS smoker, n % 50 = 0 OR n % 97 = 0 AS ill
FROM generate_series(1, 1000) n;
SELECT model, version FROM train('ward_risk', 'isolation_forest', 'patient', '{age,cholesterol,sex,smoker}', 'ill',
	'{"n_estimators": 50, "contamination": 0.02}');

-- each row's prediction is what assess says; blocks of the batch kernel and single rows agree to the bit
SELECT batch_predict('ward_risk', 'patient', 'mrn');
SELECT count(*), count(DISTINCT p.subject), bool_and(p.score = s.score AND p.percentile = s.percentile AND p.risk = s.risk AND p.is_anomaly = s.is_anomaly) AS right,
	bool_and(p.model = 'ward_risk' AND p.version = 1 AND p.source = 'patient' AND p.latency_ms > 0 AND p.predicted_at <= now()) AS complete,
	count(p.features) AS features, count(p.explanation) AS explained, count(p.narrative) AS told
FROM prediction p JOIN patient t ON t.mrn = p.subject, assess(t, 'ward_risk') s;
SELECT min(id) AS first, count(*) FROM (SELECT prediction_id - lag(prediction_id) OVER (ORDER BY prediction_id) AS step, substr(subject, 5)::int AS id FROM prediction) x
WHERE step IS DISTINCT FROM 1;
DELETE FROM prediction;

-- explained rows
SELECT batch_predict('ward_risk', 'SELECT * FROM patient WHERE id IN (7, 50) UNION ALL SELECT 1001, NULL, NULL, NULL, ''x'', true, NULL', 'mrn', explain => 3);
SELECT p.subject, p.features, jsonb_array_length(explanation -> 'reasons') AS reasons, p.risk, p.source FROM prediction p ORDER BY prediction_id;
SELECT p.subject, p.narrative = explain_text(t, 'ward_risk') AS told FROM prediction p JOIN patient t ON t.mrn = p.subject ORDER BY 1;
SELECT narrative LIKE '%sex "x"%' AS unseen_is_told FROM prediction WHERE subject IS NULL;
SELECT r.subject, r.rank, r.feature, r.value = to_jsonb(t) ->> r.feature AS value_is_right, r.contribution = e.contribution AS contribution_is_right, r.raises_risk = (e.contribution > 0) AS sign_is_right
FROM prediction_reasons r JOIN patient t ON t.mrn = r.subject JOIN LATERAL shap_explain(t, 'ward_risk', 3) e USING (rank, feature)
WHERE r.subject = 'MRN-50' ORDER BY rank;
DELETE FROM prediction;

-- a query's columns have its names, whatever its branches call them
SELECT rows FROM shap_summary('ward_risk', 'SELECT age, cholesterol, sex, smoker FROM patient WHERE id < 11 UNION ALL SELECT 1, 2, ''f'', true') LIMIT 1;

-- sources and subjects
CREATE VIEW women AS SELECT age, cholesterol, sex, smoker, id FROM patient WHERE sex = 'f';
SELECT batch_predict('ward_risk:1', 'women', 'id');
SELECT batch_predict('ward_risk@champion', 'history_test.patient', NULL);
SELECT batch_predict('ward_risk', 'SELECT * FROM patient WHERE false', 'mrn');
SELECT batch_predict('ward_risk', 'SELECT * FROM patient WHERE false', 'mrn', 5);
SELECT batch_predict('ward_risk', 'SELECT * FROM patient LIMIT 256', 'mrn'), batch_predict('ward_risk', 'SELECT * FROM patient LIMIT 257', 'mrn', NULL);
SELECT source, count(*), count(subject) FROM prediction GROUP BY source ORDER BY source;
DELETE FROM prediction;
SET work_mem = '64kB';
SELECT batch_predict('ward_risk', 'SELECT p.* FROM patient p, generate_series(1, 20)', 'mrn');
RESET work_mem;
SELECT count(*), count(DISTINCT p.subject), bool_and(p.score = score(t, 'ward_risk')) AS right FROM prediction p JOIN patient t ON t.mrn = p.subject;
DELETE FROM prediction;

-- what cannot be done writes nothing
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT batch_predict(NULL, 'patient', 'mrn');
SELECT batch_predict('ward_risk', NULL, 'mrn');
SELECT batch_predict('ward_risk', 'patient', 'MRN');
SELECT batch_predict('ward_risk', 'patient', 'mrn', -1);
SELECT batch_predict('nothing', 'patient', 'mrn');
SELECT batch_predict('ward_risk', 'nothing', 'mrn');
SELECT batch_predict('ward_risk', 'SELECT mrn, age FROM patient', 'mrn');
SELECT batch_predict('ward_risk', 'DELETE FROM patient RETURNING *', 'mrn');
SELECT batch_predict('ward_risk', 'SELECT 1; SELECT 2', 'mrn');
SELECT batch_predict('ward_risk', 'SELECT mrn, age / nullif(id - 999, 0)::float8 * ''Infinity'' AS age, cholesterol, sex, smoker FROM patient WHERE id > 600', 'mrn');
BEGIN READ ONLY;
SELECT batch_predict('ward_risk', 'patient', 'mrn');
ROLLBACK;
CREATE FUNCTION writes(integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN INSERT INTO patient SELECT; RETURN $1; END $$;
SELECT batch_predict('ward_risk', 'SELECT mrn, writes(age) AS age, cholesterol, sex, smoker FROM patient', 'mrn');
\set VERBOSITY terse
SELECT count(*) FROM prediction;
SELECT count(*) FROM batch_progress;

-- what came true
SELECT batch_predict('ward_risk', 'patient', 'mrn');
DO $$ BEGIN PERFORM record_outcome(p.prediction_id, t.ill) FROM prediction p JOIN patient t ON t.mrn = p.subject; END $$;
SELECT m.model, m.version, m.outcomes, m.positives, m.tp + m.fp + m.tn + m.fn AS counted, m.roc_auc = d.roc_auc AS roc_auc, m.average_precision = d.ap AS average_precision,
	ROW(m.accuracy, m.precision, m.recall, m.specificity, m.f1, m.mcc, m.tp, m.fp, m.tn, m.fn)::classification_result = d.metrics AS metrics,
	m.brier_score, m.log_loss, m.first_predicted_at = m.last_predicted_at AS at_once
FROM model_performance m, (SELECT roc_auc(s.score, t.ill), average_precision(s.score, t.ill) AS ap, classification_metrics(s.is_anomaly, t.ill) AS metrics
	FROM patient t, assess(t, 'ward_risk') s) d;
SELECT record_outcome(max(prediction_id), true, 'seen in the ward') FROM prediction;
SELECT record_outcome(max(prediction_id), false, 'was another patient') FROM prediction;
SELECT actual, note, recorded_by = current_user AS by_me FROM outcome ORDER BY prediction_id DESC LIMIT 1;
SELECT count(*) FROM outcome;
SELECT record_outcome(-1, true);
SELECT record_outcome(NULL, true);
SELECT record_outcome(max(prediction_id), NULL) FROM prediction;

-- views
SELECT model, version, risk, predictions = (SELECT count(*) FROM prediction WHERE risk = d.risk) AS counted,
	share = predictions / 1000.0 AS share, abs(mean_score - (SELECT avg(score) FROM prediction WHERE risk = d.risk)) < 1e-12 AS mean
FROM risk_distribution d ORDER BY risk;
SELECT sum(share) FROM risk_distribution;
UPDATE prediction SET predicted_at = predicted_at - interval '3 days' WHERE substr(subject, 5)::int <= 400;
UPDATE prediction SET predicted_at = predicted_at - interval '30 days' WHERE substr(subject, 5)::int <= 100;
SELECT current_date - day AS days_ago, model, predictions, low + medium + high AS of_all_risks, high_share = high / predictions::float8 AS share, mean_score <= max_score AS sane
FROM daily_risk ORDER BY day;
SELECT count(*), bool_and(predicted_at >= now() - interval '7 days') AS recent, count(actual) AS known FROM recent_predictions;
SELECT subject FROM recent_predictions LIMIT 1;
SELECT extension_version = (SELECT extversion FROM pg_extension WHERE extname = 'healthml') AS version, is_replica, models >= 1 AS models, versions >= 1 AS versions,
	cached_models >= 1 AS cached, cached_bytes > 0 AS bytes, uptime > '0' AS up, predictions_1d, high_1d = (SELECT count(*) FROM prediction
	WHERE risk = 'high' AND predicted_at > now() - interval '1 day') AS high, failures_1d, last_predicted_at = (SELECT max(predicted_at) FROM prediction) AS last
FROM health;
DELETE FROM prediction WHERE risk <> 'low';
SELECT risk, predictions, share, mean_score IS NULL AS no_mean FROM risk_distribution WHERE risk <> 'low' ORDER BY risk;

-- classifiers tell a class and the probability of each
CREATE TABLE seen AS SELECT n AS id, n % 40 AS x, n % 7 AS y, n % 40 > 20 AS ill, CASE WHEN n % 40 > 30 THEN 'urgent' WHEN n % 40 > 15 THEN 'soon' ELSE 'later "x"' END AS triage
FROM generate_series(1, 400) n;
SELECT model, version FROM train('two_classes', 'mlp', 'seen', '{x,y}', 'ill', '{"epochs": 30, "hidden_layers": [8]}');
SELECT model, version FROM train('three_classes', 'mlp', 'seen', '{x,y}', 'triage', '{"epochs": 30, "hidden_layers": [8]}');
SELECT batch_predict('two_classes', 'seen', 'id'), batch_predict('three_classes', 'seen', 'id');
SELECT model, count(*), count(DISTINCT label) > 1 AS classes, bool_and(label = (CASE WHEN model = 'two_classes' THEN (ARRAY['false', 'true'])[1 + is_anomaly::int] ELSE
		(SELECT key FROM jsonb_each_text(probabilities) ORDER BY value::float8 DESC LIMIT 1) END)) AS label_is_right,
	bool_and(abs((SELECT sum(value::float8) FROM jsonb_each_text(probabilities)) - 1) < 1e-6) AS add_up,
	bool_and(abs(p.score - CASE WHEN model = 'two_classes' THEN (probabilities ->> 'true')::float8 ELSE (probabilities ->> label)::float8 END) < 1e-6) AS score_is_right
FROM prediction p WHERE model LIKE '%classes' GROUP BY model ORDER BY model;
CREATE TRIGGER record AFTER INSERT ON seen FOR EACH ROW EXECUTE FUNCTION record_risk('three_classes', 'id');
INSERT INTO seen (id, x, y) VALUES (500, 39, 1), (501, 1, 1);
SELECT subject, probabilities ? label AS is_a_class FROM prediction WHERE source = 'history_test.seen' ORDER BY prediction_id;
SELECT record_outcome(min(prediction_id), true) FROM prediction WHERE model = 'two_classes';
SELECT abs(brier_score - (1 - score) ^ 2) < 1e-12 AS brier, abs(log_loss + ln(score)) < 1e-12 AS loss FROM model_performance JOIN prediction USING (model) JOIN outcome USING (prediction_id)
WHERE model = 'two_classes';
SELECT drop_model('two_classes'), drop_model('three_classes');
DELETE FROM prediction WHERE model LIKE '%classes';

-- a long source is cut between characters
SELECT batch_predict('ward_risk', 'SELECT *, ''' || repeat(U&'\00e9', 300) || ''' FROM patient LIMIT 1', NULL);
SELECT octet_length(source), right(source, 3) FROM prediction WHERE length(source) > 50;
DELETE FROM prediction WHERE length(source) > 50;

-- history outlives the model
SELECT drop_model('ward_risk');
SELECT model, outcomes > 0 AS has_outcomes FROM model_performance;

-- pruning
INSERT INTO score_failure (sqlstate, message, failed_at) VALUES ('22000', 'old', now() - interval '20 days'), ('22000', 'new', now());
SELECT prune_predictions('-1 day');
SELECT prune_predictions(NULL);
SELECT prune_predictions('10 days') > 0 AS old_ones, count(*) FILTER (WHERE message = 'old') AS old_failures FROM score_failure;
SELECT prune_predictions('10 days'), (SELECT message FROM score_failure) AS failure, (SELECT min(predicted_at) > now() - interval '10 days' FROM prediction) AS young_left;
SELECT prune_predictions('0') > 0 AS all_of_them;
SELECT count(*) FROM prediction;
SELECT count(*) FROM outcome o WHERE NOT EXISTS (SELECT FROM prediction p WHERE p.prediction_id = o.prediction_id);

DELETE FROM score_failure;
DELETE FROM prediction;
SET client_min_messages = warning;
DROP SCHEMA history_test CASCADE;
