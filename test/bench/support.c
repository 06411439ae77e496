/*
 * support.c
 *	  What the benchmarks without a server share.
 */
#define _POSIX_C_SOURCE 199309L /* clock_gettime */

#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *program_name;

static void *
host_alloc(void *user, size_t size)
{
	(void) user;
	return malloc(size);
}

static void
host_free(void *user, void *pointer)
{
	(void) user;
	free(pointer);
}

void
bench_init(HmlContext *ctx, const char *program)
{
	HmlHost host = {.alloc = host_alloc, .free = host_free};

	program_name = program;
	hml_context_init(ctx, &host);
}

void
must(const HmlContext *ctx, HmlStatus status)
{
	if (status == HML_OK)
		return;
	fprintf(stderr, "%s: %s\n", program_name, ctx->message);
	exit(1);
}

static double
read_clock(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double) time.tv_sec + 1e-9 * (double) time.tv_nsec;
}

double
bench_clock(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

double
bench_processor_clock(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

void
say(const char *name, const char *what, double figure)
{
	printf("%s%s\t%.6g\n", name, what, figure);
	fflush(stdout);
}

static void
give_up(const char *what, const char *path)
{
	fprintf(stderr, "%s: could not %s %s\n", program_name, what, path);
	exit(1);
}

unsigned char *
bench_read_file(const char *path, size_t *length)
{
	FILE *file = fopen(path, "rb");
	unsigned char *bytes;
	long size;

	if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0)
		give_up("open", path);
	rewind(file);
	bytes = malloc((size_t) size + 1);
	if (bytes == NULL || fread(bytes, 1, (size_t) size, file) != (size_t) size)
		give_up("read", path);
	fclose(file);
	*length = (size_t) size;
	return bytes;
}

void
bench_write_file(const char *path, const void *bytes, size_t length)
{
	FILE *file = fopen(path, "wb");

	if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0)
		give_up("write", path);
}

const char *
bench_file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}
