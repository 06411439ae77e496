-- Triggers that score rows as they are written: fill_risk and record_risk.
\set VERBOSITY terse
CREATE SCHEMA triggers_test;
SET search_path = triggers_test, healthml;

CREATE TABLE healthy AS
SELECT 40 + n % 30 AS age, 180 + n * 7 % 60 AS cholesterol, (ARRAY['f', 'm'])[1 + n % 2] AS sex, n % 11 / 10.0::float8 AS st_depression
FROM generate_series(1, 400) n;
SELECT model, version FROM train('admission_risk', 'isolation_forest', 'healthy', '{age,cholesterol,sex,st_depression}',
	params => '{"n_estimators": 50, "contamination": 0.02}');

-- fill_risk writes what assess says, on INSERT and on UPDATE
CREATE TABLE admission (
	id integer PRIMARY KEY,
	gone text,
	age integer,
	cholesterol integer,
	sex text,
	st_depression float8,
	score float8,
	risk risk_level
);
ALTER TABLE admission DROP COLUMN gone;
CREATE TRIGGER fill BEFORE INSERT OR UPDATE ON admission
FOR EACH ROW EXECUTE FUNCTION fill_risk('admission_risk', 'score', 'risk');
INSERT INTO admission VALUES (1, 55, 200, 'f', 0.5), (2, 199, 900, 'm', 9), (3, NULL, NULL, NULL, NULL);
SELECT a.id, a.risk, a.score = s.score AS score_is_right, a.risk = s.risk AS risk_is_right
FROM admission a, assess(a, 'admission_risk') s ORDER BY id;
UPDATE admission SET age = 199, cholesterol = 900, st_depression = 9 WHERE id = 1;
UPDATE admission SET score = 0, risk = 'low' WHERE id = 2;
INSERT INTO admission (id, age) VALUES (2, 60) ON CONFLICT (id) DO UPDATE SET age = EXCLUDED.age, cholesterol = 200, st_depression = 0.5
RETURNING id, age, risk;
\copy admission (id, age, cholesterol, sex, st_depression) FROM stdin
4	55	200	f	0.5
5	199	900	m	9
\.
SELECT a.id, a.risk, a.score = s.score AS score_is_right, a.risk = s.risk AS risk_is_right
FROM admission a, assess(a, 'admission_risk') s ORDER BY id;

-- a category that training has not seen is a missing value
INSERT INTO admission VALUES (6, 55, 200, 'unknown', 0.5), (7, 55, 200, NULL, 0.5);
SELECT count(DISTINCT score) AS scores FROM admission WHERE id IN (6, 7);

-- columns of other types
CREATE DOMAIN score_domain AS real CHECK (VALUE >= 0);
CREATE TABLE typed (age integer, cholesterol integer, sex varchar(1), st_depression numeric,
	s1 real, r1 text, s2 numeric(4, 3), r2 varchar(6), s3 score_domain, r3 risk_level);
CREATE TRIGGER fill1 BEFORE INSERT ON typed FOR EACH ROW EXECUTE FUNCTION fill_risk('admission_risk', 's1', 'r1');
CREATE TRIGGER fill2 BEFORE INSERT ON typed FOR EACH ROW EXECUTE FUNCTION fill_risk('admission_risk', 's2', 'r2');
CREATE TRIGGER fill3 BEFORE INSERT ON typed FOR EACH ROW EXECUTE FUNCTION fill_risk('admission_risk', 's3', 'r3');
INSERT INTO typed VALUES (199, 900, 'm', 9);
SELECT r1, r2, r3, s1 = s3 AS equal, abs(s1 - s2) <= 0.0005 AS rounded, s2 = round(s2, 3) AS three_digits FROM typed;

-- declarations that can never be right are errors whatever healthml.on_score_error says
SELECT fill_risk();
SELECT record_risk();
CREATE TABLE wrong (age integer, score float8, risk text);
CREATE TRIGGER t AFTER INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION fill_risk('admission_risk', 'score', 'risk');
INSERT INTO wrong VALUES (1);
DROP TRIGGER t ON wrong;
CREATE TRIGGER t BEFORE INSERT ON wrong EXECUTE FUNCTION fill_risk('admission_risk', 'score', 'risk');
INSERT INTO wrong VALUES (1);
DROP TRIGGER t ON wrong;
CREATE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION fill_risk('admission_risk', 'score');
INSERT INTO wrong VALUES (1);
DROP TRIGGER t ON wrong;
CREATE TRIGGER t BEFORE DELETE ON wrong FOR EACH ROW EXECUTE FUNCTION fill_risk('admission_risk', 'score', 'risk');
ALTER TABLE wrong DISABLE TRIGGER t;
INSERT INTO wrong VALUES (1);
ALTER TABLE wrong ENABLE TRIGGER t;
DELETE FROM wrong;
DROP TRIGGER t ON wrong;
CREATE TRIGGER t BEFORE INSERT ON wrong FOR EACH ROW EXECUTE FUNCTION record_risk('admission_risk', 'age');
\set VERBOSITY default
\set SHOW_CONTEXT never
INSERT INTO wrong VALUES (1);
\set VERBOSITY terse
DROP TRIGGER t ON wrong;
TRUNCATE wrong;

-- arguments and features that do not fit: the row is kept without a score, or refused
CREATE FUNCTION try_fill(VARIADIC arguments text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TRIGGER t BEFORE INSERT ON unscored FOR EACH ROW EXECUTE FUNCTION fill_risk(%s)',
		(SELECT string_agg(quote_literal(a), ', ') FROM unnest(arguments) a));
	INSERT INTO unscored (age, cholesterol, sex, st_depression) VALUES (55, 200, 'f', 0.5);
	SET LOCAL healthml.on_score_error = error;
	BEGIN
		INSERT INTO unscored (age, cholesterol, sex, st_depression) VALUES (55, 200, 'f', 0.5);
	EXCEPTION WHEN OTHERS THEN
		RAISE NOTICE 'refused: % %', SQLSTATE, SQLERRM;
	END;
	SET LOCAL healthml.on_score_error = warn;
	DROP TRIGGER t ON unscored;
END
$$;
CREATE TABLE unscored (age integer, cholesterol integer, sex text, st_depression float8, score float8, risk risk_level,
	day date, short varchar(3), twice integer GENERATED ALWAYS AS (age * 2) STORED);
SELECT try_fill('admission_risk', 'scor', 'risk');
SELECT try_fill('admission_risk', 'score', 'Risk');
SELECT try_fill('admission_risk', 'age', 'risk');
SELECT try_fill('admission_risk', 'day', 'risk');
SELECT try_fill('admission_risk', 'score', 'score');
SELECT try_fill('admission_risk', 'score', 'short');
SELECT try_fill('admission_risk', 'twice', 'risk');
SELECT try_fill('nothing', 'score', 'risk');
SELECT try_fill('admission_risk@challenger', 'score', 'risk');
SELECT try_fill('admission_risk:7', 'score', 'risk');
SELECT try_fill('', 'score', 'risk');
ALTER TABLE unscored DROP COLUMN cholesterol;
ALTER TABLE unscored ADD COLUMN cholesterol text;
SELECT try_fill('admission_risk', 'score', 'risk');
ALTER TABLE unscored RENAME sex TO "Sex";
ALTER TABLE unscored ADD COLUMN sex integer;
INSERT INTO unscored (cholesterol) VALUES ('x');
SELECT count(*), count(score), count(risk) FROM unscored;
SELECT sqlstate, model, source, message FROM score_failure WHERE source LIKE 'triggers_test.%' ORDER BY failure_id;
DELETE FROM score_failure;

-- an updated row that cannot be scored does not keep the score of what it was
\set VERBOSITY default
UPDATE admission SET st_depression = 'Infinity' WHERE id = 1;
SELECT score, risk FROM admission WHERE id = 1;
SET healthml.on_score_error = error;
UPDATE admission SET st_depression = 'Infinity' WHERE id = 2;
RESET healthml.on_score_error;
\set VERBOSITY terse
SELECT score IS NOT NULL AS kept FROM admission WHERE id = 2;
SELECT sqlstate, model, source, subject, message, failed_at = now() AS now, failed_by = current_user AS by_me FROM score_failure;
DELETE FROM score_failure;

-- a generated column has no value before the row is written
CREATE TABLE derived (birth integer, age integer GENERATED ALWAYS AS (2000 - birth) STORED, cholesterol integer, sex text,
	st_depression float8, score float8, risk risk_level);
CREATE TRIGGER fill BEFORE INSERT ON derived FOR EACH ROW EXECUTE FUNCTION fill_risk('admission_risk', 'score', 'risk');
INSERT INTO derived (birth, cholesterol, sex, st_depression) VALUES (1945, 200, 'f', 0.5);
DROP TRIGGER fill ON derived;
CREATE TRIGGER record AFTER INSERT ON derived FOR EACH ROW EXECUTE FUNCTION record_risk('admission_risk', 'birth');
INSERT INTO derived (birth, cholesterol, sex, st_depression) VALUES (1801, 900, 'f', 9);
SELECT source, subject, risk, features FROM prediction WHERE source = 'triggers_test.derived';

-- record_risk keeps a prediction, explained when the risk is high
CREATE TABLE stay (patient_id text, age integer, cholesterol integer, sex text, st_depression float8, is_new boolean DEFAULT true);
CREATE TRIGGER record AFTER INSERT OR UPDATE OF age ON stay
FOR EACH ROW EXECUTE FUNCTION record_risk('admission_risk', 'patient_id');
INSERT INTO stay VALUES ('P1', 55, 200, 'f', 0.5), ('P2', 199, 900, 'm', 9), (NULL, 56, 201, NULL, NULL);
SELECT p.subject, p.model, p.version, p.score = s.score AS score_is_right, p.percentile = s.percentile AS percentile_is_right, p.risk, p.is_anomaly,
	p.features, p.explanation IS NULL AS unexplained, p.narrative IS NULL AS untold, p.source, p.predicted_at = now() AS now, p.latency_ms > 0 AS measured
FROM prediction p LEFT JOIN stay t ON t.patient_id IS NOT DISTINCT FROM p.subject, assess(t, 'admission_risk') s
WHERE p.source = 'triggers_test.stay' ORDER BY p.prediction_id;
SELECT p.narrative = explain_text(t, 'admission_risk') AS told, p.explanation ->> 'method' AS method,
	jsonb_array_length(p.explanation -> 'reasons') AS reasons,
	abs((p.explanation ->> 'margin')::float8 - (p.explanation ->> 'base_value')::float8
		- (SELECT sum((r ->> 'contribution')::float8) FROM jsonb_array_elements(p.explanation -> 'reasons') r)) < 1e-9 AS adds_up
FROM prediction p JOIN stay t ON t.patient_id = p.subject WHERE p.subject = 'P2';
SELECT count(*) FROM prediction p JOIN stay t ON t.patient_id = p.subject, shap_explain(t, 'admission_risk') e
	JOIN prediction_reasons r USING (rank, feature, contribution)
WHERE p.subject = 'P2' AND r.prediction_id = p.prediction_id;
UPDATE stay SET age = 57 WHERE patient_id = 'P1';
UPDATE stay SET is_new = false;
SELECT subject, features -> 'age' AS age FROM prediction WHERE subject = 'P1' ORDER BY prediction_id;
BEGIN;
INSERT INTO stay VALUES ('P3', 55, 200, 'f', 0.5);
ROLLBACK;
SELECT count(*) FROM prediction WHERE subject = 'P3';

-- rows of one statement see one version; the next statement sees the promoted one
SELECT version FROM train('admission_risk', 'isolation_forest', 'healthy', '{age,cholesterol,sex,st_depression}', params => '{"n_estimators": 20}');
INSERT INTO stay SELECT 'Q' || n, 55, 200, 'f', 0.5 FROM generate_series(1, 3) n;
SELECT promote('admission_risk', 2);
INSERT INTO stay SELECT 'R' || n, 55, 200, 'f', 0.5 FROM generate_series(1, 3) n;
SELECT left(subject, 1) AS statement, version, count(*) FROM prediction WHERE subject ~ '^[QR]' GROUP BY 1, 2 ORDER BY 1;

-- any type can be a subject; ON CONFLICT records what was written; COPY of many rows
CREATE TABLE measured (id uuid PRIMARY KEY, at timestamptz, age integer, cholesterol integer, sex text, st_depression float8);
CREATE TRIGGER record AFTER INSERT ON measured FOR EACH ROW EXECUTE FUNCTION record_risk('admission_risk', 'id');
INSERT INTO measured VALUES ('00000000-0000-0000-0000-000000000001', now(), 55, 200, 'f', 0.5) ON CONFLICT (id) DO NOTHING;
INSERT INTO measured VALUES ('00000000-0000-0000-0000-000000000001', now(), 55, 200, 'f', 0.5) ON CONFLICT (id) DO NOTHING;
INSERT INTO measured VALUES ('00000000-0000-0000-0000-000000000001', now(), 56, 200, 'f', 0.5) ON CONFLICT (id) DO UPDATE SET age = 56;
SELECT subject, features -> 'age' AS age FROM prediction WHERE source = 'triggers_test.measured';
CREATE TABLE copied (LIKE stay INCLUDING ALL);
CREATE TRIGGER record AFTER INSERT ON copied FOR EACH ROW EXECUTE FUNCTION record_risk('admission_risk', 'patient_id');
INSERT INTO copied SELECT 'C' || n, 40 + n % 30, 200, 'f', n % 10 / 10.0 FROM generate_series(1, 5000) n;
SELECT count(*), count(DISTINCT subject), count(DISTINCT predicted_at) FROM prediction WHERE source = 'triggers_test.copied';
SELECT count(*) FROM prediction p JOIN copied c ON c.patient_id = p.subject WHERE p.score <> score(c, 'admission_risk');

-- partitions whose columns lie elsewhere; the source is the whole table
CREATE TABLE parted (patient_id text, age integer, cholesterol integer, sex text, st_depression float8, score float8, risk text)
PARTITION BY RANGE (age);
CREATE TABLE parted_young PARTITION OF parted FOR VALUES FROM (0) TO (50);
CREATE TABLE parted_old (risk text, junk integer, st_depression float8, sex text, score float8, cholesterol integer, age integer, patient_id text);
ALTER TABLE parted_old DROP COLUMN junk;
ALTER TABLE parted ATTACH PARTITION parted_old FOR VALUES FROM (50) TO (300);
CREATE TRIGGER fill BEFORE INSERT ON parted FOR EACH ROW EXECUTE FUNCTION fill_risk('admission_risk', 'score', 'risk');
CREATE TRIGGER record AFTER INSERT ON parted FOR EACH ROW EXECUTE FUNCTION record_risk('admission_risk', 'patient_id');
INSERT INTO parted VALUES ('T1', 45, 200, 'f', 0.5), ('T2', 199, 900, 'm', 9), ('T3', 45, 210, 'm', 0.5);
SELECT t.tableoid::regclass AS partition, t.patient_id, t.score = score(t, 'admission_risk') AS filled, p.score = t.score AS recorded, p.source
FROM parted t JOIN prediction p ON p.subject = t.patient_id ORDER BY t.patient_id;

-- a constraint trigger may wait until the end of the transaction
CREATE TABLE late (LIKE stay INCLUDING ALL);
CREATE CONSTRAINT TRIGGER record AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION record_risk('admission_risk', 'patient_id');
BEGIN;
INSERT INTO late VALUES ('L1', 55, 200, 'f', 0.5);
SELECT count(*) FROM prediction WHERE subject = 'L1';
COMMIT;
SELECT count(*) FROM prediction WHERE subject = 'L1';

-- failures beyond the score: what the prediction table refuses or swallows does not lose the row
ALTER TABLE prediction ADD CONSTRAINT no_w1 CHECK (subject <> 'W1');
CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER swallow BEFORE INSERT ON prediction FOR EACH ROW WHEN (NEW.subject = 'W2') EXECUTE FUNCTION swallow();
INSERT INTO stay VALUES ('W1', 55, 200, 'f', 0.5), ('W2', 55, 200, 'f', 0.5), ('W3', 55, 200, 'f', 0.5);
SELECT patient_id, p.subject IS NOT NULL AS predicted, f.sqlstate, f.message
FROM stay LEFT JOIN prediction p ON p.subject = patient_id LEFT JOIN score_failure f ON f.subject = patient_id
WHERE patient_id LIKE 'W%' ORDER BY 1;
ALTER TABLE prediction DROP CONSTRAINT no_w1;
DROP TRIGGER swallow ON prediction;
DELETE FROM score_failure;

-- every failure is recorded, the first ten of a statement are told
SELECT drop_model('admission_risk');
INSERT INTO stay SELECT 'F' || n, 55, 200, 'f', 0.5 FROM generate_series(1, 25) n;
SELECT count(*), count(DISTINCT subject), min(message) FROM score_failure;
SET healthml.on_score_error = error;
INSERT INTO stay VALUES ('F26', 55, 200, 'f', 0.5);
RESET healthml.on_score_error;
SELECT count(*) FROM stay WHERE patient_id LIKE 'F%';

-- it is the failure that must be told when it cannot be recorded
ALTER TABLE score_failure ADD CONSTRAINT is_full CHECK (subject <> 'G1');
\set VERBOSITY default
INSERT INTO stay VALUES ('G1', 55, 200, 'f', 0.5);
\set VERBOSITY terse
ALTER TABLE score_failure DROP CONSTRAINT is_full;
SELECT count(*) FROM stay WHERE patient_id = 'G1';

DELETE FROM score_failure;
DELETE FROM prediction;
SET client_min_messages = warning;
DROP SCHEMA triggers_test CASCADE;
