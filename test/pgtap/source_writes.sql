-- What a source calls writes nothing: no table, no sequence, no large object, no file.
BEGIN;
SELECT plan(9);
SET LOCAL search_path = public, pg_catalog, healthml;

CREATE TABLE public.t AS SELECT i AS x FROM generate_series(1, 30) i;
CREATE SEQUENCE public.s;
SELECT lo_from_bytea(4711, 'before');
CREATE FUNCTION public.to_program() RETURNS text LANGUAGE plpgsql AS $$ BEGIN COPY public.t TO PROGRAM 'cat >/dev/null'; RETURN 'x'; END $$;
CREATE FUNCTION public.inserts() RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.t VALUES (0); RETURN 'x'; END $$;
CREATE FUNCTION public.nested() RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM count(*) FROM healthml.source_values('SELECT x FROM public.t', 'x'); RETURN lo_create(0); END $$;

PREPARE reads(text) AS SELECT count(*) FROM source_values($1, 'x');
SELECT throws_ok(format('EXECUTE reads(%L)', source), '25006', NULL, source)
FROM unnest(ARRAY[$$SELECT lo_from_bytea(0, 'written')::text AS x$$, $$SELECT lo_put(4711, 0, 'after') IS NULL AS x$$, 'SELECT lo_unlink(4711) AS x',
	'SELECT to_program() AS x', 'SELECT inserts() AS x', $$SELECT nextval('public.s') AS x$$, 'SELECT nested() AS x']) AS source;
SELECT is(convert_from(lo_get(4711), 'UTF8'), 'before', 'a large object is as it was');
SELECT lives_ok('SELECT lo_put(4711, 0, ''after'')', 'outside a source everything is as ever');

SELECT * FROM finish();
ROLLBACK;
