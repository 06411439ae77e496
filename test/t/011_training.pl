# Training that is seen, cancelled, killed, or left alone by the background worker.

use strict;
use warnings;

use HealthML;
use Session;
use Test::More;
use Time::HiRes qw(time sleep);

my $node = new_cluster('training', settings => "max_worker_processes = 2\nrestart_after_crash = on\n");
$node->safe_psql('postgres', q{
	CREATE TABLE t AS SELECT random() AS a, random() AS b, random() AS c FROM generate_series(1, 200000);
	CREATE TABLE u AS SELECT random() AS a FROM generate_series(1, 100);
});
my $one = Session->new($node);
my $two = Session->new($node);
my $long = q{SELECT train('long', 'isolation_forest', 't', params => '{"n_estimators": 10000, "max_samples": 100000, "calibration_rows": 100000000}')};
my $running = q{SELECT count(*) = 1 FROM healthml.training_progress WHERE status = 'running' AND phase IS NOT NULL};

# Seen by another session while it runs; cancelled within 200 ms; nothing written but the journal.
soon(
	sub
	{
		$one->tell($long);
		$node->poll_query_until('postgres', $running) or die 'no training is seen by another session';
		my $start = time;
		$two->ask(q{SELECT pg_cancel_backend(pid) FROM training_run WHERE status = 'running'});
		$one->answer;
		return time - $start;
	},
	0.2 + 0.3, # for two sessions and a busy machine
	'a running training is seen by another session, which cancels it within 200 ms');
like($one->{err}, qr/canceling statement due to user request/, 'as a cancelled statement does');
wait_for($node, q{SELECT count(*) >= 1 FROM healthml.training_run WHERE status = 'cancelled' AND error IS NOT NULL AND finished_at IS NOT NULL},
	'and is on record as cancelled');
is($two->ask('SELECT string_agg(model, $$,$$) FROM models'), 'heart_sound', 'nothing else was written');

# A timeout ends every phase: reading, building, calibrating.
for my $timeout (30, 100, 400)
{
	soon(
		sub
		{
			my $start = time;
			$one->ask("SET statement_timeout = $timeout; $long; RESET statement_timeout");
			return time - $start;
		},
		$timeout / 1000 + 0.5, "a timeout of $timeout ms is kept on time");
	like($one->{err}, qr/statement timeout/, 'and reported');
}

# Its session is terminated.
$one->tell($long);
wait_for($node, $running, 'another one runs');
$two->ask(q{SELECT pg_terminate_backend(pid) FROM training_run WHERE status = 'running'});
wait_for($node, q{SELECT count(*) = 1 FROM healthml.training_run WHERE status = 'failed' AND error LIKE '%session%'},
	'a training whose session is terminated is on record as failed');
$one = Session->new($node);

# No free worker: the rows come with the training's own transaction.
$node->safe_psql('postgres', q{ALTER SYSTEM SET max_worker_processes = 1});
$node->restart;
$_ = Session->new($node) for $one, $two;
is($one->ask(q{SELECT version FROM train('alone', 'isolation_forest', 't', params => '{"n_estimators": 300}')}), '1',
	'training needs no worker');
is($one->ask(q{SELECT status, rows, version FROM training_run WHERE model = 'alone'}), 'succeeded|200000|1',
	'its run is on record at once');
$node->safe_psql('postgres', q{ALTER SYSTEM RESET max_worker_processes});
$node->restart;
$_ = Session->new($node) for $one, $two;

# The extension is not committed yet, so a worker cannot see it.
is($one->ask(q{CREATE DATABASE fresh}), '', 'another database');
my $fresh = Session->new($node, 'fresh');
is($fresh->ask(q{BEGIN; CREATE EXTENSION healthml; CREATE TABLE t AS SELECT random() AS a FROM generate_series(1, 100000);
	SELECT version FROM healthml.train('m', 'isolation_forest', 't', params => '{"n_estimators": 1000}');
	SELECT status FROM healthml.training_run; COMMIT}), "1\nsucceeded", 'training in the transaction of CREATE EXTENSION');
$fresh->end;

# The server crashes: the run is lost, the registry whole, and training goes on.
$one->tell($long);
wait_for($node, $running, 'a training runs');
my $pid = $two->ask(q{SELECT pid FROM training_run WHERE status = 'running'});
kill 'KILL', $pid;
$node->poll_query_until('postgres', 'SELECT 1', '1');
wait_for($node, q{SELECT count(*) = 1 FROM healthml.training_progress WHERE status = 'lost' AND model = 'long'},
	'after a crash the training is lost');
$one = Session->new($node);
is($one->ask(q{SELECT count(*) FROM models WHERE model = 'long'}), '0', 'it has written no model');
is($one->ask(q{SELECT version FROM train('long', 'isolation_forest', 'u')}), '1', 'and can be repeated');
is($one->ask(q{SELECT score(ARRAY[0.5], 'long') > 0, score(ARRAY[1, 2, 3], 'alone') > 0}), 't|t', 'models score');

$one->end;
$node->stop;
done_testing();
