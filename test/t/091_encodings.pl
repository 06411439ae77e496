# Databases that are not UTF-8: names and categories are converted, and what cannot be is refused.

use strict;
use warnings;

use HealthML;
use Test::More;

my $node = new_cluster('encodings');
my %artifacts;
scalar_of($node, q{
	SET client_encoding = 'UTF8';
	CREATE TABLE t AS SELECT i % 7 AS "é", i % 11 AS "😀", (ARRAY['ö', 'x'])[1 + i % 2] AS kind, i % 5 = 0 AS ill FROM generate_series(1, 100) i;
	SELECT train('latin', 'isolation_forest', 't', '{é,kind}', 'ill', '{"n_estimators": 10}');
	SELECT train('emoji', 'isolation_forest', 't', '{é,😀}', 'ill', '{"n_estimators": 10}')});
$artifacts{$_} = scalar_of($node, "SELECT encode(export_model('$_'), 'hex')") for 'latin', 'emoji';
my $score = scalar_of($node, q{SET client_encoding = 'UTF8'; SELECT score('{"é": 6, "kind": "ö"}'::jsonb, 'latin')});

sub in_database
{
	my ($database, $sql) = @_;
	my ($status, $out, $err) = $node->psql($database, "\\set VERBOSITY verbose\nSET client_encoding = 'UTF8';\n$sql");

	return $status == 0 ? $out : $err;
}

for my $encoding ('LATIN1', 'EUC_JP', 'SQL_ASCII')
{
	my $database = lc $encoding;

	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0 ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C'");
	$node->safe_psql($database, 'CREATE EXTENSION healthml');
	if ($encoding ne 'SQL_ASCII')
	{
		like(in_database($database, "SELECT import_model('emoji', '\\x$artifacts{emoji}')"), qr/ERROR:  22P05/, "$encoding: a name that it cannot say is refused");
	}
	in_database($database, "SELECT import_model('latin', '\\x$artifacts{latin}')");
	is(in_database($database, q{SELECT features FROM versions WHERE model = 'latin'}), '{é,kind}', "$encoding: features");
	is(in_database($database, q{SELECT score('{"é": 6, "kind": "ö"}'::jsonb, 'latin')}), $score, "$encoding: a jsonb object is scored the same");
	is(in_database($database, q{SELECT score(r, 'latin') FROM (SELECT 6 AS "é", 'ö' AS kind) r}), $score, "$encoding: so is a row");
	like(in_database($database, q{SELECT explain_text('{"é": 60, "kind": "ö"}'::jsonb, 'latin')}), qr/é 60 /, "$encoding: an explanation");
	like(in_database($database, q{SELECT score('{"é": 1e400, "kind": "x"}'::jsonb, 'latin')}), qr/"Infinity" of feature "é" is not finite/, "$encoding: a message");
	in_database($database, q{CREATE TABLE t AS SELECT i % 7 AS "é", (ARRAY['ö', 'x', 'y'])[1 + i % 3] AS kind, i % 20 AS "ä" FROM generate_series(1, 100) i});
	like(in_database($database, q{SELECT train('ü', 'mlp', 't', '{é}', 'Ä')}), qr/ERROR:  42703:.* no column "Ä"/, "$encoding: a column that is missing");
	like(in_database($database, q{SELECT train('ü', 'mlp', 't', '{é}', 'kind', '{"ö": 1}')}), qr/unrecognized parameter "ö"/, "$encoding: an unknown parameter");
	in_database($database, q{SELECT train('ü', 'mlp', 't', '{é}', 'kind', '{"epochs": 2, "group": "ä"}')});
	like(in_database($database, q{SELECT predict_proba(t, 'ü') FROM t LIMIT 1}), qr/\{"x": [\d.]+, "y": [\d.]+, "ö": [\d.]+\}/, "$encoding: classes");
	is(in_database($database, q{SELECT params ->> 'group' FROM model_info('ü')}), 'ä', "$encoding: parameters");
}

$node->stop;
done_testing();
