/*
 * audio.c
 *	  Recordings: decoding, description, spectrograms, synthetic heart sounds.
 *
 * A recording is a bytea that holds a whole file.  How long it may be is bounded
 * by healthml.max_audio_seconds, and the memory that a call takes, from unpacking
 * the datum on, by healthml.max_memory.
 */
#include "pg/server/compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "core/heart/heart_sound.h"
#include "core/signal/audio/audio_reader.h"
#include "core/signal/audio/plot_signal.h"
#include "core/signal/audio/spectrogram.h"

#include "pg/signal/audio.h"
#include "pg/server/document.h"
#include "pg/server/errors.h"
#include "pg/server/memory.h"
#include "pg/signal/recording.h"

/* ---- decoding ---- */

HmlStatus
healthml_decode_audio(HmlContext *ctx, Datum recording, HmlAudio *out)
{
	HmlAudioLimits limits = hml_audio_limits(healthml_limits(&hml_audio_reader));
	HealthmlBytes bytes;
	HmlStatus status;

	HML_TRY(healthml_unpack(ctx, recording, &bytes));
	status = hml_audio_decode(ctx, bytes.data, bytes.length, &limits, out);
	healthml_release(ctx, &bytes);
	return status;
}

/* ---- description ---- */

/* "mono", "mean", "difference", "channel 2" */
static Datum
mix_name(const HmlAudio *audio)
{
	if (audio->mix == HML_MIX_CHANNEL)
		return PointerGetDatum(cstring_to_text(psprintf("channel %d", audio->mix_channel)));
	if (audio->mix == HML_MIX_DIFFERENCE)
		return CStringGetTextDatum("difference");
	return CStringGetTextDatum(audio->channels == 1 ? "mono" : "mean");
}

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
						  Int64GetDatum((int64) audio.n_invalid),
						  mix_name(&audio)};
		bool nulls[lengthof(values)] = {false};

		PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
	}
}

/* ---- spectrogram ---- */

#define LEAST_POWER 1e-10f /* librosa's amin */

/* Arguments of healthml.mel_spectrogram(), by position. */
typedef enum Argument
{
	ARG_AUDIO,
	ARG_SAMPLE_RATE,
	ARG_N_MELS,
	ARG_N_FFT,
	ARG_HOP_LENGTH,
	ARG_FMIN,
	ARG_FMAX,
	ARG_PADDING,
	ARG_DB_REF,
	ARG_TOP_DB
} Argument;

static HmlPadding
padding_of(text *name)
{
	const char *padding = text_to_cstring(name);

	if (strcmp(padding, "constant") == 0)
		return HML_PAD_CONSTANT;
	if (strcmp(padding, "reflect") == 0)
		return HML_PAD_REFLECT;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid padding \"%s\"", padding),
					errhint("The paddings are constant and reflect.")));
}

static double
above_zero(const char *name, double value)
{
	if (!(value > 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("argument \"%s\" must be above 0, not %g", name, value)));
	return value;
}

/* A rate and an upper end that are NULL are the recording's, for which libhml takes 0. */
static HmlMelSpec
mel_spec(FunctionCallInfo fcinfo)
{
	HmlMelSpec spec = {
		.n_fft = PG_GETARG_INT32(ARG_N_FFT),
		.hop_length = PG_GETARG_INT32(ARG_HOP_LENGTH),
		.n_mels = PG_GETARG_INT32(ARG_N_MELS),
		.fmin = PG_GETARG_FLOAT8(ARG_FMIN),
		.padding = padding_of(PG_GETARG_TEXT_PP(ARG_PADDING)),
	};

	if (!PG_ARGISNULL(ARG_SAMPLE_RATE))
		spec.sample_rate = above_zero("sample_rate", PG_GETARG_INT32(ARG_SAMPLE_RATE));
	if (!PG_ARGISNULL(ARG_FMAX))
		spec.fmax = above_zero("fmax", PG_GETARG_FLOAT8(ARG_FMAX));
	return spec;
}

ArrayType *
healthml_tensor(HmlContext *ctx, const float *numbers, int n_dimensions, const size_t *dimensions)
{
	Size size = ARR_OVERHEAD_NONULLS(n_dimensions);
	Size n = 1;
	ArrayType *array;

	for (int i = 0; i < n_dimensions; i++)
		n *= dimensions[i];
	healthml_check(ctx, hml_charge(ctx, size + n * sizeof(float4)));
	if (n > (MaxAllocSize - size) / sizeof(float4))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("array of %zu numbers is too large", n)));
	size += n * sizeof(float4);
	array = palloc0(size);
	SET_VARSIZE(array, size);
	array->ndim = n_dimensions;
	array->elemtype = FLOAT4OID;
	for (int i = 0; i < n_dimensions; i++)
	{
		ARR_DIMS(array)[i] = (int) dimensions[i];
		ARR_LBOUND(array)[i] = 1;
	}
	memcpy(ARR_DATA_PTR(array), numbers, n * sizeof(float4));
	return array;
}

ArrayType *
healthml_matrix(HmlContext *ctx, const float *numbers, size_t rows, size_t columns)
{
	const size_t dimensions[] = {rows, columns};

	return healthml_tensor(ctx, numbers, 2, dimensions);
}

PG_FUNCTION_INFO_V1(healthml_mel_spectrogram);

/* healthml.mel_spectrogram(audio, sample_rate, ...) RETURNS real[], see Argument */
Datum
healthml_mel_spectrogram(PG_FUNCTION_ARGS)
{
	static const Argument required[] = {ARG_AUDIO,      ARG_N_MELS, ARG_N_FFT,
										ARG_HOP_LENGTH, ARG_FMIN,   ARG_PADDING};
	HmlContext ctx;
	HmlAudio audio;
	HmlMelSpec spec;
	HmlSpectrogram mel;
	float ref = HML_DB_REF_MAX;
	float top_db = -1;
	size_t n_mels;

	for (int i = 0; i < lengthof(required); i++)
		if (PG_ARGISNULL(required[i]))
			PG_RETURN_NULL();
	spec = mel_spec(fcinfo);
	n_mels = (size_t) spec.n_mels;
	if (!PG_ARGISNULL(ARG_DB_REF))
		ref = (float) above_zero("db_ref", PG_GETARG_FLOAT8(ARG_DB_REF));
	if (!PG_ARGISNULL(ARG_TOP_DB))
		top_db = (float) above_zero("top_db", PG_GETARG_FLOAT8(ARG_TOP_DB));
	healthml_context_init(&ctx, CurrentMemoryContext);
	healthml_limit_memory(&ctx);
	healthml_check(&ctx, healthml_decode_audio(&ctx, PG_GETARG_DATUM(ARG_AUDIO), &audio));
	healthml_check(&ctx, hml_spectrogram(&ctx, &spec, &audio, &mel));
	hml_audio_free(&ctx, &audio);
	hml_power_to_db(mel.power, n_mels * mel.n_frames, ref, LEAST_POWER, top_db);
	PG_RETURN_ARRAYTYPE_P(healthml_matrix(&ctx, mel.power, n_mels, mel.n_frames));
}

/* ---- pictures ---- */

/* A recording and the view of it that a call asks for: its first three arguments are audio, from_s and to_s. */
typedef struct Picture
{
	HmlContext ctx;
	HmlAudio audio;
	HmlSignalView view;
	HmlText svg;
} Picture;

static void
begin_picture(FunctionCallInfo fcinfo, Picture *picture, text *title)
{
	healthml_context_init(&picture->ctx, CurrentMemoryContext);
	healthml_limit_memory(&picture->ctx);
	picture->view = (HmlSignalView){.title = healthml_to_utf8(text_to_cstring(title)),
									.from_s = PG_GETARG_FLOAT8(1),
									.to_s = PG_GETARG_FLOAT8(2)};
	healthml_check(&picture->ctx, healthml_decode_audio(&picture->ctx, PG_GETARG_DATUM(0), &picture->audio));
	hml_text_init(&picture->svg, &picture->ctx);
}

static text *
finish_picture(Picture *picture)
{
	const char *svg;

	hml_audio_free(&picture->ctx, &picture->audio);
	healthml_check(&picture->ctx, hml_text_finish(&picture->svg, &svg));
	return cstring_to_text(healthml_from_utf8(svg));
}

PG_FUNCTION_INFO_V1(healthml_plot_waveform);

/* healthml.plot_waveform(audio, from_s, to_s, title) RETURNS text */
Datum
healthml_plot_waveform(PG_FUNCTION_ARGS)
{
	Picture picture;

	begin_picture(fcinfo, &picture, PG_GETARG_TEXT_PP(3));
	healthml_check(&picture.ctx, hml_plot_waveform(&picture.svg, &picture.audio, &picture.view));
	PG_RETURN_TEXT_P(finish_picture(&picture));
}

PG_FUNCTION_INFO_V1(healthml_plot_spectrogram);

/* healthml.plot_spectrogram(audio, from_s, to_s, sample_rate, n_mels, n_fft, fmin, fmax, top_db, title) RETURNS text */
Datum
healthml_plot_spectrogram(PG_FUNCTION_ARGS)
{
	Picture picture;
	HmlMelSpec spec = {.sample_rate = above_zero("sample_rate", PG_GETARG_INT32(3)),
					   .n_mels = PG_GETARG_INT32(4),
					   .n_fft = PG_GETARG_INT32(5),
					   .hop_length = PG_GETARG_INT32(5) / 2,
					   .fmin = PG_GETARG_FLOAT8(6),
					   .fmax = above_zero("fmax", PG_GETARG_FLOAT8(7)),
					   .padding = HML_PAD_CONSTANT};

	begin_picture(fcinfo, &picture, PG_GETARG_TEXT_PP(9));
	healthml_check(&picture.ctx, hml_plot_spectrogram(&picture.svg, &picture.audio, &picture.view, &spec,
													  PG_GETARG_FLOAT8(8)));
	PG_RETURN_TEXT_P(finish_picture(&picture));
}

/* ---- synthetic heart sounds ---- */

static HmlMurmur
murmur_of(text *name)
{
	static const char *const names[] = {"none", "systolic", "diastolic"};
	const char *murmur = text_to_cstring(name);

	for (int i = 0; i < lengthof(names); i++)
		if (strcmp(murmur, names[i]) == 0)
			return (HmlMurmur) i;
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid murmur \"%s\"", murmur),
					errhint("The murmurs are none, systolic and diastolic.")));
}

PG_FUNCTION_INFO_V1(healthml_synthetic_heart_sound);

/* healthml.synthetic_heart_sound(seconds, bpm, murmur, noise, seed) RETURNS bytea */
Datum
healthml_synthetic_heart_sound(PG_FUNCTION_ARGS)
{
	HmlSyntheticHeart heart = {
		.seconds = PG_GETARG_FLOAT8(0),
		.bpm = PG_GETARG_FLOAT8(1),
		.murmur = murmur_of(PG_GETARG_TEXT_PP(2)),
		.noise = PG_GETARG_FLOAT8(3),
		.seed = (uint64) PG_GETARG_INT64(4),
	};
	HmlContext ctx;
	unsigned char *bytes;
	size_t length;
	bytea *wav;

	healthml_context_init(&ctx, CurrentMemoryContext);
	healthml_check(&ctx, hml_synthetic_heart_sound(&ctx, &heart, &bytes, &length));
	wav = palloc(VARHDRSZ + length);
	SET_VARSIZE(wav, VARHDRSZ + length);
	memcpy(VARDATA(wav), bytes, length);
	hml_free(&ctx, bytes);
	PG_RETURN_BYTEA_P(wav);
}
