/*
 * pictures.c
 *	  Pictures of arrays: curves, confusion, contributions, drift, timelines.
 *
 * Arrays are read as they come, without nulls where a number is drawn, so that any query can fill them.  A picture
 * is kept in the memory context of the call.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "core/draw/picture.h"
#include "core/draw/plot.h"

#include "pg/server/document.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"

/* A picture as it grows. */
typedef struct Drawing
{
	HmlContext ctx;
	HmlText svg;
} Drawing;

static void
begin_drawing(Drawing *drawing)
{
	healthml_context_init(&drawing->ctx, CurrentMemoryContext);
	healthml_limit_memory(&drawing->ctx);
	hml_text_init(&drawing->svg, &drawing->ctx);
}

static Datum
finish_drawing(Drawing *drawing)
{
	const char *picture;

	healthml_check(&drawing->ctx, hml_text_finish(&drawing->svg, &picture));
	return PointerGetDatum(cstring_to_text(healthml_from_utf8(picture)));
}

static const char *
text_of(FunctionCallInfo fcinfo, int arg)
{
	return healthml_to_utf8(text_to_cstring(PG_GETARG_TEXT_PP(arg)));
}

static void
check_length(size_t n, size_t expected)
{
	if (n != expected)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("arrays of a picture differ in length: %zu and %zu elements", expected, n)));
}

/* Elements of a text[] in UTF-8; an empty text for null. */
static const char **
texts_of(FunctionCallInfo fcinfo, int arg, size_t *n)
{
	Datum *elements;
	bool *nulls;
	int count;
	const char **texts;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(arg), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls,
					  &count);
	texts = palloc((count + 1) * sizeof(*texts));
	for (int i = 0; i < count; i++)
		texts[i] = nulls[i] ? "" : healthml_to_utf8(TextDatumGetCString(elements[i]));
	*n = (size_t) count;
	return texts;
}

#define LARGEST 1e100 /* so that sums and distances are finite, too */

/* Elements of a float8[]; NaN for null and infinity, if 'optional', else each must be finite. */
static double *
numbers_of(FunctionCallInfo fcinfo, int arg, bool optional, size_t *n)
{
	Datum *elements;
	bool *nulls;
	int count;
	double *numbers;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(arg), FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
					  &elements, &nulls, &count);
	numbers = palloc((count + 1) * sizeof(*numbers));
	for (int i = 0; i < count; i++)
	{
		numbers[i] = nulls[i] ? NAN : DatumGetFloat8(elements[i]);
		if (optional && isinf(numbers[i]))
			numbers[i] = NAN;
		if (!optional && !(fabs(numbers[i]) <= LARGEST))
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("cannot draw number %d of an array: it is %s", i + 1,
								   nulls[i] ? "null" : "not finite or above 1e100")));
	}
	*n = (size_t) count;
	return numbers;
}

static double *
as_many_numbers(FunctionCallInfo fcinfo, int arg, bool optional, size_t expected)
{
	size_t n;
	double *numbers = numbers_of(fcinfo, arg, optional, &n);

	check_length(n, expected);
	return numbers;
}

static const char **
as_many_texts(FunctionCallInfo fcinfo, int arg, size_t expected)
{
	size_t n;
	const char **texts = texts_of(fcinfo, arg, &n);

	check_length(n, expected);
	return texts;
}

static void
check_share(double number)
{
	if (!(number >= 0 && number <= 1))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("%g is not a share from 0 to 1", number)));
}

PG_FUNCTION_INFO_V1(healthml_plot_losses);

/* (title text, loss float8[], validation_loss float8[]) RETURNS text */
Datum
healthml_plot_losses(PG_FUNCTION_ARGS)
{
	size_t n;
	size_t n_validation;
	const double *loss = numbers_of(fcinfo, 1, true, &n);
	double *validation = numbers_of(fcinfo, 2, true, &n_validation);
	HmlCurve curves[2] = {{"training loss", "#2f6fb0", loss}, {"validation loss", "#d9652b", NULL}};
	Drawing drawing;

	if (n_validation < n)
		validation = repalloc_huge(validation, (n + 1) * sizeof(*validation));
	for (size_t i = n_validation; i < n; i++)
		validation[i] = NAN;
	curves[1].y = validation;
	begin_drawing(&drawing);
	hml_plot_curves(&drawing.svg, text_of(fcinfo, 0), "epoch", "loss", 1, n, curves, 2);
	return finish_drawing(&drawing);
}

PG_FUNCTION_INFO_V1(healthml_plot_square);

/* (title, x_title, y_title, note, x float8[], y float8[], rows float8[], which is empty where there are no dots) */
Datum
healthml_plot_square(PG_FUNCTION_ARGS)
{
	HmlSquareCurve curve = {.title = text_of(fcinfo, 0),
							.x_title = text_of(fcinfo, 1),
							.y_title = text_of(fcinfo, 2),
							.note = text_of(fcinfo, 3)};
	size_t n_rows;
	Drawing drawing;

	curve.x = numbers_of(fcinfo, 4, false, &curve.n);
	curve.y = as_many_numbers(fcinfo, 5, false, curve.n);
	curve.rows = numbers_of(fcinfo, 6, false, &n_rows);
	if (n_rows == 0)
		curve.rows = NULL;
	else
		check_length(n_rows, curve.n);
	for (size_t i = 0; i < curve.n; i++)
	{
		check_share(curve.x[i]);
		check_share(curve.y[i]);
	}
	begin_drawing(&drawing);
	hml_plot_square(&drawing.svg, &curve);
	return finish_drawing(&drawing);
}

PG_FUNCTION_INFO_V1(healthml_plot_confusion);

/* (title, labels text[], counts float8[]: rows actual, columns predicted) */
Datum
healthml_plot_confusion(PG_FUNCTION_ARGS)
{
	size_t n;
	const char **labels = texts_of(fcinfo, 1, &n);
	const double *counts;
	Drawing drawing;

	if (n < 1 || n > HML_CONFUSION_MAX_LABELS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("cannot draw the confusion of %zu labels (1 to %d)", n, HML_CONFUSION_MAX_LABELS)));
	counts = as_many_numbers(fcinfo, 2, false, n * n);
	for (size_t i = 0; i < n * n; i++)
		if (!(counts[i] >= 0))
			ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
							errmsg("count %g of a confusion matrix is negative", counts[i])));
	begin_drawing(&drawing);
	hml_plot_confusion(&drawing.svg, text_of(fcinfo, 0), labels, n, counts);
	return finish_drawing(&drawing);
}

/* (title, x_title, names text[], values float8[], ...) */
static HmlBars
bars_of(FunctionCallInfo fcinfo)
{
	HmlBars bars = {.title = text_of(fcinfo, 0), .x_title = text_of(fcinfo, 1)};

	bars.names = texts_of(fcinfo, 2, &bars.n);
	bars.values = as_many_numbers(fcinfo, 3, false, bars.n);
	return bars;
}

#define MAX_BARS 1000

static void
check_bars(const HmlBars *bars)
{
	if (bars->n > MAX_BARS)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("too many bars: %zu (limit %d)", bars->n, MAX_BARS)));
}

PG_FUNCTION_INFO_V1(healthml_plot_drift_bars);

/* (title, x_title, names text[], values float8[], moderate float8, strong float8) */
Datum
healthml_plot_drift_bars(PG_FUNCTION_ARGS)
{
	HmlBars bars = bars_of(fcinfo);
	double moderate = PG_GETARG_FLOAT8(4);
	double strong = PG_GETARG_FLOAT8(5);
	Drawing drawing;

	check_bars(&bars);
	if (!(moderate > 0 && strong > moderate && isfinite(strong)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("limits %g and %g of a drift do not rise from 0", moderate, strong)));
	begin_drawing(&drawing);
	hml_plot_drift(&drawing.svg, &bars, moderate, strong);
	return finish_drawing(&drawing);
}

PG_FUNCTION_INFO_V1(healthml_plot_contributions);

/* (title, x_title, names text[], values float8[], base float8) */
Datum
healthml_plot_contributions(PG_FUNCTION_ARGS)
{
	HmlBars bars = bars_of(fcinfo);
	double base = PG_GETARG_FLOAT8(4);
	Drawing drawing;

	check_bars(&bars);
	if (!isfinite(base))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("base value %g is not finite", base)));
	begin_drawing(&drawing);
	hml_plot_waterfall(&drawing.svg, &bars, base);
	return finish_drawing(&drawing);
}

PG_FUNCTION_INFO_V1(healthml_plot_swarm);

/* (title, x_title, features text[], contributions float8[], values float8[]) */
Datum
healthml_plot_swarm(PG_FUNCTION_ARGS)
{
	HmlBars bars = bars_of(fcinfo);
	const double *values = as_many_numbers(fcinfo, 4, true, bars.n);
	Drawing drawing;

	begin_drawing(&drawing);
	healthml_check(&drawing.ctx, hml_plot_swarm(&drawing.svg, &bars, values));
	return finish_drawing(&drawing);
}

PG_FUNCTION_INFO_V1(healthml_plot_scores);

/* (title, x float8[], y float8[], risks text[], ticks float8[], labels text[]) */
Datum
healthml_plot_scores(PG_FUNCTION_ARGS)
{
	HmlTimeline timeline = {.title = text_of(fcinfo, 0)};
	Drawing drawing;

	timeline.x = numbers_of(fcinfo, 1, false, &timeline.n);
	timeline.y = as_many_numbers(fcinfo, 2, false, timeline.n);
	timeline.risks = as_many_texts(fcinfo, 3, timeline.n);
	timeline.ticks = numbers_of(fcinfo, 4, false, &timeline.n_ticks);
	timeline.labels = as_many_texts(fcinfo, 5, timeline.n_ticks);
	if (timeline.n_ticks == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a timeline needs ticks")));
	begin_drawing(&drawing);
	hml_plot_timeline(&drawing.svg, &timeline);
	return finish_drawing(&drawing);
}
