-- Windows of ordered rows, and the LSTM autoencoder on them.
\set VERBOSITY terse
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE SCHEMA lstm_test;
SET search_path = lstm_test, healthml;
-- four patients with a rhythm; the last hours of one go wrong
CREATE TABLE vitals AS SELECT p AS patient_id, timestamptz '2026-01-01' + i * interval '1 minute' AS ts, 75 + 10 * sin(i / 5.0 + p) + (i * p * 37 % 11) / 5.0 AS hr,
	97 - sin(i / 5.0 + p) + (i * 53 % 7) / 10.0 AS spo2, p = 4 AND i > 250 AS ill
FROM generate_series(1, 4) p, generate_series(1, 300) i;
UPDATE vitals SET hr = hr + 25 * sin(extract(minute FROM ts)), spo2 = 85 WHERE ill;

-- windows: no partition is crossed, no gap, the stride
CREATE TABLE ticks AS SELECT 1 + i / 5 AS p, i AS t, i * 10 AS a, i = 3 AS bad FROM generate_series(0, 9) i;
DELETE FROM ticks WHERE t = 7;
SELECT windows_query('ticks', 't', 3, '{a}', partition_by => 'p', target => 'bad', max_gap => '1', keep => '{t}') AS query \gset
SELECT * FROM (:query) q ORDER BY p, t;
SELECT windows_query('SELECT * FROM ticks', 't', 2, '{a}', stride => 3) AS query \gset
SELECT * FROM (:query) q;
SELECT windows_query('ticks', 't', 3, '{}');
SELECT windows_query('ticks', 't', 900, '{a,p}');
SELECT windows_query($$SELECT 1 AS t, $$ || $$2.5 AS a$$, 't', 1);
SELECT windows_query('no_such_table', 't', 3);

SELECT model, algorithm, trained_rows, metrics ->> 'windows' AS windows, (metrics ->> 'roc_auc')::float8 > 0.95 AS finds_them
FROM train('ward', 'lstm_autoencoder', 'vitals', '{hr,spo2}', target => 'ill',
	params => '{"order_by": "ts", "partition_by": "patient_id", "sequence_length": 20, "units": 16, "epochs": 15, "stride": 2, "max_gap": "5 minutes"}');
SELECT cardinality(features) AS features, features[1:3] AS first FROM versions WHERE model = 'ward';
-- as the rows arrive: too short a window has no score
CREATE TABLE scored AS SELECT patient_id, ts, ill, lstm_autoencoder_score(vitals_sequence(hr, spo2) OVER (PARTITION BY patient_id ORDER BY ts ROWS 19 PRECEDING), 'ward') AS score FROM vitals;
SELECT count(*) FILTER (WHERE score IS NULL) AS without, avg(score) FILTER (WHERE ill) > 0.7 AS ill_is_high, avg(score) FILTER (WHERE NOT ill) < 0.5 AS well_is_low FROM scored;
-- as any model does: windows as rows
SELECT windows_query('vitals', 'ts', 20, '{hr,spo2}', partition_by => 'patient_id', keep => '{ts,ill}') AS query \gset
SELECT count(*), count(*) FILTER (WHERE score(q, 'ward') <> s.score) AS different FROM (:query) q JOIN scored s USING (patient_id, ts);
SELECT count(*) AS elements, round(sum(share)::numeric, 6) AS total, max(step) AS steps, array_agg(DISTINCT feature) AS features
FROM (SELECT vitals_sequence(hr, spo2 ORDER BY ts) AS s FROM vitals WHERE patient_id = 4 AND ts > '2026-01-01 04:40') w, sequence_explain(s, 'ward');
-- missing steps are no zeros, and too many of them no score
SELECT abs(lstm_autoencoder_score(array_cat(s[1:9], array_cat(ARRAY[[NULL, NULL]]::float8[], s[11:20])), 'ward') - lstm_autoencoder_score(s, 'ward')) < 0.1 AS near,
	lstm_autoencoder_score(array_cat(s[1:10], array_fill('NaN'::float8, ARRAY[10, 2])), 'ward') AS half_missing, lstm_autoencoder_score(s[1:19], 'ward') AS short,
	lstm_autoencoder_score(NULL, 'ward') AS nothing
FROM (SELECT vitals_sequence(hr, spo2 ORDER BY ts) AS s FROM vitals WHERE patient_id = 1 AND ts <= '2026-01-01 00:20') w;
SELECT lstm_autoencoder_score(array_fill(1.0::float8, ARRAY[20, 3]), 'ward');
SELECT lstm_autoencoder_score(array_fill(1.0::float8, ARRAY[21, 2]), 'ward');
SELECT lstm_autoencoder_score(array_fill('Infinity'::float8, ARRAY[20, 2]), 'ward');
SELECT abs(sum(contribution) - min(score(q, 'ward'))) < 1e-9 AS adds_up FROM (SELECT * FROM (:query) q LIMIT 1) q, shap_explain(q, 'ward');
SELECT version FROM import_model('ward_copy', export_model('ward'));
SELECT count(*) FROM (SELECT * FROM (:query) q LIMIT 50) q WHERE score(q, 'ward_copy') <> score(q, 'ward');
SELECT train('ward_bad', 'lstm_autoencoder', 'vitals', '{hr,spo2}', params => '{"sequence_length": 20}');
SELECT train('ward_bad', 'lstm_autoencoder', 'vitals', '{hr,spo2}', params => '{"order_by": "when", "sequence_length": 20}');
SELECT train('ward_bad', 'lstm_autoencoder', 'vitals', '{hr}', params => '{"order_by": "ts", "sequence_length": 1000, "partition_by": "patient_id"}');
