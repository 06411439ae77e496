/* 620-views.sql: changes since 0.1.0. */

CREATE OR REPLACE VIEW healthml.daily_risk AS
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
