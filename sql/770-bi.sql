/*
 * 770-bi.sql: what BI tools read, with stable names.
 *
 * Plain types only: text, numbers, booleans and timestamps.  risk_order sorts the text risk: 1 low, 2 medium, 3 high, 0 unknown.
 */

CREATE VIEW healthml.bi_predictions AS
SELECT p.prediction_id,
	p.predicted_at,
	p.model,
	p.version,
	p.subject,
	p.source,
	p.score,
	p.percentile,
	p.risk::text AS risk,
	CASE p.risk::text WHEN 'low' THEN 1 WHEN 'medium' THEN 2 WHEN 'high' THEN 3 ELSE 0 END AS risk_order,
	p.is_anomaly,
	p.label,
	p.explanation #>> '{reasons,0,feature}' AS main_reason,
	p.narrative,
	p.latency_ms,
	coalesce(cardinality(p.missing_features), 0) AS missing_features,
	o.actual,
	o.actual_label,
	o.actual_value
FROM healthml.prediction p
LEFT JOIN healthml.outcome o USING (prediction_id);
COMMENT ON VIEW healthml.bi_predictions IS
'predictions with their outcome and main reason, for lists and free grouping';
COMMENT ON COLUMN healthml.bi_predictions.prediction_id IS 'number of the prediction';
COMMENT ON COLUMN healthml.bi_predictions.predicted_at IS 'when it was made';
COMMENT ON COLUMN healthml.bi_predictions.model IS 'model that made it';
COMMENT ON COLUMN healthml.bi_predictions.version IS 'version of the model';
COMMENT ON COLUMN healthml.bi_predictions.subject IS 'whom it is about';
COMMENT ON COLUMN healthml.bi_predictions.source IS 'table or query that the row came from';
COMMENT ON COLUMN healthml.bi_predictions.score IS 'score of the model';
COMMENT ON COLUMN healthml.bi_predictions.percentile IS 'share of the training scores below it, 0 to 100';
COMMENT ON COLUMN healthml.bi_predictions.risk IS 'low, medium, high or unknown';
COMMENT ON COLUMN healthml.bi_predictions.risk_order IS '1 low, 2 medium, 3 high, 0 unknown';
COMMENT ON COLUMN healthml.bi_predictions.is_anomaly IS 'whether the model warns';
COMMENT ON COLUMN healthml.bi_predictions.label IS 'predicted class, of classifiers';
COMMENT ON COLUMN healthml.bi_predictions.main_reason IS 'feature that contributed most, where an explanation was kept';
COMMENT ON COLUMN healthml.bi_predictions.narrative IS 'the explanation in words';
COMMENT ON COLUMN healthml.bi_predictions.latency_ms IS 'milliseconds that scoring took';
COMMENT ON COLUMN healthml.bi_predictions.missing_features IS 'number of features that were missing';
COMMENT ON COLUMN healthml.bi_predictions.actual IS 'whether what the model warned of has happened';
COMMENT ON COLUMN healthml.bi_predictions.actual_label IS 'the class that it was';
COMMENT ON COLUMN healthml.bi_predictions.actual_value IS 'the value that it was';

CREATE VIEW healthml.bi_risk_hourly AS
SELECT p.hour,
	p.model,
	p.version,
	p.risk::text AS risk,
	CASE p.risk::text WHEN 'low' THEN 1 WHEN 'medium' THEN 2 WHEN 'high' THEN 3 ELSE 0 END AS risk_order,
	count(*) AS predictions,
	avg(p.score) AS mean_score,
	max(p.score) AS max_score,
	avg(p.latency_ms) AS mean_latency_ms
FROM (SELECT date_trunc('hour', q.predicted_at) AS hour, q.model, q.version, q.risk, q.score, q.latency_ms FROM healthml.prediction q) p
GROUP BY p.hour, p.model, p.version, p.risk;
COMMENT ON VIEW healthml.bi_risk_hourly IS
'predictions by hour, model, version and risk';
COMMENT ON COLUMN healthml.bi_risk_hourly.hour IS 'beginning of the hour';
COMMENT ON COLUMN healthml.bi_risk_hourly.model IS 'model';
COMMENT ON COLUMN healthml.bi_risk_hourly.version IS 'version of the model';
COMMENT ON COLUMN healthml.bi_risk_hourly.risk IS 'low, medium, high or unknown';
COMMENT ON COLUMN healthml.bi_risk_hourly.risk_order IS '1 low, 2 medium, 3 high, 0 unknown';
COMMENT ON COLUMN healthml.bi_risk_hourly.predictions IS 'number of predictions';
COMMENT ON COLUMN healthml.bi_risk_hourly.mean_score IS 'mean score';
COMMENT ON COLUMN healthml.bi_risk_hourly.max_score IS 'highest score';
COMMENT ON COLUMN healthml.bi_risk_hourly.mean_latency_ms IS 'mean milliseconds';

CREATE VIEW healthml.bi_latency_hourly AS
SELECT p.hour,
	p.model,
	p.version,
	count(*) AS predictions,
	percentile_cont(0.5) WITHIN GROUP (ORDER BY p.latency_ms) AS p50_ms,
	percentile_cont(0.95) WITHIN GROUP (ORDER BY p.latency_ms) AS p95_ms,
	percentile_cont(0.99) WITHIN GROUP (ORDER BY p.latency_ms) AS p99_ms
FROM (SELECT date_trunc('hour', q.predicted_at) AS hour, q.model, q.version, q.latency_ms FROM healthml.prediction q WHERE q.latency_ms IS NOT NULL) p
GROUP BY p.hour, p.model, p.version;
COMMENT ON VIEW healthml.bi_latency_hourly IS
'milliseconds of scoring by hour and model';
COMMENT ON COLUMN healthml.bi_latency_hourly.hour IS 'beginning of the hour';
COMMENT ON COLUMN healthml.bi_latency_hourly.model IS 'model';
COMMENT ON COLUMN healthml.bi_latency_hourly.version IS 'version of the model';
COMMENT ON COLUMN healthml.bi_latency_hourly.predictions IS 'predictions whose latency is known';
COMMENT ON COLUMN healthml.bi_latency_hourly.p50_ms IS 'median milliseconds';
COMMENT ON COLUMN healthml.bi_latency_hourly.p95_ms IS '95th percentile of milliseconds';
COMMENT ON COLUMN healthml.bi_latency_hourly.p99_ms IS '99th percentile of milliseconds';

CREATE VIEW healthml.bi_confusion AS
SELECT p.model,
	p.version,
	coalesce(o.actual_label, o.actual::text) AS actual,
	CASE WHEN o.actual_label IS NULL THEN p.is_anomaly::text ELSE p.label END AS predicted,
	count(*) AS predictions,
	min(p.predicted_at) AS first_predicted_at,
	max(p.predicted_at) AS last_predicted_at
FROM healthml.prediction p
JOIN healthml.outcome o USING (prediction_id)
WHERE num_nonnulls(o.actual_label, o.actual) > 0
GROUP BY 1, 2, 3, 4;
COMMENT ON VIEW healthml.bi_confusion IS
'what was predicted against what came true, a row for each pair';
COMMENT ON COLUMN healthml.bi_confusion.model IS 'model';
COMMENT ON COLUMN healthml.bi_confusion.version IS 'version of the model';
COMMENT ON COLUMN healthml.bi_confusion.actual IS 'the class that it was, or whether it has happened';
COMMENT ON COLUMN healthml.bi_confusion.predicted IS 'the predicted class, or whether the model warned';
COMMENT ON COLUMN healthml.bi_confusion.predictions IS 'number of predictions';
COMMENT ON COLUMN healthml.bi_confusion.first_predicted_at IS 'time of the first of them';
COMMENT ON COLUMN healthml.bi_confusion.last_predicted_at IS 'time of the last of them';

CREATE VIEW healthml.bi_roc AS
SELECT c.model,
	c.version,
	u.threshold,
	u.fpr AS false_positive_rate,
	u.tpr AS sensitivity,
	c.last_predicted_at
FROM (SELECT p.model, p.version, max(p.predicted_at) AS last_predicted_at, healthml.roc_curve(p.score, o.actual) AS curve
	FROM healthml.prediction p JOIN healthml.outcome o USING (prediction_id) WHERE o.actual IS NOT NULL GROUP BY p.model, p.version) c,
	unnest(c.curve) WITH ORDINALITY AS u (threshold, fpr, tpr, place)
WHERE u.place % greatest(1, (cardinality(c.curve) + 99) / 100) = 0 OR u.place IN (1, cardinality(c.curve));
COMMENT ON VIEW healthml.bi_roc IS
'ROC curve of each model version over outcomes, thinned to about a hundred thresholds';
COMMENT ON COLUMN healthml.bi_roc.model IS 'model';
COMMENT ON COLUMN healthml.bi_roc.version IS 'version of the model';
COMMENT ON COLUMN healthml.bi_roc.threshold IS 'score above which the model warns';
COMMENT ON COLUMN healthml.bi_roc.false_positive_rate IS '1 - specificity';
COMMENT ON COLUMN healthml.bi_roc.sensitivity IS 'share of the positives that it finds';
COMMENT ON COLUMN healthml.bi_roc.last_predicted_at IS 'time of the last prediction';

CREATE VIEW healthml.bi_performance AS
SELECT m.model,
	m.version,
	m.outcomes,
	m.positives,
	m.roc_auc,
	m.average_precision,
	m.brier_score,
	m.accuracy,
	m.precision,
	m.recall,
	m.specificity,
	m.f1,
	m.first_predicted_at,
	m.last_predicted_at
FROM healthml.model_performance m;
COMMENT ON VIEW healthml.bi_performance IS
'metrics of each model version over what came true';
COMMENT ON COLUMN healthml.bi_performance.model IS 'model';
COMMENT ON COLUMN healthml.bi_performance.version IS 'version of the model';
COMMENT ON COLUMN healthml.bi_performance.outcomes IS 'predictions whose outcome is known';
COMMENT ON COLUMN healthml.bi_performance.positives IS 'those of which what the model warns of has happened';
COMMENT ON COLUMN healthml.bi_performance.roc_auc IS 'area under the ROC curve';
COMMENT ON COLUMN healthml.bi_performance.average_precision IS 'average precision';
COMMENT ON COLUMN healthml.bi_performance.brier_score IS 'mean squared error of probabilities';
COMMENT ON COLUMN healthml.bi_performance.accuracy IS 'share of right predictions';
COMMENT ON COLUMN healthml.bi_performance.precision IS 'share of warnings that came true';
COMMENT ON COLUMN healthml.bi_performance.recall IS 'share of the positives that it warned of';
COMMENT ON COLUMN healthml.bi_performance.specificity IS 'share of the others that it left alone';
COMMENT ON COLUMN healthml.bi_performance.f1 IS 'harmonic mean of precision and recall';
COMMENT ON COLUMN healthml.bi_performance.first_predicted_at IS 'time of the first prediction';
COMMENT ON COLUMN healthml.bi_performance.last_predicted_at IS 'time of the last prediction';

CREATE VIEW healthml.bi_alerts AS
SELECT a.alert_id,
	a.opened_at,
	a.closed_at,
	a.rule,
	a.model,
	a.subject,
	a.level,
	a.value,
	a.closed_at IS NULL AS is_open,
	a.acknowledged_by::text AS acknowledged_by,
	a.acknowledged_at,
	a.snoozed_until,
	extract(epoch FROM coalesce(a.closed_at, now()) - a.opened_at)::float8 / 60 AS minutes_open,
	a.note
FROM healthml.alert a;
COMMENT ON VIEW healthml.bi_alerts IS
'alerts of the rules of alert_rule';
COMMENT ON COLUMN healthml.bi_alerts.alert_id IS 'number of the alert';
COMMENT ON COLUMN healthml.bi_alerts.opened_at IS 'when it opened';
COMMENT ON COLUMN healthml.bi_alerts.closed_at IS 'when it closed; NULL while it is open';
COMMENT ON COLUMN healthml.bi_alerts.rule IS 'rule that found it';
COMMENT ON COLUMN healthml.bi_alerts.model IS 'model, or federation';
COMMENT ON COLUMN healthml.bi_alerts.subject IS 'whom it is about';
COMMENT ON COLUMN healthml.bi_alerts.level IS 'warning or critical';
COMMENT ON COLUMN healthml.bi_alerts.value IS 'value that was measured last';
COMMENT ON COLUMN healthml.bi_alerts.is_open IS 'whether it is open';
COMMENT ON COLUMN healthml.bi_alerts.acknowledged_by IS 'who knows of it';
COMMENT ON COLUMN healthml.bi_alerts.acknowledged_at IS 'since when';
COMMENT ON COLUMN healthml.bi_alerts.snoozed_until IS 'until when it does not escalate';
COMMENT ON COLUMN healthml.bi_alerts.minutes_open IS 'minutes that it has been open';
COMMENT ON COLUMN healthml.bi_alerts.note IS 'what was said of it';

CREATE VIEW healthml.bi_training AS
SELECT r.run_id,
	r.started_at,
	r.model,
	r.version,
	r.algorithm,
	r.status,
	extract(epoch FROM r.finished_at - r.started_at)::float8 AS seconds,
	r.rows,
	r.error,
	e.epoch,
	e.loss,
	e.validation_loss
FROM healthml.training_run r
LEFT JOIN healthml.training_epoch e USING (run_id);
COMMENT ON VIEW healthml.bi_training IS
'loss by epoch of each training';
COMMENT ON COLUMN healthml.bi_training.run_id IS 'number of the training';
COMMENT ON COLUMN healthml.bi_training.started_at IS 'when it began';
COMMENT ON COLUMN healthml.bi_training.model IS 'model';
COMMENT ON COLUMN healthml.bi_training.version IS 'version that it made';
COMMENT ON COLUMN healthml.bi_training.algorithm IS 'algorithm';
COMMENT ON COLUMN healthml.bi_training.status IS 'running, succeeded, failed or cancelled';
COMMENT ON COLUMN healthml.bi_training.seconds IS 'seconds that it took';
COMMENT ON COLUMN healthml.bi_training.rows IS 'rows of the source';
COMMENT ON COLUMN healthml.bi_training.error IS 'why it failed';
COMMENT ON COLUMN healthml.bi_training.epoch IS 'epoch; NULL for algorithms without';
COMMENT ON COLUMN healthml.bi_training.loss IS 'loss on the training rows';
COMMENT ON COLUMN healthml.bi_training.validation_loss IS 'loss on the validation rows';

CREATE VIEW healthml.bi_federation AS
SELECT u.federation,
	u.round,
	d.finished_at,
	d.version,
	u.client,
	u.attempt,
	u.status,
	u.samples,
	u.loss,
	u.seconds,
	u.error,
	d.epsilon
FROM healthml.federation_update u
LEFT JOIN healthml.federation_round d ON d.federation = u.federation AND d.round = u.round;
COMMENT ON VIEW healthml.bi_federation IS
'updates of clients by round';
COMMENT ON COLUMN healthml.bi_federation.federation IS 'federation';
COMMENT ON COLUMN healthml.bi_federation.round IS 'round';
COMMENT ON COLUMN healthml.bi_federation.finished_at IS 'when the round ended';
COMMENT ON COLUMN healthml.bi_federation.version IS 'version of the global model';
COMMENT ON COLUMN healthml.bi_federation.client IS 'client';
COMMENT ON COLUMN healthml.bi_federation.attempt IS 'attempt within the round';
COMMENT ON COLUMN healthml.bi_federation.status IS 'used, failed, rejected or discarded';
COMMENT ON COLUMN healthml.bi_federation.samples IS 'rows that it learnt from';
COMMENT ON COLUMN healthml.bi_federation.loss IS 'its loss';
COMMENT ON COLUMN healthml.bi_federation.seconds IS 'seconds that it took';
COMMENT ON COLUMN healthml.bi_federation.error IS 'why it failed';
COMMENT ON COLUMN healthml.bi_federation.epsilon IS 'privacy spent after the round';

CREATE VIEW healthml.bi_failures AS
SELECT f.failure_id,
	f.failed_at,
	f.model,
	f.source,
	f.subject,
	f.sqlstate,
	f.message
FROM healthml.score_failure f;
COMMENT ON VIEW healthml.bi_failures IS
'rows that could not be scored';
COMMENT ON COLUMN healthml.bi_failures.failure_id IS 'number of the failure';
COMMENT ON COLUMN healthml.bi_failures.failed_at IS 'when';
COMMENT ON COLUMN healthml.bi_failures.model IS 'model';
COMMENT ON COLUMN healthml.bi_failures.source IS 'table of the row';
COMMENT ON COLUMN healthml.bi_failures.subject IS 'whom it is about';
COMMENT ON COLUMN healthml.bi_failures.sqlstate IS 'error code';
COMMENT ON COLUMN healthml.bi_failures.message IS 'error message';

CREATE VIEW healthml.bi_leaderboard AS
SELECT l.task,
	l.place,
	l.model,
	l.version,
	l.algorithm,
	'champion' = ANY (l.aliases) AS is_champion,
	l.roc_auc,
	l.accuracy,
	l.macro_f1,
	l.rmse,
	l.trained_rows,
	extract(epoch FROM l.duration)::float8 AS seconds,
	l.trained_on,
	l.created_at
FROM healthml.leaderboard l;
COMMENT ON VIEW healthml.bi_leaderboard IS
'all versions of all models by their metrics at training';
COMMENT ON COLUMN healthml.bi_leaderboard.task IS 'classification, regression or anomaly detection';
COMMENT ON COLUMN healthml.bi_leaderboard.place IS '1 is the best of one task, source and target';
COMMENT ON COLUMN healthml.bi_leaderboard.model IS 'model';
COMMENT ON COLUMN healthml.bi_leaderboard.version IS 'version of the model';
COMMENT ON COLUMN healthml.bi_leaderboard.algorithm IS 'algorithm';
COMMENT ON COLUMN healthml.bi_leaderboard.is_champion IS 'whether the plain name of the model means this version';
COMMENT ON COLUMN healthml.bi_leaderboard.roc_auc IS 'area under the ROC curve';
COMMENT ON COLUMN healthml.bi_leaderboard.accuracy IS 'share of right predictions';
COMMENT ON COLUMN healthml.bi_leaderboard.macro_f1 IS 'mean F1 of the classes';
COMMENT ON COLUMN healthml.bi_leaderboard.rmse IS 'root of the mean squared error';
COMMENT ON COLUMN healthml.bi_leaderboard.trained_rows IS 'rows that it learnt from';
COMMENT ON COLUMN healthml.bi_leaderboard.seconds IS 'seconds of training';
COMMENT ON COLUMN healthml.bi_leaderboard.trained_on IS 'source of the training';
COMMENT ON COLUMN healthml.bi_leaderboard.created_at IS 'when it was made';
