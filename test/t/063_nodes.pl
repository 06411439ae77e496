# Models are the same on several servers: three clusters, of which one has the models and the others rows.

use strict;
use warnings;

use HealthML;
use Test::More;

my $hub = new_cluster('hub');
my @nodes = map { new_cluster($_) } qw(east west);

$hub->safe_psql('postgres', 'CREATE EXTENSION dblink; CREATE EXTENSION postgres_fdw; CREATE TABLE p (patient_id int, age float8, vessels float8) PARTITION BY HASH (patient_id)');
for my $i (0, 1)
{
	my $node = $nodes[$i];
	my ($name, $host, $port) = ($node->name, $node->host, $node->port);

	$node->safe_psql('postgres', 'CREATE TABLE p (patient_id int, age float8, vessels float8)');
	$hub->safe_psql('postgres', "CREATE SERVER $name FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres', extensions 'healthml');
		CREATE USER MAPPING FOR CURRENT_USER SERVER $name;
		CREATE FOREIGN TABLE p_$name PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER $i) SERVER $name OPTIONS (table_name 'p')");
}
$hub->safe_psql('postgres', q{
	INSERT INTO p SELECT patient_id, age, vessels FROM synthetic_patients(400);
	CREATE TABLE here AS SELECT * FROM p;
	SELECT train('m', 'isolation_forest', 'here', '{age,vessels}', params => format('{"n_estimators": 20, "seed": %s}', s)::jsonb) FROM generate_series(1, 3) s;
	SELECT promote('m', 2), set_alias('m', 'challenger', 3); SELECT drop_version('m', 1)});

my $score = "round(sum(score(ARRAY[age, vessels], (SELECT artifact_of('m'))))::numeric, 9)";
isnt($hub->psql('postgres', "SELECT count(*) FROM p WHERE score(ARRAY[age, vessels], (SELECT artifact_of('m'))) > 0"), 0, 'a server without the artifact raises an error');
is(scalar_of($hub, "SELECT DISTINCT state FROM node_models() WHERE model = 'm'"), 'missing', 'it lacks all versions');
is(scalar_of($hub, "SELECT * FROM distribute_models('{m}')"), "east|2|2\nwest|2|2", 'two versions and two aliases go to each');
is(scalar_of($hub, "SELECT * FROM distribute_models()"), "east|0|0\nwest|0|0", 'nothing goes twice');
is(scalar_of($hub, 'SELECT DISTINCT state FROM node_models()'), 'same', 'all are the same');
is(scalar_of($nodes[0], "SELECT string_agg(format('%s %s', version, aliases), ',' ORDER BY version) FROM versions WHERE model = 'm'"),
	'2 {champion},3 {challenger}', 'with their numbers and aliases');
is(scalar_of($hub, "SELECT $score FROM p"), scalar_of($hub, "SELECT $score FROM here"), 'scores of rows elsewhere are those of rows here');
like(scalar_of($hub, "EXPLAIN (VERBOSE, COSTS OFF) SELECT count(*) FROM p WHERE score(ARRAY[age, vessels], (SELECT artifact_of('m'))) > 0.5"),
	qr/Remote SQL: .*healthml\.score/, 'they are computed there');

$hub->safe_psql('postgres', "SELECT promote('m', 3), drop_alias('m', 'challenger')");
$nodes[1]->safe_psql('postgres', "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''not now''; END'; CREATE TRIGGER no BEFORE UPDATE ON model_alias FOR EACH ROW EXECUTE FUNCTION no()");
fails_with($hub, 'SELECT distribute_models()', '08006', qr/server "west": not now/, 'one server refuses');
is(scalar_of($nodes[0], "SELECT version FROM resolve_model('m')"), 2, 'so no other has the new champion');
is(scalar_of($hub, "SELECT node, state, count(*) FROM node_models() WHERE model = 'm' GROUP BY 1, 2 ORDER BY 1"),
	"east|aliases differ|2\nwest|aliases differ|2", 'which node_models shows');
$nodes[1]->safe_psql('postgres', 'DROP TRIGGER no ON model_alias');
is(scalar_of($hub, 'SELECT * FROM distribute_models()'), "east|0|2\nwest|0|2", 'and then all have it');

$nodes[1]->safe_psql('postgres', "SELECT train('own', 'isolation_forest', 'p', '{age}', params => '{\"n_estimators\": 5}')");
$hub->safe_psql('postgres', "SELECT train('own', 'isolation_forest', 'here', '{age}', params => '{\"n_estimators\": 6}')");
fails_with($hub, "SELECT distribute_models('{own}')", '55000', qr/server "west" has another artifact as version 1 of model "own"/, 'another model of the same name');
is(scalar_of($nodes[0], "SELECT count(*) FROM models WHERE model = 'own'"), 0, 'nothing was sent');
is(scalar_of($hub, "SELECT string_agg(state, ' ' ORDER BY node) FROM node_models() WHERE model = 'own'"), 'missing different', 'which node_models shows, too');

$nodes[0]->stop;
like(scalar_of($hub, "SELECT state FROM node_models() WHERE node = 'east'"), qr/^server "east": /, 'a server that is down says so');
fails_with($hub, "SELECT distribute_models(servers => '{nowhere}')", '42704', qr/server "nowhere" does not exist/, 'an unknown server');

done_testing();
