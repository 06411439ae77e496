-- The invented patients: the same for ever, within plausible ranges, and ill in ways that hang together.
BEGIN;
SET LOCAL search_path = healthml, public;
SELECT plan(18);

SELECT volatility_is('healthml', 'synthetic_patients', ARRAY['integer', 'bigint'], 'immutable');

SELECT set_eq('SELECT * FROM synthetic_patients(50, 7)', 'SELECT * FROM synthetic_patients(50, 7)',
	'the same n and seed give the same patients');
SELECT set_has('SELECT * FROM synthetic_patients(60, 7)', 'SELECT * FROM synthetic_patients(50, 7)',
	'a larger n adds patients');
SELECT bag_hasnt('SELECT age, cholesterol, resting_bp, max_heart_rate FROM synthetic_patients(50, 7)',
	'SELECT age, cholesterol, resting_bp, max_heart_rate FROM synthetic_patients(50, 8)',
	'another seed gives other patients');
SELECT results_eq('SELECT age, male, cholesterol, st_depression, heart_disease FROM synthetic_patients(2)',
	'SELECT age, male, cholesterol, st_depression, heart_disease FROM synthetic_patients(2, 42)',
	'the seed is 42 unless told');

SELECT is_empty('SELECT * FROM synthetic_patients(0)', 'no patients');
SELECT is_empty('SELECT * FROM synthetic_patients(-1)', 'fewer than none are none');
SELECT is_empty('SELECT * FROM synthetic_patients(NULL)', 'NULL patients are none');
SELECT is((SELECT count(*) FROM synthetic_patients(3, 9223372036854775807)), 3::bigint, 'the largest seed');
SELECT is((SELECT count(*) FROM synthetic_patients(3, -9223372036854775808)), 3::bigint, 'the smallest seed');

CREATE TEMPORARY TABLE patients AS SELECT * FROM synthetic_patients(20000, 1);
SELECT is((SELECT count(*) FROM patients WHERE patients IS NULL OR NOT patients IS NOT NULL), 0::bigint,
	'no value is missing');
SELECT is_empty($$
	SELECT * FROM patients
	WHERE NOT (age BETWEEN 29 AND 77 AND chest_pain_type BETWEEN 1 AND 4 AND resting_bp BETWEEN 94 AND 200
		AND cholesterol BETWEEN 126 AND 564 AND resting_ecg BETWEEN 0 AND 2 AND max_heart_rate BETWEEN 71 AND 202
		AND st_depression BETWEEN 0 AND 8 AND st_slope BETWEEN 1 AND 3 AND vessels BETWEEN 0 AND 3
		AND thallium IN (3, 6, 7))$$, 'every value is in its range');
SELECT cmp_ok((SELECT abs(avg(heart_disease::int) - 0.44) FROM patients), '<', 0.015, '44 % are ill');

-- The ill against the healthy, as in cohorts of real patients.
CREATE TEMPORARY TABLE difference AS
SELECT avg(age) FILTER (WHERE heart_disease) - avg(age) FILTER (WHERE NOT heart_disease) AS age,
	avg(max_heart_rate) FILTER (WHERE heart_disease) - avg(max_heart_rate) FILTER (WHERE NOT heart_disease) AS rate,
	avg(exercise_angina::int) FILTER (WHERE heart_disease)
		- avg(exercise_angina::int) FILTER (WHERE NOT heart_disease) AS angina,
	avg(vessels) FILTER (WHERE heart_disease) - avg(vessels) FILTER (WHERE NOT heart_disease) AS vessels
FROM patients;
SELECT cmp_ok((SELECT age FROM difference), '>', 3::numeric, 'the ill are older');
SELECT cmp_ok((SELECT rate FROM difference), '<', -15::numeric, 'their hearts reach a lower rate');
SELECT cmp_ok((SELECT angina FROM difference), '>', 0.3, 'exercise gives them angina');
SELECT cmp_ok((SELECT vessels FROM difference), '>', 0.7, 'more of their vessels show');
SELECT cmp_ok((SELECT corr(age, max_heart_rate) FROM patients), '<', -0.35::float8, 'hearts slow down with age');

SELECT * FROM finish();
ROLLBACK;
