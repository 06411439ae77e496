# batch_predict beside other sessions: progress, cancellation, replica, dump and restore of the history.

use strict;
use warnings;

use HealthML;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use Test::More;
use Time::HiRes qw(time);

my $node = new_cluster('batch', replicas => 1);

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE healthy AS
SELECT n AS id, 40 + n % 30 AS age, 180 + n * 7 % 60 AS cholesterol FROM generate_series(1, 400) n;
SELECT train('ward', 'isolation_forest', 'healthy', '{age,cholesterol}', params => '{"contamination": 0.02}');
SQL

# Two tests: a time-out ends a statement, and soon.
sub ends_soon
{
	my ($timeout, $sql, $name) = @_;
	my $stderr;

	soon(
		sub
		{
			my $start = time;
			(undef, undef, $stderr) = $node->psql('postgres', "SET statement_timeout = '${timeout}s'; $sql");
			return time - $start - $timeout;
		},
		0.5, $name);
	return like($stderr, qr/canceling statement due to statement timeout/, 'cancelled');
}

my $many = q{SELECT 50 AS age, 200 AS cholesterol FROM generate_series(1, 100000000)};

ends_soon(0.3, "SELECT batch_predict('ward', '$many', NULL)", 'batch_predict ends soon after a time-out');
ends_soon(0.3, "SELECT batch_predict('ward', '$many', NULL, 3)", 'so it does while it explains');
is(scalar_of($node, 'SELECT count(*) FROM prediction'), 0, 'and has written nothing');

# A trigger passes a cancellation on, and does not take it for a failed score.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE stay (id text, age integer, cholesterol integer);
CREATE TRIGGER record AFTER INSERT ON stay FOR EACH ROW EXECUTE FUNCTION record_risk('ward', 'id');
SQL
ends_soon(0.3, 'INSERT INTO stay SELECT 1, 50, 200 FROM generate_series(1, 100000000)', 'so does an insert');
is(scalar_of($node, 'SELECT count(*) FROM stay'), 0, 'which is undone');
is(scalar_of($node, 'SELECT count(*) FROM score_failure'), 0, 'and not recorded as a failure');

# Others see how far it is.
my $slow = q{SELECT id, age, cholesterol, pg_sleep(0.001) FROM healthy, generate_series(1, 100)};
my $batch = IPC::Run::start(
	[ 'psql', '-XqAt', '-d', $node->connstr('postgres'), '-c', "SELECT batch_predict('ward', '$slow', 'id')" ],
	'>', \my $answer, '2>', \my $errors);

wait_for($node, 'SELECT rows_scored > 0 FROM batch_progress', 'progress is seen from another session');
is(scalar_of($node, 'SELECT query ~ $$batch_predict$$, started_at <= now() FROM batch_progress'), 't|t', 'with what and since when');
is(scalar_of($node, 'SELECT count(*) FROM prediction'), 0, 'nothing is visible before it is done');
scalar_of($node, 'SELECT pg_cancel_backend(pid) FROM batch_progress');
$batch->finish;
like($errors, qr/canceling statement due to user request/, 'it can be cancelled from there');
is(scalar_of($node, 'SELECT count(*) FROM batch_progress'), 0, 'and is gone then');

# The history is dumped and restored, and goes on counting.
$node->safe_psql('postgres', <<'SQL');
SELECT batch_predict('ward', 'healthy', 'id', 2);
INSERT INTO stay VALUES ('bad', 50, 200), ('good', 51, 201);
SELECT record_outcome(prediction_id, prediction_id % 2 = 0) FROM prediction;
INSERT INTO score_failure (sqlstate, message) VALUES ('22000', 'kept');
SQL
my $dump = $node->backup_dir . '/history.sql';

$node->run_log([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $dump ]);
$node->safe_psql('postgres', 'CREATE DATABASE restored');
my ($status, undef, $stderr) = $node->psql('restored', "\\set ON_ERROR_STOP on\n\\i $dump");

is($status, 0, "a dump restores: $stderr");
for my $table (qw(prediction outcome score_failure model_performance daily_risk))
{
	my $sum = "SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM healthml.$table t";

	is($node->safe_psql('restored', $sum), $node->safe_psql('postgres', $sum), "$table is the same after a restore");
}
is($node->safe_psql('restored', q{INSERT INTO stay VALUES ('new', 50, 200); SELECT count(*) FROM healthml.prediction}),
	403, 'identities go on where they were');

# A replica shows the history and refuses to add to it.
$node->backup('base');
my $replica = PostgreSQL::Test::Cluster->new('batch_replica');

$replica->init_from_backup($node, 'base', has_streaming => 1);
$replica->start;
$node->wait_for_catchup($replica, 'replay', $node->lsn('insert'));
is($replica->safe_psql('postgres', 'SELECT is_replica, predictions_1d FROM health'), 't|402', 'a replica has the views');
fails_with($replica, q{SELECT batch_predict('ward', 'healthy', 'id')},
	'25006', qr/cannot execute healthml.batch_predict\(\) during recovery/, 'batch_predict on a replica');

$replica->stop;
$node->stop;
done_testing();
