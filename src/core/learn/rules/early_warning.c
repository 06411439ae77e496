/*
 * early_warning.c
 *	  NEWS2, MEWS and qSOFA as tables of bands.
 *
 * No memory, no polls: a score takes some tens of nanoseconds.
 */
#include "core/learn/rules/early_warning.h"

#include <math.h>
#include <string.h>

const char *const hml_vital_names[HML_N_VITALS] = {
	"respiration", "spo2", "on_oxygen", "systolic_bp", "pulse", "consciousness", "temperature",
};

/* ---- bands ----------------------------------------------------------------------------------------- */

/* Values up to and including 'upto', or below it where the table says "less than". */
typedef struct Band
{
	double upto;
	int points;
} Band;

static const Band news_respiration[] = {{8, 3}, {11, 1}, {20, 0}, {24, 2}, {INFINITY, 3}};
static const Band news_spo2[] = {{91, 3}, {93, 2}, {95, 1}, {INFINITY, 0}};
static const Band news_spo2_air[] = {{83, 3}, {85, 2}, {87, 1}, {INFINITY, 0}};
static const Band news_spo2_oxygen[] = {{83, 3}, {85, 2}, {87, 1}, {92, 0}, {94, 1}, {96, 2}, {INFINITY, 3}};
static const Band news_systolic[] = {{90, 3}, {100, 2}, {110, 1}, {219, 0}, {INFINITY, 3}};
static const Band news_pulse[] = {{40, 3}, {50, 1}, {90, 0}, {110, 1}, {130, 2}, {INFINITY, 3}};
static const Band news_temperature[] = {{35.0, 3}, {36.0, 1}, {38.0, 0}, {39.0, 1}, {INFINITY, 2}};

static const Band mews_systolic[] = {{70, 3}, {80, 2}, {100, 1}, {199, 0}, {INFINITY, 2}};
static const Band mews_pulse[] = {{40, 2}, {50, 1}, {100, 0}, {110, 1}, {129, 2}, {INFINITY, 3}};

/* "Less than" ends a band of these: the number before it is the last of the band. */
static const Band mews_respiration[] = {{9, 2}, {15, 0}, {21, 1}, {30, 2}, {INFINITY, 3}};
static const Band mews_temperature[] = {{35.0, 2}, {38.5, 0}, {INFINITY, 2}};

static int
points_upto(const Band *band, double value)
{
	while (value > band->upto)
		band++;
	return band->points;
}

static int
points_below(const Band *band, double value)
{
	while (value >= band->upto && band->upto < INFINITY)
		band++;
	return band->points;
}

/* ---- values ---------------------------------------------------------------------------------------- */

typedef struct Range
{
	double low;
	double high;
	const char *unit;
} Range;

/* What no living or dying human has: it was measured in another unit, or not at all. */
static const Range ranges[HML_N_VITALS] = {
	[HML_VITAL_RESPIRATION] = {0, 200, "Respiration is in breaths per minute."},
	[HML_VITAL_SPO2] = {0, 100, "Oxygen saturation is in percent."},
	[HML_VITAL_SYSTOLIC] = {0, 400, "Blood pressure is in mmHg."},
	[HML_VITAL_PULSE] = {0, 400, "Pulse is in beats per minute."},
	[HML_VITAL_TEMPERATURE] = {10, 50, "Temperature is in degrees Celsius."},
};

/* A share in place of a percentage is within the range, but no saturation. */
#define LEAST_SPO2 1.0

static HmlStatus
refuse(HmlContext *ctx, HmlVital vital, double value)
{
	hml_fail(ctx, HML_INVALID_DATA, "%s %g is out of range (%g to %g)", hml_vital_names[vital], value,
			 ranges[vital].low, ranges[vital].high);
	return hml_hint(ctx, "%s", ranges[vital].unit);
}

/* True: there is a value, and it can be. */
static HmlStatus
present(HmlContext *ctx, HmlVital vital, double value, HmlEarlyWarning *out, bool *is_there)
{
	*is_there = !isnan(value);
	if (!*is_there)
	{
		out->missing |= 1u << vital;
		return HML_OK;
	}
	if (value < ranges[vital].low || value > ranges[vital].high)
		return refuse(ctx, vital, value);
	if (vital == HML_VITAL_SPO2 && value > 0 && value <= LEAST_SPO2)
		return refuse(ctx, vital, value);
	return HML_OK;
}

static void
add_points(HmlEarlyWarning *out, int points)
{
	out->score += points;
	if (points >= 3)
		out->single_parameter_3 = true;
}

typedef int (*PointsOf)(const Band *bands, double value);

static HmlStatus
add_bands(HmlContext *ctx, HmlVital vital, double value, PointsOf points, const Band *bands,
		  HmlEarlyWarning *out)
{
	bool is_there;

	HML_TRY(present(ctx, vital, value, out, &is_there));
	if (is_there)
		add_points(out, points(bands, value));
	return HML_OK;
}

/* Points of each letter of "ACVPU". */
static HmlStatus
add_consciousness(HmlContext *ctx, char letter, const int points[5], HmlEarlyWarning *out)
{
	static const char letters[] = "ACVPU";
	const char *found;

	if (letter == 0)
	{
		out->missing |= 1u << HML_VITAL_CONSCIOUSNESS;
		return HML_OK;
	}
	found = strchr(letters, letter);
	if (found == NULL)
	{
		hml_fail(ctx, HML_INVALID_DATA, "consciousness must be A, C, V, P or U");
		return hml_hint(ctx,
						"A is alert, C newly confused, V responds to voice, P to pain, U is unresponsive.");
	}
	add_points(out, points[found - letters]);
	return HML_OK;
}

static void
begin(HmlEarlyWarning *out)
{
	memset(out, 0, sizeof(*out));
}

/* Nothing is low that may yet be more. */
static void
finish(HmlEarlyWarning *out, unsigned n_parameters)
{
	out->nothing = (unsigned) __builtin_popcount(out->missing) == n_parameters;
	if (out->missing != 0 && out->risk == HML_RISK_LOW)
	{
		out->risk = HML_RISK_UNKNOWN;
		out->response = "measure what is missing: the score is at least this high";
	}
}

/* ---- NEWS2 ----------------------------------------------------------------------------------------- */

#define NEWS_URGENT 5
#define NEWS_EMERGENCY 7

static HmlStatus
add_oxygen(HmlContext *ctx, const HmlVitals *vitals, int spo2_scale, HmlEarlyWarning *out)
{
	const Band *bands = news_spo2;

	if (spo2_scale == 2)
		bands = vitals->on_oxygen == 1.0 ? news_spo2_oxygen : news_spo2_air;
	if (isnan(vitals->on_oxygen))
		out->missing |= 1u << HML_VITAL_OXYGEN;
	else if (vitals->on_oxygen == 1.0)
		add_points(out, 2);
	return add_bands(ctx, HML_VITAL_SPO2, vitals->spo2, points_upto, bands, out);
}

static void
judge_news2(HmlEarlyWarning *out)
{
	if (out->score >= NEWS_EMERGENCY)
	{
		out->risk = HML_RISK_HIGH;
		out->response = "emergency response: assessment by a critical care team, continuous monitoring";
	}
	else if (out->score >= NEWS_URGENT)
	{
		out->risk = HML_RISK_MEDIUM;
		out->response = "urgent response: review by a clinician within an hour, monitoring every hour";
	}
	else if (out->single_parameter_3)
	{
		out->risk = HML_RISK_MEDIUM;
		out->response = "urgent ward review: one parameter is extreme, monitoring every hour";
	}
	else
		out->response = out->score > 0 ? "assessment by a nurse, monitoring every 4 to 6 hours"
									   : "monitoring every 12 hours";
}

HmlStatus
hml_news2(HmlContext *ctx, const HmlVitals *vitals, int spo2_scale, HmlEarlyWarning *out)
{
	static const int consciousness[5] = {0, 3, 3, 3, 3};

	begin(out);
	if (spo2_scale != 1 && spo2_scale != 2)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "spo2_scale must be 1 or 2, not %d", spo2_scale);
	HML_TRY(add_bands(ctx, HML_VITAL_RESPIRATION, vitals->respiration, points_upto, news_respiration, out));
	HML_TRY(add_oxygen(ctx, vitals, spo2_scale, out));
	HML_TRY(add_bands(ctx, HML_VITAL_SYSTOLIC, vitals->systolic_bp, points_upto, news_systolic, out));
	HML_TRY(add_bands(ctx, HML_VITAL_PULSE, vitals->pulse, points_upto, news_pulse, out));
	HML_TRY(add_consciousness(ctx, vitals->consciousness, consciousness, out));
	HML_TRY(add_bands(ctx, HML_VITAL_TEMPERATURE, vitals->temperature, points_upto, news_temperature, out));
	judge_news2(out);
	finish(out, HML_N_VITALS);
	return HML_OK;
}

/* ---- MEWS ------------------------------------------------------------------------------------------ */

#define MEWS_CRITICAL 5
#define MEWS_WATCH 3
#define N_MEWS 5

/* New confusion was not on the scale of 2001; it counts like a response to voice. */
HmlStatus
hml_mews(HmlContext *ctx, const HmlVitals *vitals, HmlEarlyWarning *out)
{
	static const int consciousness[5] = {0, 1, 1, 2, 3};

	begin(out);
	HML_TRY(add_bands(ctx, HML_VITAL_RESPIRATION, vitals->respiration, points_below, mews_respiration, out));
	HML_TRY(add_bands(ctx, HML_VITAL_SYSTOLIC, vitals->systolic_bp, points_upto, mews_systolic, out));
	HML_TRY(add_bands(ctx, HML_VITAL_PULSE, vitals->pulse, points_upto, mews_pulse, out));
	HML_TRY(add_consciousness(ctx, vitals->consciousness, consciousness, out));
	HML_TRY(add_bands(ctx, HML_VITAL_TEMPERATURE, vitals->temperature, points_below, mews_temperature, out));
	if (out->score >= MEWS_CRITICAL)
	{
		out->risk = HML_RISK_HIGH;
		out->response = "critical: urgent review, consider intensive care";
	}
	else if (out->score >= MEWS_WATCH)
	{
		out->risk = HML_RISK_MEDIUM;
		out->response = "review by a clinician, closer monitoring";
	}
	else
		out->response = "routine monitoring";
	finish(out, N_MEWS);
	return HML_OK;
}

/* ---- qSOFA ----------------------------------------------------------------------------------------- */

#define QSOFA_POSITIVE 2
#define N_QSOFA 3

static const Band qsofa_respiration[] = {{22, 0}, {INFINITY, 1}}; /* below */
static const Band qsofa_systolic[] = {{100, 1}, {INFINITY, 0}};

HmlStatus
hml_qsofa(HmlContext *ctx, const HmlVitals *vitals, HmlEarlyWarning *out)
{
	static const int consciousness[5] = {0, 1, 1, 1, 1};

	begin(out);
	HML_TRY(add_bands(ctx, HML_VITAL_RESPIRATION, vitals->respiration, points_below, qsofa_respiration, out));
	HML_TRY(add_bands(ctx, HML_VITAL_SYSTOLIC, vitals->systolic_bp, points_upto, qsofa_systolic, out));
	HML_TRY(add_consciousness(ctx, vitals->consciousness, consciousness, out));
	out->risk = out->score >= QSOFA_POSITIVE ? HML_RISK_HIGH : HML_RISK_LOW;
	out->response = out->score >= QSOFA_POSITIVE ? "look for organ dysfunction, treat as possible sepsis"
												 : "routine monitoring; look again when the patient changes";
	finish(out, N_QSOFA);
	return HML_OK;
}
