# Who may do what with the history: everything runs with the rights of the caller.

use strict;
use warnings;

use HealthML;
use Test::More;

my $node = new_cluster('history_roles');

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE healthy AS
SELECT 40 + n % 30 AS age, 180 + n * 7 % 60 AS cholesterol FROM generate_series(1, 400) n;
SELECT train('ward', 'isolation_forest', 'healthy', params => '{"n_estimators": 50, "contamination": 0.02}');
CREATE ROLE clerk LOGIN;	-- writes rows, and knows nothing of healthml
CREATE ROLE app LOGIN;
CREATE ROLE dashboard LOGIN;
CREATE ROLE scientist LOGIN;
CREATE ROLE ward_owner LOGIN;
SELECT grant_role('app', 'scorer'), grant_role('dashboard', 'reader'), grant_role('scientist', 'trainer'), grant_role('ward_owner', 'scorer');
GRANT CREATE ON SCHEMA public TO ward_owner;
SET ROLE ward_owner;
CREATE TABLE public.stay (patient_id text, age integer, cholesterol integer);
CREATE TRIGGER record AFTER INSERT ON public.stay FOR EACH ROW EXECUTE FUNCTION healthml.record_risk('ward', 'patient_id');
GRANT INSERT, SELECT ON public.stay TO clerk, app;
SQL

# Output, errors included, of what a role does.
sub as_role
{
	my ($role, $sql) = @_;
	my ($status, $stdout, $stderr) = $node->psql('postgres', $sql, extra_params => [ '-U', $role ]);

	return "$stdout$stderr";
}

sub stays
{
	return scalar_of($node, 'SELECT count(*) FROM public.stay');
}

# The table's owner may score, but the trigger runs as who inserts.
my $output = as_role('clerk', q{INSERT INTO public.stay VALUES ('clerk 1', 199, 900)});

like($output, qr/WARNING:  row of table "stay" was written without a prediction: permission denied/, 'a clerk is warned');
like($output, qr/DETAIL:  The failure could not be recorded: permission denied/, 'also that it is not recorded');
is(stays(), 1, 'and the row is there');
like(as_role('clerk', q{SET healthml.on_score_error = error; INSERT INTO public.stay VALUES ('clerk 2', 199, 900)}),
	qr/ERROR:  permission denied/, 'unless an error is asked for');
is(stays(), 1, 'which refuses the row');

is(as_role('app', q{INSERT INTO public.stay VALUES ('app 1', 199, 900)}), '', 'a scorer is not warned');
is(scalar_of($node, q{SELECT subject FROM prediction}), 'app 1', 'and the prediction is kept');
like(as_role('app', 'SELECT narrative FROM prediction'), qr/permission denied/, 'a scorer cannot read predictions');
like(as_role('app', 'SELECT * FROM recent_predictions'), qr/permission denied/, 'nor through a view');
like(as_role('app', q{UPDATE prediction SET risk = 'low'}), qr/permission denied/, 'nor change one');
is(as_role('app', 'SELECT record_outcome(1, true)'), '', 'but record outcomes');
is(as_role('app', 'SELECT record_outcome(1, false)'), '', 'and correct them');
is(scalar_of($node, 'SELECT actual, recorded_by FROM outcome'), 'f|app', 'an outcome knows who recorded it');
like(as_role('app', q{SELECT prune_predictions('1 day')}), qr/permission denied/, 'a scorer cannot prune');
is(as_role('app', q{SELECT drop_model('ward')}) =~ /permission denied/, 1, 'nor drop models');

like(as_role('app', q{SELECT batch_predict('ward', 'healthy', NULL)}),
	qr/permission denied for table healthy/, 'a source is read as the caller');
is(as_role('app', q{SELECT batch_predict('ward', 'SELECT * FROM public.stay', 'patient_id')}), '2',
	'what the caller may read can be scored');
$node->safe_psql('postgres', 'GRANT SELECT ON healthml.model TO clerk; GRANT USAGE ON SCHEMA healthml TO clerk');
like(as_role('clerk', q{SELECT batch_predict('ward', 'SELECT * FROM public.stay', 'patient_id')}),
	qr/permission denied/, 'a clerk cannot');

for my $view (qw(recent_predictions label_distribution risk_distribution daily_risk prediction_reasons model_performance health batch_progress))
{
	unlike(as_role('dashboard', "SELECT count(*) FROM $view"), qr/ERROR/, "a reader reads $view");
}
like(as_role('dashboard', q{INSERT INTO score_failure (sqlstate, message) VALUES ('22000', 'x')}),
	qr/^$|permission denied/, 'a reader is a scorer too');
like(as_role('dashboard', 'DELETE FROM prediction'), qr/permission denied/, 'a reader cannot delete');
is(as_role('scientist', q{SELECT prune_predictions('0')}), '3', 'a trainer prunes');

# What lies first on the caller's search_path changes nothing.
$node->safe_psql('postgres', <<'SQL');
CREATE SCHEMA evil;
CREATE TABLE evil.prediction (LIKE prediction);
CREATE TABLE evil.score_failure (LIKE score_failure);
CREATE TABLE evil.scored (c1 text);
CREATE TYPE evil.risk_level AS ENUM ('evil');
CREATE FUNCTION evil.eq(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'evil was here'; END $$;
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.eq);
GRANT ALL ON SCHEMA evil TO PUBLIC;
GRANT ALL ON ALL TABLES IN SCHEMA evil TO PUBLIC;
SQL
my $path = 'SET search_path = evil, healthml, pg_catalog';

is(as_role('app', qq{$path; INSERT INTO public.stay VALUES ('app 2', 199, 900)}), '', 'a hostile search_path: trigger');
is(as_role('app', qq{$path; SELECT batch_predict('ward', 'public.stay', 'patient_id', 2)}), '3', 'batch_predict');
is( as_role('app', qq{$path; SELECT record_outcome(max(prediction_id), true) FROM healthml.prediction}), '',
	'record_outcome');
is(scalar_of($node, 'SELECT count(*) FROM healthml.prediction'), '4', 'predictions are where they belong');
is(scalar_of($node, 'SELECT count(*) FROM evil.prediction'), '0', 'and nowhere else');
$node->safe_psql('postgres', q{SELECT drop_model('ward')});
like(as_role('app', qq{$path; INSERT INTO public.stay VALUES ('app 3', 199, 900)}),
	qr/model "ward" does not exist/, 'a failure');
is(scalar_of($node, 'SELECT subject, failed_by FROM healthml.score_failure'), 'app 3|app', 'is recorded where it belongs');

$node->stop;
done_testing();
