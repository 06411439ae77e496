/*
 * early_warning.h
 *	  The aggregate scores of hospital wards: NEWS2, MEWS, qSOFA.
 *
 * Royal College of Physicians, National Early Warning Score (NEWS) 2, 2017;
 * C. P. Subbe et al., Validation of a modified Early Warning Score in medical
 * admissions, QJM 94, 2001; M. Singer et al., The third international consensus
 * definitions for sepsis, JAMA 315, 2016.
 *
 * A parameter that is missing (NaN; consciousness 0; oxygen unknown) gets no points
 * and is named by its bit, so that the score is then a lower bound.  The tables
 * are written for whole numbers and tenths of a degree: a value between two bands
 * belongs to the upper one.
 */
#ifndef HML_LEARN_RULES_EARLY_WARNING_H
#define HML_LEARN_RULES_EARLY_WARNING_H

#include "core/model/calibration.h"

typedef enum HmlVital
{
	HML_VITAL_RESPIRATION,
	HML_VITAL_SPO2,
	HML_VITAL_OXYGEN,
	HML_VITAL_SYSTOLIC,
	HML_VITAL_PULSE,
	HML_VITAL_CONSCIOUSNESS,
	HML_VITAL_TEMPERATURE,
	HML_N_VITALS
} HmlVital;

extern const char *const hml_vital_names[HML_N_VITALS];

typedef struct HmlVitals
{
	double respiration; /* per minute */
	double spo2;        /* percent */
	double on_oxygen;   /* 0, 1, NaN */
	double systolic_bp; /* mmHg */
	double pulse;       /* per minute */
	char
		consciousness; /* 'A' alert, 'C' newly confused, 'V' voice, 'P' pain, 'U' unresponsive; 0 = missing */
	double temperature; /* degrees Celsius */
} HmlVitals;

typedef struct HmlEarlyWarning
{
	int score;
	HmlRisk risk;            /* unknown: low so far, but something is missing */
	bool single_parameter_3; /* one parameter alone has three points */
	unsigned missing;        /* bits 1 << HmlVital */
	bool nothing;            /* all of them are missing */
	const char *response;    /* what the score's authors ask for */
} HmlEarlyWarning;

/* HML_INVALID_DATA: a value that cannot be, such as a temperature in degrees Fahrenheit, or an unknown letter. */
extern HmlStatus hml_news2(HmlContext *ctx, const HmlVitals *vitals, int spo2_scale,
						   HmlEarlyWarning *out) HML_NODISCARD;
extern HmlStatus hml_mews(HmlContext *ctx, const HmlVitals *vitals, HmlEarlyWarning *out) HML_NODISCARD;
extern HmlStatus hml_qsofa(HmlContext *ctx, const HmlVitals *vitals, HmlEarlyWarning *out) HML_NODISCARD;

#endif /* HML_LEARN_RULES_EARLY_WARNING_H */
