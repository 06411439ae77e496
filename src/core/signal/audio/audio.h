/*
 * audio.h
 *	  Recordings: from the bytes of a WAV, FLAC, OGG (Vorbis, Opus) or MP3 file to
 *	  mono float32 samples.
 *
 * Decoding is libsndfile's, through its virtual I/O straight from the bytes of
 * the caller: linear PCM, float, A-law, mu-law and ADPCM in WAV, FLAC also after
 * an ID3 tag, MPEG 1 and 2 layer III.  What follows in the same file, such as the
 * links of an Ogg chain or joined MP3 or FLAC files, is heard one after another.
 */
#ifndef HML_SIGNAL_AUDIO_AUDIO_H
#define HML_SIGNAL_AUDIO_AUDIO_H

#include "core/base/context.h"

typedef struct HmlAudioLimits
{
	double max_seconds;
	int max_channels;
	int min_sample_rate; /* Hz */
	int max_sample_rate;
} HmlAudioLimits;

#define HML_AUDIO_LIMITS_DEFAULT \
	{ \
		.max_seconds = 600.0, .max_channels = 32, .min_sample_rate = 500, .max_sample_rate = 384000 \
	}

/*
 * How the channels became one.  Their mean, unless they cancel each other, as when
 * one of two channels has the opposite phase: then half of their difference or,
 * where that is no louder, the loudest channel.
 */
typedef enum HmlMix
{
	HML_MIX_MEAN,
	HML_MIX_DIFFERENCE,
	HML_MIX_CHANNEL
} HmlMix;

typedef struct HmlAudio
{
	float *samples; /* (n_samples) of the mix; full scale is 1; always finite */
	size_t n_samples;
	size_t n_invalid;     /* samples that held NaN, infinity or more than 1e6, and are 0 now */
	bool truncated;       /* the file ends before its recording does */
	int sample_rate;      /* Hz */
	int channels;         /* of the file */
	HmlMix mix;           /* of the first stream whose mix is not the mean */
	int mix_channel;      /* of HML_MIX_CHANNEL, from 1 */
	const char *format;   /* "wav", "flac", "ogg", "mp3" */
	const char *encoding; /* "pcm_s16", "vorbis", ... */
} HmlAudio;

/*
 * Decode a file that lies in memory.  HML_CORRUPT: empty, no audio, or damaged
 * so that nothing can be decoded.  HML_LIMIT: a limit that the message names.
 * HML_INVALID_DATA: more than half of the samples are no usable numbers.  A file
 * that is cut off is no error: what is there is decoded, and 'truncated' set.
 * On success *out is freed by hml_audio_free(); on failure it holds nothing.
 */
extern HmlStatus hml_audio_decode(HmlContext *ctx, const void *bytes, size_t length,
								  const HmlAudioLimits *limits, HmlAudio *out) HML_NODISCARD;
extern void hml_audio_free(HmlContext *ctx, HmlAudio *audio);

typedef struct HmlAudioInfo
{
	double duration_s;
	double peak;          /* largest |sample|, 1 = full scale */
	double rms;           /* root mean square round the mean */
	double dc_offset;     /* the mean */
	double clipped_share; /* share of samples in flat runs at an extreme */
	double noise_db;      /* noise floor, dB of full scale; -120 at least */
	double snr_db;        /* level of the loudest tenth above that floor */
} HmlAudioInfo;

/*
 * Clipping: samples in runs of three or more that stay at the largest or the
 * smallest value of the recording, so that it is also seen where the level was
 * changed later.  Noise floor: tenth percentile of the level in 25 ms frames;
 * heart sounds, like speech, leave silence between their sounds.
 */
extern HmlStatus hml_audio_describe(HmlContext *ctx, const HmlAudio *audio, HmlAudioInfo *out) HML_NODISCARD;

/* Share of samples[0..n-1] in such runs; the extremes are those of the whole recording. */
extern double hml_clipped_share(const float *samples, size_t n, float lowest, float highest);

/* 16-bit mono WAV file of samples in -1..1, clipped beyond; freed with hml_free(). */
extern HmlStatus hml_audio_write_wav(HmlContext *ctx, const float *samples, size_t n, int sample_rate,
									 unsigned char **bytes, size_t *length) HML_NODISCARD;

#endif /* HML_SIGNAL_AUDIO_AUDIO_H */
