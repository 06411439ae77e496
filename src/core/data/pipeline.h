/*
 * pipeline.h
 *	  From the columns of a row to the inputs of a model, as learnt at training.
 *
 * A feature is what the user sees (a column); an input is what the model sees.
 * A numeric or boolean feature is one input, a category is one input (ordinal)
 * or one per category (one-hot).  Missing values are imputed, inputs are scaled
 * where the algorithm wants it.  The learnt statistics also show what is usual
 * for a feature, which narratives quote.
 */
#ifndef HML_DATA_PIPELINE_H
#define HML_DATA_PIPELINE_H

#include "core/base/bytes.h"
#include "core/data/frame.h"
#include "core/data/params.h"

#define HML_MAX_INPUTS 16384

/*
 * What stands in for a missing value of a number or boolean.  A missing category
 * is the most frequent one, the first by its text when several are, unless
 * missing values are errors; so is one that training has not seen.
 */
typedef enum HmlImputation
{
	HML_IMPUTE_MEDIAN = 1,   /* of a boolean: the more frequent value, false when both are */
	HML_IMPUTE_MEAN = 2,     /* of a boolean: the share of true */
	HML_IMPUTE_CONSTANT = 3, /* "impute_value" */
	HML_IMPUTE_ERROR = 4     /* a missing value is an error that names the feature */
} HmlImputation;

/*
 * Statistics of the values that are there, before imputation; the standard
 * deviation is that of the population.  Where the divisor would be 0 it is 1.
 * One-hot inputs are not scaled, booleans and ordinal codes are.
 */
typedef enum HmlScaling
{
	HML_SCALE_NONE = 1,
	HML_SCALE_STANDARD = 2, /* (x - mean) / sd */
	HML_SCALE_ROBUST = 3,   /* (x - median) / interquartile range */
	HML_SCALE_MINMAX = 4    /* (x - min) / (max - min) */
} HmlScaling;

typedef enum HmlEncoding
{
	HML_ENCODE_ONEHOT = 1,
	HML_ENCODE_ORDINAL = 2
} HmlEncoding;

typedef struct HmlFeature
{
	HmlColumn column;   /* name, kind, categories (sorted by text) */
	size_t first_input; /* inputs first_input .. first_input + n_inputs - 1 */
	size_t n_inputs;
	double fill;   /* value or category code for a missing one; NaN = refuse */
	double offset; /* input = (value - offset) * scale; 0 and 1 for one-hot inputs */
	double scale;
	double missing_share; /* of the training rows */
	/* Of the training rows that have a value, NaN without any; of a category: of the codes. */
	double mean, sd, min, p05, p25, median, p75, p95, max;
	double *shares; /* of a category: share of each code, (categories.count); else NULL */
} HmlFeature;

typedef struct HmlPipeline
{
	HmlImputation imputation;
	HmlScaling scaling;
	HmlEncoding encoding;
	size_t n_features;
	HmlFeature *features;
	size_t n_inputs;
	bool identity; /* one unscaled number per feature: apply only imputes */
} HmlPipeline;

#define HML_MAX_MISSING 0.34 /* a third, also of 3, 6, ... features */

/* The parameters "impute", "impute_value", "scale", "encode" and "max_missing", shared by all tabular algorithms. */
extern const HmlParamSpec hml_pipeline_params[];

/*
 * Learn from the rows of 'frame' whose number is in rows[0 .. n_rows-1], or from
 * all where rows is NULL.  Only categories that occur there get a code.  A column
 * without any value is HML_INVALID_DATA, unless missing values get a constant.
 * Of a frame of tensors it is hml_pipeline_plain() of the names of its columns.
 */
extern HmlStatus hml_pipeline_fit(HmlArena *arena, const HmlFrame *frame, const uint32_t *rows, size_t n_rows,
								  const HmlParams *params, HmlScaling default_scaling,
								  HmlPipeline **out) HML_NODISCARD;

/* Plain numeric features without statistics, for imported models: a missing value is an error. */
extern HmlStatus hml_pipeline_plain(HmlArena *arena, const char *const *names, size_t n_features,
									HmlPipeline **out) HML_NODISCARD;

/*
 * A pipeline whose statistics come from elsewhere (src/core/federated/summary.c):
 * create it, fill in column and statistics of each feature, settle each, which
 * derives fill, offset and scale, and lay it out.
 */
extern HmlStatus hml_pipeline_create(HmlArena *arena, size_t n_features, const HmlParams *params,
									 HmlScaling default_scaling, HmlPipeline **out) HML_NODISCARD;
extern void hml_pipeline_settle(const HmlPipeline *pipeline, HmlFeature *feature, const HmlParams *params);

/* Derive first_input, n_inputs and identity from the rest; HML_LIMIT beyond HML_MAX_INPUTS. */
extern HmlStatus hml_pipeline_lay_out(HmlPipeline *pipeline, HmlContext *ctx) HML_NODISCARD;

/* Number of a feature, or -1; code of a category (NaN = not seen in training). */
extern int hml_pipeline_find(const HmlPipeline *pipeline, const char *name);
extern double hml_pipeline_category(const HmlPipeline *pipeline, size_t feature, const char *text,
									size_t length);

/*
 * values is (n_features): numbers, 0/1, or category codes of this pipeline;
 * NaN = missing.  inputs is (n_inputs).  An infinite value is HML_INVALID_DATA
 * and names the feature; so is a missing one where imputation is ERROR, and a
 * number that is no category code.  filled, where not NULL, gets the number of
 * values that were filled in.
 */
extern HmlStatus hml_pipeline_apply(const HmlPipeline *pipeline, HmlContext *ctx, const double *values,
									double *inputs, size_t *filled) HML_NODISCARD;

/*
 * Inputs (n, n_inputs) as a network takes them.  HML_INVALID_DATA where float32
 * cannot hold one, and names the feature.
 */
extern HmlStatus hml_pipeline_cast(const HmlPipeline *pipeline, HmlContext *ctx, const double *inputs,
								   size_t n, float *out) HML_NODISCARD;

/*
 * A frame's row has the codes of the frame; this one translates and applies.
 * The frame has the pipeline's features as its columns, in the same order;
 * inputs is (n_rows, n_inputs).
 */
extern HmlStatus hml_pipeline_apply_frame(const HmlPipeline *pipeline, HmlContext *ctx, const HmlFrame *frame,
										  const uint32_t *rows, size_t n_rows, double *inputs) HML_NODISCARD;

/*
 * How much of a row is missing, 0 to 1: the share of the features, each weighted by
 * how often it was there in training, so that a column that is mostly empty counts
 * for little.  values is (n_features), NaN = missing.
 */
extern double hml_pipeline_missing_share(const HmlPipeline *pipeline, const double *values);

extern void hml_pipeline_write(const HmlPipeline *pipeline, HmlWriter *writer);
extern HmlStatus hml_pipeline_read(HmlArena *arena, HmlReader *reader, HmlPipeline **out) HML_NODISCARD;

#endif /* HML_DATA_PIPELINE_H */
