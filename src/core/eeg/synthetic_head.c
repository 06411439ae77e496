/*
 * synthetic_head.c
 *	  Sources, fields and background of EEGs that nobody has.
 *
 * The background is a sum of sources under the scalp, each with 1/f noise of its own
 * slope, a posterior rhythm of both sides, beta in front, slow waves everywhere or of
 * one place, and the noise of electrodes.  A source is filtered noise: a bank of one-pole
 * filters an octave apart on one white noise, or a resonator of second order.
 */
#include "core/eeg/synthetic_head.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846
#define RATE HML_SYNTHETIC_EEG_RATE
#define POLES 8
#define LOWEST_POLE_HZ 0.25
#define SOURCES 12

double
hml_draw_spread(HmlRng *rng, double low, double high)
{
	double middle = (log(low) + log(high)) / 2;
	double deviation = (log(high) - log(low)) / (2 * 1.645);

	return exp(middle + deviation * hml_rng_normal(rng));
}

/* ---- fields ---------------------------------------------------------------------------------------- */

HmlField
hml_field_round(const double place[3], double width)
{
	HmlField field;

	for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
	{
		double square = 0;

		for (size_t k = 0; k < 3; k++)
			square += (hml_electrode_places[e][k] - place[k]) * (hml_electrode_places[e][k] - place[k]);
		field.gain[e] = exp(-square / (2 * width * width));
	}
	return field;
}

HmlField
hml_field_mirrored(const HmlField *field)
{
	HmlField both;

	for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
		both.gain[e] = fmax(field->gain[e], field->gain[hml_electrode_mirror((HmlElectrode) e)]);
	return both;
}

void
hml_field_scale(HmlField *field, double factor)
{
	for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
		field->gain[e] *= factor;
}

void
hml_head_add(HmlHead *head, const HmlField *field, const float *source, size_t first, size_t n)
{
	for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
	{
		float *samples = head->samples + e * head->n + first;
		float gain = (float) field->gain[e];

		for (size_t i = 0; i < n; i++)
			samples[i] += gain * source[i];
	}
}

/* ---- noise ----------------------------------------------------------------------------------------- */

void
hml_noise(HmlRng *rng, double slope, float *out, size_t n)
{
	double decay[POLES];
	double gain[POLES];
	double state[POLES] = {0};
	double variance = 0;

	for (size_t k = 0; k < POLES; k++)
	{
		double hz = LOWEST_POLE_HZ * pow(2, (double) k);

		decay[k] = exp(-2 * PI * hz / RATE);
		gain[k] = pow(hz, -slope / 2) * (1 - decay[k]);
	}
	for (size_t k = 0; k < POLES; k++)
		for (size_t j = 0; j < POLES; j++)
			variance += gain[k] * gain[j] / (1 - decay[k] * decay[j]);
	for (size_t i = 0; i < n; i++)
	{
		double white = hml_rng_normal(rng) / sqrt(variance);
		double sum = 0;

		for (size_t k = 0; k < POLES; k++)
			sum += state[k] = decay[k] * state[k] + gain[k] * white;
		out[i] = (float) sum;
	}
}

void
hml_rhythm(HmlRng *rng, double hz, double width_hz, float *out, size_t n)
{
	double r = exp(-PI * width_hz / RATE);
	double c = cos(2 * PI * hz / RATE);
	double variance = (1 + r * r) / ((1 - r * r) * (1 + r * r * r * r - 2 * r * r * (2 * c * c - 1)));
	double last = 0;
	double before = 0;

	for (size_t i = 0; i < n; i++)
	{
		double next = 2 * r * c * last - r * r * before + hml_rng_normal(rng) / sqrt(variance);

		before = last;
		last = next;
		out[i] = (float) next;
	}
}

/* ---- background ------------------------------------------------------------------------------------ */

/* What makes the EEG of one head that of no other. */
typedef struct Person
{
	double level; /* uV */
	double slope;
	double posterior_hz;
	double posterior; /* share of the level */
	double beta;
	double slow;
	double focal; /* 0 = there is no focus of slow waves */
	double focus[3];
	double left; /* attenuation of the hemispheres */
	double right;
} Person;

static void
draw_place(HmlRng *rng, double place[3])
{
	double z = hml_between(rng, -0.1, 1);
	double angle = hml_between(rng, 0, 2 * PI);
	double radius = sqrt(fmax(0, 1 - z * z));

	place[0] = radius * cos(angle);
	place[1] = radius * sin(angle);
	place[2] = z;
}

static Person
draw_person(uint64_t seed)
{
	Person person = {.left = 1, .right = 1};
	HmlRng rng;

	hml_rng_seed(&rng, seed);
	person.level = hml_draw_spread(&rng, 8, 65);
	person.slope = hml_between(&rng, 1.0, 2.4);
	person.posterior_hz = hml_between(&rng, 4.5, 10.5);
	person.posterior = hml_chance(&rng, 0.6) ? hml_between(&rng, 0.1, 0.9) : 0;
	person.beta = hml_chance(&rng, 0.5) ? hml_between(&rng, 0.05, 0.4) : 0;
	person.slow = hml_chance(&rng, 0.6) ? hml_between(&rng, 0.2, 1.2) : 0;
	draw_place(&rng, person.focus);
	person.focal = hml_chance(&rng, 0.3) ? hml_between(&rng, 0.5, 1.6) : 0;
	if (hml_chance(&rng, 0.15))
		*(hml_chance(&rng, 0.5) ? &person.left : &person.right) = hml_between(&rng, 0.3, 0.8);
	return person;
}

static void
add_rhythm(HmlHead *head, const HmlField *shape, double level, double hz, double width_hz, float *source)
{
	HmlField field = *shape;

	hml_rhythm(&head->rng, hz, width_hz, source, head->n);
	hml_field_scale(&field, level);
	hml_head_add(head, &field, source, 0, head->n);
}

static HmlStatus
add_sources(HmlHead *head, const Person *person, float *source)
{
	for (size_t s = 0; s < SOURCES; s++)
	{
		double place[3];
		HmlField field;

		draw_place(&head->rng, place);
		field = hml_field_round(place, hml_between(&head->rng, 0.4, 1.1));
		hml_field_scale(&field, person->level * hml_between(&head->rng, 0.3, 0.7));
		hml_noise(&head->rng, person->slope + hml_between(&head->rng, -0.3, 0.3), source, head->n);
		hml_head_add(head, &field, source, 0, head->n);
		HML_TRY(hml_poll(head->ctx));
	}
	return HML_OK;
}

static HmlStatus
add_rhythms(HmlHead *head, const Person *person, float *source)
{
	static const HmlElectrode posterior[] = {HML_O1, HML_O2};
	HmlField everywhere = hml_field_round((double[3]){0, 0.2, 1}, 1.3);
	HmlField front = hml_field_round((double[3]){0, 0.8, 0.6}, 0.7);
	HmlField focus = hml_field_round(person->focus, 0.6);

	for (size_t side = 0; side < 2; side++)
	{
		HmlField back = hml_field_round(hml_electrode_places[posterior[side]], 0.7);

		add_rhythm(head, &back, person->level * person->posterior, person->posterior_hz, 1.0, source);
	}
	HML_TRY(hml_poll(head->ctx));
	add_rhythm(head, &front, person->level * person->beta, 19, 6, source);
	add_rhythm(head, &everywhere, person->level * person->slow, 2.0, 2.0, source);
	HML_TRY(hml_poll(head->ctx));
	add_rhythm(head, &focus, person->level * person->focal, 1.6, 1.6, source);
	return hml_poll(head->ctx);
}

/* Attenuates hemispheres and adds what each electrode has of its own. */
static HmlStatus
finish_electrodes(HmlHead *head, const Person *person)
{
	for (size_t e = 0; e < HML_EEG_ELECTRODES; e++)
	{
		double x = hml_electrode_places[e][0];
		double side = x < -0.1 ? person->left : (x > 0.1 ? person->right : 1);
		double noise = hml_between(&head->rng, 0.3, 1.5);

		for (size_t i = 0; i < head->n; i++)
			head->samples[e * head->n + i] =
				(float) (side * head->samples[e * head->n + i] + noise * hml_rng_normal(&head->rng));
		HML_TRY(hml_poll(head->ctx));
	}
	return HML_OK;
}

HmlStatus
hml_add_background(HmlHead *head, uint64_t seed)
{
	Person person = draw_person(seed);
	float *source;
	HmlStatus status;

	HML_TRY(HML_NEW(head->ctx, &source, head->n));
	status = add_sources(head, &person, source);
	if (status == HML_OK)
		status = add_rhythms(head, &person, source);
	hml_free(head->ctx, source);
	return status == HML_OK ? finish_electrodes(head, &person) : status;
}
