# Whether a transaction can be prepared does not depend on the risk of its rows: alerts wait until it is known how it ends.

use strict;
use warnings;

use HealthML;
use Session;
use Test::More;

my $node = new_cluster('prepared', settings => "max_prepared_transactions = 10\n");
$node->safe_psql('postgres', q{
	CREATE TABLE p AS SELECT * FROM synthetic_patients(200);
	SELECT train('m', 'isolation_forest', 'p', target => 'heart_disease', params => '{"n_estimators": 20}');
	CREATE TABLE a (LIKE p);
	CREATE TRIGGER r AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION record_risk('m', 'patient_id');
	ALTER DATABASE postgres SET healthml.notify_level = 'low'});
my $insert = 'INSERT INTO a SELECT p.* FROM p ORDER BY patient_id LIMIT 1';

# What a listening session receives when these statements have run in it.
sub heard
{
	my ($sql) = @_;
	my ($status, $out, $err) = $node->psql('postgres', "LISTEN healthml_alerts;\n$sql;\nSELECT 'done'");

	is($err, '', 'no error');
	return scalar(() = $out =~ /Asynchronous notification "healthml_alerts"/g);
}

is(heard($insert), 1, 'a statement notifies');
is(heard("BEGIN; $insert; $insert; COMMIT"), 2, 'so does a transaction, of each row');
is(heard("BEGIN; $insert; ROLLBACK"), 0, 'not when it is rolled back');
is(heard("BEGIN; SAVEPOINT s; $insert; ROLLBACK TO s; $insert; SAVEPOINT t; $insert; RELEASE t; COMMIT"), 2,
	'nor of what a savepoint took back');
is(heard("BEGIN; $insert; SAVEPOINT s; $insert; SAVEPOINT t; $insert; RELEASE t; ROLLBACK TO s; COMMIT"), 1,
	'nor of what was released within it');
is(heard("DO \$\$ BEGIN $insert; COMMIT; $insert; ROLLBACK; $insert; END \$\$"), 2, 'each transaction of a procedure for itself');

is(heard("BEGIN; $insert; $insert; PREPARE TRANSACTION 'high'"), 0, 'a transaction with alerts can be prepared');
is(scalar_of($node, 'SELECT count(*) FROM pending_alert'), 0, 'its alerts are part of it');
is(heard("COMMIT PREPARED 'high'"), 0, 'and not lost');
is(scalar_of($node, 'SELECT count(*) FROM pending_alert'), 2, 'when it is committed');
is(scalar_of($node, q{SELECT bool_and(payload::jsonb ->> 'model' = 'm' AND EXISTS (SELECT FROM prediction WHERE prediction_id = (payload::jsonb ->> 'prediction_id')::bigint)) FROM pending_alert}), 't',
	'they say what a notification says');
is(heard('SELECT send_alerts()'), 2, 'they are sent later');
is(heard('SELECT send_alerts()'), 0, 'once');
is(heard("BEGIN; $insert; PREPARE TRANSACTION 'gone'; ROLLBACK PREPARED 'gone'; SELECT send_alerts()"), 0, 'a rolled back one leaves none');

# A scorer needs no other right.
$node->safe_psql('postgres', q{CREATE ROLE app LOGIN; SELECT grant_role('app', 'scorer'); GRANT INSERT ON a TO app; GRANT SELECT ON p TO app});
my ($status, undef, $err) = $node->psql('postgres', "BEGIN; $insert; PREPARE TRANSACTION 'app'; COMMIT PREPARED 'app'", extra_params => [ '-U', 'app' ]);
is("$status$err", '0', 'a scorer can prepare one');
is(scalar_of($node, 'SELECT raised_by FROM pending_alert'), 'app', 'and is named');

# ---- settings that were wrong before the module was loaded ----

for my $setting ([ 'healthml.max_memory', '1kB', '4GB' ], [ 'healthml.model_cache_size', '1', '64MB' ], [ 'healthml.audio_max_seconds', '-1', '60' ],
	[ 'healthml.on_score_error', 'sometimes', 'error' ], [ 'healthml.max_journal_workers', '1000', '1' ], [ 'healthml.max_memory', 'much', '1GB' ])
{
	my ($name, $wrong, $right) = @$setting;

	next if $name =~ /audio/ && scalar_of($node, qq{SELECT algorithm FROM algorithms() LIMIT 1; SELECT count(*) FROM pg_settings WHERE name = '$name'}) =~ /0$/;
	fails_with($node, "SET $name = '$wrong'; SELECT score(p, 'm') FROM p LIMIT 1", '22023', qr/parameter "$name"/, "$name = $wrong");
	($status) = $node->psql('postgres', "SET $name = '$right'; SELECT score(p, 'm') FROM p LIMIT 1");
	is($status, 0, "$name = $right");
	($status) = $node->psql('postgres', "SET $name = '$wrong'; SELECT score(p, 'm') FROM p LIMIT 1; SET $name = '$right'; SELECT score(p, 'm') FROM p LIMIT 1", on_error_stop => 0);
	is($status, 0, "$name: the session goes on");
}

# ---- workers of trainings ----

$node->safe_psql('postgres', q{CREATE TABLE slow AS SELECT i AS a, i * 7 % 31 AS b FROM generate_series(1, 2000) i});
my @sessions;
for my $i (1 .. 5)
{
	my $session = Session->new($node);
	$session->tell(qq{SELECT version FROM train('w$i', 'isolation_forest', 'SELECT a, b, CASE WHEN a < 20 OR a > 1990 THEN pg_sleep(0.02 + (a > 1990)::int * 0.3)::text END AS z FROM public.slow ORDER BY a', '{a,b}')});
	push @sessions, $session;
}
my $most = 0;
# Until all are done, however long that takes.
while (scalar_of($node, q{SELECT count(*) < 5 FROM training_run WHERE model ~ '^w' AND status IN ('succeeded', 'failed')}) eq 't')
{
	my $now = scalar_of($node, q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'healthml journal'});
	$most = $now if $now > $most;
	select undef, undef, undef, 0.1;
}
cmp_ok($most, '<=', 2, 'two trainings have a worker');
cmp_ok($most, '>=', 1, 'at least one has');
$_->answer for @sessions;
$_->end for @sessions;
is(scalar_of($node, q{SELECT count(*) FROM training_run WHERE model ~ '^w' AND status = 'succeeded'}), 5, 'the journal has all of them');

$node->stop;
done_testing();
