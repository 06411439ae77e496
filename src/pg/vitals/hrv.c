/*
 * hrv.c
 *	  Aggregate healthml.hrv: heart-rate variability of a series of beats.
 *
 * The state is the intervals; those that are to be corrected are kept negative,
 * so that it stays a plain list that can be sent and joined.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "core/stats/hrv.h"

#include "pg/server/aggregate.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"
#include "pg/vitals/series.h"

PG_FUNCTION_INFO_V1(healthml_hrv_add);
PG_FUNCTION_INFO_V1(healthml_hrv_final);

/* Members of HmlHrv in the order of the columns of healthml.hrv, after n and corrected. */
#define MEASURE(member) \
	{ \
		offsetof(HmlHrv, member), #member \
	}

static const struct
{
	size_t offset;
	const char *name;
} measures[] = {
	MEASURE(mean_nn),
	MEASURE(median_nn),
	MEASURE(min_nn),
	MEASURE(max_nn),
	MEASURE(range_nn),
	MEASURE(sdnn),
	MEASURE(sdsd),
	MEASURE(rmssd),
	MEASURE(nn50),
	MEASURE(pnn50),
	MEASURE(nn20),
	MEASURE(pnn20),
	MEASURE(cvnn),
	MEASURE(cvsd),
	MEASURE(mean_hr),
	MEASURE(min_hr),
	MEASURE(max_hr),
	MEASURE(sd_hr),
	MEASURE(triangular_index),
	MEASURE(tinn),
	{offsetof(HmlHrv, welch.total), "total_power"},
	{offsetof(HmlHrv, welch.vlf), "vlf"},
	{offsetof(HmlHrv, welch.lf), "lf"},
	{offsetof(HmlHrv, welch.hf), "hf"},
	{offsetof(HmlHrv, welch.lf_hf_ratio), "lf_hf_ratio"},
	{offsetof(HmlHrv, welch.lf_nu), "lf_nu"},
	{offsetof(HmlHrv, welch.hf_nu), "hf_nu"},
	{offsetof(HmlHrv, lomb.total), "lomb_total_power"},
	{offsetof(HmlHrv, lomb.vlf), "lomb_vlf"},
	{offsetof(HmlHrv, lomb.lf), "lomb_lf"},
	{offsetof(HmlHrv, lomb.hf), "lomb_hf"},
	{offsetof(HmlHrv, lomb.lf_hf_ratio), "lomb_lf_hf_ratio"},
	{offsetof(HmlHrv, lomb.lf_nu), "lomb_lf_nu"},
	{offsetof(HmlHrv, lomb.hf_nu), "lomb_hf_nu"},
	MEASURE(sd1),
	MEASURE(sd2),
	MEASURE(sd1_sd2_ratio),
	MEASURE(sample_entropy),
	MEASURE(csi),
	MEASURE(cvi),
};

#define FIRST_MEASURE 2 /* after n and corrected */
#define HRV_COLUMNS (FIRST_MEASURE + lengthof(measures) + 1)

static bool
is_correction(text *given)
{
	const char *name = text_to_cstring(given);

	if (strcmp(name, "none") == 0 || strcmp(name, "malik") == 0)
		return name[0] == 'm';
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("correction must be \"none\" or \"malik\", not \"%s\"", name)));
}

/* healthml.hrv_add(state, rr_ms [, correction]) */
Datum
healthml_hrv_add(PG_FUNCTION_ARGS)
{
	ExpandedArrayHeader *series;
	double rr;
	bool corrected;

	if (PG_ARGISNULL(1) || isnan(PG_GETARG_FLOAT8(1)))
		return healthml_same_state(fcinfo);
	rr = PG_GETARG_FLOAT8(1);
	if (!(rr >= HML_RR_MIN && rr <= HML_RR_MAX))
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("RR interval %g is out of range (%g to %g ms)", rr, HML_RR_MIN, HML_RR_MAX),
						errhint("RR intervals are in milliseconds; leave gaps out.")));
	corrected = PG_NARGS() > 2 && !PG_ARGISNULL(2) && is_correction(PG_GETARG_TEXT_PP(2));
	series = healthml_series(fcinfo);
	healthml_series_append(series, corrected ? -rr : rr);
	return EOHPGetRWDatum(&series->hdr);
}

static Datum
row_of(FunctionCallInfo fcinfo, const HmlHrv *hrv)
{
	Datum values[HRV_COLUMNS];
	bool nulls[HRV_COLUMNS] = {false};
	Datum unknown[lengthof(measures)];
	int n_unknown = 0;
	TupleDesc desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != HRV_COLUMNS)
		elog(ERROR, "hrv must return healthml.hrv");
	values[0] = Int64GetDatum((int64) hrv->n);
	values[1] = Int64GetDatum((int64) hrv->corrected);
	for (size_t i = 0; i < lengthof(measures); i++)
	{
		double value = *(const double *) ((const char *) hrv + measures[i].offset);

		values[FIRST_MEASURE + i] = Float8GetDatum(value);
		nulls[FIRST_MEASURE + i] = isnan(value);
		if (isnan(value))
			unknown[n_unknown++] = CStringGetTextDatum(measures[i].name);
	}
	values[HRV_COLUMNS - 1] =
		PointerGetDatum(n_unknown > 0 ? construct_array(unknown, n_unknown, TEXTOID, -1, false, TYPALIGN_INT)
									  : construct_empty_array(TEXTOID));
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/* healthml.hrv_final(state) */
Datum
healthml_hrv_final(PG_FUNCTION_ARGS)
{
	HmlContext ctx;
	HmlHrv hrv;
	double *rr;
	size_t n;
	size_t corrected = 0;

	healthml_aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	healthml_context_init(&ctx, CurrentMemoryContext);
	healthml_limit_memory(&ctx);
	rr = healthml_series_values(PG_GETARG_DATUM(0), &n);
	if (n > 0 && rr[0] < 0)
	{
		for (size_t i = 0; i < n; i++)
			rr[i] = -rr[i];
		healthml_check(&ctx, hml_rr_correct(&ctx, rr, n, &corrected));
	}
	healthml_check(&ctx, hml_hrv(&ctx, rr, n, &hrv));
	hrv.corrected = corrected;
	return row_of(fcinfo, &hrv);
}
