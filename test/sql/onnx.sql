-- Networks to ONNX files and back: through our own files, and from scikit-learn's and PyTorch's.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE SCHEMA onnx_test;
SET search_path = onnx_test, healthml;
CREATE TABLE points AS
SELECT i AS id, CASE WHEN i % 10 <> 0 THEN 100 * sin(i) END AS x, i % 3 = 0 AS flag, cos(3 * i) AS y, sin(i) + cos(3 * i) > 0 AS positive,
	CASE WHEN sin(i) > 0.5 THEN 'high' WHEN sin(i) > -0.5 THEN 'middle' ELSE 'low' END AS class
FROM generate_series(1, 300) AS i;
SELECT version FROM train('binary', 'mlp', 'points', ARRAY['x', 'flag', 'y'], 'positive', '{"hidden_layers": [8], "epochs": 5}');
SELECT version FROM train('classes', 'mlp', 'points', ARRAY['x', 'flag', 'y'], 'class', '{"hidden_layers": [8], "activation": "gelu", "epochs": 5}');
SELECT version FROM train('value', 'mlp', 'points', ARRAY['flag', 'y'], 'x', '{"hidden_layers": [8], "epochs": 5, "scale": "robust"}');

-- what was exported and imported again scores as before, missing values included
SELECT version, algorithm FROM import_onnx('binary again', export_onnx('binary'), '{"features": ["x", "flag", "y"], "classes": ["false", "true"]}');
SELECT version FROM import_onnx('classes again', export_onnx('classes'), '{"features": ["x", "flag", "y"], "classes": ["high", "low", "middle"]}');
SELECT version FROM import_onnx('value again', export_onnx('value'), '{"features": ["flag", "y"]}');
CREATE VIEW plain AS SELECT id, x, flag::integer AS flag, y FROM points;
SELECT count(*), bool_and(abs(score(p, 'binary') - score(p, 'binary again')) < 1e-5) AS binary,
	bool_and(abs(score(p, 'classes') - score(p, 'classes again')) < 1e-5) AS classes,
	bool_and(predict_label(p, 'classes') = predict_label(p, 'classes again')) AS labels,
	bool_and(abs(score(p, 'value') - score(p, 'value again')) < 1e-3) AS value
FROM plain p;
SELECT percentile IS NULL AS no_percentile, risk, is_anomaly = (score > 0.5) AS by_threshold FROM plain p, assess(p, 'binary again') WHERE id = 1;
SELECT shap_explain(p, 'binary again') FROM plain p WHERE id = 1;

-- scikit-learn's pipeline of a StandardScaler and an MLPClassifier
\set sklearn `od -An -tx1 -v test/golden/onnx/sklearn_binary.onnx | tr -d ' \n'`
CREATE TABLE files AS SELECT decode(:'sklearn', 'hex') AS sklearn;
SELECT version, algorithm, trained_rows FROM files, import_onnx('sklearn', sklearn, '{"features": ["a", "b", "c", "d"], "classes": ["no", "yes"], "threshold": 0.4}');
SELECT op, output_shape FROM describe_network('sklearn');
SELECT predict_label('{"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4}'::jsonb, 'sklearn') IN ('no', 'yes') AS labelled,
	(predict_proba('{0,0,0,0}'::float8[], 'sklearn') ->> 'no')::float8 + (predict_proba('{0,0,0,0}'::float8[], 'sklearn') ->> 'yes')::float8 AS total;
SELECT features FROM versions WHERE model = 'sklearn';

-- files and words that cannot be used leave nothing
SELECT import_onnx('bad', '');
SELECT import_onnx('bad', '\x00ff');
SELECT import_onnx('bad', substr(sklearn, 1, 100)) FROM files;
SELECT import_onnx('bad', 'GIF89a'::bytea);
SELECT import_onnx('bad', sklearn, '{"features": ["a"]}') FROM files;
SELECT import_onnx('bad', sklearn, '{"classes": ["a"]}') FROM files;
SELECT import_onnx('bad', sklearn, '{"threshold": 2}') FROM files;
SELECT import_onnx('bad', sklearn, '{"class": []}') FROM files;
SELECT import_onnx('bad@name', sklearn) FROM files;
SELECT import_onnx('bad', NULL);
SELECT count(*) FROM models WHERE model LIKE 'bad%';
SELECT version FROM train('forest', 'isolation_forest', 'points', ARRAY['y'], NULL, '{"n_estimators": 2}');
SELECT export_onnx('forest');
SELECT export_onnx('nobody');
-- all networks of a model in one graph
SELECT position('healthml'::bytea IN file) BETWEEN 1 AND 10 AS is_onnx,
	position('general/5/' IN encode(file, 'escape')) > 0 AND position('expert/5/' IN encode(file, 'escape')) > 0 AS has_all
FROM export_onnx('heart_sound') file;
-- any byte of a file may be wrong: an error or another network, never a crash
CREATE FUNCTION survives(file bytea) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	PERFORM healthml.import_onnx('mutant', file);
	RETURN true;
EXCEPTION WHEN internal_error THEN
	RETURN false;
WHEN OTHERS THEN
	RETURN true;
END $$;
SELECT bool_and(survives(set_byte(sklearn, i, (get_byte(sklearn, i) + 37 * i + 1) % 256))) AS survived
FROM files, generate_series(0, octet_length(sklearn) - 1, 3) AS i;

SELECT count(drop_model(model)) > 7 AS dropped FROM models;
DROP SCHEMA onnx_test CASCADE;
