-- Aggregates over frames of a series, and resampling.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE SCHEMA series_test;
SET search_path = series_test, healthml;
CREATE TABLE s AS SELECT p AS patient, timestamptz '2026-01-01 00:00+00' + i * interval '1 minute' AS ts, (i * 7 % 13 + p)::float8 AS hr, nullif(i % 5, 2)::float8 AS spo2
FROM generate_series(1, 200) i, generate_series(1, 2) p;

SELECT vitals_sequence(hr, spo2 ORDER BY ts) AS sequence FROM s WHERE patient = 1 AND ts < '2026-01-01 00:05+00';
-- a moving frame gives what each frame alone gives; no frame crosses patients
CREATE VIEW moving AS SELECT patient, ts, vitals_sequence(hr, spo2) OVER w AS q, slope(ts, hr) OVER w AS sl, robust_zscore(hr) OVER w AS z,
	hampel(hr, 1) OVER w AS h, ewma(hr, 0.3) OVER w AS e, time_in_range(hr, 3, 8) OVER w AS r
FROM s WINDOW w AS (PARTITION BY patient ORDER BY ts ROWS 9 PRECEDING);
SELECT count(*), count(*) FILTER (WHERE m.q IS DISTINCT FROM a.q OR m.sl IS DISTINCT FROM a.sl OR m.z IS DISTINCT FROM a.z OR m.h IS DISTINCT FROM a.h
	OR m.e IS DISTINCT FROM a.e OR m.r IS DISTINCT FROM a.r) AS different, max(array_length(m.q, 1)) AS steps
FROM moving m, LATERAL (
	SELECT vitals_sequence(hr, spo2 ORDER BY f.ts) AS q, slope(f.ts, hr ORDER BY f.ts) AS sl, robust_zscore(hr ORDER BY f.ts) AS z, hampel(hr, 1 ORDER BY f.ts) AS h,
		ewma(hr, 0.3 ORDER BY f.ts) AS e, time_in_range(hr, 3, 8) AS r
	FROM (SELECT * FROM s WHERE s.patient = m.patient AND s.ts <= m.ts ORDER BY s.ts DESC LIMIT 10) f) a;
-- known values
SELECT slope(ts, v) FROM (VALUES (timestamptz '2026-01-01 00:00+00', 10.0::float8), ('2026-01-01 00:30+00', 11), ('2026-01-01 01:00+00', 12)) x (ts, v);
SELECT robust_zscore(v ORDER BY i), hampel(v, 3 ORDER BY i), ewma(v, 0.5 ORDER BY i), time_in_range(v, 2, 4) FROM (VALUES (1, 1.0::float8), (2, 2), (3, 3), (4, 4), (5, 100)) x (i, v);
-- NULL, NaN, one row, none
SELECT slope(ts, hr), robust_zscore(hr), hampel(hr, 3), ewma(hr, 0.5) FROM (SELECT * FROM s ORDER BY patient, ts LIMIT 1) x;
SELECT slope(ts, hr), robust_zscore(hr), vitals_sequence(hr) FROM s WHERE false;
SELECT ewma(v, 0.5 ORDER BY i) FROM (VALUES (1, 1.0::float8), (2, NULL), (3, 'NaN'), (4, 3)) x (i, v);
SELECT robust_zscore(v) OVER (ORDER BY i ROWS 2 PRECEDING) FROM (VALUES (1, 1.0::float8), (2, NULL), (3, 2), (4, 'NaN'), (5, NULL), (6, 9)) x (i, v);
SELECT vitals_sequence(VARIADIC a ORDER BY i) FROM (VALUES (1, '{1,2}'::float8[]), (2, '{1}')) x (i, a);
SELECT vitals_sequence(VARIADIC '{}'::float8[]);
SELECT slope('infinity', 1);
-- resampling: unordered, duplicate times, a gap
SELECT * FROM resample_series('{2026-01-01 00:03+00,2026-01-01 00:00+00,2026-01-01 00:00+00,2026-01-01 00:20+00,2026-01-01 00:21:30+00}', '{13,9,11,30,33}', '1 minute', '5 minutes')
WHERE resampled IS NOT NULL;
