/*
 * container.c
 *	  Where the sound of a file begins, and which kind it is.
 *
 * In front of it may stand ID3v2 tags, whose sizes are often wrong, APE tags,
 * zeros or other junk, which players skip.  A tag's size is believed where a known
 * beginning follows; otherwise the beginning is searched for.
 */
#include "core/signal/audio/container.h"

#include <string.h>

#define MAX_JUNK 65536 /* bytes before the sound of a file that begins with no tag */
#define BYTES_PER_POLL 65536

typedef struct Kind
{
	HmlContainerKind kind;
	const char *name;
	bool (*starts)(const unsigned char *bytes, size_t length);
	HmlStatus (*next)(HmlContext *ctx, HmlContainer *container, HmlStream *out, bool *found);
} Kind;

static const Kind kinds[] = {
	{HML_CONTAINER_WAV, "wav", hml_wav_starts, hml_wav_next},
	{HML_CONTAINER_FLAC, "flac", hml_flac_starts, hml_flac_next},
	{HML_CONTAINER_OGG, "ogg", hml_ogg_starts, hml_ogg_next},
	{HML_CONTAINER_MP3, "mp3", hml_mp3_starts, hml_mp3_next},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* The kind that begins at byte 'at', or NULL. */
static const Kind *
kind_at(const HmlContainer *file, size_t at)
{
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].starts(file->data + at, file->length - at))
			return &kinds[i];
	return NULL;
}

/* ---- what can stand in front ------------------------------------------- */

#define ID3_HEADER 10
#define ID3_FLAGS 5
#define ID3_HAS_FOOTER 0x10
#define ID3_SIZE 6 /* four times seven bits, without header and footer */

#define APE_HEADER 32
#define APE_SIZE 12 /* little endian, without the header */

static bool
is_id3(const unsigned char *b, size_t left)
{
	return left >= ID3_HEADER && memcmp(b, "ID3", 3) == 0;
}

static bool
is_ape(const unsigned char *b, size_t left)
{
	return left >= APE_HEADER && memcmp(b, "APETAGEX", 8) == 0;
}

/* Length of a tag with its header; 'bits' of each byte of an ID3 size count: 7, or 8 as some writers have it. */
static size_t
tag_length(const unsigned char *b, bool id3, int bits)
{
	const unsigned char *size = b + ID3_SIZE;
	unsigned mask = bits == 7 ? 0x7f : 0xff;
	size_t footer = id3 && b[ID3_FLAGS] & ID3_HAS_FOOTER ? ID3_HEADER : 0;

	if (!id3)
		return APE_HEADER + (b[APE_SIZE] | (size_t) b[APE_SIZE + 1] << 8 | (size_t) b[APE_SIZE + 2] << 16 |
							 (size_t) b[APE_SIZE + 3] << 24);
	return ID3_HEADER + footer +
		   ((size_t) (size[0] & mask) << 3 * bits | (size_t) (size[1] & mask) << 2 * bits |
			(size_t) (size[2] & mask) << bits | (size[3] & mask));
}

static size_t
skip_zeros(const HmlContainer *file, size_t at)
{
	while (at < file->length && file->data[at] == 0)
		at++;
	return at;
}

/* After the tag at 'at', if a beginning or another tag follows it; otherwise 'at' itself. */
static size_t
after_tag(const HmlContainer *file, size_t at)
{
	bool id3 = is_id3(file->data + at, file->length - at);

	for (int bits = 7; bits <= (id3 ? 8 : 7); bits++)
	{
		size_t end = tag_length(file->data + at, id3, bits);
		size_t next;

		if (end > file->length - at)
			continue;
		next = skip_zeros(file, at + end);
		if (next < file->length &&
			(kind_at(file, next) != NULL || is_id3(file->data + next, file->length - next) ||
			 is_ape(file->data + next, file->length - next)))
			return next;
	}
	return at;
}

/* The first beginning from *at on, before 'limit'; NULL without one. */
static HmlStatus
search_start(HmlContext *ctx, const HmlContainer *file, size_t limit, size_t *at, const Kind **kind)
{
	*kind = NULL;
	for (; *at < limit; (*at)++)
	{
		if (file->data[*at] != 0)
			*kind = kind_at(file, *at);
		if (*kind != NULL)
			return HML_OK;
		if (*at % BYTES_PER_POLL == 0)
			HML_TRY(hml_poll(ctx));
	}
	return HML_OK;
}

/* ---- formats that are known by name only -------------------------------- */

typedef struct Magic
{
	size_t offset;
	const char *bytes;
	size_t length;
	const char *name;
} Magic;

static const Magic unsupported[] = {
	{4, "ftyp", 4, "MP4 or M4A (AAC, ALAC)"},
	{0, "\xff\xf1", 2, "AAC (ADTS)"},
	{0, "\xff\xf9", 2, "AAC (ADTS)"},
	{0, "ADIF", 4, "AAC (ADIF)"},
	{0, "#!AMR", 5, "AMR"},
	{0, "FORM", 4, "AIFF"},
	{0, "caff", 4, "CAF"},
	{0, ".snd", 4, "AU"},
	{0, "\x30\x26\xb2\x75", 4, "Windows Media Audio"},
	{0, "\x1a\x45\xdf\xa3", 4, "Matroska or WebM"},
	{0, "MThd", 4, "MIDI"},
	{0, "MAC ", 4, "Monkey's Audio"},
	{0, "wvpk", 4, "WavPack"},
	{0, "TTA1", 4, "True Audio"},
	{0, "NIST_1A", 7, "NIST SPHERE"},
	{0, "DSD ", 4, "DSD"},
	{8, "AVI ", 4, "AVI"},
};

HmlStatus
hml_container_unsupported(HmlContext *ctx, const char *codec)
{
	hml_fail(ctx, HML_CORRUPT, "recording is %s, which is not supported", codec);
	return hml_hint(ctx,
					"WAV (PCM, float, A-law, mu-law, ADPCM), FLAC, OGG (Vorbis, Opus) and MP3 can be read.");
}

/* An MPEG audio header of layer I or II; its bits for the layer are 3 and 2. */
static bool
is_other_mpeg(const HmlContainer *file)
{
	const unsigned char *b = file->data;

	return file->length >= 4 && b[0] == 0xff && (b[1] & 0xf4) == 0xf4 && (b[2] & 0xf0) != 0xf0 &&
		   (b[2] & 0x0c) != 0x0c;
}

static HmlStatus
fail_unknown(HmlContext *ctx, const HmlContainer *file)
{
	for (size_t i = 0; i < sizeof(unsupported) / sizeof(unsupported[0]); i++)
	{
		const Magic *magic = &unsupported[i];

		if (file->length >= magic->offset + magic->length &&
			memcmp(file->data + magic->offset, magic->bytes, magic->length) == 0)
			return hml_container_unsupported(ctx, magic->name);
	}
	if (is_other_mpeg(file))
		return hml_container_unsupported(ctx, "MPEG audio layer I or II");
	hml_fail(ctx, HML_CORRUPT, "recording is not in a known audio format");
	return hml_hint(ctx, "WAV, FLAC, OGG (Vorbis, Opus) and MP3 can be read.");
}

/* ---- opening ------------------------------------------------------------ */

static bool
is_named(const HmlContainer *file)
{
	for (size_t i = 0; i < sizeof(unsupported) / sizeof(unsupported[0]); i++)
		if (file->length >= unsupported[i].offset + unsupported[i].length &&
			memcmp(file->data + unsupported[i].offset, unsupported[i].bytes, unsupported[i].length) == 0)
			return true;
	return false;
}

/* Move the beginning of 'file' to where its sound begins, and say which kind that is. */
static HmlStatus
find_start(HmlContext *ctx, HmlContainer *file, const Kind **kind)
{
	size_t at = 0;
	size_t next;
	size_t limit = file->length;

	*kind = kind_at(file, 0);
	if (*kind == NULL && hml_mp3_is_free_format(file->data, file->length))
		*kind = &kinds[KINDS - 1];
	if (*kind != NULL || is_named(file))
		return HML_OK;
	while (at < file->length &&
		   (is_id3(file->data + at, file->length - at) || is_ape(file->data + at, file->length - at)))
	{
		next = after_tag(file, at);
		if (next == at)
			break;
		at = next;
		HML_TRY(hml_poll(ctx));
	}
	/* A tag whose size is wrong may hold a picture of any size. */
	if (at == 0 && !is_id3(file->data, file->length) && !is_ape(file->data, file->length))
		limit = file->length < MAX_JUNK ? file->length : MAX_JUNK + skip_zeros(file, 0);
	if (limit > file->length)
		limit = file->length;
	HML_TRY(search_start(ctx, file, limit, &at, kind));
	if (*kind == NULL)
		return HML_OK;
	file->data += at;
	file->length -= at;
	return HML_OK;
}

HmlStatus
hml_container_open(HmlContext *ctx, const void *bytes, size_t length, HmlContainer *out)
{
	const Kind *kind;

	*out = (HmlContainer){.data = bytes, .length = length};
	if (length == 0)
		return hml_fail(ctx, HML_CORRUPT, "recording is empty");
	HML_TRY(find_start(ctx, out, &kind));
	if (kind == NULL)
		return fail_unknown(ctx, out);
	out->kind = kind->kind;
	out->name = kind->name;
	return HML_OK;
}

HmlStatus
hml_container_next(HmlContext *ctx, HmlContainer *container, HmlStream *out, bool *found)
{
	*found = false;
	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].kind == container->kind)
			return kinds[i].next(ctx, container, out, found);
	return HML_OK;
}
