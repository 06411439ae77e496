/*
 * anomaly.h
 *	  What all anomaly detectors share: the rows of the fit, what a score means,
 *	  and how good it is.
 *
 * A target is not learnt from.  Rows where it is true are left out of the fit
 * unless "fit_on" is "all"; then the trained model scores rows of both kinds,
 * which gives roc_auc, average_precision, precision, recall and f1.
 */
#ifndef HML_MODEL_ANOMALY_H
#define HML_MODEL_ANOMALY_H

#include "core/model/model.h"

/*
 * "fit_on", "contamination", "calibration_rows", "medium_percentile" and
 * "high_percentile".  A detector that wants another default or range declares
 * the parameter itself.
 */
extern const HmlParamSpec hml_anomaly_params[];

/*
 * Fit a detector on rows[n_rows] of the frame, ascending: those that are normal, or
 * all.  What 'fit' allocates in 'arena' ends with it.  A target that is not boolean,
 * 0 or 1 is HML_INVALID_DATA, as is one that leaves no row.
 */
typedef HmlStatus (*HmlAnomalyFit)(HmlArena *arena, const HmlTraining *training, HmlModel *model,
								   const uint32_t *rows, size_t n_rows);

extern HmlStatus hml_anomaly_train(HmlContext *ctx, const HmlTraining *training, HmlModel *model,
								   HmlAnomalyFit fit) HML_NODISCARD;

/* HML_INVALID_DATA, with a hint, for a target that is not boolean, 0 or 1; the frame has a target. */
extern HmlStatus hml_anomaly_check_target(HmlContext *ctx, const HmlFrame *frame) HML_NODISCARD;

/*
 * Score at most "calibration_rows" rows, drawn uniformly, with the trained model,
 * whose impl and pipeline are ready; set model->calibration and trained_rows and
 * report the metrics.  rows is what 'fit' was called with.
 *
 * is_anomaly means score > threshold, and threshold is the training scores'
 * quantile at 1 - contamination, or auto_threshold where contamination is "auto".
 * Risk is high above the threshold, or above the quantile of "high_percentile";
 * it is medium above that of "medium_percentile", but never only above high.
 */
extern HmlStatus hml_anomaly_calibrate(HmlContext *ctx, const HmlTraining *training, HmlModel *model,
									   const uint32_t *rows, size_t n_rows,
									   double auto_threshold) HML_NODISCARD;

#endif /* HML_MODEL_ANOMALY_H */
