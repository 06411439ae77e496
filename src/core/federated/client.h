/*
 * client.h
 *	  What a hospital does in a round, and the model that all of them train.
 *
 * The model is one of the algorithm "mlp".  It travels as an artifact, so that
 * every client has its network, its pipeline and its classes; what comes back is
 * a vector of weights, a number of rows, and counts.  How to combine these is in
 * average.h, robust.h, optimizer.h and masking.h.
 *
 * A client holds back a share of its rows, the same in every round, and judges
 * global models on them.  What it reveals of them are counts: of rows by class and
 * by thousandth of the score, from which the coordinator computes metrics
 * over all clients.
 */
#ifndef HML_FEDERATED_CLIENT_H
#define HML_FEDERATED_CLIENT_H

#include "core/federated/summary.h"
#include "core/model/model.h"

/*
 * The model that training begins with: pipeline and classes by the combined
 * summary, initial weights by the seed in 'params' (those of "mlp").
 * HML_INVALID_DATA without a target, or with one class only.
 */
extern HmlStatus hml_fed_begin(HmlContext *ctx, const HmlSummary *summary, const HmlParams *params,
							   HmlModel **out) HML_NODISCARD;

/* How many of a model's weights are learnt: the first ones; the rest are running means and variances. */
extern HmlStatus hml_fed_learnt_weights(HmlContext *ctx, const HmlModel *model,
										size_t *n_learnt) HML_NODISCARD;

/* Weights of a model, (n_weights); HML_INVALID_ARGUMENT when it is not an mlp. */
extern HmlStatus hml_fed_weights(HmlContext *ctx, const HmlModel *model, const float **weights,
								 size_t *n_weights) HML_NODISCARD;

/* A model's weights are replaced, those of a model that nobody uses yet. */
extern HmlStatus hml_fed_set_weights(HmlContext *ctx, HmlModel *model, const float *weights,
									 size_t n_weights) HML_NODISCARD;

typedef struct HmlFedOptions
{
	int epochs;
	double learning_rate;
	size_t batch_size;
	double proximal; /* FedProx's mu, 0 for FedAvg */
	double holdout;  /* share of the rows that is held back, 0 for none */
	uint64_t seed;
} HmlFedOptions;

/*
 * Train a copy of the global weights on the rows that are not held back; weights
 * is (n_weights) and gets the result.  Every call of a seed, such as the number
 * of the round, shuffles alike.  HML_INVALID_DATA when no row is left.
 */
extern HmlStatus hml_fed_train(HmlContext *ctx, const HmlModel *global, const HmlFrame *frame,
							   const HmlFedOptions *options, float *weights, int64_t *samples,
							   double *loss) HML_NODISCARD;

#define HML_FED_BINS 1000

/* What a client reports about the rows that it held back; sums over clients are over all their rows. */
typedef struct HmlFedTally
{
	int64_t rows;
	double loss;                   /* sum of log losses, or of squared errors */
	int64_t correct;               /* of a classifier */
	int64_t bins[2][HML_FED_BINS]; /* of a binary one: rows by class and by score * HML_FED_BINS */
	double absolute_error;         /* of a regressor, and for its R2: */
	double target_sum;
	double target_squares;
} HmlFedTally;

extern HmlStatus hml_fed_evaluate(HmlContext *ctx, const HmlModel *model, const HmlFrame *frame,
								  const HmlFedOptions *options, HmlFedTally *tally) HML_NODISCARD;

extern void hml_fed_tally_add(HmlFedTally *into, const HmlFedTally *from);

/*
 * Metrics of a tally as members of a JSON object: loss, accuracy, roc_auc (scores
 * of one bin count as equal), and recall, specificity, precision and f1 at the
 * threshold with the greatest Youden index; rmse, mae, r2.
 */
extern HmlStatus hml_fed_report(HmlContext *ctx, const HmlFedTally *tally, const HmlModel *model,
								HmlText *metrics) HML_NODISCARD;

/* Threshold, risk levels and percentiles of a binary classifier by that tally; others stay as they are. */
extern HmlStatus hml_fed_calibrate(HmlModel *model, const HmlFedTally *tally) HML_NODISCARD;

extern void hml_fed_tally_write(const HmlFedTally *tally, HmlWriter *writer);
extern HmlStatus hml_fed_tally_read(HmlReader *reader, HmlFedTally *tally) HML_NODISCARD;

#endif /* HML_FEDERATED_CLIENT_H */
