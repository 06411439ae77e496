/*
 * synthetic_pattern.c
 *	  Periodic discharges, rhythmic delta, seizures, and what is none of these.
 *
 * Frequencies, intervals, extent and amplitudes are drawn from the percentiles that were
 * measured in patients and the classes of the ACNS: discharges are spiky, sharp or blunt,
 * of one to three phases, seizures evolve in frequency, amplitude and extent.
 */
#include "core/eeg/synthetic_head.h"

#include <math.h>

#define PI 3.14159265358979323846
#define RATE HML_SYNTHETIC_EEG_RATE
#define MAX_PHASES 3
#define DISCHARGE_S 1.0 /* after this a discharge and its slow wave are over */

/* ---- places ---------------------------------------------------------------------------------------- */

static const HmlElectrode left_electrodes[] = {HML_FP1, HML_F3, HML_C3, HML_P3,
											   HML_F7,  HML_T3, HML_T5, HML_O1};

/* Over one hemisphere, near one of its electrodes. */
static HmlField
lateral_field(HmlRng *rng, double width, double other_side)
{
	HmlElectrode e = left_electrodes[hml_rng_below(rng, 8)];
	HmlField field;
	HmlField mirrored;

	if (hml_chance(rng, 0.5))
		e = hml_electrode_mirror(e);
	field = hml_field_round(hml_electrode_places[e], width);
	mirrored = hml_field_mirrored(&field);
	for (size_t k = 0; k < HML_EEG_ELECTRODES; k++)
		field.gain[k] = fmax(field.gain[k], other_side * mirrored.gain[k]);
	return field;
}

/* Over both, in front more often than behind, a little stronger on one side. */
static HmlField
general_field(HmlRng *rng)
{
	double y = hml_chance(rng, 0.65) ? hml_between(rng, 0.4, 0.95) : hml_between(rng, -0.9, 0.4);
	double side = hml_between(rng, 0.8, 1.2);
	HmlField field =
		hml_field_round((double[3]){0.45, y, sqrt(fmax(0, 0.8 - y * y))}, hml_between(rng, 0.7, 1.6));

	field = hml_field_mirrored(&field);
	for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
		if (hml_electrode_places[e][0] < -0.1)
			field.gain[e] *= side;
	return field;
}

/* ---- discharges ------------------------------------------------------------------------------------ */

typedef struct Discharge
{
	size_t n_phases;
	double phase_s; /* length of the first; the others are longer */
	double ratio[MAX_PHASES];
	double slow; /* height of the slow wave after it, to the first phase */
	double slow_s;
	double lag_s; /* from the front of the head to the back */
} Discharge;

static Discharge
draw_discharge(HmlRng *rng)
{
	Discharge d = {.n_phases = 1 + (size_t) hml_rng_below(rng, MAX_PHASES)};
	double sign = hml_chance(rng, 0.7) ? -1 : 1;

	d.phase_s = hml_draw_spread(rng, 0.03, 0.25) / 2;
	for (size_t k = 0; k < d.n_phases; k++)
	{
		d.ratio[k] = sign * (k == 0 ? 1 : hml_between(rng, 0.3, 1.1));
		sign = -sign;
	}
	d.slow = hml_chance(rng, 0.5) ? sign * hml_between(rng, 0.2, 0.7) : 0;
	d.slow_s = hml_between(rng, 0.15, 0.4);
	return d;
}

static double
bump(double t, double width)
{
	return exp(-t * t / (2 * width * width));
}

static double
discharge_at(const Discharge *d, double t)
{
	double sum = 0;
	double at = 0.1;
	double width = d->phase_s / 2;

	for (size_t k = 0; k < d->n_phases; k++)
	{
		sum += d->ratio[k] * bump(t - at, width);
		at += 2.2 * width;
		width *= 1.35;
	}
	return sum + d->slow * bump(t - at - d->slow_s / 2, d->slow_s / 2);
}

/* One discharge that begins at second 'start', with a height and a width of its own. */
static void
add_discharge(HmlHead *head, const HmlField *field, const Discharge *shape, double start, double height)
{
	Discharge d = *shape;

	height *= exp(0.2 * hml_rng_normal(&head->rng));
	d.phase_s *= exp(0.12 * hml_rng_normal(&head->rng));
	for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
	{
		double onset = start + d.lag_s * (1 - hml_electrode_places[e][1]) / 2;
		size_t first = onset > 0 ? (size_t) (onset * RATE) : 0;
		size_t last = (size_t) ((onset + DISCHARGE_S) * RATE);

		for (size_t i = first; i < last && i < head->n; i++)
			head->samples[e * head->n + i] +=
				(float) (height * field->gain[e] * discharge_at(&d, (double) i / RATE - onset));
	}
}

static double
interval(HmlRng *rng, double hz, double variation)
{
	return exp(variation * hml_rng_normal(rng) - variation * variation / 2) / hz;
}

static HmlStatus
add_train(HmlHead *head, const HmlField *field, const Discharge *shape, double hz, double variation,
		  double uv)
{
	double end = (double) head->last / RATE;

	for (double t = (double) head->first / RATE + hml_rng_uniform(&head->rng) / hz; t < end;
		 t += fmax(0.2, interval(&head->rng, hz, variation)))
	{
		add_discharge(head, field, shape, t - 0.1, uv);
		HML_TRY(hml_poll(head->ctx));
	}
	return HML_OK;
}

/* ---- rhythms --------------------------------------------------------------------------------------- */

typedef struct Wave
{
	double hz;      /* at the beginning */
	double last_hz; /* at the end */
	double uv;      /* at the beginning */
	double last_uv;
	double variation; /* of its periods */
	double second;    /* harmonics, as shares */
	double third;
	double phase; /* of the harmonics */
	double pause; /* chance of a pause after a wave */
} Wave;

/* Waves one after the other; source is (last - first). */
static void
draw_waves(HmlRng *rng, const Wave *wave, float *source, size_t n)
{
	double height = 1;
	double hz = wave->hz;
	double phase = hml_rng_uniform(rng);
	double silent = 0;

	for (size_t i = 0; i < n; i++)
	{
		double passed = (double) i / (double) n;
		double uv = wave->uv + (wave->last_uv - wave->uv) * passed;
		double angle = 2 * PI * phase;

		silent -= 1.0 / RATE;
		source[i] = silent > 0 ? 0
							   : (float) (uv * height *
										  (sin(angle) + wave->second * sin(2 * angle + wave->phase) +
										   wave->third * sin(3 * angle + wave->phase)));
		phase += silent > 0 ? 0 : hz / RATE;
		if (phase < 1)
			continue;
		phase -= 1;
		hz = (wave->hz + (wave->last_hz - wave->hz) * passed) * exp(wave->variation * hml_rng_normal(rng));
		height = exp(0.25 * hml_rng_normal(rng));
		silent = hml_chance(rng, wave->pause) ? hml_between(rng, 0.4, 2.0) : 0;
	}
}

static HmlStatus
add_waves(HmlHead *head, const HmlField *field, const Wave *wave)
{
	size_t n = head->last - head->first;
	float *source;

	HML_TRY(HML_NEW(head->ctx, &source, n));
	draw_waves(&head->rng, wave, source, n);
	hml_head_add(head, field, source, head->first, n);
	hml_free(head->ctx, source);
	return hml_poll(head->ctx);
}

/* ---- the classes ----------------------------------------------------------------------------------- */

static double
chosen_or(double chosen, double drawn)
{
	return isnan(chosen) ? drawn : chosen;
}

static HmlStatus
add_periodic(HmlHead *head, const HmlSyntheticEeg *eeg, bool is_lateral)
{
	HmlRng *rng = &head->rng;
	Discharge shape = draw_discharge(rng);
	double hz = chosen_or(eeg->frequency_hz,
						  is_lateral ? hml_draw_spread(rng, 0.5, 2) : hml_draw_spread(rng, 0.6, 2.3));
	double variation = is_lateral ? hml_draw_spread(rng, 0.09, 0.51) : hml_draw_spread(rng, 0.10, 0.6);
	double uv = chosen_or(eeg->amplitude_uv, hml_draw_spread(rng, 35, 220));
	HmlField field = is_lateral ? lateral_field(rng, hml_between(rng, 0.4, 0.9), hml_between(rng, 0, 0.25))
								: general_field(rng);

	shape.lag_s = !is_lateral && hml_chance(rng, 0.3) ? hml_between(rng, 0.03, 0.12) : 0;
	if (hml_chance(rng, 0.25)) /* a rhythm between them */
	{
		Wave wave = {.hz = hz, .last_hz = hz, .uv = uv * 0.3, .last_uv = uv * 0.3, .variation = 0.2};

		HML_TRY(add_waves(head, &field, &wave));
	}
	return add_train(head, &field, &shape, hz, variation, uv);
}

static HmlStatus
add_rhythmic_delta(HmlHead *head, const HmlSyntheticEeg *eeg, bool is_lateral)
{
	HmlRng *rng = &head->rng;
	double hz = chosen_or(eeg->frequency_hz,
						  is_lateral ? hml_draw_spread(rng, 0.7, 2.25) : hml_draw_spread(rng, 0.8, 2.25));
	double uv = chosen_or(eeg->amplitude_uv, hml_draw_spread(rng, 25, 140));
	HmlField field = is_lateral ? lateral_field(rng, hml_between(rng, 0.5, 1.0), hml_between(rng, 0, 0.4))
								: general_field(rng);
	Wave wave = {.hz = hz,
				 .last_hz = hz,
				 .uv = uv,
				 .last_uv = uv,
				 .variation = hml_between(rng, 0.05, 0.18),
				 .second = hml_between(rng, 0, 0.35),
				 .third = hml_between(rng, 0, 0.1),
				 .phase = hml_between(rng, 0, 2 * PI),
				 .pause = hml_chance(rng, 0.4) ? hml_between(rng, 0.02, 0.12) : 0};

	return add_waves(head, &field, &wave);
}

/* Starts in a place, grows, slows down and spreads. */
static HmlStatus
add_focal_seizure(HmlHead *head, const HmlSyntheticEeg *eeg)
{
	HmlRng *rng = &head->rng;
	double uv = chosen_or(eeg->amplitude_uv, hml_draw_spread(rng, 40, 250));
	bool spreads = hml_chance(rng, 0.6);
	HmlField field =
		lateral_field(rng, hml_between(rng, 0.5, 0.9), spreads ? hml_between(rng, 0.2, 0.8) : 0.1);
	Wave wave = {.hz = chosen_or(eeg->frequency_hz, hml_draw_spread(rng, 3, 9)),
				 .uv = uv * hml_between(rng, 0.2, 0.7),
				 .last_uv = uv,
				 .variation = hml_between(rng, 0.04, 0.15),
				 .second = hml_between(rng, 0.1, 0.6),
				 .third = hml_between(rng, 0, 0.35),
				 .phase = hml_between(rng, 0, 2 * PI)};

	wave.last_hz = wave.hz * hml_between(rng, 0.35, 0.8);
	if (hml_chance(rng, 0.4)) /* spikes on top of it */
	{
		Discharge spike = {.n_phases = 2, .phase_s = hml_between(rng, 0.04, 0.09), .ratio = {-1, 0.7}};

		HML_TRY(add_train(head, &field, &spike, (wave.hz + wave.last_hz) / 2, 0.12, uv * 0.8));
	}
	return add_waves(head, &field, &wave);
}

/* Spikes and waves of the whole head. */
static HmlStatus
add_general_seizure(HmlHead *head, const HmlSyntheticEeg *eeg)
{
	HmlRng *rng = &head->rng;
	double hz = chosen_or(eeg->frequency_hz, hml_between(rng, 2.5, 4));
	double uv = chosen_or(eeg->amplitude_uv, hml_draw_spread(rng, 60, 300));
	Discharge shape = {.n_phases = 1 + (size_t) hml_rng_below(rng, 2),
					   .phase_s = hml_between(rng, 0.04, 0.1),
					   .ratio = {-1, hml_between(rng, 0.3, 0.9)},
					   .slow = hml_between(rng, 0.3, 0.9),
					   .slow_s = 0.5 / hz};
	HmlField field = general_field(rng);

	return add_train(head, &field, &shape, hz, hml_between(rng, 0.05, 0.2), uv);
}

static HmlStatus
suppress_bursts(HmlHead *head)
{
	double depth = hml_between(&head->rng, 0.02, 0.2);
	double change = 0;
	double gain = 1;
	double aim = 1;

	for (size_t i = 0; i < head->n; i++)
	{
		if ((double) i / RATE >= change)
		{
			bool was_burst = aim > depth;

			aim = was_burst ? depth : hml_between(&head->rng, 1.0, 2.5);
			change += was_burst ? hml_between(&head->rng, 1, 8) : hml_between(&head->rng, 0.5, 3);
		}
		gain += (aim - gain) * 0.03;
		for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
			head->samples[e * head->n + i] *= (float) gain;
		if (i % 16384 == 0)
			HML_TRY(hml_poll(head->ctx));
	}
	return HML_OK;
}

/* Slow waves without a rhythm, of one place or of all. */
static HmlStatus
add_polymorphic_delta(HmlHead *head)
{
	HmlRng *rng = &head->rng;
	HmlField field =
		hml_chance(rng, 0.5) ? general_field(rng) : lateral_field(rng, hml_between(rng, 0.5, 1), 0.2);
	Wave wave = {.hz = hml_between(rng, 0.8, 2.2),
				 .uv = hml_draw_spread(rng, 25, 120),
				 .variation = hml_between(rng, 0.4, 0.7),
				 .second = hml_between(rng, 0, 0.5),
				 .pause = hml_between(rng, 0, 0.3)};

	wave.last_hz = wave.hz;
	wave.last_uv = wave.uv;
	return add_waves(head, &field, &wave);
}

static HmlStatus
add_sporadic_spikes(HmlHead *head)
{
	HmlRng *rng = &head->rng;
	Discharge shape = draw_discharge(rng);
	HmlField field = lateral_field(rng, hml_between(rng, 0.4, 0.8), 0.1);

	return add_train(head, &field, &shape, hml_between(rng, 0.05, 0.25), 0.9, hml_draw_spread(rng, 40, 200));
}

static HmlStatus
add_other(HmlHead *head)
{
	static HmlStatus (*const kinds[])(HmlHead *) = {suppress_bursts, add_polymorphic_delta,
													add_sporadic_spikes};
	double kind = hml_rng_uniform(&head->rng);

	if (kind < 0.6)
		return kinds[(size_t) (kind / 0.2)](head);
	if (kind < 0.75) /* low voltage */
		for (size_t i = 0; i < HML_EEG_ELECTRODES * head->n; i++)
			head->samples[i] *= 0.25f;
	return HML_OK; /* the background alone */
}

HmlStatus
hml_add_pattern(HmlHead *head, const HmlSyntheticEeg *eeg)
{
	switch (eeg->pattern)
	{
		case HML_EEG_SEIZURE:
			return hml_chance(&head->rng, 0.7) ? add_focal_seizure(head, eeg)
											   : add_general_seizure(head, eeg);
		case HML_EEG_LPD:
			return add_periodic(head, eeg, true);
		case HML_EEG_GPD:
			return add_periodic(head, eeg, false);
		case HML_EEG_LRDA:
			return add_rhythmic_delta(head, eeg, true);
		case HML_EEG_GRDA:
			return add_rhythmic_delta(head, eeg, false);
		default:
			return add_other(head);
	}
}
