# What applications send through a driver: the extended protocol with untyped and typed parameters, through DBD::Pg.

use strict;
use warnings;

use HealthML;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'DBD::Pg is not installed (Debian: libdbd-pg-perl)' unless eval { require DBI; require DBD::Pg; 1 };

my $node = new_cluster('applications');

$node->safe_psql('postgres', <<'SQL');
CREATE DATABASE clinic;
CREATE ROLE app LOGIN;
CREATE ROLE scientist LOGIN;
SQL
$node->safe_psql('clinic', <<'SQL');
SET search_path = public;
CREATE EXTENSION healthml;
CREATE TABLE patients AS SELECT * FROM healthml.synthetic_patients(300);
SELECT healthml.train('heart', 'isolation_forest', 'patients', target => 'heart_disease', features => '{age,male,vessels}');
SELECT healthml.grant_role('app', 'scorer'), healthml.grant_role('scientist', 'trainer');
GRANT SELECT ON patients TO scientist;
CREATE TABLE seen (patient int, risk healthml.risk_level);
GRANT ALL ON seen TO app;
SQL

# An application's connection: its own path, prepared statements on the server.
my $dbh = DBI->connect($node->connstr('clinic') =~ s/^/dbi:Pg:/r =~ s/ /;/gr =~ s/'//gr,
	'app', '', { RaiseError => 0, PrintError => 0, pg_server_prepare => 1, pg_switch_prepared => 1 }) or die DBI->errstr;
$dbh->do('SET search_path = public');
$dbh->do('SET client_min_messages = warning');

# The value of the first row and column, or the SQLSTATE; each parameter a value, or [value, type].
sub value
{
	my ($sql, @parameters) = @_;
	my $statement = $dbh->prepare($sql) or return $dbh->state;

	for my $i (1 .. @parameters)
	{
		my ($value, $type) = ref $parameters[ $i - 1 ] ? @{ $parameters[ $i - 1 ] } : ($parameters[ $i - 1 ]);
		$statement->bind_param($i, $value, $type ? { pg_type => $type } : undef);
	}
	$statement->execute or return $dbh->state;
	return ($statement->fetchrow_array)[0];
}

my $features = '{"age": 63, "male": true, "vessels": 2}';
my $score = value('SELECT healthml.score($1::jsonb, $2)', $features, 'heart');
like($score, qr/^0\.\d+$/, 'a score');

# Types as drivers send them: untyped (psycopg 3, libpq), text and varchar (pgx, pgjdbc), json and jsonb (psycopg's Json, asyncpg).
my %types = (untyped => undef, text => DBD::Pg::PG_TEXT(), varchar => DBD::Pg::PG_VARCHAR(), json => DBD::Pg::PG_JSON(), jsonb => DBD::Pg::PG_JSONB());
for my $type (sort keys %types)
{
	is(value('SELECT healthml.score($1, $2)', [ $features, $types{$type} ], [ 'heart', $type =~ /json|untyped/ ? undef : $types{$type} ]), $score, "an object as $type");
	is(value('SELECT healthml.score(?, ?)', [ '[63, true, 2]', $types{$type} ], 'heart'), $score, "an array as $type");
	is(value('SELECT (healthml.assess($1, $2)).score', [ $features, $types{$type} ], 'heart'), $score, "assess $type");
	like(value('SELECT healthml.explain_text($1, $2)', [ $features, $types{$type} ], 'heart'), qr/\w/, "explain_text $type");
	is(value('SELECT count(*) FROM healthml.shap_explain($1, $2, $3)', [ $features, $types{$type} ], 'heart', 2), 2, "shap_explain $type");
	is(value('SELECT count(*) FROM healthml.shap_explain($1, $2, $3)', [ $features, $types{$type} ], 'heart', [ 2, DBD::Pg::PG_INT8() ]), 2, "top as a long, $type");
}
is(value('SELECT healthml.score($1, $2)', [ '{63,1,2}', DBD::Pg::PG_FLOAT8ARRAY() ], 'heart'), $score, 'an array of numbers');
is(value('SELECT healthml.score($1, $2)', '{63,1,2}', 'heart'), $score, 'an array literal without a type');
is(value('SELECT healthml.score($1, $2)', undef, 'heart'), undef, 'no features');
my $artifact = value('SELECT artifact_id FROM healthml.versions WHERE model = $1', 'heart');
is(value('SELECT healthml.score($1, $2)', $features, $artifact), $score, 'an artifact id without a type');
is(value('SELECT healthml.score($1, $2)', $features, [ $artifact, DBD::Pg::PG_UUID() ]), $score, 'or as a uuid') if DBD::Pg->can('PG_UUID');
is(value('SELECT healthml.score($1, $2::uuid)', $features, $artifact), $score, 'or cast');

# Errors of data are no typos.
my %wrong = ('{"age": 63}' => '2203A', '{"age": "x", "male": true, "vessels": 2}' => '2203G', '[1]' => '2202E', 'x' => '22P02', '{63,1,Infinity}' => '22000');
is(value('SELECT healthml.score($1, $2)', $_, 'heart'), $wrong{$_}, "SQLSTATE of $_") for sort keys %wrong;
is(value('SELECT healthml.score($1, $2)', $features, 'nobody'), '42704', 'a model that does not exist');

# A text into a column of risks, and a comparison that keeps the order.
ok($dbh->prepare('INSERT INTO seen VALUES ($1, $2)')->execute(1, 'high'), 'a risk without a type');
my $insert = $dbh->prepare('INSERT INTO seen VALUES ($1, $2)');
$insert->bind_param(2, 'low', { pg_type => DBD::Pg::PG_TEXT() });
$insert->bind_param(1, 2);
ok($insert->execute, 'a risk as text') or diag($dbh->errstr);
is(value('SELECT patient FROM seen WHERE risk >= $1::healthml.risk_level', 'medium'), 1, 'risks are ordered');
is(value('SELECT count(*) FROM seen WHERE risk = $1', [ 'high', DBD::Pg::PG_TEXT() ]), '42883', 'and not compared as text');

# The same statement many times: prepared on the server, a generic plan, and a promotion in between.
my $statement = $dbh->prepare('SELECT healthml.score($1, $2)');
my %scores;
for my $i (1 .. 20)
{
	$node->safe_psql('clinic', q{SELECT healthml.train('heart', 'isolation_forest', 'patients', target => 'heart_disease', features => '{age,male,vessels}',
		params => '{"seed": 7}'); SELECT healthml.promote('heart', 2)}) if $i == 11;
	$statement->execute($features, 'heart') or die $dbh->errstr;
	$scores{ ($statement->fetchrow_array)[0] }++;
}
is_deeply([ sort values %scores ], [ 10, 10 ], 'a prepared statement sees a promotion');

# The page's own snippet.
my ($snippet) = do { local (@ARGV, $/) = ('docs/how-to-applications.md'); <> =~ /```perl\n(.*?)```/s };
my @found = eval "$snippet; (\$score, \$risk)";
is($@, '', 'the snippet of the page runs');
like("@found", qr/^0\.\d+ (low|medium|high)$/, 'and scores');
$dbh->disconnect;

# pg_dump as a trainer
command_ok([ 'pg_dump', @$_, '-f', $node->basedir . '/trainer.sql', '-d', $node->connstr('clinic') . ' user=scientist', '-N', 'public' ], "a trainer dumps: @$_")
	for [], ['-s'];

$node->stop;
done_testing();
