/*
 * container.c
 *	  First bytes, ID3v2 tags, the size field of RIFF, the pages of Ogg (RFC 3533).
 *
 * ID3v2 tags in front of MP3 and FLAC are skipped here: a cover picture takes
 * megabytes, and decoders give up looking for the sound.
 */
#include "core/signal/audio/container.h"

#include <string.h>

static bool
starts_with(const HmlContainer *file, const char *magic)
{
	size_t length = strlen(magic);

	return file->length >= length && memcmp(file->data, magic, length) == 0;
}

/* ---- ID3v2 ----------------------------------------------------------- */

#define ID3_HEADER 10
#define ID3_FLAGS 5
#define ID3_HAS_FOOTER 0x10
#define ID3_SIZE 6 /* four times seven bits, without header and footer */

static void
skip_id3(HmlContainer *file)
{
	while (file->length >= ID3_HEADER && starts_with(file, "ID3"))
	{
		const unsigned char *size = file->data + ID3_SIZE;
		size_t skip = ID3_HEADER + ((size_t) (size[0] & 0x7f) << 21 | (size_t) (size[1] & 0x7f) << 14 |
									(size_t) (size[2] & 0x7f) << 7 | (size_t) (size[3] & 0x7f));

		if (file->data[ID3_FLAGS] & ID3_HAS_FOOTER)
			skip += ID3_HEADER;
		if (skip > file->length)
			skip = file->length;
		while (skip < file->length && file->data[skip] == 0)
			skip++;
		file->data += skip;
		file->length -= skip;
	}
}

/* ---- WAV and MP3 ----------------------------------------------------- */

static uint32_t
little_endian_u32(const unsigned char *b)
{
	return b[0] | (uint32_t) b[1] << 8 | (uint32_t) b[2] << 16 | (uint32_t) b[3] << 24;
}

static bool
is_wav(const HmlContainer *file)
{
	return file->length >= 12 && memcmp(file->data + 8, "WAVE", 4) == 0 &&
		   (starts_with(file, "RIFF") || starts_with(file, "RIFX") || starts_with(file, "RF64"));
}

/* A writer that could not seek leaves 0 or 2^32 - 1 as the size: then nothing is known. */
static bool
wav_is_cut(const HmlContainer *file)
{
	uint32_t size = little_endian_u32(file->data + 4);

	if (!starts_with(file, "RIFF") || size == 0 || size == UINT32_MAX)
		return false;
	return (size_t) size + 8 > file->length;
}

/* Header of an MPEG audio frame: eleven sync bits, a version that exists, layer III, usable rates. */
static bool
is_mp3(const HmlContainer *file)
{
	const unsigned char *b = file->data;

	return file->length >= 4 && b[0] == 0xff && (b[1] & 0xe6) == 0xe2 && (b[1] & 0x18) != 0x08 &&
		   (b[2] & 0xf0) != 0xf0 && (b[2] & 0x0c) != 0x0c;
}

/* ---- Ogg ------------------------------------------------------------- */

#define OGG_HEADER 27 /* bytes, then one per segment */
#define OGG_FLAGS 5
#define OGG_LAST_PAGE 4
#define OGG_CHECKSUM 22
#define OGG_SEGMENTS 26
#define OGG_POLYNOMIAL 0x04c11db7u

#define OGG_VORBIS_HEADERS 3 /* packets before the sound */
#define OGG_OTHER_HEADERS 2

static void
make_crc_table(uint32_t *table)
{
	for (uint32_t byte = 0; byte < 256; byte++)
	{
		uint32_t crc = byte << 24;

		for (int bit = 0; bit < 8; bit++)
			crc = crc & 0x80000000u ? crc << 1 ^ OGG_POLYNOMIAL : crc << 1;
		table[byte] = crc;
	}
}

/* The checksum counts its own four bytes as zeros. */
static uint32_t
page_crc(const uint32_t *table, const unsigned char *page, size_t length)
{
	uint32_t crc = 0;

	for (size_t i = 0; i < length; i++)
	{
		unsigned char byte = i >= OGG_CHECKSUM && i < OGG_CHECKSUM + 4 ? 0 : page[i];

		crc = crc << 8 ^ table[crc >> 24 ^ byte];
	}
	return crc;
}

/* Length of the intact page at 'page', or 0; *packets counts the packets that end in it. */
static size_t
intact_page(const uint32_t *table, const unsigned char *page, size_t left, size_t *packets)
{
	size_t length;
	size_t ends = 0;

	if (left < OGG_HEADER || memcmp(page, "OggS", 4) != 0 || left - OGG_HEADER < page[OGG_SEGMENTS])
		return 0;
	length = OGG_HEADER + page[OGG_SEGMENTS];
	for (size_t i = OGG_HEADER; i < OGG_HEADER + (size_t) page[OGG_SEGMENTS]; i++)
	{
		length += page[i];
		ends += page[i] < 255;
	}
	if (length > left || page_crc(table, page, length) != little_endian_u32(page + OGG_CHECKSUM))
		return 0;
	*packets += ends;
	return length;
}

/* The first page holds the first packet alone, and one segment. */
static size_t
header_packets(const HmlContainer *file)
{
	static const char vorbis[] = "\1vorbis";
	size_t start = OGG_HEADER + 1;

	if (file->length >= start + strlen(vorbis) && memcmp(file->data + start, vorbis, strlen(vorbis)) == 0)
		return OGG_VORBIS_HEADERS;
	return OGG_OTHER_HEADERS;
}

/* Walk over the pages; from the first that is not intact on, the rest is left out. */
static HmlStatus
check_ogg(HmlContext *ctx, HmlContainer *file)
{
	uint32_t table[256];
	size_t packets = 0;
	size_t at = 0;
	size_t length;
	bool last = false;

	make_crc_table(table);
	while (!last && (length = intact_page(table, file->data + at, file->length - at, &packets)) > 0)
	{
		last = (file->data[at + OGG_FLAGS] & OGG_LAST_PAGE) != 0;
		at += length;
		HML_TRY(hml_poll(ctx));
	}
	if (packets <= header_packets(file))
		return hml_fail(ctx, HML_CORRUPT,
						"recording is an Ogg stream that is damaged before its first sound");
	file->length = at;
	file->cut = !last;
	return HML_OK;
}

/* ---- all of them ----------------------------------------------------- */

static HmlStatus
fail_unknown(HmlContext *ctx)
{
	hml_fail(ctx, HML_CORRUPT, "recording is not in a known audio format");
	return hml_hint(ctx, "WAV, FLAC, OGG (Vorbis, Opus) and MP3 can be read.");
}

static HmlStatus
become(HmlContainer *file, HmlContainerKind kind, const char *name)
{
	file->kind = kind;
	file->name = name;
	return HML_OK;
}

HmlStatus
hml_container_open(HmlContext *ctx, const void *bytes, size_t length, HmlContainer *out)
{
	*out = (HmlContainer){.data = bytes, .length = length};
	if (length == 0)
		return hml_fail(ctx, HML_CORRUPT, "recording is empty");
	skip_id3(out);
	if (is_wav(out))
	{
		out->cut = wav_is_cut(out);
		return become(out, HML_CONTAINER_WAV, "wav");
	}
	if (starts_with(out, "fLaC"))
		return become(out, HML_CONTAINER_FLAC, "flac");
	if (is_mp3(out))
		return become(out, HML_CONTAINER_MP3, "mp3");
	if (!starts_with(out, "OggS"))
		return fail_unknown(ctx);
	HML_TRY(check_ogg(ctx, out));
	return become(out, HML_CONTAINER_OGG, "ogg");
}
