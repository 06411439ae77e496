/*
 * test_png.c
 *	  Pictures as data URIs against Python's zlib, and the palettes.
 */
#include "unit/support.h"

#include "core/draw/png.h"

static uint32_t
crc32_of(const char *bytes, size_t length)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < length; i++)
	{
		crc ^= (unsigned char) bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static void
make_palette(HmlColor *palette)
{
	for (int i = 0; i < HML_PALETTE_SIZE; i++)
		palette[i] = (HmlColor){(unsigned char) i, (unsigned char) (255 - i), (unsigned char) (i / 2),
								(unsigned char) (2 * i)};
}

static void
test_golden(void **state)
{
	TestTable *expected = test_read_table("test/golden/png.csv");
	TestHost host;
	HmlContext ctx;
	HmlColor palette[HML_PALETTE_SIZE];

	(void) state;
	test_host_init(&host, &ctx);
	make_palette(palette);
	for (size_t row = 0; row < expected->rows; row++)
	{
		uint32_t width = (uint32_t) test_number(expected, row, 0);
		uint32_t height = (uint32_t) test_number(expected, row, 1);
		unsigned char *pixels;
		HmlText text;
		const char *uri;

		assert_ok(&ctx, HML_NEW(&ctx, &pixels, (size_t) width * height));
		for (uint32_t i = 0; i < width * height; i++)
			pixels[i] = (unsigned char) (7 * (i / width) + 3 * (i % width));
		hml_text_init(&text, &ctx);
		hml_text_add_png(&text, &(HmlImage){width, height, pixels, palette});
		assert_ok(&ctx, hml_text_finish(&text, &uri));
		assert_int_equal(text.length, test_number(expected, row, 2));
		assert_int_equal(crc32_of(uri, text.length), test_number(expected, row, 3));
		hml_text_free(&text);
		hml_free(&ctx, pixels);
	}
	test_free_table(expected);
	test_host_finish(&host, &ctx);
}

/* Rec. 709 luma. */
static double
lightness(HmlColor color)
{
	return 0.2126 * color.red + 0.7152 * color.green + 0.0722 * color.blue;
}

static void
assert_color(HmlColor color, int red, int green, int blue)
{
	assert_int_equal(color.red, red);
	assert_int_equal(color.green, green);
	assert_int_equal(color.blue, blue);
}

/* More is lighter in viridis and darker in grey, without a step back. */
static void
test_palettes_are_ordered(void **state)
{
	HmlColor viridis[HML_PALETTE_SIZE];
	HmlColor grey[HML_PALETTE_SIZE];

	(void) state;
	hml_palette_viridis(viridis);
	hml_palette_grey(grey);
	assert_color(viridis[0], 68, 1, 84);
	assert_color(viridis[51], 65, 68, 135);
	assert_color(viridis[255], 253, 231, 37);
	assert_color(grey[0], 255, 255, 255);
	assert_color(grey[255], 60, 64, 70);
	for (int i = 1; i < HML_PALETTE_SIZE; i++)
	{
		assert_true(lightness(viridis[i]) > lightness(viridis[i - 1]) - 0.5);
		assert_true(lightness(viridis[i]) < lightness(viridis[i - 1]) + 2.5);
		assert_true(lightness(grey[i]) <= lightness(grey[i - 1]));
		assert_int_equal(viridis[i].alpha, 255);
	}
}

static void
test_contrast_is_clear_in_the_middle(void **state)
{
	HmlColor palette[HML_PALETTE_SIZE];

	(void) state;
	hml_palette_contrast(palette);
	assert_int_equal(palette[0].alpha, 255);
	assert_int_equal(palette[127].alpha, 1);
	assert_int_equal(palette[128].alpha, 1);
	assert_int_equal(palette[255].alpha, 255);
	assert_true(palette[0].blue > palette[0].red && palette[255].red > palette[255].blue);
}

static HmlStatus
one_picture(HmlContext *ctx, void *argument)
{
	static const unsigned char pixels[5000];
	HmlColor palette[HML_PALETTE_SIZE];
	HmlText text;
	const char *uri;
	HmlStatus status;

	(void) argument;
	hml_palette_grey(palette);
	hml_text_init(&text, ctx);
	hml_text_add_png(&text, &(HmlImage){100, 50, pixels, palette});
	status = hml_text_finish(&text, &uri);
	hml_text_free(&text);
	return status;
}

static void
test_sweep(void **state)
{
	(void) state;
	test_allocation_sweep(one_picture, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_palettes_are_ordered),
		cmocka_unit_test(test_contrast_is_clear_in_the_middle),
		cmocka_unit_test(test_sweep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
