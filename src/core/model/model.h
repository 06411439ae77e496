/*
 * model.h
 *	  A model, whatever its algorithm, and the table of algorithms.
 *
 * HmlAlgorithm is the one interface between the glue and the numerics: the
 * upper floor trains, loads, scores and explains through it and never asks
 * which algorithm it has before it.  Adding an algorithm is adding one file and
 * one row in algorithms.c.
 *
 * A model lives in one arena and does not change once it is made; any number of
 * calls may use it, each with a scratch block of its own.
 */
#ifndef HML_MODEL_MODEL_H
#define HML_MODEL_MODEL_H

#include "core/model/calibration.h"
#include "core/model/correction.h"
#include "core/nn/train/epoch.h"
#include "core/data/frame.h"
#include "core/data/params.h"
#include "core/data/pipeline.h"
#include "core/data/sample.h"

typedef struct HmlModel HmlModel;
typedef struct HmlEncoder HmlEncoder; /* modality.h */
struct HmlEnsemble;
struct HmlGradientSpec;

/* How training uses the target column. */
typedef enum HmlTargetUse
{
	HML_TARGET_EVALUATES, /* anomaly detectors: positives are left out of the fit and used for metrics */
	HML_TARGET_LEARNT     /* classifiers and regressors: required */
} HmlTargetUse;

typedef struct HmlTraining
{
	const HmlFrame *frame;
	const HmlParams *params;
	HmlText *metrics; /* out: members of a JSON object, through hml_metric() */
	HmlStatus (*on_epoch)(void *user, const HmlEpoch *epoch); /* may be NULL */
	void *on_epoch_user;
} HmlTraining;

/* Contribution of each feature (not input) to the margin: base + sum = margin. */
typedef struct HmlExplanation
{
	double base;
	double margin;
	double *contributions; /* (n_features), memory of the caller */
	double standard_error; /* 0 where the method is exact */
	const char *method;    /* "tree_shap", "exact_shapley", "permutation_shap", ... */
} HmlExplanation;

typedef struct HmlAlgorithm
{
	const char *name; /* as in healthml.train */
	const char *task; /* anomaly_detection | classification | regression */
	const char *help; /* one sentence for the manual */
	HmlTargetUse target_use;
	bool scores_risk;     /* of a detector: its score is a risk by rules, not only how unusual a row is */
	HmlSampleKind sample; /* what it learns from and judges */
	const HmlParamSpec *params; /* its own; the shared ones come on top */
	const HmlEncoder *encoder;  /* set where it learns from recordings (modality.h), else NULL */
	/* Fit model->impl, model->calibration and what else it has; model->arena, algorithm, params are set. */
	HmlStatus (*train)(HmlContext *ctx, const HmlTraining *training, HmlModel *model);
	void (*write)(const HmlModel *model, HmlWriter *writer); /* its section of the artifact */
	HmlStatus (*read)(HmlModel *model, HmlReader *reader);   /* believes nothing */
	size_t (*scratch_size)(const HmlModel *model);           /* bytes that outputs needs */
	/*
	 * outputs is (n, n_outputs): of a classifier the probabilities of all classes, else the anomaly score, 0..1, or
	 * the value.  All else that is said of a sample follows from them in verdict.h.
	 */
	HmlStatus (*outputs)(const HmlModel *model, HmlContext *ctx, void *scratch, const HmlSamples *samples,
						 double *outputs);
	/* inputs is one row; NULL = the general sampling method. */
	HmlStatus (*explain)(const HmlModel *model, HmlContext *ctx, const double *inputs, HmlExplanation *out);
	/* Its neural networks by number, NULL after the last one (learn/network/ensemble.h); NULL = it has none. */
	const struct HmlEnsemble *(*network)(const HmlModel *model, size_t number);
	/*
	 * How the score of one row follows from its networks (learn/network/integrated_gradients.h): fills *out,
	 * which comes as zeros, with what lies in 'arena'; contributions is (n_inputs).  NULL = it has no gradients.
	 */
	HmlStatus (*gradient)(HmlArena *arena, const HmlModel *model, const double *inputs, double *contributions,
						  struct HmlGradientSpec *out);
	/*
	 * The model as an ONNX file with a graph of this name: "features", float64 (n, n_features), numbers, 0 or 1, or
	 * category codes, NaN = missing, to "output", float32.  NULL = it has no such form.
	 */
	HmlStatus (*export_onnx)(HmlContext *ctx, const HmlModel *model, const char *name, HmlWriter *writer);
} HmlAlgorithm;

#define HML_MAX_OUTPUTS 4096

/* How a score is explained that its algorithm does not explain itself: parameter "explain_method". */
typedef enum HmlExplainMethod
{
	HML_EXPLAIN_AUTO, /* exact where that costs little, else sampled */
	HML_EXPLAIN_EXACT,
	HML_EXPLAIN_PERMUTATION,
	HML_EXPLAIN_GRADIENT
} HmlExplainMethod;

struct HmlModel
{
	HmlArena *arena;
	const HmlAlgorithm *algorithm;
	const char *params; /* of the training, as one JSON object; "{}" where there were none */
	HmlPipeline *pipeline;
	HmlCalibration calibration;
	size_t n_outputs;          /* classes of a classifier, else 1 */
	const char **output_names; /* (n_outputs) labels of the classes, or NULL */
	bool *alarm;               /* (n_outputs) classes that raise an alarm; NULL = of two the positive one */
	size_t n_corrections;      /* of the probabilities, applied in this order */
	HmlCorrection *corrections;
	double max_missing; /* above this share of missing values a row's risk is unknown */
	HmlExplainMethod explain_method;
	size_t explain_samples; /* pairs of permutations; 0 = as many as are worth their cost */
	int64_t trained_rows;   /* rows that the fit used */
	size_t n_background;    /* rows for explanations to compare with (background.h) */
	double *background;     /* (n_background, n_inputs), NULL without any */
	void *impl;             /* the algorithm's own */
};

/* Ends with NULL. */
extern const HmlAlgorithm *const hml_algorithms[];
extern const HmlAlgorithm *hml_algorithm_find(const char *name); /* NULL = unknown */

/* "seed" and "max_rows": the parameters that every algorithm takes. */
extern const HmlParamSpec hml_shared_params[];

/* "alarm", of algorithms that learn a target. */
extern const HmlParamSpec hml_alarm_params[];

/* "explain_method" and "explain_samples", of algorithms that do not explain themselves. */
extern const HmlParamSpec hml_explain_params[];

/*
 * The tables of an algorithm's parameters, ending with NULL: its own, those of
 * anomaly detectors or of alarms, those of explanations, of the pipeline, the shared ones.
 */
#define HML_PARAM_TABLES 6
extern void hml_algorithm_param_tables(const HmlAlgorithm *algorithm,
									   const HmlParamSpec *tables[HML_PARAM_TABLES]);

/* Check params against these; 'given' may be NULL. */
extern HmlStatus hml_algorithm_params(HmlArena *arena, const HmlAlgorithm *algorithm, const HmlJson *given,
									  HmlParams **out) HML_NODISCARD;

/* An empty model of the algorithm with one output, for importers; free it with hml_model_free(). */
extern HmlStatus hml_model_create(HmlContext *ctx, const HmlAlgorithm *algorithm,
								  HmlModel **out) HML_NODISCARD;

extern HmlStatus hml_model_train(HmlContext *ctx, const HmlAlgorithm *algorithm, const HmlTraining *training,
								 HmlModel **out) HML_NODISCARD;
extern void hml_model_free(HmlModel *model); /* NULL is allowed */

/*
 * The artifact: docs/model-format.md.  Writing the same model twice gives the
 * same bytes, and so does writing what was read.  Damage is HML_CORRUPT, a
 * format or algorithm of a later version HML_UNSUPPORTED, more than
 * HML_MAX_ARTIFACT_SIZE bytes HML_LIMIT.
 */
#define HML_MAX_ARTIFACT_SIZE ((size_t) 1 << 30)

extern HmlStatus hml_model_write(const HmlModel *model, HmlWriter *writer) HML_NODISCARD;
extern HmlStatus hml_model_read(HmlContext *ctx, const void *bytes, size_t length,
								HmlModel **out) HML_NODISCARD;

/*
 * Settings that scoring needs, from the parameters of the training: fills max_missing, explain_method and
 * explain_samples, and alarm where the classes have names.
 * Parameters of a type that no training writes are ignored.
 */
extern HmlStatus hml_model_settle(HmlModel *model) HML_NODISCARD;

/*
 * Copy the names of n classes, of two the positive one last, and say by the parameter "alarm" which of them raise an
 * alarm.  HML_UNDEFINED when it names a class that is none of them, HML_INVALID_ARGUMENT when it names all, or of two
 * the other one.
 */
extern HmlStatus hml_model_name_classes(HmlModel *model, const char *const *names, size_t n,
										const HmlParams *params) HML_NODISCARD;

/* Add one metric to the members of a JSON object; NaN and infinity become null. */
extern void hml_add_metric(HmlText *members, const char *name, double value);

/* Add it to those of a training. */
extern void hml_metric(const HmlTraining *training, const char *name, double value);

/*
 * How well a score finds the rows of the alarm classes, of a model with more than two classes: alarm_roc_auc, and at
 * the threshold alarm_precision, alarm_recall and alarm_specificity.
 */
extern HmlStatus hml_metrics_of_alarm(HmlContext *ctx, HmlText *members, const double *scores,
									  const bool *labels, size_t n, double threshold) HML_NODISCARD;

/*
 * How good probabilities of the positive class are, by rows that judge: roc_auc,
 * average_precision, brier_score, and at the threshold accuracy,
 * balanced_accuracy, precision, recall, specificity and f1.
 */
extern HmlStatus hml_metrics_of_classifier(HmlContext *ctx, const HmlTraining *training,
										   const double *probabilities, const bool *labels, size_t n,
										   double threshold) HML_NODISCARD;

#endif /* HML_MODEL_MODEL_H */
