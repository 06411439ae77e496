/*
 * test_container.c
 *	  Lengths that headers guess, streams that follow one another, and what stands in
 *	  front of the sound.
 */
#include "unit/support.h"

#include <inttypes.h>

#include "core/signal/audio/audio.h"
#include "unit/signal_support.h"

#define MOST_BYTES 65536
#define WAV_SOUND 44 /* where the sound of pcm_16.wav begins */

static const HmlAudioLimits limits = HML_AUDIO_LIMITS_DEFAULT;

/* A file that a test puts together. */
typedef struct File
{
	TestHost host;
	HmlContext ctx;
	size_t length;
	unsigned char bytes[MOST_BYTES];
} File;

static void
begin(File *file)
{
	test_host_init(&file->host, &file->ctx);
	file->length = 0;
}

static void
finish(File *file)
{
	test_host_finish(&file->host, &file->ctx);
}

static void
add(File *file, const void *bytes, size_t n)
{
	assert_true(file->length + n <= MOST_BYTES);
	memcpy(file->bytes + file->length, bytes, n);
	file->length += n;
}

static void
add_zeros(File *file, size_t n)
{
	assert_true(file->length + n <= MOST_BYTES);
	memset(file->bytes + file->length, 0, n);
	file->length += n;
}

/* The file of the corpus from byte 'from' on; returns where it begins. */
static size_t
add_corpus(File *file, const char *name, size_t from)
{
	size_t at = file->length;
	unsigned char *bytes;
	size_t length = corpus_file(&file->ctx, name, &bytes);

	add(file, bytes + from, length - from);
	hml_free(&file->ctx, bytes);
	return at;
}

static void
put_u32(File *file, size_t at, uint32_t value)
{
	for (size_t i = 0; i < 4; i++)
		file->bytes[at + i] = (unsigned char) (value >> 8 * i);
}

static void
expect(File *file, const char *what, double seconds, double tolerance, bool truncated)
{
	HmlAudio audio;
	HmlStatus status = hml_audio_decode(&file->ctx, file->bytes, file->length, &limits, &audio);

	if (status != HML_OK)
		fail_msg("%s: %s", what, file->ctx.message);
	if (!(fabs((double) audio.n_samples / audio.sample_rate - seconds) <= tolerance))
		fail_msg("%s: %g seconds are heard", what, (double) audio.n_samples / audio.sample_rate);
	if (audio.truncated != truncated)
		fail_msg("%s is %staken for truncated", what, truncated ? "not " : "");
	hml_audio_free(&file->ctx, &audio);
}

static void
expect_corpus(const char *name, double seconds, double tolerance, bool truncated)
{
	File file;

	begin(&file);
	add_corpus(&file, name, 0);
	expect(&file, name, seconds, tolerance, truncated);
	finish(&file);
}

/* ---- lengths ------------------------------------------------------------- */

/* Sizes of the whole and of its sound as recorders leave them, with all the sound there. */
static void
test_wav_sizes(void **state)
{
	static const struct
	{
		uint32_t whole;
		uint32_t sound;
	} sizes[] = {{8036, 0},
				 {36, 0},
				 {0, 0},
				 {8, 0},
				 {UINT32_MAX, UINT32_MAX},
				 {UINT32_MAX, UINT32_MAX - 36},
				 {UINT32_MAX, UINT32_MAX - 44},
				 {0x7ffff024, 0x7ffff000},
				 {0x7fffff24, 0x7fffff00},
				 {0x80000024, 0x80000000},
				 {UINT32_MAX, 8000},
				 {0, 8000},
				 {9000, 8000}};
	File file;

	(void) state;
	begin(&file);
	add_corpus(&file, "pcm_16.wav", 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		char what[64];

		snprintf(what, sizeof(what), "sizes %" PRIu32 " and %" PRIu32, sizes[i].whole, sizes[i].sound);
		put_u32(&file, 4, sizes[i].whole);
		put_u32(&file, WAV_SOUND - 4, sizes[i].sound);
		expect(&file, what, 0.5, 0, false);
	}
	/* Cut off: what still says so. */
	file.length = 4044;
	put_u32(&file, 4, UINT32_MAX);
	put_u32(&file, WAV_SOUND - 4, 8000);
	expect(&file, "sound shorter than its size", 0.25, 0, true);
	put_u32(&file, 4, 8036);
	put_u32(&file, WAV_SOUND - 4, 0);
	expect(&file, "file shorter than its size", 0.25, 0, true);
	finish(&file);
}

static void
test_wav_without_sound(void **state)
{
	HmlAudio audio;
	File file;

	(void) state;
	begin(&file);
	add_corpus(&file, "header_only.wav", 0);
	add(&file, "LIST\4\0\0\0INFO", 12);
	put_u32(&file, WAV_SOUND - 4, 0);
	assert_status(&file.ctx, hml_audio_decode(&file.ctx, file.bytes, file.length, &limits, &audio),
				  HML_CORRUPT);
	assert_message(&file.ctx, "recording has no samples");
	finish(&file);
}

static void
test_streamed(void **state)
{
	File file;

	(void) state;
	expect_corpus("streamed.w64", 0.5, 0, false);
	expect_corpus("streamed_rf64.wav", 0.5, 0, false);
	expect_corpus("streamed.flac", 0.5, 0, false);
	/* A second of silence, then two of noise: bit rates that mislead. */
	expect_corpus("vbr_without_count.mp3", 2.6, 0.01, false);
	begin(&file);
	add_corpus(&file, "streamed.flac", 0);
	file.length -= 500;
	expect(&file, "a streamed FLAC that is cut off", 0.4, 0.2, true);
	finish(&file);
	begin(&file);
	add_corpus(&file, "vbr_without_count.mp3", 0);
	file.length = 5000;
	expect(&file, "a streamed MP3 that is cut off", 2, 0.6, true);
	finish(&file);
	begin(&file);
	add_corpus(&file, "streamed_rf64.wav", 0);
	memcpy(file.bytes, "BW64", 4);
	expect(&file, "BW64", 0.5, 0, false);
	finish(&file);
}

static void
test_flac_counts_too_few(void **state)
{
	File file;

	(void) state;
	begin(&file);
	add_corpus(&file, "pcm_16.flac", 0);
	file.bytes[24] = 1; /* samples, 16 bits before the last 8: 256 and some */
	expect(&file, "FLAC that counts too few samples", 0.5, 0, false);
	file.bytes[24] = 0xff;
	expect(&file, "FLAC that counts more than there are", 0.5, 0, true);
	finish(&file);
}

/* ---- one after another ------------------------------------------------------ */

static void
test_chains(void **state)
{
	static const struct
	{
		const char *files[3];
		double seconds;
		double tolerance;
	} chains[] = {{{"vorbis.ogg", "opus.ogg", "vorbis.ogg"}, 1.5, 0.02},
				  {{"pcm_16.flac", "streamed.flac", "pcm_24.flac"}, 1.5, 0},
				  {{"pcm_16.wav", "pcm_24.wav", "alaw.wav"}, 1.5, 0},
				  {{"tone.mp3", "vbr_without_count.mp3", "cover.mp3"}, 3.8, 0.2}};

	(void) state;
	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++)
	{
		File file;

		begin(&file);
		for (size_t f = 0; f < 3; f++)
			add_corpus(&file, chains[i].files[f], 0);
		expect(&file, chains[i].files[0], chains[i].seconds, chains[i].tolerance, false);
		finish(&file);
	}
	expect_corpus("chain.ogg", 1, 0.02, false);
	expect_corpus("joined.flac", 1, 0, false);
	expect_corpus("joined.mp3", 3.2, 0.1, false);
}

/* Of another sample rate: the first one's is that of all. */
static void
test_chain_of_rates(void **state)
{
	HmlAudio audio;
	File file;
	size_t second;

	(void) state;
	begin(&file);
	add_corpus(&file, "pcm_16.wav", 0);
	second = add_corpus(&file, "pcm_16.wav", 0);
	put_u32(&file, second + 24, 4000);
	assert_ok(&file.ctx, hml_audio_decode(&file.ctx, file.bytes, file.length, &limits, &audio));
	assert_int_equal(audio.sample_rate, 8000);
	assert_int_equal(audio.n_samples, 4000 + 8000);
	hml_audio_free(&file.ctx, &audio);
	finish(&file);
}

/* Damage ends a link, and the next is heard all the same. */
static void
test_damaged_chain(void **state)
{
	File file;
	size_t second;

	(void) state;
	begin(&file);
	add_corpus(&file, "truncated.ogg", 0);
	expect(&file, "an Ogg file that is cut off", 6.7, 0.1, true);
	second = add_corpus(&file, "vorbis.ogg", 0);
	expect(&file, "a link after one that is cut off", 7.2, 0.1, true);
	file.bytes[second + 60] ^= 1;
	expect(&file, "a damaged second link", 6.7, 0.1, true);
	finish(&file);
	begin(&file);
	add_corpus(&file, "vorbis.ogg", 0);
	add_zeros(&file, 1000);
	expect(&file, "zeros after an Ogg file", 0.5, 0, false);
	finish(&file);
}

/* ---- in front -------------------------------------------------------------- */

static void
test_junk_in_front(void **state)
{
	static const char *const files[] = {"pcm_16.wav", "streamed.flac", "vorbis.ogg", "tone.mp3"};
	static const unsigned char ape[32] = "APETAGEX\320\7\0\0\40\0\0\0\1\0\0\0\0\0\0\240";
	static const unsigned char huge_tag[10] = "ID3\3\0\0\177\177\177\177";
	static const unsigned char empty_tag[10] = "ID3\3\0\0\0\0\0\0";

	(void) state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		for (int kind = 0; kind < 5; kind++)
		{
			File file;

			begin(&file);
			if (kind == 0)
				add_zeros(&file, 1152);
			if (kind == 1)
			{
				add(&file, ape, sizeof(ape));
				add_zeros(&file, 32);
			}
			if (kind == 2)
				add(&file, huge_tag, sizeof(huge_tag));
			if (kind == 3)
				add(&file, empty_tag, sizeof(empty_tag));
			if (kind >= 2)
				for (size_t b = 0; b < 3000; b++)
					file.bytes[file.length++] = (unsigned char) (b * b / 7 % 255);
			add_corpus(&file, files[i], 0);
			expect(&file, files[i], 0.5, 0.08, false);
			finish(&file);
		}
	expect_corpus("tag_size_wrong.mp3", 0.5, 0.08, false);
}

/* Cut out of the middle of a stream, in the middle of a frame. */
static void
test_middle_of_mp3(void **state)
{
	File file;

	(void) state;
	begin(&file);
	add_corpus(&file, "truncated.mp3", 1000);
	file.length = 5000;
	expect(&file, "the middle of an MP3", 5, 1.2, true);
	finish(&file);
}

/* ---- names ------------------------------------------------------------------ */

static void
test_unsupported_are_named(void **state)
{
	static const struct
	{
		const char *bytes;
		size_t length;
		const char *name;
	} known[] = {{"\0\0\0\40ftypM4A \0\0\0\0", 16, "MP4 or M4A"},
				 {"\xff\xf1\x50\x80\0\x1f\xfc", 7, "AAC (ADTS)"},
				 {"#!AMR\n\0\0", 8, "AMR"},
				 {"FORM\0\0\0\4AIFF", 12, "AIFF"},
				 {"\xff\xfd\x84\x04\0\0", 6, "layer I or II"},
				 {"\x1a\x45\xdf\xa3\1\0\0\0", 8, "WebM"}};
	HmlAudio audio;
	File file;

	(void) state;
	begin(&file);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
	{
		assert_status(&file.ctx,
					  hml_audio_decode(&file.ctx, known[i].bytes, known[i].length, &limits, &audio),
					  HML_CORRUPT);
		assert_message(&file.ctx, known[i].name);
	}
	add_corpus(&file, "g726.wav", 0);
	assert_status(&file.ctx, hml_audio_decode(&file.ctx, file.bytes, file.length, &limits, &audio),
				  HML_CORRUPT);
	assert_message(&file.ctx, "G.726 ADPCM, which is not supported");
	file.bytes[20] = 0xff;
	file.bytes[21] = 0;
	assert_status(&file.ctx, hml_audio_decode(&file.ctx, file.bytes, file.length, &limits, &audio),
				  HML_CORRUPT);
	assert_message(&file.ctx, "AAC, which is not supported");
	file.length = 0;
	add_corpus(&file, "speex.ogg", 0);
	assert_status(&file.ctx, hml_audio_decode(&file.ctx, file.bytes, file.length, &limits, &audio),
				  HML_CORRUPT);
	assert_message(&file.ctx, "Speex, which is not supported");
	finish(&file);
	expect_corpus("gsm.wav", 0.5, 0.07, false);
}

/* ---- channels ------------------------------------------------------------------ */

/* 16 bits; the channels are the samples of pcm_16.wav times these factors. */
static void
make_channels(File *file, const double *factors, size_t channels, HmlAudio *audio)
{
	unsigned char *source;
	size_t length = corpus_file(&file->ctx, "pcm_16.wav", &source);
	size_t n = (length - WAV_SOUND) / 2;

	file->length = 0;
	add(file, source, WAV_SOUND);
	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < channels; c++)
		{
			size_t at = WAV_SOUND + 2 * i;
			double sample = (double) (int16_t) (source[at] | source[at + 1] << 8) * factors[c];
			int16_t value = (int16_t) lrint(fmax(-32768, fmin(32767, sample)));
			unsigned char bytes[2] = {(unsigned char) (value & 255), (unsigned char) (value >> 8 & 255)};

			add(file, bytes, 2);
		}
	hml_free(&file->ctx, source);
	file->bytes[22] = (unsigned char) channels;
	file->bytes[32] = (unsigned char) (2 * channels);
	put_u32(file, 28, (uint32_t) (2 * channels * 8000));
	put_u32(file, 4, (uint32_t) file->length - 8);
	put_u32(file, WAV_SOUND - 4, (uint32_t) file->length - WAV_SOUND);
	assert_ok(&file->ctx, hml_audio_decode(&file->ctx, file->bytes, file->length, &limits, audio));
}

static void
test_mix(void **state)
{
	static const struct
	{
		double factors[3];
		size_t channels;
		HmlMix mix;
		int channel;
		double gain;
	} cases[] = {{{1, 1}, 2, HML_MIX_MEAN, 0, 1},
				 {{1, 0}, 2, HML_MIX_MEAN, 0, 0.5},
				 {{1, -1}, 2, HML_MIX_DIFFERENCE, 0, 1},
				 {{1, -0.8}, 2, HML_MIX_DIFFERENCE, 0, 0.9},
				 {{0.5, -0.4}, 2, HML_MIX_DIFFERENCE, 0, 0.45},
				 {{1, -0.4, -0.6}, 3, HML_MIX_CHANNEL, 1, 1},
				 {{-0.5, 1, -0.5}, 3, HML_MIX_CHANNEL, 2, 1},
				 {{1, 0.5, 0}, 3, HML_MIX_MEAN, 0, 0.5}};
	File file;

	(void) state;
	begin(&file);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		HmlAudio audio;

		make_channels(&file, cases[i].factors, cases[i].channels, &audio);
		assert_int_equal(audio.mix, cases[i].mix);
		assert_int_equal(audio.mix_channel, cases[i].channel);
		assert_int_equal(audio.n_samples, 4000);
		for (size_t s = 0; s < audio.n_samples; s++)
		{
			double t = (double) s / 8000;
			double tone = 0.4 * sin(200 * acos(-1.0) * t) + 0.2 * sin(660 * acos(-1.0) * t);

			assert_close(audio.samples[s], cases[i].gain * tone, 2e-4);
		}
		hml_audio_free(&file.ctx, &audio);
	}
	finish(&file);
}

/* Every prefix and every turned byte of the first ones, as for other formats in test_audio.c. */
static void
test_mutilated(void **state)
{
	static const char *const files[] = {"streamed.w64", "streamed_rf64.wav", "chain.ogg", "joined.flac",
										"joined.mp3"};
	HmlAudio audio;
	File file;

	(void) state;
	for (size_t f = 0; f < sizeof(files) / sizeof(files[0]); f++)
	{
		begin(&file);
		add_corpus(&file, files[f], 0);
		for (size_t i = 0; i < file.length; i += i < 200 ? 1 : 211)
		{
			if (hml_audio_decode(&file.ctx, file.bytes, i, &limits, &audio) == HML_OK)
				hml_audio_free(&file.ctx, &audio);
			file.bytes[i] ^= 0xff;
			if (hml_audio_decode(&file.ctx, file.bytes, file.length, &limits, &audio) == HML_OK)
				hml_audio_free(&file.ctx, &audio);
			file.bytes[i] ^= 0xff;
		}
		finish(&file);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wav_sizes),     cmocka_unit_test(test_wav_without_sound),
		cmocka_unit_test(test_streamed),      cmocka_unit_test(test_flac_counts_too_few),
		cmocka_unit_test(test_chains),        cmocka_unit_test(test_chain_of_rates),
		cmocka_unit_test(test_damaged_chain), cmocka_unit_test(test_junk_in_front),
		cmocka_unit_test(test_middle_of_mp3), cmocka_unit_test(test_unsupported_are_named),
		cmocka_unit_test(test_mix),           cmocka_unit_test(test_mutilated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
