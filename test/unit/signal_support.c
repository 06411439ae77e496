/*
 * signal_support.c
 *	  Sounds for the unit tests of src/core/signal.
 */
#include "unit/signal_support.h"

#include "unit/support.h"

size_t
golden_signal(HmlContext *ctx, float **samples)
{
	TestTable *table = test_read_table("test/golden/signal/signal.csv");
	size_t n = table->rows;

	assert_ok(ctx, HML_NEW(ctx, samples, n));
	for (size_t i = 0; i < n; i++)
		(*samples)[i] = (float) test_number(table, i, 0);
	test_free_table(table);
	return n;
}

size_t
corpus_file(HmlContext *ctx, const char *name, unsigned char **bytes)
{
	char path[256];
	FILE *file;
	long length;

	snprintf(path, sizeof(path), "test/fuzz/corpus/audio/%s", name);
	file = fopen(path, "rb");
	if (file == NULL)
		fail_msg("cannot open %s", path);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	length = ftell(file);
	rewind(file);
	assert_ok(ctx, HML_NEW(ctx, bytes, (size_t) length));
	assert_int_equal(fread(*bytes, 1, (size_t) length, file), (size_t) length);
	fclose(file);
	return (size_t) length;
}

/* Outside the images, whose base64 may spell anything. */
static void
assert_numbers(const char *svg)
{
	for (const char *p = svg; *p != '\0'; p++)
	{
		if (strncmp(p, "base64,", 7) == 0)
			p = strchr(p, '"');
		assert_true(strncmp(p, "nan", 3) != 0 && strncmp(p, "inf", 3) != 0);
	}
}

void
assert_drawable(const char *svg)
{
	const char *names[16];
	size_t depth = 0;

	assert_numbers(svg);
	for (const char *p = strchr(svg, '<'); p != NULL; p = strchr(p, '<'))
	{
		const char *end = strchr(p, '>');

		assert_non_null(end);
		if (p[1] == '/')
		{
			assert_true(depth > 0);
			depth--;
			assert_memory_equal(p + 2, names[depth], (size_t) (end - p - 2));
		}
		else if (end[-1] != '/')
		{
			assert_true(depth < 16);
			names[depth++] = p + 1;
		}
		p = end;
	}
	assert_int_equal(depth, 0);
}
