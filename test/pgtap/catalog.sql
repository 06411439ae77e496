-- House rules that hold for every object of the extension, whatever it does.
BEGIN;
SELECT plan(12);

CREATE TEMPORARY VIEW member AS
SELECT classid, objid, pg_describe_object(classid, objid, 0) AS name
FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
	AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'healthml');

CREATE TEMPORARY VIEW routine AS
SELECT p.*, m.name, p.prorettype IN ('cstring'::regtype, 'trigger'::regtype) OR 'cstring'::regtype = ANY (p.proargtypes)
	OR 'internal'::regtype = ANY (p.proargtypes) OR t.oid IS NOT NULL AS is_plumbing
FROM pg_proc p JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
LEFT JOIN pg_type t ON p.oid IN (t.typinput, t.typoutput, t.typreceive, t.typsend);

SELECT isnt_empty('SELECT FROM routine', 'the extension has functions');

SELECT is_empty($$
	SELECT name FROM member
	WHERE obj_description(objid, classid::regclass::name) IS NULL
		AND classid IN ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_type'::regclass)
		AND NOT (classid = 'pg_class'::regclass
			AND (SELECT relkind FROM pg_class WHERE oid = objid) NOT IN ('r', 'v', 'm', 'p'))
		AND NOT (classid = 'pg_type'::regclass
			AND (SELECT typelem <> 0 OR typrelid <> 0 AND relkind <> 'c' FROM pg_type t
				LEFT JOIN pg_class c ON c.oid = typrelid WHERE t.oid = objid))
	ORDER BY name$$, 'everything has a COMMENT');

SELECT is_empty($$
	SELECT name FROM routine
	WHERE NOT is_plumbing AND pronargs > 0
		AND (proargnames IS NULL OR (SELECT count(*) FROM unnest(proargnames) a WHERE a <> '') < pronargs)
	ORDER BY name$$, 'every argument has a name');

SELECT is_empty('SELECT name FROM routine WHERE prosecdef ORDER BY name', 'nothing is SECURITY DEFINER');

-- BEGIN ATOMIC fixes names and operators when the extension is created, under a search_path of pg_catalog alone.
CREATE TEMPORARY VIEW interpreted AS
SELECT r.*, r.prosqlbody IS NOT NULL OR coalesce(proconfig && ARRAY['search_path=pg_catalog, pg_temp'], false) AS is_fixed
FROM routine r JOIN pg_language l ON l.oid = r.prolang WHERE l.lanname IN ('sql', 'plpgsql');
SELECT is_empty($$ SELECT name FROM interpreted WHERE NOT is_fixed AND prokind <> 'p' ORDER BY name $$,
	'every SQL or PL/pgSQL function has a search_path of its own');

-- A procedure that commits cannot set one, so every name and operator in it is qualified.
SELECT is_empty($$
	SELECT name, wrong[1] FROM interpreted,
		LATERAL regexp_replace(prosrc, '''[^'']*''|/\*.*?\*/|OPERATOR\(pg_catalog\.[^ )]+\)|:=', '', 'g') AS code,
		LATERAL regexp_matches(code, '[-+*/<>=~!@#%^&|`?]|(?<![.\w])(?!(?:AND|OR|IN|IF|WHEN|VALUES|EXIT|SELECT|coalesce|nullif|greatest|least)\M)\w+ ?\(', 'g') AS wrong
	WHERE NOT is_fixed
	ORDER BY name$$, 'every procedure qualifies its operators and functions');

SELECT is_empty($$
	SELECT name FROM routine WHERE provolatile = 'i' AND proname !~ '^(in|out)$' AND proargtypes::text ~ '(^| )25( |$)'
		AND proargnames::text ~ '\m(model|ref)\M'
	ORDER BY name$$, 'what reads a model by its name is not IMMUTABLE');

SELECT is_empty($$
	SELECT name FROM routine r JOIN pg_aggregate a ON a.aggfnoid = r.oid
	WHERE a.aggtranstype = 'internal'::regtype OR a.aggcombinefn = 0 OR r.proparallel <> 's'
	ORDER BY name$$, 'every aggregate can be split: concrete state, combine function, PARALLEL SAFE');

SELECT is_empty($$
	SELECT name FROM routine r JOIN pg_aggregate a ON a.aggfnoid = r.oid JOIN pg_type t ON t.oid = a.aggtranstype
	WHERE t.typsend = 0 OR t.typreceive = 0
	ORDER BY name$$, 'every state of an aggregate can be sent in binary');

SELECT is_empty($$
	SELECT m.name, a.privilege_type
	FROM member m JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid,
		aclexplode(c.relacl) a
	WHERE a.grantee = 0 AND a.privilege_type <> 'SELECT'
	ORDER BY 1, 2$$, 'nothing is writable by PUBLIC');

SELECT is_empty($$
	SELECT m.name
	FROM member m JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid
	WHERE c.relkind IN ('r', 'S')
		AND NOT c.oid = ANY ((SELECT extconfig FROM pg_extension WHERE extname = 'healthml')::oid[])
		AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e' AND c.relpersistence = 'u')
	ORDER BY 1$$, 'every table and sequence is dumped');

SELECT is_empty($$
	SELECT name FROM routine r
	WHERE prolang = (SELECT oid FROM pg_language WHERE lanname = 'c') AND procost = 1
		AND NOT is_plumbing
		AND NOT EXISTS (SELECT FROM pg_aggregate a WHERE r.oid IN (aggtransfn, aggfinalfn, aggcombinefn, aggmtransfn,
			aggminvtransfn, aggmfinalfn))
	ORDER BY name$$, 'every C function that a query calls has a COST of its own');

SELECT * FROM finish();
ROLLBACK;
