/*
 * flac.c
 *	  FLAC streams in a file (RFC 9639), one after another.
 *
 * A stream begins with "fLaC" and a STREAMINFO block of 34 bytes.  Its number of
 * samples is 0 where the writer could not go back to write it; the decoder is
 * always given a header that promises more than there can be, so that it reads to
 * the end.  Where nothing counts the samples, the checksum of the last frame shows
 * whether the file was cut off within one.
 */
#include "core/signal/audio/container.h"

#include <string.h>

#define STREAM_START 42 /* marker, block header, STREAMINFO */
#define BLOCK_TYPE 4
#define RATE_AND_MORE 18 /* 20 bits of rate, 3 of channels, 5 of bits, 36 of samples */
#define SEARCH_STEP 1048576
#define CRC16_POLYNOMIAL 0x8005u
#define LAST_FRAMES 131072 /* bytes in which the last frame must begin */
#define MOST_CANDIDATES 64 /* for its beginning: sync codes are rare in sound */
#define ID3V1 128

bool
hml_flac_starts(const unsigned char *b, size_t length)
{
	return length >= STREAM_START && memcmp(b, "fLaC", 4) == 0 && (b[BLOCK_TYPE] & 0x7f) == 0 && b[5] == 0 &&
		   b[6] == 0 && b[7] == STREAM_START - 8;
}

/* Where the next stream begins after 'at', or the end of the file. */
static HmlStatus
find_next(HmlContext *ctx, const HmlContainer *file, size_t at, size_t *next)
{
	const unsigned char *found = NULL;

	*next = file->length;
	while (at + STREAM_START <= file->length)
	{
		size_t step = file->length - at < SEARCH_STEP ? file->length - at : SEARCH_STEP;

		found = memchr(file->data + at, 'f', step);
		if (found == NULL)
			at += step;
		else
		{
			at = (size_t) (found - file->data);
			if (hml_flac_starts(found, file->length - at))
			{
				*next = at;
				return HML_OK;
			}
			at++;
		}
		if (found == NULL || at % 64 == 0)
			HML_TRY(hml_poll(ctx));
	}
	return HML_OK;
}

static int64_t
counted_samples(const unsigned char *b)
{
	const unsigned char *n = b + RATE_AND_MORE + 3;

	return (int64_t) (n[0] & 0x0f) << 32 | (int64_t) n[1] << 24 | n[2] << 16 | n[3] << 8 | n[4];
}

static void
make_crc_table(uint16_t *table)
{
	for (unsigned byte = 0; byte < 256; byte++)
	{
		unsigned crc = byte << 8;

		for (int bit = 0; bit < 8; bit++)
			crc = crc & 0x8000u ? crc << 1 ^ CRC16_POLYNOMIAL : crc << 1;
		table[byte] = (uint16_t) crc;
	}
}

/* Whether the bytes end with a whole frame: its checksum over all of it, checksum included, is 0. */
static HmlStatus
ends_with_frame(HmlContext *ctx, const unsigned char *b, size_t length, bool *whole)
{
	uint16_t table[256];
	size_t first = length > LAST_FRAMES ? length - LAST_FRAMES : 0;
	int candidates = 0;

	make_crc_table(table);
	*whole = false;
	for (size_t at = length; at-- > first && !*whole && candidates < MOST_CANDIDATES;)
	{
		uint16_t crc = 0;

		if (b[at] != 0xff || at + 1 >= length || (b[at + 1] & 0xfe) != 0xf8)
			continue;
		candidates++;
		for (size_t i = at; i < length; i++)
			crc = (uint16_t) (crc << 8 ^ table[crc >> 8 ^ b[i]]);
		*whole = crc == 0;
		HML_TRY(hml_poll(ctx));
	}
	return HML_OK;
}

static size_t
without_id3v1(const unsigned char *b, size_t length)
{
	return length > ID3V1 && memcmp(b + length - ID3V1, "TAG", 3) == 0 ? length - ID3V1 : length;
}

HmlStatus
hml_flac_next(HmlContext *ctx, HmlContainer *file, HmlStream *out, bool *found)
{
	const unsigned char *start = file->data + file->at;
	size_t end;

	*found = file->length - file->at >= STREAM_START;
	if (!*found)
		return HML_OK;
	HML_TRY(find_next(ctx, file, file->at + 1, &end));
	out->frames = counted_samples(start);
	out->head_length = STREAM_START;
	memcpy(out->head, start, STREAM_START);
	out->head[RATE_AND_MORE + 3] |= 0x0f;
	memset(out->head + RATE_AND_MORE + 4, 0xff, 4);
	out->data = start + STREAM_START;
	out->length = end - file->at - STREAM_START;
	if (out->frames == 0)
	{
		bool whole;

		out->frames = -1;
		HML_TRY(ends_with_frame(ctx, out->data, without_id3v1(out->data, out->length), &whole));
		file->cut = file->cut || !whole;
	}
	file->at = end;
	return HML_OK;
}
