/*
 * eeg.c
 *	  EEGs: what a recording holds, its annotations, its signal and its spectrogram.
 *
 * A recording is a bytea that holds an EDF, EDF+, BDF or BDF+ file.  The memory that a
 * call takes, from unpacking the datum on, is bounded by healthml.max_memory.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/eeg/eeg_spectrogram.h"

#include "pg/server/document.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"
#include "pg/signal/audio.h"
#include "pg/signal/eeg_call.h"
#include "pg/signal/named_row.h"

/* ---- description ---- */

static void
set_column(HealthmlNamedRow *row, const char *name, Datum value)
{
	int column = healthml_named_column(row->desc, name);

	if (column < 0)
		elog(ERROR, "eeg_info has no column \"%s\"", name);
	row->values[column] = value;
	row->nulls[column] = false;
}

/* A NULL element for each NULL text. */
static Datum
text_array(const char *const *texts, size_t n)
{
	Datum *values = palloc_array(Datum, n + 1);
	bool *nulls = palloc_array(bool, n + 1);
	int dimension = (int) n;
	int lower_bound = 1;

	for (size_t i = 0; i < n; i++)
	{
		nulls[i] = texts[i] == NULL;
		values[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(healthml_readable(texts[i]));
	}
	if (n == 0)
		return PointerGetDatum(construct_empty_array(TEXTOID));
	return PointerGetDatum(
		construct_md_array(values, nulls, 1, &dimension, &lower_bound, TEXTOID, -1, false, TYPALIGN_INT));
}

static void
set_channels(HealthmlNamedRow *row, const HmlEdf *edf)
{
	size_t n = edf->n_channels;
	const char **labels = palloc_array(const char *, n + 1);
	const char **names = palloc_array(const char *, n + 1);
	const char **units = palloc_array(const char *, n + 1);
	Datum *rates = palloc_array(Datum, n + 1);
	Datum *usable = palloc_array(Datum, n + 1);

	for (size_t i = 0; i < n; i++)
	{
		const HmlEdfChannel *channel = &edf->channels[i];
		HmlEegLabel label = hml_eeg_label(channel->label);

		labels[i] = channel->label;
		names[i] = label.kind == HML_EEG_LABEL_OTHER ? NULL : pstrdup(label.name);
		units[i] = channel->unit[0] == '\0' ? NULL : channel->unit;
		rates[i] = Float8GetDatum(channel->sample_rate);
		usable[i] = BoolGetDatum(channel->usable);
	}
	set_column(row, "channels", text_array(labels, n));
	set_column(row, "electrodes", text_array(names, n));
	set_column(row, "units", text_array(units, n));
	set_column(row, "sample_rates",
			   PointerGetDatum(construct_array(rates, (int) n, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL,
											   TYPALIGN_DOUBLE)));
	set_column(row, "usable",
			   PointerGetDatum(construct_array(usable, (int) n, BOOLOID, 1, true, TYPALIGN_CHAR)));
}

/* float8[][] of from and to of each gap. */
static void
set_gaps(HealthmlNamedRow *row, const HmlEdf *edf)
{
	size_t n = edf->n_stretches - 1;
	Datum *ends = palloc_array(Datum, 2 * n + 1);
	int dimensions[] = {(int) n, 2};
	int lower_bounds[] = {1, 1};

	for (size_t i = 0; i < n; i++)
	{
		ends[2 * i] = Float8GetDatum(hml_edf_stretch_end(edf, &edf->stretches[i]));
		ends[2 * i + 1] = Float8GetDatum(edf->stretches[i + 1].onset_s);
	}
	set_column(row, "gaps",
			   n == 0
				   ? PointerGetDatum(construct_empty_array(FLOAT8OID))
				   : PointerGetDatum(construct_md_array(ends, NULL, 2, dimensions, lower_bounds, FLOAT8OID,
														sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)));
}

static void
set_start(HealthmlNamedRow *row, const HmlEdfStart *start)
{
	struct pg_tm tm = {.tm_year = start->year, .tm_mon = start->month, .tm_mday = start->day};
	Timestamp started_at;
	fsec_t fraction;

	if (!start->has_date || !start->has_time)
		return;
	tm.tm_hour = start->hour;
	tm.tm_min = start->minute;
	tm.tm_sec = (int) start->second;
	fraction = (fsec_t) rint((start->second - tm.tm_sec) * USECS_PER_SEC);
	if (tm2timestamp(&tm, fraction, NULL, &started_at) == 0)
		set_column(row, "started_at", TimestampGetDatum(started_at));
}

static void
set_person(HealthmlNamedRow *row, unsigned person)
{
	static const char *const names[] = {"code", "sex", "birthdate", "name", "other", "recording"};
	const char *found[lengthof(names)];
	size_t n = 0;

	for (size_t i = 0; i < lengthof(names); i++)
		if (person & 1u << i)
			found[n++] = names[i];
	set_column(row, "patient_fields", text_array(found, n));
}

PG_FUNCTION_INFO_V1(healthml_eeg_info);

/* healthml.eeg_info(recording bytea) RETURNS healthml.eeg_info */
Datum
healthml_eeg_info(PG_FUNCTION_ARGS)
{
	HealthmlEegCall call;
	HealthmlNamedRow row;
	TupleDesc desc;
	const HmlEdf *edf = &call.edf;

	if (!healthml_eeg_begin(fcinfo, &call))
		PG_RETURN_NULL();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	healthml_eeg_open(&call);
	row = healthml_named_row(BlessTupleDesc(desc));
	set_column(&row, "format", CStringGetTextDatum(edf->format));
	set_column(&row, "duration_s", Float8GetDatum(hml_edf_recorded_s(edf)));
	set_column(&row, "end_s", Float8GetDatum(edf->end_s));
	set_column(&row, "annotations", Int64GetDatum((int64) edf->n_annotations));
	set_column(&row, "truncated", BoolGetDatum(edf->truncated));
	set_column(&row, "warnings", text_array(edf->warnings, edf->n_warnings));
	set_channels(&row, edf);
	set_gaps(&row, edf);
	set_start(&row, &edf->start);
	set_person(&row, edf->person);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(row.desc, row.values, row.nulls)));
}

PG_FUNCTION_INFO_V1(healthml_eeg_annotations);

/* healthml.eeg_annotations(recording bytea) RETURNS TABLE (onset_s, duration_s, text); strict */
Datum
healthml_eeg_annotations(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	HealthmlEegCall call;

	InitMaterializedSRF(fcinfo, 0);
	if (!healthml_eeg_begin(fcinfo, &call))
		return (Datum) 0;
	healthml_eeg_open(&call);
	for (size_t i = 0; i < call.edf.n_annotations; i++)
	{
		const HmlEdfAnnotation *annotation = &call.edf.annotations[i];
		Datum values[] = {Float8GetDatum(annotation->onset_s), Float8GetDatum(annotation->duration_s),
						  CStringGetTextDatum(healthml_readable(annotation->text))};
		bool nulls[] = {false, isnan(annotation->duration_s), false};

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		pfree(DatumGetPointer(values[2]));
	}
	return (Datum) 0;
}

/* ---- montages ---- */

PG_FUNCTION_INFO_V1(healthml_eeg_montage);

/* healthml.eeg_montage(montage text) RETURNS text[]; strict */
Datum
healthml_eeg_montage(PG_FUNCTION_ARGS)
{
	const char *names[HML_EEG_MAX_DERIVATIONS];
	const HmlMontage *montage;
	HmlContext ctx;

	healthml_context_init(&ctx, CurrentMemoryContext);
	healthml_check(&ctx, hml_montage_find(&ctx, text_to_cstring(PG_GETARG_TEXT_PP(0)), &montage));
	for (size_t i = 0; i < montage->n; i++)
		names[i] = montage->rows[i].name;
	PG_RETURN_DATUM(text_array(names, montage->n));
}

/* ---- signal ---- */

PG_FUNCTION_INFO_V1(healthml_eeg_signal);

/* healthml.eeg_signal(recording, from_s, seconds, montage, low_hz, high_hz, notch_hz, sample_rate, units) RETURNS real[] */
Datum
healthml_eeg_signal(PG_FUNCTION_ARGS)
{
	HealthmlEegCall call;
	const HmlMontage *montage;
	double rate;
	size_t n;
	float *out;

	if (!healthml_eeg_begin(fcinfo, &call))
		PG_RETURN_NULL();
	montage = healthml_eeg_montage_of(&call);
	rate = healthml_eeg_number(&call, "sample_rate");
	if (!isnan(rate) && !(rate > 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"sample_rate\" must be above 0, not %g", rate)));
	healthml_eeg_read(&call);
	healthml_eeg_electrodes(&call, isnan(rate) ? 0 : rate);
	healthml_eeg_check_montage(&call, montage);
	n = call.electrodes.n_samples;
	healthml_check(&call.ctx, hml_arena_alloc(call.arena, n, montage->n * sizeof(float), (void **) &out));
	hml_montage_apply(montage, call.electrodes.samples, n, out);
	PG_RETURN_ARRAYTYPE_P(healthml_matrix(&call.ctx, out, montage->n, n));
}

/* ---- spectrogram ---- */

PG_FUNCTION_INFO_V1(healthml_eeg_spectrogram);

/* healthml.eeg_spectrogram(recording | eeg, ..., low_hz, high_hz, notch_hz) RETURNS real[] of chains x bins x frames */
Datum
healthml_eeg_spectrogram(PG_FUNCTION_ARGS)
{
	HealthmlEegCall call;
	size_t dimensions[] = {HML_CHAINS, HML_EEG_BINS, 0};
	float *out;

	if (!healthml_eeg_begin(fcinfo, &call))
		PG_RETURN_NULL();
	out = healthml_eeg_power(&call, &dimensions[2]);
	PG_RETURN_ARRAYTYPE_P(healthml_tensor(&call.ctx, out, lengthof(dimensions), dimensions));
}
