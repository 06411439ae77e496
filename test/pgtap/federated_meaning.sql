-- What the owner's source means does not depend on the settings of the coordinator's session; how a round of a
-- server optimiser treats running means and variances.
BEGIN;
SELECT plan(10);
SET LOCAL search_path = public, pg_catalog, healthml;

CREATE ROLE an_owner; CREATE ROLE a_coordinator;
SELECT grant_role('an_owner', 'trainer');
GRANT USAGE ON SCHEMA healthml TO a_coordinator;
CREATE TABLE public.stay AS SELECT i AS id, i::float8 AS viral_load, timestamptz '2024-01-01 UTC' + i * interval '1 hour' AS admitted,
	'tenant ' || i % 2 AS tenant, i % 2 = 0 AS ill FROM generate_series(1, 100) i;
ALTER TABLE public.stay OWNER TO an_owner;
SET LOCAL TimeZone = 'UTC';
SET LOCAL ROLE an_owner;
SELECT federated_join('zone', $$SELECT viral_load, ill FROM public.stay WHERE admitted < '2024-01-03'$$, 'ill', 'a_coordinator', 'pg_catalog');
SELECT federated_join('style', $$SELECT viral_load, ill FROM public.stay WHERE admitted::date::text < '2024-01-03'$$, 'ill', 'a_coordinator', 'pg_catalog');
SELECT federated_join('none', $$SELECT viral_load, ill FROM public.stay WHERE coalesce(current_setting('app.cut', true), '') = '' OR id < nullif(current_setting('app.cut', true), '')::int$$, 'ill', 'a_coordinator', 'pg_catalog');
SET LOCAL app.cut = '51';
SELECT federated_join('custom', $$SELECT viral_load, ill FROM public.stay WHERE id < current_setting('app.cut')::int$$, 'ill', 'a_coordinator', 'pg_catalog');

SET LOCAL ROLE a_coordinator;
CREATE FUNCTION pg_temp.rows_of(federation text) RETURNS bigint LANGUAGE sql AS $$
	SELECT healthml.federated_summary_rows(healthml.federated_client_summary(federation, '{viral_load}')) $$;
SELECT is(pg_temp.rows_of('zone'), 47::bigint, 'the rows that the owner means');
SET LOCAL TimeZone = 'UTC+2';
SELECT is(pg_temp.rows_of('zone'), 47::bigint, 'in another time zone as well');
SELECT is(pg_temp.rows_of('style'), 47::bigint, 'also where a date becomes a text');
SET LOCAL DateStyle = 'German';
SELECT is(pg_temp.rows_of('style'), 47::bigint, 'in another style of dates as well');
SET LOCAL app.cut = '31';
SELECT is(pg_temp.rows_of('custom'), 50::bigint, 'a custom setting is that of the owner');
SELECT is(pg_temp.rows_of('none'), 100::bigint, 'and one that the owner did not have is empty');
SELECT is(current_setting('app.cut') || current_setting('TimeZone') || split_part(current_setting('DateStyle'), ',', 1), '31UTC+2German',
	'the session has its own settings again');
RESET ROLE;

-- Two learnt weights, a running mean, a running variance.
SELECT results_eq($$SELECT next[3:4] FROM federated_step('fedadam', '{}', 1, '{1,2,0,1}', '{0.5,0.5,0.25,-0.5}', '{0,0,0,0}', '{0,0,0,0}', 2)$$,
	$$VALUES ('{0.25,0.5}'::real[])$$, 'running means and variances are averaged');
SELECT results_eq($$SELECT next[1:2] FROM federated_step('fedadam', '{}', 1, '{1,2,0,1}', '{0.5,0.5,0.25,-0.5}', '{0,0,0,0}', '{0,0,0,0}', 2)$$,
	$$SELECT next[1:2] FROM federated_step('fedadam', '{}', 1, '{1,2,0,1}', '{0.5,0.5,0.25,-0.5}', '{0,0,0,0}', '{0,0,0,0}')$$, 'weights are stepped');
SELECT isnt((SELECT next[4] FROM federated_step('fedadam', '{}', 1, '{1,2,0,1}', '{0.5,0.5,0.25,-0.5}', '{0,0,0,0}', '{0,0,0,0}')), 0.5::real,
	'a step would make something else of a variance');

SELECT * FROM finish();
ROLLBACK;
