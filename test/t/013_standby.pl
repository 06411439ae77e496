# A streaming replica scores as the primary does, follows its promotions, and says that it cannot train.

use strict;
use warnings;

use HealthML;
use PostgreSQL::Test::Cluster;
use Test::More;

my $primary = new_cluster('primary', replicas => 1);
$primary->safe_psql('postgres', q{
	CREATE TABLE t AS SELECT i % 50 AS a, i * 7 % 31 AS b FROM generate_series(1, 1000) i;
	SELECT train('m', 'isolation_forest', 't', params => '{"n_estimators": 30}');
	SELECT train('m', 'isolation_forest', 't', params => '{"n_estimators": 40}');
});
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

my $scores = q{SELECT md5(string_agg(float8send(score(t, 'm'))::text, ',' ORDER BY a, b)) FROM t};
sub caught_up
{
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
	return scalar_of($standby, $_[0]);
}

is(caught_up($scores), scalar_of($primary, $scores), 'the replica scores as the primary does');
is(scalar_of($standby, q{SELECT count(*) FROM shap_explain(ARRAY[1, 2], 'm')}), '2', 'it explains');
like(scalar_of($standby, q{SELECT explain_text(ARRAY[1, 2], 'm')}), qr/unusual/, 'in words, too');
$primary->safe_psql('postgres', q{SELECT promote('m', 2)});
is(caught_up(q{SELECT (assess(ARRAY[1, 2], 'm')).version}), '2', 'a promotion reaches it');
fails_with($standby, q{SELECT train('m', 'isolation_forest', 'no_such_table')}, '25006',
	qr/cannot execute healthml\.train\(\) during recovery/, 'training on a replica');
fails_with($standby, q{SELECT import_model('m', '\x00')}, '25006', qr/during recovery/, 'importing on a replica');
fails_with($standby, q{SELECT promote('m', 1)}, '25006', qr/read-only transaction/, 'promoting on a replica');

$standby->promote;
is(scalar_of($standby, q{SELECT version FROM train('m', 'isolation_forest', 't')}), '3', 'a promoted replica trains');

$standby->stop;
$primary->stop;
done_testing();
