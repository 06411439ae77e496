# Federated learning between four hospitals, each a cluster, and a coordinator: how good it is, and what breaks.

use strict;
use warnings;

use Federation;
use HealthML;
use PostgreSQL::Test::Utils;
use Session;
use Test::More;
use Time::HiRes qw(time usleep);

my %hospital = map { $_ => new_hospital($_) } hospital_names();
my @hospitals = @hospital{ hospital_names() };
my $coordinator = new_coordinator(@hospitals);
my $run = 'local_epochs => 3, learning_rate => 0.005';

# AUC on the patients of all hospitals that nobody has learnt from.
sub auc_of
{
	my ($model) = @_;
	return scalar_of($coordinator, "SELECT roc_auc(mlp_predict(p, '$model'), heart_disease) FROM patients p WHERE patient_id % 4 = 0");
}

sub set_delay
{
	my ($seconds, @nodes) = @_;
	$_->safe_psql('postgres', "UPDATE delay SET seconds = $seconds") for @nodes;
	return;
}

# What one client did in the last attempt of a round: its status and error.
sub outcome
{
	my ($federation, $round, $client) = @_;
	return scalar_of($coordinator, "SELECT status || ': ' || coalesce(error, '') FROM healthml.federation_update
		WHERE federation = '$federation' AND round = $round AND client = '$client' ORDER BY attempt DESC LIMIT 1");
}

sub clients_by_round
{
	my ($federation) = @_;
	return scalar_of($coordinator, "SELECT string_agg(format('%s:%s', round, clients), ' ' ORDER BY round) FROM federated_rounds WHERE federation = '$federation'");
}

# A round is counted once, and is one version.
sub is_consistent
{
	my ($federation, $rounds, $name) = @_;
	is(scalar_of($coordinator, "SELECT count(*), count(DISTINCT round), max(round), count(DISTINCT version),
			(SELECT count(*) FROM versions WHERE model = '$federation'), (SELECT round FROM federation WHERE federation = '$federation')
		FROM federated_rounds WHERE federation = '$federation'"),
		join('|', ($rounds) x 6), "$name: rounds are consecutive, each is one version");
	is(scalar_of($coordinator, "SELECT count(*) FROM federated_rounds r WHERE federation = '$federation' AND clients <>
			(SELECT count(*) FROM federation_update u WHERE u.federation = r.federation AND u.round = r.round AND u.status = 'used')"),
		0, "$name: nothing is counted twice");
	return;
}

# ---- how good it is --------------------------------------------------------------------------------------

my $mlp = '{"hidden_layers": [16], "dropout": 0, "seed": 1, "epochs": 60, "learning_rate": 0.005}';
my %auc;
for my $site ('pooled', hospital_names())
{
	my $where = $site eq 'pooled' ? 'true' : "hospital = '$site'";
	# What a hospital never measures it cannot learn alone.
	my $measured = join ' || ', map { "CASE WHEN bool_or($_ IS NOT NULL) THEN '{$_}'::text[] END" } @FEATURES;
	scalar_of($coordinator, "SELECT train('$site', 'mlp', \$\$SELECT * FROM patients WHERE patient_id % 4 <> 0 AND $where\$\$,
		(SELECT $measured FROM patients WHERE $where), 'heart_disease', '$mlp')");
	$auc{$site} = auc_of($site);
}
for my $strategy (qw(fedavg fedprox fedmedian fed_trimmed_mean krum fedyogi))
{
	found($coordinator, $strategy, ", strategy => '$strategy'", @hospitals);
	is(scalar_of($coordinator, "SELECT count(*), sum(clients) FROM federated_run('$strategy', rounds => 20, $run)"), '20|80', "20 rounds of $strategy");
	$auc{$strategy} = auc_of($strategy);
}
diag(has_real_patients() ? 'AUC, patients of four hospitals (UCI):' : 'AUC, invented patients:');
diag(sprintf '  %-16s %.3f', $_, $auc{$_}) for sort { $auc{$b} <=> $auc{$a} } keys %auc;

my $alone = 0;
$alone += $auc{$_} / 4 for hospital_names();
cmp_ok($auc{fedavg}, '>', $auc{pooled} - 0.02, 'federated is as good as pooled');
cmp_ok($auc{fedavg}, '>', $alone + 0.02, 'and better than the hospitals alone on average');
cmp_ok($auc{fedavg}, '>', $auc{$_}, "and than $_ alone") for hospital_names();
diag(sprintf 'median round: %s', scalar_of($coordinator, q{SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY duration)
	FROM federated_rounds WHERE federation = 'fedavg'}));
is(scalar_of($coordinator, q{SELECT version FROM model_alias a JOIN model USING (model_id) WHERE name = 'fedavg' AND alias = 'champion'}),
	scalar_of($coordinator, q{SELECT version FROM federated_rounds WHERE federation = 'fedavg' ORDER BY loss, round LIMIT 1}),
	'the best round is promoted');
is(scalar_of($coordinator, q{SELECT count(*), count(DISTINCT client), bool_and(roc_auc BETWEEN 0 AND 1 OR roc_auc IS NULL), bool_and(seconds > 0)
	FROM federated_client_metrics WHERE federation = 'fedavg'}), '80|4|t|t', 'clients are compared round by round');

# Listeners are notified of every round.
found($coordinator, 'heard', '', @hospitals);
like(
	$coordinator->safe_psql('postgres', "LISTEN healthml_federation; SELECT count(*) FROM federated_run('heard', rounds => 2)"),
	qr/Asynchronous notification "healthml_federation" with payload "\{"federation" : "heard", "round" : 1, .*"heard", "round" : 2, /s,
	'rounds are notified');

# ---- secure aggregation ----------------------------------------------------------------------------------

found($coordinator, 'open', '', @hospitals);
found($coordinator, 'masked', ', secure_aggregation => true', @hospitals);
scalar_of($coordinator, "SELECT federated_round('$_', options => '{\"local_epochs\": 3, \"learning_rate\": 0.005}', keep_updates => true)")
  for qw(open masked);
is(scalar_of($coordinator, q{SELECT max(abs(o - m)) < 2e-5 AND max(abs(o - m)) > 0
	FROM federation f, federation g, unnest(federated_weights(f.artifact), federated_weights(g.artifact)) AS w (o, m)
	WHERE f.federation = 'open' AND g.federation = 'masked'}), 't', 'masked and open averages agree, but for the quantisation');
is(scalar_of($coordinator, q{SELECT count(update) FILTER (WHERE federation = 'open'), count(update) FILTER (WHERE federation = 'masked')
	FROM federation_update WHERE federation IN ('open', 'masked')}), '4|0', 'the coordinator sees no masked update');

# Masks and noise together: neither single updates nor their exact sum are seen.
found($coordinator, 'hidden', ', secure_aggregation => true, clip_norm => 1, noise_multiplier => 2, epsilon_budget => 3', @hospitals);
is(scalar_of($coordinator, q{SELECT count(*), max(epsilon) BETWEEN 2 AND 3, bool_and(clients = 4)
	FROM federated_run('hidden', rounds => 1)}), '1|t|t', 'secure aggregation and differential privacy together');
fails_with($coordinator, q{SELECT * FROM federated_run('hidden', rounds => 20)}, '55000', qr/privacy budget of federation "hidden" is spent/, 'hidden budget');

set_delay(60, $hospital{va});
scalar_of($coordinator, q{SELECT federated_round('masked', client_timeout => '5 s')}); # time for the others, wherever they run
is(scalar_of($coordinator, q{SELECT string_agg(format('%s %s %s', attempt, client, status), ', ' ORDER BY attempt, client)
	FROM federation_update WHERE federation = 'masked' AND round = 2}),
	'1 cleveland discarded, 1 hungarian discarded, 1 switzerland discarded, 1 va failed, 2 cleveland used, 2 hungarian used, 2 switzerland used',
	'a masked round in which a client is missing is repeated without it');
set_delay(0, $hospital{va});

found($coordinator, 'lonely', ', secure_aggregation => true', $hospital{cleveland});
fails_with($coordinator, q{SELECT federated_round('lonely')}, '55000', qr/secure aggregation needs at least two clients/, 'one masked client');
$hospital{cleveland}->safe_psql('postgres', q{SELECT federated_leave('open'); SELECT federated_join('open', 'training_patients', 'heart_disease', secure_only => true)});
scalar_of($coordinator, q{SELECT federated_round('open')});
like(outcome('open', 2, 'cleveland'), qr/^failed: this server takes part in federation "open" only with secure aggregation/, 'an owner can insist on masks');

# ---- differential privacy --------------------------------------------------------------------------------

found($coordinator, 'private', ', clip_norm => 1, noise_multiplier => 1, epsilon_budget => 10', @hospitals);
scalar_of($coordinator, q{SELECT federated_round('private')});
is(scalar_of($coordinator, q{SELECT epsilon > 1 AND epsilon < 10 FROM federated_rounds WHERE federation = 'private'}), 't', 'epsilon is counted');
fails_with($coordinator, q{SELECT * FROM federated_run('private', rounds => 1000)}, '55000', qr/privacy budget of federation "private" is spent/, 'budget');
fails_with($coordinator, q{SELECT federated_round('private', 0.5)}, '0A000', qr/fraction must be 1/, 'private fraction');

# ---- failures --------------------------------------------------------------------------------------------

found($coordinator, 'broken', '', @hospitals);
scalar_of($coordinator, q{SELECT federated_round('broken')});

my $session = Session->new($coordinator);
my $train = "CALL healthml.federated_train('broken', rounds => 2, client_timeout => '60 s', $run)";

# pid of the backend at which a hospital trains for the coordinator
sub training_backend
{
	my ($node) = @_;
	my $who = q{FROM pg_stat_activity WHERE usename = 'healthml_coordinator' AND state = 'active' AND query LIKE '%client_train%'};

	$node->poll_query_until('postgres', "SELECT count(*) = 1 $who");
	return scalar_of($node, "SELECT pid $who");
}

set_delay(30, $hospital{va});
$session->tell($train);
kill 'KILL', training_backend($hospital{va});
$session->answer;
like(outcome('broken', 2, 'va'), qr/^failed: /, 'a client whose backend is killed is left out');
is(clients_by_round('broken'), '1:4 2:3', 'of its round');
$hospital{va}->poll_query_until('postgres', 'SELECT true');
set_delay(0, $hospital{va});
set_delay(5, $hospital{hungarian});

$train =~ s/rounds => 2/rounds => 3/;
$session->tell($train);
my $orphan = training_backend($hospital{hungarian});
$hospital{hungarian}->kill9;
$session->answer;
like(outcome('broken', 3, 'hungarian'), qr/^failed: /, 'a server that is killed is left out');
$train =~ s/rounds => 3/rounds => 4/;
$session->ask($train);
like(outcome('broken', 4, 'hungarian'), qr/^failed: .*(refused|No such file|could not)/, 'and while it is down');
my $patience = time + $PostgreSQL::Test::Utils::timeout_default;
sleep 1 while kill(0, $orphan) && time < $patience; # until the backend has noticed, which holds the shared memory
sleep 1;
$hospital{hungarian}->start;
set_delay(0, $hospital{hungarian});
set_delay(30, $hospital{switzerland});

$train =~ s/rounds => 4/rounds => 5/;
$session->tell($train);
my $pid = training_backend($hospital{switzerland});
scalar_of($hospital{switzerland}, "SELECT pg_terminate_backend($pid)");
$session->answer;
like(outcome('broken', 5, 'switzerland'), qr/^failed: (terminating connection|server closed the connection)/, 'a connection that is cut is left out');

set_delay(0, @hospitals);
scalar_of($hospital{switzerland}, q{SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'healthml_coordinator'});
$train =~ s/rounds => 5/rounds => 6/;
$session->ask($train);
is(clients_by_round('broken'), '1:4 2:3 3:3 4:3 5:3 6:4', 'all are back in the next round, also over a connection cut in between');

set_delay(120, $hospital{va});
my $started = time;
scalar_of($coordinator, q{SELECT federated_round('broken', client_timeout => '0.5 s')});
cmp_ok(time - $started, '<', 60, 'a slow client is not waited for');
like(outcome('broken', 7, 'va'), qr/^failed: canceling statement due to statement timeout/, 'its own server stops it');
is(scalar_of($hospital{va}, q{SELECT count(*) FROM pg_stat_activity WHERE usename = 'healthml_coordinator' AND state = 'active'}), 0, 'really');

# A postmaster and its backends that are stopped answer nothing, not even that.
set_delay(0, $hospital{va});
$session->ask(q{SELECT federated_round('broken')});
my @frozen = split /\n/, scalar_of($hospital{va}, q{SELECT pid FROM pg_stat_activity WHERE usename = 'healthml_coordinator'});
kill 'STOP', @frozen;
$started = time;
$session->ask(q{SELECT federated_round('broken', client_timeout => '5 s')});
cmp_ok(time - $started, '<', 60, 'a frozen client is not waited for');
like(outcome('broken', 9, 'va'), qr/^failed: no answer within 00:00:05/, 'but recorded');
kill 'CONT', @frozen;

# Cancelled, the session can go on at once, with the same connections.
set_delay(30, @hospitals);
$session->tell(q{SELECT federated_round('broken')});
training_backend($hospital{va});
scalar_of($coordinator, q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%federated_round(''broken'')%' AND pid <> pg_backend_pid()});
$session->answer;
like($session->{err}, qr/canceling statement due to user request/, 'a round can be cancelled');
set_delay(0, @hospitals);
$session->ask(q{SELECT federated_round('broken')});
is($session->{err}, '', 'and repeated');
like(clients_by_round('broken'), qr/9:3 10:4$/, 'with all clients');
$session->end;
is_consistent('broken', 10, 'after failures');

# ---- the coordinator stops and comes back ----------------------------------------------------------------

found($coordinator, 'resumed', '', @hospitals);
set_delay(1.5, @hospitals);
$session = Session->new($coordinator);
$session->tell("CALL healthml.federated_train('resumed', rounds => 6, $run)");
wait_for($coordinator, q{SELECT count(*) >= 2 FROM healthml.federation_round WHERE federation = 'resumed'}, 'two rounds are done');
$coordinator->stop('immediate');
eval { $session->answer };
$session->end;
$coordinator->start;
set_delay(0, @hospitals);
my $done = scalar_of($coordinator, q{SELECT max(round) FROM federated_rounds WHERE federation = 'resumed'});
cmp_ok($done, '>=', 2, 'finished rounds outlive a crash of the coordinator');
cmp_ok($done, '<', 6, 'which came in the midst of the run');
$coordinator->safe_psql('postgres', "CALL healthml.federated_train('resumed', rounds => 6, $run)");
is_consistent('resumed', 6, 'after a crash of the coordinator');
$coordinator->safe_psql('postgres', "CALL healthml.federated_train('resumed', rounds => 6, $run)");
is_consistent('resumed', 6, 'a third call has nothing to do');

# ---- a dump ----------------------------------------------------------------------------------------------

my $dump = $coordinator->basedir . '/federation.dump';
command_ok([ 'pg_dump', '-Fc', '-f', $dump, $coordinator->connstr('postgres') ], 'a coordinator is dumped');
$coordinator->safe_psql('postgres', 'CREATE DATABASE copy');
command_ok([ 'pg_restore', '-d', $coordinator->connstr('copy'), $dump ], 'and restored');
for my $table (qw(federation federation_client federation_round federation_update))
{
	my $rows = "SELECT md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM healthml.$table t";
	is($coordinator->safe_psql('copy', $rows), scalar_of($coordinator, $rows), "$table is the same");
}
is($coordinator->safe_psql('copy', q{SELECT round, clients FROM healthml.federated_run('resumed', rounds => 1)}), '7|4', 'and its federations go on');
command_ok([ 'pg_dump', '-Fc', '-f', $dump, $hospital{va}->connstr('postgres') ], 'a hospital is dumped');
$hospital{va}->safe_psql('postgres', 'CREATE DATABASE copy');
command_ok([ 'pg_restore', '-d', $hospital{va}->connstr('copy'), $dump ], 'and restored');
is($hospital{va}->safe_psql('copy', 'SELECT count(*) > 5, min(source), min(owner::text) FROM healthml.federation_membership'), 't|training_patients|' . scalar_of($hospital{va}, 'SELECT current_user'), 'with its memberships');

done_testing();
