# What a model name means: to sessions that take turns, under every isolation level, in parallel workers.

use strict;
use warnings;

use HealthML;
use Session;
use Test::More;

my $node = new_cluster('lookup');
$node->safe_psql('postgres', q{
	CREATE TABLE t AS SELECT i % 50 AS a, i * 7 % 31 AS b FROM generate_series(1, 20000) i;
	SELECT train('m', 'isolation_forest', 't', params => '{"n_estimators": 3}');
	SELECT train('m', 'isolation_forest', 't', params => '{"n_estimators": 4}');
});
my $version = q{SELECT (assess(ARRAY[1, 2], 'm')).version};
my $one = Session->new($node);
my $two = Session->new($node);

# Sessions that have the model loaded.
is($one->ask($version), '1', 'the first version is the champion');
is($two->ask($version), '1', 'for everyone');
$one->ask(q{SELECT promote('m', 2)});
is($two->ask($version), '2', 'a promotion is seen by the next statement of another session');

# A promotion that is not committed, then rolled back.
$one->ask(q{BEGIN; SELECT promote('m', 1)});
is($one->ask($version), '1', 'a transaction sees its own promotion');
is($two->ask($version), '2', 'others do not');
$one->ask('ROLLBACK');
is($one->ask($version), '2', 'nor does it after a rollback');
$one->ask(q{BEGIN; SAVEPOINT s; SELECT promote('m', 1)});
is($one->ask($version), '1', 'a subtransaction sees its own promotion');
$one->ask('ROLLBACK TO s');
is($one->ask($version), '2', 'but not after it is rolled back');
$one->ask('COMMIT');

# READ COMMITTED sees the change within the transaction, REPEATABLE READ after it.
$two->ask('BEGIN');
is($two->ask($version), '2', 'read committed: before');
$one->ask(q{SELECT promote('m', 1)});
is($two->ask($version), '1', 'read committed: after the promotion by another session');
$two->ask('COMMIT');
$two->ask('BEGIN ISOLATION LEVEL REPEATABLE READ');
is($two->ask($version), '1', 'repeatable read: before');
$one->ask(q{SELECT promote('m', 2)});
is($two->ask($version), '1', 'repeatable read: the promotion is not seen');
$two->ask('COMMIT');
is($two->ask($version), '2', 'and is seen by the next transaction');

# A cursor goes on with what it began with.
$two->ask(qq{BEGIN; DECLARE c CURSOR FOR SELECT (assess(ARRAY[a, b], 'm')).version FROM t});
is($two->ask('FETCH 1 FROM c'), '2', 'a cursor begins');
$two->ask(q{SELECT promote('m', 1)});
is($two->ask('FETCH 1 FROM c'), '2', 'and goes on with the same version after a promotion');
is($two->ask($version), '1', 'which the next statement sees');
is($two->ask('FETCH 1 FROM c'), '2', 'but the cursor still does not');
$two->ask('ROLLBACK');

# In one PL/pgSQL block each statement sees what is committed by then.
$two->tell(q{DO $$
	DECLARE seen text := '';
	BEGIN
		FOR i IN 1..2 LOOP
			seen := seen || (healthml.assess(ARRAY[1, 2]::float8[], 'm')).version;
			PERFORM healthml.promote('m', 1);
		END LOOP;
		RAISE NOTICE 'seen: %', seen;
	END $$});
$two->answer;
like($two->{err}, qr/seen: 21/, 'an expression that is evaluated again looks again');
$one->ask(q{SELECT promote('m', 2)});

# Concurrent promotions of one model: both succeed, one after the other, and history shows the order.
$one->ask(q{BEGIN; SELECT promote('m', 1)});
$two->tell(q{SELECT promote('m', 2)});
$one->ask('COMMIT');
$two->answer;
is($two->{err}, '', 'a promotion waits for a concurrent one');
is($one->ask($version), '2', 'and the later one holds');
is($one->ask(q{SELECT bool_and(old_version IS NOT DISTINCT FROM before) FROM
	(SELECT old_version, lag(new_version) OVER (ORDER BY history_id) AS before FROM alias_history WHERE model = 'm') h}),
	't', 'the history has no gap');

# Concurrent trainings of one model get different numbers.
my $train = q{SELECT version FROM train('both', 'isolation_forest', 't', params => '{"n_estimators": 300}')};
$one->tell($train);
$two->tell($train);
is(join(' ', sort $one->answer, $two->answer), '1 2', 'two trainings at once get two numbers');
is($one->ask(q{SELECT count(*) FROM model_alias a JOIN model m USING (model_id) WHERE m.name = 'both' AND version = 1}),
	'1', 'and the first one is the champion');

# Dropped under a session that has it loaded.
is($two->ask(q{SELECT score(ARRAY[1, 2], 'both:2') > 0}), 't', 'a version is loaded');
$one->ask(q{SELECT drop_version('both', 2)});
$two->ask(q{SELECT score(ARRAY[1, 2], 'both:2')});
like($two->{err}, qr/has no version 2/, 'a dropped version is not scored with');

# Parallel workers look up under the leader's snapshot and give the serial answers.
my $sum = q{SELECT md5(string_agg(score(t, 'm')::text, ',' ORDER BY a, b)) FROM t};
$one->ask('SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0');
my $parallel = q{SET max_parallel_workers_per_gather = 2; SET force_parallel_mode = off};
like($one->ask("$parallel; EXPLAIN $sum"), qr/Parallel Seq Scan/, 'scores are computed by workers');
my $in_parallel = $one->ask($sum);
is($one->ask("SET max_parallel_workers_per_gather = 0; $sum"), $in_parallel, 'and equal the serial ones');
is($one->ask(qq{$parallel; BEGIN; SELECT promote('m', 1);
	SELECT count(DISTINCT (assess(t, 'm')).version), min((assess(t, 'm')).version) FROM t}),
	"1\n1|1", 'workers see a promotion of their own transaction');
$one->ask('ROLLBACK');

# Memory stays flat under calls that fail in every way.
my $failing = q{DO $$
	BEGIN
		FOR i IN 1..2000 LOOP
			BEGIN PERFORM healthml.score(ARRAY[1, 2]::float8[], 'nobody'); EXCEPTION WHEN undefined_object THEN END;
			BEGIN PERFORM healthml.score(ARRAY[1]::float8[], 'm'); EXCEPTION WHEN array_subscript_error THEN END;
			BEGIN PERFORM healthml.score('{"a": 1}'::jsonb, 'm'); EXCEPTION WHEN sql_json_member_not_found THEN END;
			BEGIN PERFORM healthml.score(ARRAY['Infinity', 1]::float8[], 'm'); EXCEPTION WHEN data_exception THEN END;
			BEGIN PERFORM healthml.import_model('x', '\xdead'); EXCEPTION WHEN invalid_binary_representation THEN END;
		END LOOP;
	END $$};
my $memory = q{SELECT sum(total_bytes) FROM pg_backend_memory_contexts};
$one->ask($failing);
my $before = $one->ask($memory);
$one->ask($failing);
cmp_ok($one->ask($memory), '<', $before + 65536, '10,000 failing calls leave nothing behind');

$_->end for $one, $two;
$node->stop;
done_testing();
