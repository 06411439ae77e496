/*
 * eeg_call.c
 *	  Arguments of SQL functions on EEGs, and the signal that they mean.
 */
#include "pg/signal/eeg_call.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "core/eeg/eeg_spectrogram.h"
#include "core/signal/edf/edf_field.h"

#include "pg/server/document.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"
#include "pg/signal/recording_call.h"
#include "pg/signal/signal_array.h"

#define FILTER_ORDER 2

/* ---- arguments ---- */

static int
argument(const HealthmlEegCall *call, const char *name)
{
	int found = healthml_argument_place(call->names, call->n_arguments, name);

	return found >= 0 && call->fcinfo->args[found].isnull ? -1 : found;
}

double
healthml_eeg_number(const HealthmlEegCall *call, const char *name)
{
	int found = argument(call, name);

	return found < 0 ? NAN : DatumGetFloat8(call->fcinfo->args[found].value);
}

const char *
healthml_eeg_text(const HealthmlEegCall *call, const char *name)
{
	int found = argument(call, name);

	return found < 0 ? NULL : TextDatumGetCString(call->fcinfo->args[found].value);
}

/* 0 where it is NULL; whatever else is not above 0 is an error. */
static double
frequency(const HealthmlEegCall *call, const char *name)
{
	double hz = healthml_eeg_number(call, name);

	if (isnan(hz))
		return 0;
	if (!(hz > 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must be above 0, not %g", name, hz)));
	return hz;
}

double
healthml_eeg_microvolts(const HealthmlEegCall *call)
{
	const char *units = healthml_eeg_text(call, "units");
	HmlEdfField field;
	double factor;

	if (units == NULL)
		return NAN;
	field = (HmlEdfField){(const unsigned char *) units, strlen(units)};
	if (hml_edf_voltage(field, &factor) == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid unit \"%s\"", units),
						errhint("The units are nV, uV, mV and V.")));
	return factor;
}

bool
healthml_eeg_begin(FunctionCallInfo fcinfo, HealthmlEegCall *call)
{
	memset(call, 0, sizeof(*call));
	if (PG_ARGISNULL(0))
		return false;
	call->fcinfo = fcinfo;
	call->n_arguments = healthml_arguments_of(fcinfo->flinfo->fn_oid, &call->names, &call->types);
	call->n_arguments = Min(call->n_arguments, fcinfo->nargs);
	healthml_context_init(&call->ctx, CurrentMemoryContext);
	healthml_limit_memory(&call->ctx);
	healthml_check(&call->ctx, hml_arena_create(&call->ctx, &call->arena));
	return true;
}

/* ---- signals ---- */

void
healthml_eeg_open(HealthmlEegCall *call)
{
	HmlContext *ctx = &call->ctx;

	healthml_check(ctx, healthml_unpack(ctx, call->fcinfo->args[0].value, &call->bytes));
	healthml_check(ctx, hml_edf_open(call->arena, call->bytes.data, call->bytes.length, &call->edf));
}

static void
read_file(HealthmlEegCall *call)
{
	HmlContext *ctx = &call->ctx;
	double from_s = healthml_eeg_number(call, "from_s");
	double seconds = healthml_eeg_number(call, "seconds");
	const HmlEdfStretch *stretch;

	healthml_eeg_open(call);
	healthml_check(ctx, hml_eeg_channels(call->arena, &call->edf, &call->channels));
	call->part = (HmlEegPart){isnan(from_s) ? 0 : from_s, seconds, healthml_eeg_microvolts(call)};
	stretch = hml_edf_stretch_at(&call->edf, call->part.from_s);
	if (isnan(seconds) && stretch != NULL)
		call->part.seconds = hml_edf_stretch_end(&call->edf, stretch) - call->part.from_s;
	healthml_check(ctx, hml_eeg_read(ctx, &call->edf, &call->channels, &call->part, &call->signal));
}

static void
read_array(HealthmlEegCall *call)
{
	int channels = argument(call, "channels");
	HealthmlRecording recording = {.datum = call->fcinfo->args[0].value,
								   .is_array = true,
								   .sample_rate = healthml_eeg_number(call, "sample_rate"),
								   .channels = channels < 0 ? (Datum) 0 : call->fcinfo->args[channels].value};

	healthml_check(&call->ctx, healthml_signal_of_array(&call->ctx, &recording, &call->signal));
}

void
healthml_eeg_read(HealthmlEegCall *call)
{
	if (call->types[0] == BYTEAOID)
		read_file(call);
	else
		read_array(call);
}

void
healthml_eeg_electrodes(HealthmlEegCall *call, double rate)
{
	HmlEegFilter filter = {.low_hz = frequency(call, "low_hz"),
						   .high_hz = frequency(call, "high_hz"),
						   .notch_hz = frequency(call, "notch_hz"),
						   .order = FILTER_ORDER};
	HmlEegWindow *window = &call->electrodes;

	healthml_check(&call->ctx, hml_eeg_electrodes(call->arena, &call->signal, rate, window));
	healthml_check(&call->ctx, hml_eeg_filter(&call->ctx, &filter, rate > 0 ? rate : call->signal.sample_rate,
											  window->samples, HML_EEG_ELECTRODES, window->n_samples));
}

/* ---- montages and spectrograms ---- */

const HmlMontage *
healthml_eeg_montage_of(HealthmlEegCall *call)
{
	const char *name = healthml_eeg_text(call, "montage");
	const HmlMontage *montage;

	healthml_check(&call->ctx, hml_montage_find(&call->ctx, name == NULL ? "referential" : name, &montage));
	return montage;
}

void
healthml_eeg_check_montage(const HealthmlEegCall *call, const HmlMontage *montage)
{
	if (call->electrodes.is_bipolar && !montage->is_bipolar)
		ereport(
			ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("a recording of differences has no montage \"%s\"", montage->name),
			 errdetail("Its channels are the differences of two electrodes, and its reference is not known."),
			 errhint("Use the montage double_banana.")));
}

float *
healthml_eeg_power(HealthmlEegCall *call, size_t *n_frames)
{
	HmlContext *ctx = &call->ctx;
	const HmlEegWindow *window = &call->electrodes;
	float *power;

	healthml_eeg_read(call);
	healthml_eeg_electrodes(call, HML_EEG_RATE);
	*n_frames = hml_eeg_frames(window->n_samples);
	if (*n_frames == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%g s are too short for a spectrogram, whose frames last 4 s",
							   hml_signal_seconds(&call->signal))));
	healthml_check(ctx, hml_arena_alloc(call->arena, *n_frames, HML_CHAINS * HML_EEG_BINS * sizeof(float),
										(void **) &power));
	healthml_check(ctx, hml_eeg_spectrogram(ctx, window->samples, window->n_samples, power));
	return power;
}
