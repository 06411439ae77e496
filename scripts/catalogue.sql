/*
 * catalogue.sql: what the extension consists of, as a temporary view "catalogue".
 *
 * One row per object and aspect: its identity, the aspect, its value, and the statement that gives an object
 * this value.  Two installations whose rows agree are the same.  Run with search_path = pg_catalog, so
 * that every name is qualified.
 */

CREATE TEMPORARY VIEW member AS
SELECT d.classid, d.objid, i.type AS kind, i.identity
FROM pg_depend d, pg_identify_object(d.classid, d.objid, 0) i
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'healthml');

CREATE TEMPORARY VIEW member_relation AS
SELECT c.*, m.kind, m.identity FROM pg_class c JOIN member m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid;

CREATE TEMPORARY VIEW catalogue AS
SELECT m.kind || ' ' || m.identity AS object, 'member' AS aspect, NULL AS value, NULL AS statement
FROM member m

/* Comments. */
UNION ALL
SELECT m.kind || ' ' || m.identity, 'comment', obj_description(m.objid, m.classid::regclass::name),
	format('COMMENT ON %s %s IS %L;', upper(CASE m.kind WHEN 'composite type' THEN 'type' ELSE m.kind END), m.identity,
		obj_description(m.objid, m.classid::regclass::name))
FROM member m
UNION ALL
SELECT 'column ' || r.identity || '.' || a.attname, 'comment', col_description(r.oid, a.attnum),
	format('COMMENT ON COLUMN %s.%I IS %L;', r.identity, a.attname, col_description(r.oid, a.attnum))
FROM member_relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped

/* Functions, procedures, aggregates. */
UNION ALL
SELECT m.kind || ' ' || m.identity, 'definition',
	concat_ws(' | ', pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), p.prokind, p.provolatile, p.proisstrict,
		p.prosecdef, p.proleakproof, p.proparallel, p.procost, p.prorows, p.proconfig, p.prosupport, l.lanname, p.probin,
		pg_get_function_sqlbody(p.oid), p.prosrc),
	CASE WHEN p.prokind <> 'a' THEN replace(pg_get_functiondef(p.oid), '$libdir/healthml', 'MODULE_PATHNAME') || ';' END
FROM member m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid JOIN pg_language l ON l.oid = p.prolang
UNION ALL
SELECT m.kind || ' ' || m.identity, 'aggregate', concat_ws(' | ', to_jsonb(g) - '{aggfnoid,aggtranstype,aggmtranstype}'::text[],
	g.aggtranstype::regtype, g.aggmtranstype::regtype), NULL
FROM member m JOIN pg_aggregate g ON m.classid = 'pg_proc'::regclass AND g.aggfnoid = m.objid

/* Types, their labels and attributes; operators and casts. */
UNION ALL
SELECT m.kind || ' ' || m.identity, 'definition', concat_ws(' | ', t.typtype, t.typlen, t.typbyval, t.typcategory, t.typispreferred,
	t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout, t.typanalyze, t.typalign, t.typstorage, t.typnotnull,
	t.typbasetype::regtype, t.typdefault), NULL
FROM member m JOIN pg_type t ON m.classid = 'pg_type'::regclass AND t.oid = m.objid
UNION ALL
SELECT m.kind || ' ' || m.identity, 'labels', string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder),
	format('-- ALTER TYPE %s ADD VALUE for one of: %s', m.identity, string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder))
FROM member m JOIN pg_enum e ON m.classid = 'pg_type'::regclass AND e.enumtypid = m.objid
GROUP BY m.kind, m.identity
UNION ALL
SELECT m.kind || ' ' || m.identity, 'definition', (to_jsonb(o) - '{oid,oprnamespace,oprowner,oprleft,oprright,oprresult,oprcom,oprnegate}'::text[])::text
	|| o.oprresult::regtype || o.oprcom::regoperator || o.oprnegate::regoperator, NULL
FROM member m JOIN pg_operator o ON m.classid = 'pg_operator'::regclass AND o.oid = m.objid
UNION ALL
SELECT m.kind || ' ' || m.identity, 'definition', concat_ws(' | ', c.castfunc::regprocedure, c.castcontext, c.castmethod), NULL
FROM member m JOIN pg_cast c ON m.classid = 'pg_cast'::regclass AND c.oid = m.objid

/* Tables, views, sequences, columns, constraints, indexes, triggers. */
UNION ALL
SELECT r.kind || ' ' || r.identity, 'definition', concat_ws(' | ', r.relkind, r.relpersistence, r.relreplident, r.relrowsecurity,
	r.relforcerowsecurity, r.reloptions, pg_get_partkeydef(r.oid), pg_get_expr(r.relpartbound, r.oid), r.relispartition,
	CASE WHEN r.relkind IN ('v', 'm') THEN pg_get_viewdef(r.oid) END),
	CASE r.relkind WHEN 'v' THEN format(E'CREATE OR REPLACE VIEW %s AS\n%s', r.identity, pg_get_viewdef(r.oid))
		WHEN 'r' THEN format('-- CREATE TABLE %s', r.identity) END
FROM member_relation r
UNION ALL
SELECT r.kind || ' ' || r.identity, 'parameters', (to_jsonb(s) - 'seqrelid')::text, NULL
FROM member_relation r JOIN pg_sequence s ON s.seqrelid = r.oid
UNION ALL
SELECT 'column ' || r.identity || '.' || a.attname, 'definition', concat_ws(' | ', a.place, format_type(a.atttypid, a.atttypmod), a.attnotnull,
	a.attidentity, a.attgenerated, a.attstorage, a.attstattarget, a.attcollation, pg_get_expr(d.adbin, d.adrelid)),
	format('ALTER %s ADD %s %I %s%s%s;', CASE r.relkind WHEN 'c' THEN 'TYPE ' || r.identity ELSE 'TABLE ' || r.identity END,
		CASE r.relkind WHEN 'c' THEN 'ATTRIBUTE' ELSE 'COLUMN' END, a.attname, format_type(a.atttypid, a.atttypmod),
		CASE WHEN a.attnotnull THEN ' NOT NULL' END, ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid))
FROM member_relation r
CROSS JOIN LATERAL (SELECT b.*, row_number() OVER (ORDER BY b.attnum) AS place
	FROM pg_attribute b WHERE b.attrelid = r.oid AND b.attnum > 0 AND NOT b.attisdropped) a
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE r.relkind IN ('r', 'p', 'c')
UNION ALL
SELECT 'constraint ' || r.identity || '.' || c.conname, 'definition', concat_ws(' | ', pg_get_constraintdef(c.oid), c.condeferrable,
	c.condeferred, c.convalidated, c.connoinherit),
	format('ALTER TABLE %s ADD CONSTRAINT %I %s;', r.identity, c.conname, pg_get_constraintdef(c.oid))
FROM member_relation r JOIN pg_constraint c ON c.conrelid = r.oid AND c.contype <> 'n'
UNION ALL
SELECT 'index ' || i.indexrelid::regclass, 'definition', pg_get_indexdef(i.indexrelid), pg_get_indexdef(i.indexrelid) || ';'
FROM member_relation r JOIN pg_index i ON i.indrelid = r.oid
UNION ALL
SELECT 'statistics ' || s.stxname, 'definition', pg_get_statisticsobjdef(s.oid), pg_get_statisticsobjdef(s.oid) || ';'
FROM member_relation r JOIN pg_statistic_ext s ON s.stxrelid = r.oid
UNION ALL
SELECT 'trigger ' || t.tgname || ' on ' || r.identity, 'definition', concat_ws(' | ', t.tgenabled, pg_get_triggerdef(t.oid)),
	pg_get_triggerdef(t.oid) || ';'
FROM member_relation r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
UNION ALL
SELECT 'trigger ' || t.tgname || ' on ' || r.identity, 'comment', obj_description(t.oid, 'pg_trigger'), NULL
FROM member_relation r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal

/* Privileges, and what a dump takes. */
UNION ALL
SELECT p.object, 'privileges', p.acl::text, NULL
FROM (SELECT m.kind || ' ' || m.identity AS object, coalesce(c.relacl, f.proacl, t.typacl, n.nspacl) AS acl
		FROM member m
		LEFT JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid
		LEFT JOIN pg_proc f ON m.classid = 'pg_proc'::regclass AND f.oid = m.objid
		LEFT JOIN pg_type t ON m.classid = 'pg_type'::regclass AND t.oid = m.objid
		LEFT JOIN pg_namespace n ON m.classid = 'pg_namespace'::regclass AND n.oid = m.objid
	UNION ALL
	SELECT 'column ' || r.identity || '.' || a.attname, a.attacl
	FROM member_relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attacl IS NOT NULL) p
UNION ALL
SELECT 'table ' || c.config::regclass, 'dump', c.condition, format('SELECT pg_extension_config_dump(%L, %L);', c.config::regclass, c.condition)
FROM pg_extension e, unnest(e.extconfig, e.extcondition) c (config, condition)
WHERE e.extname = 'healthml';
