/*
 * 800-sample-data.sql: patients who do not exist, for demonstrations and tests.
 *
 * Means, spreads and shares are near those of published heart-disease cohorts; the features depend on
 * a hidden illness, on age, and on how much the heart can bear, and hang together through these.
 */

CREATE FUNCTION healthml.synthetic_uniform(i bigint, draw integer, seed bigint) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT ((hashint8extended(i, (seed << 6) | draw) & 4294967295) + 0.5::float8) / 4294967296;
END;
COMMENT ON FUNCTION healthml.synthetic_uniform(bigint, integer, bigint) IS
'the draw-th random number, 0 to 63, between 0 and 1 for the i-th synthetic patient; the same arguments give the same number';

CREATE FUNCTION healthml.synthetic_normal(i bigint, draw integer, seed bigint) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT sqrt(-2 * ln(healthml.synthetic_uniform(i, draw, seed))) * cosd(360 * healthml.synthetic_uniform(i, draw + 1, seed));
END;
COMMENT ON FUNCTION healthml.synthetic_normal(bigint, integer, bigint) IS
'a normally distributed random number, mean 0 and variance 1, made of draws draw and draw + 1 (Box and Muller 1958)';

CREATE FUNCTION healthml.synthetic_patients(n integer, seed bigint DEFAULT 42)
RETURNS TABLE (patient_id integer, age integer, male boolean, chest_pain_type integer, resting_bp integer,
	cholesterol integer, high_fasting_sugar boolean, resting_ecg integer, max_heart_rate integer,
	exercise_angina boolean, st_depression float8, st_slope integer, vessels integer, thallium integer,
	heart_disease boolean)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE ROWS 1000 SET search_path = pg_catalog, pg_temp
AS $$
	WITH hidden AS MATERIALIZED (
		SELECT i, healthml.synthetic_uniform(i, 1, seed) < 0.44 AS ill,
			healthml.synthetic_normal(i, 2, seed) AS years, healthml.synthetic_normal(i, 4, seed) AS reserve
		FROM generate_series(1, n) i
	), person AS MATERIALIZED (
		SELECT i, ill, reserve, ill::int AS illness,
			greatest(29, least(77, round(52.7 + 9 * years + CASE WHEN ill THEN 3.9 ELSE 0 END)::int)) AS age
		FROM hidden
	), exercise AS MATERIALIZED (
		SELECT *, greatest(71, least(202, round(158.5 - 0.8 * (age - 53) - 17 * illness + 17 * reserve)::int)) AS rate,
			greatest(0, round((0.35 + 1.1 * illness - 0.2 * reserve
				+ (0.8 + 0.4 * illness) * healthml.synthetic_normal(i, 6, seed))::numeric, 1))::float8 AS depression
		FROM person
	)
	SELECT i, age,
		healthml.synthetic_uniform(i, 8, seed) < 0.55 + 0.28 * illness,
		width_bucket(healthml.synthetic_uniform(i, 9, seed),
			CASE WHEN ill THEN ARRAY[0, 0.04, 0.10, 0.24] ELSE ARRAY[0, 0.10, 0.33, 0.75] END::float8[]),
		greatest(94, least(200, round(128.5 + 0.45 * (age - 53) + 4 * illness
			+ 16 * healthml.synthetic_normal(i, 10, seed))::int)),
		greatest(126, least(564, round(243 + 0.9 * (age - 53) + 9 * illness
			+ 47 * healthml.synthetic_normal(i, 12, seed))::int)),
		healthml.synthetic_uniform(i, 14, seed) < 0.10 + 0.002 * (age - 29),
		width_bucket(healthml.synthetic_uniform(i, 15, seed),
			CASE WHEN ill THEN ARRAY[0.38, 0.39] ELSE ARRAY[0.57, 0.58] END::float8[]),
		rate,
		healthml.synthetic_uniform(i, 16, seed) < 1 / (1 + exp(1.9 - 2.0 * illness + 0.8 * reserve)),
		depression,
		CASE WHEN healthml.synthetic_uniform(i, 17, seed) < 0.06 THEN 3
			WHEN healthml.synthetic_uniform(i, 18, seed) < 1 / (1 + exp(1.5 * depression - 1.6)) THEN 1
			ELSE 2 END,
		width_bucket(healthml.synthetic_uniform(i, 19, seed) + 0.012 * (age - 54),
			CASE WHEN ill THEN ARRAY[0.35, 0.67, 0.88] ELSE ARRAY[0.80, 0.93, 0.98] END::float8[]),
		CASE width_bucket(healthml.synthetic_uniform(i, 20, seed),
				CASE WHEN ill THEN ARRAY[0.28, 0.34] ELSE ARRAY[0.79, 0.83] END::float8[])
			WHEN 0 THEN 3 WHEN 1 THEN 6 ELSE 7 END,
		ill
	FROM exercise
$$;
COMMENT ON FUNCTION healthml.synthetic_patients(integer, bigint) IS
'n invented patients with the 13 features of heart-disease studies and whether they are ill (44 % are); the same n and seed give the same patients. Chest pain type: 1 typical angina, 2 atypical, 3 other, 4 none; resting_bp in mmHg, cholesterol in mg/dl; resting_ecg: 0 normal, 1 ST-T abnormality, 2 hypertrophy; max_heart_rate per minute; st_depression in mm under exercise; st_slope: 1 up, 2 flat, 3 down; vessels coloured by fluoroscopy, 0 to 3; thallium scan: 3 normal, 6 fixed defect, 7 reversible defect';
