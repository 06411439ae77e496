/*
 * heart_sound.c
 *	  From decoded samples to windows, beats and features.
 *
 * The level is set by the ninth decile of the levels of 25 ms frames: heart
 * sounds fill more than a tenth of the time, a knock on the stethoscope does not,
 * and what sticks out beyond HML_HEART_MAX_LEVEL is cut off.  The result does not
 * depend on the gain of the recording.
 *
 * Stretches without sound (heart_silence.h) are set to zero and belong to no level,
 * no beat, no floor and no weight.
 */
#include "core/heart/heart_sound.h"

#include <math.h>
#include <string.h>

#include "core/base/sort.h"
#include "core/signal/audio/audio.h"
#include "core/heart/heart_silence.h"
#include "core/signal/dsp/filter.h"
#include "core/signal/dsp/resample.h"

#define LEVEL_FRAME_S 0.025
#define FRAMES_PER_POLL 4096
#define SILENCE 1e-5       /* of full scale: what half a bit of a 16-bit file is */
#define POWER_FLOOR 1e-8f  /* of the mel power: 80 dB below the level */
#define LOW_BANDS_HZ 150.0 /* S1 and S2 have most of their power below */
#define FILTER_ORDER 4

/* A window is good from this level above its floor on, useless below that one. */
#define GOOD_SNR_DB 15.0
#define POOR_SNR_DB 3.0
#define USELESS_CLIPPED_SHARE 0.1

/* ---- level ----------------------------------------------------------- */

/* Samples of a stretch that lie in first .. last - 1; an empty range where there are none. */
static HmlHeartStretch
samples_of(const HmlHeartSound *sound, size_t stretch, size_t first, size_t last)
{
	HmlHeartStretch range = {sound->stretches[stretch].first * sound->hop,
							 sound->stretches[stretch].last * sound->hop};

	if (range.first < first)
		range.first = first;
	if (range.last > last)
		range.last = last;
	if (range.last < range.first)
		range.last = range.first;
	return range;
}

/*
 * Levels (root mean square) of frames of 25 ms, ascending, of the sounding samples
 * among first .. last - 1; *n_sounding of these; at least one level, 0 without any.
 */
static HmlStatus
frame_levels(HmlArena *arena, const HmlHeartSound *sound, size_t first, size_t last, double **levels,
			 size_t *n_levels, size_t *n_sounding)
{
	size_t frame = (size_t) (LEVEL_FRAME_S * sound->sample_rate);
	size_t count = 0;

	*n_sounding = 0;
	HML_TRY(HML_ARENA_NEW_ZERO(arena, levels, (last - first) / frame + sound->n_stretches + 1));
	for (size_t s = 0; s < sound->n_stretches; s++)
	{
		HmlHeartStretch range = samples_of(sound, s, first, last);

		for (size_t start = range.first; start < range.last; start += frame)
		{
			size_t end = range.last - start < frame ? range.last : start + frame;
			double sum = 0;

			for (size_t i = start; i < end; i++)
				sum += (double) sound->samples[i] * sound->samples[i];
			(*levels)[count++] = sqrt(sum / (double) (end - start));
			if (count % FRAMES_PER_POLL == 0)
				HML_TRY(hml_poll(hml_arena_context(arena)));
		}
		*n_sounding += range.last - range.first;
	}
	*n_levels = count > 0 ? count : 1;
	return hml_sort_doubles(hml_arena_context(arena), *levels, *n_levels);
}

/* Off the sounding samples; all others become 0. */
static void
remove_mean(HmlHeartSound *sound)
{
	double sum = 0;
	size_t n = 0;
	size_t at = 0;

	for (size_t s = 0; s < sound->n_stretches; s++)
	{
		HmlHeartStretch range = samples_of(sound, s, 0, sound->n_samples);

		for (size_t i = range.first; i < range.last; i++)
			sum += sound->samples[i];
		n += range.last - range.first;
	}
	for (size_t s = 0; s < sound->n_stretches; s++)
	{
		HmlHeartStretch range = samples_of(sound, s, 0, sound->n_samples);

		memset(sound->samples + at, 0, (range.first - at) * sizeof(*sound->samples));
		for (at = range.first; at < range.last; at++)
			sound->samples[at] -= (float) (sum / (double) n);
	}
	memset(sound->samples + at, 0, (sound->n_samples - at) * sizeof(*sound->samples));
	sound->sounding_share = (double) n / (double) sound->n_samples;
}

/* ---- samples --------------------------------------------------------- */

static HmlStatus
check_spec(HmlContext *ctx, const HmlHeartSoundSpec *spec)
{
	if (!(spec->window_s >= 0.5 && spec->window_s <= 60))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "window must last from 0.5 to 60 seconds, not %g",
						spec->window_s);
	if (!(spec->window_hop_s >= 0.1 && spec->window_hop_s <= spec->window_s))
		return hml_fail(ctx, HML_INVALID_ARGUMENT,
						"windows that are %g seconds long cannot be %g seconds apart", spec->window_s,
						spec->window_hop_s);
	if (spec->mel.n_mels != HML_HEART_BANDS || !(spec->mel.sample_rate >= HML_HEART_FLOOR_RATE))
		return hml_fail(ctx, HML_INVALID_ARGUMENT,
						"heart sounds need %d bands and at least %d Hz, not %d bands and %g Hz",
						HML_HEART_BANDS, HML_HEART_FLOOR_RATE, spec->mel.n_mels, spec->mel.sample_rate);
	return HML_OK;
}

static HmlStatus
check_signal(HmlContext *ctx, const HmlSignal *signal)
{
	if (signal->n_channels != 1)
		return hml_fail(ctx, HML_INVALID_DATA, "heart sounds have one channel, not %zu", signal->n_channels);
	if (signal->n_samples == 0)
		return hml_fail(ctx, HML_INVALID_DATA, "recording has no samples");
	return HML_OK;
}

static void
find_extremes(const float *samples, size_t n, float *lowest, float *highest)
{
	*lowest = *highest = samples[0];
	for (size_t i = 1; i < n; i++)
	{
		*lowest = samples[i] < *lowest ? samples[i] : *lowest;
		*highest = samples[i] > *highest ? samples[i] : *highest;
	}
}

/* At the rate of the model, without offset, filtered where that is wanted. */
static HmlStatus
load_samples(HmlArena *arena, const HmlHeartSoundSpec *spec, const HmlMel *mel, const HmlSignal *signal,
			 HmlHeartSound *out)
{
	HmlContext *ctx = hml_arena_context(arena);
	HmlFilter filter;
	float *resampled;
	float lowest;
	float highest;
	HmlStatus status;

	find_extremes(signal->samples, signal->n_samples, &lowest, &highest);
	out->clipped_share = hml_clipped_share(signal->samples, signal->n_samples, lowest, highest);
	HML_TRY(hml_poll(ctx));
	out->sample_rate = spec->mel.sample_rate;
	HML_TRY(hml_resample(ctx, signal->samples, signal->n_samples, signal->sample_rate, out->sample_rate,
						 &resampled, &out->n_samples));
	status = HML_ARENA_NEW(arena, &out->samples, out->n_samples);
	if (status == HML_OK && out->n_samples > 0)
		memcpy(out->samples, resampled, out->n_samples * sizeof(*resampled));
	hml_free(ctx, resampled);
	HML_TRY(status);
	if (out->n_samples == 0)
		return hml_fail(ctx, HML_INVALID_DATA, "recording is shorter than one sample at %g Hz",
						out->sample_rate);
	HML_TRY(hml_poll(ctx));
	out->hop = (size_t) spec->mel.hop_length;
	out->frames_per_s = spec->mel.sample_rate / spec->mel.hop_length;
	HML_TRY(hml_heart_stretches(arena, out->samples, out->n_samples, out->hop, out->frames_per_s,
								hml_mel_frames(mel, out->n_samples), &out->stretches, &out->n_stretches));
	remove_mean(out);
	HML_TRY(hml_poll(ctx));
	if (!spec->band_pass)
		return HML_OK;
	HML_TRY(hml_filter_butterworth(ctx, HML_FILTER_BAND_PASS, FILTER_ORDER, spec->low, spec->high,
								   out->sample_rate, &filter));
	if (out->n_samples > hml_filter_padding(&filter))
		HML_TRY(hml_filter_zero_phase(ctx, &filter, out->samples, out->n_samples));
	return HML_OK;
}

/* A comparison, unlike fminf(), is done for whole vectors. */
static inline float
limit(float value, float most)
{
	return value > most ? most : value < -most ? -most : value;
}

static HmlStatus
set_level(HmlArena *arena, HmlHeartSound *sound)
{
	double *levels;
	size_t n;
	size_t n_sounding;
	float scale;

	HML_TRY(frame_levels(arena, sound, 0, sound->n_samples, &levels, &n, &n_sounding));
	sound->silent = !(levels[n - 1 - n / 10] > SILENCE);
	scale = sound->silent ? 0 : (float) (1 / levels[n - 1 - n / 10]);
	for (size_t i = 0; i < sound->n_samples; i++)
		sound->samples[i] = limit(sound->samples[i] * scale, HML_HEART_MAX_LEVEL);
	return HML_OK;
}

/* ---- windows --------------------------------------------------------- */

static double
window_weight(const HmlHeartSound *sound, const HmlHeartWindow *window)
{
	double clean = (window->snr_db - POOR_SNR_DB) / (GOOD_SNR_DB - POOR_SNR_DB);
	double whole = 1 - window->clipped_share / USELESS_CLIPPED_SHARE;

	if (sound->silent || window->sounding_share == 0)
		return 0;
	return fmax(0.0, fmin(1.0, clean)) * fmax(0.0, whole);
}

static HmlStatus
judge_window(HmlArena *arena, const HmlHeartSound *sound, size_t first, size_t n, float lowest, float highest,
			 HmlHeartWindow *window)
{
	double *levels;
	size_t count;
	size_t n_sounding;

	HML_TRY(frame_levels(arena, sound, first, first + n, &levels, &count, &n_sounding));
	window->sounding_share = (double) n_sounding / (double) n;
	window->snr_db = 20 * log10((levels[count - 1 - count / 10] + SILENCE) / (levels[count / 10] + SILENCE));
	window->clipped_share = hml_clipped_share(sound->samples + first, n, lowest, highest);
	window->start_s = (double) first / sound->sample_rate;
	window->weight = window_weight(sound, window);
	return hml_poll(hml_arena_context(arena));
}

/* Windows cover the recording evenly, at most a hop apart; a short recording is one window. */
static HmlStatus
cut_windows(HmlArena *arena, const HmlHeartSoundSpec *spec, HmlHeartSound *sound)
{
	size_t width = (size_t) (spec->window_s * sound->sample_rate);
	size_t hop = (size_t) (spec->window_hop_s * sound->sample_rate);
	size_t rest = sound->n_samples > width ? sound->n_samples - width : 0;
	size_t hop_length = (size_t) spec->mel.hop_length;
	double sounding = 0;
	float lowest;
	float highest;

	if (rest == 0)
		width = sound->n_samples;
	HML_TRY(hml_poll(hml_arena_context(arena)));
	find_extremes(sound->samples, sound->n_samples, &lowest, &highest);
	sound->n_windows = 1 + (rest + hop - 1) / hop;
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &sound->windows, sound->n_windows));
	for (size_t w = 0; w < sound->n_windows; w++)
	{
		HmlHeartWindow *window = &sound->windows[w];
		size_t first = sound->n_windows > 1 ? rest * w / (sound->n_windows - 1) : 0;

		window->first_frame = first / hop_length;
		window->n_frames = (first + width) / hop_length - window->first_frame;
		if (window->n_frames == 0)
			window->n_frames = 1;
		HML_TRY(judge_window(arena, sound, first, width, lowest, highest, window));
		sounding += window->sounding_share;
	}
	for (size_t w = 0; w < sound->n_windows && sounding > 0; w++)
		sound->weight += sound->windows[w].weight * sound->windows[w].sounding_share / sounding;
	return HML_OK;
}

/* ---- spectrum and beats ---------------------------------------------- */

static HmlStatus
make_log_mel(HmlArena *arena, HmlMel *mel, HmlHeartSound *sound)
{
	HmlContext *ctx = hml_arena_context(arena);
	size_t cells;

	sound->n_mels = HML_HEART_BANDS;
	sound->n_frames = hml_mel_frames(mel, sound->n_samples);
	cells = sound->n_mels * sound->n_frames;
	if (sound->n_frames > HML_MEL_MAX_CELLS / sound->n_mels)
		return hml_fail(ctx, HML_LIMIT, "spectrogram of %zu frames is larger than the limit of %zu cells",
						sound->n_frames, HML_MEL_MAX_CELLS);
	HML_TRY(HML_ARENA_NEW(arena, &sound->log_mel, cells));
	HML_TRY(hml_mel_spectrogram(ctx, mel, sound->samples, sound->n_samples, sound->log_mel));
	hml_power_to_db(sound->log_mel, cells, 1, POWER_FLOOR, -1);
	return HML_OK;
}

/* log10 of the power below LOW_BANDS_HZ in each frame. */
static HmlStatus
low_level(HmlArena *arena, const HmlHeartSoundSpec *spec, const HmlHeartSound *sound, float **out)
{
	double band_hz = (spec->mel.fmax - spec->mel.fmin) / (spec->mel.n_mels + 1);
	size_t n_bands = (size_t) fmax(1.0, floor((LOW_BANDS_HZ - spec->mel.fmin) / band_hz));

	if (n_bands > sound->n_mels)
		n_bands = sound->n_mels;
	HML_TRY(HML_ARENA_NEW(arena, out, sound->n_frames));
	for (size_t t = 0; t < sound->n_frames; t++)
	{
		float sum = 1e-6f;

		for (size_t m = 0; m < n_bands; m++)
			sum += powf(10, sound->log_mel[m * sound->n_frames + t] / 10);
		(*out)[t] = log10f(sum);
	}
	return hml_poll(hml_arena_context(arena));
}

static HmlStatus
find_beats(HmlArena *arena, const HmlHeartSoundSpec *spec, HmlHeartSound *sound)
{
	float *level;

	HML_TRY(low_level(arena, spec, sound, &level));
	HML_TRY(hml_heart_cycle(arena, level, sound->n_frames, sound->frames_per_s, sound->stretches,
							sound->n_stretches, &sound->cycle));
	sound->has_beats = sound->cycle.n_beats >= HML_BEAT_MIN_BEATS;
	if (!sound->has_beats)
		return HML_OK;
	if (sound->cycle.rhythm >= HML_HEART_RELIABLE_RHYTHM && !sound->cycle.ambiguous)
		sound->heart_rate_bpm = 60 / sound->cycle.period_s;
	HML_TRY(hml_typical_beat(arena, sound->log_mel, sound->n_mels, sound->n_frames, sound->cycle.beats,
							 sound->cycle.n_beats, &sound->typical));
	hml_heart_features(&sound->typical, &sound->cycle, sound->frames_per_s, sound->floors, sound->features);
	return HML_OK;
}

/* Of the sounding samples, put one after another: what is left of a frame where they meet is rare. */
static HmlStatus
measure_floors(HmlArena *arena, HmlHeartSound *sound)
{
	float *sounding = sound->samples;
	size_t n = 0;

	if (sound->n_stretches > 1 || sound->sounding_share < 1)
	{
		HML_TRY(HML_ARENA_NEW(arena, &sounding, sound->n_samples));
		for (size_t s = 0; s < sound->n_stretches; s++)
		{
			HmlHeartStretch range = samples_of(sound, s, 0, sound->n_samples);

			memcpy(sounding + n, sound->samples + range.first,
				   (range.last - range.first) * sizeof(*sounding));
			n += range.last - range.first;
		}
	}
	else
		n = sound->n_samples;
	return hml_heart_floor(hml_arena_context(arena), sounding, n, sound->sample_rate, sound->floors);
}

HmlStatus
hml_heart_sound(HmlArena *arena, const HmlHeartSoundSpec *spec, const HmlSignal *signal, HmlHeartSound *out)
{
	HmlMel *mel;

	memset(out, 0, sizeof(*out));
	out->heart_rate_bpm = NAN;
	out->cycle.period_s = NAN;
	HML_TRY(check_spec(hml_arena_context(arena), spec));
	HML_TRY(check_signal(hml_arena_context(arena), signal));
	HML_TRY(hml_mel_create(arena, &spec->mel, &mel));
	HML_TRY(load_samples(arena, spec, mel, signal, out));
	HML_TRY(set_level(arena, out));
	HML_TRY(cut_windows(arena, spec, out));
	HML_TRY(make_log_mel(arena, mel, out));
	if (out->silent)
		return HML_OK;
	HML_TRY(measure_floors(arena, out));
	return find_beats(arena, spec, out);
}

/* ---- what it is worth, and a part of it ------------------------------ */

bool
hml_heart_sound_is_judgeable(const HmlHeartSound *sound)
{
	bool lost = sound->cycle.rhythm < HML_HEART_LOST_RHYTHM && sound->cycle.fit < HML_HEART_LOST_FIT;
	bool noise = sound->weight < HML_HEART_LEAST_WEIGHT && sound->cycle.fit < HML_HEART_NOISE_FIT;

	return !sound->silent && sound->clipped_share <= HML_HEART_MOST_CLIPPED && sound->has_beats &&
		   !sound->cycle.ambiguous && !lost && !noise;
}

bool
hml_heart_window_is_judgeable(const HmlHeartSound *sound, const HmlHeartWindow *window)
{
	bool worse = window->weight < HML_HEART_LEAST_WEIGHT && sound->weight >= HML_HEART_LEAST_WEIGHT;

	return hml_heart_sound_is_judgeable(sound) && !worse;
}

static bool
lies_in(const HmlHeartBeat *beat, const HmlHeartWindow *window)
{
	size_t middle = ((size_t) beat->bounds[0] + beat->bounds[HML_HEART_PHASES]) / 2;

	return middle >= window->first_frame && middle < window->first_frame + window->n_frames;
}

HmlStatus
hml_heart_window_features(HmlArena *arena, const HmlHeartSound *sound, const HmlHeartWindow *window,
						  float *features, bool *has_beats)
{
	HmlHeartCycle cycle = sound->cycle;
	HmlTypicalBeat typical;
	size_t first = 0;

	while (first < sound->cycle.n_beats && !lies_in(&sound->cycle.beats[first], window))
		first++;
	if (first > 0)
		cycle.beats += first;
	cycle.n_beats = 0;
	while (first + cycle.n_beats < sound->cycle.n_beats && lies_in(&cycle.beats[cycle.n_beats], window))
		cycle.n_beats++;
	*has_beats = cycle.n_beats >= HML_BEAT_MIN_BEATS;
	if (!*has_beats)
		return HML_OK;
	HML_TRY(hml_typical_beat(arena, sound->log_mel, sound->n_mels, sound->n_frames, cycle.beats,
							 cycle.n_beats, &typical));
	hml_heart_features(&typical, &cycle, sound->frames_per_s, sound->floors, features);
	return HML_OK;
}
