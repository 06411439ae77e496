/*
 * support.h
 *	  What the benchmarks without a server share: a host, clocks, files, and lines of
 *	  figures.  A failure ends the program with its message.
 */
#ifndef TEST_BENCH_SUPPORT_H
#define TEST_BENCH_SUPPORT_H

#include "core/base/context.h"

/* Memory of the C library; 'program' is named in messages. */
extern void bench_init(HmlContext *ctx, const char *program);

extern void must(const HmlContext *ctx, HmlStatus status);

/* Seconds that have passed, for comparison with a peer that is timed so; seconds that this thread has had of a processor. */
extern double bench_clock(void);
extern double bench_processor_clock(void);

/* One line 'name what<TAB>figure'; 'what' begins with a space, or is empty. */
extern void say(const char *name, const char *what, double figure);

/* The content of a file, to be freed with free(). */
extern unsigned char *bench_read_file(const char *path, size_t *length);
extern void bench_write_file(const char *path, const void *bytes, size_t length);

/* What follows the last slash. */
extern const char *bench_file_name(const char *path);

#endif /* TEST_BENCH_SUPPORT_H */
