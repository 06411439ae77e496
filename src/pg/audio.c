/*
 * audio.c
 *	  Recordings: decoding, description, spectrograms, synthetic heart sounds.
 *
 * A recording is a bytea that holds a whole file.  How long it may be is bounded
 * by healthml.max_audio_seconds, and the memory that a call takes, from unpacking
 * the datum on, by healthml.max_memory.
 */
#include "compat.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "fmgr.h"
#include "utils/builtins.h"

#include "audio.h"
#include "errors.h"
#include "memory.h"
#include "settings.h"

/* ---- decoding ---- */

static HmlStatus
decode_bytes(HmlContext *ctx, const struct varlena *bytes, HmlAudio *out)
{
	HmlAudioLimits limits = HML_AUDIO_LIMITS_DEFAULT;

	limits.max_seconds = healthml_max_audio_seconds;
	return hml_audio_decode(ctx, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), &limits, out);
}

/* A datum of a few bytes may unpack to a gigabyte: its size is looked at first. */
HmlStatus
healthml_decode_audio(HmlContext *ctx, Datum recording, HmlAudio *out)
{
	struct varlena *stored = (struct varlena *) DatumGetPointer(recording);
	Size size = toast_raw_datum_size(recording);
	struct varlena *bytes;
	HmlStatus status;

	if (!VARATT_IS_COMPRESSED(stored) && !VARATT_IS_EXTERNAL(stored))
		return decode_bytes(ctx, stored, out);
	HML_TRY(hml_charge(ctx, size));
	bytes = pg_detoast_datum_packed(stored);
	status = decode_bytes(ctx, bytes, out);
	pfree(bytes);
	hml_discharge(ctx, size);
	return status;
}

/* ---- description ---- */

PG_FUNCTION_INFO_V1(healthml_audio_info);

/* healthml.audio_info(audio bytea) RETURNS healthml.audio_info */
Datum
healthml_audio_info(PG_FUNCTION_ARGS)
{
	HmlContext ctx;
	HmlAudio audio;
	HmlAudioInfo info;
	TupleDesc desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	healthml_context_init(&ctx, CurrentMemoryContext);
	healthml_limit_memory(&ctx);
	healthml_check(&ctx, healthml_decode_audio(&ctx, PG_GETARG_DATUM(0), &audio));
	healthml_check(&ctx, hml_audio_describe(&ctx, &audio, &info));
	hml_audio_free(&ctx, &audio);
	{
		Datum values[] = {CStringGetTextDatum(audio.format),
						  CStringGetTextDatum(audio.encoding),
						  Int32GetDatum(audio.sample_rate),
						  Int32GetDatum(audio.channels),
						  Float8GetDatum(info.duration_s),
						  Float8GetDatum(info.peak),
						  Float8GetDatum(info.rms),
						  Float8GetDatum(info.dc_offset),
						  Float8GetDatum(info.clipped_share),
						  Float8GetDatum(info.noise_db),
						  Float8GetDatum(info.snr_db),
						  BoolGetDatum(audio.truncated),
						  Int64GetDatum((int64) audio.n_invalid)};
		bool nulls[lengthof(values)] = {false};

		PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
	}
}
