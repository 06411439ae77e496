/*
 * signal_array.c
 *	  From a real[] to a signal.
 */
#include "pg/signal/signal_array.h"

#include <math.h>

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "pg/server/document.h"

#define SAMPLES_PER_POLL (1 << 20)

static HmlStatus
check_shape(HmlContext *ctx, const ArrayType *array, double sample_rate)
{
	if (!(sample_rate > 0 && isfinite(sample_rate)))
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "sample rate must be above 0, not %g", sample_rate);
	if (ARR_NDIM(array) > 2)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "signal must have channels and samples, not %d dimensions",
						ARR_NDIM(array));
	if (ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) == 0)
		return hml_fail(ctx, HML_INVALID_DATA, "signal is empty");
	if (array_contains_nulls(unconstify(ArrayType *, array)))
		return hml_fail(ctx, HML_INVALID_DATA, "signal contains NULL");
	return HML_OK;
}

static HmlStatus
copy_samples(HmlContext *ctx, const ArrayType *array, HmlSignal *out)
{
	const float4 *samples = (const float4 *) ARR_DATA_PTR(array);
	size_t n = out->n_channels * out->n_samples;

	HML_TRY(HML_NEW(ctx, &out->samples, n));
	for (size_t i = 0; i < n; i++)
	{
		if (i % SAMPLES_PER_POLL == 0)
			HML_TRY(hml_poll(ctx));
		out->samples[i] = samples[i];
		if (!isfinite(samples[i]))
			return hml_fail(ctx, HML_INVALID_DATA, "sample %zu of channel %zu is not a finite number",
							i % out->n_samples + 1, i / out->n_samples + 1);
	}
	return HML_OK;
}

/* One block: the pointers, then the text that they point to. */
static HmlStatus
copy_labels(HmlContext *ctx, Datum channels, HmlSignal *out)
{
	const char **names;
	Datum *values;
	bool *nulls;
	size_t size;
	char *end;
	int n;

	deconstruct_array(DatumGetArrayTypeP(channels), TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &n);
	if ((size_t) n != out->n_channels)
		return hml_fail(ctx, HML_INVALID_ARGUMENT, "%d names do not fit %zu channels", n, out->n_channels);
	names = palloc(sizeof(*names) * n);
	size = sizeof(*names) * n;
	for (int i = 0; i < n; i++)
	{
		names[i] = nulls[i] ? "" : healthml_to_utf8(TextDatumGetCString(values[i]));
		size += strlen(names[i]) + 1;
	}
	HML_TRY(hml_alloc(ctx, 1, size, (void **) &out->labels));
	end = (char *) (out->labels + n);
	for (int i = 0; i < n; i++)
	{
		out->labels[i] = strcpy(end, names[i]);
		end += strlen(names[i]) + 1;
	}
	pfree(names);
	return HML_OK;
}

static HmlStatus
convert(HmlContext *ctx, const HealthmlRecording *recording, const ArrayType *array, HmlSignal *out)
{
	HmlStatus status;

	HML_TRY(check_shape(ctx, array, recording->sample_rate));
	out->n_samples = (size_t) ARR_DIMS(array)[ARR_NDIM(array) - 1];
	out->n_channels = ARR_NDIM(array) == 2 ? (size_t) ARR_DIMS(array)[0] : 1;
	status = copy_samples(ctx, array, out);
	if (status == HML_OK && recording->channels != (Datum) 0)
		status = copy_labels(ctx, recording->channels, out);
	if (status != HML_OK)
		hml_signal_free(ctx, out);
	return status;
}

/* A datum of a few bytes may unpack to a gigabyte: its size is looked at first. */
HmlStatus
healthml_signal_of_array(HmlContext *ctx, const HealthmlRecording *recording, HmlSignal *out)
{
	size_t size = toast_raw_datum_size(recording->datum);
	ArrayType *array;
	HmlStatus status;

	*out = (HmlSignal){.sample_rate = recording->sample_rate, .unit = "", .format = "array"};
	HML_TRY(hml_charge(ctx, size));
	array = DatumGetArrayTypeP(recording->datum);
	status = convert(ctx, recording, array, out);
	if ((Pointer) array != DatumGetPointer(recording->datum))
		pfree(array);
	hml_discharge(ctx, size);
	return status;
}
