/*
 * codec_names.c
 *	  Format tags of WAV (RFC 2361 and its successors) and codecs in Ogg.
 */
#include "core/signal/audio/codec_names.h"

#include <string.h>

typedef struct WavCodec
{
	int tag;
	const char *name;
} WavCodec;

static const WavCodec wav_codecs[] = {
	{0x0005, "IBM CVSD"},
	{0x0010, "OKI ADPCM"},
	{0x0014, "G.723 ADPCM"},
	{0x0017, "Dialogic OKI ADPCM"},
	{0x0020, "Yamaha ADPCM"},
	{0x0022, "DSP Group TrueSpeech"},
	{0x0042, "G.723.1"},
	{0x0045, "G.726 ADPCM"},
	{0x0050, "MPEG audio layer I or II"},
	{0x0064, "G.726 ADPCM"},
	{0x0065, "G.722"},
	{0x0083, "G.729"},
	{0x0085, "G.726 ADPCM"},
	{0x00ff, "AAC"},
	{0x0130, "Sipro ACELP"},
	{0x0140, "G.726 ADPCM"},
	{0x0160, "Windows Media Audio"},
	{0x0161, "Windows Media Audio"},
	{0x0162, "Windows Media Audio"},
	{0x0163, "Windows Media Audio"},
	{0x028f, "G.722"},
	{0x1600, "AAC (ADTS)"},
	{0x1601, "AAC"},
	{0x1602, "AAC (LATM)"},
	{0x1610, "AAC (HEAAC)"},
	{0x2000, "AC-3"},
	{0x2001, "DTS"},
	{0x566f, "Vorbis in WAV"},
	{0x674f, "Vorbis in WAV"},
	{0x6750, "Vorbis in WAV"},
	{0x6751, "Vorbis in WAV"},
	{0x676f, "Vorbis in WAV"},
	{0x6770, "Vorbis in WAV"},
	{0x6771, "Vorbis in WAV"},
	{0x704f, "Opus in WAV"},
	{0x706d, "AAC"},
	{0x7361, "AMR"},
	{0x7362, "AMR"},
	{0xa106, "AAC"},
	{0xa107, "G.726 ADPCM"},
	{0xa109, "Speex"},
	{0xf1ac, "FLAC in WAV"},
};

const char *
hml_unsupported_wav_codec(int format_tag)
{
	for (size_t i = 0; i < sizeof(wav_codecs) / sizeof(wav_codecs[0]); i++)
		if (wav_codecs[i].tag == format_tag)
			return wav_codecs[i].name;
	return NULL;
}

typedef struct OggCodec
{
	const char *start;
	const char *name;
} OggCodec;

static const OggCodec ogg_codecs[] = {
	{"Speex   ", "Speex"},          {"\177FLAC", "FLAC in Ogg"},   {"CELT    ", "CELT"},
	{"\x80theora", "Theora video"}, {"PCM     ", "PCM in Ogg"},    {"OggMIDI", "MIDI in Ogg"},
	{"BBCD", "Dirac video"},        {"\001video", "video in Ogg"}, {"OVP80", "VP8 video"},
};

const char *
hml_unsupported_ogg_codec(const unsigned char *packet, size_t length)
{
	for (size_t i = 0; i < sizeof(ogg_codecs) / sizeof(ogg_codecs[0]); i++)
	{
		size_t n = strlen(ogg_codecs[i].start);

		if (length >= n && memcmp(packet, ogg_codecs[i].start, n) == 0)
			return ogg_codecs[i].name;
	}
	return NULL;
}
