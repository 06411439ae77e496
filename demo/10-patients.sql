\echo
\echo '== 1. Patients'
\echo '|  An extension, and a table of patients: 13 findings each, and who turned out to be ill.'
\echo

CREATE EXTENSION healthml;
ALTER DATABASE clinic SET search_path = public, healthml;

\set ECHO none
\connect
SELECT :'data' <> '' AS real_patients \gset
\if :real_patients
CREATE TABLE statlog (age int, sex int, chest_pain_type int, resting_bp int, cholesterol int, high_fasting_sugar int,
    resting_ecg int, max_heart_rate int, exercise_angina int, st_depression float8, st_slope int, vessels int,
    thallium int, diagnosis text);
\set load '\\copy statlog FROM ' :'data' ' (FORMAT csv, HEADER)'
:load
\set ECHO queries
CREATE TABLE patients AS
SELECT 'P' || row_number() OVER () AS patient_id, age, sex = 1 AS male, chest_pain_type, resting_bp, cholesterol,
    high_fasting_sugar = 1 AS high_fasting_sugar, resting_ecg, max_heart_rate, exercise_angina = 1 AS exercise_angina,
    st_depression, st_slope, vessels, thallium, diagnosis = 'Presence' AS heart_disease
FROM statlog;
\else
\set ECHO queries
CREATE TABLE patients AS
SELECT 'P' || patient_id AS patient_id, age, male, chest_pain_type, resting_bp, cholesterol, high_fasting_sugar,
    resting_ecg, max_heart_rate, exercise_angina, st_depression, st_slope, vessels, thallium, heart_disease
FROM synthetic_patients(1000);
\endif
ALTER TABLE patients ADD PRIMARY KEY (patient_id);

SELECT heart_disease, count(*), avg(age)::numeric(4,1) AS age, avg(max_heart_rate)::numeric(4,1) AS max_heart_rate,
    avg(st_depression)::numeric(4,2) AS st_depression, avg(vessels)::numeric(4,2) AS vessels
FROM patients GROUP BY heart_disease ORDER BY heart_disease;
