# Recordings of every format and kind of damage, and what a session keeps of them.

use strict;
use warnings;

use HealthML;
use Test::More;

my $node = new_cluster('audio');
my $corpus = "$ENV{TESTDIR}/audio"; # the files that the fuzzer of audio begins with

sub slurp
{
	my ($path) = @_;

	open my $in, '<:raw', $path or die "could not open $path: $!";
	local $/;
	return scalar <$in>;
}

# The row of audio_info, or SQLSTATE and message.
$node->safe_psql('postgres', q{
	CREATE TABLE recording (name text PRIMARY KEY, audio bytea);
	CREATE FUNCTION heard(audio bytea) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		info audio_info;
	BEGIN
		info := audio_info(audio);
		RETURN concat_ws(' ', info.format, info.encoding, info.sample_rate, info.channels, round(info.duration_s::numeric, 2),
			round(info.peak::numeric, 1), CASE WHEN info.truncated THEN 'cut off' END);
	EXCEPTION WHEN OTHERS THEN
		RETURN SQLSTATE;
	END $$});

opendir my $dir, $corpus or die "could not open $corpus: $!";
for my $name (grep { /\./ && -f "$corpus/$_" } sort readdir $dir)
{
	$node->safe_psql('postgres', "INSERT INTO recording VALUES ('$name', '\\x" . unpack('H*', slurp("$corpus/$name")) . "')");
}
closedir $dir;

# ---- formats ----

my %expected = (
	'pcm_u8.wav' => 'wav pcm_u8 8000 1 0.50 0.6',
	'pcm_24.wav' => 'wav pcm_s24 8000 1 0.50 0.6',
	'double.wav' => 'wav float64 8000 1 0.50 0.6',
	'alaw.wav' => 'wav a_law 8000 1 0.50 0.6',
	'ulaw.wav' => 'wav mu_law 8000 1 0.50 0.6',
	'ima_adpcm.wav' => 'wav ima_adpcm 8000 1 0.51 0.6',
	'ms_adpcm.wav' => 'wav ms_adpcm 8000 1 0.50 0.6',
	'stereo.wav' => 'wav pcm_s16 8000 2 0.50 0.1',
	'rf64.wav' => 'wav pcm_s16 8000 1 0.50 0.6',
	'pcm_24.flac' => 'flac pcm_s24 8000 1 0.50 0.6',
	'vorbis.ogg' => 'ogg vorbis 8000 1 0.50 0.6',
	'cover.flac' => 'flac pcm_s16 8000 1 0.50 0.6',
	'truncated.wav' => 'wav pcm_s16 8000 1 0.13 0.6 cut off',
	'promises_4gb.wav' => 'wav pcm_s16 8000 1 0.50 0.6 cut off',
	'streamed.w64' => 'wav pcm_s16 8000 1 0.50 0.6',
	'streamed_rf64.wav' => 'wav pcm_s16 8000 1 0.50 0.6',
	'streamed.flac' => 'flac pcm_s16 8000 1 0.50 0.6',
	'joined.flac' => 'flac pcm_s16 8000 1 1.00 0.6',
	'opposite.wav' => 'wav pcm_s16 8000 2 0.50 0.6',
	'gsm.wav' => 'wav gsm_6_10 8000 1 0.56 1.0',
	'g726.wav' => '22P03',
	'speex.ogg' => '22P03',
	'jpeg.jpg' => '22P03',
	'text.txt' => '22P03',
	'only_id3.mp3' => '22P03',
	'header_only.wav' => '22P03',
	'no_channels.wav' => '22P03',
	'thousand_channels.wav' => '54000',
	'one_hertz.wav' => '54000',
	'ten_megahertz.wav' => '54000',
	'mostly_nan.wav' => '22000',);
is(scalar_of($node, "SELECT heard(audio) FROM recording WHERE name = '$_'"), $expected{$_}, $_) for sort keys %expected;

# Lossy codecs pad, and libraries differ in what they cut off.
like(scalar_of($node, "SELECT heard(audio) FROM recording WHERE name = '$_'"), qr/^\w+ \w+ \d+ 1 0\.[5-7]\d? 0\.[56]$/, $_) for qw(opus.ogg tone.mp3 cover.mp3);
like(scalar_of($node, "SELECT heard(audio) FROM recording WHERE name = '$_'"), qr/ cut off$/, $_) for qw(truncated.flac truncated.ogg truncated.mp3);

like(scalar_of($node, "SELECT heard(audio) FROM recording WHERE name = 'vbr_without_count.mp3'"), qr/^mp3 mpeg_layer_3 8000 1 2\.[56]\d? 0\.\d$/, 'an MP3 without a count of its frames is heard to its end');
like(scalar_of($node, "SELECT heard(audio) FROM recording WHERE name = 'joined.mp3'"), qr/ 1 3\.\d+ /, 'joined MP3 files are heard to their end');
like(scalar_of($node, "SELECT heard(audio) FROM recording WHERE name = 'chain.ogg'"), qr/ 1 1\.0\d /, 'and so are the links of an Ogg chain');
is(scalar_of($node, q{SELECT string_agg((audio_info(audio)).mix, ', ' ORDER BY name) FROM recording WHERE name IN ('opposite.wav', 'pcm_16.wav', 'stereo.wav')}),
	'difference, mono, mean', 'what the channels became');
fails_with($node, "SELECT audio_info(audio) FROM recording WHERE name = 'g726.wav'", '22P03', qr/recording is G\.726 ADPCM, which is not supported/, 'a codec that is not supported is named');

# ---- every function on every file ----

is(scalar_of($node, q{
	SELECT string_agg(name, ' ') FROM recording, LATERAL (SELECT plot_waveform(audio) || plot_spectrogram(audio)
		|| mel_spectrogram(audio)::text || to_jsonb(audio_info(audio))::text || to_jsonb(heart_sound_classify(audio))::text
		|| plot_heart_sound(audio) || coalesce(heart_sound_saliency(audio)::text, '') || (SELECT jsonb_agg(e) FROM heart_sound_explain(audio) e)::text AS all_of_it) AS made
	WHERE heard(audio) !~ '^\d' AND regexp_replace(all_of_it, 'base64,[^"]*', '', 'g') ~* '\m(nan|inf|infinity)\M'}), '', 'what can be decoded is described without a NaN');

# ---- storage ----

is(scalar_of($node, q{
	CREATE TABLE stored (kind text, audio bytea);
	INSERT INTO stored SELECT 'compressed', audio FROM recording WHERE name = 'pcm_16.wav';
	ALTER TABLE stored ALTER audio SET STORAGE EXTERNAL;
	INSERT INTO stored SELECT 'external', audio FROM recording WHERE name = 'pcm_16.wav';
	ALTER TABLE stored ALTER audio SET STORAGE PLAIN;
	INSERT INTO stored SELECT 'short', substr(audio, 1, 100) FROM recording WHERE name = 'pcm_16.wav';
	SELECT string_agg(kind || ' ' || (audio_info(audio)).duration_s, ', ' ORDER BY kind) FROM stored}),
	'compressed 0.5, external 0.5, short 0.0035', 'a recording is found however it is stored');

# ---- memory ----

# Memory of the backend, in kB, before and after many calls of which half fail.
my ($before, $after) = split /\n/, scalar_of($node, q{
	SET client_min_messages = error;
	CREATE FUNCTION memory() RETURNS int LANGUAGE sql AS $$ SELECT substring(pg_read_file('/proc/self/status') from 'VmRSS:\s*(\d+)')::int $$;
	DO $$ BEGIN FOR i IN 1 .. 3 LOOP PERFORM heard(audio), length(plot_spectrogram(synthetic_heart_sound(5))), length(plot_heart_sound(synthetic_heart_sound(5))) FROM recording; END LOOP; END $$;
	SELECT memory();
	DO $$ BEGIN FOR i IN 1 .. 150 LOOP PERFORM heard(audio) FROM recording; END LOOP;
		FOR i IN 1 .. 300 LOOP PERFORM length(plot_spectrogram(s)), length(plot_waveform(s)), mel_spectrogram(s) FROM synthetic_heart_sound(5, seed => i) s; END LOOP;
		FOR i IN 1 .. 50 LOOP PERFORM length(plot_heart_sound(s)), heart_sound_saliency(s), count(e) FROM synthetic_heart_sound(5, seed => i) s, heart_sound_explain(s) e GROUP BY s; END LOOP;
	END $$;
	SELECT memory()});
cmp_ok($after - $before, '<', 4096, 'thousands of recordings leave the memory of a session flat');

fails_with($node, q{SET healthml.max_memory = '16MB'; SELECT mel_spectrogram(synthetic_heart_sound(300), n_mels => 512, hop_length => 20)},
	'53400', qr/memory limit of 16777216 bytes.*healthml\.max_memory/s, 'a spectrogram that does not fit in memory');

$node->stop;
done_testing();
