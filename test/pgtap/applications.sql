-- What drivers and BI tools send: parameters without a type, text, json, long integers, ids as text.
BEGIN;
SET LOCAL search_path = public, pg_catalog, pg_temp;
SET LOCAL client_min_messages = warning;
SELECT plan(47);

CREATE TEMP TABLE patient AS
SELECT 20 + i % 50 AS age, 50 + i * 7 % 40 AS weight, i % 2 = 0 AS smokes, CASE i % 3 WHEN 0 THEN 'ward {1}' WHEN 1 THEN 'b "x"' ELSE 'c' END AS ward
FROM generate_series(1, 200) i;
SELECT healthml.train('numbers', 'isolation_forest', 'pg_temp.patient', '{age,weight,smokes}', params => '{"n_estimators": 10}');
SELECT healthml.train('texts', 'isolation_forest', 'pg_temp.patient', '{age,ward}', params => '{"n_estimators": 10}');
SELECT healthml.train('net', 'mlp', 'pg_temp.patient', '{age,weight}', 'smokes', '{"epochs": 2}');
SELECT healthml.train('encoder', 'autoencoder', 'pg_temp.patient', '{age,weight}', params => '{"epochs": 2}');
CREATE TEMP TABLE want AS SELECT healthml.score('{30,60,1}'::float8[], 'numbers') AS score;

-- every form of features gives the same score
SELECT is(healthml.score(features, 'numbers'), score, features)
FROM want, unnest(ARRAY['{"age": 30, "weight": 60, "smokes": true}', ' {"x": 1, "weight": 60, "smokes": 1, "age": 3e1}', '[30, 60, true]', E'\n[30,60,1]',
	'{30,60,1}', ' { 30 , 60 , 1 } ', '{"30","60","1"}']) features;
SELECT is(healthml.score('{"age": 30, "weight": 60, "smokes": true}'::json, 'numbers'), score, 'json') FROM want;
SELECT is(healthml.score('[30, 60, true]'::json, 'numbers'), score, 'a json array') FROM want;
SELECT is(healthml.score('[30, 60, true]'::jsonb, 'numbers'), score, 'a jsonb array') FROM want;
SELECT is(healthml.score('{30,60,1}'::varchar, 'numbers'), score, 'varchar') FROM want;
SELECT is(healthml.score('{30,60,1}', 'numbers'), score, 'a literal without a type') FROM want;
PREPARE scored AS SELECT healthml.score($1, $2);
SELECT is((SELECT array_agg(t::text) FROM unnest(parameter_types) t), '{text,text}', 'parameters without a type are text')
FROM pg_prepared_statements WHERE name = 'scored';
PREPARE with_default AS SELECT healthml.score($1), healthml.iforest_score($1), healthml.assess($1), healthml.explain_text($1);
PREPARE explained AS SELECT * FROM healthml.shap_explain($1, $2, $3);
SELECT is((SELECT array_agg(t::text) FROM unnest(parameter_types) t), '{text,text,bigint}', 'top is a bigint')
FROM pg_prepared_statements WHERE name = 'explained';
SELECT is(healthml.score('{NULL,60,1}', 'numbers'), healthml.score('[null, 60, 1]', 'numbers'), 'null is a missing value');
SELECT is(healthml.score('{NaN,60,1}', 'numbers'), healthml.score('{"age": null, "weight": 60, "smokes": 1}', 'numbers'), 'so is NaN');
SELECT is(healthml.score(format('[30, %s]', to_json(ward)), 'texts'), healthml.score(jsonb_build_object('age', 30, 'ward', ward), 'texts'), ward)
FROM (SELECT DISTINCT ward FROM patient ORDER BY 1) w;
SELECT ok(healthml.score(NULL::text, 'numbers') IS NULL AND healthml.score(NULL, 'numbers') IS NULL, 'no features, no score');

-- all functions have the forms
SELECT is((healthml.assess('{30,60,1}', 'numbers')).score, score, 'assess') FROM want;
SELECT is(healthml.iforest_score('{30,60,1}', 'numbers'), score, 'iforest_score') FROM want;
SELECT is(healthml.mlp_predict('{30,60}', 'net'), healthml.mlp_predict('{"age": 30, "weight": 60}'::json, 'net'), 'mlp_predict');
SELECT is(healthml.predict_label('{30,60}', 'net'), healthml.predict_label('{"age": 30, "weight": 60}'::json, 'net'), 'predict_label');
SELECT is(healthml.predict_proba('{30,60}', 'net'), healthml.predict_proba('{"age": 30, "weight": 60}'::json, 'net'), 'predict_proba');
SELECT is(healthml.autoencoder_score('{30,60}', 'encoder'), healthml.autoencoder_score('{"age": 30, "weight": 60}'::json, 'encoder'), 'autoencoder_score');
SELECT results_eq($$SELECT * FROM healthml.reconstruction_explain('{30,60}', 'encoder')$$,
	$$SELECT * FROM healthml.reconstruction_explain('{30,60}'::float8[], 'encoder')$$, 'reconstruction_explain');
SELECT results_eq($$SELECT * FROM healthml.shap_explain('{30,60,1}', 'numbers', 2::bigint)$$,
	$$SELECT * FROM healthml.shap_explain('{30,60,1}'::float8[], 'numbers', 2)$$, 'shap_explain');
SELECT results_eq($$SELECT * FROM healthml.gradient_explain('{30,60}', 'net', 1)$$,
	$$SELECT * FROM healthml.gradient_explain('{30,60}'::float8[], 'net', 1)$$, 'gradient_explain');
SELECT is(healthml.explain_text('{30,60,1}', 'numbers'), healthml.explain_text('[30, 60, true]'::json, 'numbers'), 'explain_text');
SELECT is(healthml.explanation_quality('{30,60,1}', 'numbers'), healthml.explanation_quality('[30, 60, true]'::json, 'numbers'), 'explanation_quality');
SELECT is_empty($$
	SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'healthml'::regnamespace AND p.proargnames[1] = 'features'
		AND p.proargnames[2] IN ('model', 'artifact_id') GROUP BY p.proname
	HAVING count(*) <> 10 OR count(*) FILTER (WHERE p.proargtypes[0] IN ('text'::regtype, 'json'::regtype)) <> 4$$,
	'every function of features takes text and json');

-- an artifact id as text
SELECT is(healthml.score('{30,60,1}', v.artifact_id::text), score, 'an artifact by its id as text') FROM want, healthml.versions v WHERE v.model = 'numbers';
SELECT is((healthml.resolve_model(upper(v.artifact_id::text))).model, 'numbers', 'in capitals') FROM healthml.versions v WHERE v.model = 'numbers';
SELECT throws_ok($$SELECT healthml.resolve_model('00000000-0000-8000-8000-000000000000')$$, '42704',
	'model artifact "00000000-0000-8000-8000-000000000000" does not exist');
SELECT healthml.train('00000000-0000-8000-8000-000000000000', 'isolation_forest', 'pg_temp.patient', '{age}');
SELECT is((healthml.resolve_model('00000000-0000-8000-8000-000000000000')).model, '00000000-0000-8000-8000-000000000000', 'a model of that name comes first');

-- what is wrong with the data is no fault of the statement
SELECT throws_like(format('SELECT healthml.score(%L, %L)', features, model), message, features)
FROM (VALUES ('', 'numbers', '%neither a JSON object, a JSON array nor an array literal'), ('(30,60,1)', 'numbers', '%"(30,60,1)" are neither%'),
	('{"age": 30}', 'numbers', 'key "weight" is missing%'), ('{}', 'numbers', 'key "age" is missing%'), ('{30}', 'numbers', 'feature array has 1 elements%'),
	('{30,c}', 'texts', '%"c"%')) v (features, model, message);
CREATE FUNCTION pg_temp.state(features text, model text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM healthml.score(features, model);
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE;
END $$;
SELECT is_empty($$SELECT f FROM unnest(ARRAY['', 'x', '{', '{"', '{"age"', '{"age":', '[', '[1', '{1', '{}', '[]', '{{1,2,3}}', '{1,2}', '{1,2,x}', '[1,2,"x"]', '[1,[2],3]',
	'{"age": 30}', '{"age": "30", "weight": 60, "smokes": true}', '{"age": {}, "weight": 60, "smokes": true}', '[1e400,1,1]', '{Infinity,1,1}', '(1,2,3)', 'null']) f
	WHERE pg_temp.state(f, 'numbers') IS NULL OR pg_temp.state(f, 'numbers') !~ '^22'$$, 'errors of data are of class 22');

-- columns without names
SELECT healthml.train('two', 'isolation_forest', 'SELECT i AS f1, i % 7 AS f2 FROM generate_series(1, 50) i');
SELECT is(healthml.score(q, 'two'), healthml.score('{1,5}'::float8[], 'two'), 'columns that have the names of the features are matched by them')
FROM (SELECT 5 AS f2, 1 AS f1) q;

-- risks
CREATE TEMP TABLE written (risk healthml.risk_level);
PREPARE writing (text, varchar) AS INSERT INTO written VALUES ($1), ($2);
EXECUTE writing ('high', 'medium');
SELECT bag_eq('SELECT risk::text FROM written', $$VALUES ('high'), ('medium')$$, 'a text is written to a column of risks');
SELECT is(count(*)::int, 1, 'risks keep their order') FROM written WHERE risk > 'medium';
SELECT throws_ok($$SELECT * FROM written WHERE risk = 'high'::text$$, '42883', NULL, 'but are not compared as text');

SELECT * FROM finish();
ROLLBACK;
