-- Evaluation, cross-validation, leaderboard, and what networks show of themselves.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE SCHEMA evaluation_test;
SET search_path = evaluation_test, healthml;
CREATE TABLE points AS
SELECT i AS id, i / 4 AS patient, sin(i) AS x, cos(3 * i) AS y, CASE WHEN sin(i) > 0 THEN 'up' ELSE 'down' END AS side,
	sin(i) + cos(3 * i) > 0 AS positive, CASE WHEN i % 50 <> 0 THEN sin(i) - 2 * cos(3 * i) END AS value
FROM generate_series(1, 600) AS i;

SELECT version, algorithm, trained_rows, (metrics ->> 'roc_auc')::float8 > 0.97 AS good
FROM train('binary', 'mlp', 'points', ARRAY['x', 'y'], 'positive', '{"hidden_layers": [8], "epochs": 30, "learning_rate": 0.02, "group": "patient"}');
SELECT version, (metrics ->> 'accuracy')::float8 > 0.95 AS good
FROM train('classes', 'mlp', 'points', ARRAY['x', 'y'], 'side', '{"hidden_layers": [8], "epochs": 30, "learning_rate": 0.02}');
SELECT version, trained_rows, (metrics ->> 'r2')::float8 > 0.9 AS good
FROM train('values', 'mlp', 'points', ARRAY['x', 'y'], 'value', '{"hidden_layers": [16], "epochs": 60, "learning_rate": 0.02}');
SELECT version FROM train('detector', 'isolation_forest', 'points', ARRAY['x', 'y'], NULL, '{"n_estimators": 20}');

-- epochs are told as they pass
SET client_min_messages = notice;
SET healthml."verbose" = on;
SELECT version FROM train('verbose', 'mlp', 'SELECT 1.5 * (i % 2) AS x, i % 2 = 0 AS positive FROM generate_series(1, 40) AS i', NULL, 'positive',
	'{"hidden_layers": [], "epochs": 2, "validation_fraction": 0, "learning_rate": 1e-12}');
RESET healthml."verbose";
SET client_min_messages = warning;
SELECT drop_model('verbose');

-- labels and probabilities
SELECT count(*) FILTER (WHERE predict_label(p, 'binary') = positive::text) > 570 AS good,
	bool_and(predict_label(p, 'binary') = CASE WHEN mlp_predict(p, 'binary') > (v.metrics ->> 'threshold')::float8 THEN 'true' ELSE 'false' END) AS by_threshold,
	bool_and(abs((predict_proba(p, 'binary') ->> 'true')::float8 - mlp_predict(p, 'binary')) < 1e-12) AS same
FROM points p, versions v WHERE v.model = 'binary';
SELECT count(*) FILTER (WHERE predict_label(p, 'classes') = side) > 570 AS good FROM points p;
SELECT bool_and(predict_label(p, r.artifact_id) = predict_label(ARRAY[x, y], 'classes')) AS by_artifact,
	bool_and(predict_label(jsonb_build_object('x', x, 'y', y), 'classes') = predict_label(p, 'classes')) AS by_document
FROM points p, resolve_model('classes') r;
SELECT predict_label(p, 'values') FROM points p LIMIT 1;
SELECT predict_proba(p, 'detector') FROM points p LIMIT 1;
SELECT predict_label(NULL::points, 'binary');
SELECT predict_label(ARRAY['Infinity', 1]::float8[], 'binary');

-- reasons: contributions add up to the score, exactly or nearly
SELECT bool_and(abs(s.total - mlp_predict(p, 'binary')) < 1e-6) AS shap, bool_and(abs(g.total - mlp_predict(p, 'binary')) < 0.02) AS gradients
FROM points p,
	LATERAL (SELECT min(base_value) + sum(contribution) AS total FROM shap_explain(p, 'binary')) s,
	LATERAL (SELECT min(base_value) + sum(contribution) AS total FROM gradient_explain(p, 'binary')) g
WHERE p.id <= 20;
SELECT bool_and(abs(g.total - score(p, 'values')) < 0.1) AS gradients
FROM points p, LATERAL (SELECT min(base_value) + sum(contribution) AS total FROM gradient_explain(p, 'values')) g WHERE p.id <= 20;
SELECT q.method, q.standard_error, abs(q.margin - mlp_predict(p, 'binary')) < 1e-6 AS same
FROM points p, explanation_quality(p, 'binary') q WHERE p.id = 1;
SELECT (explanation_quality(p, 'detector')).method FROM points p WHERE p.id = 1;
SELECT count(*) FROM points p, gradient_explain(p, 'binary', 1) WHERE p.id = 1;
SELECT * FROM points p, gradient_explain(p, 'detector') WHERE p.id = 1;
SELECT * FROM gradient_explain(NULL::points, 'binary');
SELECT explain_text(p, 'binary') ~ 'not a diagnosis' AS in_words FROM points p WHERE p.id = 1;

-- evaluation
SELECT metric, value BETWEEN 0 AND 600 AS sane, low <= value AS low, high >= value AS high
FROM evaluate('binary', 'points', 'positive', 100);
SELECT metric, low FROM evaluate('binary', 'SELECT x, y, positive::integer AS positive FROM points WHERE id <= 100', 'positive', 0)
WHERE metric IN ('rows', 'roc_auc');
SELECT metric FROM evaluate('classes', 'points', 'side');
SELECT metric, value > 0 AS sane FROM evaluate('values', 'points', 'value');
SELECT count(*) FROM evaluate('detector', 'points', 'positive', 0);
SELECT count(*) FROM evaluate('detector', 'points', 'side');
SELECT * FROM evaluate('binary', 'points', 'nothing');
SELECT * FROM evaluate('binary', 'points', 'positive', -1);
SELECT * FROM evaluate('binary', 'points', 'positive', 10, 1.5);
SELECT * FROM evaluate('binary', 'SELECT * FROM points WHERE false', 'positive');
SELECT * FROM evaluate('binary', 'DELETE FROM points RETURNING *', 'positive');
SELECT * FROM evaluate('nobody', 'points', 'positive');

-- cross-validation: every row is judged once, the means come last, nothing is registered
SELECT fold, rows, (metrics ->> 'roc_auc')::float8 > 0.9 AS good
FROM cross_validate('mlp', 'points', ARRAY['x', 'y'], 'positive', '{"hidden_layers": [8], "epochs": 20, "learning_rate": 0.02}', 3);
SELECT fold, metrics ? 'macro_f1' OR metrics ? 'roc_auc' AS judged
FROM cross_validate('mlp', 'points', ARRAY['x', 'y'], 'side', '{"hidden_layers": [8], "epochs": 5}', 2, 'patient', 7);
SELECT sum(rows) FROM cross_validate('isolation_forest', 'points', ARRAY['x', 'y'], 'positive', '{"n_estimators": 10}') WHERE fold IS NOT NULL;
SELECT count(*) FROM versions WHERE model NOT IN ('binary', 'classes', 'values', 'detector', 'heart_sound');
SELECT * FROM cross_validate('mlp', 'points', ARRAY['x', 'y'], 'positive', '{}', 1);
SELECT * FROM cross_validate('mlp', 'points', ARRAY['x', 'y'], 'positive', '{}', 601);
SELECT * FROM cross_validate('mlp', 'points', ARRAY['x', 'y']);
SELECT * FROM cross_validate('mlp', 'points', '{}', 'positive');
SELECT * FROM cross_validate('mlp', 'points', '{x,NULL}', 'positive');
SELECT * FROM cross_validate('forest', 'points', ARRAY['x', 'y'], 'positive');
SELECT * FROM cross_validate('mlp', 'points', ARRAY['x', 'y'], 'positive', '{"epoch": 3}');

-- one list of all versions, the best first within a task
SELECT task, place, model, version, algorithm, roc_auc IS NOT NULL AS ranked, r2 IS NOT NULL AS regresses
FROM leaderboard WHERE model IN ('binary', 'values', 'detector') ORDER BY model;

-- what a network is made of, and how it learnt
SELECT layer, op, output_shape, parameters, flops FROM describe_network('binary');
SELECT * FROM describe_network('detector');
SELECT plot_training('values') ~ '^<svg.*values, version 1.*</svg>$' AS is_svg, plot_training('values') !~ 'nan|inf' AS finite;
SELECT plot_training('detector');
SELECT plot_losses('<b> & "c"', '{1,NULL,0.5,NaN}', '{}') ~ '&lt;b&gt; &amp; &quot;c&quot;' AS escaped;
SELECT plot_losses('', '{}', '{}') ~ '^<svg' AS is_svg;

-- how balanced a table is: any type, rows without a class apart, read without writing
SELECT * FROM class_distribution('points', 'side');
SELECT class, n FROM class_distribution('points', 'positive');
SELECT class, n, share FROM class_distribution('SELECT nullif(id % 4, 0)::smallint AS kind FROM points', 'kind');
SELECT * FROM class_distribution('SELECT NULL::text AS kind FROM points', 'kind');
SELECT * FROM class_distribution('SELECT * FROM points WHERE false', 'side');
SELECT * FROM class_distribution(NULL, 'side');
SELECT * FROM class_distribution('points', 'Side');
SELECT * FROM class_distribution('SELECT side, side FROM points', 'side');
SELECT * FROM class_distribution('DELETE FROM points RETURNING *', 'side');
CREATE FUNCTION forget() RETURNS text LANGUAGE plpgsql AS $$ BEGIN DELETE FROM points; RETURN 'gone'; END $$;
SELECT * FROM class_distribution('SELECT forget() AS kind', 'kind');

SELECT count(drop_model(model)) FROM unnest(ARRAY['binary', 'classes', 'values', 'detector']) AS model;
DROP SCHEMA evaluation_test CASCADE;
