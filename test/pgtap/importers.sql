-- What is registered can be read: a value that the reader refuses is refused when it comes.
BEGIN;
SELECT plan(4);
SET LOCAL search_path = public, pg_catalog, healthml;

CREATE TABLE public.t AS SELECT i % 50 AS a, i * 7 % 31 AS b, i % 3 = 0 AS ill FROM generate_series(1, 200) i;
SELECT train('net', 'mlp', 't', '{b,ill}', 'a', '{"epochs": 1}');

-- A fill value beyond float32, though finite.
CREATE TABLE public.file AS
SELECT set_byte(f, position('pipeline/fill'::bytea IN f) + 25, 127) AS bytes FROM export_onnx('net') AS f;
SELECT throws_ok($$SELECT import_onnx('bad', bytes) FROM public.file$$, '22000', NULL, 'a fill value of 1e304 is refused');
SELECT is((SELECT count(*) FROM model WHERE name = 'bad'), 0::bigint, 'and nothing is kept');
SELECT lives_ok($$SELECT import_onnx('good', export_onnx('net'))$$, 'the file as it was is taken');
SELECT is((SELECT score('{"x1": 1, "x2": 1}'::jsonb, 'good') IS NOT NULL), true, 'and scores');

SELECT * FROM finish();
ROLLBACK;
