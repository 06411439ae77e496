-- Versions that were made elsewhere: exported and imported artifacts, forests, and bytes that are none.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA transfer_test;
SET search_path = transfer_test, healthml;
CREATE TABLE t AS SELECT i % 50 AS age, i * 7 % 31 AS dose, 'ward ' || i % 3 AS ward FROM generate_series(1, 300) i;
SELECT version FROM train('original', 'isolation_forest', 't', '{age,dose,ward}', params => '{"n_estimators": 10}');

-- a copy has the same id, features, parameters and scores
SELECT model, version, algorithm, trained_rows, metrics FROM import_model('copy', export_model('original'));
SELECT count(DISTINCT artifact_id) AS ids, count(DISTINCT features) AS features, count(DISTINCT params) AS params
FROM versions WHERE model IN ('original', 'copy');
SELECT trained_on FROM versions WHERE model = 'copy';
SELECT count(*) FROM t WHERE score(t, 'original') = score(t, 'copy') AND (assess(t, 'original')).percentile = (assess(t, 'copy')).percentile;
SELECT version FROM import_model('copy', export_model('original:1'));

-- bytes that are no artifact: every truncation and every flipped bit of the first kilobyte is refused
CREATE FUNCTION refused(artifact bytea) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM healthml.import_model('hostile', artifact);
	RETURN 'accepted';
EXCEPTION WHEN invalid_binary_representation THEN
	RETURN 'refused';
WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SELECT refused(substr(a, 1, n)), count(*) FROM export_model('original') a, generate_series(0, length(a) - 1, 97) n GROUP BY 1;
SELECT refused(set_byte(a, i, get_byte(a, i) # (1 << i % 8))), count(*) FROM export_model('original') a, generate_series(0, 1023) i GROUP BY 1;
SELECT refused(a || '\x00'), refused('\x'), refused('\xdeadbeef'), refused(decode(repeat('ff', 10000), 'hex')) FROM export_model('original') a;
SELECT import_model('hostile', '\x1234');
SELECT import_model('a@b', export_model('original'));
SELECT import_model('hostile', NULL) IS NULL;
SELECT export_model('nobody');
SELECT count(*) FROM models WHERE model = 'hostile';

-- a forest that was grown elsewhere
CREATE FUNCTION forest(trees jsonb DEFAULT '[{"feature": [0, -1, -1], "threshold": [50, -2, -2], "left": [1, -1, -1], "right": [2, -1, -1], "n_samples": [4, 3, 1]}]',
	features jsonb DEFAULT '["age", "dose"]', psi jsonb DEFAULT '4', threshold jsonb DEFAULT '-0.5') RETURNS jsonb
LANGUAGE sql AS $$ SELECT jsonb_build_object('format', 'healthml-iforest/1', 'feature_names', features, 'max_samples', psi, 'offset', threshold, 'trees', trees) $$;
SELECT model, version, algorithm, trained_rows FROM import_iforest('forest', forest());
SELECT round(score::numeric, 9) AS score, percentile, is_anomaly FROM unnest(ARRAY[10, 90]) AS age, LATERAL assess(ARRAY[age, 1], 'forest');
SELECT feature, round(contribution::numeric, 9) AS contribution FROM shap_explain(ARRAY[90, 1], 'forest');
SELECT score(ARRAY[NULL, 1]::float8[], 'forest');
SELECT import_iforest('forest', '{}');
SELECT import_iforest('forest', '[]');
SELECT import_iforest('forest', forest(psi => '0'));
SELECT import_iforest('forest', forest(psi => '1e300'));
SELECT import_iforest('forest', forest(threshold => '"NaN"'));
SELECT import_iforest('forest', forest(features => '[]'));
SELECT import_iforest('forest', forest(features => '["age", "age"]'));
SELECT import_iforest('forest', forest('[]'));
-- a cycle, an index out of range, a feature that is not there, arrays of different lengths, no threshold, a negative count
SELECT import_iforest('forest', forest('[{"feature": [0, 0, -1], "threshold": [5, 5, -2], "left": [1, 0, -1], "right": [2, 2, -1], "n_samples": [4, 3, 1]}]'));
SELECT import_iforest('forest', forest('[{"feature": [0, -1, -1], "threshold": [5, -2, -2], "left": [1, -1, -1], "right": [7, -1, -1], "n_samples": [4, 3, 1]}]'));
SELECT import_iforest('forest', forest('[{"feature": [9, -1, -1], "threshold": [5, -2, -2], "left": [1, -1, -1], "right": [2, -1, -1], "n_samples": [4, 3, 1]}]'));
SELECT import_iforest('forest', forest('[{"feature": [0, -1], "threshold": [5, -2, -2], "left": [1, -1, -1], "right": [2, -1, -1], "n_samples": [4, 3, 1]}]'));
SELECT import_iforest('forest', forest('[{"feature": [0, -1, -1], "threshold": [null, -2, -2], "left": [1, -1, -1], "right": [2, -1, -1], "n_samples": [4, 3, 1]}]'));
SELECT import_iforest('forest', forest('[{"feature": [0, -1, -1], "threshold": [5, -2, -2], "left": [1, -1, -1], "right": [2, -1, -1], "n_samples": [4, -3, 1]}]'));
-- a tree of a hundred thousand levels
SELECT import_iforest('forest', forest(jsonb_build_array(jsonb_build_object(
	'feature', (SELECT jsonb_agg(CASE WHEN i % 2 = 0 AND i < 200000 THEN 0 ELSE -1 END ORDER BY i) FROM generate_series(0, 200000) i),
	'threshold', (SELECT jsonb_agg(1) FROM generate_series(0, 200000)),
	'left', (SELECT jsonb_agg(CASE WHEN i % 2 = 0 AND i < 200000 THEN i + 1 ELSE -1 END ORDER BY i) FROM generate_series(0, 200000) i),
	'right', (SELECT jsonb_agg(CASE WHEN i % 2 = 0 AND i < 200000 THEN i + 2 ELSE -1 END ORDER BY i) FROM generate_series(0, 200000) i),
	'n_samples', (SELECT jsonb_agg(CASE WHEN i % 2 = 0 THEN (200000 - i) / 2 + 1 ELSE 1 END ORDER BY i) FROM generate_series(0, 200000) i))),
	psi => '1000000'));
SELECT versions FROM models WHERE model = 'forest';

SELECT drop_model(model) FROM models WHERE model IN ('original', 'copy', 'forest');
DROP SCHEMA transfer_test CASCADE;
