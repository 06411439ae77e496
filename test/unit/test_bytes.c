/*
 * test_bytes.c
 *	  Little-endian bytes, written and read back, truncated and damaged.
 */
#include "unit/support.h"

#include "core/base/bytes.h"

static const float SINGLES[] = {1.5f, -0.0f, INFINITY, 1e-40f};
static const double DOUBLES[] = {3.25, -0.0, -INFINITY, 4.9e-324};

static void
write_one_of_each(HmlWriter *writer)
{
	hml_write_u8(writer, 0xab);
	hml_write_u16(writer, 0x0123);
	hml_write_u32(writer, 0x01234567);
	hml_write_u64(writer, UINT64_C(0x0123456789abcdef));
	hml_write_f32(writer, 1.0f);
	hml_write_f64(writer, -2.0);
	hml_write_text(writer, "age", 3);
	hml_write_bytes(writer, "xyz", 3);
	hml_write_f32_array(writer, SINGLES, 4);
	hml_write_f64_array(writer, DOUBLES, 4);
}

/* In the order of write_one_of_each(); every value is compared. */
static HmlStatus
read_one_of_each(HmlReader *reader)
{
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;
	float f32;
	double f64;
	const char *text;
	const unsigned char *bytes;
	size_t length;
	float singles[4];
	double doubles[4];

	HML_TRY(hml_read_u8(reader, &u8));
	assert_int_equal(u8, 0xab);
	HML_TRY(hml_read_u16(reader, &u16));
	assert_int_equal(u16, 0x0123);
	HML_TRY(hml_read_u32(reader, &u32));
	assert_int_equal(u32, 0x01234567);
	HML_TRY(hml_read_u64(reader, &u64));
	assert_true(u64 == UINT64_C(0x0123456789abcdef));
	HML_TRY(hml_read_f32(reader, &f32));
	assert_true(f32 == 1.0f);
	HML_TRY(hml_read_f64(reader, &f64));
	assert_true(f64 == -2.0);
	HML_TRY(hml_read_text(reader, &text, &length));
	assert_int_equal(length, 3);
	assert_memory_equal(text, "age", 3);
	HML_TRY(hml_read_bytes(reader, 3, &bytes));
	assert_memory_equal(bytes, "xyz", 3);
	HML_TRY(hml_read_f32_array(reader, singles, 4));
	assert_memory_equal(singles, SINGLES, sizeof(SINGLES));
	HML_TRY(hml_read_f64_array(reader, doubles, 4));
	assert_memory_equal(doubles, DOUBLES, sizeof(DOUBLES));
	return hml_read_end(reader);
}

static void
test_layout(void **state)
{
	static const unsigned char EXPECTED[] = {0xab, 0x23, 0x01, 0x67, 0x45, 0x23, 0x01, 0xef, 0xcd, 0xab, 0x89,
											 0x67, 0x45, 0x23, 0x01, 0x00, 0x00, 0x80, 0x3f, 0x00, 0x00, 0x00,
											 0x00, 0x00, 0x00, 0x00, 0xc0, 0x03, 0x00, 0x00, 0x00, 'a',  'g',
											 'e',  'x',  'y',  'z',  0x00, 0x00, 0xc0, 0x3f};
	TestHost host;
	HmlContext ctx;
	HmlWriter writer;

	(void) state;
	test_host_init(&host, &ctx);
	hml_writer_init(&writer, &ctx);
	write_one_of_each(&writer);
	assert_ok(&ctx, hml_writer_finish(&writer));
	assert_int_equal(writer.length, 1 + 2 + 4 + 8 + 4 + 8 + 7 + 3 + 32 + 16);
	assert_memory_equal(writer.data, EXPECTED, sizeof(EXPECTED));
	hml_write_u32_at(&writer, 3, 0xddccbbaa);
	assert_memory_equal(writer.data + 3, "\xaa\xbb\xcc\xdd\xef", 5);
	hml_writer_free(&writer);
	test_host_finish(&host, &ctx);
}

/* Every prefix is an error, at any place where it may end. */
static void
test_truncation(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlWriter writer;
	HmlReader reader;

	(void) state;
	test_host_init(&host, &ctx);
	hml_writer_init(&writer, &ctx);
	write_one_of_each(&writer);
	for (size_t length = 0; length < writer.length; length++)
	{
		unsigned char *prefix = malloc(length + 1); /* of its own, so that ASan sees a step too far */

		memcpy(prefix, writer.data, length);
		hml_reader_init(&reader, &ctx, prefix, length, "artifact");
		assert_status(&ctx, read_one_of_each(&reader), HML_CORRUPT);
		assert_message(&ctx, "artifact");
		free(prefix);
	}
	hml_reader_init(&reader, &ctx, writer.data, writer.length, "artifact");
	assert_ok(&ctx, read_one_of_each(&reader));
	assert_int_equal(hml_reader_left(&reader), 0);
	hml_writer_free(&writer);
	test_host_finish(&host, &ctx);
}

static void
test_bytes_left_over(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlReader reader;

	(void) state;
	test_host_init(&host, &ctx);
	hml_reader_init(&reader, &ctx, "x", 1, "section \"FRST\"");
	assert_status(&ctx, hml_read_end(&reader), HML_CORRUPT);
	assert_message(&ctx, "section \"FRST\"");
}

static void
test_counts_are_not_believed(void **state)
{
	static const unsigned char FIVE[] = {5, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
	static const unsigned char HUGE_COUNT[] = {0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4};
	TestHost host;
	HmlContext ctx;
	HmlReader reader;
	size_t count;

	(void) state;
	test_host_init(&host, &ctx);
	hml_reader_init(&reader, &ctx, FIVE, sizeof(FIVE), "artifact");
	assert_ok(&ctx, hml_read_count(&reader, 2, 5, &count));
	assert_int_equal(count, 5);
	hml_reader_init(&reader, &ctx, FIVE, sizeof(FIVE), "artifact");
	assert_status(&ctx, hml_read_count(&reader, 2, 4, &count), HML_CORRUPT);
	hml_reader_init(&reader, &ctx, FIVE, sizeof(FIVE), "artifact");
	assert_status(&ctx, hml_read_count(&reader, 3, 5, &count), HML_CORRUPT);
	hml_reader_init(&reader, &ctx, HUGE_COUNT, sizeof(HUGE_COUNT), "artifact");
	assert_status(&ctx, hml_read_count(&reader, SIZE_MAX / 2, SIZE_MAX, &count), HML_CORRUPT);
	hml_reader_init(&reader, &ctx, HUGE_COUNT, sizeof(HUGE_COUNT), "artifact");
	assert_ok(&ctx, hml_read_count(&reader, 0, UINT32_MAX, &count));
	assert_true(count == UINT32_MAX);
}

static void
test_arrays_that_do_not_fit(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlReader reader;
	double number;

	(void) state;
	test_host_init(&host, &ctx);
	hml_reader_init(&reader, &ctx, "12345678", 8, "artifact");
	assert_status(&ctx, hml_read_f64_array(&reader, &number, SIZE_MAX / 4), HML_CORRUPT);
	assert_status(&ctx, hml_read_f64_array(&reader, &number, 2), HML_CORRUPT);
	assert_ok(&ctx, hml_read_f64_array(&reader, &number, 0));
	assert_ok(&ctx, hml_read_f64_array(&reader, &number, 1));
}

static void
test_text_with_nul(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlReader reader;
	const char *text;
	size_t length;

	(void) state;
	test_host_init(&host, &ctx);
	hml_reader_init(&reader, &ctx, "\3\0\0\0a\0b", 7, "artifact");
	assert_status(&ctx, hml_read_text(&reader, &text, &length), HML_CORRUPT);
	hml_reader_init(&reader, &ctx, "\0\0\0\0", 4, "artifact");
	assert_ok(&ctx, hml_read_text(&reader, &text, &length));
	assert_int_equal(length, 0);
}

static void
test_text_that_is_not_utf8(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlReader reader;
	const char *text;
	size_t length;

	(void) state;
	test_host_init(&host, &ctx);
	hml_reader_init(&reader, &ctx,
					"\3\0\0\0a\xe9"
					"b",
					7, "artifact");
	assert_status(&ctx, hml_read_text(&reader, &text, &length), HML_CORRUPT);
	hml_reader_init(&reader, &ctx, "\2\0\0\0a\xc3\xa9", 7, "artifact"); /* cut in the middle of a character */
	assert_status(&ctx, hml_read_text(&reader, &text, &length), HML_CORRUPT);
	hml_reader_init(&reader, &ctx, "\3\0\0\0a\xc3\xa9", 7, "artifact");
	assert_ok(&ctx, hml_read_text(&reader, &text, &length));
	assert_int_equal(length, 3);
}

/* After a failure later writes do nothing, and the failure is what finish returns. */
static void
test_writer_remembers_its_failure(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlWriter writer;
	size_t length;

	(void) state;
	test_host_init(&host, &ctx);
	hml_writer_init(&writer, &ctx);
	write_one_of_each(&writer);
	length = writer.length;
	host.fail_at = host.allocations + 1;
	for (int i = 0; i < 1000; i++)
		hml_write_f64(&writer, i);
	assert_status(&ctx, hml_writer_finish(&writer), HML_NO_MEMORY);
	assert_true(writer.length >= length && writer.length < length + 8000);
	hml_write_text(&writer, "more", 4);
	hml_write_u32_at(&writer, SIZE_MAX / 2, 1);
	assert_status(&ctx, hml_writer_finish(&writer), HML_NO_MEMORY);
	hml_writer_free(&writer);
	test_host_finish(&host, &ctx);
}

static void
test_sizes_that_cannot_be_written(void **state)
{
	TestHost host;
	HmlContext ctx;
	HmlWriter writer;

	(void) state;
	test_host_init(&host, &ctx);
	hml_writer_init(&writer, &ctx);
	hml_write_text(&writer, "x", (size_t) UINT32_MAX + 1);
	assert_status(&ctx, hml_writer_finish(&writer), HML_LIMIT);
	hml_writer_free(&writer);

	hml_writer_init(&writer, &ctx);
	hml_write_u8(&writer, 1);
	hml_write_bytes(&writer, "x", SIZE_MAX);
	assert_status(&ctx, hml_writer_finish(&writer), HML_LIMIT);
	hml_writer_free(&writer);
	test_host_finish(&host, &ctx);
}

static HmlStatus
write_much(HmlContext *ctx, void *argument)
{
	HmlWriter writer;
	HmlStatus status;

	(void) argument;
	hml_writer_init(&writer, ctx);
	for (int i = 0; i < 200; i++)
		write_one_of_each(&writer);
	status = hml_writer_finish(&writer);
	hml_writer_free(&writer);
	return status;
}

static void
test_failing_allocations(void **state)
{
	(void) state;
	test_allocation_sweep(write_much, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_bytes_left_over),
		cmocka_unit_test(test_counts_are_not_believed),
		cmocka_unit_test(test_arrays_that_do_not_fit),
		cmocka_unit_test(test_text_with_nul),
		cmocka_unit_test(test_text_that_is_not_utf8),
		cmocka_unit_test(test_writer_remembers_its_failure),
		cmocka_unit_test(test_sizes_that_cannot_be_written),
		cmocka_unit_test(test_failing_allocations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
