-- The patients of one hospital, real ones from file :file, else invented.
SET client_min_messages = warning;
CREATE TABLE IF NOT EXISTS patients (hospital text, patient_id bigint, age float8, sex float8, cp float8, trestbps float8,
    chol float8, fbs float8, restecg float8, thalach float8, exang float8, oldpeak float8, slope float8, ca float8,
    thal float8, heart_disease boolean);
CREATE TEMPORARY TABLE raw (age float8, sex float8, cp float8, trestbps float8, chol float8, fbs float8, restecg float8,
    thalach float8, exang float8, oldpeak float8, slope float8, ca float8, thal float8, num float8);
SELECT :'file' <> '' AS is_real \gset
\if :is_real
\set load '\\copy raw FROM ' :'file' ' (FORMAT csv, NULL ''?'')'
:load
\else
-- Hospitals differ in age, in pulse, in how many healthy people come, and in what they measure.
INSERT INTO raw
SELECT p.age + h.older, male::int, chest_pain_type, resting_bp, CASE WHEN never <> 'chol' THEN cholesterol END,
    high_fasting_sugar::int, resting_ecg, max_heart_rate - h.slower, exercise_angina::int, st_depression, st_slope,
    CASE WHEN never <> 'ca' THEN vessels END, CASE WHEN never <> 'thal' THEN thallium END, heart_disease::int
FROM (VALUES ('cleveland', 300, 11, 0, 0, 1.0, ''), ('hungarian', 290, 12, -6, -5, 1.0, 'ca'),
    ('switzerland', 120, 13, 2, 15, 0.1, 'chol'), ('va', 200, 14, 8, 20, 0.4, 'thal'))
    AS h (hospital, n, seed, older, slower, healthy, never),
    LATERAL (SELECT * FROM synthetic_patients(2 * h.n, h.seed)
        WHERE heart_disease OR synthetic_uniform(patient_id, 60, h.seed) < h.healthy LIMIT h.n) AS p
WHERE h.hospital = :'hospital';
\endif
INSERT INTO patients
SELECT :'hospital', row_number() OVER (), age, sex, cp, nullif(trestbps, 0), nullif(chol, 0), fbs, restecg, thalach, exang,
    oldpeak, slope, ca, thal, num > 0
FROM raw;
DROP TABLE raw;
