-- Views for BI: plain types, and a comment on every column.
BEGIN;
SELECT plan(3);
CREATE TEMP VIEW bi AS
SELECT c.relname, a.attname, a.attnum, a.attrelid, t.typname, t.typtype, t.typcategory
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 JOIN pg_type t ON t.oid = a.atttypid
WHERE c.relnamespace = 'healthml'::regnamespace AND c.relkind = 'v' AND c.relname LIKE 'bi\_%';
SELECT cmp_ok(count(DISTINCT relname)::int, '>=', 11, 'there are views for BI') FROM bi;
SELECT is_empty($$SELECT relname, attname, typname FROM bi WHERE NOT typname IN ('text', 'int4', 'int8', 'float8', 'bool', 'timestamptz')$$,
	'plain types only');
SELECT is_empty($$SELECT relname, attname FROM bi WHERE coalesce(col_description(attrelid, attnum), '') = ''$$, 'every column has a comment');
SELECT * FROM finish();
ROLLBACK;
