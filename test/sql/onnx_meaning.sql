-- ONNX files in which a pattern that is rewritten lacks one of its conditions: none may give another number
-- (test/golden/make_onnx_meaning.py has the answers of ONNX Runtime)
CREATE TABLE meaning (name text, file text, features float8[], answer float8);
\copy meaning FROM 'test/golden/onnx_meaning.csv' (FORMAT csv, HEADER)

CREATE FUNCTION pg_temp.taken(name text, file text, features float8[], answer float8) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	got float8;
BEGIN
	PERFORM healthml.import_onnx('meaning', decode(file, 'base64'));
	got := healthml.score(features, 'meaning');
	PERFORM healthml.drop_model('meaning');
	RETURN CASE WHEN abs(got - answer) <= 1e-5 THEN 'taken' ELSE 'another number: ' || got END;
EXCEPTION WHEN feature_not_supported THEN
	RETURN regexp_replace(SQLERRM, '^.*?\) ', 'refused: ');
END
$$;
SELECT name, pg_temp.taken(name, file, features, answer) FROM meaning ORDER BY name COLLATE "C";
DROP TABLE meaning;
