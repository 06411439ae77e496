-- Metrics aggregates: how they are declared, and what holds for any data.
BEGIN;
SET search_path = healthml, public;
SELECT plan(39);

CREATE TEMP VIEW metrics AS
SELECT a.*, p.proname, p.proparallel, p.proargnames, obj_description(p.oid, 'pg_proc') AS comment
FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid
WHERE p.pronamespace = 'healthml'::regnamespace
	AND p.proname IN ('roc_auc', 'average_precision', 'roc_curve', 'brier_score', 'log_loss', 'classification_metrics', 'confusion_matrix');

SELECT is(count(*)::int, 7, 'there are seven metrics') FROM metrics;
SELECT is(proparallel::text, 's', proname || ' is parallel safe') FROM metrics ORDER BY proname;
SELECT isnt(aggcombinefn::oid, 0::oid, proname || ' can be combined') FROM metrics ORDER BY proname;
SELECT isnt(aggtranstype::regtype::text, 'internal', proname || ' has a state that can be sent') FROM metrics ORDER BY proname;
SELECT is_empty($$SELECT t.oid::regtype FROM metrics m JOIN pg_type t ON t.oid = m.aggtranstype WHERE t.typsend = 0 OR t.typreceive = 0$$,
	'every state type has a binary form');
SELECT is_empty($$SELECT p.oid::regprocedure FROM metrics m
		JOIN pg_proc p ON p.oid IN (m.aggtransfn, m.aggcombinefn, m.aggfinalfn, m.aggmtransfn, m.aggminvtransfn)
	WHERE p.provolatile <> 'i' OR p.proparallel <> 's' OR obj_description(p.oid, 'pg_proc') IS NULL$$,
	'every support function is immutable, parallel safe and commented');
SELECT is(proargnames, CASE proname
	WHEN 'brier_score' THEN '{probability,label}'::text[]
	WHEN 'log_loss' THEN '{probability,label}'
	WHEN 'classification_metrics' THEN '{predicted,actual}'
	WHEN 'confusion_matrix' THEN '{predicted,actual}'
	ELSE '{score,label}' END, proname || ' names its arguments')
FROM metrics WHERE proname IN ('roc_auc', 'log_loss', 'confusion_matrix') ORDER BY proname;
SELECT throws_ok($$SELECT roc_auc('NaN', true)$$, '22000', 'score cannot be NaN', 'NaN has its SQLSTATE');
SELECT ok(log_loss(1.0000001::real, true) < 1e-15 AND brier_score(1.0000001::float8, true) = 0, 'what float32 rounds beyond 1 is 1');
SELECT is(brier_score(-1e-8, false), 0::float8, 'and beyond 0 is 0');
SELECT throws_like($$SELECT log_loss(1.000001, true)$$, 'probability 1.000001 is not between 0 and 1', 'a probability is written as it is');
SELECT throws_like($$SELECT brier_score(-1e-6, true)$$, 'probability -1e-06 is not between 0 and 1');
SELECT throws_ok($$SELECT log_loss(2, true)$$, '22000', 'probability 2 is not between 0 and 1', 'so has a probability of 2');

SELECT setseed(0.25);
CREATE TEMP TABLE rows AS
SELECT n, s AS score, random() < s AS label FROM (SELECT n, random() AS s FROM generate_series(1, 3000) n) x;

-- calibrated scores: the Brier score of p ~ U(0,1) has expectation 1/6, the log loss 1/2, the AUC 5/6
SELECT cmp_ok(abs(brier_score(score, label) - 1.0 / 6), '<', 0.02::float8, 'brier_score of calibrated scores') FROM rows;
SELECT cmp_ok(abs(log_loss(score, label) - 0.5), '<', 0.05::float8, 'log_loss of calibrated scores') FROM rows;
SELECT cmp_ok(abs(roc_auc(score, label) - 5.0 / 6), '<', 0.03::float8, 'roc_auc of calibrated scores') FROM rows;
SELECT is(roc_auc(exp(3 * score), label), roc_auc(score, label), 'ranks are all that roc_auc looks at') FROM rows;
SELECT is(roc_auc(score, label ORDER BY n), roc_auc(score, label ORDER BY score DESC), 'the order of rows makes no difference')
FROM rows;
SELECT is(log_loss(score, label ORDER BY n), log_loss(score, label ORDER BY score DESC), 'not for sums either') FROM rows;

SELECT * FROM finish();
ROLLBACK;
