-- The one-class SVM: libsvm's decisions, what all models have, bad parameters, memory.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE SCHEMA one_class_svm_test;
SET search_path = one_class_svm_test, healthml;
CREATE TABLE r (i serial PRIMARY KEY, x0 float8, x1 float8, x2 float8, x3 float8, x4 float8, rbf float8, rbf_tight float8, rbf_auto float8,
	rbf_number float8, linear float8, poly float8, sigmoid float8, far boolean);
\copy r (x0, x1, x2, x3, x4, rbf, rbf_tight, rbf_auto, rbf_number, linear, poly, sigmoid) FROM 'test/golden/ocsvm.csv' (FORMAT csv, HEADER)
UPDATE r SET far = i > 530;
CREATE VIEW fit AS SELECT x0, x1, x2, x3, x4, far FROM r WHERE i <= 500;

SELECT model, version, algorithm, trained_rows, metrics ? 'support_vectors' AS has_vectors, metrics ->> 'converged' AS converged
FROM train('svm_rbf', 'one_class_svm', 'fit', target => 'far', params => '{"nu": 0.1, "scale": "none"}');
SELECT trained_rows FROM train('svm_half', 'one_class_svm', 'fit', target => 'far', params => '{"nu": 0.5, "gamma": "auto", "scale": "none"}');
-- scikit-learn's decisions (test/golden/make_ocsvm.py): only what differs is listed
SELECT i, rbf, ocsvm_decision(r, 'svm_rbf'), rbf_auto, ocsvm_decision(r, 'svm_half') FROM r
WHERE abs(rbf - ocsvm_decision(r, 'svm_rbf')) > 1e-4 OR abs(rbf_auto - ocsvm_decision(r, 'svm_half')) > 1e-4;
SELECT count(*) FILTER (WHERE (ocsvm_score(r, 'svm_rbf') > 0.5) <> (ocsvm_decision(r, 'svm_rbf') < 0)) AS differ,
	count(*) FILTER (WHERE ocsvm_score(r, 'svm_rbf') <> score(r, 'svm_rbf')) AS differ_from_score FROM r;
SELECT far, count(*) FILTER (WHERE (assess(r, 'svm_rbf')).is_anomaly) * 100 / count(*) AS percent FROM r GROUP BY far ORDER BY far;
-- explanations, forms of features, missing values
SELECT abs(sum(contribution) + min(base_value) - (SELECT score(r, 'svm_rbf') FROM r WHERE i = 550)) < 1e-6 AS adds_up
FROM r, shap_explain(r, 'svm_rbf') WHERE i = 550;
SELECT explain_text(r, 'svm_rbf') <> '' AS explained FROM r WHERE i = 550;
SELECT ocsvm_score(ARRAY[x0, x1, x2, x3, x4], 'svm_rbf') = ocsvm_score(r, 'svm_rbf') AND ocsvm_score(to_jsonb(r), 'svm_rbf') = ocsvm_score(r, 'svm_rbf')
	AND ocsvm_score(to_jsonb(r)::text, 'svm_rbf') = ocsvm_score(r, 'svm_rbf') AS same FROM r WHERE i = 1;
SELECT ocsvm_score(ARRAY[NULL, 1, 'NaN', 1, 1]::float8[], 'svm_rbf') BETWEEN 0 AND 1 AS in_range;
SELECT ocsvm_score(ARRAY['infinity', 1, 1, 1, 1]::float8[], 'svm_rbf');
SELECT iforest_score(r, 'svm_rbf') FROM r LIMIT 1;
-- transfer
SELECT version FROM import_model('svm_copy', export_model('svm_rbf'));
SELECT count(*) FROM r WHERE score(r, 'svm_copy') <> score(r, 'svm_rbf');
-- parameters
SELECT train('svm_bad', 'one_class_svm', 'fit', params => '{"nu": 0}');
SELECT train('svm_bad', 'one_class_svm', 'fit', params => '{"nu": 1.1}');
SELECT train('svm_bad', 'one_class_svm', 'fit', params => '{"kernel": "cubic"}');
SELECT train('svm_bad', 'one_class_svm', 'fit', params => '{"gamma": "big"}');
SELECT train('svm_bad', 'one_class_svm', 'SELECT x0, x1 FROM fit WHERE false');
-- constant columns, one row, a duplicate row
SELECT trained_rows, metrics ->> 'converged' AS converged FROM train('svm_flat', 'one_class_svm', 'SELECT 1.0 AS a, 2.0 AS b FROM generate_series(1, 50)');
SELECT trained_rows FROM train('svm_one', 'one_class_svm', 'SELECT 1.0 AS a, 2.0 AS b');
SELECT score(ARRAY[1, 2]::float8[], 'svm_one') BETWEEN 0 AND 1 AS in_range;
-- a kernel matrix of 20,000 rows (1.6 GB) does not fit, and need not
SET healthml.max_memory = '64MB';
SELECT trained_rows, metrics ->> 'converged' AS converged FROM train('svm_large', 'one_class_svm', 'SELECT sin(i) AS a, cos(i * 1.7) AS b, i % 97 AS c FROM generate_series(1, 20000) i',
	params => '{"nu": 0.01}');
