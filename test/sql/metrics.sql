-- Metrics aggregates against scikit-learn's numbers, split in every way, and given what they cannot use.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE SCHEMA metrics_test;
SET search_path = metrics_test, healthml;

-- scikit-learn's values (test/golden/make_metrics.py): only what differs by more than 1e-12 is listed
CREATE TABLE golden_rows ("case" text, score float8, label integer);
CREATE TABLE golden_classes ("case" text, predicted text, actual text);
CREATE TABLE golden_roc ("case" text, fpr float8, tpr float8, threshold float8);
CREATE TABLE golden_expected ("case" text, metric text, value float8);
\copy golden_rows FROM 'test/golden/metrics_rows.csv' (FORMAT csv, HEADER)
\copy golden_classes FROM 'test/golden/metrics_classes.csv' (FORMAT csv, HEADER)
\copy golden_roc FROM 'test/golden/metrics_roc.csv' (FORMAT csv, HEADER)
\copy golden_expected FROM 'test/golden/metrics_expected.csv' (FORMAT csv, HEADER)

CREATE VIEW actual AS
WITH ranked AS (
	SELECT "case", roc_auc(score, label = 1), average_precision(score, label = 1)
	FROM golden_rows GROUP BY "case"
), judged AS (
	SELECT "case", brier_score(score, label = 1), log_loss(score, label = 1),
		(classification_metrics(score > 0.5, label = 1)).*
	FROM golden_rows WHERE "case" <> 'wide' GROUP BY "case"
), classified AS (
	SELECT "case", confusion_matrix(predicted, actual) AS m FROM golden_classes GROUP BY "case"
)
SELECT "case", metric, value
FROM ranked, LATERAL (VALUES ('roc_auc', roc_auc), ('average_precision', average_precision)) AS v (metric, value)
UNION ALL
SELECT "case", metric, value
FROM judged, LATERAL (VALUES ('brier_score', brier_score), ('log_loss', log_loss), ('accuracy', accuracy),
	('precision', precision), ('recall', recall), ('specificity', specificity), ('f1', f1), ('mcc', mcc)) AS v (metric, value)
UNION ALL
SELECT "case", metric, (m ->> metric)::float8
FROM classified, unnest(ARRAY['accuracy', 'macro_f1', 'weighted_f1']) AS metric;

SELECT count(*) FROM actual;
SELECT "case", metric, a.value, e.value AS expected
FROM actual a LEFT JOIN golden_expected e USING ("case", metric)
WHERE NOT coalesce(abs(a.value - e.value) <= 1e-12 * greatest(1, abs(e.value)), false);

WITH curves AS (
	SELECT "case", roc_curve(score, label = 1) AS points FROM golden_rows GROUP BY "case"
), actual AS (
	SELECT "case", p.* FROM curves, unnest(points) WITH ORDINALITY AS p (threshold, fpr, tpr, number)
), expected AS (
	SELECT "case", row_number() OVER (PARTITION BY "case" ORDER BY threshold DESC) AS number, fpr, tpr, threshold
	FROM golden_roc
)
SELECT * FROM actual a FULL JOIN expected e USING ("case", number)
WHERE NOT coalesce(a.threshold = e.threshold AND abs(a.fpr - e.fpr) <= 1e-12 AND abs(a.tpr - e.tpr) <= 1e-12, false);

-- what results look like
CREATE TABLE seen (score float8, label boolean);
INSERT INTO seen VALUES (0.9, true), (0.8, false), (0.8, true), (0.4, true), (0.3, false), (0.1, false);
SELECT roc_auc(score, label), average_precision(score, label), brier_score(score, label) FROM seen;
SELECT * FROM unnest((SELECT roc_curve(score, label) FROM seen));
SELECT (classification_metrics(score > 0.5, label)).* FROM seen;
SELECT jsonb_pretty(confusion_matrix(CASE WHEN score > 0.5 THEN 'ill' ELSE 'well' END, CASE WHEN label THEN 'ill' ELSE 'well' END))
FROM seen;

-- nothing to judge: NULL; rows with a NULL do not count
CREATE VIEW all_metrics AS
SELECT roc_auc(score, label), average_precision(score, label) AS ap, roc_curve(score, label) AS curve,
	brier_score(score, label) AS brier, log_loss(score, label) AS loss,
	classification_metrics(score > 0.5, label) AS classes, confusion_matrix((score > 0.5)::text, label::text) AS matrix
FROM seen;
CREATE TEMP TABLE before AS SELECT * FROM all_metrics;
INSERT INTO seen VALUES (NULL, true), (0.7, NULL), (NULL, NULL);
SELECT a = b AS nulls_do_not_count FROM all_metrics a, before b;
DELETE FROM seen WHERE score IS NOT NULL AND label IS NOT NULL;
SELECT * FROM all_metrics;
DELETE FROM seen;
SELECT * FROM all_metrics;

-- one class: no AUC and no curve; precision without negatives is 1, without positives it has no meaning
INSERT INTO seen VALUES (0.5, true), (0.7, true);
SELECT roc_auc, ap, curve FROM all_metrics;
UPDATE seen SET label = false;
SELECT roc_auc, ap, curve FROM all_metrics;

-- numbers that cannot be used
SELECT roc_auc('NaN', true);
SELECT roc_curve('Infinity', true);
SELECT average_precision('-Infinity', true);
SELECT brier_score('NaN', true);
SELECT brier_score(1.5, true);
SELECT log_loss(-0.001, false);
SELECT log_loss('Infinity', false);
SELECT confusion_matrix(n::text, 'a') -> 'accuracy' FROM generate_series(1, 99) n;
SELECT confusion_matrix(n::text, 'a') FROM generate_series(1, 256) n;
SELECT jsonb_array_length(confusion_matrix(repeat('x', 256), '') -> 'labels');
SELECT confusion_matrix(repeat('x', 257), 'a');
SELECT confusion_matrix('a"b\', U&'\00e9\000a') -> 'labels';

-- support functions trust their state and cannot be called
SELECT labelled_scores_add(NULL, 1, true);
SELECT labelled_scores_add(NULL, NULL, true);
SELECT labelled_scores_merge(NULL, NULL);
SELECT roc_auc_final('\x0000000000000000');
SELECT label_counts_add(NULL, 'a', 'b');
SELECT confusion_matrix_final(NULL);
SELECT brier_score_add('{0,0,0,0}', 0.5, true);
SELECT classification_merge('{1,2,3,4}', '{1,2,3,4}');

-- serial, parallel and partition-wise runs give the same bits
CREATE TABLE rows (id integer, part integer, score float8, label boolean, predicted text, actual text)
PARTITION BY LIST (part);
CREATE TABLE rows_0 PARTITION OF rows FOR VALUES IN (0);
CREATE TABLE rows_1 PARTITION OF rows FOR VALUES IN (1);
CREATE TABLE rows_2 PARTITION OF rows FOR VALUES IN (2);
INSERT INTO rows
SELECT n, n % 3, score, score + 0.6 * sin(n * 7.7) > 0.6, 'label ' || n * n % 17, 'label ' || n % 7
FROM generate_series(1, 20000) n, LATERAL (SELECT round((0.5 + 0.5 * sin(n))::numeric, 1 + n % 5)::float8 AS score) s;
ANALYZE rows;
CREATE VIEW judged AS
SELECT roc_auc(score, label), average_precision(score, label), md5(roc_curve(score, label)::text) AS curve,
	brier_score(score, label), log_loss(score, label), classification_metrics(score > 0.5, label) AS classes,
	md5(confusion_matrix(predicted, actual)::text) AS matrix
FROM rows;
CREATE VIEW judged_parts AS
SELECT part, roc_auc(score, label), average_precision(score, label), md5(roc_curve(score, label)::text) AS curve,
	brier_score(score, label), log_loss(score, label), classification_metrics(score > 0.5, label) AS classes,
	md5(confusion_matrix(predicted, actual)::text) AS matrix
FROM rows GROUP BY part;

CREATE FUNCTION plan_has(node text, query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (COSTS OFF, FORMAT json) ' || query INTO plan;
	RETURN plan::text LIKE '%' || node || '%';
END
$$;
SET max_parallel_workers_per_gather = 0;
CREATE TEMP TABLE serial AS SELECT * FROM judged;
CREATE TEMP TABLE serial_parts AS SELECT * FROM judged_parts;
SELECT roc_auc BETWEEN 0.7 AND 0.9 AS plausible FROM serial;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
SELECT plan_has('"Partial Mode": "Partial"', 'SELECT * FROM judged') AS split_in_workers;
SELECT a = b AS parallel_equals_serial FROM judged a, serial b;
SET enable_partitionwise_aggregate = on;
SELECT plan_has('"Group Key": ["rows_1.part"]', 'SELECT part, roc_auc(score, label) FROM rows GROUP BY part') AS by_partition;
SELECT part, a = b AS partitionwise_equals_serial FROM judged_parts a JOIN serial_parts b USING (part) ORDER BY part;
SELECT a = b AS partitionwise_equals_serial FROM judged a, serial b;
RESET max_parallel_workers_per_gather;

-- partial states that were stored, as another server would send them
CREATE AGGREGATE partial_scores(float8, boolean) (SFUNC = labelled_scores_add, STYPE = labelled_scores);
CREATE AGGREGATE merged_auc(labelled_scores) (
	SFUNC = labelled_scores_merge, STYPE = labelled_scores, FINALFUNC = roc_auc_final);
CREATE AGGREGATE partial_counts(text, text) (SFUNC = label_counts_add, STYPE = label_counts);
CREATE AGGREGATE merged_matrix(label_counts) (
	SFUNC = label_counts_merge, STYPE = label_counts, FINALFUNC = confusion_matrix_final);
CREATE TABLE states AS
SELECT id % 5 AS shard, partial_scores(score, label) AS scores, partial_counts(predicted, actual) AS counts
FROM rows GROUP BY id % 5;
INSERT INTO states VALUES (5, NULL, NULL);
SELECT merged_auc(scores) = (SELECT roc_auc FROM serial) AS scores_equal,
	md5(merged_matrix(counts)::text) = (SELECT matrix FROM serial) AS matrices_equal
FROM states;
SELECT bool_and(scores::text::labelled_scores::text = scores::text) AS scores_survive_text,
	bool_and(counts::text::label_counts::text = counts::text) AS counts_survive_text,
	bool_and(labelled_scores_send(scores)::text = scores::text) AS text_is_binary
FROM states;
SELECT partial_counts(p, a)::text FROM (VALUES ('b', 'a'), ('b', 'a'), ('a', 'a')) v (p, a);

-- bytes that nobody vouches for
CREATE FUNCTION as_scores(bytea) RETURNS labelled_scores LANGUAGE sql
AS $$ SELECT $1::text::labelled_scores $$;
CREATE FUNCTION as_counts(bytea) RETURNS label_counts LANGUAGE sql
AS $$ SELECT $1::text::label_counts $$;
SELECT as_scores(int4send(1) || int4send(1) || float8send(0.5) || float8send(0.25));
SELECT as_scores('');
SELECT as_scores(int4send(1));
SELECT as_scores(int4send(0) || int4send(0));
SELECT as_scores(int4send(0) || int4send(0) || '\x00');
SELECT as_scores(int4send(2) || int4send(0) || float8send(0.5));
SELECT as_scores(int4send(-1) || int4send(1) || float8send(0.5));
SELECT as_scores(int4send(-1) || int4send(-1));
SELECT as_scores(int4send(2147483647) || int4send(2147483647) || float8send(0.5));
SELECT as_scores(int4send(536870912) || int4send(0));
SELECT as_scores(int4send(1) || int4send(0) || float8send('NaN'));
SELECT as_scores(int4send(0) || int4send(1) || float8send('-Infinity'));
SELECT '{0.5|0.25}'::labelled_scores;
SELECT as_counts(int4send(0));
SELECT as_counts(int4send(1) || int8send(7) || int4send(1) || 'a');
SELECT as_counts('');
SELECT as_counts(int4send(-1));
SELECT as_counts(int4send(257) || int8send(7));
SELECT as_counts(int4send(256) || int8send(7));
SELECT as_counts(int4send(1) || int8send(-7) || int4send(1) || 'a');
SELECT as_counts(int4send(1) || int8send(7) || int4send(2) || 'a');
SELECT as_counts(int4send(1) || int8send(7) || int4send(-1) || 'a');
SELECT as_counts(int4send(1) || int8send(7) || int4send(257) || repeat('a', 257)::bytea);
SELECT as_counts(int4send(1) || int8send(7) || int4send(1) || 'ab');
SELECT as_counts(int4send(1) || int8send(7) || int4send(1) || '\x00');
SELECT as_counts(int4send(1) || int8send(7) || int4send(1) || '\xff');
SELECT as_counts(int4send(2) || int8send(1) || int8send(1) || int8send(1) || int8send(1) || int4send(1) || 'b' || int4send(1) || 'a');
SELECT as_counts(int4send(2) || int8send(1) || int8send(1) || int8send(1) || int8send(1) || int4send(1) || 'a' || int4send(1) || 'a');
SELECT merged_matrix(s) FROM (SELECT as_counts(int4send(1) || int8send(9223372036854775807) || int4send(1) || 'a') s
	FROM generate_series(1, 2)) x;
CREATE AGGREGATE merged_classes(bigint[]) (SFUNC = classification_merge, STYPE = bigint[], INITCOND = '{0,0,0,0}');
CREATE AGGREGATE merged_loss(bigint[]) (SFUNC = loss_merge, STYPE = bigint[], INITCOND = '{0,0,0,0}');
SELECT merged_classes(s) FROM (VALUES ('{1,2,3,4}'::bigint[]), ('{10,20,30,40}'), (NULL)) v (s);
SELECT merged_classes('{1,2,3}');
SELECT merged_classes('{{1,2,3,4}}');
SELECT merged_classes('{1,2,NULL,4}');
SELECT merged_classes('{1,2,-3,4}');
CREATE AGGREGATE judged_classes(bigint[]) (
	SFUNC = classification_merge, STYPE = bigint[], FINALFUNC = classification_metrics_final);
SELECT judged_classes('{-1,0,0,0}');
SELECT judged_classes('{9223372036854775807,0,0,0}');
SELECT merged_loss('{}');
SELECT merged_loss('{-1,0,0,0}');
SELECT merged_loss('{9223372036854775807,0,0,0}') FROM generate_series(1, 2);

-- window frames: each frame equals the aggregate over its rows
CREATE TEMP TABLE framed AS
SELECT id, roc_auc(score, label) OVER w AS auc, brier_score(score, label) OVER w AS brier, log_loss(score, label) OVER w AS loss,
	classification_metrics(score > 0.5, label) OVER w AS classes, confusion_matrix(predicted, actual) OVER w AS matrix
FROM rows WHERE id <= 200
WINDOW w AS (ORDER BY id ROWS BETWEEN 20 PRECEDING AND CURRENT ROW);
SELECT f.id FROM framed f, LATERAL (
	SELECT roc_auc(score, label) AS auc, brier_score(score, label) AS brier, log_loss(score, label) AS loss,
		classification_metrics(score > 0.5, label) AS classes, confusion_matrix(predicted, actual) AS matrix
	FROM rows r WHERE r.id BETWEEN f.id - 20 AND f.id) d
WHERE (f.auc, f.brier, f.loss, f.classes, f.matrix) IS DISTINCT FROM (d.auc, d.brier, d.loss, d.classes, d.matrix);
SELECT count(*), count(auc) FROM framed;
SELECT n, classification_metrics(p, true) OVER w AS classes, brier_score(p::int, true) OVER w AS brier
FROM (VALUES (1, true), (2, NULL), (3, false), (4, NULL), (5, NULL)) v (n, p)
WINDOW w AS (ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW);

DROP SCHEMA metrics_test CASCADE;
