/*
 * onnx.c
 *	  Networks to and from ONNX files in SQL.
 */
#include "pg/server/compat.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "core/learn/mlp/mlp_onnx.h"

#include "pg/registry/binding.h"
#include "pg/server/document.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"
#include "pg/registry/transfer.h"

PG_FUNCTION_INFO_V1(healthml_export_onnx);

/* healthml.export_onnx(ref) RETURNS bytea */
Datum
healthml_export_onnx(PG_FUNCTION_ARGS)
{
	HealthmlBinding *binding = healthml_binding_create(CurrentMemoryContext);
	bool changed;
	const HmlModel *model = healthml_bind_reference(binding, PG_GETARG_TEXT_PP(0), &changed);
	const char *name = healthml_binding_version(binding)->model;
	HmlContext ctx;
	HmlWriter writer;
	bytea *file;

	if (model->algorithm->export_onnx == NULL)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("model \"%s\" has algorithm \"%s\", which cannot be exported to ONNX", name,
							   model->algorithm->name)));
	healthml_context_init(&ctx, CurrentMemoryContext);
	healthml_limit_memory(&ctx);
	hml_writer_init(&writer, &ctx);
	if (model->n_corrections > 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("model \"%s\" has corrected probabilities, which cannot be exported to ONNX", name),
				 errhint("Export the version that it was calibrated from.")));
	healthml_check(&ctx, model->algorithm->export_onnx(&ctx, model, healthml_to_utf8(name), &writer));
	healthml_check(&ctx, hml_writer_finish(&writer));
	file = palloc(writer.length + VARHDRSZ);
	SET_VARSIZE(file, writer.length + VARHDRSZ);
	memcpy(VARDATA(file), writer.data, writer.length);
	PG_RETURN_BYTEA_P(file);
}

typedef struct OnnxArguments
{
	Datum file;
	Datum params;
} OnnxArguments;

static HmlStatus
import_file(HmlContext *ctx, Datum argument, HmlModel **out)
{
	static const HmlParamSpec *const specs[] = {hml_mlp_import_params, NULL};
	OnnxArguments *arguments = (OnnxArguments *) DatumGetPointer(argument);
	bytea *file = DatumGetByteaPP(arguments->file);
	HmlArena *arena;
	HmlParams *params;
	HmlStatus status;

	HML_TRY(hml_arena_create(ctx, &arena));
	status = hml_params_parse(arena, "import_onnx", specs,
							  healthml_document_of_jsonb(arena, arguments->params), &params);
	if (status == HML_OK)
		status = hml_mlp_import_onnx(ctx, VARDATA_ANY(file), VARSIZE_ANY_EXHDR(file), params, out);
	hml_arena_free(arena);
	return status;
}

PG_FUNCTION_INFO_V1(healthml_import_onnx);

/* healthml.import_onnx(model, onnx, params) RETURNS healthml.training_result */
Datum
healthml_import_onnx(PG_FUNCTION_ARGS)
{
	OnnxArguments arguments = {PG_GETARG_DATUM(1), PG_GETARG_DATUM(2)};

	return healthml_import(fcinfo, import_file, PointerGetDatum(&arguments));
}
