-- Labels in the files of classifiers (test/golden/make_onnx_labels.py has the answers of ONNX Runtime)
\set VERBOSITY terse
SET client_min_messages = warning;
SET search_path = public, healthml;
CREATE TABLE labelled (name text, file text, features float8[], label text, probabilities jsonb);
\copy labelled FROM 'test/golden/onnx_labels.csv' (FORMAT csv, HEADER)
CREATE VIEW labelled_row AS SELECT name, features[1] AS x1, features[2] AS x2, features[3] AS x3 FROM labelled;

DO $$
DECLARE
	l labelled;
BEGIN
	FOR l IN SELECT * FROM labelled LOOP
		PERFORM import_onnx('label ' || l.name, decode(l.file, 'base64'));
		PERFORM batch_predict('label ' || l.name, format('SELECT x1, x2, x3 FROM labelled_row WHERE name = %L', l.name), NULL);
	END LOOP;
END
$$;
SELECT l.name, p.label = l.label AS label, p.probabilities ?& ARRAY(SELECT jsonb_object_keys(l.probabilities)) AS names,
	(SELECT bool_and(abs(value::float8 - (l.probabilities ->> key)::float8) < 1e-5) FROM jsonb_each_text(p.probabilities)) AS numbers
FROM labelled l JOIN prediction p ON p.model = 'label ' || l.name ORDER BY l.name;

-- numbers can be given names; labels that contradict the file are refused
SELECT name, (SELECT version FROM import_onnx('named', decode(file, 'base64'), '{"classes": ["healthy", "ill"]}')) FROM labelled WHERE name = '1 and 2, an array';
SELECT name, (SELECT version FROM import_onnx('named', decode(file, 'base64'), '{"classes": ["0", "1"]}')) FROM labelled WHERE name = '1 and 2, an array';
SELECT name, (SELECT version FROM import_onnx('named', decode(file, 'base64'), '{"classes": ["healthy", "ill"]}')) FROM labelled WHERE name = 'texts, an array';
SELECT name, (SELECT version FROM import_onnx('named', decode(file, 'base64'), '{"classes": ["ill", "healthy"]}')) FROM labelled WHERE name = 'texts, a dictionary';
SELECT name, (SELECT version FROM import_onnx('named', decode(file, 'base64'), '{"classes": ["a", "b"]}')) FROM labelled WHERE name = '1 to 3, an array';

DELETE FROM prediction WHERE model LIKE 'label %';
SELECT count(drop_model(m.name)) FROM model m WHERE m.name = 'named' OR m.name LIKE 'label %';
DROP VIEW labelled_row;
DROP TABLE labelled;
