# What the coordinator's role can try on a hospital's server: it reads no row.
#
# One patient has a name and a cholesterol value that appear nowhere else; no output of any attempt may contain them.

use strict;
use warnings;

use HealthML;
use Test::More;

my $node = new_cluster('hospital');
my ($name, $value) = ('Zebulon Quux', '123456.75');

$node->safe_psql('postgres', <<"SQL");
CREATE EXTENSION dblink;
CREATE EXTENSION postgres_fdw;
CREATE ROLE doctor LOGIN;
CREATE ROLE healthml_coordinator LOGIN;
CREATE ROLE stranger LOGIN;
GRANT USAGE ON SCHEMA healthml TO healthml_coordinator, stranger;
SELECT grant_role('doctor', 'trainer');
CREATE SCHEMA ward AUTHORIZATION doctor;
GRANT USAGE ON SCHEMA ward TO PUBLIC;
SET ROLE doctor;
CREATE TABLE ward.patients AS
SELECT CASE i WHEN 7 THEN '$name' ELSE 'patient ' || i END AS name, 20 + i % 60 AS age,
	CASE i WHEN 7 THEN $value ELSE 150 + i * 7 % 100 END::float8 AS cholesterol, i % 3 = 0 AS ill
FROM generate_series(1, 200) i;
CREATE VIEW ward.ill AS SELECT * FROM ward.patients WHERE ill;
CREATE STATISTICS ward.joint (mcv) ON name, age FROM ward.patients;
ANALYZE ward.patients;
SELECT lo_from_bytea(4711, '$name');
SET search_path = ward, healthml;
SELECT healthml.federated_join('f', 'SELECT name, age, cholesterol, ill FROM patients WHERE age > 0', 'ill');
SQL

# An artifact and a summary such as the coordinator may have.
my $begin = q{SELECT healthml.federated_begin('{"hidden_layers": [4]}', ARRAY[healthml.federated_client_summary('f', '{age,cholesterol}')])};
my $artifact = scalar_of($node, $begin);

sub attempt
{
	my ($sql, $role) = @_;
	my (undef, $stdout, $stderr) = $node->psql('postgres', $sql, extra_params => [ '-U', $role // 'healthml_coordinator' ], on_error_stop => 0);

	return "$stdout\n$stderr";
}

# No output contains the patient, in whatever encoding.
sub is_silent
{
	my ($output) = @_;
	my $hex = unpack 'H*', $name;
	my $bits = unpack 'H*', pack 'd>', $value;
	my $reversed = unpack 'H*', pack 'd<', $value;

	return $output !~ /Zebulon|Quux|\Q$value\E|$hex|$bits|$reversed/i;
}

sub refuses
{
	my ($sql, $pattern, $what, $role) = @_;
	my $output = attempt($sql, $role);

	like($output, $pattern, $what);
	ok(is_silent($output), "$what: nothing of the patient") or diag($output);
	return;
}

# What it is there for works, so that the refusals below mean something.
like(attempt(q{SELECT healthml.federated_client_hello('f')}), qr/^\d+\.\d+/, 'the coordinator is known');
my $answers = attempt(q{SELECT encode(healthml.federated_client_summary('f', '{age,cholesterol,name}'), 'hex')});
cmp_ok(length $answers, '>', 100, 'it gets a summary');
ok(is_silent($answers), 'in which the patient does not appear, neither the extreme value nor the rare name');
$answers = attempt("SELECT healthml.federated_client_train('f', '$artifact', '{\"round\": 1}'); SELECT healthml.federated_client_evaluate('f', '$artifact', '{}')");
unlike($answers, qr/ERROR/, 'it gets an update and a tally');
ok(is_silent($answers), 'in which the patient does not appear');

# Reading.
my $denied = qr/permission denied|must be superuser/;
refuses($_, $denied, $_) for (
	'SELECT * FROM ward.patients', 'SELECT count(name) FROM ward.ill', 'TABLE healthml.federation_membership',
	'COPY ward.patients TO STDOUT', 'COPY (SELECT * FROM ward.patients) TO STDOUT',
	q{COPY ward.patients TO PROGRAM 'cat'}, q{CREATE TABLE public.t AS SELECT * FROM ward.patients},
	q{EXPLAIN ANALYZE SELECT * FROM ward.patients}, q{SELECT query_to_xml('SELECT * FROM ward.patients', true, false, '')},
	q{SELECT table_to_xml('ward.patients', true, false, '')}, q{DECLARE c CURSOR WITH HOLD FOR SELECT * FROM ward.patients},
	q{BEGIN; LOCK TABLE ward.patients}, q{SET ROLE doctor}, q{SET SESSION AUTHORIZATION doctor}, q{SET SESSION AUTHORIZATION postgres},
	q{SELECT pg_read_file('PG_VERSION')}, q{SELECT pg_ls_dir('base')}, q{SELECT pg_read_binary_file('base/1/1255')},
	q{SELECT lo_get(4711)}, q{SELECT lo_export(4711, '/tmp/out')}, q{CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'},
	q{CREATE OPERATOR public.> (LEFTARG = int, RIGHTARG = int, FUNCTION = int4gt)}, q{CREATE SCHEMA mine},
	q{CREATE FUNCTION ward.f() RETURNS int LANGUAGE sql AS 'SELECT 1'}, q{CREATE FUNCTION healthml.f() RETURNS int LANGUAGE sql AS 'SELECT 1'},
	q{CREATE EXTENSION file_fdw}, q{CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw}, q{SELECT pg_stat_reset()},
	q{INSERT INTO healthml.federation_membership SELECT 'g', 'ward.patients', 'ill', 'ward', false, 'doctor', 'healthml_coordinator'},
	q{UPDATE healthml.federation_membership SET source = 'x'}, q{SELECT healthml.federated_join('g', 'ward.patients', 'ill')},
	q{SELECT healthml.train('m', 'mlp', 'ward.patients', '{age}', 'ill')}, q{SELECT * FROM healthml.batch_predict('ward.patients', 'm', 'name')},
	q{SELECT * FROM pg_catalog.pg_statistic}, q{SELECT * FROM pg_statistic_ext_data});
refuses(q{SELECT dblink('dbname=postgres user=doctor', 'SELECT * FROM ward.patients')}, qr/password/, 'dblink as another role');
refuses(q{ALTER ROLE healthml_coordinator SUPERUSER}, $denied, 'ALTER ROLE');
refuses(q{GRANT doctor TO healthml_coordinator}, qr/must have admin option|permission denied/, 'GRANT');
refuses(q{LOAD 'auto_explain'}, qr/access to library|permission denied|restricted/, 'LOAD');
refuses(q{SELECT count(*) FROM pg_stats WHERE schemaname = 'ward'; SELECT count(*) FROM pg_stats_ext WHERE schemaname = 'ward'}, qr/^0\n0$/m, 'statistics');

# The functions with other arguments.
my @hostile = ('', "f'; TABLE ward.patients; --", 'f" UNION SELECT * FROM ward.patients', "\\", '$$', 'ward.patients', 'pg_authid', 'x' x 70000, "\t\n");
for my $text (@hostile)
{
	my $what = length $text > 60 ? 'a long text' : $text =~ /\n/ ? 'white space' : "\"$text\"";
	my $literal = $text =~ s/'/''/gr;

	refuses("SELECT healthml.federated_client_hello('$literal')", qr/no federation ".*" is open to role/s, "federation $what");
	refuses("SELECT healthml.federated_client_summary('f', ARRAY['$literal'])", qr/ERROR/, "feature $what");
	refuses("SELECT healthml.federated_client_train('f', '$artifact', jsonb_build_object('label', '$literal'), '{}')", qr/ERROR/, "label $what");
	refuses("SELECT healthml.federated_client_evaluate('f', '$artifact', jsonb_build_object('$literal', 1))", qr/ERROR/, "option $what");
	refuses("SELECT healthml.federated_client_train('f', convert_to('$literal', 'UTF8'))", qr/ERROR/, "artifact $what") if $text !~ /\\/;
}
refuses("SELECT healthml.federated_client_summary('f', ARRAY['$_'])", qr/ERROR/, "feature $_")
  for ('ctid', 'xmin', 'tableoid', 'patients', 'ward.patients', '*', 'age::text', '(SELECT name FROM ward.patients LIMIT 1)', 'row_to_json', 'source');
refuses(q{SELECT healthml.federated_client_summary('f', NULL), healthml.federated_client_train('f', NULL)}, qr/must not be null/, 'nulls');
refuses(q{SELECT healthml.federated_client_hello('f')}, qr/no federation "f" is open to role "stranger"/, 'another role', 'stranger');
refuses(q{SELECT healthml.federated_client_hello('no such')}, qr/no federation "no such" is open to role/, 'a federation that is not there');

# Names that the source uses: its own tables, views, functions and operators in a temporary schema, which by
# itself comes before all others.
my $trap = <<'SQL';
CREATE FUNCTION pg_temp.steal() RETURNS float8 LANGUAGE plpgsql AS $$
BEGIN RAISE WARNING 'stolen by %: %', current_user, (SELECT string_agg(p::text, ' ') FROM ward.patients p); RETURN 1; END $$;
CREATE FUNCTION pg_temp.greater(a int, b int) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_temp.steal(); RETURN true; END $$;
CREATE OPERATOR pg_temp.> (LEFTARG = int, RIGHTARG = int, FUNCTION = pg_temp.greater);
CREATE VIEW pg_temp.patients AS SELECT 'x'::text AS name, i AS age, pg_temp.steal() AS cholesterol, i % 2 = 0 AS ill FROM generate_series(1, 50) i;
SQL
for my $setting ('SELECT 1', 'SET search_path = pg_temp, ward', 'SET standard_conforming_strings = off', 'SET row_security = off',
	'SET client_min_messages = debug5', 'SET transform_null_equals = on')
{
	my $output = attempt("$trap $setting; SELECT octet_length(healthml.federated_client_summary('f', '{age,cholesterol}')) > 100");

	like($output, qr/^t$/m, "traps in pg_temp, $setting: the source is read");
	unlike($output, qr/stolen/, "traps in pg_temp, $setting: and nothing of the caller runs");
	ok(is_silent($output), "traps in pg_temp, $setting: nothing of the patient");
}
fails_with($node, q{SELECT federated_join('g', 'SELECT 1 AS ill', 'ill', search_path => 'pg_temp, ward')}, '22023', qr/must not contain "pg_temp"/, 'a path with pg_temp');

# A schema of the source in which the coordinator may create things, as public was before PostgreSQL 15.
$node->safe_psql('postgres', 'GRANT CREATE ON SCHEMA ward TO PUBLIC');
refuses($trap =~ s/pg_temp/ward/gr . q{SELECT healthml.federated_client_summary('f', '{age,cholesterol}')},
	qr/role "healthml_coordinator" may create objects in schema "ward", where the source of federation "f" looks for names/, 'a writable schema');
$node->safe_psql('postgres', 'REVOKE CREATE ON SCHEMA ward FROM PUBLIC; DROP OPERATOR IF EXISTS ward.> (int, int); DROP FUNCTION IF EXISTS ward.greater(int, int)');

# A source that writes, or that belongs to somebody else.
$node->safe_psql('postgres', q{CREATE TABLE public.log (who name); GRANT ALL ON public.log TO PUBLIC;
	CREATE FUNCTION ward.writes() RETURNS int LANGUAGE sql AS 'INSERT INTO public.log SELECT current_user RETURNING 1';
	SET ROLE doctor; SELECT healthml.federated_join('writing', 'SELECT ward.writes() AS age, ill FROM ward.patients', 'ill')});
refuses(q{SELECT healthml.federated_client_summary('writing', '{age}')}, qr/read-only|cannot execute INSERT/, 'a source that writes');
like(attempt(q{INSERT INTO healthml.federation_membership VALUES ('mine', 'SELECT * FROM pg_authid', 'rolsuper', '', false, 'postgres', 'doctor')}, 'doctor'),
	qr/role "doctor" cannot join a federation in the name of "postgres"/, 'nobody joins in the name of another role');

# Too few rows to hide in.
$node->safe_psql('postgres', q{SET ROLE doctor; SELECT healthml.federated_join('few', 'SELECT age, ill FROM ward.patients LIMIT 19', 'ill')});
refuses(q{SELECT healthml.federated_client_summary('few', '{age}')}, qr/19 rows are too few/, 'few rows');

# After it has left, nothing is open.
$node->safe_psql('postgres', q{SET ROLE doctor; SELECT healthml.federated_leave('f')});
refuses(q{SELECT healthml.federated_client_hello('f')}, qr/no federation "f" is open/, 'a hospital that has left');
done_testing();
