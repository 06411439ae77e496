/*
 * ogg.c
 *	  The pages of Ogg (RFC 3533): links of a chain, and what is damaged.
 *
 * A link begins with a page that is marked as the first of a logical stream and
 * ends with the one that is marked as its last.  Damage ends a link, and the next
 * intact first page begins another.
 */
#include "core/signal/audio/container.h"

#include <string.h>

#include "core/signal/audio/codec_names.h"

#define HEADER 27 /* bytes, then one per segment */
#define FLAGS 5
#define FIRST_PAGE 2
#define LAST_PAGE 4
#define SERIAL 14
#define NUMBER 18
#define CHECKSUM 22
#define SEGMENTS 26
#define POLYNOMIAL 0x04c11db7u

#define VORBIS_HEADERS 3 /* packets before the sound */
#define OTHER_HEADERS 2

bool
hml_ogg_starts(const unsigned char *b, size_t length)
{
	return length >= 4 && memcmp(b, "OggS", 4) == 0;
}

static uint32_t
u32_at(const unsigned char *b)
{
	return b[0] | (uint32_t) b[1] << 8 | (uint32_t) b[2] << 16 | (uint32_t) b[3] << 24;
}

static void
make_crc_table(uint32_t *table)
{
	for (uint32_t byte = 0; byte < 256; byte++)
	{
		uint32_t crc = byte << 24;

		for (int bit = 0; bit < 8; bit++)
			crc = crc & 0x80000000u ? crc << 1 ^ POLYNOMIAL : crc << 1;
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
		unsigned char byte = i >= CHECKSUM && i < CHECKSUM + 4 ? 0 : page[i];

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

	if (left < HEADER || !hml_ogg_starts(page, left) || left - HEADER < page[SEGMENTS])
		return 0;
	length = HEADER + page[SEGMENTS];
	for (size_t i = HEADER; i < HEADER + (size_t) page[SEGMENTS]; i++)
	{
		length += page[i];
		ends += page[i] < 255;
	}
	if (length > left || page_crc(table, page, length) != u32_at(page + CHECKSUM))
		return 0;
	*packets += ends;
	return length;
}

/* The first page holds the first packet alone, and one segment. */
static size_t
header_packets(const unsigned char *link, size_t length)
{
	static const char vorbis[] = "\1vorbis";
	size_t start = HEADER + 1;

	if (length >= start + strlen(vorbis) && memcmp(link + start, vorbis, strlen(vorbis)) == 0)
		return VORBIS_HEADERS;
	return OTHER_HEADERS;
}

typedef struct Link
{
	size_t length;
	size_t packets;
	bool ended; /* by its last page */
	bool gap;   /* page numbers are missing */
} Link;

/* Walk over the pages of the link at 'start', to its end, to the next link or to the first that is damaged. */
static HmlStatus
walk(HmlContext *ctx, const uint32_t *table, const unsigned char *start, size_t left, Link *out)
{
	bool headers = true; /* first pages of several streams stand together */
	uint32_t serial = 0;
	uint32_t number = 0;

	*out = (Link){0};
	while (!out->ended)
	{
		const unsigned char *page = start + out->length;
		size_t before = out->packets;
		size_t length = intact_page(table, page, left - out->length, &out->packets);
		bool first = length > 0 && (page[FLAGS] & FIRST_PAGE) != 0;

		if (length == 0 || (first && !headers))
		{
			out->packets = before;
			return HML_OK;
		}
		headers = headers && first;
		if (out->length == 0)
			serial = u32_at(page + SERIAL);
		if (u32_at(page + SERIAL) == serial)
		{
			out->gap = out->gap || u32_at(page + NUMBER) != number;
			number = u32_at(page + NUMBER) + 1;
			out->ended = (page[FLAGS] & LAST_PAGE) != 0;
		}
		out->length += length;
		HML_TRY(hml_poll(ctx));
	}
	return HML_OK;
}

/* The next intact first page from 'at' on, or the end; *junk when something that looks like a page was passed over. */
static HmlStatus
find_link(HmlContext *ctx, const uint32_t *table, const HmlContainer *file, size_t *at, bool *junk)
{
	while (*at < file->length)
	{
		const unsigned char *found = memchr(file->data + *at, 'O', file->length - *at);
		size_t packets = 0;

		*at = found == NULL ? file->length : (size_t) (found - file->data);
		if (found == NULL)
			return HML_OK;
		if (hml_ogg_starts(found, file->length - *at))
		{
			if (file->length - *at > FLAGS && (found[FLAGS] & FIRST_PAGE) != 0 &&
				intact_page(table, found, file->length - *at, &packets) > 0)
				return HML_OK;
			*junk = true;
			HML_TRY(hml_poll(ctx));
		}
		(*at)++;
	}
	return HML_OK;
}

HmlStatus
hml_ogg_next(HmlContext *ctx, HmlContainer *file, HmlStream *out, bool *found)
{
	uint32_t table[256];
	bool is_first = file->at == 0;
	Link link;

	make_crc_table(table);
	while (file->at < file->length)
	{
		const unsigned char *start = file->data + file->at;

		HML_TRY(walk(ctx, table, start, file->length - file->at, &link));
		*found = link.packets > header_packets(start, link.length);
		if (*found)
			*out = (HmlStream){.data = start, .length = link.length, .frames = -1};
		file->codec = link.length > HEADER + 1
						  ? hml_unsupported_ogg_codec(start + HEADER + 1, link.length - HEADER - 1)
						  : NULL;
		file->cut = file->cut || !link.ended || link.gap;
		file->at += link.length + (link.length == 0);
		HML_TRY(find_link(ctx, table, file, &file->at, &file->cut));
		if (*found)
			return HML_OK;
		if (is_first && file->at == file->length)
			return hml_fail(ctx, HML_CORRUPT,
							"recording is an Ogg stream that is damaged before its first sound");
	}
	return HML_OK;
}
