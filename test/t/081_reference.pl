# docs/reference.md says what the catalog says, and nothing in it lacks a word.

use strict;
use warnings;

use HealthML;
use IPC::Run;
use Test::More;

my $node = new_cluster('reference');
my ($made, $errors) = ('', '');

IPC::Run::run([ 'scripts/reference', $node->connstr('postgres') ], '>', \$made, '2>', \$errors);
is($errors, '', 'scripts/reference knows in which chapter everything belongs');

my $page = do { local (@ARGV, $/) = ('docs/reference.md'); <> };
ok($page eq $made, 'docs/reference.md is up to date')
  or diag('Run "make reference". Lines that differ: ', difference($page, $made));
is(scalar_of($node, q{SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace AND nspname = 'healthml'
	WHERE coalesce(obj_description(p.oid, 'pg_proc'), '') = ''}), '0', 'every function has a COMMENT');
is(scalar_of($node, q{SELECT count(*) FROM healthml.algorithms() a, healthml.algorithm_parameters(a.algorithm) p
	WHERE coalesce(p.description, '') = ''}), '0', 'every parameter has a description');
is(scalar_of($node, q{SELECT count(*) FROM healthml.network_operators() o, healthml.network_operator_attributes(o.operator) a
	WHERE coalesce(o.description, '') = '' OR coalesce(a.description, '') = ''}), '0', 'every operator and attribute has one');
is(scalar_of($node, q{SELECT count(*) FROM (SELECT a.algorithm, p.parameter FROM healthml.algorithms() a,
	healthml.algorithm_parameters(a.algorithm) p GROUP BY 1, 2 HAVING count(*) > 1) twice}), '0', 'no parameter is listed twice');
fails_with($node, q{SELECT * FROM network_operator_attributes('no_such')}, '42704', qr/operator "no_such" does not exist/, 'an unknown operator');

# Lines of the second text that the first one lacks.
sub difference
{
	my ($old, $new) = @_;
	my %have = map { $_ => 1 } split /\n/, $old;

	return join "\n", '', grep { !$have{$_} } split /\n/, $new;
}

$node->stop;
done_testing();
