# A dumped and restored database scores bit for bit as before, and goes on where it was.

use strict;
use warnings;

use HealthML;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_cluster('restore');
$node->safe_psql('postgres', q{
	CREATE TABLE public.t AS SELECT i % 50 AS a, i * 7 % 31 AS b, i % 10 = 0 AS ill, 'w' || i % 4 AS ward FROM generate_series(1, 1000) i;
	SELECT train('m', 'isolation_forest', 't', '{a,b,ward}', 'ill', '{"n_estimators": 30}');
	SELECT train('m', 'isolation_forest', 't', '{a,b,ward}', 'ill', '{"n_estimators": 40}');
	SELECT train('m', 'isolation_forest', 't', '{a,b,ward}', 'ill', '{"n_estimators": 50}');
	SELECT promote('m', 2), promote('m', 3), rollback('m'), set_alias('m', 'challenger', 3);
	SELECT train('long', 'isolation_forest', 't', params => '{"n_estimators": 3000}');
	CREATE TABLE public.sounds AS SELECT i % 2 = 0 AS ill, synthetic_heart_sound(5, 60 + i, CASE i % 2 WHEN 0 THEN 'systolic' ELSE 'none' END, 0.01, i) AS audio
		FROM generate_series(1, 12) i;
	SELECT train('heart_sound', 'heart_sound_cnn', 'sounds', target => 'ill', params => '{"epochs": 1}');
	SELECT promote('heart_sound', 2), set_alias('heart_sound', 'first', 1);
	INSERT INTO feature_dictionary (feature, label) VALUES ('a', 'alpha');
	CREATE TABLE public.scored AS SELECT t.*, score(t, 'm') AS s FROM t;
});

my @facts = (
	q{SELECT md5(string_agg(float8send(s)::text, ',' ORDER BY a, b, ward)) FROM (SELECT t.*, healthml.score(t, 'm') AS s FROM public.t) x},
	q{SELECT count(*) FROM public.scored WHERE healthml.score(scored, 'm') = s},
	q{SELECT string_agg((healthml.heart_sound_classify(audio, m))::text, E'\n' ORDER BY m, audio) FROM public.sounds, unnest('{heart_sound,heart_sound@first}'::text[]) m},
	q{SELECT string_agg(x::text, E'\n' ORDER BY x::text) FROM healthml.models x},
	q{SELECT string_agg(x::text, E'\n' ORDER BY x::text) FROM healthml.versions x},
	q{SELECT string_agg(x::text, E'\n' ORDER BY x::text) FROM healthml.alias_history x},
	q{SELECT string_agg(x::text, E'\n' ORDER BY x::text) FROM healthml.model_alias x},
	q{SELECT string_agg(x::text, E'\n' ORDER BY x::text) FROM healthml.training_run x},
	q{SELECT string_agg(x::text, E'\n' ORDER BY x::text) FROM healthml.feature_dictionary x},
	q{SELECT healthml.explain_text(t, 'm@challenger') FROM public.t WHERE a = 7 ORDER BY b LIMIT 1});

sub facts
{
	my ($database) = @_;
	return [ map { $node->safe_psql($database, $_) } @facts ];
}

my $before = facts('postgres');
my $dir = $node->basedir;
my $connection = $node->connstr('postgres');

for my $kind ([ 'plain' => '-Fp' ], [ 'custom' => '-Fc' ], [ 'inserts' => '-Fp', '--inserts' ])
{
	my ($name, @options) = @$kind;
	my $file = "$dir/$name.dump";

	$node->command_ok([ 'pg_dump', @options, '-f', $file, '-d', $connection ], "$name: dump");
	$node->safe_psql('postgres', "CREATE DATABASE restored_$name");
	if ($name eq 'custom')
	{
		$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr("restored_$name"), $file ], "$name: restore");
	}
	else
	{
		$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr("restored_$name"), '-f', $file ],
			"$name: restore");
	}
	is_deeply(facts("restored_$name"), $before, "$name: everything is as it was");
	is($node->safe_psql("restored_$name",
			q{SELECT version FROM healthml.train('m', 'isolation_forest', 't', '{a,b,ward}', 'ill', '{"n_estimators": 2}');
			SELECT healthml.rollback('m'); SELECT max(history_id) FROM healthml.alias_history}),
		"4\n1\n9", "$name: numbers and history go on");
}

# A generated column in a schema that is dumped before healthml: models first, as docs/how-to-operate.md says.
my $artifact = scalar_of($node, q{SELECT artifact_id FROM model_info('long')});
$node->safe_psql('postgres', qq{
	CREATE SCHEMA before_healthml;
	CREATE TABLE before_healthml.generated (a float8, b float8, s float8 GENERATED ALWAYS AS (score(ARRAY[a, b, 0], '$artifact'::uuid)) STORED);
	CREATE INDEX ON before_healthml.generated (score(ARRAY[b, a, 0], '$artifact'::uuid));
	INSERT INTO before_healthml.generated VALUES (1, 2), (3, 4);
	CREATE DATABASE restored_in_steps});
command_ok([ 'pg_dump', '-Fc', '-f', "$dir/steps.dump", '-d', $connection ], 'dump with a generated column');
for my $step ([ 'pre-data' ], [ 'data', '-n', 'healthml' ], [ 'data', '-N', 'healthml', '-j', 2 ], [ 'post-data', '-j', 2 ])
{
	my ($section, @options) = @$step;
	$node->command_ok([ 'pg_restore', '--exit-on-error', "--section=$section", @options, '-d', $node->connstr('restored_in_steps'), "$dir/steps.dump" ],
		"restore: @$step");
}
is($node->safe_psql('restored_in_steps', 'SELECT * FROM before_healthml.generated'), scalar_of($node, 'SELECT * FROM before_healthml.generated'), 'generated columns are as they were');

# A model that took the name of the shipped one; one that was dropped comes back, as docs/how-to-operate.md says.
for my $kind ([ 'replaced' => q{SELECT train('heart_sound', 'heart_sound_cnn', $$SELECT i % 2 = 0 AS ill, synthetic_heart_sound(5, 60 + i, seed => i) AS audio
		FROM generate_series(1, 12) i$$, target => 'ill', params => '{"epochs": 1}')} ], [ 'dropped' => 'SELECT' ])
{
	my ($name, $then) = @$kind;
	my $models = q{SELECT string_agg(concat_ws(' ', model_id, name, version, artifact_id), E'\n' ORDER BY model_id, version)
		FROM healthml.model JOIN healthml.model_version USING (model_id)};
	my $shipped = $name eq 'dropped' ? scalar_of($node, "$models WHERE model_id < 0 AND version = 1") : '';

	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, qq{CREATE EXTENSION healthml; SET search_path = healthml; SELECT drop_model('heart_sound'); $then});
	$node->command_ok([ 'pg_dump', '-f', "$dir/$name.sql", '-d', $node->connstr($name) ], "$name: dump");
	$node->safe_psql('postgres', "CREATE DATABASE again_$name");
	$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr("again_$name"), '-f', "$dir/$name.sql" ], "$name: restore");
	is($node->safe_psql("again_$name", $models), $node->safe_psql($name, $models) || $shipped, "$name: models are those of the dump");
}

# The whole cluster, as an upgrade would move it.
$node->command_ok([ 'pg_dumpall', '-f', "$dir/all.sql", '-d', $connection ], 'pg_dumpall');

$node->stop;
done_testing();
