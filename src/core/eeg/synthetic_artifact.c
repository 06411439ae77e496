/*
 * synthetic_artifact.c
 *	  What the bedside adds to an EEG: blinks, muscle, chewing, mains, pops of
 *	  electrodes, the heart, a dead lead, drifts and offsets.
 */
#include "core/eeg/synthetic_head.h"

#include <math.h>

#define PI 3.14159265358979323846
#define RATE HML_SYNTHETIC_EEG_RATE
#define ECG HML_EEG_ELECTRODES /* number of its channel */

/* Half a sine of 'seconds' from second 'start' on, of a field. */
static void
add_half_wave(HmlHead *head, const HmlField *field, double start, double seconds, double uv)
{
	size_t first = (size_t) (start * RATE);
	size_t n = (size_t) (seconds * RATE);

	for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
		for (size_t i = 0; i < n && first + i < head->n; i++)
			head->samples[e * head->n + first + i] +=
				(float) (uv * field->gain[e] * sin(PI * (double) i / (double) n));
}

static void
add_blinks(HmlHead *head, double every_s)
{
	HmlField eyes = hml_field_round((double[3]){0, 1.05, -0.1}, 0.35);
	double seconds = (double) head->n / RATE;

	for (double t = hml_between(&head->rng, 0, every_s); t < seconds;
		 t += hml_between(&head->rng, 0.3, 1.7) * every_s)
		add_half_wave(head, &eyes, t, hml_between(&head->rng, 0.2, 0.4), hml_between(&head->rng, 60, 250));
}

/* Noise of muscles near the ears or the forehead, now and then or in the rhythm of chewing. */
static HmlStatus
add_muscle(HmlHead *head, bool chews)
{
	static const HmlElectrode places[] = {HML_T3, HML_T4, HML_F7, HML_F8, HML_FP1, HML_FP2};
	HmlField field = hml_field_round(hml_electrode_places[places[hml_rng_below(&head->rng, 6)]],
									 hml_between(&head->rng, 0.3, 1.0));
	double hz = chews ? hml_between(&head->rng, 0.8, 2) : hml_between(&head->rng, 0.03, 0.3);
	double share = chews ? 0.0 : hml_between(&head->rng, -1, 0.7); /* of the time in which it is silent */
	double uv = hml_draw_spread(&head->rng, 5, 60);
	float *source;

	HML_TRY(HML_NEW(head->ctx, &source, head->n));
	hml_rhythm(&head->rng, hml_between(&head->rng, 28, 55), 30, source, head->n);
	for (size_t i = 0; i < head->n; i++)
		source[i] *= (float) (uv * fmax(0, sin(2 * PI * hz * (double) i / RATE) - share));
	hml_head_add(head, &field, source, 0, head->n);
	hml_free(head->ctx, source);
	return hml_poll(head->ctx);
}

static HmlStatus
add_mains(HmlHead *head)
{
	double hz = hml_chance(&head->rng, 0.5) ? 60 : 50;
	double uv = hml_draw_spread(&head->rng, 1, 30);

	for (size_t e = 0; e < HML_SYNTHETIC_EEG_CHANNELS; e++)
	{
		double level = uv * hml_rng_uniform(&head->rng);
		double phase = hml_between(&head->rng, 0, 2 * PI);

		for (size_t i = 0; i < head->n; i++)
			head->samples[e * head->n + i] += (float) (level * sin(2 * PI * hz * (double) i / RATE + phase));
		HML_TRY(hml_poll(head->ctx));
	}
	return HML_OK;
}

/* A jump of one electrode that dies away. */
static void
add_pops(HmlHead *head)
{
	size_t e = (size_t) hml_rng_below(&head->rng, HML_EEG_ELECTRODES);
	double seconds = (double) head->n / RATE;

	for (double t = hml_between(&head->rng, 0, 10); t < seconds; t += hml_between(&head->rng, 1, 20))
	{
		size_t first = (size_t) (t * RATE);
		double uv = hml_between(&head->rng, -400, 400);

		for (size_t i = first; i < head->n && i < first + 2 * RATE; i++)
			head->samples[e * head->n + i] += (float) (uv * exp(-(double) (i - first) / (0.3 * RATE)));
	}
}

/* The heart in its own channel, and a little of it elsewhere. */
static void
add_heart(HmlHead *head, double share)
{
	double period = 60 / hml_between(&head->rng, 55, 120);
	double seconds = (double) head->n / RATE;

	for (double t = hml_between(&head->rng, 0, period); t < seconds;
		 t += period * exp(0.03 * hml_rng_normal(&head->rng)))
		for (size_t i = (size_t) (t * RATE); i < head->n && (double) i / RATE < t + 0.5; i++)
		{
			double s = (double) i / RATE - t - 0.05;
			float uv = (float) (900 * exp(-s * s / 0.0002) + 180 * exp(-(s - 0.25) * (s - 0.25) / 0.003));

			head->samples[ECG * head->n + i] += uv;
			for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
				head->samples[e * head->n + i] += (float) (share * (1 - hml_electrode_places[e][0]) * uv);
		}
}

/* A lead that came off holds what the amplifier makes of nothing. */
static void
kill_lead(HmlHead *head)
{
	size_t e = (size_t) hml_rng_below(&head->rng, HML_EEG_ELECTRODES);
	bool is_flat = hml_chance(&head->rng, 0.5);

	for (size_t i = 0; i < head->n; i++)
		head->samples[e * head->n + i] = is_flat ? 0 : (float) (3 * hml_rng_normal(&head->rng));
}

static HmlStatus
add_offsets(HmlHead *head)
{
	for (size_t e = 0; e < HML_SYNTHETIC_EEG_CHANNELS; e++)
	{
		double offset = 300 * hml_rng_normal(&head->rng);
		double drift = 40 * hml_rng_uniform(&head->rng);
		double hz = hml_between(&head->rng, 0.01, 0.15);

		for (size_t i = 0; i < head->n; i++)
			head->samples[e * head->n + i] += (float) (offset + drift * sin(2 * PI * hz * (double) i / RATE));
		HML_TRY(hml_poll(head->ctx));
	}
	return HML_OK;
}

HmlStatus
hml_add_artifacts(HmlHead *head, double amount)
{
	HmlRng *rng = &head->rng;

	add_heart(head, hml_chance(rng, 0.2 * amount) ? hml_between(rng, 0, 0.03) : 0);
	HML_TRY(hml_poll(head->ctx));
	if (hml_chance(rng, 0.35 * amount))
		add_blinks(head, hml_between(rng, 1, 8));
	if (hml_chance(rng, 0.5 * amount))
		HML_TRY(add_muscle(head, false));
	if (hml_chance(rng, 0.06 * amount))
		HML_TRY(add_muscle(head, true));
	if (hml_chance(rng, 0.4 * amount))
		HML_TRY(add_mains(head));
	if (hml_chance(rng, 0.1 * amount))
		add_pops(head);
	if (hml_chance(rng, 0.08 * amount))
		kill_lead(head);
	HML_TRY(hml_poll(head->ctx));
	return amount > 0 ? add_offsets(head) : HML_OK;
}
