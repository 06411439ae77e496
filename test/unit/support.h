/*
 * support.h
 *	  What the unit tests of libhml share: a host that watches, close
 *	  comparison of numbers, sweeps over failures, and golden tables.
 *
 * A test program is test/unit/test_<name>.c with one cmocka group; it runs at
 * the top of the repository, compiled with ASan and UBSan.
 */
#ifndef TEST_UNIT_SUPPORT_H
#define TEST_UNIT_SUPPORT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/context.h"

/*
 * A host that counts.  Fresh memory is filled with junk, so that nobody relies
 * on zeros.  The first allocation is number 1, and so is the first poll.
 */
typedef struct TestHost
{
	size_t allocations; /* calls so far, also the failed ones */
	size_t live_blocks;
	size_t fail_at;    /* this allocation fails; 0 for none */
	bool fail_forever; /* and so do all after it */
	size_t polls;
	size_t cancel_at; /* from this poll on the answer is to stop; 0 for never */
	size_t progress_reports;
	HmlProgress last_progress;
	double clock; /* seconds; advances by one at each look */
	size_t open_spools;
	size_t spooled;       /* bytes written to spools */
	size_t spool_fail_at; /* from this operation on a spool fails; 0 for never */
	size_t spool_operations;
} TestHost;

/* Fill both; the context refers to 'host'. */
extern void test_host_init(TestHost *host, HmlContext *ctx);

/* Fail the test when anything is still allocated. */
extern void test_host_finish(const TestHost *host, const HmlContext *ctx);

/* The call must succeed, and its message is shown when it does not. */
#define assert_ok(ctx, call) test_status((ctx), (call), HML_OK, #call, __FILE__, __LINE__)

/* The call must fail with exactly this status. */
#define assert_status(ctx, call, expected) test_status((ctx), (call), (expected), #call, __FILE__, __LINE__)
extern void test_status(const HmlContext *ctx, HmlStatus actual, HmlStatus expected, const char *call,
						const char *file, int line);

/* 'text' must occur in the message, detail or hint of the last failure. */
#define assert_message(ctx, text) test_message((ctx), (text), __FILE__, __LINE__)
extern void test_message(const HmlContext *ctx, const char *text, const char *file, int line);

/* |actual - expected| <= tolerance * max(1, |expected|); NaN equals NaN, an infinity itself. */
#define assert_close(actual, expected, tolerance) \
	test_close((actual), (expected), (tolerance), #actual, __FILE__, __LINE__)
extern void test_close(double actual, double expected, double tolerance, const char *what, const char *file,
					   int line);

/*
 * Work for a sweep: does everything from nothing, frees everything, also on
 * failure, and returns the status of the first failure.
 */
typedef HmlStatus (*TestWork)(HmlContext *ctx, void *argument);

/*
 * Run the work with its first allocation failing, then its second, and so on
 * until it succeeds; once with a single failure, once with all later ones
 * failing too.  Each failure must be HML_NO_MEMORY and leave nothing allocated.
 */
extern void test_allocation_sweep(TestWork work, void *argument);

/* The same with polls that answer "stop": HML_CANCELLED, and nothing left.  At least one poll must happen. */
extern void test_cancellation_sweep(TestWork work, void *argument);

/*
 * A table from a CSV file: first line names, no quoting, lines that begin with
 * '#' ignored.  Whatever is wrong with file, column or number fails the test.
 */
typedef struct TestTable
{
	const char *path;
	char *text; /* the whole file; names and cells point into it */
	size_t columns;
	size_t rows;
	char **cells; /* (rows + 1, columns), names first */
} TestTable;

extern TestTable *test_read_table(const char *path);
extern void test_free_table(TestTable *table);
extern size_t test_column(const TestTable *table, const char *name);
extern const char *test_text(const TestTable *table, size_t row, size_t column);
/* An empty cell, 'nan' and 'NaN' are NaN; 'inf' and '-inf' are infinities. */
extern double test_number(const TestTable *table, size_t row, size_t column);

/*
 * Path of a shared file, in the folder that the environment variable names
 * (HEALTHML_DATA, HEALTHML_GOLDEN), or NULL when it is not there: a test needs none
 * of them, and takes them in addition to the repository's.  The text is overwritten
 * by the next call.
 */
extern const char *test_shared_file(const char *variable, const char *name);

#endif /* TEST_UNIT_SUPPORT_H */
