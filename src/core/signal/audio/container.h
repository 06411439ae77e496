/*
 * container.h
 *	  Which kind of audio file some bytes are, and the streams in it.
 *
 * libsndfile believes the lengths that a header gives, and stops at the first
 * stream of a file.  So the structure of the file is read here: a container is a
 * row of streams, and each becomes a small file of its own whose header gives the
 * length that is really there.
 */
#ifndef HML_SIGNAL_AUDIO_CONTAINER_H
#define HML_SIGNAL_AUDIO_CONTAINER_H

#include "core/base/context.h"

typedef enum HmlContainerKind
{
	HML_CONTAINER_WAV,  /* RIFF, RIFX, RF64, BW64, Sony Wave64 */
	HML_CONTAINER_FLAC, /* native; FLAC in Ogg is Ogg */
	HML_CONTAINER_OGG,
	HML_CONTAINER_MP3
} HmlContainerKind;

typedef struct HmlContainer
{
	HmlContainerKind kind;
	const char *name;          /* "wav", "flac", "ogg", "mp3" */
	const unsigned char *data; /* the file without what was put in front of it */
	size_t length;
	size_t at;         /* where the next stream is looked for */
	bool cut;          /* so far, the structure says that sound is missing */
	const char *codec; /* of the last stream, where libsndfile cannot decode it; else NULL */
	int format_tag;    /* of the last WAV */
} HmlContainer;

/* Room for a WAV header with the longest format chunk that is copied. */
#define HML_STREAM_HEAD 1200

/* A file for the decoder: 'head', then 'data', which points into the container. */
typedef struct HmlStream
{
	size_t head_length;
	unsigned char head[HML_STREAM_HEAD];
	const unsigned char *data;
	size_t length;
	int64_t frames; /* samples per channel that its own header counts; -1 = unknown */
} HmlStream;

/* HML_CORRUPT: no bytes, or none of the four; the message names formats that are known but not supported. */
extern HmlStatus hml_container_open(HmlContext *ctx, const void *bytes, size_t length,
									HmlContainer *out) HML_NODISCARD;

/*
 * The next stream, or *found = false after the last.  HML_CORRUPT: an Ogg file
 * that is damaged or ends before its first sound (libsndfile 1.2.0 leaks memory
 * on those), or whose codec is not supported.
 */
extern HmlStatus hml_container_next(HmlContext *ctx, HmlContainer *container, HmlStream *out,
									bool *found) HML_NODISCARD;

/* HML_CORRUPT with the name of a codec or file format and the list of those that can be read. */
extern HmlStatus hml_container_unsupported(HmlContext *ctx, const char *codec);

/* ---- the kinds, for container.c ------------------------------------------ */

extern bool hml_wav_starts(const unsigned char *bytes, size_t length);
extern bool hml_flac_starts(const unsigned char *bytes, size_t length);
extern bool hml_ogg_starts(const unsigned char *bytes, size_t length);
/* Whether MPEG layer III frames follow one another from here; frames of free format have no length to follow. */
extern bool hml_mp3_starts(const unsigned char *bytes, size_t length);
extern bool hml_mp3_is_free_format(const unsigned char *bytes, size_t length);

extern HmlStatus hml_wav_next(HmlContext *ctx, HmlContainer *container, HmlStream *out, bool *found);
extern HmlStatus hml_flac_next(HmlContext *ctx, HmlContainer *container, HmlStream *out, bool *found);
extern HmlStatus hml_ogg_next(HmlContext *ctx, HmlContainer *container, HmlStream *out, bool *found);
extern HmlStatus hml_mp3_next(HmlContext *ctx, HmlContainer *container, HmlStream *out, bool *found);

#endif /* HML_SIGNAL_AUDIO_CONTAINER_H */
