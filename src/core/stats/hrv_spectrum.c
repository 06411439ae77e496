/*
 * hrv_spectrum.c
 *	  Power of the bands of heart-rate variability: Welch's method, and Lomb and
 *	  Scargle's periodogram.
 *
 * P. D. Welch, IEEE Trans. Audio Electroacoust. 15, 1967; N. R. Lomb, Astrophys.
 * Space Sci. 39, 1976; J. D. Scargle, Astrophys. J. 263, 1982.  A beat's time is
 * the sum of the intervals up to it.  Everything is float64.  Memory: four numbers
 * an interval for the spline, six for the periodogram of a piece.
 */
#include "core/stats/hrv.h"

#include <math.h>
#include <string.h>

#define MS_PER_SECOND 1000.0
#define PI 3.14159265358979323846

/* ---- bands ----------------------------------------------------------------------------------------- */

static const double band_edges[] = {0.003, 0.04, 0.15, 0.40};

/* Trapezoid rule over the frequencies k * df in [low, high). */
static double
band_power(const double *density, size_t n, double df, double low, double high)
{
	double power = 0;
	bool inside = false;

	for (size_t k = 0; k < n; k++)
	{
		double frequency = (double) k * df;
		bool now = frequency >= low && frequency < high;

		if (now && inside)
			power += 0.5 * (density[k - 1] + density[k]) * df;
		inside = now;
	}
	return power;
}

static void
set_unknown(HmlHrvBands *out)
{
	out->total = out->vlf = out->lf = out->hf = NAN;
	out->lf_hf_ratio = out->lf_nu = out->hf_nu = NAN;
}

/* What a recording of so many seconds allows to say. */
static void
set_bands(const double *density, size_t n, double df, double seconds, HmlHrvBands *out)
{
	set_unknown(out);
	if (seconds >= HML_HRV_HF_SECONDS)
		out->hf = band_power(density, n, df, band_edges[2], band_edges[3]);
	if (seconds >= HML_HRV_LF_SECONDS)
		out->lf = band_power(density, n, df, band_edges[1], band_edges[2]);
	if (seconds >= HML_HRV_VLF_SECONDS)
	{
		out->vlf = band_power(density, n, df, band_edges[0], band_edges[1]);
		out->total = out->vlf + out->lf + out->hf;
	}
	if (out->hf > 0)
		out->lf_hf_ratio = out->lf / out->hf;
	if (out->lf + out->hf > 0)
	{
		out->lf_nu = 100.0 * out->lf / (out->lf + out->hf);
		out->hf_nu = 100.0 * out->hf / (out->lf + out->hf);
	}
}

static double
duration_of(const double *rr, size_t n)
{
	double sum = 0;

	for (size_t i = 1; i < n; i++)
		sum += rr[i];
	return sum / MS_PER_SECOND;
}

/* ---- spline ---------------------------------------------------------------------------------------- */

#define RESAMPLED_HZ 4.0
#define SHORTEST_SPLINE 4

/*
 * Slopes of the cubic spline through rr over time whose third derivative does
 * not jump at the second and the last but one knot.  h[i] is rr[i + 1] in seconds: the time from
 * knot i to the next.  Thomas' algorithm on the system of C. de Boor, A practical guide to splines.
 */
static void
spline_slopes(const double *rr, size_t n, const double *h, double *diagonal, double *upper, double *slope)
{
	size_t last = n - 1;
	double d0 = (rr[1] - rr[0]) / h[0];
	double d1 = (rr[2] - rr[1]) / h[1];
	double dm = (rr[last] - rr[last - 1]) / h[last - 1];
	double dl = (rr[last - 1] - rr[last - 2]) / h[last - 2];
	double sum = h[0] + h[1];
	double lower;
	double factor;

	diagonal[0] = h[1];
	upper[0] = sum;
	slope[0] = ((h[0] + 2.0 * sum) * h[1] * d0 + h[0] * h[0] * d1) / sum;
	for (size_t i = 1; i < last; i++)
	{
		double before = (rr[i] - rr[i - 1]) / h[i - 1];
		double after = (rr[i + 1] - rr[i]) / h[i];

		factor = h[i] / diagonal[i - 1];
		upper[i] = h[i - 1];
		diagonal[i] = 2.0 * (h[i - 1] + h[i]) - factor * upper[i - 1];
		slope[i] = 3.0 * (h[i] * before + h[i - 1] * after) - factor * slope[i - 1];
	}
	sum = h[last - 1] + h[last - 2];
	lower = sum;
	factor = lower / diagonal[last - 1];
	slope[last] = (h[last - 1] * h[last - 1] * dl + (2.0 * sum + h[last - 1]) * h[last - 2] * dm) / sum -
				  factor * slope[last - 1];
	slope[last] /= h[last - 2] - factor * upper[last - 1];
	for (size_t i = last; i-- > 0;)
		slope[i] = (slope[i] - upper[i] * slope[i + 1]) / diagonal[i];
}

/* The spline at 0, 1/4, 2/4 ... seconds after the first beat. */
static void
spline_values(const double *rr, size_t n, const double *h, const double *slope, double *out, size_t n_out)
{
	double begin = 0; /* of the piece */
	size_t piece = 0;

	for (size_t k = 0; k < n_out; k++)
	{
		double time = (double) k / RESAMPLED_HZ;
		double t;
		double rise;
		double c;

		while (piece + 2 < n && time >= begin + h[piece])
			begin += h[piece++];
		t = (time - begin) / h[piece];
		rise = rr[piece + 1] - rr[piece];
		c = (slope[piece] + slope[piece + 1]) * h[piece] - 2.0 * rise;
		out[k] =
			rr[piece] + t * (slope[piece] * h[piece] +
							 t * (3.0 * rise - (2.0 * slope[piece] + slope[piece + 1]) * h[piece] + t * c));
	}
}

static HmlStatus
resample(HmlContext *ctx, const double *rr, size_t n, double *work, double *out, size_t n_out)
{
	double *h = work;

	for (size_t i = 0; i + 1 < n; i++)
		h[i] = rr[i + 1] / MS_PER_SECOND;
	HML_TRY(hml_poll(ctx));
	spline_slopes(rr, n, h, work + n, work + 2 * n, work + 3 * n);
	spline_values(rr, n, h, work + 3 * n, out, n_out);
	return hml_poll(ctx);
}

/* ---- Welch ----------------------------------------------------------------------------------------- */

#define SEGMENT 1024 /* samples: 256 s */
#define SEGMENT_BITS 10

typedef struct Fourier
{
	double window[SEGMENT];
	double cosine[SEGMENT / 2];
	double sine[SEGMENT / 2];
	double re[SEGMENT];
	double im[SEGMENT];
	uint16_t reversed[SEGMENT];
	double density[SEGMENT / 2 + 1];
	double window_power;
} Fourier;

/* n is the length of a segment; the periodic Hann window that scipy.signal.welch takes. */
static void
prepare_fourier(Fourier *fourier, size_t n)
{
	memset(fourier, 0, sizeof(*fourier));
	for (size_t i = 0; i < n; i++)
	{
		fourier->window[i] = 0.5 - 0.5 * cos(2.0 * PI * (double) i / (double) n);
		fourier->window_power += fourier->window[i] * fourier->window[i];
	}
	for (size_t i = 0; i < SEGMENT / 2; i++)
	{
		fourier->cosine[i] = cos(2.0 * PI * (double) i / SEGMENT);
		fourier->sine[i] = -sin(2.0 * PI * (double) i / SEGMENT);
	}
	for (size_t i = 0; i < SEGMENT; i++)
		fourier->reversed[i] = (uint16_t) (fourier->reversed[i >> 1] >> 1 | (i & 1) << (SEGMENT_BITS - 1));
}

/* In place on re and im, which are in bit-reversed order; radix 2 (J. W. Cooley and J. W. Tukey, 1965). */
static void
transform(Fourier *fourier)
{
	double *re = fourier->re;
	double *im = fourier->im;

	for (size_t half = 1; half < SEGMENT; half *= 2)
		for (size_t first = 0; first < SEGMENT; first += 2 * half)
			for (size_t j = 0; j < half; j++)
			{
				size_t a = first + j;
				size_t b = a + half;
				double c = fourier->cosine[j * (SEGMENT / 2 / half)];
				double s = fourier->sine[j * (SEGMENT / 2 / half)];
				double x = re[b] * c - im[b] * s;
				double y = re[b] * s + im[b] * c;

				re[b] = re[a] - x;
				im[b] = im[a] - y;
				re[a] += x;
				im[a] += y;
			}
}

/* A segment without its mean, windowed, as the real or the imaginary part. */
static void
load_segment(const Fourier *fourier, const double *samples, size_t n, double *part)
{
	double mean = 0;

	for (size_t i = 0; i < n; i++)
		mean += samples[i];
	mean /= (double) n;
	for (size_t i = 0; i < SEGMENT; i++)
		part[fourier->reversed[i]] = i < n ? (samples[i] - mean) * fourier->window[i] : 0.0;
}

/* Two real segments are transformed as one complex one; their powers add up. */
static void
add_segments(Fourier *fourier, const double *one, const double *other, size_t n)
{
	load_segment(fourier, one, n, fourier->re);
	if (other != NULL)
		load_segment(fourier, other, n, fourier->im);
	else
		memset(fourier->im, 0, sizeof(fourier->im));
	transform(fourier);
	for (size_t k = 0; k <= SEGMENT / 2; k++)
	{
		size_t mirror = (SEGMENT - k) % SEGMENT;
		double power = fourier->re[k] * fourier->re[k] + fourier->im[k] * fourier->im[k] +
					   fourier->re[mirror] * fourier->re[mirror] + fourier->im[mirror] * fourier->im[mirror];

		fourier->density[k] += 0.5 * power;
	}
}

static HmlStatus
welch(HmlContext *ctx, Fourier *fourier, const double *samples, size_t n, double *df)
{
	size_t length = n < SEGMENT ? n : SEGMENT;
	size_t hop = length - length / 2;
	size_t n_segments = (n - length) / hop + 1;
	double scale;

	prepare_fourier(fourier, length);
	for (size_t i = 0; i < n_segments; i += 2)
	{
		add_segments(fourier, samples + i * hop, i + 1 < n_segments ? samples + (i + 1) * hop : NULL, length);
		HML_TRY(hml_poll(ctx));
	}
	scale = 2.0 / (RESAMPLED_HZ * fourier->window_power * (double) n_segments);
	for (size_t k = 0; k <= SEGMENT / 2; k++)
		fourier->density[k] *= k == 0 || k == SEGMENT / 2 ? scale / 2.0 : scale;
	*df = RESAMPLED_HZ / SEGMENT;
	return HML_OK;
}

static HmlStatus
welch_bands(HmlContext *ctx, const double *rr, size_t n, double seconds, HmlHrvBands *out)
{
	size_t n_samples = (size_t) (seconds * RESAMPLED_HZ) + 1;
	double *work;
	double *samples = NULL;
	Fourier *fourier = NULL;
	double df;
	HmlStatus status = hml_alloc(ctx, n, 4 * sizeof(double), (void **) &work);

	if (status == HML_OK)
		status = HML_NEW(ctx, &samples, n_samples);
	if (status == HML_OK)
		status = HML_NEW(ctx, &fourier, 1);
	if (status == HML_OK)
		status = resample(ctx, rr, n, work, samples, n_samples);
	if (status == HML_OK)
		status = welch(ctx, fourier, samples, n_samples, &df);
	if (status == HML_OK)
		set_bands(fourier->density, SEGMENT / 2 + 1, df, seconds, out);
	hml_free(ctx, work);
	hml_free(ctx, samples);
	hml_free(ctx, fourier);
	return status;
}

HmlStatus
hml_hrv_welch(HmlContext *ctx, const double *rr, size_t n, HmlHrvBands *out)
{
	double seconds = duration_of(rr, n);

	set_unknown(out);
	if (n < SHORTEST_SPLINE || seconds < HML_HRV_HF_SECONDS)
		return HML_OK;
	return welch_bands(ctx, rr, n, seconds, out);
}

/* ---- Lomb and Scargle ------------------------------------------------------------------------------ */

#define PIECE_SECONDS 300.0
#define N_FREQUENCIES 121 /* up to 0.4 Hz; number 0 is not computed */
#define PIECE_PARTS 6

/* Arrays of a piece, (n) each: values, and cosine and sine of the phase, of its step, and its time. */
typedef struct Piece
{
	size_t n;
	double *value, *time;
	double *c, *s, *step_c, *step_s;
} Piece;

static void
load_piece(Piece *piece, const double *rr, size_t n)
{
	double mean = 0;
	double time = 0;

	piece->n = n;
	for (size_t i = 0; i < n; i++)
		mean += rr[i];
	mean /= (double) n;
	for (size_t i = 0; i < n; i++)
	{
		time += i > 0 ? rr[i] / MS_PER_SECOND : 0.0;
		piece->time[i] = time;
		piece->value[i] = rr[i] - mean;
		piece->c[i] = 1;
		piece->s[i] = 0;
		piece->step_c[i] = cos(2.0 * PI * time / PIECE_SECONDS);
		piece->step_s[i] = sin(2.0 * PI * time / PIECE_SECONDS);
	}
}

#define LANES 4 /* sums side by side, so that they need not wait for each other */

typedef struct Sums
{
	double xc[LANES], xs[LANES], cc[LANES], cs[LANES];
} Sums;

/* Turn the phase of number i on to the next frequency and add its terms. */
static inline void
turn(Piece *piece, size_t i, size_t lane, Sums *sums)
{
	double c = piece->c[i] * piece->step_c[i] - piece->s[i] * piece->step_s[i];
	double s = piece->c[i] * piece->step_s[i] + piece->s[i] * piece->step_c[i];

	piece->c[i] = c;
	piece->s[i] = s;
	sums->xc[lane] += piece->value[i] * c;
	sums->xs[lane] += piece->value[i] * s;
	sums->cc[lane] += c * c;
	sums->cs[lane] += c * s;
}

static double
sum_of(const double lanes[LANES])
{
	return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
}

/* The periodogram at the next frequency. */
static double
next_power(Piece *piece)
{
	Sums sums = {{0}, {0}, {0}, {0}};
	size_t i = 0;
	double xc, xs, cc, cs, ss, tau, ct, st, a, b, aa, bb;

	for (; i + LANES <= piece->n; i += LANES)
		for (size_t lane = 0; lane < LANES; lane++)
			turn(piece, i + lane, lane, &sums);
	for (; i < piece->n; i++)
		turn(piece, i, 0, &sums);
	xc = sum_of(sums.xc);
	xs = sum_of(sums.xs);
	cc = sum_of(sums.cc);
	cs = sum_of(sums.cs);
	ss = (double) piece->n - cc;
	tau = 0.5 * atan2(2.0 * cs, cc - ss);
	ct = cos(tau);
	st = sin(tau);
	a = ct * xc + st * xs;
	b = ct * xs - st * xc;
	aa = ct * ct * cc + 2.0 * ct * st * cs + st * st * ss;
	bb = ct * ct * ss - 2.0 * ct * st * cs + st * st * cc;
	return 0.5 * ((aa > 0 ? a * a / aa : 0.0) + (bb > 0 ? b * b / bb : 0.0));
}

static HmlStatus
lomb(HmlContext *ctx, Piece *piece, const double *rr, size_t n, double seconds, double *density)
{
	size_t n_pieces = seconds > PIECE_SECONDS ? (size_t) (seconds / PIECE_SECONDS) : 1;
	double length = seconds / (double) n_pieces;
	size_t first = 0;

	for (size_t p = 0; p < n_pieces; p++)
	{
		size_t last = first;
		double time = 0;

		while (last < n && (time < length || p + 1 == n_pieces))
			time += rr[last++] / MS_PER_SECOND;
		if (last - first < 2)
			break;
		load_piece(piece, rr + first, last - first);
		for (size_t k = 1; k < N_FREQUENCIES; k++)
			density[k] += 2.0 * piece->time[piece->n - 1] / (double) (piece->n - 1) * next_power(piece) /
						  (double) n_pieces;
		first = last;
		HML_TRY(hml_poll(ctx));
	}
	return HML_OK;
}

HmlStatus
hml_hrv_lomb(HmlContext *ctx, const double *rr, size_t n, HmlHrvBands *out)
{
	double density[N_FREQUENCIES] = {0};
	double seconds = duration_of(rr, n);
	double *memory;
	Piece piece;
	HmlStatus status;

	set_unknown(out);
	if (n < SHORTEST_SPLINE || seconds < HML_HRV_HF_SECONDS)
		return HML_OK;
	HML_TRY(hml_alloc(ctx, n, PIECE_PARTS * sizeof(double), (void **) &memory));
	piece = (Piece){0, memory, memory + n, memory + 2 * n, memory + 3 * n, memory + 4 * n, memory + 5 * n};
	status = lomb(ctx, &piece, rr, n, seconds, density);
	if (status == HML_OK)
		set_bands(density, N_FREQUENCIES, 1.0 / PIECE_SECONDS, seconds, out);
	hml_free(ctx, memory);
	return status;
}
