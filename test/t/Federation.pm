# Federation.pm
#	  Hospitals for the tests of federated learning: a cluster each, patients in it, and a coordinator.
#
# The patients are those of four hospitals (UCI heart disease) where HEALTHML_DATA has them, else invented
# ones, whose hospitals differ in age, in pulse, in who is ill and in what is measured.

package Federation;

use strict;
use warnings;

use Exporter 'import';
use HealthML;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(has_real_patients hospital_names new_hospital new_coordinator add_server join_all found @FEATURES);

our @FEATURES = qw(age sex cp trestbps chol fbs restecg thalach exang oldpeak slope ca thal);

my @HOSPITALS = qw(cleveland hungarian switzerland va);
my $FOLDER = ($ENV{HEALTHML_DATA} // '') . '/tabular/uci_heart';
my $COLUMNS = join ', ', map { "$_ float8" } @FEATURES;

# Invented hospitals: patients, seed, years older, beats slower, share of the healthy who come, features never measured.
my %invented = (
	cleveland => [ 300, 11, 0, 0, 1.0, '' ],
	hungarian => [ 290, 12, -6, 5, 1.0, 'ca' ],
	switzerland => [ 120, 13, 2, -15, 0.1, 'chol' ],
	va => [ 200, 14, 8, -20, 0.4, 'thal' ]);

sub hospital_names { return @HOSPITALS; }

sub has_real_patients { return -r "$FOLDER/processed.va.data"; }

# Statements that fill patients with those of one hospital.
sub patients_of
{
	my ($hospital) = @_;

	if (has_real_patients())
	{
		my $rows = slurp_file("$FOLDER/processed.$hospital.data");
		return "COPY raw FROM STDIN (FORMAT csv, NULL '?');\n$rows\\.\n";
	}
	my ($n, $seed, $older, $slower, $healthy, $never) = @{ $invented{$hospital} };
	my $unmeasured = $never ? "UPDATE raw SET $never = NULL;" : '';
	return <<"SQL";
INSERT INTO raw
SELECT age + $older, male::int, chest_pain_type, resting_bp, cholesterol, high_fasting_sugar::int, resting_ecg,
	max_heart_rate + $slower, exercise_angina::int, st_depression, st_slope, vessels, thallium, heart_disease::int
FROM synthetic_patients(2 * $n, $seed) WHERE heart_disease OR synthetic_uniform(patient_id, 60, $seed) < $healthy LIMIT $n;
$unmeasured
SQL
}

# Put one hospital's patients into table patients of a node; a quarter of them is never learnt from.
sub load_patients
{
	my ($node, $hospital) = @_;

	$node->safe_psql('postgres',
		"CREATE TABLE IF NOT EXISTS patients (hospital text, patient_id bigint, $COLUMNS, heart_disease boolean);\n"
		  . "CREATE TEMP TABLE raw ($COLUMNS, num float8);\n"
		  . patients_of($hospital)
		  . "INSERT INTO patients SELECT '$hospital', row_number() OVER (), age, sex, cp, nullif(trestbps, 0), nullif(chol, 0), fbs,
				restecg, thalach, exang, oldpeak, slope, ca, thal, num > 0 FROM raw;");
	return;
}

# A cluster with a hospital's patients that opens itself to role healthml_coordinator.
# Reading them takes as long as table delay says.
sub new_hospital
{
	my ($name) = @_;
	my $node = new_cluster($name, settings => "restart_after_crash = on\n");

	load_patients($node, $name);
	$node->safe_psql('postgres', <<'SQL');
CREATE TABLE delay AS SELECT 0.0::float8 AS seconds;
CREATE VIEW training_patients AS
SELECT p.* FROM patients p WHERE patient_id % 4 <> 0 AND (SELECT pg_sleep(seconds) IS NOT NULL FROM delay);
CREATE ROLE healthml_coordinator LOGIN;
GRANT USAGE ON SCHEMA healthml TO healthml_coordinator;
SQL
	return $node;
}

# A cluster that coordinates, with foreign servers for the hospitals, and with everybody's patients, to compare.
sub new_coordinator
{
	my (@hospitals) = @_;
	my $node = new_cluster('coordinator');

	$node->safe_psql('postgres', 'CREATE EXTENSION dblink; CREATE EXTENSION postgres_fdw');
	load_patients($node, $_) for @HOSPITALS;
	add_server($node, $_->name, $_) for @hospitals;
	return $node;
}

sub add_server
{
	my ($coordinator, $name, $hospital, $database) = @_;
	my ($host, $port) = ($hospital->host, $hospital->port);

	$database //= 'postgres';
	$coordinator->safe_psql('postgres',
		"CREATE SERVER $name FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname '$database');
		 CREATE USER MAPPING FOR CURRENT_USER SERVER $name OPTIONS (user 'healthml_coordinator')");
	return;
}

sub join_all
{
	my ($federation, @hospitals) = @_;

	$_->safe_psql('postgres', "SELECT federated_join('$federation', 'training_patients', 'heart_disease')") for @hospitals;
	return;
}

# Create a federation of all hospitals; options is SQL, such as ", strategy => 'fedprox'".
sub found
{
	my ($coordinator, $federation, $options, @hospitals) = @_;
	my $features = join ',', @FEATURES;
	my $names = join ',', map { $_->name } @hospitals;

	join_all($federation, @hospitals);
	$coordinator->safe_psql('postgres', <<"SQL");
SELECT federated_create('$federation', features => '{$features}',
	params => '{"hidden_layers": [16], "dropout": 0, "seed": 1}'$options);
SELECT federated_add_client('$federation', name, name) FROM unnest('{$names}'::text[]) AS name;
SQL
	return;
}

1;
