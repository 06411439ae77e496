-- Federations: what is refused, and what a simulation on one server gives.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET search_path = healthml;

-- founding
SELECT federated_create('f', 'isolation_forest', '{a}');
SELECT federated_create('f');
SELECT federated_create('f', features => '{a,NULL}');
SELECT federated_create('', features => '{a}');
SELECT federated_create('a@b', features => '{a}');
SELECT federated_create('f', features => '{a}', strategy => 'sum');
SELECT federated_create('f', features => '{a}', strategy_options => '{"eta": -1}');
SELECT federated_create('f', features => '{a}', strategy_options => '{"gamma": 1}');
SELECT federated_create('f', features => '{a}', strategy => 'krum', secure_aggregation => true);
SELECT federated_create('f', features => '{a}', noise_multiplier => 1);
SELECT federated_create('f', features => '{a}', clip_norm => 1, noise_multiplier => 1, epsilon_budget => -1);
SELECT federated_create('f', features => '{a}', delta => NULL);
SELECT federated_create('f', features => '{a,b}');
SELECT federated_create('f', features => '{a,b}');
SELECT federated_add_client('g', 'a', 'server');
SELECT federated_add_client('f', 'a', 'server');
SELECT federated_round('g');
SELECT federated_round('f', 0);
SELECT federated_round('f', 'NaN');
SELECT federated_round('f');
CALL federated_train('f');

-- joining
SELECT federated_join('f', NULL, 'ill');
SELECT federated_join('f', 't', 'ill');
CREATE ROLE regress_coordinator;
SELECT federated_join('f', 't', 'ill', 'regress_coordinator', 'pg_temp, public');
CREATE TABLE public.t AS SELECT i % 50 AS a, i * 7 % 31 AS b, i % 10 < i % 50 / 6 AS ill, 'w' || i % 2 AS ward FROM generate_series(1, 200) i;
SELECT federated_join('f', 'public.t', 'ill', 'regress_coordinator');
SELECT federated_join('f', 'public.t', 'ill', 'regress_coordinator');
SELECT federated_join('nothing', 'public.no_table', 'ill', 'regress_coordinator');
SELECT federated_join('two', 'SELECT 1; SELECT 2', 'ill', 'regress_coordinator');
SELECT federated_join('no target', 'public.t', 'sick', 'regress_coordinator');
SELECT federated_client_summary('nothing', '{a}');
SELECT federated_client_summary('two', '{a}');
SELECT federated_client_summary('no target', '{a}');
SELECT federated_client_summary('f', '{c}');
SELECT octet_length(federated_client_summary('f', '{}')) > 100 AS all_columns;
SELECT federated_client_summary('f', '{a,NULL}');
SELECT federated_client_train('f', '\x00');
SELECT federated_client_train('f', NULL);
SELECT federated_client_key('f', repeat('x', 1000));

-- between two rounds
SELECT federated_begin('{}', '{}');
SELECT federated_begin('{"hidden_layers": [0]}', ARRAY[federated_client_summary('f', '{a}')]);
SELECT federated_begin('{}', ARRAY[federated_client_summary('f', '{a}'), federated_client_summary('f', '{b}')]);
SELECT federated_summary_rows(federated_client_summary('f', '{a}')), federated_summary_rows('\x01');
SELECT federated_begin('{"hidden_layers": [2]}', ARRAY[federated_client_summary('f', '{a,b,ward}')]) AS artifact \gset
SELECT cardinality(federated_weights(:'artifact'));
SELECT federated_replace(:'artifact', '{1,2}');
SELECT federated_client_train('f', :'artifact', '{"local_epochs": 0}');
SELECT federated_client_train('f', :'artifact', '{"epochs": 1}');
SELECT federated_client_train('f', :'artifact', '{"label": "x"}', '{}');
SELECT federated_client_key('f', 'x') IS NOT NULL AS key;
SELECT federated_client_train('f', :'artifact', '{"label": "x"}', '{}');
SELECT federated_client_train('f', :'artifact', '{"label": "x"}', ARRAY['\x00'::bytea]);
SELECT samples, norm > 0 AS norm, cardinality(update), masked FROM federated_client_train('f', :'artifact');
SELECT (federated_report(:'artifact', ARRAY[federated_client_evaluate('f', :'artifact')]) -> 'rows')::int AS rows;
SELECT federated_report(:'artifact', '{"\\x00"}');
SELECT federated_unmask(ARRAY['\x00'::bytea], 8);
SELECT federated_unmask(ARRAY['\x0000000000000001'::bytea, '\x000000000000000000000001'], 8);
SELECT federated_add_noise('{1,2}', 'NaN');
SELECT federated_epsilon(0, 1, 1, 1e-5), federated_epsilon(1, 2, 1, 1e-5);
SELECT round(federated_epsilon(1, 1, 1, 1e-5)::numeric, 2) AS epsilon;
SELECT federated_step('fedavg', '{}', 1, '{1,2}', '{1}', '{0,0}', '{0,0}');
SELECT * FROM federated_step('fedavg', '{}', 1, '{1,2}', '{1,-1}', '{0,0}', '{0,0}');

-- leaving
SELECT federated_leave('f');
SELECT federated_leave('f');
SELECT federated_client_hello('f');

-- simulations
SELECT federated_simulate('{0}');
SELECT federated_simulate('{2}', fraction => 2);
SELECT federated_simulate('{2}', source => 'SELECT * FROM synthetic_patients(10, %s)', search_path => 'healthml');
SELECT n_clients, round, client_seconds > 0 AND coordinator_seconds > 0 AS seconds, bytes_sent > 0 AND bytes_received > 0 AS bytes,
	loss > 0 AS loss, accuracy BETWEEN 0 AND 1 AS accuracy, roc_auc BETWEEN 0 AND 1 AS roc_auc
FROM federated_simulate('{2,5}', 2, params => '{"hidden_layers": [4], "dropout": 0}', strategy => 'fedprox', fraction => 0.6);
SELECT min(loss) FILTER (WHERE round = 5) < min(loss) FILTER (WHERE round = 1) - 0.1 AS learns, max(roc_auc) > 0.8 AS auc
FROM federated_simulate('{20}', 5);
SELECT count(*) FROM federation_membership WHERE federation LIKE 'simulation%';

DELETE FROM federation_membership;
DELETE FROM federation;
DROP TABLE public.t;
DROP ROLE regress_coordinator;
