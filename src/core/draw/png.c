/*
 * png.c
 *	  A writer of indexed PNG (ISO/IEC 15948) in base64 (RFC 4648), straight into a text.
 *
 * The image data are stored, not compressed (RFC 1951, section 3.2.4): spectrograms
 * hardly compress, and the server may have been built without zlib.
 */
#include "core/draw/png.h"

#include <string.h>

#define STORED_BLOCK 65535 /* bytes, the most that one can hold */
#define STORED_HEADER 5
#define ZLIB_HEADER 2
#define ZLIB_TRAILER 4
#define ADLER_MODULUS 65521u
#define CRC_POLYNOMIAL 0xedb88320u

/* Bytes on their way into the text, with the checksum of the chunk that they belong to. */
typedef struct PngWriter
{
	HmlText *text;
	unsigned char pending[3]; /* not yet a whole base64 group */
	size_t n_pending;
	uint32_t crc_table[256];
	uint32_t crc;
} PngWriter;

/* ---- base64 ---------------------------------------------------------- */

static void
put_group(PngWriter *writer)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *b = writer->pending;
	char group[4] = {digits[b[0] >> 2], digits[(b[0] & 3) << 4 | b[1] >> 4],
					 digits[(b[1] & 15) << 2 | b[2] >> 6], digits[b[2] & 63]};

	for (size_t i = writer->n_pending + 1; i < 4; i++)
		group[i] = '=';
	hml_text_add_bytes(writer->text, group, 4);
	memset(writer->pending, 0, sizeof(writer->pending));
	writer->n_pending = 0;
}

static void
put_byte(PngWriter *writer, unsigned char byte)
{
	writer->crc = writer->crc >> 8 ^ writer->crc_table[(writer->crc ^ byte) & 255];
	writer->pending[writer->n_pending++] = byte;
	if (writer->n_pending == sizeof(writer->pending))
		put_group(writer);
}

static void
put_bytes(PngWriter *writer, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		put_byte(writer, (unsigned char) bytes[i]);
}

static void
put_u32(PngWriter *writer, uint32_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		put_byte(writer, (unsigned char) (value >> shift));
}

/* ---- chunks ---------------------------------------------------------- */

static void
make_crc_table(uint32_t *table)
{
	for (uint32_t byte = 0; byte < 256; byte++)
	{
		uint32_t crc = byte;

		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ CRC_POLYNOMIAL : crc >> 1;
		table[byte] = crc;
	}
}

static void
begin_chunk(PngWriter *writer, const char *name, size_t length)
{
	put_u32(writer, (uint32_t) length);
	writer->crc = UINT32_MAX;
	put_bytes(writer, name, 4);
}

static void
end_chunk(PngWriter *writer)
{
	put_u32(writer, ~writer->crc);
}

static void
put_header(PngWriter *writer, const HmlImage *image)
{
	begin_chunk(writer, "IHDR", 13);
	put_u32(writer, image->width);
	put_u32(writer, image->height);
	put_bytes(writer, "\x08\x03\x00\x00\x00", 5); /* 8 bits, indexed; standard methods, not interlaced */
	end_chunk(writer);
}

static void
put_palette(PngWriter *writer, const HmlColor *palette)
{
	begin_chunk(writer, "PLTE", 3 * HML_PALETTE_SIZE);
	for (size_t i = 0; i < HML_PALETTE_SIZE; i++)
	{
		put_byte(writer, palette[i].red);
		put_byte(writer, palette[i].green);
		put_byte(writer, palette[i].blue);
	}
	end_chunk(writer);
	begin_chunk(writer, "tRNS", HML_PALETTE_SIZE);
	for (size_t i = 0; i < HML_PALETTE_SIZE; i++)
		put_byte(writer, palette[i].alpha);
	end_chunk(writer);
}

static void
put_stored_header(PngWriter *writer, size_t length, bool last)
{
	unsigned char low = (unsigned char) length;
	unsigned char high = (unsigned char) (length >> 8);

	put_byte(writer, last);
	put_byte(writer, low);
	put_byte(writer, high);
	put_byte(writer, (unsigned char) ~low);
	put_byte(writer, (unsigned char) ~high);
}

/* Each row of the image begins with the number of its filter: 0, none. */
static void
put_data(PngWriter *writer, const HmlImage *image)
{
	size_t row = (size_t) image->width + 1;
	size_t length = row * image->height;
	size_t n_blocks = (length + STORED_BLOCK - 1) / STORED_BLOCK;
	uint32_t a = 1;
	uint32_t b = 0;

	begin_chunk(writer, "IDAT", ZLIB_HEADER + n_blocks * STORED_HEADER + length + ZLIB_TRAILER);
	put_bytes(writer, "\x78\x01", ZLIB_HEADER);
	for (size_t i = 0; i < length; i++)
	{
		unsigned char byte = i % row == 0 ? 0 : image->pixels[i / row * image->width + i % row - 1];

		if (i % STORED_BLOCK == 0)
			put_stored_header(writer, length - i < STORED_BLOCK ? length - i : STORED_BLOCK,
							  length - i <= STORED_BLOCK);
		put_byte(writer, byte);
		a = (a + byte) % ADLER_MODULUS;
		b = (b + a) % ADLER_MODULUS;
	}
	put_u32(writer, b << 16 | a);
	end_chunk(writer);
}

void
hml_text_add_png(HmlText *text, const HmlImage *image)
{
	PngWriter writer = {.text = text};

	make_crc_table(writer.crc_table);
	hml_text_add(text, "data:image/png;base64,");
	put_bytes(&writer, "\x89PNG\r\n\x1a\n", 8);
	put_header(&writer, image);
	put_palette(&writer, image->palette);
	put_data(&writer, image);
	begin_chunk(&writer, "IEND", 0);
	end_chunk(&writer);
	if (writer.n_pending > 0)
		put_group(&writer);
}

/* ---- palettes -------------------------------------------------------- */

/* Every sixteenth colour of N. Smith and S. van der Walt's viridis (2015, public domain). */
static const HmlColor viridis[] = {
	{68, 1, 84, 255},    {72, 24, 106, 255},  {71, 45, 123, 255},  {66, 64, 134, 255},  {59, 82, 139, 255},
	{51, 99, 141, 255},  {44, 114, 142, 255}, {38, 129, 142, 255}, {33, 144, 140, 255}, {31, 159, 136, 255},
	{40, 174, 128, 255}, {62, 188, 116, 255}, {93, 201, 99, 255},  {130, 211, 76, 255}, {171, 220, 50, 255},
	{213, 226, 26, 255}, {253, 231, 37, 255}};
#define VIRIDIS_STEPS (sizeof(viridis) / sizeof(viridis[0]) - 1)

static unsigned char
between(double from, double to, double share)
{
	return (unsigned char) (from + share * (to - from) + 0.5);
}

static HmlColor
mix(HmlColor from, HmlColor to, double share)
{
	return (HmlColor){between(from.red, to.red, share), between(from.green, to.green, share),
					  between(from.blue, to.blue, share), between(from.alpha, to.alpha, share)};
}

void
hml_palette_viridis(HmlColor *palette)
{
	for (size_t i = 0; i < HML_PALETTE_SIZE; i++)
	{
		double position = (double) i / (HML_PALETTE_SIZE - 1) * VIRIDIS_STEPS;
		size_t step = position < VIRIDIS_STEPS ? (size_t) position : VIRIDIS_STEPS - 1;

		palette[i] = mix(viridis[step], viridis[step + 1], position - (double) step);
	}
}

void
hml_palette_grey(HmlColor *palette)
{
	for (size_t i = 0; i < HML_PALETTE_SIZE; i++)
		palette[i] = mix((HmlColor){255, 255, 255, 255}, (HmlColor){60, 64, 70, 255},
						 (double) i / (HML_PALETTE_SIZE - 1));
}

void
hml_palette_contrast(HmlColor *palette)
{
	const double middle = (HML_PALETTE_SIZE - 1) / 2.0;

	for (size_t i = 0; i < HML_PALETTE_SIZE; i++)
	{
		double distance = ((double) i - middle) / middle;
		HmlColor color = distance < 0 ? (HmlColor){28, 92, 190, 0} : (HmlColor){208, 32, 38, 0};

		color.alpha = between(0, 255, distance < 0 ? -distance : distance);
		palette[i] = color;
	}
}
