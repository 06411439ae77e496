-- The autoencoder: trained, scored, explained, kept.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE SCHEMA autoencoder_test;
SET search_path = autoencoder_test, healthml;
-- Normal rows lie on a line, sick ones beside it, and each feature by itself tells nothing.
CREATE TABLE points AS
SELECT i AS id, x, CASE WHEN sick THEN -2 * x ELSE 2 * x END + 0.1 * sin(7 * i) AS y, x + 0.1 * cos(5 * i) AS z,
	CASE WHEN x > 0 THEN 'right' ELSE 'left' END AS side, sick
FROM (SELECT i, sin(i) + sign(sin(i)) AS x, i % 10 = 0 AS sick FROM generate_series(1, 1000) AS i) AS p;

SELECT version, algorithm, trained_rows, (metrics ->> 'roc_auc')::float8 > 0.95 AS good
FROM train('shape', 'autoencoder', 'points', ARRAY['x', 'y', 'z', 'side'], 'sick',
	'{"hidden_layers": [16], "bottleneck": 2, "epochs": 60, "contamination": 0.05, "learning_rate": 0.01}');
SELECT bool_and(autoencoder_score(p, 'shape') BETWEEN 0 AND 1) AS in_range, bool_and(autoencoder_score(p, 'shape') = score(p, 'shape')) AS same,
	avg(autoencoder_score(p, 'shape')) FILTER (WHERE sick) > 2 * avg(autoencoder_score(p, 'shape')) FILTER (WHERE NOT sick) AS tells
FROM points p;
SELECT roc_auc(autoencoder_score(p, 'shape'), sick) > 0.95 AS good FROM points p;
SELECT bool_and(autoencoder_score(p, r.artifact_id) = autoencoder_score(p, 'shape')) AS by_artifact
FROM points p, resolve_model('shape') r WHERE id <= 20;
SELECT count(*) FILTER (WHERE (assess(p, 'shape')).is_anomaly) BETWEEN 80 AND 200 AS anomalies FROM points p;

-- the feature that is off has the largest share of the error
SELECT count(*) FILTER (WHERE e.feature = 'y') > 80 AS found, bool_and(e.rank = 1) AS ranked
FROM points p, LATERAL (SELECT * FROM reconstruction_explain(p, 'shape') LIMIT 1) e WHERE sick;
SELECT bool_and(abs(total - 1) < 1e-9) AS shares_add_up
FROM points p, LATERAL (SELECT sum(share) AS total FROM reconstruction_explain(p, 'shape')) s WHERE id <= 20;
SELECT feature, value IS NULL AS missing, reconstruction IS NOT NULL AS reconstructed
FROM reconstruction_explain('{"x": null, "y": 2, "z": 1, "side": "right"}'::jsonb, 'shape') ORDER BY feature;
SELECT bool_and(abs(reconstruction - value) < 0.5) AS near
FROM points p, reconstruction_explain(p, 'shape') e WHERE NOT sick AND feature IN ('x', 'z') AND id <= 30;
SELECT bool_and(abs(s.total - autoencoder_score(p, 'shape')) < 1e-6) AS shapley
FROM points p, LATERAL (SELECT min(base_value) + sum(contribution) AS total FROM shap_explain(p, 'shape')) s WHERE id <= 5;
SELECT explain_text(p, 'shape') ~ 'not a diagnosis' AS in_words FROM points p WHERE id = 10;
SELECT op, output_shape FROM describe_network('shape');

-- kept and brought back, it scores the same
SELECT version FROM import_model('shape copy', export_model('shape'));
SELECT bool_and(autoencoder_score(p, 'shape') = autoencoder_score(p, 'shape copy')) AS same FROM points p;

-- what it cannot do
SELECT autoencoder_score(NULL::points, 'shape');
SELECT count(*) FROM reconstruction_explain(NULL::points, 'shape');
SELECT autoencoder_score('{1,2}'::float8[], 'shape');
SELECT autoencoder_score('{"x": "Infinity", "y": 2, "z": 1, "side": "right"}'::jsonb, 'shape');
SELECT predict_proba(p, 'shape') FROM points p LIMIT 1;
SELECT mlp_predict(p, 'shape') FROM points p LIMIT 1;
SELECT version FROM train('forest', 'isolation_forest', 'points', ARRAY['x'], NULL, '{"n_estimators": 2}');
SELECT autoencoder_score(p, 'forest') FROM points p LIMIT 1;
SELECT reconstruction_explain(p, 'forest') FROM points p LIMIT 1;
SELECT train('bad', 'autoencoder', 'points', NULL, NULL, '{"bottleneck": 0}');
SELECT train('bad', 'autoencoder', 'points', NULL, NULL, '{"neck": 2}');
SELECT train('bad', 'autoencoder', 'SELECT x, y FROM points WHERE false');
SELECT train('bad', 'autoencoder', 'points', ARRAY['x'], NULL, '{"learning_rate": 1e6, "optimizer": "sgd", "activation": "leaky_relu"}');

SELECT count(drop_model(model)) FROM unnest(ARRAY['shape', 'shape copy', 'forest']) AS model;
DROP SCHEMA autoencoder_test CASCADE;
