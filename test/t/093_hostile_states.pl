# States of aggregates as another server might send them: cut off, or with bytes changed.

use strict;
use warnings;

use HealthML;
use PostgreSQL::Test::Utils;
use Test::More;

my $variants = $ENV{HOSTILE_CALLS} // 150; # of each state
srand($ENV{HOSTILE_SEED} // 42);

my $node = new_cluster('states');
my $dir = $node->basedir;
my @aggregates = (
	[ 'labelled_scores', 'labelled_scores_add', 'float8, boolean', 'labelled_scores_merge', 'roc_auc_final', 'random(), i % 3 = 0' ],
	[ 'label_counts', 'label_counts_add', 'text, text', 'label_counts_merge', 'confusion_matrix_final', '(i % 3)::text, (i % 5)::text' ],
	[ 'fedavg_state', 'fedavg_accum', 'real[], bigint', 'fedavg_combine', 'fedavg_final_real', 'ARRAY[i, 1.5, -i]::real[], i' ],
	[ 'fedavg_state', 'fedavg_accum', 'float8[], bigint', 'fedavg_combine', 'fedavg_final_float8', 'ARRAY[i, 1e300]::float8[], i' ],
	[ 'client_updates', 'fedmedian_accum', 'real[]', 'client_updates_combine', 'fedmedian_final', 'ARRAY[i, 1.5, -i]::real[]' ],
	[ 'client_updates', 'krum_accum', 'real[], integer', 'client_updates_combine', 'krum_final', 'ARRAY[i, 1.5, -i]::real[], 1' ]);
my $script = "\\set VERBOSITY verbose\nSET statement_timeout = '30s';\n";
my $number = 0;

# One of the bytes after the header of the file and the lengths of row and field, or the length of it all.
sub damaged
{
	my ($bytes) = @_;
	my $start = 19 + 2 + 4;

	for (1 .. 1 + int rand 3)
	{
		my $place = $start + int rand(length($bytes) - $start - 2);
		substr($bytes, $place, 1) = chr(rand() < 0.5 ? int rand 256 : (0, 1, 127, 128, 255)[ rand 5 ]);
	}
	if (rand() < 0.2)
	{
		my $field = substr($bytes, $start, int rand(length($bytes) - $start - 2));
		$bytes = substr($bytes, 0, 19 + 2) . pack('N', length $field) . $field . "\xff\xff";
	}
	return $bytes;
}

for my $aggregate (@aggregates)
{
	my ($type, $add, $arguments, $merge, $final, $values) = @$aggregate;
	my $file = "$dir/state" . ++$number;

	$node->safe_psql('postgres', qq{
		CREATE AGGREGATE public.state$number($arguments) (SFUNC = healthml.$add, STYPE = healthml.$type);
		CREATE AGGREGATE public.merged$number(healthml.$type) (SFUNC = healthml.$merge, STYPE = healthml.$type, FINALFUNC = healthml.$final);
		CREATE TABLE public.states$number (state healthml.$type);
		COPY (SELECT state$number($values) FROM generate_series(1, 20) i) TO '$file' (FORMAT binary)});
	my $good = slurp_file($file);
	$script .= "COPY states$number FROM '$file' (FORMAT binary);\nSELECT 'good: ' || (merged$number(state) IS NOT NULL)::text FROM states$number;\n";
	for my $i (1 .. $variants)
	{
		open my $handle, '>:raw', "$file.$i" or die;
		print $handle damaged($good);
		close $handle;
		$script .= "BEGIN;\nCOPY states$number FROM '$file.$i' (FORMAT binary);\nSELECT merged$number(state) FROM states$number;\nSELECT state::text::healthml.$type IS NULL FROM states$number;\nROLLBACK;\n";
	}
}

my $started = $node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()');
my ($out, $err);
$node->psql('postgres', $script, on_error_stop => 0, stdout => \$out, stderr => \$err);
is(scalar(() = $out =~ /^good: true$/mg), scalar @aggregates, 'states that are whole are merged');
cmp_ok(scalar(() = $err =~ /ERROR:  22/g), '>', 0.2 * $variants * @aggregates, 'damaged ones are refused');
unlike($err, qr/ERROR:  XX|ERROR:  57014|ERROR:  53/, 'by errors of the user');
unlike($out, qr/\bNaN\b/, 'and give no NaN');
is($node->safe_psql('postgres', 'SELECT pg_postmaster_start_time()'), $started, 'the server has not restarted');
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal/, 'nothing bad in the log');

$node->stop;
done_testing();
