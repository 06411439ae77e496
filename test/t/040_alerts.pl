# NOTIFY healthml_alerts: who is notified of what, and that a payload always fits.

use strict;
use warnings;

use HealthML;
use IPC::Run;
use JSON::PP;
use Test::More;

my $node = new_cluster('alerts');

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE healthy AS
SELECT 40 + n % 30 AS age, 180 + n * 7 % 60 AS cholesterol FROM generate_series(1, 400) n;
SELECT train('ward', 'isolation_forest', 'healthy', params => '{"n_estimators": 50, "contamination": 0.02}');
CREATE TABLE stay (patient_id text, age integer, cholesterol integer);
CREATE TRIGGER record AFTER INSERT ON stay FOR EACH ROW EXECUTE FUNCTION record_risk('ward', 'patient_id');
SQL

# Payloads that a session receives which listens and then runs these statements.
sub alerts
{
	my ($sql) = @_;
	my $output = scalar_of($node, "LISTEN healthml_alerts;\n$sql;\nSELECT");

	my @payloads = $output =~ /^Asynchronous notification "healthml_alerts" with payload "(.*)" received/mg;
	return @payloads;
}

my $low = "('L', 55, 200)";
my $high = "('H', 199, 900)";
my @alerts = alerts("INSERT INTO stay VALUES $low, $high, $high");

is(scalar @alerts, 2, 'one alert for each high risk');
is(scalar alerts("INSERT INTO stay VALUES $low"), 0, 'none for a low one');

my $alert = decode_json($alerts[0]);

is_deeply(
	[ sort keys %$alert ],
	[qw(model percentile prediction_id risk score source subject version)],
	'what an alert contains');
is( scalar_of(
		$node,
		"SELECT to_jsonb(p) - ARRAY['label','features','narrative','is_anomaly','latency_ms','explanation','predicted_at','probabilities','missing_features']
			= '$alerts[0]' FROM prediction p WHERE prediction_id = $alert->{prediction_id}"),
	't', 'an alert equals its prediction');

is(scalar alerts("SET healthml.notify_level = none; INSERT INTO stay VALUES $high"), 0, 'level none: no alert');
is(scalar alerts("SET healthml.notify_level = low; INSERT INTO stay VALUES $low, $high"), 2, 'level low: all');
is(scalar alerts("SET healthml.notify_level = medium; INSERT INTO stay VALUES $low, $high"), 1, 'level medium');
is(scalar alerts("BEGIN; INSERT INTO stay VALUES $high; ROLLBACK"), 0, 'a rolled-back insert alerts nobody');
is(scalar alerts("BEGIN; SAVEPOINT s; INSERT INTO stay VALUES $high; ROLLBACK TO s; COMMIT"),
	0, 'nor does a rolled-back savepoint');
is(scalar alerts("SET healthml.on_score_error = error; INSERT INTO stay VALUES $high"),
	1, 'without subtransactions too');
is(decode_json((alerts("INSERT INTO stay VALUES (NULL, 199, 900)"))[0])->{subject}, undef, 'no subject is null');

# The longest names, and subjects of which every byte must be escaped.
my $model = '"' x 128;
my $name = '"' . '""' x 63 . '"';

$node->safe_psql('postgres', <<"SQL");
SELECT train('$model', 'isolation_forest', 'healthy', params => '{"n_estimators": 50, "contamination": 0.02}');
CREATE SCHEMA $name;
CREATE TABLE $name.$name (LIKE stay);
CREATE TRIGGER record AFTER INSERT ON $name.$name FOR EACH ROW EXECUTE FUNCTION record_risk('$model', 'patient_id');
SQL
for my $subject ("repeat(E'\\x01', 100000)", "repeat(U&'\\00e9', 100000)", "repeat('\"', 100000)")
{
	my ($payload) = alerts("INSERT INTO $name.$name VALUES ($subject, 199, 900)");
	my $told = decode_json($payload);

	cmp_ok(length $payload, '<', 8000, "$subject fits");
	is($told->{model}, $model, 'and the name of the model is complete');
	is(scalar_of($node, "SELECT starts_with($subject, " . quoted($told->{subject}) . ')'),
		't', 'the subject is cut between characters');
	cmp_ok(length $told->{subject}, '>=', 100, 'and no shorter than need be');
}

# A recording raises an alert as well, unless it cannot be judged.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE visit (patient_id text, audio bytea);
CREATE TRIGGER record AFTER INSERT ON visit
FOR EACH ROW EXECUTE FUNCTION record_heart_sound('heart_sound', 'audio', 'patient_id');
SQL
@alerts = alerts("INSERT INTO visit VALUES ('murmur', synthetic_heart_sound(10, 81, 'systolic', seed => 15)),
	('healthy', synthetic_heart_sound(10, 64, 'none', seed => 14))");
is(scalar @alerts, 1, 'a recording with a murmur raises an alert');
is(decode_json($alerts[0])->{subject}, 'murmur', 'and the alert names whom it is about');
is(scalar alerts("SET healthml.notify_level = low; INSERT INTO visit VALUES ('short', synthetic_heart_sound(0.5))"),
	0, 'a recording that cannot be judged raises none');

# Another session hears of it when the insert is committed.
my $heard = '';
my $listener = IPC::Run::start(
	[ 'psql', '-XqAt', '-d', $node->connstr('postgres'), '-c', 'LISTEN healthml_alerts', '-c', 'SELECT pg_sleep(2)' ],
	'>', \$heard);

wait_for($node, q{SELECT true FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(2)'}, 'a session listens');
$node->safe_psql('postgres', "INSERT INTO stay VALUES ('heard', 199, 900)");
$listener->finish;
like($heard, qr/"subject":"heard"/, 'another session hears of it');

$node->stop;
done_testing();

sub quoted
{
	my ($text) = @_;

	utf8::encode($text);
	return "convert_from('\\x" . unpack('H*', $text) . "', 'UTF8')";
}
