/*
 * eeg_plot.c
 *	  Pictures of EEGs.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "fmgr.h"
#include "utils/builtins.h"

#include "core/eeg/eeg_plot.h"
#include "core/eeg/eeg_spectrogram.h"

#include "pg/server/document.h"
#include "pg/server/errors.h"
#include "pg/signal/eeg_call.h"

#define SECONDS_OF_A_PAGE 10.0

static const char *
title_of(const HealthmlEegCall *call)
{
	return healthml_to_utf8(healthml_eeg_text(call, "title"));
}

static text *
finish(HealthmlEegCall *call, HmlText *svg)
{
	const char *drawn;

	healthml_check(&call->ctx, hml_text_finish(svg, &drawn));
	return cstring_to_text(healthml_from_utf8(drawn));
}

static const char *
hertz(const HealthmlEegCall *call, const char *name)
{
	double hz = healthml_eeg_number(call, name);

	return isnan(hz) ? "none" : psprintf("%g Hz", hz);
}

static const char *
legend_of(const HealthmlEegCall *call, const HmlMontage *montage)
{
	return psprintf("%s, high pass %s, low pass %s, notch %s, negative up", montage->name,
					hertz(call, "low_hz"), hertz(call, "high_hz"), hertz(call, "notch_hz"));
}

/* Rows with an electrode that is missing. */
static bool *
doubtful_rows(const HmlEegWindow *window, const HmlMontage *montage)
{
	bool *doubtful = palloc0_array(bool, montage->n);

	for (size_t r = 0; r < montage->n; r++)
	{
		const HmlDerivation *row = &montage->rows[r];

		doubtful[r] = window->missing[row->plus] || (row->n_others == 1 && window->missing[row->others[0]]);
	}
	return doubtful;
}

static HmlEegEvent *
events_of(const HmlEdf *edf)
{
	HmlEegEvent *events = palloc_array(HmlEegEvent, edf->n_annotations + 1);

	for (size_t i = 0; i < edf->n_annotations; i++)
		events[i] = (HmlEegEvent){edf->annotations[i].onset_s, edf->annotations[i].duration_s,
								  edf->annotations[i].text};
	return events;
}

PG_FUNCTION_INFO_V1(healthml_plot_eeg);

/* healthml.plot_eeg(recording, from_s, seconds, montage, low_hz, high_hz, notch_hz, uv_per_mm, units, title) RETURNS text */
Datum
healthml_plot_eeg(PG_FUNCTION_ARGS)
{
	HealthmlEegCall call;
	HmlEegPage page = {0};
	HmlText svg;
	float *samples;

	if (!healthml_eeg_begin(fcinfo, &call) || healthml_eeg_text(&call, "montage") == NULL ||
		healthml_eeg_text(&call, "title") == NULL || isnan(healthml_eeg_number(&call, "uv_per_mm")))
		PG_RETURN_NULL();
	page.montage = healthml_eeg_montage_of(&call);
	healthml_eeg_read(&call);
	healthml_eeg_electrodes(&call, 0);
	healthml_eeg_check_montage(&call, page.montage);
	page.n = call.electrodes.n_samples;
	healthml_check(&call.ctx,
				   hml_arena_alloc(call.arena, page.n, page.montage->n * sizeof(float), (void **) &samples));
	hml_montage_apply(page.montage, call.electrodes.samples, page.n, samples);
	page.samples = samples;
	page.title = title_of(&call);
	page.legend = legend_of(&call, page.montage);
	page.rate = call.signal.sample_rate;
	page.from_s = call.part.from_s;
	page.uv_per_mm = healthml_eeg_number(&call, "uv_per_mm");
	page.doubtful = doubtful_rows(&call.electrodes, page.montage);
	page.n_events = call.edf.n_annotations;
	page.events = events_of(&call.edf);
	hml_text_init(&svg, &call.ctx);
	healthml_check(&call.ctx, hml_plot_eeg(&svg, &page));
	PG_RETURN_TEXT_P(finish(&call, &svg));
}

PG_FUNCTION_INFO_V1(healthml_plot_eeg_spectrogram);

/* healthml.plot_eeg_spectrogram(recording, from_s, seconds, low_hz, high_hz, notch_hz, units, title) RETURNS text */
Datum
healthml_plot_eeg_spectrogram(PG_FUNCTION_ARGS)
{
	HealthmlEegCall call;
	size_t n_frames;
	float *power;
	HmlText svg;

	if (!healthml_eeg_begin(fcinfo, &call) || healthml_eeg_text(&call, "title") == NULL)
		PG_RETURN_NULL();
	power = healthml_eeg_power(&call, &n_frames);
	hml_text_init(&svg, &call.ctx);
	healthml_check(&call.ctx,
				   hml_plot_eeg_spectrogram(&svg, title_of(&call), power, n_frames, call.part.from_s));
	PG_RETURN_TEXT_P(finish(&call, &svg));
}
