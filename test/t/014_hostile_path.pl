# A search_path full of traps: functions and operators of a stranger must never be called.

use strict;
use warnings;

use HealthML;
use Test::More;

my $node = new_cluster('hostile');
$node->safe_psql('postgres', q{
	CREATE TABLE public.t AS SELECT i % 50 AS a, i * 7 % 31 AS b, i % 10 = 0 AS ill FROM generate_series(1, 500) i;
	CREATE SCHEMA trap;
	CREATE FUNCTION trap.spring() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the trap has sprung'; END $$;
	CREATE TABLE trap.model (name text);
	CREATE TABLE trap.model_version (version int);
	CREATE VIEW trap.versions AS SELECT 1;
});
# Operators that fit better than those of pg_catalog, and functions of names that SQL functions call.
for my $type (qw(text integer bigint uuid boolean name timestamptz jsonb))
{
	for my $operator ('=', '<>', '<', '>', '<=', '>=')
	{
		my $function = "op_$type" . join('', map { ord } split //, $operator);
		$node->safe_psql('postgres', qq{
			CREATE FUNCTION trap.$function($type, $type) RETURNS boolean LANGUAGE sql AS 'SELECT trap.spring()';
			CREATE OPERATOR trap.$operator (FUNCTION = trap.$function, LEFTARG = $type, RIGHTARG = $type)});
	}
}
for my $function ('now()', 'clock_timestamp()', 'count(bigint)', 'max(integer)', 'btrim(text)', 'quote_literal(text)',
	'format(text, text)', 'array_position(text[], text)', 'coalesce_text(text)', 'resolve_model(text)', 'set_alias(text, text, integer)',
	'jsonb_typeof(jsonb)', 'make_interval(double precision)', 'octet_length(bytea)', 'unnest(integer[])', 'cardinality(integer[])')
{
	$node->safe_psql('postgres', "CREATE FUNCTION trap.$function RETURNS boolean LANGUAGE sql AS 'SELECT trap.spring()'");
}

sub works
{
	my ($sql, $name) = @_;
	my ($status, $out, $err) = $node->psql('postgres', "SET search_path = trap, pg_catalog, public;\n$sql");

	return ok($status == 0 && $err !~ /sprung/, $name) || diag($err);
}

my (undef, undef, $sprung) = $node->psql('postgres', q{SET search_path = trap, pg_catalog; SELECT 'a'::text = 'b'::text});
like($sprung, qr/sprung/, 'the traps work');

works(q{SELECT healthml.train('m', 'isolation_forest', 'public.t', target => 'ill', params => '{"n_estimators": 5}')}, 'train');
works(q{SELECT healthml.train('m', 'isolation_forest', 'SELECT a, b FROM public.t', params => '{"n_estimators": 1000}')}, 'train, on record');
works(q{SELECT healthml.promote('m', 2)}, 'promote');
works(q{SELECT healthml.rollback('m')}, 'rollback');
works(q{SELECT healthml.set_alias('m', 'spare', 2), healthml.drop_alias('m', 'spare')}, 'set_alias, drop_alias');
works(q{SELECT healthml.score(t, 'm') FROM public.t}, 'score');
works(q{SELECT healthml.assess(t, 'm:1'), healthml.assess('{"a": 1, "b": 2}'::jsonb, 'm@champion') FROM public.t}, 'assess');
works(q{SELECT healthml.shap_explain(ARRAY[1, 2], 'm')}, 'shap_explain');
works(q{SELECT healthml.explain_text(ARRAY[1, 2], 'm')}, 'explain_text');
works(q{SELECT healthml.shap_summary('m', 'public.t')}, 'shap_summary');
works(q{SELECT healthml.import_model('copy', healthml.export_model('m'))}, 'import_model, export_model');
works(q{SELECT healthml.model_info('m')}, 'model_info');
works(q{SELECT * FROM healthml.models}, 'models');
works(q{SELECT * FROM healthml.versions}, 'versions');
works(q{SELECT * FROM healthml.training_progress}, 'training_progress');
works(q{SELECT healthml.drop_version('m', 2), healthml.drop_model('copy')}, 'drop_version, drop_model');

# A user's lookup goes through a query where the user may not read the tables whole.
$node->safe_psql('postgres', q{
	CREATE ROLE partial;
	GRANT USAGE ON SCHEMA healthml, trap TO partial;
	GRANT SELECT (model_id, name, algorithm) ON healthml.model TO partial;
	GRANT SELECT ON healthml.model_version, healthml.model_alias TO partial;
});
works(q{SET ROLE partial; SELECT healthml.score(ARRAY[1, 2], 'm'), healthml.score(ARRAY[1, 2], 'm:1')}, 'score through a query');

$node->stop;
done_testing();
