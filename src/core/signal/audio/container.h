/*
 * container.h
 *	  Which kind of audio file some bytes are, and whether all of it is there.
 *
 * Looked at before libsndfile gets the bytes, so that it only ever opens the
 * four containers that we offer, and because it does not tell a whole file from
 * a truncated one.
 */
#ifndef HML_SIGNAL_AUDIO_CONTAINER_H
#define HML_SIGNAL_AUDIO_CONTAINER_H

#include "core/base/context.h"

typedef enum HmlContainerKind
{
	HML_CONTAINER_WAV,  /* RIFF, RIFX, RF64 */
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
	bool cut; /* its own structure says that bytes are missing */
} HmlContainer;

/*
 * HML_CORRUPT: no bytes, none of the four, or an Ogg stream that is damaged or
 * ends before its first sound (libsndfile 1.2.0 loses memory on those).
 */
extern HmlStatus hml_container_open(HmlContext *ctx, const void *bytes, size_t length,
									HmlContainer *out) HML_NODISCARD;

#endif /* HML_SIGNAL_AUDIO_CONTAINER_H */
