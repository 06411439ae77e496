/*
 * codec_names.h
 *	  Codecs that are known but cannot be decoded, so that an error can name them.
 */
#ifndef HML_SIGNAL_AUDIO_CODEC_NAMES_H
#define HML_SIGNAL_AUDIO_CODEC_NAMES_H

#include <stddef.h>

/* Name of the codec of a format tag of WAV that libsndfile cannot decode; NULL for all others. */
extern const char *hml_unsupported_wav_codec(int format_tag);

/* Likewise for the first packet of an Ogg stream. */
extern const char *hml_unsupported_ogg_codec(const unsigned char *packet, size_t length);

#endif /* HML_SIGNAL_AUDIO_CODEC_NAMES_H */
