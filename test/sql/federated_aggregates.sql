-- fedavg and the robust averages: Flower's numbers, split in every way, and given what they cannot use.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE SCHEMA federated_aggregates_test;
SET search_path = federated_aggregates_test, healthml;

-- Flower's values (test/golden/make_federated.py): only what differs is listed
CREATE TABLE golden (name text, samples bigint, w0 real, w1 real, w2 real, w3 real, w4 real, w5 real, w6 real, w7 real,
	w8 real, w9 real, w10 real);
\copy golden FROM 'test/golden/federated/aggregate.csv' (FORMAT csv, HEADER)
CREATE VIEW vectors AS
SELECT name, samples, ARRAY[w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10] AS weights FROM golden;
CREATE VIEW updates AS SELECT * FROM vectors WHERE name LIKE 'update%';

CREATE VIEW actual AS
SELECT 'fedavg' AS name, fedavg(weights, samples) AS weights FROM updates
UNION ALL SELECT 'fedavg', fedavg(weights::float8[], samples)::real[] FROM updates
UNION ALL SELECT 'fedmedian', fedmedian(weights) FROM updates
UNION ALL SELECT 'trimmed_0.2', fed_trimmed_mean(weights, 0.2) FROM updates
UNION ALL SELECT 'krum_1', krum(weights, 1) FROM updates
UNION ALL SELECT 'multikrum_1_3', multi_krum(weights, samples, 1, 3) FROM updates;

SELECT count(*) FROM actual a, unnest(a.weights);
SELECT name, i, actual.weights[i], expected.weights[i]
FROM actual FULL JOIN (SELECT * FROM vectors WHERE name NOT LIKE 'update%') expected USING (name),
	generate_series(1, 11) AS i
WHERE NOT coalesce(abs(actual.weights[i] - expected.weights[i]) <= 1e-6 * greatest(1, abs(expected.weights[i])), false);

-- what is null does not count; no update, no average
SELECT fedavg(w, n), fedmedian(w), fed_trimmed_mean(w, 0.4), krum(w, 1), multi_krum(w, n, 0, 2)
FROM (VALUES ('{1,2,3}'::real[], 1::bigint), ('{3,4,5}', 3), (NULL, 4), ('{3,4,90}', 4)) AS v (w, n);
SELECT fedavg(w, NULL) FROM (VALUES ('{1}'::real[])) AS v (w);
SELECT fedavg(weights, samples), fedmedian(weights), krum(weights, 0) FROM updates WHERE false;
SELECT samples > 200 AS large, (fedavg(weights, samples))[1:2] FROM updates GROUP BY 1 ORDER BY 1;

-- the order of rows, and how workers share them, changes no bit
CREATE TABLE many AS
SELECT i, 1 + i % 97 AS samples,
	(SELECT array_agg((sin(i * j) * exp(8 * sin(i + j)))::real ORDER BY j) FROM generate_series(1, 50) AS j) AS weights
FROM generate_series(1, 2000) AS i;
ALTER TABLE many SET (parallel_workers = 2);
ANALYZE many;
CREATE VIEW averages AS
SELECT fedavg(weights, samples) AS mean, fedavg(weights::float8[], samples)::real[] AS wide, fedmedian(weights) AS median,
	fed_trimmed_mean(weights, 0.1) AS trimmed
FROM many;
CREATE TABLE serial AS SELECT * FROM averages;
SELECT fedavg(weights, samples ORDER BY i) = fedavg(weights, samples ORDER BY -i) AS same,
	fedavg(weights, samples ORDER BY i) = fedavg(weights, samples ORDER BY sin(i)) AS same
FROM many;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS off) SELECT * FROM averages;
CREATE TABLE parallel AS SELECT * FROM averages;
SELECT s.mean = p.mean AS mean, s.wide = p.wide AS wide, s.median = p.median AS median, s.trimmed = p.trimmed AS trimmed
FROM serial s, parallel p;
RESET max_parallel_workers_per_gather;

-- partition-wise
CREATE TABLE parts (LIKE many) PARTITION BY HASH (i);
CREATE TABLE part0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE part1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parts SELECT * FROM many;
SET enable_partitionwise_aggregate = on;
SET max_parallel_workers_per_gather = 0;
EXPLAIN (COSTS off) SELECT fedavg(weights, samples) FROM parts;
SELECT fedavg(p.weights, p.samples) = (SELECT mean FROM serial) AS same FROM parts p;

-- states travel as text and in binary form, and are checked when they arrive
CREATE TABLE states AS
SELECT fedavg_state_in(fedavg_state_out(s)) AS copy, s
FROM (SELECT '\x000000020000000400000000000000050000000000000002'::text) AS header (hex),
	LATERAL (SELECT (header.hex || '3ff0000000000000c000000000000000' || '0000000000000000')::fedavg_state) AS v (s);
SELECT fedavg_state_send(s) = fedavg_state_send(copy) AS same, fedavg_final_real(s) FROM states;
SELECT '\x'::fedavg_state;
SELECT '\x00000002'::fedavg_state;
SELECT '\x0000000200000004000000000000000500000000000000023ff0000000000000'::fedavg_state;
SELECT '\xffffffff0000000400000000000000050000000000000002'::fedavg_state;
SELECT '\x00000001000000040000000000000000000000000000000200000000000000000000000000'::fedavg_state;
SELECT '\x000000010000000400000000000000050000000000000002000000000000000000000000'::fedavg_state;
SELECT '\x0000000100000004000000000000000500000000000000027ff000000000000000000000'::fedavg_state;
SELECT '\x0000000100000004ffffffffffffffff0000000000000002000000000000000000000000'::fedavg_state;
SELECT '\x'::client_updates;
SELECT '\x0000000100000001000000000000000000000000000000000000000000000001'::client_updates;
SELECT '\x00000001000000010000000000000000000000000000000000000000000000017fc00000'::client_updates;
SELECT '\x00000001000000010000000000000000000000000000000000000000000000003f800000'::client_updates;
SELECT '\x00000001000000017ff0000000000000000000000000000000000000000000013f800000'::client_updates;
SELECT client_updates_out('\x00000001000000010000000000000000000000000000000000000000000000013f800000'::client_updates);
SELECT fedavg_final_float8(s) FROM states;
SELECT fedavg_accum(NULL, '{1}'::real[], 1);
SELECT fedmedian_accum(NULL, '{1}'::real[]);
SELECT fedmedian_final('\x00000001000000010000000000000000000000000000000000000000000000013f800000'::client_updates);

-- updates that cannot be averaged
SELECT fedavg('{}'::real[], 1);
SELECT fedavg('{{1,2}}'::real[], 1);
SELECT fedavg('{1,NULL}'::real[], 1);
SELECT fedavg('{1,NaN}'::real[], 1);
SELECT fedavg('{1,2,Infinity}'::float8[], 1);
SELECT fedavg('{1}'::real[], 0);
SELECT fedavg('{1}'::real[], -5);
SELECT fedavg('{1}'::real[], 9223372036854775807);
SELECT fedavg(w, 1) FROM (VALUES ('{1,2}'::real[]), ('{1,2,3}')) AS v (w);
SELECT fedavg(w, 4503599627370497) FROM (VALUES ('{1}'::real[]), ('{2}')) AS v (w);
SELECT fedavg('{1.7e308}'::float8[], 100);
SELECT fedmedian('{1,-Infinity}'::real[]);
SELECT fedmedian(w) FROM (VALUES ('{1,2}'::real[]), ('{1}')) AS v (w);
SELECT fed_trimmed_mean('{1}'::real[], 0.5);
SELECT fed_trimmed_mean('{1}'::real[], 'NaN');
SELECT fed_trimmed_mean('{1}'::real[], NULL);
SELECT fed_trimmed_mean('{1}'::real[], b) FROM (VALUES (0.1), (0.2)) AS v (b);
SELECT krum('{1}'::real[], -1);
SELECT multi_krum('{1}'::real[], 1, 0, 0);
SELECT multi_krum('{1}'::real[], 1, 0, 2);
SELECT multi_krum('{1}'::real[], 0, 0, 1);

-- one poisoned client of five does not survive the robust rules
SELECT abs((fedavg(w, 100))[1]) < 2 AS fedavg, abs((fedmedian(w))[1]) < 2 AS fedmedian,
	abs((fed_trimmed_mean(w, 0.2))[1]) < 2 AS trimmed, abs((krum(w, 1))[1]) < 2 AS krum,
	abs((multi_krum(w, 100, 1, 3))[1]) < 2 AS multi_krum
FROM (VALUES ('{0.9,1}'::real[]), ('{1,1}'), ('{1.1,1}'), ('{1.2,1}'), ('{1e6,-1e6}')) AS v (w);

DROP SCHEMA federated_aggregates_test CASCADE;
