# A schema that somebody else has prepared is refused, before any name is looked up in it.

use strict;
use warnings;

use HealthML;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('install');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE mallory; CREATE ROLE admin SUPERUSER');

# Each case: what is prepared, and the message.
my @cases = (
	[ 'of another role' => q{SET ROLE mallory; CREATE SCHEMA healthml}, qr/schema "healthml" belongs to role "mallory"/ ],
	[ 'with a planted view' => q{SET ROLE mallory; CREATE SCHEMA healthml;
		CREATE FUNCTION healthml.evil() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'run by %', current_user; END $$;
		CREATE VIEW healthml.shipped AS SELECT -1 AS model_id, healthml.evil() AS name}, qr/belongs to role "mallory"/ ],
	[ 'given away' => q{CREATE SCHEMA healthml; GRANT CREATE ON SCHEMA healthml TO mallory}, qr/role "mallory" may create objects in schema "healthml"/ ],
	[ 'with a table' => q{CREATE SCHEMA healthml; CREATE TABLE healthml.mine ()}, qr/schema "healthml" is not empty: it holds .*mine/ ],
	[ 'with a function' => q{CREATE SCHEMA healthml; CREATE FUNCTION healthml.btrim(text) RETURNS text LANGUAGE sql AS 'SELECT 1::text'}, qr/is not empty: it holds function/ ],
	[ 'with an operator' => q{CREATE SCHEMA healthml; CREATE OPERATOR healthml.= (FUNCTION = texteq, LEFTARG = text, RIGHTARG = text)}, qr/is not empty: it holds operator/ ]);
for my $case (@cases)
{
	my ($name, $prepare, $pattern) = @$case;
	my $database = 'd' . $name =~ s/\W/_/gr;

	$node->safe_psql('postgres', "CREATE DATABASE $database; GRANT CREATE ON DATABASE $database TO mallory");
	$node->safe_psql($database, $prepare);
	my ($status, undef, $err) = $node->psql($database, 'CREATE EXTENSION healthml');
	ok($status != 0, "$name: refused");
	like($err, $pattern, "$name: message");
	is($node->safe_psql($database, q{SELECT count(*) FROM pg_extension WHERE extname = 'healthml'}), '0', "$name: nothing is installed");
}

# What is clean: an empty schema of a superuser, as a dump makes it, and what DROP EXTENSION leaves.
$node->safe_psql('postgres', 'CREATE SCHEMA healthml AUTHORIZATION admin; CREATE EXTENSION healthml; DROP EXTENSION healthml; CREATE EXTENSION healthml');
is($node->safe_psql('postgres', q{SELECT count(*) FROM healthml.models}), '1', 'an empty schema of a superuser is taken');

# Whatever lies on the installer's search_path is not found.
$node->safe_psql('postgres', q{CREATE DATABASE trap});
$node->safe_psql('trap', q{
	CREATE FUNCTION public.pwn(integer, float8) RETURNS float8 LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'captured'; END $$;
	CREATE OPERATOR public.* (LEFTARG = integer, RIGHTARG = float8, FUNCTION = public.pwn);
	CREATE EXTENSION healthml});
is($node->safe_psql('trap', q{SET search_path = public, healthml; SELECT healthml.synthetic_normal(1, 2, 42) IS NOT NULL}), 't',
	'an operator of public is not called');

$node->stop;
done_testing();
