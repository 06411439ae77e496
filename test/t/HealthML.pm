# HealthML.pm
#	  What the tests on clusters share: a PostgreSQL::Test::Cluster with healthml in it.
#
# A test is test/t/NNN_name.pl; 'make test-tap TESTS=test/t/NNN_name.pl' runs one.

package HealthML;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(new_cluster backend_threads scalar_of fails_with soon wait_for);

# A started cluster whose database postgres has healthml and finds it without the schema's name.
#   replicas => 1	allow streaming
#   settings => '…'	lines for postgresql.conf
sub new_cluster
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(allows_streaming => $options{replicas} // 0);
	$node->append_conf('postgresql.conf', "search_path = 'public, healthml'\n");
	$node->append_conf('postgresql.conf', $options{settings}) if $options{settings};
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION healthml');
	return $node;
}

# The value of the only row and column that the last statement returns; dies when one fails.
sub scalar_of
{
	my ($node, $sql) = @_;
	return $node->safe_psql('postgres', $sql);
}

# How many threads the backend has that runs these statements, counted after them.
sub backend_threads
{
	my ($node, $sql) = @_;
	my $output =
	  scalar_of($node, "$sql;\nSELECT 'threads:' || count(*) FROM pg_ls_dir('/proc/self/task')");

	return $output =~ /threads:(\d+)$/ ? $1 : undef;
}

# One test: the statements fail with this SQLSTATE and a message like this.
sub fails_with
{
	my ($node, $sql, $sqlstate, $pattern, $name) = @_;
	my ($status, undef, $stderr) =
	  $node->psql('postgres', "\\set VERBOSITY verbose\n$sql", on_error_stop => 1);

	return
		 ok($status != 0, "$name: fails")
	  && like($stderr, qr/ERROR:  \Q$sqlstate\E:/, "$name: SQLSTATE $sqlstate")
	  && like($stderr, $pattern, "$name: message");
}

# Whether 'seconds', a function that makes an attempt and returns how long it took, stays below a bound.  Other processes
# may keep the machine busy, so the best of several attempts counts; a promise that is broken is broken in all of them.
sub soon
{
	my ($seconds, $bound, $name) = @_;
	my $best = 1e9;

	for (my $try = 1; $try <= 10 && $best >= $bound; $try++)
	{
		my $took = $seconds->();
		$best = $took if $took < $best;
	}
	return cmp_ok($best, '<', $bound, $name);
}

# Wait until a query returns true; one test that fails after PostgreSQL::Test's usual timeout.
sub wait_for
{
	my ($node, $query, $name) = @_;
	return ok($node->poll_query_until('postgres', $query), $name);
}

1;
