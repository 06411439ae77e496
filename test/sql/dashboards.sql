-- Alerts, views for BI, pages for a browser, numbers for Prometheus.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA dashboards_test;
SET search_path = dashboards_test, healthml;
CREATE FUNCTION is_page(html text) RETURNS boolean LANGUAGE sql AS $$
	SELECT html LIKE '<!DOCTYPE html>%</html>' AND xml_is_well_formed_document(substr(html, 16)) AND html !~ '<script|http(?!://www.w3.org/)' $$;
BEGIN;
-- nothing there
SELECT page, is_page(dashboard_html(page, 'no such model')) FROM unnest('{ward,quality,training,signals,federation,operations}'::text[]) AS page;
SELECT is_page(patient_html('nobody')) AS nobody, patient_html(NULL) IS NULL AS strict;

-- hostile names everywhere
CREATE TABLE patients AS SELECT CASE patient_id WHEN 7 THEN E'<script>alert(1)</script>&"''\x01]]>' ELSE 'P' || patient_id END AS id, p.* FROM synthetic_patients(300) p;
SELECT version FROM train('<b onload="x">&', 'mlp', 'patients', target => 'heart_disease', params => '{"seed": 1, "epochs": 3, "exclude": ["patient_id", "id"]}');
SELECT batch_predict('<b onload="x">&', 'patients', 'id', explain => 3);
SELECT count(record_outcome(prediction_id, heart_disease)) FROM prediction JOIN patients ON subject = id WHERE model LIKE '<b%';
INSERT INTO score_failure (model, subject, sqlstate, message) VALUES ('<b onload="x">&', '<script>', '22000', '<script>');
INSERT INTO alert_rule (rule, kind, model, threshold, clear_at, period, escalate_after) VALUES
	('<script>"\', 'high_share', '<b onload="x">&', 0.1, 0.05, '1 day', NULL), ('failing', 'failures', '<b onload="x">&', 0, 0, '1 day', '1 hour'),
	('slow', 'latency', '<b onload="x">&', 1e9, 1e9, '1 day', NULL), ('silent', 'silence', '<b onload="x">&', 3600, 60, '1 day', NULL),
	('patient', 'score', '<b onload="x">&', 2, 1, '1 day', NULL), ('trainings', 'training', NULL, 1e9, 0, '1 day', NULL), ('clients', 'federation', NULL, 1e9, 0, '1 day', NULL);
CALL check_alerts();
CALL check_alerts();
SELECT rule, level, value > 0 AS has_value, closed_at FROM alert ORDER BY rule COLLATE "C";
SELECT page, is_page(dashboard_html(page)) FROM unnest('{ward,quality,training,signals,federation,operations}'::text[]) AS page;
SELECT is_page(html) AS patient, html ~ '&lt;script&gt;alert\(1\)&lt;/script&gt;&amp;&quot;&#39;\?\]\]&gt;' AS escaped FROM patient_html(E'<script>alert(1)</script>&"''\x01]]>') AS html;
SELECT dashboard_html('ward') ~ '&lt;script&gt;' AS escaped, dashboard_html('quality') ~ 'ROC curve of &lt;b onload=&quot;x&quot;&gt;&amp;:1' AS curve;
SELECT line FROM regexp_split_to_table(metrics_text(), E'\n') AS line WHERE line ~ 'open_alerts|TYPE';
SELECT line AS no_exposition FROM regexp_split_to_table(metrics_text(), E'\n') AS line WHERE line !~ '^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+({.*})? ([0-9.e+-]+|NaN)|)$';

-- hysteresis: what lies between clear_at and threshold changes nothing
UPDATE alert_rule SET threshold = 5, clear_at = 0.5 WHERE rule = 'failing';
CALL check_alerts();
SELECT closed_at IS NULL AS still_open FROM alert WHERE rule = 'failing';
UPDATE alert SET opened_at = now() - interval '2 hours' WHERE rule = 'failing';
SELECT snooze(alert_id) > now() AS snoozed FROM alert WHERE rule = 'failing';
CALL check_alerts();
SELECT level FROM alert WHERE rule = 'failing';
UPDATE alert SET snoozed_until = NULL WHERE rule = 'failing';
CALL check_alerts();
SELECT level FROM alert WHERE rule = 'failing';
SELECT acknowledge(alert_id, 'on it') FROM alert WHERE rule = 'failing';
SELECT acknowledged_by = current_user AS by_me, acknowledged_at = now() AS just_now, note FROM alert WHERE rule = 'failing';
DELETE FROM score_failure WHERE model LIKE '<b%';
CALL check_alerts();
SELECT rule, is_open, acknowledged_by IS NOT NULL AS acknowledged FROM bi_alerts WHERE rule = 'failing';
SELECT risk, risk_order, sum(predictions) > 0 AS some FROM bi_risk_hourly WHERE model LIKE '<b%' GROUP BY 1, 2 ORDER BY 2;
SELECT actual, predicted, predictions > 0 AS some FROM bi_confusion WHERE model LIKE '<b%' ORDER BY 1, 2;
SELECT count(*) BETWEEN 50 AND 110 AS grid, min(sensitivity), max(sensitivity) FROM bi_roc WHERE model LIKE '<b%';
SELECT count(*) FROM bi_training WHERE model LIKE '<b%' AND epoch IS NOT NULL;
ROLLBACK;
SELECT acknowledge(-1);
SELECT snooze(-1);
SELECT snooze(1, '-1 hour');
SELECT measure_alert('no such rule');
SELECT dashboard_html('<script>');
SELECT dashboard_html('ward', since => '-1 day');
DROP SCHEMA dashboards_test CASCADE;
