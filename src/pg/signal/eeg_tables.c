/*
 * eeg_tables.c
 *	  EEGs as rows: what spoils them second by second, and their trends.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "core/eeg/eeg_quality.h"
#include "core/eeg/eeg_spectrogram.h"
#include "core/eeg/eeg_trends.h"

#include "pg/server/errors.h"
#include "pg/signal/eeg_call.h"
#include "pg/signal/named_row.h"

static void
put(HealthmlNamedRow *row, const char *name, double number)
{
	healthml_set_number(row, healthml_named_column(row->desc, name), number);
}

/* ---- quality ---- */

static void
put_second(ReturnSetInfo *result, const HealthmlEegCall *call, size_t channel, size_t second,
		   const HmlEegSecond *found, double usable_share)
{
	static const char *const names[] = {"flat", "clipped", "extreme", "mains", "muscle", "blink", "pop"};
	HealthmlNamedRow row = healthml_named_row(result->setDesc);

	put(&row, "second_s", call->part.from_s + (double) second);
	healthml_set_text(&row, healthml_named_column(row.desc, "channel"), call->signal.labels[channel]);
	put(&row, "usable", (found->flaws & HML_EEG_UNUSABLE) == 0);
	for (size_t i = 0; i < lengthof(names); i++)
		put(&row, names[i], (found->flaws & 1u << i) != 0);
	put(&row, "range_uv", found->range_uv);
	put(&row, "mains_share", found->mains_share);
	put(&row, "muscle_uv", found->muscle_uv);
	put(&row, "usable_share", usable_share);
	tuplestore_putvalues(result->setResult, result->setDesc, row.values, row.nulls);
}

PG_FUNCTION_INFO_V1(healthml_eeg_quality);

/* healthml.eeg_quality(recording, from_s, seconds, units) RETURNS TABLE (...), a row of each second of each channel */
Datum
healthml_eeg_quality(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	HealthmlEegCall call;
	const HmlSignal *signal = &call.signal;
	HmlEegSecond *seconds;
	bool *frontal;
	size_t n;

	InitMaterializedSRF(fcinfo, 0);
	if (!healthml_eeg_begin(fcinfo, &call))
		return (Datum) 0;
	healthml_eeg_read(&call);
	n = hml_eeg_seconds(signal->n_samples, signal->sample_rate);
	healthml_check(&call.ctx,
				   hml_arena_alloc(call.arena, n, signal->n_channels * sizeof(*seconds), (void **) &seconds));
	frontal = palloc0_array(bool, signal->n_channels);
	for (size_t c = 0; c < signal->n_channels; c++)
		frontal[c] = strcmp(signal->labels[c], "Fp1") == 0 || strcmp(signal->labels[c], "Fp2") == 0;
	healthml_check(&call.ctx, hml_eeg_quality(&call.ctx, signal->samples, signal->n_channels,
											  signal->n_samples, signal->sample_rate, frontal, seconds));
	for (size_t s = 0; s < n; s++)
	{
		size_t n_usable = 0;

		CHECK_FOR_INTERRUPTS();
		for (size_t c = 0; c < signal->n_channels; c++)
			n_usable += (seconds[c * n + s].flaws & HML_EEG_UNUSABLE) == 0;
		for (size_t c = 0; c < signal->n_channels; c++)
			put_second(result, &call, c, s, &seconds[c * n + s],
					   (double) n_usable / (double) signal->n_channels);
	}
	return (Datum) 0;
}

/* ---- trends ---- */

#define MARGIN_S 5.0 /* on either side, so that filters have settled */
#define LEAST_STEP_S 4.0
#define MOST_STEP_S 600.0

static void
put_trend(ReturnSetInfo *result, const HmlEegTrend *trend, double at_s, double usable_share)
{
	HealthmlNamedRow row = healthml_named_row(result->setDesc);

	put(&row, "at_s", at_s);
	put(&row, "usable_share", usable_share);
	put(&row, "delta_uv2", trend->delta_uv2);
	put(&row, "theta_uv2", trend->theta_uv2);
	put(&row, "alpha_uv2", trend->alpha_uv2);
	put(&row, "beta_uv2", trend->beta_uv2);
	put(&row, "edge_hz", trend->edge_hz);
	put(&row, "median_hz", trend->median_hz);
	put(&row, "rhythmicity", trend->rhythmicity);
	put(&row, "rhythm_hz", trend->rhythm_hz);
	put(&row, "asymmetry", trend->asymmetry);
	put(&row, "suppression_ratio", trend->suppression_ratio);
	put(&row, "aeeg_low_uv", trend->aeeg_low_uv);
	put(&row, "aeeg_high_uv", trend->aeeg_high_uv);
	tuplestore_putvalues(result->setResult, result->setDesc, row.values, row.nulls);
}

/* One step; its memory is that of 'memory', which the caller empties. */
static void
trend_of_step(HealthmlEegCall *call, const HmlEdfStretch *stretch, double from_s, double step_s)
{
	ReturnSetInfo *result = (ReturnSetInfo *) call->fcinfo->resultinfo;
	HmlContext *ctx = &call->ctx;
	HmlEegFilter filter = {.low_hz = 0.5, .high_hz = 30, .order = 2};
	HmlEegPart part = call->part;
	HmlEegWindow window;
	HmlEegTrend trend;
	HmlArena *arena;
	size_t first;
	size_t n;

	part.from_s = Max(from_s - MARGIN_S, stretch->onset_s);
	part.seconds = Min(from_s + step_s + MARGIN_S, hml_edf_stretch_end(&call->edf, stretch)) - part.from_s;
	healthml_check(ctx, hml_arena_create(ctx, &arena));
	healthml_check(ctx, hml_eeg_read(ctx, &call->edf, &call->channels, &part, &call->signal));
	healthml_check(ctx, hml_eeg_electrodes(arena, &call->signal, HML_EEG_RATE, &window));
	healthml_check(ctx, hml_eeg_filter(ctx, &filter, HML_EEG_RATE, window.samples, HML_EEG_ELECTRODES,
									   window.n_samples));
	first = (size_t) ((from_s - part.from_s) * HML_EEG_RATE + 0.5);
	n = Min((size_t) (step_s * HML_EEG_RATE + 0.5), window.n_samples - first);
	healthml_check(ctx, hml_eeg_trend(ctx, window.samples, window.n_samples, first, first + n, &trend));
	put_trend(result, &trend, from_s, window.usable_share);
	hml_arena_free(arena);
	hml_signal_free(ctx, &call->signal);
}

PG_FUNCTION_INFO_V1(healthml_eeg_trends);

/* healthml.eeg_trends(recording, step_s, units) RETURNS TABLE (...), a row of each step; steps begin anew after a gap */
Datum
healthml_eeg_trends(PG_FUNCTION_ARGS)
{
	HealthmlEegCall call;
	double step_s;

	InitMaterializedSRF(fcinfo, 0);
	if (!healthml_eeg_begin(fcinfo, &call))
		return (Datum) 0;
	step_s = healthml_eeg_number(&call, "step_s");
	if (isnan(step_s))
		return (Datum) 0;
	if (!(step_s >= LEAST_STEP_S && step_s <= MOST_STEP_S))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("step_s must be from %g to %g s, not %g", LEAST_STEP_S, MOST_STEP_S, step_s)));
	healthml_eeg_open(&call);
	healthml_check(&call.ctx, hml_eeg_channels(call.arena, &call.edf, &call.channels));
	call.part.microvolts = healthml_eeg_microvolts(&call);
	for (size_t i = 0; i < call.edf.n_stretches; i++)
	{
		const HmlEdfStretch *stretch = &call.edf.stretches[i];
		double n_steps = floor((hml_edf_stretch_end(&call.edf, stretch) - stretch->onset_s + 1e-6) / step_s);

		for (double step = 0; step < n_steps; step++)
			trend_of_step(&call, stretch, stretch->onset_s + step * step_s, step_s);
	}
	return (Datum) 0;
}
