/*
 * epoch.h
 *	  What is reported about an epoch of training: one row of healthml.training_epoch.
 */
#ifndef HML_NN_TRAIN_EPOCH_H
#define HML_NN_TRAIN_EPOCH_H

typedef struct HmlEpoch
{
	int epoch; /* from 1 */
	int epochs;
	double loss;
	double validation_loss; /* NaN without a validation split */
	double learning_rate;
	const char *metric_name; /* the metric that early stopping watches, may be NULL */
	double metric;
	double seconds; /* since training began */
} HmlEpoch;

#endif /* HML_NN_TRAIN_EPOCH_H */
