/*
 * tally.c
 *	  Counts over the rows that clients held back, and the metrics that they give.
 *
 * Bytes: i64 rows, f64 loss, i64 correct, f64 absolute error, f64 sum and f64 sum
 * of squares of the targets, i64 bins of the negatives, then of the positives.
 */
#include <math.h>
#include <string.h>

#include "core/federated/client.h"
#include "core/learn/mlp/mlp.h"
#include "core/federated/numbers.h"

void
hml_fed_tally_add(HmlFedTally *into, const HmlFedTally *from)
{
	into->rows += from->rows;
	into->loss += from->loss;
	into->correct += from->correct;
	into->absolute_error += from->absolute_error;
	into->target_sum += from->target_sum;
	into->target_squares += from->target_squares;
	for (int c = 0; c < 2; c++)
		for (int b = 0; b < HML_FED_BINS; b++)
			into->bins[c][b] += from->bins[c][b];
}

/* ---- metrics -------------------------------------------------------------------------------------- */

/* Rows by class above a bin's lower edge, from the highest bin down. */
typedef struct Cut
{
	double threshold; /* lower edge of the bin: positive when the score is above it */
	double true_positives;
	double false_positives;
} Cut;

static double
class_rows(const HmlFedTally *tally, int class)
{
	double rows = 0.0;

	for (int b = 0; b < HML_FED_BINS; b++)
		rows += (double) tally->bins[class][b];
	return rows;
}

/* The cut with the greatest Youden index, and the area under the curve of all of them. */
static Cut
walk_cuts(const HmlFedTally *tally, double positives, double negatives, double *area)
{
	Cut cut = {1.0, 0.0, 0.0};
	Cut best = cut;
	double best_index = 0.0;

	*area = 0.0;
	for (int b = HML_FED_BINS - 1; b >= 0; b--)
	{
		double p = (double) tally->bins[1][b];
		double n = (double) tally->bins[0][b];
		double index;

		*area += n * (cut.true_positives + p / 2.0);
		cut.true_positives += p;
		cut.false_positives += n;
		cut.threshold = (double) b / HML_FED_BINS;
		index = cut.true_positives / positives - cut.false_positives / negatives;
		if (index > best_index)
		{
			best_index = index;
			best = cut;
		}
	}
	*area /= positives * negatives;
	return best;
}

static double
ratio(double part, double whole)
{
	return whole > 0.0 ? part / whole : 0.0;
}

static void
report_binary(const HmlFedTally *tally, HmlText *metrics)
{
	double positives = class_rows(tally, 1);
	double negatives = class_rows(tally, 0);
	double area = NAN;
	Cut best;

	hml_add_metric(metrics, "positives", positives);
	if (positives == 0.0 || negatives == 0.0)
		return;
	best = walk_cuts(tally, positives, negatives, &area);
	hml_add_metric(metrics, "roc_auc", area);
	hml_add_metric(metrics, "threshold", best.threshold);
	hml_add_metric(metrics, "recall", best.true_positives / positives);
	hml_add_metric(metrics, "specificity", 1.0 - best.false_positives / negatives);
	hml_add_metric(metrics, "precision",
				   ratio(best.true_positives, best.true_positives + best.false_positives));
	hml_add_metric(metrics, "f1",
				   ratio(2.0 * best.true_positives, best.true_positives + best.false_positives + positives));
}

static void
report_regression(const HmlFedTally *tally, HmlText *metrics)
{
	double n = (double) tally->rows;
	double spread = tally->target_squares - tally->target_sum * tally->target_sum / n;

	hml_add_metric(metrics, "rmse", sqrt(tally->loss / n));
	hml_add_metric(metrics, "mae", tally->absolute_error / n);
	hml_add_metric(metrics, "r2", spread > 0.0 ? 1.0 - tally->loss / spread : NAN);
}

HmlStatus
hml_fed_report(HmlContext *ctx, const HmlFedTally *tally, const HmlModel *model, HmlText *metrics)
{
	const HmlMlp *mlp = model->impl;

	if (model->algorithm != &hml_mlp)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "algorithm \"%s\" has no federated metrics",
						model->algorithm->name);
	hml_add_metric(metrics, "rows", (double) tally->rows);
	if (tally->rows == 0)
		return HML_OK;
	hml_add_metric(metrics, "loss", tally->loss / (double) tally->rows);
	if (mlp->task == HML_TASK_REGRESSION)
		report_regression(tally, metrics);
	else
		hml_add_metric(metrics, "accuracy", (double) tally->correct / (double) tally->rows);
	if (mlp->task == HML_TASK_BINARY)
		report_binary(tally, metrics);
	return HML_OK;
}

/* ---- calibration ---------------------------------------------------------------------------------- */

/* The score of every row, as the middle of its bin. */
static HmlStatus
calibrate_scores(HmlModel *model, const HmlFedTally *tally)
{
	HmlContext *ctx = hml_arena_context(model->arena);
	size_t n = (size_t) (class_rows(tally, 0) + class_rows(tally, 1));
	size_t filled = 0;
	double *scores;
	HmlStatus status;

	HML_TRY(HML_NEW(ctx, &scores, n));
	for (int b = 0; b < HML_FED_BINS; b++)
		for (int64_t i = 0; i < tally->bins[0][b] + tally->bins[1][b]; i++)
			scores[filled++] = (b + 0.5) / HML_FED_BINS;
	status = hml_calibration_fit(model->arena, scores, n, &model->calibration);
	hml_free(ctx, scores);
	return status;
}

HmlStatus
hml_fed_calibrate(HmlModel *model, const HmlFedTally *tally)
{
	const HmlMlp *mlp = model->impl;
	double positives = class_rows(tally, 1);
	double negatives = class_rows(tally, 0);
	double area;
	Cut best;

	if (model->algorithm != &hml_mlp || mlp->task != HML_TASK_BINARY || positives == 0.0 || negatives == 0.0)
		return HML_OK;
	best = walk_cuts(tally, positives, negatives, &area);
	HML_TRY(calibrate_scores(model, tally));
	hml_calibration_decide(&model->calibration, best.threshold);
	return HML_OK;
}

/* ---- bytes ---------------------------------------------------------------------------------------- */

void
hml_fed_tally_write(const HmlFedTally *tally, HmlWriter *writer)
{
	hml_write_u64(writer, (uint64_t) tally->rows);
	hml_write_f64(writer, tally->loss);
	hml_write_u64(writer, (uint64_t) tally->correct);
	hml_write_f64(writer, tally->absolute_error);
	hml_write_f64(writer, tally->target_sum);
	hml_write_f64(writer, tally->target_squares);
	for (int c = 0; c < 2; c++)
		for (int b = 0; b < HML_FED_BINS; b++)
			hml_write_u64(writer, (uint64_t) tally->bins[c][b]);
}

static HmlStatus
read_sum(HmlReader *reader, double *out)
{
	HML_TRY(hml_read_f64(reader, out));
	return isfinite(*out) ? HML_OK : hml_fed_implausible(reader);
}

HmlStatus
hml_fed_tally_read(HmlReader *reader, HmlFedTally *tally)
{
	int64_t left;

	HML_TRY(hml_fed_read_rows(reader, INT64_C(1) << 40, &tally->rows));
	HML_TRY(read_sum(reader, &tally->loss));
	HML_TRY(hml_fed_read_rows(reader, tally->rows, &tally->correct));
	HML_TRY(read_sum(reader, &tally->absolute_error));
	HML_TRY(read_sum(reader, &tally->target_sum));
	HML_TRY(read_sum(reader, &tally->target_squares));
	left = tally->rows;
	for (int c = 0; c < 2; c++)
		for (int b = 0; b < HML_FED_BINS; b++)
		{
			HML_TRY(hml_fed_read_rows(reader, left, &tally->bins[c][b]));
			left -= tally->bins[c][b];
		}
	return hml_read_end(reader);
}
