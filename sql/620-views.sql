/*
 * 620-views.sql: what dashboards read.
 */

CREATE VIEW healthml.recent_predictions AS
SELECT p.prediction_id, p.predicted_at, p.subject, p.model, p.version, p.score, p.percentile, p.risk, p.is_anomaly,
	p.label, p.explanation #>> '{reasons,0,feature}' AS main_reason, p.narrative, o.actual, p.source,
	p.risk::text AS risk_text, o.actual_label, o.actual_value
FROM healthml.prediction p
LEFT JOIN healthml.outcome o USING (prediction_id)
WHERE p.predicted_at >= now() - interval '7 days'
ORDER BY p.predicted_at DESC, p.prediction_id DESC;
COMMENT ON VIEW healthml.recent_predictions IS
'predictions of the last seven days, the newest first; risk is ordered, risk_text is for tools that compare text';

CREATE VIEW healthml.latest_predictions AS
SELECT DISTINCT ON (p.model, p.version, p.source, p.subject, CASE WHEN p.subject IS NULL THEN p.prediction_id END)
	p.prediction_id, p.predicted_at, p.subject, p.model, p.version, p.score, p.percentile, p.risk, p.is_anomaly, p.label, p.source,
	p.risk::text AS risk_text, o.actual, o.actual_label, o.actual_value
FROM healthml.prediction p
LEFT JOIN healthml.outcome o USING (prediction_id)
ORDER BY p.model, p.version, p.source, p.subject, CASE WHEN p.subject IS NULL THEN p.prediction_id END, p.predicted_at DESC,
	p.prediction_id DESC;
COMMENT ON VIEW healthml.latest_predictions IS
'the latest prediction of each subject by each model version from each source, with its outcome; predictions without a subject are all there';

CREATE VIEW healthml.risk_distribution AS
SELECT m.model, m.version, r.risk, coalesce(c.predictions, 0) AS predictions,
	coalesce(c.predictions, 0) / m.predictions::float8 AS share, c.mean_score, r.risk::text AS risk_text
FROM (SELECT model, version, count(*) AS predictions FROM healthml.prediction GROUP BY model, version) m
CROSS JOIN unnest(enum_range(NULL::healthml.risk_level)) AS r (risk)
LEFT JOIN (
	SELECT model, version, risk, count(*) AS predictions, avg(score) AS mean_score
	FROM healthml.prediction GROUP BY model, version, risk) c USING (model, version, risk);
COMMENT ON VIEW healthml.risk_distribution IS
'predictions of each model version by risk: number, share of the version''s predictions, mean score; risks that did not occur are there with 0';

CREATE VIEW healthml.label_distribution AS
SELECT p.model, p.version, p.label, count(*) AS predictions,
	count(*) / sum(count(*)) OVER (PARTITION BY p.model, p.version)::float8 AS share, avg(p.score) AS mean_score,
	avg(p.latency_ms) AS mean_latency_ms
FROM healthml.prediction p
WHERE p.label IS NOT NULL
GROUP BY p.model, p.version, p.label;
COMMENT ON VIEW healthml.label_distribution IS
'predictions of each classifier''s version by label: number, share of those that have one, mean score and milliseconds';

CREATE VIEW healthml.daily_risk AS
SELECT predicted_at::date AS day, model, count(*) AS predictions,
	count(*) FILTER (WHERE risk = 'low') AS low,
	count(*) FILTER (WHERE risk = 'medium') AS medium,
	count(*) FILTER (WHERE risk = 'high') AS high,
	count(*) FILTER (WHERE risk = 'high') / count(*)::float8 AS high_share,
	avg(score) AS mean_score, max(score) AS max_score,
	count(*) FILTER (WHERE risk > 'high') AS unknown
FROM healthml.prediction
GROUP BY predicted_at::date, model;
COMMENT ON VIEW healthml.daily_risk IS
'predictions of each model by day (in the time zone of the session): their number, by risk, share of high ones, mean and highest score, and how many have the risk unknown';

CREATE VIEW healthml.prediction_reasons AS
SELECT p.prediction_id, p.predicted_at, p.subject, p.model, p.version, p.risk, p.score, r.rank::integer AS rank,
	r.reason ->> 'feature' AS feature, p.features ->> (r.reason ->> 'feature') AS value,
	(r.reason ->> 'contribution')::float8 AS contribution,
	(r.reason ->> 'contribution')::float8 > 0 AS raises_risk, p.risk::text AS risk_text
FROM healthml.prediction p,
	jsonb_array_elements(CASE WHEN jsonb_typeof(p.explanation -> 'reasons') = 'array' THEN p.explanation -> 'reasons' END)
		WITH ORDINALITY AS r (reason, rank);
COMMENT ON VIEW healthml.prediction_reasons IS
'one row per reason of each explained prediction, rank 1 the strongest: feature, its value as text, its contribution to the margin';

CREATE VIEW healthml.model_performance AS
SELECT j.model, j.version, j.outcomes, j.positives, j.roc_auc, j.average_precision, j.brier_score,
	coalesce(j.log_loss, j.class_log_loss) AS log_loss,
	coalesce((j.classes ->> 'accuracy')::float8, (j.metrics).accuracy) AS accuracy,
	(j.metrics).precision, (j.metrics).recall, (j.metrics).specificity, (j.metrics).f1,
	(j.metrics).mcc, (j.metrics).tp, (j.metrics).fp, (j.metrics).tn, (j.metrics).fn,
	j.first_predicted_at, j.last_predicted_at,
	coalesce((SELECT avg((c.class ->> 'recall')::float8) FROM jsonb_array_elements(j.classes -> 'classes') AS c (class)
			WHERE (c.class ->> 'support')::bigint > 0),
		((j.metrics).recall + (j.metrics).specificity) / 2) AS balanced_accuracy,
	(j.classes ->> 'macro_f1')::float8 AS macro_f1, j.mae, j.rmse, j.r2
FROM (
	SELECT k.model, k.version, count(*) AS outcomes, count(*) FILTER (WHERE k.actual) AS positives,
		healthml.roc_auc(k.score, k.actual) AS roc_auc,
		healthml.average_precision(k.score, k.actual) AS average_precision,
		healthml.brier_score(k.score, k.actual) FILTER (WHERE k.is_probability) AS brier_score,
		healthml.log_loss(k.score, k.actual) FILTER (WHERE k.is_probability) AS log_loss,
		healthml.log_loss((k.probabilities ->> k.actual_label)::float8, true) FILTER (WHERE k.has_classes) AS class_log_loss,
		healthml.classification_metrics(k.is_anomaly, k.actual) AS metrics,
		healthml.confusion_matrix(k.label, k.actual_label) FILTER (WHERE k.has_classes) AS classes,
		avg(abs(k.score - k.actual_value)) AS mae, sqrt(avg((k.score - k.actual_value) ^ 2)) AS rmse,
		1 - sum((k.score - k.actual_value) ^ 2) / nullif(regr_sxx(k.actual_value, k.actual_value), 0) AS r2,
		min(k.predicted_at) AS first_predicted_at, max(k.predicted_at) AS last_predicted_at
	FROM (
		SELECT DISTINCT ON (p.model, p.version, p.subject, CASE WHEN p.subject IS NULL THEN p.prediction_id END)
			p.model, p.version, p.score, p.is_anomaly, p.label, p.probabilities, p.predicted_at,
			o.actual, o.actual_label, o.actual_value,
			m.task = 'classification' AND coalesce(p.n_classes, 2) = 2 AS is_probability,
			p.n_classes > 2 AND o.actual_label IS NOT NULL AS has_classes
		FROM (SELECT q.*, CASE WHEN q.probabilities IS NOT NULL
				THEN (SELECT count(*) FROM jsonb_object_keys(q.probabilities)) END AS n_classes
			FROM healthml.prediction q) p
		JOIN healthml.outcome o USING (prediction_id)
		LEFT JOIN healthml.model m ON m.name = p.model
		ORDER BY p.model, p.version, p.subject, CASE WHEN p.subject IS NULL THEN p.prediction_id END,
			p.predicted_at DESC, p.prediction_id DESC) k
	GROUP BY k.model, k.version) j;
COMMENT ON VIEW healthml.model_performance IS
'metrics of each model version over what came true: of each subject the latest prediction whose outcome is known, so that a patient who was scored by a trigger and by a batch counts once; predictions without a subject count each. brier_score and log_loss only of classifiers, whose scores are probabilities; macro_f1 where there are more than two classes, whose accuracy, balanced_accuracy and log_loss are those of the classes; mae, rmse and r2 of predicted values';

CREATE VIEW healthml.batch_progress AS
SELECT c.pid, a.usename AS "user", c.tuples_processed AS rows_scored, a.query_start AS started_at, a.query
FROM pg_catalog.pg_stat_progress_copy c
JOIN pg_catalog.pg_stat_activity a USING (pid)
WHERE c.datname = current_database() AND c.relid = 'healthml.prediction'::regclass AND c.type = 'CALLBACK';
COMMENT ON VIEW healthml.batch_progress IS 'calls of batch_predict and batch_classify that are running, and how many rows or recordings each has scored';

/* Quick to read however long the history is, so that a monitor may ask often. */
CREATE VIEW healthml.health AS
SELECT (SELECT extversion FROM pg_catalog.pg_extension WHERE extname = 'healthml') AS extension_version,
	current_setting('server_version') AS server_version,
	now() - pg_postmaster_start_time() AS uptime,
	pg_is_in_recovery() AS is_replica,
	(SELECT count(*) FROM healthml.model) AS models,
	(SELECT count(*) FROM healthml.model_version) AS versions,
	c.models AS cached_models, c.bytes AS cached_bytes,
	(SELECT greatest(reltuples, 0)::bigint FROM pg_catalog.pg_class WHERE oid = 'healthml.prediction'::regclass)
		AS predictions_estimate,
	(SELECT max(predicted_at) FROM healthml.prediction) AS last_predicted_at,
	(SELECT count(*) FROM healthml.prediction WHERE predicted_at >= now() - interval '1 day') AS predictions_1d,
	(SELECT count(*) FROM healthml.prediction WHERE predicted_at >= now() - interval '1 day' AND risk = 'high')
		AS high_1d,
	(SELECT count(*) FROM healthml.score_failure WHERE failed_at >= now() - interval '1 day') AS failures_1d
FROM healthml.session_status() c;
COMMENT ON VIEW healthml.health IS
'one row: versions, uptime, models, what this session has cached, and predictions, high risks and failures of the last day';
