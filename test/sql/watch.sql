-- Monitors that are watched as their rows arrive: hysteresis, reasons, what cannot be watched.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE SCHEMA watch_test;
SET search_path = watch_test, healthml;

-- patients who do not exist
SELECT count(*), count(DISTINCT patient_id) AS patients, count(*) FILTER (WHERE is_anomaly) BETWEEN 500 AND 3000 AS episodes,
	count(*) FILTER (WHERE spo2 IS NULL) > 0 AS drop_outs, bool_and(is_anomaly = (episode IS NOT NULL)) AS labelled,
	avg(heart_rate) FILTER (WHERE NOT is_anomaly) BETWEEN 65 AND 90 AS usual FROM synthetic_vitals(4, 48, 7);
SELECT count(*) FROM (SELECT * FROM synthetic_vitals(2, 5, 1) EXCEPT SELECT * FROM synthetic_vitals(2, 5, 1)) x;
SELECT count(*) FROM (SELECT * FROM synthetic_vitals(2, 5, 1) EXCEPT SELECT * FROM synthetic_vitals(2, 5, 2)) x;

CREATE TABLE monitor (patient_id int, ts timestamptz, heart_rate float8, spo2 float8, PRIMARY KEY (patient_id, ts));
SELECT count(*) FROM train('watched', 'lstm_autoencoder', 'SELECT patient_id, ts, heart_rate, spo2, is_anomaly FROM healthml.synthetic_vitals(6, 10, 3)', '{heart_rate,spo2}',
	target => 'is_anomaly', params => '{"order_by": "ts", "partition_by": "patient_id", "sequence_length": 10, "units": 8, "epochs": 10, "contamination": 0.01}');
CREATE TRIGGER watch AFTER INSERT ON monitor REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT
EXECUTE FUNCTION healthml.watch_vitals('watched', 'patient_id', 'ts', '3', '4');
-- two patients, one row a minute each; one of them loses oxygen for six minutes
CREATE FUNCTION minute(m int, bad boolean) RETURNS void LANGUAGE sql AS $$
	INSERT INTO watch_test.monitor VALUES (1, timestamptz '2026-02-01' + m * interval '1 minute', 76 + m % 3, CASE WHEN bad THEN 70 ELSE 97 END),
		(2, timestamptz '2026-02-01' + m * interval '1 minute', 78 + m % 2, 97)
$$;
SELECT count(minute(m, false)) FROM generate_series(1, 9) m;
SELECT count(*) AS too_short FROM watch_state;
SELECT count(minute(m, false)) FROM generate_series(10, 15) m;
SELECT subject, above, below, alert_id IS NOT NULL AS alerting FROM watch_state ORDER BY subject;
SELECT count(minute(m, true)) FROM generate_series(16, 17) m;
SELECT subject, above, alert_id IS NOT NULL AS alerting FROM watch_state ORDER BY subject;
SELECT count(minute(m, true)) FROM generate_series(18, 21) m;
SELECT source, model, version, subject, reasons -> 0 ->> 'feature' AS reason, cleared_at IS NULL AS open FROM vitals_alert;
SELECT count(minute(m, false)) FROM generate_series(22, 45) m;
SELECT count(*) AS alerts, count(cleared_at) AS cleared FROM vitals_alert;
SELECT subject, above, alert_id IS NOT NULL AS alerting FROM watch_state ORDER BY subject;
-- a trigger that cannot be
CREATE TABLE other (a int);
CREATE TRIGGER watch BEFORE INSERT ON other FOR EACH ROW EXECUTE FUNCTION healthml.watch_vitals('watched', 'a', 'b');
INSERT INTO other VALUES (1);
