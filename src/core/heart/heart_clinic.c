/*
 * heart_clinic.c
 *	  Covariances, whitening, nearest neighbours.
 *
 * A clinic's covariance is shrunk towards that of all clinics, each about its own
 * mean, and that towards a multiple of the identity, so that few recordings do.
 * Fitting takes the square of a clinic's recordings, scoring the sum of all that
 * are kept: some 30 us for 2,600.  Fitting polls for every recording.
 */
#include "core/heart/heart_clinic.h"

#include <math.h>
#include <string.h>

#include "core/base/sort.h"
#include "core/model/calibration.h"
#include "core/stats/quantile.h"

#define F HML_HEART_FLOORS
#define FIRST_FLOOR HML_HEART_SOUNDS
#define REACH_QUANTILE 0.9
#define POOLED_RECORDINGS 100.0 /* that the covariance of all counts as, beside a clinic's own */
#define IDENTITY_SHARE 0.1      /* of the mean variance, added to the diagonal */
#define VARIANCE_FLOOR 1e-6     /* dB^2 */

/* ---- covariance ------------------------------------------------------ */

/* Recordings of a site, in order, at most HML_HEART_MAX_CLINIC of them evenly chosen. */
typedef struct Site
{
	size_t n;
	uint32_t *rows;
} Site;

static HmlStatus
find_site(HmlArena *arena, const HmlHeartClinicData *data, uint32_t number, size_t all, Site *out)
{
	HML_TRY(HML_ARENA_NEW(arena, &out->rows, all));
	out->n = 0;
	for (size_t i = 0; i < data->n; i++)
		if (data->sites[i] == number)
			out->rows[out->n++] = (uint32_t) i;
	if (all <= HML_HEART_MAX_CLINIC)
		return HML_OK;
	out->n = HML_HEART_MAX_CLINIC;
	for (size_t i = 0; i < out->n; i++)
		out->rows[i] = out->rows[i * all / out->n];
	return HML_OK;
}

/* Sites that are to become clinics: out is (at most HML_HEART_MAX_CLINICS). */
static HmlStatus
find_sites(HmlArena *arena, const HmlHeartClinicData *data, Site **out, size_t *n)
{
	size_t *counts;

	*n = 0;
	HML_TRY(HML_ARENA_NEW(arena, out, HML_HEART_MAX_CLINICS));
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &counts, data->n_sites));
	for (size_t i = 0; i < data->n; i++)
		counts[data->sites[i]]++;
	for (uint32_t s = 0; s < data->n_sites && *n < HML_HEART_MAX_CLINICS; s++)
		if (counts[s] >= HML_HEART_MIN_CLINIC && !(data->left_out != NULL && data->left_out[s]))
		{
			HML_TRY(find_site(arena, data, s, counts[s], &(*out)[(*n)++]));
			HML_TRY(hml_poll(hml_arena_context(arena)));
		}
	return HML_OK;
}

static const float *
floors_of(const HmlHeartClinicData *data, size_t row)
{
	return data->features + row * HML_HEART_FEATURES + FIRST_FLOOR;
}

/* Adds the sums of products about the site's mean; out is (F, F). */
static void
add_scatter(const HmlHeartClinicData *data, const Site *site, double *out)
{
	double mean[F] = {0};

	for (size_t i = 0; i < site->n; i++)
		for (size_t f = 0; f < F; f++)
			mean[f] += floors_of(data, site->rows[i])[f] / (double) site->n;
	for (size_t i = 0; i < site->n; i++)
	{
		const float *floors = floors_of(data, site->rows[i]);

		for (size_t a = 0; a < F; a++)
			for (size_t b = 0; b <= a; b++)
				out[a * F + b] += (floors[a] - mean[a]) * (floors[b] - mean[b]);
	}
}

static void
add_identity(double *covariance)
{
	double trace = 0;

	for (size_t f = 0; f < F; f++)
		trace += covariance[f * F + f];
	for (size_t f = 0; f < F; f++)
		covariance[f * F + f] += IDENTITY_SHARE * trace / F + VARIANCE_FLOOR;
}

/* In place, of a positive definite matrix given by its lower half. */
static void
cholesky(double *matrix)
{
	for (size_t a = 0; a < F; a++)
		for (size_t b = 0; b <= a; b++)
		{
			double sum = matrix[a * F + b];

			for (size_t c = 0; c < b; c++)
				sum -= matrix[a * F + c] * matrix[b * F + c];
			matrix[a * F + b] = a == b ? sqrt(fmax(sum, VARIANCE_FLOOR)) : sum / matrix[b * F + b];
		}
}

static void
whiten(const double *factor, const float *floors, float *out)
{
	double solved[F] = {0};

	for (size_t a = 0; a < F; a++)
	{
		double sum = floors[a];

		for (size_t b = 0; b < a; b++)
			sum -= factor[a * F + b] * solved[b];
		solved[a] = sum / factor[a * F + a];
		out[a] = (float) solved[a];
	}
}

/* ---- distances ------------------------------------------------------- */

typedef struct Nearest
{
	float squares[HML_HEART_NEIGHBOURS]; /* ascending */
} Nearest;

static const Nearest nobody = {{INFINITY, INFINITY, INFINITY}};

static void
add_neighbour(Nearest *nearest, const float *a, const float *b)
{
	float square = 0;
	size_t i = HML_HEART_NEIGHBOURS;

	for (size_t f = 0; f < F; f++)
		square += (a[f] - b[f]) * (a[f] - b[f]);
	for (; i > 0 && square < nearest->squares[i - 1]; i--)
		if (i < HML_HEART_NEIGHBOURS)
			nearest->squares[i] = nearest->squares[i - 1];
	if (i < HML_HEART_NEIGHBOURS)
		nearest->squares[i] = square;
}

/* To the farthest of the neighbours; infinite when there are too few. */
static double
distance(const Nearest *nearest)
{
	return sqrt((double) nearest->squares[HML_HEART_NEIGHBOURS - 1]);
}

static bool
same_group(const HmlHeartClinicData *data, uint32_t a, uint32_t b)
{
	return data->groups == NULL ? a == b : data->groups[a] == data->groups[b];
}

/* reach stays 0 where other patients are too few. */
static HmlStatus
measure_reach(HmlArena *scratch, const HmlHeartClinicData *data, const Site *site, HmlHeartClinic *clinic)
{
	HmlContext *ctx = hml_arena_context(scratch);
	double *distances;
	size_t n = 0;

	HML_TRY(HML_ARENA_NEW(scratch, &distances, site->n));
	for (size_t i = 0; i < site->n; i++)
	{
		Nearest nearest = nobody;

		for (size_t j = 0; j < site->n; j++)
			if (!same_group(data, site->rows[i], site->rows[j]))
				add_neighbour(&nearest, clinic->points + i * F, clinic->points + j * F);
		if (isfinite(distance(&nearest)))
			distances[n++] = distance(&nearest);
		HML_TRY(hml_poll(ctx));
	}
	HML_TRY(hml_sort_doubles(ctx, distances, n));
	clinic->reach = n >= HML_HEART_MIN_CLINIC ? hml_quantile(distances, n, REACH_QUANTILE) : 0;
	return HML_OK;
}

/* ---- fitting --------------------------------------------------------- */

static HmlStatus
fit_clinic(HmlArena *arena, HmlArena *scratch, const HmlHeartClinicData *data, const Site *site,
		   const double *pooled, HmlHeartClinic *out)
{
	memset(out->factor, 0, sizeof(out->factor));
	add_scatter(data, site, out->factor);
	for (size_t i = 0; i < (size_t) F * F; i++)
		out->factor[i] =
			(out->factor[i] + POOLED_RECORDINGS * pooled[i]) / ((double) site->n + POOLED_RECORDINGS);
	cholesky(out->factor);
	out->n = site->n;
	HML_TRY(HML_ARENA_NEW(arena, &out->points, out->n * F));
	for (size_t i = 0; i < out->n; i++)
		whiten(out->factor, floors_of(data, site->rows[i]), out->points + i * F);
	return measure_reach(scratch, data, site, out);
}

static HmlStatus
fit_clinics(HmlArena *arena, HmlArena *scratch, const HmlHeartClinicData *data, HmlHeartClinics *out)
{
	double pooled[F * F] = {0};
	size_t all = 0;
	size_t n_sites;
	Site *sites;

	HML_TRY(find_sites(scratch, data, &sites, &n_sites));
	HML_TRY(HML_ARENA_NEW(arena, &out->clinics, n_sites));
	for (size_t s = 0; s < n_sites; s++)
	{
		add_scatter(data, &sites[s], pooled);
		all += sites[s].n;
	}
	for (size_t i = 0; i < (size_t) F * F && all > 0; i++)
		pooled[i] /= (double) all;
	add_identity(pooled);
	for (size_t s = 0; s < n_sites; s++)
	{
		HML_TRY(fit_clinic(arena, scratch, data, &sites[s], pooled, &out->clinics[out->n]));
		out->n += out->clinics[out->n].reach > 0;
	}
	return HML_OK;
}

HmlStatus
hml_heart_clinics_fit(HmlArena *arena, const HmlHeartClinicData *data, HmlHeartClinics *out)
{
	HmlArena *scratch;
	HmlStatus status;

	memset(out, 0, sizeof(*out));
	HML_TRY(hml_arena_create(hml_arena_context(arena), &scratch));
	status = fit_clinics(arena, scratch, data, out);
	hml_arena_free(scratch);
	return status;
}

double
hml_heart_familiarity(const HmlHeartClinics *clinics, const float *features)
{
	double closest = INFINITY;

	for (size_t c = 0; c < clinics->n; c++)
	{
		const HmlHeartClinic *clinic = &clinics->clinics[c];
		Nearest nearest = nobody;
		float point[F];

		whiten(clinic->factor, features + FIRST_FLOOR, point);
		for (size_t i = 0; i < clinic->n; i++)
			add_neighbour(&nearest, point, clinic->points + i * F);
		closest = fmin(closest, distance(&nearest) / clinic->reach);
	}
	return fmax(0.0, fmin(1.0, (HML_HEART_FOREIGN - closest) / (HML_HEART_FOREIGN - HML_HEART_FAMILIAR)));
}

/* ---- artifact -------------------------------------------------------- */

void
hml_heart_clinics_write(const HmlHeartClinics *clinics, HmlWriter *writer)
{
	hml_write_u32(writer, (uint32_t) clinics->n);
	for (size_t c = 0; c < clinics->n; c++)
	{
		const HmlHeartClinic *clinic = &clinics->clinics[c];

		hml_write_f64_array(writer, clinic->factor, (size_t) F * F);
		hml_write_f64(writer, clinic->reach);
		hml_write_u32(writer, (uint32_t) clinic->n);
		hml_write_f32_array(writer, clinic->points, clinic->n * F);
	}
}

static bool
is_usable(const HmlHeartClinic *clinic)
{
	if (!(clinic->reach > 0) || !isfinite(clinic->reach))
		return false;
	for (size_t i = 0; i < (size_t) F * F; i++)
		if (!isfinite(clinic->factor[i]))
			return false;
	for (size_t f = 0; f < F; f++)
		if (!(clinic->factor[f * F + f] > 0))
			return false;
	for (size_t i = 0; i < clinic->n * F; i++)
		if (!isfinite(clinic->points[i]))
			return false;
	return true;
}

HmlStatus
hml_heart_clinics_read(HmlArena *arena, HmlReader *reader, HmlHeartClinics *out)
{
	memset(out, 0, sizeof(*out));
	HML_TRY(hml_read_count(reader, (F * F + 1) * sizeof(double), HML_HEART_MAX_CLINICS, &out->n));
	HML_TRY(HML_ARENA_NEW_ZERO(arena, &out->clinics, out->n));
	for (size_t c = 0; c < out->n; c++)
	{
		HmlHeartClinic *clinic = &out->clinics[c];

		HML_TRY(hml_read_f64_array(reader, clinic->factor, (size_t) F * F));
		HML_TRY(hml_read_f64(reader, &clinic->reach));
		HML_TRY(hml_read_count(reader, F * sizeof(float), HML_HEART_MAX_CLINIC, &clinic->n));
		HML_TRY(HML_ARENA_NEW(arena, &clinic->points, clinic->n * F));
		HML_TRY(hml_read_f32_array(reader, clinic->points, clinic->n * F));
		if (!is_usable(clinic))
			return hml_fail(reader->ctx, HML_CORRUPT, "clinic %zu of the model has no usable distances",
							c + 1);
	}
	return HML_OK;
}
