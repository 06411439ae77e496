/*
 * audio.c
 *	  Decode recordings with libsndfile (https://libsndfile.github.io/libsndfile/api.html).
 *
 * A header is believed as far as the bytes of the file go: memory grows with
 * what has been decoded, never with what a header promises.
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
#include "core/signal/audio/container.h"

#define BLOCK_FRAMES 4096

/* Frames by which a decoder's own estimate of the length of an MP3 may be wrong: one granule each side. */
#define MP3_SLACK_FRAMES 2304

/* A float sample beyond this is a mistake, and its square would not stay finite in a spectrum. */
#define MAX_MAGNITUDE 1e6f

/* ---- the bytes as a file --------------------------------------------- */

typedef struct MemoryFile
{
	const unsigned char *data;
	sf_count_t length;
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

	if (count > left)
		count = left;
	if (count <= 0)
		return 0;
	memcpy(out, file->data + file->position, (size_t) count);
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
	{SF_FORMAT_PCM_S8, "pcm_s8"},     {SF_FORMAT_PCM_16, "pcm_s16"},
	{SF_FORMAT_PCM_24, "pcm_s24"},    {SF_FORMAT_PCM_32, "pcm_s32"},
	{SF_FORMAT_PCM_U8, "pcm_u8"},     {SF_FORMAT_FLOAT, "float32"},
	{SF_FORMAT_DOUBLE, "float64"},    {SF_FORMAT_ULAW, "mu_law"},
	{SF_FORMAT_ALAW, "a_law"},        {SF_FORMAT_IMA_ADPCM, "ima_adpcm"},
	{SF_FORMAT_MS_ADPCM, "ms_adpcm"}, {SF_FORMAT_VORBIS, "vorbis"},
	{SF_FORMAT_OPUS, "opus"},         {SF_FORMAT_MPEG_LAYER_III, "mpeg_layer_3"},
};

static const char *
encoding_name(int format)
{

	for (size_t i = 0; i < sizeof(encoding_names) / sizeof(encoding_names[0]); i++)
		if (encoding_names[i].subtype == (format & SF_FORMAT_SUBMASK))
			return encoding_names[i].name;
	return "other";
}

/* ---- decoding -------------------------------------------------------- */

/* An Ogg stream knows no length; the length of an MP3 is the decoder's estimate. */
static bool
is_truncated(const HmlContainer *container, size_t decoded, sf_count_t promised)
{
	if (container->kind == HML_CONTAINER_OGG)
		return container->cut;
	if (container->kind == HML_CONTAINER_MP3)
		return (sf_count_t) decoded + MP3_SLACK_FRAMES < promised;
	return container->cut || (sf_count_t) decoded < promised;
}

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
	const char *reason = sf_strerror(handle);
	size_t length = strlen(reason);

	while (length > 0 && (reason[length - 1] == '.' || reason[length - 1] == '\n'))
		length--;
	hml_fail(ctx, HML_CORRUPT, "could not decode the recording as %s", container->name);
	if (container->kind != HML_CONTAINER_MP3)
		hml_detail(ctx, "The decoder says: %.*s.", (int) length, reason);
	return HML_CORRUPT;
}

/* Mean of the channels of 'frames' frames; a sample that is no number, or absurd, becomes 0. */
static void
mix_down(const float *block, size_t frames, int channels, HmlAudio *audio)
{
	float *out = audio->samples + audio->n_samples;
	float scale = 1.0f / (float) channels;

	for (size_t i = 0; i < frames; i++)
	{
		float sum = 0;
		for (int c = 0; c < channels; c++)
			sum += block[i * (size_t) channels + (size_t) c];
		if (!(fabsf(sum) <= MAX_MAGNITUDE))
		{
			sum = 0;
			audio->n_invalid++;
		}
		out[i] = sum * scale;
	}
	audio->n_samples += frames;
}

/* Room for 'more' samples behind those that there are. */
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

typedef struct Decoder
{
	SNDFILE *handle;
	SF_INFO info;
	HmlContainer container;
	const HmlAudioLimits *limits;
} Decoder;

static HmlStatus
read_blocks(HmlContext *ctx, const Decoder *decoder, float *block, HmlAudio *audio)
{
	double max_samples = decoder->limits->max_seconds * decoder->info.samplerate;
	size_t capacity = first_capacity(decoder->container.length, decoder->info.frames);
	sf_count_t got;

	HML_TRY(HML_NEW(ctx, &audio->samples, capacity));
	while ((got = sf_readf_float(decoder->handle, block, BLOCK_FRAMES)) > 0)
	{
		if ((double) audio->n_samples + (double) got > max_samples)
			return fail_too_long(ctx, decoder->limits);
		HML_TRY(make_room(ctx, audio, (size_t) got, &capacity));
		mix_down(block, (size_t) got, decoder->info.channels, audio);
		HML_TRY(hml_poll(ctx));
	}
	return HML_OK;
}

static HmlStatus
check_samples(HmlContext *ctx, const Decoder *decoder, const HmlAudio *audio)
{
	if (audio->n_samples == 0 && sf_error(decoder->handle) != SF_ERR_NO_ERROR)
		return fail_undecodable(ctx, decoder->handle, &decoder->container);
	if (audio->n_samples == 0)
		return hml_fail(ctx, HML_CORRUPT, "recording has no samples");
	if (audio->n_invalid > audio->n_samples / 2)
		return hml_fail(ctx, HML_INVALID_DATA, "%zu of %zu samples are no usable numbers", audio->n_invalid,
						audio->n_samples);
	return HML_OK;
}

static HmlStatus
read_all(HmlContext *ctx, const Decoder *decoder, HmlAudio *audio)
{
	const SF_INFO *info = &decoder->info;
	HmlContainerKind kind = decoder->container.kind;
	float *block;
	HmlStatus status;

	HML_TRY(check_limits(ctx, info, decoder->limits));
	/* Only these two formats know their length for certain before they are decoded. */
	if ((kind == HML_CONTAINER_WAV || kind == HML_CONTAINER_FLAC) &&
		(double) info->frames > decoder->limits->max_seconds * info->samplerate)
		return fail_too_long(ctx, decoder->limits);
	HML_TRY(HML_NEW(ctx, &block, (size_t) BLOCK_FRAMES * (size_t) info->channels));
	status = read_blocks(ctx, decoder, block, audio);
	hml_free(ctx, block);
	HML_TRY(status);
	HML_TRY(check_samples(ctx, decoder, audio));
	audio->sample_rate = info->samplerate;
	audio->channels = info->channels;
	audio->format = decoder->container.name;
	audio->encoding = encoding_name(info->format);
	audio->truncated = is_truncated(&decoder->container, audio->n_samples, info->frames);
	return HML_OK;
}

HmlStatus
hml_audio_decode(HmlContext *ctx, const void *bytes, size_t length, const HmlAudioLimits *limits,
				 HmlAudio *out)
{
	Decoder decoder = {.limits = limits};
	MemoryFile file = {0};
	HmlStatus status;

	memset(out, 0, sizeof(*out));
	HML_TRY(hml_container_open(ctx, bytes, length, &decoder.container));
	file.data = decoder.container.data;
	file.length = (sf_count_t) decoder.container.length;
	decoder.handle = sf_open_virtual(&memory_io, SFM_READ, &decoder.info, &file);
	if (decoder.handle == NULL)
		return fail_undecodable(ctx, NULL, &decoder.container);
	status = read_all(ctx, &decoder, out);
	sf_close(decoder.handle);
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
