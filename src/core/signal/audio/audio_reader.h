/*
 * audio_reader.h
 *	  Audio files as signals of one channel.
 */
#ifndef HML_SIGNAL_AUDIO_AUDIO_READER_H
#define HML_SIGNAL_AUDIO_AUDIO_READER_H

#include "core/signal/audio/audio.h"
#include "core/signal/signal.h"

/* Reads WAV, FLAC, OGG and MP3 whole, channels mixed; see hml_audio_decode(). */
extern const HmlSignalReader hml_audio_reader;

/* Places of its limits. */
typedef enum HmlAudioLimit
{
	HML_AUDIO_MAX_SECONDS
} HmlAudioLimit;

/* The limits of a decoder where those of the reader have these values. */
extern HmlAudioLimits hml_audio_limits(const int *values);

/* A decoded recording as a signal, which refers to its samples. */
extern HmlSignal hml_audio_signal(const HmlAudio *audio);

#endif /* HML_SIGNAL_AUDIO_AUDIO_READER_H */
