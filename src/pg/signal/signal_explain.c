/*
 * signal_explain.c
 *	  One explanation for all modalities: why a model finds what it finds in a
 *	  recording, as a table, a matrix, a picture.
 *
 * SQL declares <modality>_explain, <modality>_saliency and plot_<modality>; the
 * encoder of the model's algorithm gives rows, numbers or drawing.  Each call reads
 * and judges its recording afresh, within healthml.max_memory; everything lies in the
 * memory context of the call.
 */
#include "pg/server/compat.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "pg/server/document.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"
#include "pg/signal/audio.h"
#include "pg/signal/named_row.h"
#include "pg/signal/recording_call.h"

#define MOST_ROWS 1000 /* of each kind */

typedef struct Examined
{
	HmlContext ctx;
	HmlArena *arena;
	const HmlEncoder *encoder;
	HmlSignal signal;
	HmlEncodedSignal encoding;
	HmlVerdict verdict;
	HmlJudged judged;
} Examined;

/* Judge the recording of the call with its model; false where one of them is NULL. */
static bool
examine(FunctionCallInfo fcinfo, Examined *out)
{
	HealthmlRecordingCall *call = healthml_recording_call(fcinfo);
	HmlContext *ctx = &out->ctx;

	if (!healthml_take_arguments(fcinfo, call))
		return false;
	healthml_context_init(ctx, CurrentMemoryContext);
	healthml_limit_memory(ctx);
	healthml_check(ctx, hml_arena_create(ctx, &out->arena));
	healthml_check(ctx, healthml_read_signal(ctx, &call->recording, &out->signal));
	healthml_check(
		ctx, healthml_judge_signal(call->scorer, out->arena, &out->signal, &out->encoding, &out->verdict));
	out->encoder = call->scorer->model->algorithm->encoder;
	out->judged = (HmlJudged){.model = call->scorer->model,
							  .signal = &out->signal,
							  .encoding = &out->encoding,
							  .verdict = &out->verdict};
	return true;
}

/* Raise an error where the model's algorithm cannot give what the call asks for. */
static void
check_given(const Examined *examined, bool is_given, const char *what)
{
	if (!is_given)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("algorithm \"%s\" gives no %s of a recording",
							   examined->judged.model->algorithm->name, what)));
}

/* ---- table ---- */

static void
put_row(ReturnSetInfo *result, const HmlRow *reasons)
{
	HealthmlNamedRow row = healthml_named_row(result->setDesc);

	for (size_t i = 0; i < reasons->n; i++)
	{
		const HmlCell *cell = &reasons->cells[i];
		int column = healthml_named_column(row.desc, cell->column);

		if (column < 0)
			elog(ERROR, "an explanation has no column \"%s\"", cell->column);
		if (cell->text != NULL)
			healthml_set_text(&row, column, healthml_from_utf8(cell->text));
		else
			healthml_set_number(&row, column, cell->number);
	}
	tuplestore_putvalues(result->setResult, result->setDesc, row.values, row.nulls);
}

PG_FUNCTION_INFO_V1(healthml_signal_explain);

/* healthml.<modality>_explain(recording, model text | artifact_id uuid, top) RETURNS TABLE (...); strict */
Datum
healthml_signal_explain(PG_FUNCTION_ARGS)
{
	int32 top = PG_GETARG_INT32(fcinfo->nargs - 1);
	HmlRows reasons = {0};
	Examined examined;

	if (top < 0 || top > MOST_ROWS)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("top must be from 0 to %d, not %d", MOST_ROWS, top)));
	InitMaterializedSRF(fcinfo, 0);
	if (!examine(fcinfo, &examined))
		return (Datum) 0;
	check_given(&examined, examined.encoder->explain != NULL, "explanation");
	healthml_check(&examined.ctx,
				   examined.encoder->explain(examined.arena, &examined.judged, (size_t) top, &reasons));
	for (const HmlRow *row = reasons.first; row != NULL; row = row->next)
		put_row((ReturnSetInfo *) fcinfo->resultinfo, row);
	return (Datum) 0;
}

/* ---- matrix ---- */

PG_FUNCTION_INFO_V1(healthml_signal_saliency);

/* healthml.<modality>_saliency(recording, model text | artifact_id uuid) RETURNS real[] */
Datum
healthml_signal_saliency(PG_FUNCTION_ARGS)
{
	Examined examined;
	HmlMatrix saliency;

	if (!examine(fcinfo, &examined))
		PG_RETURN_NULL();
	check_given(&examined, examined.encoder->saliency != NULL, "saliency");
	healthml_check(&examined.ctx, examined.encoder->saliency(examined.arena, &examined.judged, &saliency));
	if (saliency.values == NULL)
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(healthml_matrix(&examined.ctx, saliency.values, saliency.rows, saliency.columns));
}

/* ---- picture ---- */

PG_FUNCTION_INFO_V1(healthml_plot_signal);

/* healthml.plot_<modality>(recording, model text | artifact_id uuid, from_s, to_s, title) RETURNS text; strict */
Datum
healthml_plot_signal(PG_FUNCTION_ARGS)
{
	int first = fcinfo->nargs - 3;
	HmlSignalView view = {.title = healthml_to_utf8(text_to_cstring(PG_GETARG_TEXT_PP(first + 2))),
						  .from_s = PG_GETARG_FLOAT8(first),
						  .to_s = PG_GETARG_FLOAT8(first + 1)};
	Examined examined;
	HmlText svg;
	const char *text;

	if (!examine(fcinfo, &examined))
		PG_RETURN_NULL();
	check_given(&examined, examined.encoder->plot != NULL, "picture");
	hml_text_init(&svg, &examined.ctx);
	healthml_check(&examined.ctx, examined.encoder->plot(examined.arena, &examined.judged, &view, &svg));
	healthml_check(&examined.ctx, hml_text_finish(&svg, &text));
	PG_RETURN_TEXT_P(cstring_to_text(healthml_from_utf8(text)));
}
