# Trainings on more samples than memory holds: where the samples lie, what they are charged to, and what is left of them.
#
# The tiny modality of the unit tests (test/unit/tremor.c) is in the catalogues of the module that is loaded here: a sample
# has 2 x 95000 numbers, 760 kB.  A background worker would load the extension's own module beside it: there is none.  'make test-deep' trains on 4,000 of them in 64 MB.

use strict;
use warnings;

use HealthML;
use Session;
use Test::More;

my $node = new_cluster('spool', settings => "healthml.max_tremor_seconds = 9500\nshared_buffers = 16MB\nautovacuum = off\nmax_worker_processes = 0\n");
my $sample_bytes = 2 * 95000 * 4;

$node->safe_psql('postgres', qq{
	UPDATE pg_proc SET probin = '$ENV{TESTDIR}/healthml.so' WHERE probin = '\$libdir/healthml'});
$node->safe_psql('postgres', q{
	-- a hand that goes so many mg to both sides for 9,500 seconds
	CREATE FUNCTION tremor_of(mg integer) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
		SELECT decode('54' || repeat(lpad(to_hex(128 + mg), 2, '0') || lpad(to_hex(128 - mg), 2, '0'), 95000), 'hex') $$;
	CREATE VIEW hands AS SELECT i, tremor_of(i % 100) AS tremor, i % 100 >= 50 AS trembles FROM generate_series(1, 1000000) i;
	CREATE TYPE tremor_verdict AS (label text, score float8, amplitude float8)});
$node->safe_psql('postgres', qq{
	CREATE FUNCTION tremor_classify(tremor bytea, model text) RETURNS tremor_verdict
	LANGUAGE c STABLE STRICT AS '$ENV{TESTDIR}/healthml.so', 'healthml_classify'});

my $one = Session->new($node);
my $two = Session->new($node);

sub training
{
	my ($model, $n, $epochs) = @_;
	return qq{train('$model', 'tremor_network', 'SELECT tremor, trembles FROM hands WHERE i <= $n',
		target => 'trembles', params => '{"epochs": $epochs, "batch_size": 2, "learning_rate": 0.03}')};
}

my $nothing_left = 'SELECT count(*) = 0 FROM pg_ls_tmpdir()';

# ---- the same model, wherever its samples lie ----

my $n = 100;

is($one->ask("SET healthml.max_memory = '1GB'; SELECT trained_rows FROM " . training('held', $n, 10)), $n, 'samples that fit into memory');
is($one->ask("SET healthml.max_memory = '24MB'; SELECT trained_rows FROM " . training('spooled', $n, 10)), $n, 'samples that do not');
is($one->ask(q{SELECT count(DISTINCT artifact_id) FROM healthml.model_version WHERE trained_on LIKE '%hands%'}), '1',
	'give the same model');
is($one->ask($nothing_left), 't', 'no temporary file is left after a training');
wait_for($node, 'SELECT temp_files >= 1 AND temp_bytes > ' . ($n - 8) * $sample_bytes . " FROM pg_stat_database WHERE datname = 'postgres'",
	'they are counted in pg_stat_database');

is($one->ask(q{SELECT string_agg((tremor_classify(tremor_of(mg), 'spooled')).label, ' ' ORDER BY mg) FROM unnest('{10, 90}'::int[]) mg}),
	'false true', 'the model judges recordings');
is($one->ask(q{SELECT value > 0.9 FROM evaluate('spooled', 'SELECT tremor, trembles FROM hands WHERE i BETWEEN 200 AND 260', 'trembles') WHERE metric = 'roc_auc'}),
	't', 'and is evaluated on recordings that are spooled');

# ---- temp_file_limit ----

$one->ask("SET temp_file_limit = '20MB'; SELECT trained_rows FROM " . training('too_large', $n, 10));
like($one->{err}, qr/temporary file size exceeds temp_file_limit \(20480kB\)/, 'temp_file_limit holds');
is($one->ask($nothing_left), 't', 'no temporary file is left after an error');
is($one->ask(q{SELECT count(*) FROM healthml.model WHERE name = 'too_large'}), '0', 'nor a model');
is($one->ask("RESET temp_file_limit; SELECT trained_rows FROM " . training('after', $n, 1)), $n, 'the session goes on');
$one->ask("BEGIN; SAVEPOINT a; SET LOCAL temp_file_limit = '20MB'; SELECT trained_rows FROM " . training('too_large', $n, 10));
is($one->ask("ROLLBACK TO a; $nothing_left"), 't', 'nor after one within a transaction');
is($one->ask("SELECT trained_rows FROM " . training('after', $n, 1) . '; COMMIT'), $n, 'which goes on');

# ---- cancelled, and terminated ----

for my $end (qw(pg_cancel_backend pg_terminate_backend))
{
	$one->tell('SELECT trained_rows FROM ' . training('endless', $n, 1000000));
	wait_for($node, 'SELECT count(*) = 1 AND sum(size) > ' . ($n - 8) * $sample_bytes . ' FROM pg_ls_tmpdir()',
		'a running training has one temporary file');
	$two->ask("SELECT $end(pid) FROM pg_stat_activity WHERE query LIKE '%endless%' AND pid <> pg_backend_pid()");
	$one->answer if $end eq 'pg_cancel_backend';
	wait_for($node, $nothing_left, "no temporary file is left after $end");
}

# ---- many ----

my $many = $ENV{HEALTHML_SPOOLED_SAMPLES} // 300;
my $third = Session->new($node);

is($third->ask("SET healthml.max_memory = '64MB'; SELECT trained_rows FROM " . training('many', $many, 2)), $many,
	"$many samples of $sample_bytes bytes are learnt from in 64 MB");
my ($peak) = $third->ask(q{SELECT pg_read_file('/proc/self/status', 0, 4096)}) =~ /VmHWM:\s+(\d+) kB/;
cmp_ok($peak, '<', (64 + 16 + 64) * 1024, 'its process never had more than that beside its shared buffers and its code');
is($third->ask($nothing_left), 't', 'nothing is left of them');
$third->end;

done_testing();
