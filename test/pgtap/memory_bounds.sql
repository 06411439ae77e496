-- Memory that is not libhml's stays within healthml.max_memory as well.
BEGIN;
SELECT plan(6);
SET LOCAL search_path = public, pg_catalog, healthml;
SELECT count(*) FROM algorithms();
SET LOCAL healthml.max_memory = '16MB';

CREATE TABLE public.u AS SELECT i, array_fill(i::real, ARRAY[500000]) AS w FROM generate_series(1, 12) i;
SELECT throws_ok('SELECT fedmedian(w) FROM public.u', '53400', NULL, 'updates of a median');
SELECT throws_ok('SELECT krum(w, 1) FROM public.u', '53400', NULL, 'of krum');
SELECT isnt((SELECT fedmedian(w[1:1000]) FROM public.u), NULL, 'what fits is computed');
SELECT throws_ok($$SELECT federated_unmask(array_agg(decode(repeat('00', 8000000), 'hex')), 1) FROM generate_series(1, 2)$$, '53400', NULL, 'a masked sum');
CREATE TABLE public.wide AS SELECT repeat('x', 10000000) AS x;
SELECT throws_ok($$SELECT count(*) FROM source_values('public.wide', 'x')$$, '53400', NULL, 'a value of a source');
SET LOCAL healthml.max_memory = '64MB';
SELECT lives_ok('SELECT fedmedian(w) FROM public.u', 'with more memory it is');

SELECT * FROM finish();
ROLLBACK;
