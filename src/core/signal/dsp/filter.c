/*
 * filter.c
 *	  Design by the bilinear transform, filtering in transposed direct form II.
 *
 * Butterworth's prototype has its poles evenly on the left half of the unit
 * circle and is 1 at frequency 0.  It is moved to the band and mapped to the
 * z-plane; the poles are grouped into sections and each section is given the
 * nearest zeros, the pole closest to the unit circle first and in the last
 * section (that is SciPy's "nearest" pairing).  The gain follows from the one
 * frequency where the filter is 1, and is applied in the first section.
 *
 * Zero phase: F. Gustafsson, Determining the initial states in forward-backward
 * filtering, IEEE Trans. Signal Processing 44 (1996); as in SciPy the states
 * start as if the first sample had lasted for ever.
 */
#include "core/signal/dsp/filter.h"

#include <complex.h>
#include <math.h>
#include <string.h>

#include "core/base/checked.h"

#define PI 3.14159265358979323846
#define MAX_ROOTS (2 * HML_FILTER_MAX_ORDER + 1)
#define SAMPLES_PER_POLL 65536

/* Roots of a real polynomial; of a complex pair only the one above the axis. */
typedef struct Roots
{
	size_t n;
	double complex root[MAX_ROOTS];
} Roots;

static void
add_root(Roots *roots, double complex root)
{
	if (cimag(root) >= 0)
		roots->root[roots->n++] = root;
}

static double complex
take_root(Roots *roots, size_t i)
{
	double complex taken = roots->root[i];

	for (; i + 1 < roots->n; i++)
		roots->root[i] = roots->root[i + 1];
	roots->n--;
	return taken;
}

static bool
is_real(double complex root)
{
	return cimag(root) == 0;
}

static size_t
count_real(const Roots *roots)
{
	size_t count = 0;

	for (size_t i = 0; i < roots->n; i++)
		count += is_real(roots->root[i]);
	return count;
}

/* Number of roots of the polynomial, pairs counted as two. */
static size_t
degree(const Roots *roots)
{
	return 2 * roots->n - count_real(roots);
}

/* ---- design ---------------------------------------------------------- */

/* From the s-plane to the z-plane, at two samples a second. */
static double complex
bilinear(double complex s)
{
	return (4 + s) / (4 - s);
}

/* Frequency on the s-plane that the bilinear transform maps to hz. */
static double
warp(double hz, double sample_rate)
{
	return 4 * tan(PI * hz / sample_rate);
}

/* A value without rounding noise beside the real axis. */
static double complex
snap(double complex value)
{
	return fabs(cimag(value)) <= 1e-14 * cabs(value) ? creal(value) : value;
}

/* Both solutions s of s + centre^2 / s = 2 * half: where a shifted pole goes. */
static void
add_band_poles(Roots *poles, double complex half, double centre)
{
	double complex root = csqrt(half * half - centre * centre);

	add_root(poles, snap(bilinear(half + root)));
	add_root(poles, snap(bilinear(half - root)));
}

static void
place_poles(Roots *poles, HmlFilterKind kind, int order, double low, double high)
{
	for (int k = 0; k < order; k++)
	{
		double complex p = snap(cexp(I * PI * (2 * k + order + 1) / (2 * order)));

		if (kind == HML_FILTER_LOW_PASS)
			add_root(poles, snap(bilinear(p * high)));
		else if (kind == HML_FILTER_HIGH_PASS)
			add_root(poles, snap(bilinear(low / p)));
		else if (kind == HML_FILTER_BAND_PASS)
			add_band_poles(poles, p * (high - low) / 2, sqrt(low * high));
		else
			add_band_poles(poles, (high - low) / 2 / p, sqrt(low * high));
	}
}

static void
place_zeros(Roots *zeros, HmlFilterKind kind, int order, double low, double high)
{
	for (int k = 0; k < order; k++)
	{
		if (kind == HML_FILTER_HIGH_PASS || kind == HML_FILTER_BAND_PASS)
			add_root(zeros, 1);
		if (kind == HML_FILTER_LOW_PASS || kind == HML_FILTER_BAND_PASS)
			add_root(zeros, -1);
		if (kind == HML_FILTER_BAND_STOP)
			add_root(zeros, bilinear(I * sqrt(low * high)));
	}
}

/* The pole closest to the unit circle, among the real ones only if 'real'. */
static size_t
worst_pole(const Roots *poles, bool real)
{
	size_t worst = poles->n;
	double smallest = INFINITY;

	for (size_t i = 0; i < poles->n; i++)
	{
		double distance = fabs(1 - cabs(poles->root[i]));

		if ((!real || is_real(poles->root[i])) && distance < smallest)
		{
			smallest = distance;
			worst = i;
		}
	}
	return worst;
}

static size_t
nearest_zero(const Roots *zeros, double complex pole, bool real)
{
	size_t nearest = zeros->n;
	double smallest = INFINITY;

	for (size_t i = 0; i < zeros->n; i++)
	{
		double distance = cabs(zeros->root[i] - pole);

		if ((!real || is_real(zeros->root[i])) && distance < smallest)
		{
			smallest = distance;
			nearest = i;
		}
	}
	return nearest;
}

/* (1, -(r1 + r2), r1 r2), where r2 is the conjugate of a complex r1. */
static void
quadratic(double complex r1, double complex r2, double *coefficients)
{
	coefficients[0] = 1;
	coefficients[1] = -creal(r1 + r2);
	coefficients[2] = creal(r1 * r2);
}

static void
make_section(Roots *zeros, Roots *poles, HmlSection *section)
{
	double complex p1 = take_root(poles, worst_pole(poles, false));
	double complex p2 = is_real(p1) ? take_root(poles, worst_pole(poles, true)) : conj(p1);
	double complex z1 = take_root(zeros, nearest_zero(zeros, p1, false));
	double complex z2 = is_real(z1) ? take_root(zeros, nearest_zero(zeros, p1, true)) : conj(z1);

	quadratic(z1, z2, section->b);
	quadratic(p1, p2, section->a);
}

/* |H| at an angle on the unit circle. */
static double
gain_at(const HmlFilter *filter, double angle)
{
	double complex delay = cexp(-I * angle);
	double complex response = 1;

	for (size_t s = 0; s < filter->n_sections; s++)
	{
		const double *b = filter->sections[s].b;
		const double *a = filter->sections[s].a;

		response *= (b[0] + delay * (b[1] + delay * b[2])) / (a[0] + delay * (a[1] + delay * a[2]));
	}
	return cabs(response);
}

/* The angle at which the filter is to be 1. */
static double
reference_angle(HmlFilterKind kind, double low, double high)
{
	if (kind == HML_FILTER_HIGH_PASS)
		return PI;
	if (kind == HML_FILTER_BAND_PASS)
		return 2 * atan(sqrt(low * high) / 4);
	return 0;
}

static HmlStatus
check_frequency(HmlContext *ctx, double hz, double sample_rate)
{
	if (!(sample_rate > 0 && isfinite(sample_rate)))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "sample rate of %g Hz makes no sense", sample_rate);
	if (!(hz > 0 && hz < sample_rate / 2))
		return hml_fail(ctx, HML_INVALID_ARGUMENT,
						"filter frequency of %g Hz must lie between 0 and half the sample rate of %g Hz", hz,
						sample_rate);
	return HML_OK;
}

static HmlStatus
check_design(HmlContext *ctx, HmlFilterKind kind, int order, double low, double high, double sample_rate)
{
	if (order < 1 || order > HML_FILTER_MAX_ORDER)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "order of a filter must be from 1 to %d, not %d",
						HML_FILTER_MAX_ORDER, order);
	if (kind != HML_FILTER_LOW_PASS)
		HML_TRY(check_frequency(ctx, low, sample_rate));
	if (kind != HML_FILTER_HIGH_PASS)
		HML_TRY(check_frequency(ctx, high, sample_rate));
	if ((kind == HML_FILTER_BAND_PASS || kind == HML_FILTER_BAND_STOP) && !(low < high))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "a band from %g Hz to %g Hz is empty", low, high);
	return HML_OK;
}

HmlStatus
hml_filter_butterworth(HmlContext *ctx, HmlFilterKind kind, int order, double low, double high,
					   double sample_rate, HmlFilter *out)
{
	Roots zeros = {0};
	Roots poles = {0};
	double gain;

	HML_TRY(check_design(ctx, kind, order, low, high, sample_rate));
	low = warp(low, sample_rate);
	high = warp(high, sample_rate);
	place_poles(&poles, kind, order, low, high);
	place_zeros(&zeros, kind, order, low, high);
	if (degree(&poles) % 2 == 1)
	{
		add_root(&poles, 0);
		add_root(&zeros, 0);
	}
	out->n_sections = degree(&poles) / 2;
	for (size_t s = out->n_sections; s-- > 0;)
		make_section(&zeros, &poles, &out->sections[s]);
	gain = gain_at(out, reference_angle(kind, low, high));
	for (int i = 0; i < 3; i++)
		out->sections[0].b[i] /= gain;
	return HML_OK;
}

HmlStatus
hml_filter_notch(HmlContext *ctx, double hz, double quality, double sample_rate, HmlFilter *out)
{
	double angle;
	double gain;

	HML_TRY(check_frequency(ctx, hz, sample_rate));
	if (!(quality > 0 && isfinite(quality)))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "quality of a notch filter must be positive, not %g",
						quality);
	angle = 2 * PI * hz / sample_rate;
	gain = 1 / (1 + tan(angle / quality / 2));
	out->n_sections = 1;
	out->sections[0] = (HmlSection){.b = {gain, -2 * gain * cos(angle), gain},
									.a = {1, -2 * gain * cos(angle), 2 * gain - 1}};
	return HML_OK;
}

/* ---- filtering ------------------------------------------------------- */

typedef struct SectionState
{
	double s1;
	double s2;
} SectionState;

/* As if the input had been 'level' for ever. */
static void
settle(const HmlFilter *filter, double level, SectionState *states)
{
	for (size_t s = 0; s < filter->n_sections; s++)
	{
		const double *b = filter->sections[s].b;
		const double *a = filter->sections[s].a;
		double gain = (b[0] + b[1] + b[2]) / (a[0] + a[1] + a[2]);

		states[s].s2 = (b[2] - a[2] * gain) * level;
		states[s].s1 = (b[1] - a[1] * gain) * level + states[s].s2;
		level *= gain;
	}
}

static inline double
filter_sample(const HmlFilter *filter, SectionState *states, double x)
{
	for (size_t s = 0; s < filter->n_sections; s++)
	{
		const HmlSection *section = &filter->sections[s];
		double y = section->b[0] * x + states[s].s1;

		states[s].s1 = section->b[1] * x - section->a[1] * y + states[s].s2;
		states[s].s2 = section->b[2] * x - section->a[2] * y;
		x = y;
	}
	return x;
}

/* One pass in place: from x[0] upwards when step is 1, from x[n-1] downwards when it is -1. */
static HmlStatus
filter_pass(HmlContext *ctx, const HmlFilter *filter, double *x, size_t n, int step)
{
	SectionState states[HML_FILTER_MAX_SECTIONS];
	double *next = step > 0 ? x : x + n - 1;

	settle(filter, *next, states);
	for (size_t i = 0; i < n; i++, next += step)
	{
		*next = filter_sample(filter, states, *next);
		if (i % SAMPLES_PER_POLL == 0)
			HML_TRY(hml_poll(ctx));
	}
	return HML_OK;
}

/* Three times the length of the impulse response's numerator, as SciPy counts it. */
size_t
hml_filter_padding(const HmlFilter *filter)
{
	size_t taps = 2 * filter->n_sections + 1;
	size_t short_b = 0;
	size_t short_a = 0;

	for (size_t s = 0; s < filter->n_sections; s++)
	{
		short_b += filter->sections[s].b[2] == 0;
		short_a += filter->sections[s].a[2] == 0;
	}
	return 3 * (taps - (short_b < short_a ? short_b : short_a));
}

/* Mirrored at the end samples in time and in value. */
static void
extend(const float *samples, size_t n, size_t padding, double *extended)
{
	for (size_t i = 0; i < padding; i++)
	{
		extended[i] = 2.0 * samples[0] - samples[padding - i];
		extended[padding + n + i] = 2.0 * samples[n - 1] - samples[n - 2 - i];
	}
	for (size_t i = 0; i < n; i++)
		extended[padding + i] = samples[i];
}

HmlStatus
hml_filter_zero_phase(HmlContext *ctx, const HmlFilter *filter, float *samples, size_t n)
{
	size_t padding = hml_filter_padding(filter);
	size_t total;
	double *extended;
	HmlStatus status;

	if (n <= padding)
		return hml_fail(ctx, HML_INVALID_DATA, "%zu samples are too few to filter", n);
	if (!hml_size_add(n, 2 * padding, &total))
		return hml_fail(ctx, HML_LIMIT, "%zu samples do not fit in memory", n);
	HML_TRY(HML_NEW(ctx, &extended, total));
	extend(samples, n, padding, extended);
	status = filter_pass(ctx, filter, extended, total, 1);
	if (status == HML_OK)
		status = filter_pass(ctx, filter, extended, total, -1);
	for (size_t i = 0; status == HML_OK && i < n; i++)
		samples[i] = (float) extended[padding + i];
	hml_free(ctx, extended);
	return status;
}

/* ---- several channels at once ------------------------------------------------------------------------ */

/*
 * A recursive filter waits for its own result; eight channels side by side fill the
 * time, with the same arithmetic for each.
 */
#define LANES 8

typedef double Lanes __attribute__((vector_size(LANES * sizeof(double))));

typedef struct LaneState
{
	Lanes s1;
	Lanes s2;
} LaneState;

/* One pass in place, as filter_pass(). */
static HmlStatus
filter_lanes(HmlContext *ctx, const HmlFilter *filter, Lanes *x, size_t n, int step)
{
	LaneState states[HML_FILTER_MAX_SECTIONS];
	SectionState unit[HML_FILTER_MAX_SECTIONS];
	Lanes *next = step > 0 ? x : x + n - 1;

	settle(filter, 1, unit);
	for (size_t s = 0; s < filter->n_sections; s++)
		states[s] = (LaneState){unit[s].s1 * *next, unit[s].s2 * *next};
	for (size_t i = 0; i < n; i++, next += step)
	{
		Lanes value = *next;

		for (size_t s = 0; s < filter->n_sections; s++)
		{
			const HmlSection *section = &filter->sections[s];
			Lanes y = section->b[0] * value + states[s].s1;

			states[s].s1 = section->b[1] * value - section->a[1] * y + states[s].s2;
			states[s].s2 = section->b[2] * value - section->a[2] * y;
			value = y;
		}
		*next = value;
		if (i % (SAMPLES_PER_POLL / LANES) == 0)
			HML_TRY(hml_poll(ctx));
	}
	return HML_OK;
}

/* Rows first to first + n_lanes - 1; lanes without a row are 0. */
static HmlStatus
filter_group(HmlContext *ctx, const HmlFilter *filter, float *samples, size_t n_lanes, size_t n, double *row,
			 Lanes *lanes)
{
	size_t padding = hml_filter_padding(filter);
	size_t total = n + 2 * padding;

	memset(lanes, 0, total * sizeof(*lanes));
	for (size_t k = 0; k < n_lanes; k++)
	{
		extend(samples + k * n, n, padding, row);
		for (size_t i = 0; i < total; i++)
			((double *) &lanes[i])[k] = row[i];
	}
	HML_TRY(filter_lanes(ctx, filter, lanes, total, 1));
	HML_TRY(filter_lanes(ctx, filter, lanes, total, -1));
	for (size_t k = 0; k < n_lanes; k++)
		for (size_t i = 0; i < n; i++)
			samples[k * n + i] = (float) ((double *) &lanes[padding + i])[k];
	return HML_OK;
}

HmlStatus
hml_filter_zero_phase_rows(HmlContext *ctx, const HmlFilter *filter, float *samples, size_t n_rows, size_t n)
{
	size_t padding = hml_filter_padding(filter);
	size_t total;
	double *row = NULL;
	Lanes *lanes = NULL;
	HmlStatus status;

	if (n <= padding)
		return hml_fail(ctx, HML_INVALID_DATA, "%zu samples are too few to filter", n);
	if (!hml_size_add(n, 2 * padding, &total))
		return hml_fail(ctx, HML_LIMIT, "%zu samples do not fit in memory", n);
	status = HML_NEW(ctx, &row, total);
	if (status == HML_OK)
		status = HML_NEW(ctx, &lanes, total);
	for (size_t r = 0; status == HML_OK && r < n_rows; r += LANES)
		status = filter_group(ctx, filter, samples + r * n, n_rows - r < LANES ? n_rows - r : LANES, n, row,
							  lanes);
	hml_free(ctx, lanes);
	hml_free(ctx, row);
	return status;
}
