-- Features that give the target away, or tell rows apart: notices, and parameter "exclude".
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS leakage_test CASCADE;
CREATE SCHEMA leakage_test;
SET search_path = leakage_test, healthml, public;
CREATE TABLE patient AS
SELECT patient_id, age, max_heart_rate, st_depression, heart_disease AS ill, CASE WHEN heart_disease THEN 1 + patient_id % 4 ELSE 0 END AS num,
	CASE WHEN heart_disease THEN -1.5 ELSE 2 END + patient_id % 7 / 10.0 AS coded, CASE WHEN heart_disease THEN age END AS treated,
	CASE WHEN heart_disease THEN 'ward ' || patient_id % 3 ELSE 'home ' || patient_id % 4 END AS sent_to, 'P' || patient_id AS mrn,
	CASE WHEN vessels > 1 THEN 'many' WHEN vessels = 1 THEN 'one' ELSE 'none' END AS found, age * 2 + 1 AS age_again, age + patient_id % 7 / 3.0 AS age_roughly
FROM synthetic_patients(400);
RESET client_min_messages;

-- a copy, a code, what is only measured in one class, and the number of the patient
SELECT version FROM train('m', 'mlp', 'SELECT * FROM patient', target => 'ill', params => '{"epochs": 1}');
-- left out
SELECT version FROM train('m', 'mlp', 'patient', target => 'ill', params => '{"epochs": 1, "exclude": ["num", "coded", "treated", "patient_id"]}');
SELECT features, params -> 'exclude' AS excluded FROM model_info('m:2');
-- texts
SELECT version FROM train('m', 'mlp', 'patient', '{age,sent_to,mrn}', 'ill', '{"epochs": 1}');
-- a detector, a fold, more classes, a value
SELECT version FROM train('d', 'isolation_forest', 'patient', '{age,num}', 'ill');
SELECT count(*) FROM cross_validate('mlp', 'patient', '{age,num}', 'ill', '{"epochs": 1}', folds => 2);
SELECT version FROM train('k', 'mlp', 'patient', '{age,num,patient_id}', 'found', '{"epochs": 1}');
SELECT version FROM train('v', 'mlp', 'patient', '{age_again,age_roughly,max_heart_rate}', 'age', '{"epochs": 1}');
-- few rows separate by chance, and differ by chance
SELECT version FROM train('few', 'mlp', 'SELECT * FROM patient LIMIT 18', '{num,patient_id}', 'ill', '{"epochs": 1}');
-- nothing to say
SELECT version FROM train('m', 'mlp', 'patient', '{age,max_heart_rate,st_depression}', 'ill', '{"epochs": 1}');

-- misuse
SELECT version FROM train('m', 'mlp', 'patient', target => 'ill', params => '{"exclude": ["numm"]}');
SELECT version FROM train('m', 'mlp', 'patient', '{age,num}', 'ill', '{"exclude": ["num"]}');
SELECT version FROM train('m', 'mlp', 'patient', target => 'ill', params => '{"exclude": "num"}');
SELECT version FROM train('m', 'mlp', 'SELECT age, ill FROM patient', target => 'ill', params => '{"exclude": ["age"]}');

SET client_min_messages = warning;
SELECT count(drop_model(name)) FROM model WHERE name IN ('m', 'd', 'k', 'v', 'few');
DROP SCHEMA leakage_test CASCADE;
