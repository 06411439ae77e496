/*
 * support.c
 *	  The watching host, sweeps and golden tables of the unit tests.
 */
#include "unit/support.h"

#define JUNK 0xa5

static void *
host_alloc(void *user, size_t size)
{
	TestHost *host = user;
	void *block;

	host->allocations++;
	if (host->fail_at != 0 &&
		(host->allocations == host->fail_at || (host->fail_forever && host->allocations > host->fail_at)))
		return NULL;
	block = malloc(size);
	if (block == NULL)
		return NULL;
	memset(block, JUNK, size);
	host->live_blocks++;
	return block;
}

static void
host_free(void *user, void *block)
{
	TestHost *host = user;

	assert_true(host->live_blocks > 0);
	host->live_blocks--;
	free(block);
}

static bool
host_cancelled(void *user)
{
	TestHost *host = user;

	host->polls++;
	return host->cancel_at != 0 && host->polls >= host->cancel_at;
}

static void
host_progress(void *user, const HmlProgress *progress)
{
	TestHost *host = user;

	host->progress_reports++;
	host->last_progress = *progress;
}

/* A clock that advances by a second at each look. */
static double
host_seconds(void *user)
{
	TestHost *host = user;

	return host->clock++;
}

/* ---- spools: temporary files ---- */

static HmlStatus
spool_may(TestHost *host, HmlContext *ctx)
{
	host->spool_operations++;
	if (host->spool_fail_at != 0 && host->spool_operations >= host->spool_fail_at)
		return hml_fail(ctx, HML_HOST, "the spool has failed");
	return HML_OK;
}

static HmlStatus
spool_open(void *user, HmlContext *ctx, void **spool)
{
	TestHost *host = user;

	HML_TRY(spool_may(host, ctx));
	*spool = tmpfile();
	assert_non_null(*spool);
	host->open_spools++;
	return HML_OK;
}

static HmlStatus
spool_write(void *user, HmlContext *ctx, void *spool, uint64_t at, const void *bytes, size_t size)
{
	TestHost *host = user;

	HML_TRY(spool_may(host, ctx));
	assert_int_equal(fseek(spool, (long) at, SEEK_SET), 0);
	assert_int_equal(fwrite(bytes, 1, size, spool), size);
	host->spooled += size;
	return HML_OK;
}

static HmlStatus
spool_read(void *user, HmlContext *ctx, void *spool, uint64_t at, void *bytes, size_t size)
{
	HML_TRY(spool_may(user, ctx));
	assert_int_equal(fseek(spool, (long) at, SEEK_SET), 0);
	assert_int_equal(fread(bytes, 1, size, spool), size);
	return HML_OK;
}

static void
spool_close(void *user, void *spool)
{
	TestHost *host = user;

	fclose(spool);
	host->open_spools--;
}

static const HmlSpool spools = {
	.open = spool_open, .write = spool_write, .read = spool_read, .close = spool_close};

void
test_host_init(TestHost *host, HmlContext *ctx)
{
	HmlHost callbacks = {.alloc = host_alloc,
						 .free = host_free,
						 .cancelled = host_cancelled,
						 .progress = host_progress,
						 .user = host,
						 .seconds = host_seconds,
						 .spool = &spools};

	memset(host, 0, sizeof(*host));
	hml_context_init(ctx, &callbacks);
}

void
test_host_finish(const TestHost *host, const HmlContext *ctx)
{
	assert_int_equal(host->live_blocks, 0);
	assert_int_equal(host->open_spools, 0);
	assert_int_equal(ctx->memory_used, 0);
}

void
test_status(const HmlContext *ctx, HmlStatus actual, HmlStatus expected, const char *call, const char *file,
			int line)
{
	if (actual == expected)
		return;
	print_error("%s\n  returned status %d, not %d\n", call, (int) actual, (int) expected);
	if (actual != HML_OK)
		print_error("  message: %s\n  detail: %s\n", ctx->message, ctx->detail);
	_fail(file, line);
}

void
test_message(const HmlContext *ctx, const char *text, const char *file, int line)
{
	if (strstr(ctx->message, text) != NULL || strstr(ctx->detail, text) != NULL ||
		strstr(ctx->hint, text) != NULL)
		return;
	print_error("\"%s\" is not in\n  message: %s\n  detail: %s\n  hint: %s\n", text, ctx->message,
				ctx->detail, ctx->hint);
	_fail(file, line);
}

void
test_close(double actual, double expected, double tolerance, const char *what, const char *file, int line)
{
	double scale = fabs(expected) > 1.0 ? fabs(expected) : 1.0;

	if (isnan(expected) ? isnan(actual) : actual == expected)
		return;
	if (isfinite(expected) && fabs(actual - expected) <= tolerance * scale)
		return;
	print_error("%s\n  is %.17g, not %.17g within %g (off by %g)\n", what, actual, expected, tolerance,
				fabs(actual - expected));
	_fail(file, line);
}

static HmlStatus
run_with_failure(TestWork work, void *argument, size_t fail_at, bool forever)
{
	TestHost host;
	HmlContext ctx;
	HmlStatus status;

	test_host_init(&host, &ctx);
	host.fail_at = fail_at;
	host.fail_forever = forever;
	status = work(&ctx, argument);
	if (status != HML_OK && host.allocations >= fail_at)
		test_status(&ctx, status, HML_NO_MEMORY, "work with a failing allocation", __FILE__, __LINE__);
	if (status == HML_OK && host.allocations >= fail_at)
		fail_msg("the failure of allocation %zu went unnoticed", fail_at);
	test_host_finish(&host, &ctx);
	return status;
}

void
test_allocation_sweep(TestWork work, void *argument)
{
	for (int forever = 0; forever <= 1; forever++)
	{
		size_t fail_at = 1;

		while (run_with_failure(work, argument, fail_at, forever) == HML_NO_MEMORY)
			fail_at++;
		assert_true(fail_at > 1);
	}
}

void
test_cancellation_sweep(TestWork work, void *argument)
{
	TestHost host;
	HmlContext ctx;
	HmlStatus status;
	size_t cancel_at = 0;

	do
	{
		test_host_init(&host, &ctx);
		host.cancel_at = ++cancel_at;
		status = work(&ctx, argument);
		test_host_finish(&host, &ctx);
		if (host.polls >= cancel_at)
			test_status(&ctx, status, HML_CANCELLED, "cancelled work", __FILE__, __LINE__);
	} while (status == HML_CANCELLED);
	test_status(&ctx, status, HML_OK, "work that was not cancelled", __FILE__, __LINE__);
	assert_true(cancel_at > 1);
}

static char *
read_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	long size;
	char *text;

	if (file == NULL)
		fail_msg("cannot open \"%s\"", path);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	size = ftell(file);
	assert_true(size >= 0);
	rewind(file);
	text = malloc((size_t) size + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t) size, file), size);
	text[size] = '\0';
	fclose(file);
	return text;
}

static char *
end_of_line(char *line)
{
	return line + strcspn(line, "\r\n");
}

/* Cut a line at its commas into cells[0 .. columns - 1]; returns how many there were. */
static size_t
cut_line(char *line, char **cells, size_t columns)
{
	size_t count = 0;

	for (;;)
	{
		char *comma = strchr(line, ',');

		if (count < columns)
			cells[count] = line;
		count++;
		if (comma == NULL)
			return count;
		*comma = '\0';
		line = comma + 1;
	}
}

static size_t
count_commas(const char *line)
{
	size_t count = 0;

	for (; *line != '\0'; line++)
		count += *line == ',';
	return count;
}

TestTable *
test_read_table(const char *path)
{
	TestTable *table = calloc(1, sizeof(*table));
	size_t lines = 0;

	assert_non_null(table);
	table->path = path;
	table->text = read_file(path);
	for (char *line = table->text; *line != '\0';)
	{
		char *end = end_of_line(line);
		char *next = end + strspn(end, "\r\n");

		*end = '\0';
		if (*line != '#' && *line != '\0')
		{
			if (lines == 0)
				table->columns = count_commas(line) + 1;
			table->cells = realloc(table->cells, (lines + 1) * table->columns * sizeof(char *));
			assert_non_null(table->cells);
			if (cut_line(line, table->cells + lines * table->columns, table->columns) != table->columns)
				fail_msg("\"%s\": row %zu does not have %zu columns", path, lines, table->columns);
			lines++;
		}
		line = next;
	}
	if (lines == 0)
		fail_msg("\"%s\" is empty", path);
	table->rows = lines - 1;
	return table;
}

void
test_free_table(TestTable *table)
{
	free(table->cells);
	free(table->text);
	free(table);
}

size_t
test_column(const TestTable *table, const char *name)
{
	for (size_t column = 0; column < table->columns; column++)
		if (strcmp(table->cells[column], name) == 0)
			return column;
	fail_msg("\"%s\" has no column \"%s\"", table->path, name);
	return 0;
}

const char *
test_text(const TestTable *table, size_t row, size_t column)
{
	assert_true(row < table->rows && column < table->columns);
	return table->cells[(row + 1) * table->columns + column];
}

double
test_number(const TestTable *table, size_t row, size_t column)
{
	const char *text = test_text(table, row, column);
	char *end;
	double number;

	if (*text == '\0')
		return NAN;
	number = strtod(text, &end);
	if (*end != '\0')
		fail_msg("\"%s\": \"%s\" in row %zu is not a number", table->path, text, row + 1);
	return number;
}

const char *
test_shared_file(const char *variable, const char *name)
{
	static char path[4096];
	const char *folder = getenv(variable);
	FILE *file;

	if (folder == NULL)
		return NULL;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	if (file == NULL)
		return NULL;
	fclose(file);
	return path;
}
