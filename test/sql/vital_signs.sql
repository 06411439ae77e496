-- Early warning scores and heart-rate variability: values, what is missing, what cannot be.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE SCHEMA vital_signs_test;
SET search_path = vital_signs_test, healthml;

SELECT * FROM news2(22, 93, true, 95, 115, 'A', 38.5);
SELECT * FROM news2(16, 98, false, 120, 70, 'C', 37);
SELECT * FROM news2(pulse => 70, respiration => 16, spo2 => 90, spo2_scale => 2, on_oxygen => false, systolic_bp => 120,
	consciousness => 'a', temperature => 37);
-- missing: named, a lower bound, and never low
SELECT * FROM news2(NULL, 98, false, 120, 'NaN', 'A', NULL);
SELECT * FROM news2(NULL, 90, true, 85, 135, NULL, 37);
SELECT score, risk FROM news2(NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SELECT * FROM mews(22, 95, 115, 'V', 38.5);
SELECT * FROM qsofa(24, 95, 'A');
-- units, letters, scales
SELECT news2(16, 98, false, 120, 70, 'A', 98.6);
SELECT news2(16, 0.98, false, 120, 70, 'A', 37);
SELECT news2(16, 98, false, 120, 70, 'alert', 37);
SELECT news2(16, 98, false, 120, 70, 'A', 37, 3);
SELECT news2('infinity', 98, false, 120, 70, 'A', 37);

-- heart-rate variability: NeuroKit2's, hrv-analysis' and SciPy's values (test/golden/make_hrv.py); only what differs is listed
CREATE TABLE golden_series (i serial, clean float8, dirty float8, corrected float8);
CREATE TABLE golden_expected (measure text, value float8);
\copy golden_series (clean, dirty, corrected) FROM 'test/golden/hrv_series.csv' (FORMAT csv, HEADER)
\copy golden_expected FROM 'test/golden/hrv_expected.csv' (FORMAT csv, HEADER)
CREATE TABLE result AS SELECT 'clean' AS what, hrv(clean ORDER BY i) AS h FROM golden_series
UNION ALL SELECT 'corrected', hrv(corrected ORDER BY i) FROM golden_series
UNION ALL SELECT 'malik', hrv(dirty, 'malik' ORDER BY i) FROM golden_series
UNION ALL SELECT 'none', hrv(dirty, 'none' ORDER BY i) FROM golden_series
UNION ALL SELECT 'dirty', hrv(dirty ORDER BY i) FROM golden_series;
SELECT measure, value, actual
FROM golden_expected,
	LATERAL (SELECT (to_jsonb(h) ->> replace(replace(measure, '_total', '_total_power'), 'welch_', ''))::float8 AS actual
		FROM result WHERE what = 'clean') AS r
WHERE actual IS NULL OR abs(actual - value) > 1e-6 * greatest(1, abs(value));
SELECT (h).n, (h).corrected, (h).too_short FROM result WHERE what IN ('clean', 'malik') ORDER BY what;
-- the correction is the peers', and "none" is none
SELECT (SELECT to_jsonb(h) - 'corrected' FROM result WHERE what = 'malik') = (SELECT to_jsonb(h) - 'corrected' FROM result WHERE what = 'corrected') AS same_correction,
	(SELECT h FROM result WHERE what = 'none') = (SELECT h FROM result WHERE what = 'dirty') AS same_without;
-- NULL and NaN do not count; too few beats give NULL, and say of what
SELECT (hrv(rr)).n FROM (VALUES (800.0::float8), (NULL), ('NaN'), (810), (790)) AS v (rr);
SELECT (h).n, (h).sdnn, (h).hf, (h).too_short FROM (SELECT hrv(rr ORDER BY rr) AS h FROM (VALUES (800.0::float8), (810), (790), (805)) AS v (rr)) AS s;
SELECT (h).n, (h).mean_nn FROM (SELECT hrv(800.0) AS h) AS s;
SELECT hrv(rr) IS NULL AS nothing FROM (VALUES (NULL::float8)) AS v (rr);
SELECT hrv(rr) FROM (VALUES (0.8::float8), (0.81)) AS v (rr);
SELECT hrv(rr, 'kamath') FROM (VALUES (800::float8)) AS v (rr);
-- a window, a group, and states that were sent
SELECT count(DISTINCT (h).sdnn) FROM (SELECT hrv(clean) OVER (ORDER BY i ROWS 99 PRECEDING) AS h FROM golden_series) AS w;
SELECT hrv_add('{1}'::float8[], 800);
