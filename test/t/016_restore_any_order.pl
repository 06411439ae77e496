# A dump restores in any order: parallel, data only, by section, by schema, with triggers off; so does a subscription.
#
# HEALTHML_RESTORES is how often each is tried; make test-deep tries 20 times.

use strict;
use warnings;

use HealthML;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $times = $ENV{HEALTHML_RESTORES} // 2;
my $node = new_cluster('any_order', replicas => 1, settings => "wal_level = logical\nfsync = off\nmax_worker_processes = 16\nmax_wal_senders = 10\nmax_replication_slots = 10\n");

$node->safe_psql('postgres', q{
	CREATE TABLE public.t AS SELECT i % 50 AS a, i * 7 % 31 AS b, i % 10 = 0 AS ill FROM generate_series(1, 400) i;
	SELECT train('m', 'isolation_forest', 't', '{a,b}', 'ill', '{"n_estimators": 5}') FROM generate_series(1, 100);
	SELECT train('m' || i, 'isolation_forest', 't', '{a,b}', 'ill', '{"n_estimators": 5}') FROM generate_series(1, 100) i;
	SELECT train('net', 'mlp', 't', '{a,b}', 'ill', '{"epochs": 2}');
	SELECT promote('m', 7), promote('m', 9), rollback('m'), set_alias('m', 'challenger', 3);
	SELECT set_alias('heart_sound', 'first', 1);
	SELECT batch_predict('m', 't', 'a', 1), batch_predict('net', 't', 'a');
	SELECT record_outcome(i, i % 2 = 0) FROM generate_series(1, 100) i;
	CREATE SCHEMA aaa;
	CREATE TABLE aaa.checked (a float8, b float8, CHECK (score(ARRAY[a, b], 'm') < 1), CHECK ((assess(ARRAY[a, b], 'm')).score < 1));
	INSERT INTO aaa.checked SELECT a, b FROM t LIMIT 50;
	CREATE TABLE aaa.scored AS SELECT t.*, score(t, 'm') AS s FROM t;
	CREATE TABLE public.scored AS SELECT * FROM aaa.scored;
	CREATE ROLE somebody; SELECT federated_join('f', 'SELECT a, ill FROM public.t', 'ill', 'somebody', 'pg_catalog');
	SELECT federated_create('g', features => '{a,b}');
});

# Checksum of all tables of the extension, row by row; scores.
sub facts
{
	my ($database) = @_;
	my $tables = $node->safe_psql($database, q{SELECT string_agg(format('SELECT %L AS name, count(*) AS n, md5(string_agg(md5(x::text), '''' ORDER BY x::text)) AS sum FROM %s x', c.oid::regclass, c.oid::regclass), ' UNION ALL ')
		FROM pg_class c WHERE c.relnamespace = 'healthml'::regnamespace AND c.relkind = 'r'});
	return $node->safe_psql($database, "SELECT * FROM ($tables) x ORDER BY name")
	  . $node->safe_psql($database, q{SELECT count(*), count(*) FILTER (WHERE healthml.score(x, 'm') = s) FROM aaa.scored x;
		SELECT md5(string_agg(healthml.score(x, 'net')::text, ',' ORDER BY a, b)) FROM public.scored x;
		SELECT count(*) FROM healthml.check_registry(); SELECT count(*) FROM aaa.checked});
}

my $before = facts('postgres');
my $dir = $node->basedir;
my $n = 0;

sub fresh
{
	my ($name, @sql) = @_;
	my $database = "r$n";

	$n++;
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0");
	$node->safe_psql($database, $_) for @sql;
	return $database;
}

# Run a command quietly; true when it succeeded, with nothing lost.
sub quiet
{
	my (@command) = @_;
	my ($out, $err) = ('', '');
	my $ok = IPC::Run::run(\@command, '>', \$out, '2>', \$err);

	diag("@command\n$err") if !$ok;
	return $ok;
}

sub check
{
	my ($name, $prepare, @commands) = @_;

	for my $time (1 .. $times)
	{
		my $database = fresh($name, @$prepare);
		my $ok = 1;

		for my $command (@commands)
		{
			my @words = map { $_ eq 'DB' ? $node->connstr($database) : $_ } @$command;
			$ok = quiet(@words) && $ok;
		}
		ok($ok, "$name, $time: restore");
		is(facts($database), $before, "$name, $time: all rows and scores");
		$node->safe_psql('postgres', "DROP DATABASE $database");
	}
}

my $source = $node->connstr('postgres');
quiet('pg_dump', '-Fc', '-f', "$dir/c.dump", '-d', $source) or die;
quiet('pg_dump', '-Fd', '-j', 2, '-f', "$dir/d.dump", '-d', $source) or die;
quiet('pg_dump', '--data-only', '-f', "$dir/data.sql", '-d', $source) or die;
quiet('pg_dump', '--data-only', '--disable-triggers', '-f', "$dir/quiet.sql", '-d', $source) or die;
quiet('pg_dump', '--schema-only', '-f', "$dir/schema.sql", '-d', $source) or die;

check('parallel, custom', [], [ 'pg_restore', '--exit-on-error', '-j', 4, '-d', 'DB', "$dir/c.dump" ]);
check('parallel, directory', [], [ 'pg_restore', '--exit-on-error', '-j', 4, '-d', 'DB', "$dir/d.dump" ]);
check('one transaction', [], [ 'pg_restore', '-1', '-d', 'DB', "$dir/c.dump" ]);
check('sections', [], map { [ 'pg_restore', '--exit-on-error', '-j', 4, "--section=$_", '-d', 'DB', "$dir/d.dump" ] } qw(pre-data data post-data));
check('schema by schema', [], [ 'pg_restore', '--exit-on-error', '--section=pre-data', '-d', 'DB', "$dir/c.dump" ],
	map { [ 'pg_restore', '--exit-on-error', '--section=data', '-n', $_, '-j', 4, '-d', 'DB', "$dir/c.dump" ] } qw(aaa public healthml));
my @psql = ('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', 'DB', '-f');
check('data only', [], [ @psql, "$dir/schema.sql" ], [ @psql, "$dir/data.sql" ]);
check('data only, triggers off', [], [ @psql, "$dir/schema.sql" ], [ @psql, "$dir/quiet.sql" ]);
check('data only, parallel, triggers off', [], [ @psql, "$dir/schema.sql" ],
	[ 'pg_restore', '--exit-on-error', '--data-only', '--disable-triggers', '-j', 4, '-d', 'DB', "$dir/c.dump" ]);

# A subscription copies whole tables, with the rows of bundled models that are there on both sides.
my $subscriber = fresh('subscriber');
quiet('psql', '-Xq', '-d', $node->connstr($subscriber), '-f', "$dir/schema.sql");
$node->safe_psql('postgres', q{CREATE PUBLICATION everything FOR ALL TABLES; SELECT pg_create_logical_replication_slot('s', 'pgoutput')});
$node->safe_psql($subscriber, "CREATE SUBSCRIPTION s CONNECTION '" . $source =~ s/'/''/gr . "' PUBLICATION everything WITH (create_slot = false, slot_name = 's')");
$node->poll_query_until($subscriber, q{SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel});
is(facts($subscriber), $before, 'a subscription: the copy');
$node->safe_psql('postgres', q{SELECT train('m', 'isolation_forest', 't', '{a,b}', 'ill', '{"n_estimators": 5}'), promote('m', 101); SELECT drop_model('m5'); SELECT batch_predict('m', 't', 'a')});
$node->wait_for_catchup('s');
is(facts($subscriber), facts('postgres'), 'a subscription: what follows');
$node->safe_psql($subscriber, 'ALTER SUBSCRIPTION s DISABLE; ALTER SUBSCRIPTION s SET (slot_name = NONE); DROP SUBSCRIPTION s');

$node->stop;
done_testing();
