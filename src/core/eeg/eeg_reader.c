/*
 * eeg_reader.c
 *	  From the bytes of a file to the signal of its electrodes.
 */
#include "core/eeg/eeg_reader.h"

#include <math.h>
#include <string.h>

#include "core/base/checked.h"
#include "core/eeg/eeg_window.h"
#include "core/signal/dsp/resample.h"

#define LEAST_RATE 1.0 /* Hz; trends of one number a second are no EEG */

/* ---- channels -------------------------------------------------------------------------------------- */

static bool
is_taken(const HmlEegChannels *channels, const char *name)
{
	for (size_t i = 0; i < channels->n; i++)
		if (strcmp(channels->names[i], name) == 0)
			return true;
	return false;
}

static HmlStatus
take_channels(HmlArena *arena, const HmlEdf *edf, HmlEegLabelKind kind, HmlEegChannels *out)
{
	for (size_t i = 0; i < edf->n_channels; i++)
	{
		const HmlEdfChannel *channel = &edf->channels[i];
		HmlEegLabel label = hml_eeg_label(channel->label);
		char *name;

		if (!channel->usable || channel->sample_rate <= LEAST_RATE || label.kind != kind ||
			is_taken(out, label.name))
			continue;
		HML_TRY(hml_arena_strdup(arena, label.name, strlen(label.name), &name));
		out->names[out->n] = name;
		out->channels[out->n++] = channel;
		if (channel->sample_rate > out->rate)
			out->rate = channel->sample_rate;
	}
	return HML_OK;
}

static size_t
count_kind(const HmlEdf *edf, HmlEegLabelKind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < edf->n_channels; i++)
		count += edf->channels[i].usable && hml_eeg_label(edf->channels[i].label).kind == kind;
	return count;
}

HmlStatus
hml_eeg_channels(HmlArena *arena, const HmlEdf *edf, HmlEegChannels *out)
{
	HmlContext *ctx = hml_arena_context(arena);

	*out = (HmlEegChannels){.is_bipolar = count_kind(edf, HML_EEG_LABEL_BIPOLAR) >
										  count_kind(edf, HML_EEG_LABEL_ELECTRODE)};
	HML_TRY(HML_ARENA_NEW(arena, &out->channels, edf->n_channels));
	HML_TRY(HML_ARENA_NEW(arena, &out->names, edf->n_channels));
	HML_TRY(
		take_channels(arena, edf, out->is_bipolar ? HML_EEG_LABEL_BIPOLAR : HML_EEG_LABEL_ELECTRODE, out));
	if (out->rate > 0)
		return HML_OK;
	if (edf->n_channels == 0 || edf->record_s == 0)
		return hml_fail(ctx, HML_INVALID_DATA, "recording holds annotations only");
	hml_fail(ctx, HML_INVALID_DATA, "none of the %zu channels of the recording is a usable electrode",
			 edf->n_channels);
	return hml_hint(ctx,
					"Electrodes are known by labels of the 10-20 system, such as \"EEG Fp1-REF\"; eeg_info() "
					"shows those of a recording.");
}

/* ---- samples --------------------------------------------------------------------------------------- */

static HmlStatus
find_scale(HmlContext *ctx, const HmlEdfChannel *channel, const HmlEegPart *part, double *scale)
{
	*scale = isnan(part->microvolts) ? channel->microvolts : part->microvolts;
	if (!isnan(*scale))
		return HML_OK;
	if (channel->unit[0] == '\0')
		hml_fail(ctx, HML_INVALID_DATA, "channel \"%s\" does not say its unit", channel->label);
	else
		hml_fail(ctx, HML_INVALID_DATA, "unit \"%s\" of channel \"%s\" is no voltage", channel->unit,
				 channel->label);
	return hml_hint(ctx, "If you know the unit, read the recording with eeg_signal(..., units => 'uV').");
}

/* A channel that is slower than the fastest is resampled to it. */
static HmlStatus
read_slower(HmlContext *ctx, const HmlEdf *edf, const HmlEdfChannel *channel, const HmlEdfStretch *stretch,
			const HmlEegPart *part, double scale, double rate, size_t n, float *out)
{
	size_t first = (size_t) floor((part->from_s - stretch->onset_s) * channel->sample_rate + 0.5);
	size_t available = hml_edf_samples(channel, stretch);
	size_t n_slow = (size_t) ceil((double) n * channel->sample_rate / rate);
	float *slow = NULL;
	float *fast = NULL;
	size_t n_fast = 0;
	HmlStatus status;

	first = first < available ? first : available - 1;
	n_slow = n_slow < available - first ? n_slow : available - first;
	status = HML_NEW(ctx, &slow, n_slow);
	if (status == HML_OK)
		status = hml_edf_read(ctx, edf, channel, stretch, first, n_slow, scale, slow);
	if (status == HML_OK)
		status = hml_resample(ctx, slow, n_slow, channel->sample_rate, rate, &fast, &n_fast);
	for (size_t i = 0; status == HML_OK && i < n; i++)
		out[i] = n_fast == 0 ? 0 : fast[i < n_fast ? i : n_fast - 1];
	hml_free(ctx, fast);
	hml_free(ctx, slow);
	return status;
}

static HmlStatus
read_samples(HmlContext *ctx, const HmlEdf *edf, const HmlEegChannels *channels, const HmlEdfStretch *stretch,
			 const HmlEegPart *part, HmlSignal *out)
{
	size_t first = (size_t) floor((part->from_s - stretch->onset_s) * channels->rate + 0.5);

	for (size_t i = 0; i < channels->n; i++)
	{
		const HmlEdfChannel *channel = channels->channels[i];
		float *samples = out->samples + i * out->n_samples;
		double scale;

		HML_TRY(find_scale(ctx, channel, part, &scale));
		if (channel->sample_rate == channels->rate)
			HML_TRY(hml_edf_read(ctx, edf, channel, stretch, first, out->n_samples, scale, samples));
		else
			HML_TRY(read_slower(ctx, edf, channel, stretch, part, scale, channels->rate, out->n_samples,
								samples));
	}
	for (size_t i = 0; i < out->n_channels * out->n_samples; i++)
		if (!isfinite(out->samples[i]))
			return hml_fail(ctx, HML_INVALID_DATA, "samples of channel \"%s\" are no usable numbers",
							channels->channels[i / out->n_samples]->label);
	return HML_OK;
}

/* One block: the pointers, then the text that they point to. */
static HmlStatus
copy_names(HmlContext *ctx, const HmlEegChannels *channels, HmlSignal *out)
{
	char *end;

	HML_TRY(hml_alloc(ctx, channels->n, sizeof(*out->labels) + HML_EEG_NAME_SIZE, (void **) &out->labels));
	end = (char *) (out->labels + channels->n);
	for (size_t i = 0; i < channels->n; i++, end += HML_EEG_NAME_SIZE)
		out->labels[i] = memcpy(end, channels->names[i], strlen(channels->names[i]) + 1);
	return HML_OK;
}

/* ---- time ------------------------------------------------------------------------------------------ */

static HmlStatus
find_stretch(HmlContext *ctx, const HmlEdf *edf, double at_s, const HmlEdfStretch **out)
{
	*out = hml_edf_stretch_at(edf, at_s);
	if (*out != NULL)
		return HML_OK;
	if (!(at_s >= 0 && at_s < edf->end_s))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "second %g lies outside of the recording of %g s", at_s,
						edf->end_s);
	return hml_fail(ctx, HML_INVALID_ARGUMENT, "second %g lies in a gap of the recording", at_s);
}

static HmlStatus
check_part(HmlContext *ctx, const HmlEdf *edf, const HmlEegPart *part, const HmlEdfStretch *stretch)
{
	static const double slack = 1e-6;
	double end_s = part->from_s + part->seconds;

	if (!(part->seconds > 0))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "seconds must be above 0, not %g", part->seconds);
	if (end_s <= hml_edf_stretch_end(edf, stretch) + slack)
		return HML_OK;
	if (end_s > edf->end_s + slack)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "second %g lies outside of the recording of %g s", end_s,
						edf->end_s);
	hml_fail(ctx, HML_INVALID_ARGUMENT, "seconds %g to %g reach over a gap of the recording", part->from_s,
			 end_s);
	return hml_detail(ctx, "The gap begins at second %g.", hml_edf_stretch_end(edf, stretch));
}

HmlStatus
hml_eeg_part_round(HmlContext *ctx, const HmlEdf *edf, double *at_s, double seconds, HmlEegPart *out)
{
	const HmlEdfStretch *stretch = &edf->stretches[0];
	double end_s;

	for (size_t i = 1; isnan(*at_s) && i < edf->n_stretches; i++)
		if (edf->stretches[i].n_records > stretch->n_records)
			stretch = &edf->stretches[i];
	if (isnan(*at_s))
		*at_s = (stretch->onset_s + hml_edf_stretch_end(edf, stretch)) / 2;
	else
		HML_TRY(find_stretch(ctx, edf, *at_s, &stretch));
	end_s = hml_edf_stretch_end(edf, stretch);
	out->from_s = fmax(*at_s - seconds / 2, stretch->onset_s);
	out->seconds = fmin(*at_s + seconds / 2, end_s) - out->from_s;
	out->microvolts = NAN;
	return HML_OK;
}

HmlStatus
hml_eeg_read(HmlContext *ctx, const HmlEdf *edf, const HmlEegChannels *channels, const HmlEegPart *part,
			 HmlSignal *out)
{
	const HmlEdfStretch *stretch;
	size_t n;
	HmlStatus status;

	*out = (HmlSignal){.n_channels = channels->n,
					   .sample_rate = channels->rate,
					   .unit = "uV",
					   .format = edf->format,
					   .truncated = edf->truncated};
	HML_TRY(find_stretch(ctx, edf, part->from_s, &stretch));
	HML_TRY(check_part(ctx, edf, part, stretch));
	out->n_samples = (size_t) floor(part->seconds * channels->rate + 0.5);
	if (out->n_samples == 0)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "%g s hold no sample at %g Hz", part->seconds,
						channels->rate);
	if (!hml_size_mul(out->n_channels, out->n_samples, &n))
		return hml_fail(ctx, HML_LIMIT, "part of the recording is too large");
	status = HML_NEW(ctx, &out->samples, n);
	if (status == HML_OK)
		status = copy_names(ctx, channels, out);
	if (status == HML_OK)
		status = read_samples(ctx, edf, channels, stretch, part, out);
	if (status != HML_OK)
		hml_signal_free(ctx, out);
	return status;
}

/* ---- the reader of the modality -------------------------------------------------------------------- */

static HmlStatus
read_round(HmlArena *arena, const HmlSignalRequest *request, HmlSignal *out)
{
	HmlContext *ctx = hml_arena_context(arena);
	double at_s = request->at_s;
	HmlEdf edf;
	HmlEegChannels channels;
	HmlEegPart part;

	HML_TRY(hml_edf_open(arena, request->bytes, request->length, &edf));
	HML_TRY(hml_eeg_channels(arena, &edf, &channels));
	HML_TRY(hml_eeg_part_round(ctx, &edf, &at_s, HML_EEG_WINDOW_S, &part));
	HML_TRY(hml_eeg_read(ctx, &edf, &channels, &part, out));
	out->is_placed = true;
	out->at_s = at_s - part.from_s;
	return HML_OK;
}

static HmlStatus
read_eeg(HmlContext *ctx, const HmlSignalRequest *request, HmlSignal *out)
{
	HmlArena *arena;
	HmlStatus status;

	*out = (HmlSignal){0};
	HML_TRY(hml_arena_create(ctx, &arena));
	status = read_round(arena, request, out);
	hml_arena_free(arena);
	return status;
}

static const HmlSignalLimit limits[] = {{0}};

const HmlSignalReader hml_eeg_reader = {.name = "eeg", .limits = limits, .read = read_eeg};
