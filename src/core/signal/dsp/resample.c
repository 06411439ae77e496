/*
 * resample.c
 *	  libsoxr in pieces that leave room for cancellation.
 *
 * soxr allocates with malloc; its handle lives within hml_resample() alone and
 * is deleted on every path.  It starts no thread (num_threads = 1).  The input
 * goes in by CHUNK samples, about half a millisecond of work each.
 */
#include "core/signal/dsp/resample.h"

#include <math.h>
#include <soxr.h>
#include <string.h>

#include "core/base/library.h"

#define CHUNK 16384

static struct
{
	__typeof__(soxr_create) *create;
	__typeof__(soxr_process) *process;
	__typeof__(soxr_delete) *delete;
	__typeof__(soxr_io_spec) *io_spec;
	__typeof__(soxr_quality_spec) *quality_spec;
	__typeof__(soxr_runtime_spec) *runtime_spec;
} libsoxr;

static HmlLibrary library = {.file = "libsoxr.so.0",
							 .n_functions = 6,
							 .functions = {{"soxr_create", &libsoxr.create},
										   {"soxr_process", &libsoxr.process},
										   {"soxr_delete", &libsoxr.delete},
										   {"soxr_io_spec", &libsoxr.io_spec},
										   {"soxr_quality_spec", &libsoxr.quality_spec},
										   {"soxr_runtime_spec", &libsoxr.runtime_spec}}};

size_t
hml_resample_length(size_t n, double from, double to)
{
	return (size_t) (floor((double) n * to / from + 0.5));
}

static HmlStatus
check_rates(HmlContext *ctx, double from, double to)
{
	if (!(from > 0 && from <= HML_RESAMPLE_MAX_RATE && to > 0 && to <= HML_RESAMPLE_MAX_RATE &&
		  to / from <= HML_RESAMPLE_MAX_RATIO && from / to <= HML_RESAMPLE_MAX_RATIO))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "cannot resample from %g Hz to %g Hz", from, to);
	return HML_OK;
}

/*
 * Feed in chunks until the input is used up, then flush.  soxr ends within one
 * sample of the length asked for; what it does not give is 0.
 */
static HmlStatus
run(HmlContext *ctx, soxr_t soxr, const float *in, size_t n, float *out, size_t n_out)
{
	size_t used = 0;
	size_t made = 0;
	size_t chunk;
	size_t taken;
	size_t given;

	do
	{
		soxr_error_t error;

		chunk = n - used < CHUNK ? n - used : CHUNK;
		error = libsoxr.process(soxr, chunk > 0 ? in + used : NULL, chunk, &taken, out + made, n_out - made,
								&given);
		if (error != NULL)
			return hml_fail(ctx, HML_NO_MEMORY, "could not resample: %s", error);
		used += taken;
		made += given;
		HML_TRY(hml_poll(ctx));
	} while (made < n_out && (chunk > 0 || given > 0));
	memset(out + made, 0, (n_out - made) * sizeof(*out));
	return HML_OK;
}

static HmlStatus
resample_with_soxr(HmlContext *ctx, const float *in, size_t n, double from, double to, float *out,
				   size_t n_out)
{
	soxr_io_spec_t io;
	soxr_quality_spec_t quality;
	soxr_runtime_spec_t runtime;
	soxr_error_t error = NULL;
	soxr_t soxr;
	HmlStatus status;

	HML_TRY(hml_library_load(ctx, &library));
	io = libsoxr.io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
	quality = libsoxr.quality_spec(SOXR_HQ, 0);
	runtime = libsoxr.runtime_spec(1);
	soxr = libsoxr.create(from, to, 1, &error, &io, &quality, &runtime);
	if (soxr == NULL)
		return hml_fail(ctx, HML_NO_MEMORY, "could not resample: %s", error);
	status = run(ctx, soxr, in, n, out, n_out);
	libsoxr.delete(soxr);
	return status;
}

HmlStatus
hml_resample(HmlContext *ctx, const float *in, size_t n, double from, double to, float **out, size_t *n_out)
{
	HmlStatus status = HML_OK;

	HML_TRY(check_rates(ctx, from, to));
	*n_out = hml_resample_length(n, from, to);
	HML_TRY(HML_NEW(ctx, out, *n_out));
	if (from == to)
		memcpy(*out, in, n * sizeof(*in));
	else
		status = resample_with_soxr(ctx, in, n, from, to, *out, *n_out);
	if (status != HML_OK)
	{
		hml_free(ctx, *out);
		*out = NULL;
	}
	return status;
}
