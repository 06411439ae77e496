# Clients that are wrong or hostile: four honest ones, and a fifth whose functions are made up.

use strict;
use warnings;

use HealthML;
use Test::More;

my $node = new_cluster('federation');
my ($host, $port) = ($node->host, $node->port);

$node->safe_psql('postgres', 'CREATE EXTENSION dblink; CREATE EXTENSION postgres_fdw; CREATE ROLE healthml_coordinator LOGIN');
for my $client (qw(a b c d poison))
{
	$node->safe_psql('postgres', "CREATE DATABASE $client");
	$node->safe_psql('postgres', "CREATE SERVER $client FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname '$client');
		CREATE USER MAPPING FOR CURRENT_USER SERVER $client OPTIONS (user 'healthml_coordinator')");
	next if $client eq 'poison';
	$node->safe_psql($client, "CREATE EXTENSION healthml; GRANT USAGE ON SCHEMA healthml TO healthml_coordinator;
		CREATE TABLE patients AS SELECT * FROM synthetic_patients(300, ascii('$client'))");
}
$node->safe_psql('postgres', 'CREATE TABLE judged AS SELECT * FROM synthetic_patients(1000, 7)');

# What the fifth answers is set by its table; "sent" stands for an update, one number for all weights.
$node->safe_psql('poison', <<'SQL');
CREATE SCHEMA healthml;
GRANT USAGE ON SCHEMA healthml TO PUBLIC;
CREATE TABLE healthml.attack (version text, summary bytea, answer text, sent text, n integer, tally bytea);
GRANT SELECT ON healthml.attack TO PUBLIC;
CREATE FUNCTION healthml.federated_client_hello(text) RETURNS text LANGUAGE sql AS 'SELECT version FROM healthml.attack';
CREATE FUNCTION healthml.federated_client_summary(text, text[]) RETURNS bytea LANGUAGE sql AS 'SELECT summary FROM healthml.attack';
CREATE FUNCTION healthml.federated_client_train(text, bytea, jsonb, bytea[] DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT replace(answer, 'SENT', '"{' || array_to_string(array_fill(sent, ARRAY[n]), ',') || '}"') FROM healthml.attack $$;
CREATE FUNCTION healthml.federated_client_evaluate(text, bytea, jsonb) RETURNS bytea LANGUAGE sql AS 'SELECT tally FROM healthml.attack';
CREATE FUNCTION healthml.federated_client_key(text, text) RETURNS bytea LANGUAGE sql AS 'SELECT tally FROM healthml.attack';
SQL

my $version = scalar_of($node, q{SELECT extversion FROM pg_extension WHERE extname = 'healthml'});
my $features = '{age,male,max_heart_rate,st_depression,vessels}';

sub found
{
	my ($federation, $options, @clients) = @_;

	for my $client (grep { $_ ne 'poison' } @clients)
	{
		$node->safe_psql($client, "SELECT healthml.federated_join('$federation', 'public.patients', 'heart_disease')");
	}
	$node->safe_psql('postgres', "SELECT federated_create('$federation', features => '$features',
		params => '{\"hidden_layers\": [8], \"dropout\": 0}'$options)");
	scalar_of($node, "SELECT federated_add_client('$federation', '$_', '$_')") for @clients;
	return;
}

# What the fifth client did in the last round.
sub verdict
{
	my ($federation) = @_;
	return scalar_of($node, "SELECT status || ': ' || coalesce(error, '') FROM federation_update
		WHERE federation = '$federation' AND client = 'poison' ORDER BY round DESC, attempt DESC LIMIT 1");
}

sub auc_of
{
	my ($model) = @_;
	return scalar_of($node, "SELECT roc_auc(mlp_predict(j, '$model'), heart_disease) FROM judged j");
}

# ---- the handshake ---------------------------------------------------------------------------------------

$node->safe_psql('postgres', "SELECT federated_create('empty', features => '$features')");
fails_with($node, q{SELECT federated_round('empty')}, '55000', qr/federation "empty" has no clients/, 'no clients');

found('f', '', qw(a b c d poison));
my $summary = $node->safe_psql('a', "SELECT healthml.federated_client_summary('f', '$features')");
my $n_weights = scalar_of($node, "SELECT cardinality(federated_weights(federated_begin('{\"hidden_layers\": [8]}', ARRAY['$summary'::bytea])))");
$node->safe_psql('poison', "INSERT INTO healthml.attack VALUES ('0.0.1', '$summary', '(100,0.5,1,SENT,)', '0.001', $n_weights, '\\x00')");
fails_with($node, q{SELECT federated_round('f')}, '08006',
	qr/client "poison" cannot take part in federation "f".*DETAIL:  the client has healthml 0\.0\.1, the coordinator \Q$version\E/s, 'an older version');
$node->safe_psql('poison', q{UPDATE healthml.attack SET summary = '\x1234', version = '} . $version . q{'});
fails_with($node, q{SELECT federated_round('f')}, '22P03', qr/summary of a client/, 'a summary that is nonsense');
$node->safe_psql('poison', "UPDATE healthml.attack SET summary = '$summary'");
$node->safe_psql('a', q{SELECT healthml.federated_leave('f')});
fails_with($node, q{SELECT federated_round('f')}, '08006', qr/DETAIL:  no federation "f" is open to role "healthml_coordinator"/, 'a client that has not joined');
$node->safe_psql('a', q{SELECT healthml.federated_join('f', 'public.patients', 'heart_disease')});
fails_with($node, q{SELECT federated_add_client('f', 'a', 'a')}, '42710', qr/federation "f" already has a client "a"/, 'a client added twice');
my (undef, undef, $error) = $node->psql('a', q{SELECT healthml.federated_join('f', 'public.patients', 'heart_disease')});
like($error, qr/this server has already joined federation "f"/, 'a client that joins twice');

scalar_of($node, q{SELECT federated_round('f')});
is(verdict('f'), 'used: ', 'a plausible answer is used, though its tally is nonsense');
$node->safe_psql('poison', q{UPDATE healthml.attack SET version = '9.9'});
scalar_of($node, q{SELECT federated_round('f')});
is(verdict('f'), "failed: the client has healthml 9.9, the coordinator $version", 'a client that changes its version later');
$node->safe_psql('poison', "UPDATE healthml.attack SET version = '$version'");

# ---- answers that cannot be used -------------------------------------------------------------------------

sub is_rejected
{
	my ($answer, $sent, $n, $pattern, $name) = @_;

	$node->safe_psql('poison', "UPDATE healthml.attack SET answer = \$\$$answer\$\$, sent = '$sent', n = $n");
	is(scalar_of($node, q{SELECT (federated_round('f')).clients}), 4, "$name: the others go on");
	like(verdict('f'), $pattern, "$name: recorded");
	return;
}

my $usual = '(100,0.5,1,SENT,)';
is_rejected($usual, 'NaN', $n_weights, qr/^rejected: update is not finite/, 'NaN');
is_rejected($usual, 'Infinity', $n_weights, qr/^rejected: update is not finite/, 'infinity');
is_rejected($usual, 'NULL', $n_weights, qr/^rejected: update is not finite/, 'nulls');
is_rejected($usual, '1e39', $n_weights, qr/^rejected: .*out of range for type real/, 'more than a real');
is_rejected($usual, '2000', $n_weights, qr/^rejected: update is absurdly large/, 'a huge update');
is_rejected($usual, '1', $n_weights - 1, qr/^rejected: update of \d+ weights for a network of $n_weights/, 'an update of another network');
is_rejected($usual, '{1}', $n_weights, qr/^rejected: update of \d+ weights/, 'a matrix');
is_rejected('(-5,0.5,1,SENT,)', '1', $n_weights, qr/^rejected: implausible number of samples: -5/, 'negative samples');
is_rejected('(9000000000000,0.5,1,SENT,)', '1', $n_weights, qr/^rejected: implausible number of samples/, 'countless samples');
is_rejected('(100,NaN,1,SENT,)', '1', $n_weights, qr/^rejected: loss is not finite/, 'a loss of NaN');
is_rejected('(100,0.5,1,,)', '1', $n_weights, qr/^rejected: update of no weights/, 'no update');
is_rejected($_, '1', 1, qr/^rejected: malformed|^rejected: invalid/, "the text $_") for 'nonsense', '(1,2,3)', 'SET', '(a,b,c,d,e)';
is_rejected('', '1', 1, qr/^failed: the client gave no answer/, 'an empty text');
$node->safe_psql('poison', 'UPDATE healthml.attack SET answer = NULL');
is(scalar_of($node, q{SELECT (federated_round('f')).clients}), 4, 'null: the others go on');
like(verdict('f'), qr/^failed: the client gave no answer/, 'null: recorded');
is(scalar_of($node, q{SELECT count(*) FROM federation f WHERE federation = 'f' AND 'NaN' = ANY (federated_weights(artifact))}), 0, 'the model is finite');
cmp_ok(auc_of('f:' . scalar_of($node, q{SELECT max(version) FROM federated_rounds WHERE federation = 'f'})), '>', 0.8, 'and good');

found('masked', ', secure_aggregation => true', qw(a b poison));
scalar_of($node, q{SELECT federated_round('masked')});
is(verdict('masked'), 'failed: invalid key', 'a key that is none');
is(scalar_of($node, q{SELECT clients FROM federated_rounds WHERE federation = 'masked'}), 2, 'the others agree on masks');

# ---- one poisoned client of five -------------------------------------------------------------------------

$node->safe_psql('poison', "UPDATE healthml.attack SET answer = '(240,0.1,1,SENT,)', sent = '-3', n = $n_weights");
my %auc;
for my $strategy (qw(fedavg fedmedian fed_trimmed_mean krum))
{
	found("poisoned_$strategy", ", strategy => '$strategy'", qw(a b c d poison));
	is(scalar_of($node, "SELECT sum(clients) FROM federated_run('poisoned_$strategy', rounds => 12, local_epochs => 3, learning_rate => 0.01)"),
		60, "$strategy: the poison looks like an update");
	$auc{$strategy} = auc_of("poisoned_$strategy:12");
}
found('honest', '', qw(a b c d));
scalar_of($node, q{SELECT count(*) FROM federated_run('honest', rounds => 12, local_epochs => 3, learning_rate => 0.01)});
$auc{honest} = auc_of('honest:12');
diag(sprintf '%s %.3f', $_, $auc{$_}) for sort keys %auc;
cmp_ok($auc{fedavg}, '<', $auc{honest} - 0.05, 'one poisoned client of five spoils an average');
cmp_ok($auc{$_}, '>', $auc{honest} - 0.03, "$_ survives it") for qw(fedmedian fed_trimmed_mean krum);

# ---- names -----------------------------------------------------------------------------------------------

# Longer than dblink's names of connections can be.
my $long = 'a federation with a name as long as names of federations may be';
$long = substr $long, 0, 60;
found($long, '', 'a', 'b');
is(scalar_of($node, "SELECT (federated_round('$long')).clients"), 2, 'clients of a federation with a long name have connections of their own');
$node->safe_psql('postgres', q{SELECT federated_create('it''s "quoted" \ %s', features => '{age,male}')});
$node->safe_psql($_, q{SELECT healthml.federated_join('it''s "quoted" \ %s', 'public.patients', 'heart_disease')}) for qw(a b);
$node->safe_psql('postgres', q{SELECT federated_add_client('it''s "quoted" \ %s', format('%s''"%%\', s), s::name) FROM unnest('{a,b}'::text[]) s});
is(scalar_of($node, q{SELECT (federated_round('it''s "quoted" \ %s')).clients}), 2, 'names are quoted');

# ---- why a client cannot be reached ----

$node->safe_psql('postgres', q{CREATE SERVER nowhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname 'nowhere');
	CREATE USER MAPPING FOR CURRENT_USER SERVER nowhere;
	SELECT federated_create('reason', features => '{age}'); SELECT federated_add_client('reason', 'nowhere', 'nowhere')});
my ($status, $out, $err) = $node->psql('postgres', q{SELECT federated_run('reason', rounds => 1)});
like($err, qr/database "nowhere" does not exist/, 'dblink says why a client cannot be reached');

# ---- a global model that is no model ----

for my $client (qw(a b))
{
	$node->safe_psql($client, "SELECT healthml.federated_join('broken', 'public.patients', 'heart_disease')");
}
$node->safe_psql('postgres', qq{SELECT federated_create('broken', features => '$features', clip_norm => 1, noise_multiplier => 1000, epsilon_budget => 1e9,
	params => '{"network": {"input": [5], "layers": [{"op": "dense", "units": 8}, {"op": "batch_norm"}, {"op": "relu"}, {"op": "dense", "units": 1}, {"op": "sigmoid"}]}}')});
scalar_of($node, "SELECT federated_add_client('broken', '$_', '$_')") for qw(a b);
($status, $out, $err) = $node->psql('postgres', q{SELECT round, version, clients, discarded FROM federated_run('broken', rounds => 2)});
is($status, 0, 'noise that makes a variance negative does not end a run');
like($err, qr/WARNING:  round 1 of federation "broken" was discarded: .*negative variance/, 'the round is discarded');
like($out, qr/^1\|\|2\|.*negative variance/, 'and its reason kept');
is(scalar_of($node, q{SELECT round FROM federation WHERE federation = 'broken'}), 2, 'it counts');

# ---- the global model comes back ----

$node->safe_psql('b', q{SELECT version FROM healthml.train('heart', 'mlp', 'public.patients', '{age,male}', 'heart_disease', '{"epochs": 1}')});
$node->safe_psql('a', q{SELECT healthml.federated_join('shared', 'public.patients', 'heart_disease', accept_as => 'heart')});
$node->safe_psql('b', q{SELECT healthml.federated_join('shared', 'public.patients', 'heart_disease', accept_as => 'heart', promote_accepted => true)});
$node->safe_psql('c', q{SELECT healthml.federated_join('shared', 'public.patients', 'heart_disease')});
$node->safe_psql('postgres', qq{SELECT federated_create('shared', features => '$features', params => '{"hidden_layers": [8]}')});
scalar_of($node, "SELECT federated_add_client('shared', '$_', '$_')") for qw(a b c);
$node->safe_psql('postgres', q{SELECT federated_run('shared', rounds => 2)});
is(scalar_of($node, q{SELECT string_agg(concat_ws(' ', client, accepted, error ~ 'accepts no model'), ', ' ORDER BY client) FROM federated_publish('shared')}),
	'a 1, b 2, c t', 'it is brought to those who agreed');
my $global = scalar_of($node, q{SELECT artifact_id FROM model_info('shared')});
for my $client (qw(a b))
{
	is($node->safe_psql($client, q{SELECT artifact_id FROM healthml.model_info('heart')}), $global, "$client: the same bytes, in production");
	like($node->safe_psql($client, q{SELECT trained_on, metrics ? 'loss' FROM healthml.model_info('heart')}), qr/^federation "shared", version \d\|t$/, "$client: where they come from");
}
is(scalar_of($node, q{SELECT string_agg(concat_ws(' ', client, accepted), ', ' ORDER BY client) FROM federated_publish('shared')}), 'a 1, b 2, c', 'once');
is(scalar_of($node, q{SELECT string_agg(concat_ws(' ', client, accepted), ', ' ORDER BY client) FROM federated_publish('shared', (SELECT max(version) + min(version) - (resolve_model('shared')).version FROM versions WHERE model = 'shared'))}),
	'a 2, b 3, c', 'another version');
is($node->safe_psql('a', q{SELECT (healthml.resolve_model('heart')).version}), '1', 'is promoted only where the owner said so');
is($node->safe_psql('b', q{SELECT (healthml.resolve_model('heart')).version}), '3', 'as here');
fails_with($node, q{SELECT federated_publish('shared', 99)}, '42704', qr/no version 99/, 'a version that is not there');

# ---- a coordinator that is no superuser ------------------------------------------------------------------

$node->safe_psql('postgres', q{CREATE ROLE researcher LOGIN; SELECT grant_role('researcher', 'trainer'); ALTER ROLE healthml_coordinator PASSWORD 'secret'});
for my $client (qw(a b))
{
	$node->safe_psql('postgres', "GRANT USAGE ON FOREIGN SERVER $client TO researcher;
		CREATE USER MAPPING FOR researcher SERVER $client OPTIONS (user 'healthml_coordinator', password 'secret')");
	$node->safe_psql($client, q{SELECT healthml.federated_join('research', 'public.patients', 'heart_disease')});
}
my $hba = $node->data_dir . '/pg_hba.conf';
my $rules = PostgreSQL::Test::Utils::slurp_file($hba);
open my $file, '>', $hba or die "$hba: $!";
print $file "local all healthml_coordinator scram-sha-256\nhost all healthml_coordinator all scram-sha-256\n$rules";
close $file;
$node->reload;
is($node->safe_psql('postgres', "SELECT federated_create('research', features => '$features');
		SELECT federated_add_client('research', 'a', 'a'), federated_add_client('research', 'b', 'b');
		CALL federated_train('research', rounds => 2);
		SELECT round, clients FROM federated_rounds WHERE federation = 'research' ORDER BY round", extra_params => [ '-U', 'researcher' ]) =~ s/^\|?\n//gmr,
	"1|2\n2|2", 'a trainer coordinates, with passwords');
is(scalar_of($node, q{SET ROLE researcher; SELECT (federated_round('honest')).clients}), 2, 'but not over servers that are not open to it');
like(scalar_of($node, q{SELECT string_agg(error, ' ') FROM federation_update WHERE federation = 'honest' AND round = 13}),
	qr/^user mapping not found for "researcher" user mapping not found for "researcher"$/, 'as is recorded');

done_testing();
