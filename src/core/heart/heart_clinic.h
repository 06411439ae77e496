/*
 * heart_clinic.h
 *	  Does a recording sound as if it came from one of the clinics that a model
 *	  was trained on?
 *
 * By its floors (heart_floor.h) alone, and so by stethoscope, filters and room.
 * Each clinic keeps its training recordings, whitened by their own covariance; a
 * recording's distance to a clinic is that to its third nearest one there, in
 * units of the distance that nine in ten of the clinic's own recordings keep to
 * those of other patients.  Familiarity is 1 up to 0.95 of that distance to the
 * nearest clinic, 0 from 1.05 on.
 */
#ifndef HML_HEART_HEART_CLINIC_H
#define HML_HEART_HEART_CLINIC_H

#include "core/base/bytes.h"
#include "core/heart/heart_features.h"

#define HML_HEART_MIN_CLINIC 8    /* recordings; of fewer, a clinic cannot be recognised */
#define HML_HEART_MAX_CLINIC 2000 /* recordings of a clinic that are kept, evenly chosen */
#define HML_HEART_MAX_CLINICS 1000
#define HML_HEART_NEIGHBOURS 3  /* the distance to a clinic is that to the third nearest recording */
#define HML_HEART_FAMILIAR 0.95 /* distance up to which familiarity is 1, ... */
#define HML_HEART_FOREIGN 1.05  /* ... and from which on it is 0 */

typedef struct HmlHeartClinic
{
	double factor[HML_HEART_FLOORS * HML_HEART_FLOORS]; /* Cholesky's, of the covariance; lower */
	double reach;                                       /* distance that is 1 */
	size_t n;
	float *points; /* (n, HML_HEART_FLOORS) whitened */
} HmlHeartClinic;

typedef struct HmlHeartClinics
{
	size_t n;
	HmlHeartClinic *clinics;
} HmlHeartClinics;

/*
 * features is (n, HML_HEART_FEATURES); sites are below n_sites and become the
 * clinics, but those that 'left_out' (n_sites, NULL = none) or too few recordings
 * leave out.  Recordings of one group do not vouch for each other.
 */
typedef struct HmlHeartClinicData
{
	size_t n;
	const float *features;
	const uint32_t *sites;
	uint32_t n_sites;
	const uint32_t *groups; /* NULL = every recording is a group */
	const bool *left_out;
} HmlHeartClinicData;

extern HmlStatus hml_heart_clinics_fit(HmlArena *arena, const HmlHeartClinicData *data,
									   HmlHeartClinics *out) HML_NODISCARD;

/* 0 to 1, of one row of features. */
extern double hml_heart_familiarity(const HmlHeartClinics *clinics, const float *features);

extern void hml_heart_clinics_write(const HmlHeartClinics *clinics, HmlWriter *writer);
extern HmlStatus hml_heart_clinics_read(HmlArena *arena, HmlReader *reader,
										HmlHeartClinics *out) HML_NODISCARD;

#endif /* HML_HEART_HEART_CLINIC_H */
