/*
 * eeg_synthetic.c
 *	  Synthetic EEGs as EDF files, one or a table of them.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "core/eeg/eeg_synthetic.h"

#include "pg/server/errors.h"
#include "pg/server/memory.h"

static HmlEegClass
pattern_of(text *name)
{
	const char *pattern = text_to_cstring(name);

	for (int c = 0; c < HML_EEG_CLASSES; c++)
		if (strcmp(pattern, hml_eeg_classes[c]) == 0)
			return (HmlEegClass) c;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid pattern \"%s\"", pattern),
					errhint("The patterns are seizure, lpd, gpd, lrda, grda and other.")));
}

static double
number_or_drawn(FunctionCallInfo fcinfo, int argument)
{
	return PG_ARGISNULL(argument) ? NAN : PG_GETARG_FLOAT8(argument);
}

static bytea *
file_of(const HmlSyntheticEeg *eeg, unsigned votes[HML_EEG_CLASSES])
{
	HmlContext ctx;
	HmlWriter writer;
	bytea *file;

	healthml_context_init(&ctx, CurrentMemoryContext);
	healthml_limit_memory(&ctx);
	hml_writer_init(&writer, &ctx);
	healthml_check(&ctx, hml_synthetic_eeg_file(eeg, &writer, votes));
	healthml_check(&ctx, hml_writer_finish(&writer));
	file = palloc(writer.length + VARHDRSZ);
	SET_VARSIZE(file, writer.length + VARHDRSZ);
	memcpy(VARDATA(file), writer.data, writer.length);
	hml_writer_free(&writer);
	return file;
}

PG_FUNCTION_INFO_V1(healthml_synthetic_eeg);

/* healthml.synthetic_eeg(pattern, seconds, seed, frequency_hz, amplitude_uv, from_s, to_s, artifacts) RETURNS bytea */
Datum
healthml_synthetic_eeg(PG_FUNCTION_ARGS)
{
	HmlSyntheticEeg eeg;
	unsigned votes[HML_EEG_CLASSES];

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(7))
		PG_RETURN_NULL();
	eeg = (HmlSyntheticEeg){.pattern = pattern_of(PG_GETARG_TEXT_PP(0)),
							.seconds = PG_GETARG_FLOAT8(1),
							.seed = (uint64) PG_GETARG_INT64(2),
							.head = (uint64) PG_GETARG_INT64(2),
							.frequency_hz = number_or_drawn(fcinfo, 3),
							.amplitude_uv = number_or_drawn(fcinfo, 4),
							.from_s = number_or_drawn(fcinfo, 5),
							.to_s = number_or_drawn(fcinfo, 6),
							.artifacts = PG_GETARG_FLOAT8(7)};
	PG_RETURN_BYTEA_P(file_of(&eeg, votes));
}

/* ---- a set ---- */

/* Columns of healthml.synthetic_eegs(). */
typedef enum Column
{
	COLUMN_ID,
	COLUMN_PATIENT,
	COLUMN_PATTERN,
	COLUMN_RECORDING,
	COLUMN_VOTES,
	N_COLUMNS = COLUMN_VOTES + HML_EEG_CLASSES
} Column;

static void
fill_row(uint64 seed, int64 i, Datum values[N_COLUMNS])
{
	HmlSyntheticEeg eeg = hml_synthetic_eeg_of_set(seed, (uint64) i);
	unsigned votes[HML_EEG_CLASSES];

	values[COLUMN_ID] = Int64GetDatum(i + 1);
	values[COLUMN_PATIENT] = Int64GetDatum(i / 2 + 1);
	values[COLUMN_PATTERN] = CStringGetTextDatum(hml_eeg_classes[eeg.pattern]);
	values[COLUMN_RECORDING] = PointerGetDatum(file_of(&eeg, votes));
	for (int c = 0; c < HML_EEG_CLASSES; c++)
		values[COLUMN_VOTES + c] = Int32GetDatum((int32) votes[c]);
}

PG_FUNCTION_INFO_V1(healthml_synthetic_eegs);

/* healthml.synthetic_eegs(n, seed) RETURNS TABLE (...), see Column */
Datum
healthml_synthetic_eegs(PG_FUNCTION_ARGS)
{
	FuncCallContext *set;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext caller;
		TupleDesc desc;
		int64 n = PG_GETARG_INT64(0);

		if (n < 0)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("number of recordings must not be negative: " INT64_FORMAT, n)));
		set = SRF_FIRSTCALL_INIT();
		caller = MemoryContextSwitchTo(set->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != N_COLUMNS)
			elog(ERROR, "return type must be a row type of %d columns", N_COLUMNS);
		set->tuple_desc = BlessTupleDesc(desc);
		set->max_calls = (uint64) n;
		MemoryContextSwitchTo(caller);
	}
	set = SRF_PERCALL_SETUP();
	if (set->call_cntr < set->max_calls)
	{
		Datum values[N_COLUMNS];
		bool nulls[N_COLUMNS] = {false};

		fill_row((uint64) PG_GETARG_INT64(1), (int64) set->call_cntr, values);
		SRF_RETURN_NEXT(set, HeapTupleGetDatum(heap_form_tuple(set->tuple_desc, values, nulls)));
	}
	SRF_RETURN_DONE(set);
}
