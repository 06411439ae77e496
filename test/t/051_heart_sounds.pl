# Heart sounds in a real server: memory over many classifications, parallel plans, privileges, long recordings.
# HEALTHML_CLASSIFICATIONS=100000 makes the first test as long as 'make test-deep' wants it.

use strict;
use warnings;

use HealthML;
use Test::More;

my $node = new_cluster('heart');
$node->safe_psql('postgres', q{
	CREATE TABLE public.sound (id int PRIMARY KEY, audio bytea, murmur boolean);
	ALTER TABLE sound ALTER audio SET STORAGE EXTERNAL;
	INSERT INTO sound SELECT i, synthetic_heart_sound(3, 50 + i % 70, CASE i % 2 WHEN 0 THEN 'systolic' ELSE 'none' END, 0.01, i), i % 2 = 0
	FROM generate_series(1, 200) i;
	ANALYZE sound});

# ---- nothing is left behind ----

my $many = $ENV{HEALTHML_CLASSIFICATIONS} || 2000;
my ($before, $after) = split /\n/, $node->safe_psql('postgres', qq{
	SET client_min_messages = error;
	CREATE FUNCTION pg_temp.try(audio bytea) RETURNS float8 LANGUAGE plpgsql AS \$\$
	BEGIN
		RETURN (heart_sound_classify(audio)).p_abnormal;
	EXCEPTION WHEN data_exception OR invalid_binary_representation THEN
		RETURN NULL;
	END \$\$;
	CREATE FUNCTION pg_temp.hear(n int) RETURNS void LANGUAGE plpgsql AS \$\$
	BEGIN
		FOR i IN 1 .. n LOOP
			PERFORM pg_temp.try(CASE i % 10 WHEN 0 THEN substr(audio, 1, 5000) WHEN 1 THEN substr(audio, 2) ELSE audio END)
			FROM sound WHERE id = 1 + i % 200;
		END LOOP;
	END \$\$;
	CREATE FUNCTION pg_temp.resident() RETURNS int LANGUAGE sql AS \$\$
		SELECT (regexp_match(pg_read_file('/proc/self/status'), 'VmRSS:\\s*(\\d+)'))[1]::int \$\$;
	DO 'BEGIN PERFORM pg_temp.hear(500); END';
	SELECT pg_temp.resident();
	DO 'BEGIN PERFORM pg_temp.hear($many); END';
	SELECT pg_temp.resident()});
cmp_ok($after - $before, '<', 4096, "$many classifications leave no memory behind (kB)");

# ---- parallel plans ----

my $parallel = q{SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET min_parallel_table_scan_size = 0;};
my $query = q{SELECT count((h).label), sum(((h).p_abnormal * 1e9)::bigint), min((h).label) FROM (SELECT heart_sound_classify(audio) AS h FROM sound) s};
like(scalar_of($node, "$parallel EXPLAIN (ANALYZE, COSTS off) $query"), qr/Workers Launched: [12]/, 'workers take part');
is(scalar_of($node, "$parallel $query"), scalar_of($node, "SET max_parallel_workers_per_gather = 0; $query"),
	'and hear the same');

# ---- privileges ----

$node->safe_psql('postgres', q{
	CREATE ROLE nobody_special;
	CREATE ROLE scorer;
	SELECT grant_role('scorer', 'scorer');
	GRANT SELECT ON public.sound TO nobody_special, scorer;
	CREATE TABLE public.secret AS SELECT * FROM public.sound});
fails_with($node, q{SET ROLE nobody_special; SELECT healthml.heart_sound_classify(audio) FROM public.sound LIMIT 1},
	'42501', qr/permission denied/, 'a role without grants');
is(scalar_of($node, q{SET ROLE scorer; SELECT count((healthml.heart_sound_classify(audio)).label) FROM public.sound WHERE id <= 3}),
	'3', 'a scorer classifies');
is(scalar_of($node, q{SET ROLE scorer; SELECT recordings FROM healthml.batch_classify('heart_sound', 'SELECT id, audio FROM public.sound WHERE id <= 3', 'id')}),
	'3', 'and keeps predictions');
fails_with($node, q{SET ROLE scorer; SELECT healthml.batch_classify('heart_sound', 'public.secret', 'id')},
	'42501', qr/permission denied for table secret/, 'what a scorer may not read');
fails_with($node, q{SET ROLE scorer; SELECT healthml.train('heart_sound', 'heart_sound_cnn', 'public.sound', target => 'murmur')},
	'42501', qr/permission denied/, 'a scorer does not train');

# ---- limits ----

$node->safe_psql('postgres', q{
	CREATE TABLE public.long AS SELECT synthetic_heart_sound(600, 70, 'none', 0.05, 1) AS audio});
fails_with($node, q{SET healthml.max_audio_seconds = 60; SELECT heart_sound_classify(audio) FROM long},
	'54000', qr/recording is longer than the limit of 60 seconds/, 'too long');
fails_with($node, q{SET healthml.max_memory = '16MB'; SELECT heart_sound_classify(audio) FROM long},
	'53400', qr/memory limit/, 'too large');
is(scalar_of($node, q{SET healthml.max_memory = '128MB'; SELECT (heart_sound_classify(audio)).duration_s FROM long}),
	'600', 'ten minutes within 128 MB');

$node->stop;
done_testing();
