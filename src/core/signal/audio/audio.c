/*
 * audio.c
 *	  Decode recordings with libsndfile (https://libsndfile.github.io/libsndfile/api.html).
 *
 * A header is believed as far as the bytes of the file go: memory grows with
 * what has been decoded, never with what a header promises.  A file is a row of
 * streams (container.h), which are decoded one after another and brought to the
 * sample rate of the first.
 *
 * Channels are averaged.  The covariances that are summed up on the way show when
 * they cancel each other; then the stream is decoded once more.
 *
 * libsndfile allocates with malloc.  Its handle lives only inside
 * hml_audio_decode(), which closes it on every path; the callbacks below copy
 * bytes and return short counts, nothing in them can fail or jump.  Decoding
 * polls after each block of BLOCK_FRAMES.
 */
#include "core/signal/audio/audio.h"

#include <math.h>
#include <sndfile.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/base/library.h"
#include "core/signal/audio/container.h"
#include "core/signal/dsp/resample.h"

#define BLOCK_FRAMES 4096

/* A float sample beyond this is a mistake, and its square would not stay finite in a spectrum. */
#define MAX_MAGNITUDE 1e6f

static struct
{
	__typeof__(sf_open_virtual) *open_virtual;
	__typeof__(sf_readf_float) *readf_float;
	__typeof__(sf_error) *error;
	__typeof__(sf_strerror) *strerror;
	__typeof__(sf_close) *close;
} sndfile;

static HmlLibrary library = {.file = "libsndfile.so.1",
							 .n_functions = 5,
							 .functions = {{"sf_open_virtual", &sndfile.open_virtual},
										   {"sf_readf_float", &sndfile.readf_float},
										   {"sf_error", &sndfile.error},
										   {"sf_strerror", &sndfile.strerror},
										   {"sf_close", &sndfile.close}}};

/* ---- a stream as a file ------------------------------------------------ */

typedef struct MemoryFile
{
	const HmlStream *stream;
	sf_count_t length; /* of head and data */
	sf_count_t position;
} MemoryFile;

static sf_count_t
memory_length(void *user)
{
	return ((MemoryFile *) user)->length;
}

static sf_count_t
memory_seek(sf_count_t offset, int whence, void *user)
{
	MemoryFile *file = user;
	sf_count_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? file->position : file->length;
	sf_count_t target;

	if (__builtin_add_overflow(base, offset, &target) || target < 0)
		return -1;
	file->position = target < file->length ? target : file->length;
	return file->position;
}

static sf_count_t
memory_read(void *out, sf_count_t count, void *user)
{
	MemoryFile *file = user;
	sf_count_t left = file->length - file->position;
	sf_count_t head = (sf_count_t) file->stream->head_length - file->position;

	if (count > left)
		count = left;
	if (count <= 0)
		return 0;
	head = head < 0 ? 0 : head < count ? head : count;
	if (head > 0)
		memcpy(out, file->stream->head + file->position, (size_t) head);
	if (count > head)
		memcpy((char *) out + head,
			   file->stream->data + (file->position + head - (sf_count_t) file->stream->head_length),
			   (size_t) (count - head));
	file->position += count;
	return count;
}

static sf_count_t
memory_write(const void *data, sf_count_t count, void *user)
{
	(void) data;
	(void) count;
	(void) user;
	return 0;
}

static sf_count_t
memory_tell(void *user)
{
	return ((MemoryFile *) user)->position;
}

static SF_VIRTUAL_IO memory_io = {memory_length, memory_seek, memory_read, memory_write, memory_tell};

/* ---- names ------------------------------------------------------------ */

typedef struct EncodingName
{
	int subtype;
	const char *name;
} EncodingName;

static const EncodingName encoding_names[] = {
	{SF_FORMAT_PCM_S8, "pcm_s8"},
	{SF_FORMAT_PCM_16, "pcm_s16"},
	{SF_FORMAT_PCM_24, "pcm_s24"},
	{SF_FORMAT_PCM_32, "pcm_s32"},
	{SF_FORMAT_PCM_U8, "pcm_u8"},
	{SF_FORMAT_FLOAT, "float32"},
	{SF_FORMAT_DOUBLE, "float64"},
	{SF_FORMAT_ULAW, "mu_law"},
	{SF_FORMAT_ALAW, "a_law"},
	{SF_FORMAT_IMA_ADPCM, "ima_adpcm"},
	{SF_FORMAT_MS_ADPCM, "ms_adpcm"},
	{SF_FORMAT_GSM610, "gsm_6_10"},
	{SF_FORMAT_G721_32, "g_721"},
	{SF_FORMAT_NMS_ADPCM_16, "nms_adpcm_16"},
	{SF_FORMAT_NMS_ADPCM_24, "nms_adpcm_24"},
	{SF_FORMAT_NMS_ADPCM_32, "nms_adpcm_32"},
	{SF_FORMAT_VORBIS, "vorbis"},
	{SF_FORMAT_OPUS, "opus"},
	{SF_FORMAT_MPEG_LAYER_III, "mpeg_layer_3"},
};

static const char *
encoding_name(int format)
{

	for (size_t i = 0; i < sizeof(encoding_names) / sizeof(encoding_names[0]); i++)
		if (encoding_names[i].subtype == (format & SF_FORMAT_SUBMASK))
			return encoding_names[i].name;
	return "other";
}

/* ---- failures ---------------------------------------------------------- */

static HmlStatus
check_limits(HmlContext *ctx, const SF_INFO *info, const HmlAudioLimits *limits)
{
	if (info->channels < 1)
		return hml_fail(ctx, HML_CORRUPT, "recording has no channels");
	if (info->channels > limits->max_channels)
		return hml_fail(ctx, HML_LIMIT, "recording has %d channels, more than the limit of %d",
						info->channels, limits->max_channels);
	if (info->samplerate < limits->min_sample_rate || info->samplerate > limits->max_sample_rate)
		return hml_fail(ctx, HML_LIMIT, "sample rate of %d Hz is outside the limits of %d to %d Hz",
						info->samplerate, limits->min_sample_rate, limits->max_sample_rate);
	return HML_OK;
}

static HmlStatus
fail_too_long(HmlContext *ctx, const HmlAudioLimits *limits)
{
	return hml_fail(ctx, HML_LIMIT, "recording is longer than the limit of %g seconds", limits->max_seconds);
}

/*
 * libsndfile's reason, without the full stop that it may end with.  It reports
 * failures of mpg123 as those of a file that does not exist.
 */
static HmlStatus
fail_undecodable(HmlContext *ctx, SNDFILE *handle, const HmlContainer *container)
{
	const char *reason = sndfile.strerror(handle);
	size_t length = strlen(reason);

	if (container->codec != NULL)
		return hml_container_unsupported(ctx, container->codec);
	while (length > 0 && (reason[length - 1] == '.' || reason[length - 1] == '\n'))
		length--;
	hml_fail(ctx, HML_CORRUPT, "could not decode the recording as %s", container->name);
	if (container->kind != HML_CONTAINER_MP3)
		hml_detail(ctx, "The decoder says: %.*s.", (int) length, reason);
	return HML_CORRUPT;
}

/* ---- channels ----------------------------------------------------------- */

/* Channels cancel when their mean keeps less than this of the power of the loudest, */
#define CANCELLED_POWER 0.05
/* or when two of nearly the same power are as opposite as this. */
#define OPPOSITE_CORRELATION (-0.5)
#define SIMILAR_POWER 0.4
/* Two opposite channels give the difference, which then has nearly their power. */
#define DIFFERENCE_POWER 0.5

typedef struct Mixer
{
	int channels;
	HmlMix mix;
	int channel;     /* of HML_MIX_CHANNEL, from 0 */
	double n;        /* frames, those with unusable samples left out */
	double *sums;    /* (channels) */
	double *squares; /* (channels) */
	double mean_sum;
	double mean_squares;
} Mixer;

static HmlStatus
make_mixer(HmlContext *ctx, int channels, Mixer *out)
{
	*out = (Mixer){.channels = channels};
	HML_TRY(HML_NEW_ZERO(ctx, &out->sums, 2 * (size_t) channels));
	out->squares = out->sums + channels;
	return HML_OK;
}

static double
variance(double sum, double squares, double n)
{
	return n > 0 ? fmax(0.0, squares / n - sum / n * (sum / n)) : 0;
}

static void
count_frame(Mixer *mixer, const float *frame, double mean)
{
	mixer->n++;
	mixer->mean_sum += mean;
	mixer->mean_squares += mean * mean;
	for (int c = 0; c < mixer->channels; c++)
	{
		mixer->sums[c] += (double) frame[c];
		mixer->squares[c] += (double) frame[c] * frame[c];
	}
}

static float
mix_frame(const Mixer *mixer, const float *frame)
{
	float sum = 0;

	if (mixer->mix == HML_MIX_CHANNEL)
		return frame[mixer->channel];
	if (mixer->mix == HML_MIX_DIFFERENCE)
		return (frame[0] - frame[1]) * 0.5f;
	for (int c = 0; c < mixer->channels; c++)
		sum += frame[c];
	return sum;
}

/* A sample that is no number, or absurd, becomes 0. */
static void
mix_down(Mixer *mixer, const float *block, size_t frames, HmlAudio *audio)
{
	float *out = audio->samples + audio->n_samples;
	float scale = mixer->mix == HML_MIX_MEAN ? 1.0f / (float) mixer->channels : 1;

	for (size_t i = 0; i < frames; i++)
	{
		const float *frame = block + i * (size_t) mixer->channels;
		float mixed = mix_frame(mixer, frame);
		bool usable = fabsf(mixed) <= MAX_MAGNITUDE;

		if (!usable)
		{
			mixed = 0;
			audio->n_invalid++;
		}
		out[i] = mixed * scale;
		if (mixer->channels > 1 && usable)
			count_frame(mixer, frame, (double) out[i]);
	}
	audio->n_samples += frames;
}

/* After a mean: whether its channels cancel each other, and what is better. */
static bool
choose_mix(Mixer *mixer)
{
	double mean = variance(mixer->mean_sum, mixer->mean_squares, mixer->n);
	double loudest = 0;
	double total = 0;
	double least = INFINITY;
	double product;

	for (int c = 0; c < mixer->channels; c++)
	{
		double power = variance(mixer->sums[c], mixer->squares[c], mixer->n);

		total += power;
		least = fmin(least, power);
		if (power > loudest)
		{
			loudest = power;
			mixer->channel = c;
		}
	}
	/* Of two channels: the power of the mean is a quarter of (total + 2 covariances). */
	product = 2 * mean - total / 2;
	if (!isfinite(total) || !(loudest > 0))
		return false;
	if (!(mean < CANCELLED_POWER * loudest) && !(mixer->channels == 2 && least > SIMILAR_POWER * loudest &&
												 product < OPPOSITE_CORRELATION * sqrt(loudest * least)))
		return false;
	mixer->mix = mixer->channels == 2 && total / 2 - mean >= DIFFERENCE_POWER * loudest ? HML_MIX_DIFFERENCE
																						: HML_MIX_CHANNEL;
	return true;
}

/* ---- decoding -------------------------------------------------------- */

typedef struct Decoder
{
	const HmlAudioLimits *limits;
	HmlContainer container;
	HmlStream stream;
	MemoryFile file;
	SNDFILE *handle; /* of the stream */
	SF_INFO info;
	float *block;
	Mixer mixer;
	size_t capacity; /* of the samples */
} Decoder;

static HmlStatus
open_stream(HmlContext *ctx, Decoder *decoder)
{
	decoder->file = (MemoryFile){&decoder->stream,
								 (sf_count_t) (decoder->stream.head_length + decoder->stream.length), 0};
	decoder->info = (SF_INFO){0};
	decoder->handle = sndfile.open_virtual(&memory_io, SFM_READ, &decoder->info, &decoder->file);
	if (decoder->handle == NULL)
		return fail_undecodable(ctx, NULL, &decoder->container);
	return HML_OK;
}

static void
close_stream(Decoder *decoder)
{
	if (decoder->handle != NULL)
		sndfile.close(decoder->handle);
	decoder->handle = NULL;
}

/* Room for 'more' samples after those that there are. */
static HmlStatus
make_room(HmlContext *ctx, HmlAudio *audio, size_t more, size_t *capacity)
{
	size_t wanted = audio->n_samples + more;

	if (wanted <= *capacity)
		return HML_OK;
	if (wanted < *capacity * 2)
		wanted = *capacity * 2;
	HML_TRY(HML_RENEW(ctx, &audio->samples, wanted));
	*capacity = wanted;
	return HML_OK;
}

/* The promised length, as far as the size of the file makes it credible. */
static size_t
first_capacity(size_t file_length, sf_count_t promised)
{
	sf_count_t credible = file_length < 4 * BLOCK_FRAMES ? 4 * BLOCK_FRAMES : (sf_count_t) file_length;

	return (size_t) (promised > 0 && promised < credible ? promised : credible);
}

/* Seconds of what was decoded before, then of 'samples' of this stream. */
static HmlStatus
check_length(HmlContext *ctx, const Decoder *decoder, const HmlAudio *audio, size_t before, double samples)
{
	double seconds = samples / decoder->info.samplerate;

	if (before > 0)
		seconds += (double) before / audio->sample_rate;
	return seconds > decoder->limits->max_seconds ? fail_too_long(ctx, decoder->limits) : HML_OK;
}

/* Everything that the stream holds, after the samples that there are. */
static HmlStatus
read_blocks(HmlContext *ctx, Decoder *decoder, HmlAudio *audio)
{
	size_t before = audio->n_samples;
	sf_count_t got;

	while ((got = sndfile.readf_float(decoder->handle, decoder->block, BLOCK_FRAMES)) > 0)
	{
		HML_TRY(
			check_length(ctx, decoder, audio, before, (double) (audio->n_samples - before) + (double) got));
		HML_TRY(make_room(ctx, audio, (size_t) got, &decoder->capacity));
		mix_down(&decoder->mixer, decoder->block, (size_t) got, audio);
		HML_TRY(hml_poll(ctx));
	}
	return HML_OK;
}

/* Once more from the beginning of the stream, with another mix. */
static HmlStatus
read_again(HmlContext *ctx, Decoder *decoder, HmlAudio *audio, size_t before, size_t invalid_before)
{
	audio->n_samples = before;
	audio->n_invalid = invalid_before;
	if (audio->mix == HML_MIX_MEAN)
	{
		audio->mix = decoder->mixer.mix;
		audio->mix_channel = decoder->mixer.mix == HML_MIX_CHANNEL ? decoder->mixer.channel + 1 : 0;
	}
	close_stream(decoder);
	HML_TRY(open_stream(ctx, decoder));
	return read_blocks(ctx, decoder, audio);
}

/* Bring samples 'before' to the last from the rate of this stream to that of the first. */
static HmlStatus
adapt_rate(HmlContext *ctx, Decoder *decoder, HmlAudio *audio, size_t before)
{
	size_t n = audio->n_samples - before;
	float *resampled;
	size_t n_resampled;
	HmlStatus status;

	if (n == 0 || decoder->info.samplerate == audio->sample_rate)
		return HML_OK;
	HML_TRY(hml_resample(ctx, audio->samples + before, n, decoder->info.samplerate, audio->sample_rate,
						 &resampled, &n_resampled));
	audio->n_samples = before;
	status = make_room(ctx, audio, n_resampled, &decoder->capacity);
	if (status == HML_OK && n_resampled > 0)
	{
		memcpy(audio->samples + before, resampled, n_resampled * sizeof(*resampled));
		audio->n_samples += n_resampled;
	}
	hml_free(ctx, resampled);
	return status;
}

static HmlStatus
read_mixed(HmlContext *ctx, Decoder *decoder, HmlAudio *audio)
{
	size_t before = audio->n_samples;
	size_t invalid_before = audio->n_invalid;

	HML_TRY(HML_RENEW(ctx, &decoder->block, (size_t) BLOCK_FRAMES * (size_t) decoder->info.channels));
	HML_TRY(make_mixer(ctx, decoder->info.channels, &decoder->mixer));
	HML_TRY(read_blocks(ctx, decoder, audio));
	if (choose_mix(&decoder->mixer))
		HML_TRY(read_again(ctx, decoder, audio, before, invalid_before));
	if (decoder->stream.frames > (int64_t) (audio->n_samples - before))
		decoder->container.cut = true;
	return adapt_rate(ctx, decoder, audio, before);
}

static HmlStatus
read_stream(HmlContext *ctx, Decoder *decoder, HmlAudio *audio)
{
	const SF_INFO *info = &decoder->info;
	HmlStatus status;

	HML_TRY(check_limits(ctx, info, decoder->limits));
	/* Only WAV knows its length for certain before it is decoded. */
	if (decoder->container.kind == HML_CONTAINER_WAV)
		HML_TRY(check_length(ctx, decoder, audio, audio->n_samples, (double) info->frames));
	if (audio->samples == NULL)
	{
		decoder->capacity = first_capacity(decoder->container.length, info->frames);
		HML_TRY(HML_NEW(ctx, &audio->samples, decoder->capacity));
		audio->sample_rate = info->samplerate;
		audio->channels = info->channels;
		audio->format = decoder->container.name;
		audio->encoding = encoding_name(info->format);
	}
	status = read_mixed(ctx, decoder, audio);
	hml_free(ctx, decoder->mixer.sums);
	decoder->mixer.sums = NULL;
	return status;
}

static HmlStatus
check_samples(HmlContext *ctx, const HmlAudio *audio)
{
	if (audio->n_samples == 0)
		return hml_fail(ctx, HML_CORRUPT, "recording has no samples");
	if (audio->n_invalid > audio->n_samples / 2)
		return hml_fail(ctx, HML_INVALID_DATA, "%zu of %zu samples are no usable numbers", audio->n_invalid,
						audio->n_samples);
	return HML_OK;
}

/* A stream that cannot be decoded is an error where it is the first, and missing where it follows others. */
static HmlStatus
read_streams(HmlContext *ctx, Decoder *decoder, HmlAudio *audio)
{
	for (;;)
	{
		HmlStatus status;
		bool found;

		HML_TRY(hml_container_next(ctx, &decoder->container, &decoder->stream, &found));
		if (!found)
			return HML_OK;
		status = open_stream(ctx, decoder);
		if (status == HML_CORRUPT && audio->n_samples > 0)
		{
			decoder->container.cut = true;
			continue;
		}
		HML_TRY(status);
		status = read_stream(ctx, decoder, audio);
		if (status == HML_OK && audio->n_samples == 0 && sndfile.error(decoder->handle) != SF_ERR_NO_ERROR)
			status = fail_undecodable(ctx, decoder->handle, &decoder->container);
		close_stream(decoder);
		HML_TRY(status);
	}
}

HmlStatus
hml_audio_decode(HmlContext *ctx, const void *bytes, size_t length, const HmlAudioLimits *limits,
				 HmlAudio *out)
{
	Decoder decoder = {.limits = limits};
	HmlStatus status;

	memset(out, 0, sizeof(*out));
	HML_TRY(hml_library_load(ctx, &library));
	HML_TRY(hml_container_open(ctx, bytes, length, &decoder.container));
	status = read_streams(ctx, &decoder, out);
	close_stream(&decoder);
	hml_free(ctx, decoder.block);
	if (status == HML_OK)
		status = check_samples(ctx, out);
	out->truncated = decoder.container.cut;
	if (status != HML_OK)
		hml_audio_free(ctx, out);
	return status;
}

void
hml_audio_free(HmlContext *ctx, HmlAudio *audio)
{
	hml_free(ctx, audio->samples);
	audio->samples = NULL;
	audio->n_samples = 0;
}

/* ---- writing --------------------------------------------------------- */

#define WAV_HEADER_SIZE 44
#define WAV_FORMAT_PCM 1

static void
write_wav_header(HmlWriter *writer, uint32_t data_size, uint32_t sample_rate)
{
	hml_write_bytes(writer, "RIFF", 4);
	hml_write_u32(writer, WAV_HEADER_SIZE - 8 + data_size);
	hml_write_bytes(writer, "WAVEfmt ", 8);
	hml_write_u32(writer, 16); /* size of the format chunk */
	hml_write_u16(writer, WAV_FORMAT_PCM);
	hml_write_u16(writer, 1); /* channels */
	hml_write_u32(writer, sample_rate);
	hml_write_u32(writer, sample_rate * 2); /* bytes per second */
	hml_write_u16(writer, 2);               /* bytes per frame */
	hml_write_u16(writer, 16);              /* bits per sample */
	hml_write_bytes(writer, "data", 4);
	hml_write_u32(writer, data_size);
}

static uint16_t
to_pcm16(float sample)
{
	float scaled = sample * 32768.0f;

	if (!(scaled > -32768.0f))
		scaled = -32768.0f;
	if (scaled > 32767.0f)
		scaled = 32767.0f;
	return (uint16_t) (int16_t) lrintf(scaled);
}

HmlStatus
hml_audio_write_wav(HmlContext *ctx, const float *samples, size_t n, int sample_rate, unsigned char **bytes,
					size_t *length)
{
	HmlWriter writer;
	HmlStatus status;

	if (n > (UINT32_MAX - WAV_HEADER_SIZE) / 2)
		return hml_fail(ctx, HML_LIMIT, "%zu samples do not fit in a WAV file", n);
	hml_writer_init(&writer, ctx);
	write_wav_header(&writer, (uint32_t) n * 2, (uint32_t) sample_rate);
	for (size_t i = 0; i < n; i++)
		hml_write_u16(&writer, to_pcm16(samples[i]));
	status = hml_writer_finish(&writer);
	if (status != HML_OK)
	{
		hml_writer_free(&writer);
		return status;
	}
	*bytes = writer.data;
	*length = writer.length;
	return HML_OK;
}
