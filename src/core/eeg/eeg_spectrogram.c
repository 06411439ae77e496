/*
 * eeg_spectrogram.c
 *	  Slepian tapers, and the mean of three tapered periodograms.
 *
 * The tapers are the eigenvectors of Slepian's symmetric tridiagonal matrix with the
 * largest eigenvalues, found by inverse iteration from the eigenvalues that bisection
 * gives; made once for the life of the process.  Two real frames go through one real
 * transform each: 1,024 points, of which 800 are not zero.
 */
#include "core/eeg/eeg_spectrogram.h"

#include <math.h>
#include <string.h>

#include "core/signal/dsp/fft.h"

#define PI 3.14159265358979323846
#define N HML_EEG_FRAME
#define N_FFT 1024
#define RATE 200.0
#define TIME_BANDWIDTH 2.0
#define N_TAPERS 3

static double tapers[N_TAPERS][N];
static bool has_tapers;

/* ---- tapers ---------------------------------------------------------------------------------------- */

static double
diagonal(size_t i)
{
	double place = (N - 1 - 2.0 * (double) i) / 2;

	return place * place * cos(2 * PI * TIME_BANDWIDTH / N);
}

/* Beside the diagonal, between rows i - 1 and i. */
static double
beside(size_t i)
{
	return (double) i * (double) (N - i) / 2;
}

/* Eigenvalues above x: Sturm's sequence. */
static size_t
count_above(double x)
{
	size_t count = 0;
	double pivot = diagonal(0) - x;

	for (size_t i = 0;;)
	{
		count += pivot > 0;
		if (++i == N)
			return count;
		if (pivot == 0)
			pivot = 1e-30;
		pivot = diagonal(i) - x - beside(i) * beside(i) / pivot;
	}
}

/* The k-th largest, from 0. */
static double
eigenvalue(size_t k)
{
	double low = -1.0 * N * N;
	double high = 1.0 * N * N;

	for (int i = 0; i < 80; i++)
	{
		double middle = (low + high) / 2;

		if (count_above(middle) > k)
			low = middle;
		else
			high = middle;
	}
	return (low + high) / 2;
}

/* Solve (T - x) y = y in place, without pivoting: x is an eigenvalue but for rounding. */
static void
solve(double x, double *y)
{
	static double ratio[N];
	double pivot = diagonal(0) - x;

	for (size_t i = 1; i < N; i++)
	{
		ratio[i] = beside(i) / pivot;
		y[i] -= ratio[i] * y[i - 1];
		y[i - 1] /= pivot;
		pivot = diagonal(i) - x - beside(i) * ratio[i];
		if (fabs(pivot) < 1e-20)
			pivot = 1e-20;
	}
	y[N - 1] /= pivot;
	for (size_t i = N - 1; i > 0; i--)
		y[i - 1] -= ratio[i] * y[i];
}

static void
normalise(double *y)
{
	double sum = 0;

	for (size_t i = 0; i < N; i++)
		sum += y[i] * y[i];
	for (size_t i = 0; i < N; i++)
		y[i] /= sqrt(sum);
}

static void
make_tapers(void)
{
	for (size_t k = 0; k < N_TAPERS; k++)
	{
		double x = eigenvalue(k);

		for (size_t i = 0; i < N; i++)
			tapers[k][i] = k % 2 == 0 || i < N / 2 ? 1 : -1;
		for (int round = 0; round < 3; round++)
		{
			solve(x, tapers[k]);
			normalise(tapers[k]);
		}
	}
	has_tapers = true;
}

/* ---- spectra --------------------------------------------------------------------------------------- */

typedef struct Work
{
	float *frame;    /* (N_FFT) */
	float *spectrum; /* (N_FFT / 2 + 1, 2) */
	float *pair;     /* (n) of a derivation */
} Work;

static void
add_power(const float *spectrum, double scale, float *out, size_t stride)
{
	for (size_t b = 0; b < HML_EEG_BINS; b++)
	{
		const float *value = spectrum + 2 * (b + HML_EEG_FIRST_BIN);

		out[b * stride] += (float) (scale * (value[0] * value[0] + value[1] * value[1]));
	}
}

/* Chronux: tapers times sqrt(rate), transform divided by rate. */
static HmlStatus
add_spectra(HmlContext *ctx, const Work *work, const float *samples, size_t n, double weight, float *out)
{
	size_t n_frames = hml_eeg_frames(n);
	const HmlFft *fft;

	HML_TRY(hml_fft_plan(ctx, N_FFT, &fft));
	for (size_t f = 0; f < n_frames; f++)
	{
		if (f % 64 == 0)
			HML_TRY(hml_poll(ctx));
		for (size_t k = 0; k < N_TAPERS; k++)
		{
			for (size_t i = 0; i < N; i++)
				work->frame[i] = (float) (tapers[k][i] * samples[f * HML_EEG_HOP + i]);
			memset(work->frame + N, 0, (N_FFT - N) * sizeof(float));
			hml_fft_forward(fft, work->frame, work->spectrum);
			add_power(work->spectrum, weight / (N_TAPERS * RATE), out + f, n_frames);
		}
	}
	return HML_OK;
}

static HmlStatus
allocate(HmlContext *ctx, size_t n, Work *work)
{
	HmlStatus status = HML_NEW(ctx, &work->frame, N_FFT);

	if (!has_tapers)
		make_tapers();
	if (status == HML_OK)
		status = HML_NEW(ctx, &work->spectrum, N_FFT + 2);
	if (status == HML_OK)
		status = HML_NEW(ctx, &work->pair, n);
	return status;
}

static void
release(HmlContext *ctx, Work *work)
{
	hml_free(ctx, work->frame);
	hml_free(ctx, work->spectrum);
	hml_free(ctx, work->pair);
}

HmlStatus
hml_eeg_spectrum(HmlContext *ctx, const float *samples, size_t n, float *out)
{
	Work work = {0};
	HmlStatus status = allocate(ctx, 0, &work);

	memset(out, 0, HML_EEG_BINS * hml_eeg_frames(n) * sizeof(*out));
	if (status == HML_OK)
		status = add_spectra(ctx, &work, samples, n, 1, out);
	release(ctx, &work);
	return status;
}

static HmlStatus
add_chain(HmlContext *ctx, const Work *work, const unsigned char *chain, const float *electrodes, size_t n,
		  float *out)
{
	for (size_t d = 0; d + 1 < HML_CHAIN_ELECTRODES; d++)
	{
		const float *plus = electrodes + chain[d] * n;
		const float *minus = electrodes + chain[d + 1] * n;

		for (size_t i = 0; i < n; i++)
			work->pair[i] = plus[i] - minus[i];
		HML_TRY(add_spectra(ctx, work, work->pair, n, 1.0 / (HML_CHAIN_ELECTRODES - 1), out));
	}
	return HML_OK;
}

HmlStatus
hml_eeg_spectrogram(HmlContext *ctx, const float *electrodes, size_t n, float *out)
{
	size_t n_cells = HML_EEG_BINS * hml_eeg_frames(n);
	Work work = {0};
	HmlStatus status = allocate(ctx, n, &work);

	memset(out, 0, HML_CHAINS * n_cells * sizeof(*out));
	for (size_t c = 0; status == HML_OK && c < HML_CHAINS; c++)
		status = add_chain(ctx, &work, hml_chains[c], electrodes, n, out + c * n_cells);
	release(ctx, &work);
	return status;
}
