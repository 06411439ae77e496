# Every function and aggregate of the catalog against a pool of bad arguments: what is wrong is an error
# of the user's with a message, never one of the server's.
#
# Arguments of a call are good by their names but for one, which goes through the pool of its type; then
# all are drawn from the pools.  Each call has a transaction of its own, which is rolled back.

use strict;
use warnings;

use HealthML;
use PostgreSQL::Test::Utils;
use Test::More;

my $random_calls = $ENV{HOSTILE_CALLS} // 5; # of each function, with all arguments at random
srand($ENV{HOSTILE_SEED} // 42);

my @texts = (
	q{''}, q{' '}, q{'m'}, q{'n'}, q{'m:1'}, q{'m:0'}, q{'m:99999999999'}, q{'a@b:c'}, q{'@'}, q{':'}, q{'M'}, q{'%s%n%d'}, q{'"'}, q{'\\'},
	q{'''; DROP TABLE t; --'}, q{E'\u202e\U0001F600'}, q{E'\x01'}, q{repeat('x', 1000000)}, q{repeat(U&'\00e9', 128)}, q{repeat('(', 100000)},
	q{'t'}, q{'T'}, q{'nowhere.t'}, q{'a.b.c.d'}, q{'pg_class'}, q{'none'}, q{'one'}, q{'void'}, q{'flat'}, q{'odd'}, q{'ruled'}, q{'part'}, q{'ill'}, q{'kind'},
	q{'SELECT'}, q{'SELECT 1; SELECT 2'}, q{'SELECT FROM t'}, q{'SELECT 1, 1 AS ill, 2 AS ill'}, q{'DELETE FROM t RETURNING *'}, q{'SELECT * FROM t FOR UPDATE'},
	q{'SELECT a, b, ill, kind, nextval(''counter'') FROM t'}, q{'SELECT a, b, ill, kind, setval(''counter'', 9) FROM t'}, q{'SELECT a / 0 AS a, b, ill, kind FROM t'},
	q{'SELECT ''nan''::float8 AS a, ''inf''::float8 AS b, true AS ill, NULL AS kind'}, q{'TABLE t'}, q{'VALUES (1, 2)'}, q{'COPY t TO STDOUT'}, q{'SELECT $1'},
	q{'mlp'}, q{'isolation_forest'}, q{'fedadam'}, q{'krum'}, q{'scorer'}, q{'f'}, q{'champion'}, q{'0.1.0'});
my @numbers = (0, -1, 1, 2, 3, 100);
my @floats = (map({; "'$_'::float8" } qw(NaN Infinity -Infinity 1e308 -1e308 5e-324 -0.0 0.5)), map {; "$_\::float8" } @numbers);
my @jsons = map {; "$_\::jsonb" } q{'null'}, q{'{}'}, q{'[]'}, q{'""'}, q{'1'}, q{'1e400'}, q{'true'}, q{'{"a": 1, "b": 2, "kind": "x"}'}, q{'{"a": 1}'},
  q{'{"a": 1e400, "b": -1e400, "kind": 3}'}, q{'{"a": [1], "b": {"c": null}, "kind": null}'}, q{'{"A": 1, "": 2, "\ud83d\ude00": 3}'},
  q{'{"epochs": -1}'}, q{'{"epochs": 1e300}'}, q{'{"learning_rate": "x"}'}, q{'{"learning_rate": 1e30, "epochs": 5}'}, q{'{"n_estimators": 0.5}'}, q{'{"network": {}}'},
  q{'{"network": {"layers": [{"op": "dense"}]}}'}, q{'{"hidden_layers": [1000000, 1000000, 1000000]}'}, q{'{"hidden_layers": [0]}'}, q{'{"seed": -1}'}, q{'{"group": "nowhere"}'},
  q{'{"format": "healthml-iforest/1"}'}, q{'{"format": "healthml-iforest/1", "features": ["a"], "trees": [{}]}'}, q{'{"eta": -1}'}, q{'{"malicious": 1000000}'},
  q{(repeat('[', 1000) || repeat(']', 1000))}, q{(repeat('{"a":', 1000) || '1' || repeat('}', 1000))},
  q{(SELECT jsonb_object_agg('k' || i, i) FROM generate_series(1, 10000) i)}, q{to_jsonb(repeat('x', 1000000))};
my @artifacts = map {; "(SELECT $_ FROM healthml.model_version ORDER BY version_id LIMIT 1)", "(SELECT $_ FROM healthml.model_version ORDER BY version_id DESC LIMIT 1)" }
  'artifact', 'substr(artifact, 1, octet_length(artifact) / 2)', 'set_byte(artifact, octet_length(artifact) / 3, 255 - get_byte(artifact, octet_length(artifact) / 3))',
  'artifact || artifact';
my @bytes = (q{''::bytea}, q{'\x00'::bytea}, q{'\x484d4c'::bytea}, q{decode(repeat('ff', 100000), 'hex')}, q{sha256('x')}, q{(SELECT string_agg(sha256(i::text::bytea), '') FROM generate_series(1, 1000) i)},
	q{healthml.synthetic_heart_sound(0.1)}, q{substr(healthml.synthetic_heart_sound(3), 1, 999)}, q{substr(healthml.synthetic_heart_sound(3), 7)},
	@artifacts);

sub arrays
{
	my ($type, @values) = @_;

	return ("'{}'::$type\[]", "ARRAY[NULL]::$type\[]", "ARRAY[$values[0], NULL]::$type\[]", "ARRAY[[$values[0], $values[0]], [$values[0], $values[0]]]::$type\[]",
		"array_fill($values[0]::$type, ARRAY[3], ARRAY[-5])", "array_fill($values[0]::$type, ARRAY[100000])", map {; "ARRAY[$values[0], $_]::$type\[]", "ARRAY[$_, $_, $_]::$type\[]" } @values);
}

my @times = map {; "timestamptz '$_'" } '2026-01-01 00:00+00', 'infinity', '-infinity', '4713-01-01 00:00+00 BC', '294276-12-31 23:59+00';

my %pool = (
	text => \@texts,
	name => [q{'t'}, q{''}, q{repeat('x', 63)}],
	cstring => [map {; "$_\::cstring" } q{''}, q{'x'}, q{'\x'}, q{'\x00'}, q{'\x0000000000000000'}, q{encode(sha256('x'), 'hex')}, q{repeat('ff', 1000)}, q{('\x' || repeat('ff', 1000))}, q{('\x' || repeat('01', 64))}],
	integer => [ map({; "($_)" } @numbers), 2147483647, '(-2147483648)' ],
	bigint => [ map({; "$_\::bigint" } @numbers), 9223372036854775807, '(-9223372036854775808)' ],
	'double precision' => \@floats,
	real => [map { s/::float8$/::real/r } grep { !/e308|e-324/ } @floats],
	boolean => [qw(true false)],
	jsonb => \@jsons,
	bytea => \@bytes,
	json => [map { s/::jsonb$/::json/r } grep { /::jsonb$/ } @jsons],
	'timestamp with time zone' => \@times,
	'timestamp with time zone[]' => [arrays('timestamptz', @times)],
	'integer[]' => [arrays('integer', qw(0 1 -1 2147483647))],
	regclass => [map {; "'$_'::regclass" } qw(t void none pg_class healthml.model healthml.models)],
	interval => [map {; "interval '$_'" } '0', '1 day', '-1 second', '1 microsecond', '178000000 years', '-178000000 years'],
	uuid => [q{'00000000-0000-0000-0000-000000000000'::uuid}, map {; "(SELECT artifact_id FROM healthml.model_version ORDER BY version_id $_ LIMIT 1)" } '', 'DESC'],
	regrole => [q{0::oid::regrole}, q{4294967295::oid::regrole}, q{'postgres'::regrole}, q{'powerless'::regrole}],
	record => ['t', 'ROW()', 'ROW(NULL)', 'ROW(1, 2)', q{ROW(1, 2, 'x')}, q{ROW(1, 2, 'x'::text)}, q{ROW('NaN'::float8, 'infinity'::float8, 'x'::text)}, 'ROW(ROW(1))', 'NULL::t', 'void.*::void', 'odd.*::odd'],
	'real[]' => [arrays('real', qw(1 0 'NaN' 'Infinity' '-Infinity' 3e38 -3e38 1e-45))],
	'double precision[]' => [arrays('float8', @floats)],
	'bigint[]' => [arrays('bigint', qw(1 0 -1 9223372036854775807)), q{ARRAY[1, -2, 3, -4]::bigint[]}, q{array_fill(9223372036854775807, ARRAY[4])}, q{array_fill(-1::bigint, ARRAY[40])}, q{array_fill(9223372036854775807, ARRAY[67])}],
	'text[]' => [arrays('text', @texts[ 0 .. 20 ]), q{'{a,b}'}, q{'{a,a}'}, q{'{a,ill}'}, q{'{nowhere}'}, q{'{kind}'}],
	'bytea[]' => [arrays('bytea', @bytes)],
	# (made by aggregates without a final function)
	'healthml.labelled_scores' => [map {; "(SELECT public.scores($_) FROM generate_series(1, 3))" } '0.5, true', '1e308, false'],
	'healthml.label_counts' => [map {; "(SELECT public.labels($_) FROM generate_series(1, 3))" } q{'a', 'b'}, q{repeat('x', 100000), ''}],
	'healthml.fedavg_state' => [map {; "(SELECT public.averages($_) FROM generate_series(1, 3))" } q{'{1,2}'::real[], 1}, q{'{3e38}'::real[], 9223372036854775807}, q{'{1e308}'::float8[], 1}],
	'healthml.client_updates' => [map {; "(SELECT public.$_ FROM generate_series(1, 3))" } q{medians('{1,2}')}, q{krums('{1}', 1)}, q{trimmed('{1,2}', 0.4)}, q{multi_krums('{1}', 1, 1, 1)}],
	'healthml.alert' => [q{(SELECT a FROM healthml.alert a LIMIT 1)}, q{(SELECT ROW(a.*)::healthml.alert FROM (SELECT (jsonb_populate_record(NULL::healthml.alert, '{"alert_id": -1}')).*) a)}],
	'healthml.federation' => [q{(SELECT f FROM healthml.federation f LIMIT 1)}],
	'healthml.federated_contribution' => [q{ROW(1, 0.5, 0.5, '{1,2}', NULL)::healthml.federated_contribution}, q{ROW(NULL, NULL, NULL, NULL, NULL)::healthml.federated_contribution},
		q{ROW(-1, 'NaN', 'Infinity', '{NaN}', '\x00')::healthml.federated_contribution}],
	'healthml.federated_contribution[]' => [q{'{}'::healthml.federated_contribution[]}, q{ARRAY[NULL]::healthml.federated_contribution[]}, q{ARRAY[ROW(1, 0.5, 0.5, '{1,2}', NULL)::healthml.federated_contribution]}],);

# Good arguments by their names.
my %good = (model => q{'m'}, ref => q{'m'}, algorithm => q{'mlp'}, source => q{'t'}, target => q{'ill'}, subject => q{'a'}, group => 'NULL', params => q{'{"epochs": 2}'::jsonb},
	'params isolation_forest' => q{'{}'::jsonb}, replicates => '10', confidence => '0.9', folds => '2', seed => '1', n => '20', i => '1', draw => '3', alias => q{'spare'}, version => '1', level => q{'reader'},
	federation => q{'f'}, client => q{'c'}, strategy => q{'fedavg'}, options => q{'{}'::jsonb}, features => undef, artifact => $artifacts[1], deadline => q{interval '1 second'}, top => '2',
	'labelled' => 'true', samples => '3', explain => '1', title => q{'x'}, older_than => q{interval '1 day'}, round => '1', noise_multiplier => '1', sampling_rate => '0.5', rounds => '3', delta => '0.01',
	audio => q{healthml.synthetic_heart_sound(4)}, seconds => '2', bpm => '60', murmur => q{'none'}, noise => '0.01', sample_rate => '4000', n_mels => '20', n_fft => '256',
	hop_length => '128', fmin => '20', fmax => '900', padding => q{'constant'}, db_ref => '1', top_db => '60', from_s => '0', to_s => '1');

my $node = new_cluster('hostile', settings => "log_min_messages = warning\nmax_stack_depth = 2MB\n");
$node->safe_psql('postgres', q{
	CREATE TABLE t AS SELECT i % 50 AS a, i * 7 % 31 AS b, i % 3 = 0 AS ill, CASE i % 3 WHEN 0 THEN 'x' ELSE 'y' END AS kind FROM generate_series(1, 200) i;
	CREATE TABLE none (LIKE t);
	CREATE TABLE one AS TABLE t LIMIT 1;
	CREATE TABLE void (a int, b int, ill boolean, kind text);
	INSERT INTO void SELECT FROM generate_series(1, 50);
	CREATE TABLE flat AS SELECT 1 AS a, 1 AS b, true AS ill, 'x' AS kind FROM generate_series(1, 50);
	CREATE TABLE odd ("A b" point, "É""" xml, a int[], b date, ill text, kind numeric);
	INSERT INTO odd VALUES (NULL, NULL, '{1}', 'infinity', 'maybe', 'NaN');
	CREATE VIEW ruled AS SELECT * FROM t;
	CREATE RULE deletes AS ON DELETE TO ruled DO INSTEAD DELETE FROM t;
	CREATE TABLE part (LIKE t) PARTITION BY LIST (ill);
	CREATE TABLE part_ill PARTITION OF part FOR VALUES IN (true);
	CREATE TABLE part_well PARTITION OF part DEFAULT;
	INSERT INTO part TABLE t;
	CREATE SEQUENCE counter;
	CREATE AGGREGATE scores(float8, boolean) (SFUNC = healthml.labelled_scores_add, STYPE = healthml.labelled_scores);
	CREATE AGGREGATE labels(text, text) (SFUNC = healthml.label_counts_add, STYPE = healthml.label_counts);
	CREATE AGGREGATE averages(real[], bigint) (SFUNC = healthml.fedavg_accum, STYPE = healthml.fedavg_state);
	CREATE AGGREGATE averages(float8[], bigint) (SFUNC = healthml.fedavg_accum, STYPE = healthml.fedavg_state);
	CREATE AGGREGATE medians(real[]) (SFUNC = healthml.fedmedian_accum, STYPE = healthml.client_updates);
	CREATE AGGREGATE trimmed(real[], float8) (SFUNC = healthml.fed_trimmed_mean_accum, STYPE = healthml.client_updates);
	CREATE AGGREGATE krums(real[], integer) (SFUNC = healthml.krum_accum, STYPE = healthml.client_updates);
	CREATE AGGREGATE multi_krums(real[], bigint, integer, integer) (SFUNC = healthml.multi_krum_accum, STYPE = healthml.client_updates);
	CREATE ROLE powerless;
	GRANT USAGE ON SCHEMA healthml TO powerless;
	SELECT train('m', 'isolation_forest', 't', '{a,b,kind}', 'ill', '{"n_estimators": 20}');
	SELECT train('n', 'mlp', 't', '{a,b,kind}', 'ill', '{"epochs": 2}');
	SELECT batch_predict('m', 't', NULL);
	SELECT federated_create('f', features => '{a,b}');
	SELECT federated_join('f', 't', 'ill', 'postgres');
});

my @functions = split /\n/, scalar_of($node, q{
	SELECT concat_ws('|', p.prokind, format('%I.%I', 'healthml', p.proname),
		array_to_string(ARRAY(SELECT coalesce(p.proargnames[i], '') || ':' || CASE WHEN t.typnamespace = 'healthml'::regnamespace THEN 'healthml.' || t.typname
				WHEN e.typnamespace = 'healthml'::regnamespace THEN 'healthml.' || e.typname || '[]' ELSE format_type(t.oid, NULL) END
			FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (type, i) JOIN pg_type t ON t.oid = a.type LEFT JOIN pg_type e ON e.oid = t.typelem ORDER BY i), ','))
	FROM pg_proc p
	WHERE p.pronamespace = 'healthml'::regnamespace AND p.prorettype <> 'trigger'::regtype AND NOT 'internal'::regtype = ANY (p.proargtypes::oid[])
	ORDER BY p.oid::regprocedure::text});

sub good
{
	my ($argument) = @_;
	my ($name, $type) = split /:/, $argument, 2;

	return $good{$name} // $pool{$type}[0];
}

sub any
{
	my ($argument) = @_;
	my (undef, $type) = split /:/, $argument, 2;
	my $pool = $pool{$type} // die "no pool of type \"$type\"";

	return rand() < 0.1 ? null_of($type) : $pool->[ rand @$pool ];
}

sub null_of
{
	my ($type) = @_;
	return $type eq 'record' ? 'NULL::t' : "NULL::$type";
}

sub call
{
	my ($kind, $name, @arguments) = @_;
	my $list = join(', ', @arguments);
	my $from = join ', ', grep { my $table = $_; grep { /^$table\b/ } @arguments } qw(t void odd);

	return "CALL $name($list);" if $kind eq 'p';
	return "SELECT $name($list) FROM generate_series(1, 3);" if $kind eq 'a';
	return 'SELECT ' . "$name($list)" . ($from ? " FROM $from" : '') . ' LIMIT 3;';
}

my @calls;
for my $function (@functions)
{
	my ($kind, $name, $arguments) = split /\|/, $function, -1;
	my @arguments = split /,/, $arguments;
	local $good{model} = q{'heart_sound'} if $name =~ /heart_sound|classify/;

	push @calls, call($kind, $name, map { good($_) } @arguments);
	for my $i (0 .. $#arguments)
	{
		my (undef, $type) = split /:/, $arguments[$i], 2;
		for my $value (null_of($type), @{ $pool{$type} // die "no pool of type \"$type\"" })
		{
			my @values = map { good($_) } @arguments;
			$values[$i] = $value;
			push @calls, call($kind, $name, @values);
		}
	}
	push @calls, call($kind, $name, map { any($_) } @arguments) for 1 .. (@arguments ? $random_calls : 0);
}

# Make the calls in one session; returns its output, its errors, and its memory before and after.
sub make_calls
{
	my ($role) = @_;
	my $memory = q{SELECT 'memory: ' || substring(pg_read_file('/proc/self/status') from 'VmRSS:\s*(\d+)');};
	my $script = "\\set VERBOSITY verbose\nSET statement_timeout = '1s'; SET search_path = public;\n";
	my ($out, $err);

	$script .= "$memory\n" if $role eq 'postgres';
	$script .= "\\echo #$_\n\\warn #$_\nBEGIN;\nSET LOCAL ROLE $role;\n$calls[$_]\nROLLBACK;\n" for 0 .. $#calls;
	$script .= "$memory\n" if $role eq 'postgres';
	$node->psql('postgres', $script, on_error_stop => 0, stdout => \$out, stderr => \$err, timeout => 1200);
	return ($out, $err);
}

# Whether a call that did not end within a second does so within half a minute: on a slow machine, that is no fault.
sub ends
{
	my ($role, $call) = @_;
	my (undef, undef, $err) = $node->psql('postgres',
		"\\set VERBOSITY verbose\nSET statement_timeout = '30s'; SET search_path = public;\nBEGIN;\nSET LOCAL ROLE $role;\n$call\nROLLBACK;",
		on_error_stop => 0);
	return $err !~ /ERROR:  57014/;
}

# "#number\ntext" as number => text; the last text may be empty, and its newline cut off
sub by_call
{
	my ($text) = @_;
	my %by_call;

	$by_call{$1} = $2 while $text =~ /^#(\d+)(?:\n|\z)(.*?)(?=^#\d+$|\z)/msg;
	return %by_call;
}

sub shorten
{
	my ($call, $answer) = @_;
	return substr($call, 0, 300) . "\n" . substr($answer, 0, 600);
}

my $postmaster = $node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()');
note scalar(@functions) . ' functions, ' . scalar(@calls) . ' calls';
for my $role ('postgres', 'powerless')
{
	my ($out, $err) = make_calls($role);
	my %errors = by_call($err);
	my %answers = by_call($out);
	my %bad;

	is(scalar(keys %errors), scalar(@calls), "$role: every call was made");
	for my $i (sort { $a <=> $b } keys %errors)
	{
		my $error = $errors{$i};
		my $answer = $answers{$i} // '';

		push @{ $bad{'internal error'} }, shorten($calls[$i], $error) if $error =~ /^(?:psql:\S+ )?(?:ERROR|WARNING|FATAL|PANIC):  XX/m;
		push @{ $bad{'lost connection'} }, shorten($calls[$i], $error) if $error =~ /FATAL|PANIC|server closed|connection/;
		push @{ $bad{'lookup failed'} }, shorten($calls[$i], $error) if $error =~ /cache lookup failed|unexpected|could not find/;
		push @{ $bad{'timeout'} }, shorten($calls[$i], $error) if $error =~ /ERROR:  57014/ && $calls[$i] !~ /synthetic_patients/ && !ends($role, $calls[$i]);
		push @{ $bad{q{NaN or infinity}} }, shorten($calls[$i], $answer) if $answer =~ /\b(?:NaN|Infinity)\b/ && $calls[$i] !~ /federated_epsilon/;
	}
	for my $kind ('internal error', 'lost connection', 'lookup failed', 'timeout', 'NaN or infinity')
	{
		my @found = @{ $bad{$kind} // [] };
		is(scalar(@found), 0, "$role: no $kind");
		diag($_) for @found[ 0 .. ($#found < 400 ? $#found : 400) ];
	}
	if ($role eq 'postgres')
	{
		my @memory = $out =~ /^memory: (\d+)$/mg;
		cmp_ok($memory[1], '<', $memory[0] + 64 * 1024, 'memory in kB stays flat');
	}
	if ($ENV{HOSTILE_LOG}) { open my $log, '>', "$ENV{HOSTILE_LOG}.$role"; print $log "$calls[$_]\n", substr($errors{$_},0,2000), substr($answers{$_},0,300), "\n" for sort { $a <=> $b } keys %errors; close $log; }
}
is($node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()'), $postmaster, 'the server has not restarted');
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|TRAP|XX000/, 'nothing bad in the log');

$node->stop;
done_testing();
