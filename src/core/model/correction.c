/*
 * correction.c
 *	  Fitting, applying, writing and reading corrections of probabilities.
 *
 * Memory: of a fit, the sorted rows.  Applying allocates nothing.
 */
#include "core/model/correction.h"

#include <math.h>

#include "core/base/sort.h"

#define NEWTON_STEPS 100
#define NEWTON_TOLERANCE 1e-12
#define RIDGE 1e-12 /* keeps the normal equations solvable */

static double
logit(double p)
{
	double clipped = fmin(fmax(p, 1e-15), 1 - 1e-15);

	return log(clipped) - log1p(-clipped);
}

static double
logistic(double x)
{
	return 1 / (1 + exp(-x));
}

static double
interpolate(const HmlCorrection *c, double p)
{
	size_t low = 0;
	size_t high = c->n - 1;

	if (p <= c->x[0])
		return c->y[0];
	if (p >= c->x[high])
		return c->y[high];
	while (high - low > 1)
	{
		size_t middle = low + (high - low) / 2;

		if (c->x[middle] <= p)
			low = middle;
		else
			high = middle;
	}
	return c->y[low] + (c->y[high] - c->y[low]) * (p - c->x[low]) / (c->x[high] - c->x[low]);
}

static void
correct_prior(const HmlCorrection *c, double *outputs, size_t n_outputs)
{
	double sum = 0;

	for (size_t k = 0; k < n_outputs; k++)
		sum += outputs[k] *= c->y[k];
	for (size_t k = 0; k < n_outputs && sum > 0; k++)
		outputs[k] /= sum;
}

void
hml_correct(const HmlCorrection *c, double *outputs, size_t n, size_t n_outputs)
{
	for (size_t i = 0; i < n; i++)
	{
		double *row = outputs + i * n_outputs;

		if (c->kind == HML_CORRECT_PRIOR)
		{
			correct_prior(c, row, n_outputs);
			continue;
		}
		row[1] = c->kind == HML_CORRECT_PLATT ? logistic(c->y[0] * logit(row[1]) + c->y[1])
											  : interpolate(c, row[1]);
		row[0] = 1 - row[1];
	}
}

/* ---- fitting -------------------------------------------------------------------------------------- */

typedef struct Row
{
	double probability;
	double positives;
	double weight;
} Row;

/* Newton's method for slope y[0] and intercept y[1]; targets are smoothed as Platt does. */
static void
fit_logistic(const double *p, const bool *labels, size_t n, size_t n_positive, double *y)
{
	double high = ((double) n_positive + 1) / ((double) n_positive + 2);
	double low = 1 / ((double) (n - n_positive) + 2);

	y[0] = 1;
	y[1] = 0;
	for (int step = 0; step < NEWTON_STEPS; step++)
	{
		double g0 = 0, g1 = 0, h00 = RIDGE, h01 = 0, h11 = RIDGE, determinant, d0, d1;

		for (size_t i = 0; i < n; i++)
		{
			double x = logit(p[i]);
			double q = logistic(y[0] * x + y[1]);
			double error = q - (labels[i] ? high : low);
			double w = fmax(q * (1 - q), RIDGE);

			g0 += error * x;
			g1 += error;
			h00 += w * x * x;
			h01 += w * x;
			h11 += w;
		}
		determinant = h00 * h11 - h01 * h01;
		d0 = (h11 * g0 - h01 * g1) / determinant;
		d1 = (h00 * g1 - h01 * g0) / determinant;
		y[0] -= d0;
		y[1] -= d1;
		if (fabs(d0) + fabs(d1) < NEWTON_TOLERANCE)
			break;
	}
}

/* Rows by ascending probability, equal ones joined; returns how many there are. */
static size_t
join_equal(const double *sorted, const double *p, const bool *labels, size_t n, Row *rows)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		if (i == 0 || sorted[i] != sorted[i - 1])
			rows[count++] = (Row){sorted[i], 0, 0};
	for (size_t i = 0; i < n; i++)
	{
		size_t low = 0;
		size_t high = count - 1;

		while (low < high)
		{
			size_t middle = low + (high - low) / 2;

			if (rows[middle].probability < p[i])
				low = middle + 1;
			else
				high = middle;
		}
		rows[low].weight += 1;
		rows[low].positives += labels[i];
	}
	return count;
}

/* Pool adjacent violators; a block becomes a knot at each of its ends. */
static HmlStatus
fit_isotonic(HmlArena *arena, const double *p, const bool *labels, size_t n, HmlCorrection *out)
{
	HmlContext *ctx = hml_arena_context(arena);
	double *sorted;
	Row *rows;
	size_t n_rows;
	size_t n_blocks = 0;

	HML_TRY(HML_ARENA_NEW(arena, &sorted, n));
	HML_TRY(HML_ARENA_NEW(arena, &rows, n));
	for (size_t i = 0; i < n; i++)
		sorted[i] = p[i];
	HML_TRY(hml_sort_doubles(ctx, sorted, n));
	n_rows = join_equal(sorted, p, labels, n, rows);
	/* sorted is used again, for the probability where each block begins. */
	for (size_t i = 0; i < n_rows; i++)
	{
		sorted[n_blocks] = rows[i].probability;
		rows[n_blocks++] = (Row){rows[i].probability, rows[i].positives, rows[i].weight};
		while (n_blocks > 1 && rows[n_blocks - 2].positives * rows[n_blocks - 1].weight >=
								   rows[n_blocks - 1].positives * rows[n_blocks - 2].weight)
		{
			n_blocks--;
			rows[n_blocks - 1].positives += rows[n_blocks].positives;
			rows[n_blocks - 1].weight += rows[n_blocks].weight;
			rows[n_blocks - 1].probability = rows[n_blocks].probability;
		}
	}
	if (2 * n_blocks > HML_MAX_KNOTS)
		return hml_fail(ctx, HML_LIMIT, "too many steps of a calibration: %zu (limit %d)", 2 * n_blocks,
						HML_MAX_KNOTS);
	HML_TRY(HML_ARENA_NEW(arena, &out->x, 2 * n_blocks));
	HML_TRY(HML_ARENA_NEW(arena, &out->y, 2 * n_blocks));
	out->n = 0;
	for (size_t b = 0; b < n_blocks; b++)
		for (int end = 0; end < (sorted[b] < rows[b].probability ? 2 : 1); end++)
		{
			out->x[out->n] = end == 0 ? sorted[b] : rows[b].probability;
			out->y[out->n++] = rows[b].positives / rows[b].weight;
		}
	return HML_OK;
}

HmlStatus
hml_correction_fit(HmlArena *arena, HmlCorrectionKind kind, const double *probabilities, const bool *labels,
				   size_t n, HmlCorrection *out)
{
	HmlContext *ctx = hml_arena_context(arena);
	size_t n_positive = 0;

	for (size_t i = 0; i < n; i++)
		n_positive += labels[i];
	if (n_positive == 0 || n_positive == n)
		return hml_fail(ctx, HML_INVALID_DATA,
						"probabilities cannot be calibrated with rows of one class only");
	out->kind = kind;
	if (kind == HML_CORRECT_ISOTONIC)
		return fit_isotonic(arena, probabilities, labels, n, out);
	out->n = 2;
	out->x = NULL;
	HML_TRY(HML_ARENA_NEW(arena, &out->y, 2));
	fit_logistic(probabilities, labels, n, n_positive, out->y);
	if (!(out->y[0] > 0) || !isfinite(out->y[0]) || !isfinite(out->y[1]))
		return hml_fail(ctx, HML_INVALID_DATA,
						"probabilities do not rise with the outcome and cannot be calibrated");
	return HML_OK;
}

/* ---- bytes ---------------------------------------------------------------------------------------- */

void
hml_corrections_write(const HmlCorrection *corrections, size_t n, HmlWriter *writer)
{
	hml_write_u32(writer, (uint32_t) n);
	for (size_t i = 0; i < n; i++)
	{
		hml_write_u8(writer, (uint8_t) corrections[i].kind);
		hml_write_u32(writer, (uint32_t) corrections[i].n);
		if (corrections[i].kind == HML_CORRECT_ISOTONIC)
			hml_write_f64_array(writer, corrections[i].x, corrections[i].n);
		hml_write_f64_array(writer, corrections[i].y, corrections[i].n);
	}
}

/* Written so that a NaN anywhere is refused. */
static bool
makes_sense(const HmlCorrection *c, size_t n_outputs)
{
	bool sensible = c->kind == HML_CORRECT_PRIOR
						? c->n == n_outputs
						: n_outputs == 2 && (c->kind == HML_CORRECT_ISOTONIC || c->n == 2);

	for (size_t i = 0; i < c->n && sensible; i++)
	{
		sensible = isfinite(c->y[i]);
		if (c->kind == HML_CORRECT_PRIOR)
			sensible = sensible && c->y[i] > 0;
		if (c->kind == HML_CORRECT_ISOTONIC)
			sensible = c->y[i] >= 0 && c->y[i] <= 1 && isfinite(c->x[i]) &&
					   (i == 0 || (c->x[i] > c->x[i - 1] && c->y[i] >= c->y[i - 1]));
	}
	return sensible && c->n > 0 && (c->kind != HML_CORRECT_PLATT || c->y[0] > 0);
}

HmlStatus
hml_corrections_read(HmlArena *arena, HmlReader *reader, size_t n_outputs, HmlCorrection **corrections,
					 size_t *n)
{
	size_t count;

	HML_TRY(hml_read_count(reader, 5, HML_MAX_CORRECTIONS, &count));
	HML_TRY(HML_ARENA_NEW_ZERO(arena, corrections, count));
	for (size_t i = 0; i < count; i++)
	{
		HmlCorrection *c = &(*corrections)[i];
		uint8_t kind;

		HML_TRY(hml_read_u8(reader, &kind));
		if (kind < HML_CORRECT_PRIOR || kind > HML_CORRECT_ISOTONIC)
			return hml_fail(reader->ctx, HML_CORRUPT, "%s has the unknown kind %u", reader->what, kind);
		c->kind = (HmlCorrectionKind) kind;
		HML_TRY(hml_read_count(reader, sizeof(double), HML_MAX_KNOTS, &c->n));
		HML_TRY(HML_ARENA_NEW(arena, &c->x, c->n));
		HML_TRY(HML_ARENA_NEW(arena, &c->y, c->n));
		if (c->kind == HML_CORRECT_ISOTONIC)
			HML_TRY(hml_read_f64_array(reader, c->x, c->n));
		HML_TRY(hml_read_f64_array(reader, c->y, c->n));
		if (!makes_sense(c, n_outputs))
			return hml_fail(reader->ctx, HML_CORRUPT, "%s has numbers that make no sense", reader->what);
	}
	*n = count;
	return hml_read_end(reader);
}
