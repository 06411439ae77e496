/*
 * mlp_onnx.c
 *	  What a network in an ONNX file needs to become a model: features, classes, threshold.
 */
#include "core/learn/mlp/mlp_onnx.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/nn/onnx/onnx.h"

#define NAME_SIZE 32 /* of a feature or class that nobody named */

const HmlParamSpec hml_mlp_import_params[] = {
	{"features", HML_PARAM_TEXTS, "null", 0, 0, NULL,
	 "Names of the network's inputs, in their order; by default x1, x2 and so on."},
	{"classes", HML_PARAM_TEXTS, "null", 0, 0, NULL,
	 "Names of the classes, of two the negative one first; by default the labels in the file, or else 0, 1 "
	 "and so on. Labels that are texts cannot be renamed."},
	{"threshold", HML_PARAM_NUMBER, "0.5", 0, 1, NULL,
	 "Probability above which a row is assigned to the positive one of two classes."},
	{0}};

/* Names that were given, as many as are needed, or numbered ones. */
static HmlStatus
make_names(HmlArena *arena, const HmlParams *params, const char *parameter, const char *prefix, size_t first,
		   size_t n, const char ***out)
{
	const HmlJson *given = hml_param_json(params, parameter);

	if (given->type != HML_JSON_NULL && given->count != n)
		return hml_fail(hml_arena_context(arena), HML_INVALID_ARGUMENT,
						"parameter \"%s\" has %zu names, but the network needs %zu", parameter, given->count,
						n);
	HML_TRY(HML_ARENA_NEW(arena, out, n));
	for (size_t i = 0; i < n; i++)
	{
		char numbered[NAME_SIZE];
		const char *name = numbered;
		char *copy;

		snprintf(numbered, sizeof(numbered), "%s%zu", prefix, i + first);
		if (given->type != HML_JSON_NULL)
			name = given->items[i].string;
		HML_TRY(hml_arena_strdup(arena, name, strlen(name), &copy));
		(*out)[i] = copy;
	}
	return HML_OK;
}

static HmlStatus
make_pipeline(HmlModel *model, const HmlParams *params, const HmlOnnxImport *import)
{
	const HmlNetwork *network = import->network;
	HmlContext *ctx = hml_arena_context(model->arena);
	size_t n = hml_shape_size(&network->nodes[0].shape);
	const char **names;

	if (network->n_inputs != 1)
		return hml_fail(ctx, HML_UNSUPPORTED, "network has %zu inputs, but a row is one", network->n_inputs);
	if (n > HML_MAX_FEATURES)
		return hml_fail(ctx, HML_LIMIT, "too many features: %zu (limit %d)", n, HML_MAX_FEATURES);
	HML_TRY(make_names(model->arena, params, "features", "x", 1, n, &names));
	HML_TRY(hml_pipeline_plain(model->arena, names, n, &model->pipeline));
	if (import->fill != NULL)
		model->pipeline->imputation = HML_IMPUTE_CONSTANT;
	for (size_t i = 0; i < n; i++)
	{
		HmlFeature *feature = &model->pipeline->features[i];

		if (import->fill != NULL)
			feature->fill = import->fill[i];
		if (import->scale != NULL)
		{
			feature->offset = import->offset[i];
			feature->scale = import->scale[i];
		}
		if (fabs((feature->fill - feature->offset) * feature->scale) > FLT_MAX) /* not so of NaN */
			return hml_fail(
				ctx, HML_INVALID_DATA,
				"what the ONNX file fills in for input %zu is too large for the network: %g (limit %g)",
				i + 1, feature->fill, (double) FLT_MAX);
	}
	return hml_pipeline_lay_out(model->pipeline, ctx);
}

/* ---- classes ---------------------------------------------------------------------------------------- */

static bool
is_integer(const char *text)
{
	text += *text == '-';
	return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* Names may be given to classes that the file numbers; where it has names, or numbers are given, they must agree. */
static HmlStatus
check_given(HmlContext *ctx, const HmlJson *given, const HmlOnnxImport *import)
{
	for (size_t i = 0; i < import->n_labels; i++)
	{
		const char *name = given->items[i].string;

		if ((is_integer(import->labels[i]) && !is_integer(name)) || strcmp(name, import->labels[i]) == 0)
			continue;
		hml_fail(ctx, HML_INVALID_ARGUMENT,
				 "class %zu is \"%.60s\" in the ONNX file, but \"%.60s\" in parameter \"classes\"", i + 1,
				 import->labels[i], name);
		return hml_hint(ctx, "Give the classes in the order of the file, or leave the parameter out.");
	}
	return HML_OK;
}

/* As given, as the file has them, or numbers from 0 on. */
static HmlStatus
name_classes(HmlModel *model, const HmlParams *params, const HmlOnnxImport *import)
{
	HmlContext *ctx = hml_arena_context(model->arena);
	const HmlJson *given = hml_param_json(params, "classes");
	size_t n = model->n_outputs;

	if (import->n_labels > 0 && import->n_labels != n)
		return hml_fail(ctx, HML_UNSUPPORTED,
						"the ONNX file has labels for %zu classes, but its network has %zu", import->n_labels,
						n);
	if (import->n_labels == 0 || given->type != HML_JSON_NULL)
	{
		HML_TRY(make_names(model->arena, params, "classes", "", 0, n, &model->output_names));
		return given->type == HML_JSON_NULL ? HML_OK : check_given(ctx, given, import);
	}
	model->output_names = import->labels;
	return HML_OK;
}

static HmlStatus
set_task(HmlModel *model, HmlMlp *mlp, bool is_pair)
{
	const HmlNode *output = &mlp->net.network->nodes[mlp->net.network->output];
	size_t width = hml_shape_size(&output->shape);
	const char *last = output->op != NULL ? output->op->name : "";

	if (is_pair && (strcmp(last, "sigmoid") != 0 || width != 1))
		return hml_fail(hml_arena_context(model->arena), HML_UNSUPPORTED,
						"the ONNX file's output is 1 - p and p, where p ends in \"%s\", not in a sigmoid",
						last);
	mlp->scale = 1.0;
	mlp->task = HML_TASK_REGRESSION;
	if (strcmp(last, "softmax") == 0 && width >= 2)
		mlp->task = HML_TASK_MULTICLASS;
	else if (strcmp(last, "sigmoid") == 0 && width == 1)
		mlp->task = HML_TASK_BINARY;
	else if (width != 1)
	{
		hml_fail(hml_arena_context(model->arena), HML_UNSUPPORTED,
				 "network has %zu outputs and ends in \"%s\"", width, last);
		return hml_hint(hml_arena_context(model->arena),
						"Export a classifier with its softmax, or with one output and a sigmoid.");
	}
	model->n_outputs = mlp->task == HML_TASK_BINARY ? 2 : width;
	return model->n_outputs <= HML_MAX_OUTPUTS
			   ? HML_OK
			   : hml_fail(hml_arena_context(model->arena), HML_LIMIT, "too many classes: %zu (limit %d)",
						  model->n_outputs, HML_MAX_OUTPUTS);
}

static void
set_threshold(HmlModel *model, const HmlMlp *mlp, const HmlParams *params)
{
	double threshold = mlp->task == HML_TASK_BINARY ? hml_param_number(params, "threshold") : INFINITY;

	hml_calibration_decide(&model->calibration, threshold);
}

static HmlStatus
import_into(HmlModel *model, const void *bytes, size_t length, const HmlParams *params)
{
	HmlOnnxImport import;
	HmlMlp *mlp;

	HML_TRY(hml_onnx_read(model->arena, bytes, length, &import));
	HML_TRY(HML_ARENA_NEW_ZERO(model->arena, &mlp, 1));
	mlp->net = (HmlEnsemble){
		.name = HML_ONLY_NETWORK, .network = import.network, .n_members = 1, .weights = {import.weights}};
	model->impl = mlp;
	HML_TRY(set_task(model, mlp, import.is_pair));
	HML_TRY(make_pipeline(model, params, &import));
	if (mlp->task != HML_TASK_REGRESSION)
		HML_TRY(name_classes(model, params, &import));
	set_threshold(model, mlp, params);
	return hml_mlp_prepare(model);
}

HmlStatus
hml_mlp_import_onnx(HmlContext *ctx, const void *bytes, size_t length, const HmlParams *params,
					HmlModel **out)
{
	HmlModel *model;
	HmlStatus status;

	*out = NULL;
	HML_TRY(hml_model_create(ctx, &hml_mlp, &model));
	status = import_into(model, bytes, length, params);
	if (status == HML_OK)
		*out = model;
	else
		hml_model_free(model);
	return status;
}
