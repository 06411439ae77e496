/*
 * calibration.c
 *	  Percentile and risk level of a score.
 *
 * Of more training scores than are kept, every k-th of the ascending ones stays,
 * the least and the greatest always, so that a percentile is wrong by less than
 * one part in HML_CALIBRATION_SIZE.
 *
 * Bytes: docs/model-format.md, section CALI.
 */
#include "core/model/calibration.h"

#include <math.h>
#include <string.h>

#include "core/base/sort.h"

HmlStatus
hml_calibration_fit(HmlArena *arena, double *scores, size_t n, HmlCalibration *out)
{
	size_t kept = n < HML_CALIBRATION_SIZE ? n : HML_CALIBRATION_SIZE;

	memset(out, 0, sizeof(*out));
	HML_TRY(hml_sort_doubles(hml_arena_context(arena), scores, n));
	HML_TRY(HML_ARENA_NEW(arena, &out->scores, kept));
	out->n_scores = kept;
	for (size_t i = 0; i < kept; i++)
		out->scores[i] =
			scores[kept == n ? i : (size_t) ((double) i * (double) (n - 1) / (double) (kept - 1))];
	return HML_OK;
}

void
hml_calibration_decide(HmlCalibration *calibration, double threshold)
{
	calibration->threshold = threshold;
	calibration->high_cutoff = threshold;
	calibration->medium_cutoff = threshold / 2.0;
}

double
hml_calibration_percentile(const HmlCalibration *calibration, double score)
{
	size_t low = 0;
	size_t high = calibration->n_scores;

	if (calibration->n_scores == 0 || isnan(score))
		return NAN;
	while (low < high)
	{
		size_t middle = low + (high - low) / 2;

		if (calibration->scores[middle] < score)
			low = middle + 1;
		else
			high = middle;
	}
	return 100.0 * (double) low / (double) calibration->n_scores;
}

HmlRisk
hml_calibration_risk(const HmlCalibration *calibration, double score)
{
	if (score > calibration->high_cutoff)
		return HML_RISK_HIGH;
	return score > calibration->medium_cutoff ? HML_RISK_MEDIUM : HML_RISK_LOW;
}

void
hml_calibration_write(const HmlCalibration *calibration, HmlWriter *writer)
{
	hml_write_f64(writer, calibration->medium_cutoff);
	hml_write_f64(writer, calibration->high_cutoff);
	hml_write_f64(writer, calibration->threshold);
	hml_write_u32(writer, (uint32_t) calibration->n_scores);
	hml_write_f64_array(writer, calibration->scores, calibration->n_scores);
}

/* Written so that a NaN anywhere is refused. */
static HmlStatus
check_calibration(const HmlCalibration *calibration, const HmlReader *reader)
{
	bool ascending = true;

	for (size_t i = 0; i < calibration->n_scores; i++)
		ascending = ascending && calibration->scores[i] >= calibration->scores[i > 0 ? i - 1 : 0];
	if (!ascending)
		return hml_fail(reader->ctx, HML_CORRUPT, "%s has scores that are not in order", reader->what);
	if (!(calibration->medium_cutoff <= calibration->high_cutoff) || isnan(calibration->threshold))
		return hml_fail(reader->ctx, HML_CORRUPT, "%s has cut-offs that make no sense", reader->what);
	return HML_OK;
}

HmlStatus
hml_calibration_read(HmlArena *arena, HmlReader *reader, HmlCalibration *out)
{
	memset(out, 0, sizeof(*out));
	HML_TRY(hml_read_f64(reader, &out->medium_cutoff));
	HML_TRY(hml_read_f64(reader, &out->high_cutoff));
	HML_TRY(hml_read_f64(reader, &out->threshold));
	HML_TRY(hml_read_count(reader, sizeof(double), HML_CALIBRATION_SIZE, &out->n_scores));
	HML_TRY(HML_ARENA_NEW(arena, &out->scores, out->n_scores));
	HML_TRY(hml_read_f64_array(reader, out->scores, out->n_scores));
	return check_calibration(out, reader);
}
