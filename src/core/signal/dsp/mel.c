/*
 * mel.c
 *	  Short-time power spectra through a bank of triangular filters.
 *
 * Mel scale and filter areas after M. Slaney, Auditory Toolbox (Interval Research,
 * Technical Report 1998-010).  A triangle covers few of the bins, so each band
 * keeps its first bin and its own weights.
 *
 * Work goes by blocks of LANES frames: their power spectra lie side by side,
 * (bins, LANES), so that a band is a short sum of rows whose every step fills
 * whole vector registers.  Memory beside the result: one block.  Polls after
 * each POINTS_PER_POLL points, or each block that has more.
 */
#include "core/signal/dsp/mel.h"

#include <math.h>
#include <string.h>

#include "core/base/checked.h"
#include "core/signal/dsp/fft.h"

#define LANES 16
#define POINTS_PER_POLL ((size_t) 131072) /* of transforms: about a millisecond */

typedef struct Band
{
	size_t first_bin;
	size_t n_bins;
	const float *weights; /* (n_bins) */
} Band;

struct HmlMel
{
	HmlMelSpec spec;
	size_t n_bins; /* n_fft / 2 + 1 */
	float *window; /* (n_fft) */
	Band *bands;   /* (n_mels) */
};

/* ---- the filter bank ------------------------------------------------- */

#define MEL_LINEAR_HZ (200.0 / 3.0) /* per mel, below the break */
#define MEL_BREAK_HZ 1000.0
#define MEL_BREAK (MEL_BREAK_HZ / MEL_LINEAR_HZ)

/* Natural logarithm of the ratio of frequencies one mel apart, above the break. */
static double
mel_log_step(void)
{
	return log(6.4) / 27.0;
}

double
hml_hz_to_mel(double hz)
{
	return hz < MEL_BREAK_HZ ? hz / MEL_LINEAR_HZ : MEL_BREAK + log(hz / MEL_BREAK_HZ) / mel_log_step();
}

double
hml_mel_to_hz(double mel)
{
	return mel < MEL_BREAK ? mel * MEL_LINEAR_HZ : MEL_BREAK_HZ * exp(mel_log_step() * (mel - MEL_BREAK));
}

/* Corner i of n_mels + 2 that are evenly spaced in mel. */
static double
corner_hz(const HmlMelSpec *spec, int i)
{
	double low = hml_hz_to_mel(spec->fmin);
	double high = hml_hz_to_mel(spec->fmax);

	return hml_mel_to_hz(low + (high - low) * i / (spec->n_mels + 1));
}

/* Triangle of area 1 over the corners left, centre, right. */
static double
triangle(double hz, double left, double centre, double right)
{
	double rising = (hz - left) / (centre - left);
	double falling = (right - hz) / (right - centre);

	return fmax(0.0, fmin(rising, falling)) * 2.0 / (right - left);
}

/* A band narrower than the spacing of the bins may hold none of them: it is silent, as librosa's is. */
static HmlStatus
make_band(HmlArena *arena, const HmlMel *mel, int number, Band *band)
{
	const HmlMelSpec *spec = &mel->spec;
	double left = corner_hz(spec, number);
	double centre = corner_hz(spec, number + 1);
	double right = corner_hz(spec, number + 2);
	double bin_hz = spec->sample_rate / spec->n_fft;
	size_t first = (size_t) ceil(left / bin_hz);
	size_t last = (size_t) floor(right / bin_hz);
	float *weights;

	if (last >= mel->n_bins)
		last = mel->n_bins - 1;
	band->first_bin = first;
	band->n_bins = last >= first ? last - first + 1 : 0;
	HML_TRY(HML_ARENA_NEW(arena, &weights, band->n_bins));
	for (size_t i = 0; i < band->n_bins; i++)
		weights[i] = (float) triangle((double) (first + i) * bin_hz, left, centre, right);
	band->weights = weights;
	return HML_OK;
}

static HmlStatus
check_spec(HmlContext *ctx, const HmlMelSpec *spec)
{
	if (!(spec->sample_rate > 0 && spec->sample_rate <= 1e7))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "sample rate of %g Hz makes no sense", spec->sample_rate);
	if (spec->n_fft < 2 || spec->n_fft > HML_FFT_MAX_SIZE || spec->n_fft % 2 != 0)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "n_fft must be even and from 2 to %d, not %d",
						HML_FFT_MAX_SIZE, spec->n_fft);
	if (spec->hop_length < 1)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "hop_length must be at least 1, not %d", spec->hop_length);
	if (spec->n_mels < 1 || spec->n_mels > HML_MEL_MAX_BANDS)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "n_mels must be from 1 to %d, not %d", HML_MEL_MAX_BANDS,
						spec->n_mels);
	if (!(spec->fmin >= 0 && spec->fmin < spec->fmax && spec->fmax <= spec->sample_rate / 2))
		return hml_fail(ctx, HML_INVALID_ARGUMENT,
						"mel bands from %g Hz to %g Hz do not fit a sample rate of %g Hz", spec->fmin,
						spec->fmax, spec->sample_rate);
	return HML_OK;
}

HmlStatus
hml_mel_create(HmlArena *arena, const HmlMelSpec *spec, HmlMel **out)
{
	const double pi = 3.14159265358979323846;
	HmlMel *mel;

	HML_TRY(check_spec(hml_arena_context(arena), spec));
	HML_TRY(HML_ARENA_NEW(arena, &mel, 1));
	mel->spec = *spec;
	mel->n_bins = (size_t) spec->n_fft / 2 + 1;
	HML_TRY(HML_ARENA_NEW(arena, &mel->window, (size_t) spec->n_fft));
	for (int i = 0; i < spec->n_fft; i++)
		mel->window[i] = (float) (0.5 - 0.5 * cos(2 * pi * i / spec->n_fft));
	HML_TRY(HML_ARENA_NEW(arena, &mel->bands, (size_t) spec->n_mels));
	for (int i = 0; i < spec->n_mels; i++)
		HML_TRY(make_band(arena, mel, i, &mel->bands[i]));
	*out = mel;
	return HML_OK;
}

size_t
hml_mel_frames(const HmlMel *mel, size_t n)
{
	return 1 + n / (size_t) mel->spec.hop_length;
}

/* ---- one block of frames --------------------------------------------- */

typedef struct Block
{
	float *frame;    /* (n_fft) */
	float *spectrum; /* (n_bins, 2) */
	float *power;    /* (n_bins, LANES) */
} Block;

/* The sample at 'position', which may lie before or after the n samples. */
static float
padded_sample(const float *samples, ptrdiff_t n, ptrdiff_t position, HmlPadding padding)
{
	ptrdiff_t period = 2 * (n - 1);

	if (position >= 0 && position < n)
		return samples[position];
	if (padding == HML_PAD_CONSTANT)
		return 0;
	if (period == 0)
		return samples[0];
	position = (position % period + period) % period;
	return samples[position < n ? position : period - position];
}

static void
load_frame(const HmlMel *mel, const float *samples, size_t n, size_t number, float *frame)
{
	ptrdiff_t n_fft = mel->spec.n_fft;
	ptrdiff_t start = (ptrdiff_t) number * mel->spec.hop_length - n_fft / 2;

	if (start >= 0 && start + n_fft <= (ptrdiff_t) n)
		for (ptrdiff_t i = 0; i < n_fft; i++)
			frame[i] = samples[start + i] * mel->window[i];
	else
		for (ptrdiff_t i = 0; i < n_fft; i++)
			frame[i] = padded_sample(samples, (ptrdiff_t) n, start + i, mel->spec.padding) * mel->window[i];
}

/* Power spectrum of one frame into its lane of the block. */
static void
frame_power(const HmlMel *mel, const HmlFft *fft, Block *block, size_t lane)
{

	hml_fft_forward(fft, block->frame, block->spectrum);
	for (size_t k = 0; k < mel->n_bins; k++)
	{
		float re = block->spectrum[2 * k];
		float im = block->spectrum[2 * k + 1];

		block->power[k * LANES + lane] = re * re + im * im;
	}
}

static void
band_power(const Band *band, const float *power, float *sum)
{
	const float *row = power + band->first_bin * LANES;

	memset(sum, 0, LANES * sizeof(*sum));
	for (size_t k = 0; k < band->n_bins; k++, row += LANES)
		for (int lane = 0; lane < LANES; lane++)
			sum[lane] += band->weights[k] * row[lane];
}

/* Frames first .. first + count - 1; lanes beyond 'count' hold leftovers that nobody reads. */
static void
mel_block(const HmlMel *mel, const HmlFft *fft, Block *block, const float *samples, size_t n, size_t first,
		  size_t count, float *out)
{
	size_t n_frames = hml_mel_frames(mel, n);
	float sum[LANES];

	for (size_t lane = 0; lane < count; lane++)
	{
		load_frame(mel, samples, n, first + lane, block->frame);
		frame_power(mel, fft, block, lane);
	}
	for (int m = 0; m < mel->spec.n_mels; m++)
	{
		band_power(&mel->bands[m], block->power, sum);
		memcpy(out + (size_t) m * n_frames + first, sum, count * sizeof(*sum));
	}
}

static HmlStatus
mel_blocks(HmlContext *ctx, const HmlMel *mel, const HmlFft *fft, Block *block, const float *samples,
		   size_t n, float *out)
{
	size_t n_frames = hml_mel_frames(mel, n);
	size_t points = 0;

	for (size_t first = 0; first < n_frames; first += LANES)
	{
		size_t count = n_frames - first < LANES ? n_frames - first : LANES;

		mel_block(mel, fft, block, samples, n, first, count, out);
		points += LANES * (size_t) mel->spec.n_fft;
		if (points >= POINTS_PER_POLL)
		{
			HML_TRY(hml_poll(ctx));
			points = 0;
		}
	}
	return HML_OK;
}

HmlStatus
hml_mel_spectrogram(HmlContext *ctx, const HmlMel *mel, const float *samples, size_t n, float *out)
{
	const HmlFft *fft;
	Block block;
	size_t n_fft = (size_t) mel->spec.n_fft;
	HmlStatus status;

	HML_TRY(hml_fft_plan(ctx, n_fft, &fft));
	/* One allocation; the parts stay aligned because the largest ones come first. */
	HML_TRY(HML_NEW_ZERO(ctx, &block.power, mel->n_bins * LANES + n_fft + HML_ALIGNMENT + n_fft + 2));
	block.frame = block.power + mel->n_bins * LANES;
	block.spectrum = block.frame + (n_fft + HML_ALIGNMENT - 1) / HML_ALIGNMENT * HML_ALIGNMENT;
	status = mel_blocks(ctx, mel, fft, &block, samples, n, out);
	hml_free(ctx, block.power);
	return status;
}

/* ---- decibels -------------------------------------------------------- */

/*
 * log2 of a positive, normal x to 1e-7 absolute: the exponent is cut off so that
 * the rest lies in [sqrt(1/2), sqrt(2)), where log2((1 + s) / (1 - s)) is an odd
 * polynomial in s.
 */
static inline float
fast_log2(float x)
{
	const uint32_t sqrt_half = 0x3f3504f3;
	uint32_t bits;
	uint32_t offset;
	float exponent;
	float m;
	float s;
	float t;

	memcpy(&bits, &x, sizeof(bits));
	offset = bits - sqrt_half;
	exponent = (float) ((int32_t) offset >> 23);
	bits = (offset & 0x007fffff) + sqrt_half;
	memcpy(&m, &bits, sizeof(m));
	s = (m - 1.0f) / (m + 1.0f);
	t = s * s;
	return exponent + s * (2.88539008f + t * (0.96179669f + t * (0.57707802f + t * 0.41219859f)));
}

static float
largest(const float *values, size_t n)
{
	float max = values[0];

	for (size_t i = 1; i < n; i++)
		max = values[i] > max ? values[i] : max;
	return max;
}

static void
raise_to(float *values, size_t n, float lowest)
{

	for (size_t i = 0; i < n; i++)
		values[i] = values[i] > lowest ? values[i] : lowest;
}

void
hml_power_to_db(float *values, size_t n, float ref, float amin, float top_db)
{
	const float db_per_octave = 3.01029996f;
	float offset;

	if (n == 0)
		return;
	if (ref <= HML_DB_REF_MAX)
		ref = largest(values, n);
	offset = db_per_octave * fast_log2(ref > amin ? ref : amin);
	for (size_t i = 0; i < n; i++)
		values[i] = db_per_octave * fast_log2(values[i] > amin ? values[i] : amin) - offset;
	if (top_db >= 0)
		raise_to(values, n, largest(values, n) - top_db);
}
