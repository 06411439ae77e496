-- What was live when, going back over many promotions, and pruning.
BEGIN;
SET LOCAL search_path = public, pg_catalog, pg_temp;
SET LOCAL client_min_messages = warning;
SELECT plan(17);

CREATE TEMP TABLE t AS SELECT i AS a FROM generate_series(1, 20) i;
SELECT healthml.train('m', 'isolation_forest', 'pg_temp.t', params => format('{"n_estimators": 1, "seed": %s}', i)::jsonb) FROM generate_series(1, 12) i;

-- A stack kept in an array is the oracle for promotions and rollbacks in any order; versions are dropped on the way.
CREATE FUNCTION pg_temp.disagreements(steps int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	stack int[] := '{1}';
	wanted int;
	got int;
	wrong int := 0;
BEGIN
	FOR i IN 1..steps LOOP
		IF hashint4(i) % 5 < 2 OR cardinality(stack) = 1 THEN
			wanted := 2 + abs(hashint4(i * 7)) % 9;
			IF wanted <> stack[cardinality(stack)] THEN
				stack := stack || wanted;
			END IF;
			got := healthml.promote('m', wanted);
		ELSE
			wanted := NULL;
			WHILE cardinality(stack) > 1 AND wanted IS NULL LOOP
				wanted := nullif(stack[cardinality(stack) - 1], (healthml.resolve_model('m')).version);
				stack := stack[:cardinality(stack) - 1];
			END LOOP;
			IF wanted IS NULL THEN
				stack := ARRAY[(healthml.resolve_model('m')).version];
				BEGIN
					got := healthml.rollback('m');
					wrong := wrong + 1;
				EXCEPTION WHEN object_not_in_prerequisite_state THEN
					PERFORM healthml.set_alias('m', 'champion', 12);
					stack := stack || 12;
				END;
				CONTINUE;
			END IF;
			got := healthml.rollback('m');
		END IF;
		wrong := wrong + (got IS DISTINCT FROM wanted)::int;
	END LOOP;
	RETURN wrong;
END $$;
SELECT is(pg_temp.disagreements(600), 0, 'promotions and rollbacks in any order are a stack');
SELECT cmp_ok((SELECT count(*) FROM healthml.alias_history WHERE model = 'm'), '>', 400::bigint, 'many were tried');
SELECT is_empty($$SELECT FROM healthml.alias_history WHERE model = 'm' AND below IS NULL$$, 'each knows what is below it');

-- rows of 0.1.0 do not know it
CREATE TEMP TABLE known AS SELECT history_id, below FROM healthml.alias_history WHERE model = 'm';
UPDATE healthml.alias_history SET below = NULL WHERE model = 'm';
SELECT is_empty($$SELECT k.* FROM (SELECT * FROM known ORDER BY history_id DESC LIMIT 150) k JOIN healthml.alias_history h USING (history_id)
	WHERE healthml.alias_below(h.model_id, h.alias, h.history_id) IS DISTINCT FROM k.below$$, 'it is found from the changes');

-- what was live when
SELECT healthml.train('other', 'isolation_forest', 'pg_temp.t', params => '{"n_estimators": 1}');
UPDATE healthml.alias_history SET changed_at = now() - interval '10 days' WHERE model = 'other';
INSERT INTO healthml.alias_history (model_id, model, alias, old_version, new_version, changed_at)
SELECT model_id, 'other', alias, was, is_now, now() - days * interval '1 day' FROM healthml.model,
	(VALUES ('champion', 1, 2, 6), ('champion', 2, 3, 4), ('challenger', NULL, 5, 5), ('champion', 3, NULL, 2), ('challenger', 5, 6, 1)) v (alias, was, is_now, days)
WHERE name = 'other' ORDER BY days DESC;
SELECT results_eq($$SELECT healthml.version_at('other', now() - days * interval '1 day') FROM unnest(ARRAY[11, 10, 9, 6, 5, 3, 1]) WITH ORDINALITY AS d (days, i) ORDER BY i$$,
	ARRAY[NULL, 1, 1, 2, 2, 3, NULL]::int[], 'the champion at a time');
SELECT is(healthml.version_at('other', now() - interval '3 days', 'challenger'), 5, 'another alias');
SELECT is(healthml.version_at('other', now(), 'nobody'), NULL, 'an alias that never was');
SELECT throws_ok($$SELECT healthml.version_at('nobody', now())$$, '42704', 'model "nobody" does not exist');

-- pruning keeps what later times need
SELECT throws_ok($$SELECT healthml.prune_alias_history('-1 day')$$, '22023');
SELECT is(healthml.prune_alias_history('5 days 12 hours'), 1::bigint, 'one change is followed by another old one');
SELECT results_eq($$SELECT healthml.version_at('other', now() - days * interval '1 day') FROM unnest(ARRAY[11, 5, 3, 1]) WITH ORDINALITY AS d (days, i) ORDER BY i$$,
	ARRAY[NULL, 2, 3, NULL]::int[], 'later times are known as before');
SELECT healthml.drop_model('other');
SELECT is(healthml.version_at('other', now() - interval '3 days'), 3, 'history outlives the model');
SELECT cmp_ok(healthml.prune_alias_history('0') , '>=', 0::bigint, 'everything old goes');
UPDATE healthml.alias_history SET changed_at = now() - interval '2 days' WHERE model = 'm' AND alias = 'champion';
SELECT cmp_ok(healthml.prune_alias_history('1 day'), '>', 300::bigint, 'a long history');
SELECT throws_like($$SELECT healthml.rollback('m')$$, 'model "m" has no earlier champion');

-- trainings
INSERT INTO healthml.training_run (model, algorithm, source, params, status, started_at, finished_at, pid) VALUES
	('p', 'mlp', 't', '{}', 'failed', now() - interval '9 days', now() - interval '9 days', 1), ('p', 'mlp', 't', '{}', 'running', now() - interval '9 days', NULL, 1),
	('p', 'mlp', 't', '{}', 'succeeded', now() - interval '1 hour', now(), 1);
SELECT is(healthml.prune_trainings('8 days'), 2::bigint, 'old trainings go, one whose session died as well');
SELECT throws_ok($$SELECT healthml.prune_trainings('-1 day')$$, '22023');

SELECT * FROM finish();
ROLLBACK;
