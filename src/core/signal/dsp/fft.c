/*
 * fft.c
 *	  The process-wide table of FFTW plans.
 *
 * The table is searched from the front, since programs use one or two sizes, and
 * replaced in turn when it is full.
 */
#include "core/signal/dsp/fft.h"

#include <fftw3.h>

#include "core/base/library.h"

static struct
{
	__typeof__(fftwf_plan_dft_r2c_1d) *plan;
	__typeof__(fftwf_execute_dft_r2c) *execute;
	__typeof__(fftwf_destroy_plan) *destroy;
} fftw;

static HmlLibrary library = {.file = "libfftw3f.so.3",
							 .n_functions = 3,
							 .functions = {{"fftwf_plan_dft_r2c_1d", &fftw.plan},
										   {"fftwf_execute_dft_r2c", &fftw.execute},
										   {"fftwf_destroy_plan", &fftw.destroy}}};

struct HmlFft
{
	size_t n; /* 0 = free */
	fftwf_plan plan;
};

static HmlFft plans[HML_FFT_MAX_PLANS];
static size_t next_slot;

/* Planning needs arrays that are aligned like those of later calls; ESTIMATE does not touch them. */
static HmlStatus
make_plan(HmlContext *ctx, size_t n, fftwf_plan *out)
{
	float *frame = NULL;
	float *spectrum = NULL;
	HmlStatus status;

	status = HML_NEW(ctx, &frame, n);
	if (status == HML_OK)
		status = HML_NEW(ctx, &spectrum, n + 2);
	if (status == HML_OK)
	{
		*out = fftw.plan((int) n, frame, (fftwf_complex *) spectrum, FFTW_ESTIMATE | FFTW_DESTROY_INPUT);
		if (*out == NULL)
			status = hml_fail(ctx, HML_INTERNAL, "could not plan a Fourier transform of %zu points", n);
	}
	hml_free(ctx, spectrum);
	hml_free(ctx, frame);
	return status;
}

static HmlStatus
replace_plan(HmlContext *ctx, HmlFft *slot, size_t n)
{
	fftwf_plan plan;

	HML_TRY(make_plan(ctx, n, &plan));
	if (slot->n != 0)
		fftw.destroy(slot->plan);
	slot->plan = plan;
	slot->n = n;
	return HML_OK;
}

HmlStatus
hml_fft_plan(HmlContext *ctx, size_t n, const HmlFft **out)
{
	if (n < 2 || n > HML_FFT_MAX_SIZE || n % 2 != 0)
		return hml_fail(ctx, HML_INVALID_ARGUMENT,
						"size of a Fourier transform must be even and from 2 to %d, not %zu",
						HML_FFT_MAX_SIZE, n);
	for (size_t i = 0; i < HML_FFT_MAX_PLANS; i++)
		if (plans[i].n == n)
		{
			*out = &plans[i];
			return HML_OK;
		}
	HML_TRY(hml_library_load(ctx, &library));
	HML_TRY(replace_plan(ctx, &plans[next_slot], n));
	*out = &plans[next_slot];
	next_slot = (next_slot + 1) % HML_FFT_MAX_PLANS;
	return HML_OK;
}

void
hml_fft_forward(const HmlFft *fft, float *frame, float *spectrum)
{
	fftw.execute(fft->plan, frame, (fftwf_complex *) spectrum);
}
