/*
 * recording.c
 *	  From a bytea datum to a signal, and to what a model finds in it.
 *
 * (heart_sound_classify(audio)).* is one call for each column, and what people
 * write.  So the last recording is remembered with what was found in it: the same
 * bytes, model and settings give the same answer.
 */
#include "pg/signal/recording.h"

#include <math.h>

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "pg/server/settings.h"
#include "pg/server/document.h"
#include "pg/signal/signal_array.h"

/* ---- settings ---- */

typedef struct Limits
{
	const HmlSignalReader *reader;
	int values[HML_SIGNAL_MAX_LIMITS];
	struct Limits *next;
} Limits;

static Limits *all_limits;

static Limits *
limits_of(const HmlSignalReader *reader)
{
	Limits *limits = all_limits;

	while (limits != NULL && limits->reader != reader)
		limits = limits->next;
	return limits;
}

const int *
healthml_limits(const HmlSignalReader *reader)
{
	return limits_of(reader)->values;
}

static void
define_limits(const HmlSignalReader *reader)
{
	Limits *limits = MemoryContextAllocZero(TopMemoryContext, sizeof(*limits));

	limits->reader = reader;
	limits->next = all_limits;
	all_limits = limits;
	for (int i = 0; reader->limits[i].name != NULL; i++)
	{
		const HmlSignalLimit *limit = &reader->limits[i];

		DefineCustomIntVariable(psprintf("healthml.%s", limit->name), limit->help, limit->detail,
								&limits->values[i], limit->value, limit->least, limit->most, PGC_USERSET,
								limit->is_seconds ? GUC_UNIT_S : 0, NULL, NULL, NULL);
	}
}

void
healthml_check_limits(void)
{
	for (const HmlModality *const *modality = hml_modalities; *modality != NULL; modality++)
		for (const HmlSignalLimit *limit = (*modality)->reader->limits; limit->name != NULL; limit++)
			healthml_check_placeholder(psprintf("healthml.%s", limit->name), limit->least, limit->most,
									   limit->is_seconds ? GUC_UNIT_S : 0);
}

void
healthml_define_limits(void)
{
	for (const HmlModality *const *modality = hml_modalities; *modality != NULL; modality++)
		if (limits_of((*modality)->reader) == NULL)
			define_limits((*modality)->reader);
}

/* ---- names ---- */

static bool
begins_with(const char *name, const char *part, size_t length)
{
	return strncmp(name, part, length) == 0 && name[length] == '_';
}

static bool
ends_with(const char *name, const char *part, size_t length)
{
	size_t n = strlen(name);

	return n > length && name[n - length - 1] == '_' && strcmp(name + n - length, part) == 0;
}

const HmlModality *
healthml_modality_of_function(Oid function)
{
	const char *name = get_func_name(function);

	for (const HmlModality *const *modality = hml_modalities; *modality != NULL; modality++)
	{
		const char *part = (*modality)->name;

		if (begins_with(name, part, strlen(part)) || ends_with(name, part, strlen(part)))
			return *modality;
	}
	return NULL;
}

/* ---- reading ---- */

/* A datum of a few bytes may unpack to a gigabyte: its size is looked at first. */
HmlStatus
healthml_unpack(HmlContext *ctx, Datum recording, HealthmlBytes *out)
{
	struct varlena *bytes = (struct varlena *) DatumGetPointer(recording);

	*out = (HealthmlBytes){0};
	if (VARATT_IS_COMPRESSED(bytes) || VARATT_IS_EXTERNAL(bytes))
	{
		size_t size = toast_raw_datum_size(recording);

		HML_TRY(hml_charge(ctx, size));
		out->charged = size;
		bytes = out->unpacked = pg_detoast_datum_packed(bytes);
	}
	out->data = VARDATA_ANY(bytes);
	out->length = VARSIZE_ANY_EXHDR(bytes);
	return HML_OK;
}

void
healthml_release(HmlContext *ctx, HealthmlBytes *bytes)
{
	if (bytes->unpacked != NULL)
		pfree(bytes->unpacked);
	hml_discharge(ctx, bytes->charged);
}

static HmlStatus
read_file(HmlContext *ctx, const HealthmlRecording *recording, HmlSignal *out)
{
	const HmlSignalReader *reader = recording->modality->reader;
	HmlSignalRequest request = {.limits = healthml_limits(reader), .at_s = recording->at_s};
	HealthmlBytes bytes;
	HmlStatus status;

	HML_TRY(healthml_unpack(ctx, recording->datum, &bytes));
	request.bytes = bytes.data;
	request.length = bytes.length;
	status = reader->read(ctx, &request, out);
	healthml_release(ctx, &bytes);
	return status;
}

HmlStatus
healthml_read_signal(HmlContext *ctx, const HealthmlRecording *recording, HmlSignal *out)
{
	return recording->is_array ? healthml_signal_of_array(ctx, recording, out)
							   : read_file(ctx, recording, out);
}

bool
healthml_is_unreadable(HmlStatus status)
{
	return status == HML_CORRUPT || status == HML_LIMIT || status == HML_INVALID_DATA ||
		   status == HML_UNSUPPORTED;
}

void
healthml_check_recordings(Form_pg_attribute column)
{
	if (getBaseType(column->atttypid) != BYTEAOID)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("column \"%s\" of recordings must be of type bytea, not %s",
							   NameStr(column->attname), format_type_be(column->atttypid))));
}

/* ---- judging ---- */

HmlStatus
healthml_judge_signal(HealthmlScorer *scorer, HmlArena *arena, const HmlSignal *signal,
					  HmlEncodedSignal *encoding, HmlVerdict *out)
{
	const HmlModel *model = scorer->model;

	*encoding = (HmlEncodedSignal){0};
	HML_TRY(model->algorithm->encoder->encode(arena, model, signal, encoding));
	return hml_judge(model, hml_arena_context(arena), encoding, scorer->inputs, scorer->scratch,
					 scorer->outputs, out);
}

static const double *
copy_numbers(const double *numbers, size_t n)
{
	double *copy = palloc(n * sizeof(*copy));

	memcpy(copy, numbers, n * sizeof(*copy));
	return copy;
}

static void
take_finding(HealthmlScorer *scorer, const HmlSignal *signal, const HmlEncodedSignal *encoding,
			 HealthmlFinding *out)
{
	out->duration_s = hml_signal_seconds(signal);
	out->sample_rate = signal->sample_rate;
	memcpy(out->measures, encoding->measures, sizeof(out->measures));
	out->features = NULL;
	if (encoding->is_usable && encoding->values != NULL)
		out->features = copy_numbers(encoding->values, scorer->model->pipeline->n_features);
	scorer->values = out->features;
	scorer->n_filled = 0;
}

static HmlStatus
judge_now(HealthmlScorer *scorer, HmlContext *ctx, const HealthmlRecording *recording, HealthmlFinding *out)
{
	HmlSignal signal;
	HmlEncodedSignal encoding;
	HmlArena *arena;
	HmlStatus status;

	HML_TRY(healthml_read_signal(ctx, recording, &signal));
	HML_TRY(hml_arena_create(ctx, &arena));
	status = healthml_judge_signal(scorer, arena, &signal, &encoding, &out->verdict);
	if (status == HML_OK)
		take_finding(scorer, &signal, &encoding, out);
	hml_arena_free(arena);
	hml_signal_free(ctx, &signal);
	return status;
}

Datum
healthml_finding_document(const HealthmlScorer *scorer, const HealthmlFinding *finding)
{
	const HmlEncoder *encoder = scorer->model->algorithm->encoder;

	return healthml_numbers_document(encoder->names, finding->features, encoder->n_features);
}

/* ---- the last recording ---- */

#define REMEMBERED_BYTES \
	(5 * 1024 * 1024) /* ten minutes of 16 bits at 4 kHz; longer ones are judged each time */

static struct
{
	MemoryContext memory;        /* of all that follows; NULL = there is none */
	HealthmlRecording recording; /* with copies of what it refers to */
	pg_uuid_t artifact_id;
	int limits[HML_SIGNAL_MAX_LIMITS]; /* within which it could be read */
	HealthmlFinding finding;
} last;

static bool
same_number(double a, double b)
{
	return a == b || (isnan(a) && isnan(b));
}

/* Of two values that are not toasted; 0 = there is none. */
static bool
same_value(Datum a, Datum b)
{
	if (a == (Datum) 0 || b == (Datum) 0)
		return a == b;
	return VARSIZE_ANY_EXHDR(DatumGetPointer(a)) == VARSIZE_ANY_EXHDR(DatumGetPointer(b)) &&
		   memcmp(VARDATA_ANY(DatumGetPointer(a)), VARDATA_ANY(DatumGetPointer(b)),
				  VARSIZE_ANY_EXHDR(DatumGetPointer(a))) == 0;
}

static bool
is_last(const HealthmlScorer *scorer, const HealthmlRecording *recording)
{
	const HealthmlRecording *other = &last.recording;

	return last.memory != NULL && other->modality == recording->modality &&
		   other->is_array == recording->is_array && same_number(other->at_s, recording->at_s) &&
		   same_number(other->sample_rate, recording->sample_rate) &&
		   memcmp(last.limits, healthml_limits(recording->modality->reader), sizeof(last.limits)) == 0 &&
		   memcmp(&last.artifact_id, &healthml_binding_version(scorer->binding)->artifact_id, UUID_LEN) ==
			   0 &&
		   same_value(other->channels, recording->channels) && same_value(other->datum, recording->datum);
}

static void
forget(void)
{
	MemoryContext memory = last.memory;

	last.memory = NULL;
	if (memory != NULL)
		MemoryContextDelete(memory);
}

static bool
copy_value(Datum *value)
{
	Size size = VARSIZE_ANY(DatumGetPointer(*value));
	char *copy = palloc_extended(size, MCXT_ALLOC_NO_OOM);

	if (copy == NULL)
		return false;
	memcpy(copy, DatumGetPointer(*value), size);
	*value = PointerGetDatum(copy);
	return true;
}

/* Whether there was memory for it. */
static bool
copy_to_last(const HealthmlScorer *scorer, const HealthmlRecording *recording, const HealthmlFinding *finding)
{
	const HmlModel *model = scorer->model;

	last.recording = *recording;
	last.artifact_id = healthml_binding_version(scorer->binding)->artifact_id;
	memcpy(last.limits, healthml_limits(recording->modality->reader), sizeof(last.limits));
	last.finding = *finding;
	last.finding.verdict.outputs = copy_numbers(finding->verdict.outputs, model->n_outputs);
	if (finding->features != NULL)
		last.finding.features = copy_numbers(finding->features, model->pipeline->n_features);
	return copy_value(&last.recording.datum) &&
		   (recording->channels == (Datum) 0 || copy_value(&last.recording.channels));
}

static void
remember(const HealthmlScorer *scorer, const HealthmlRecording *recording, const HealthmlFinding *finding)
{
	MemoryContext memory =
		AllocSetContextCreate(TopMemoryContext, "healthml last recording", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(memory);
	bool is_copied;

	forget();
	is_copied = copy_to_last(scorer, recording, finding);
	MemoryContextSwitchTo(caller);
	if (is_copied)
		last.memory = memory;
	else
		MemoryContextDelete(memory);
}

/* The names of classes are those of the model at hand: the one that judged may have left the cache. */
static void
recall(HealthmlScorer *scorer, HealthmlFinding *out)
{
	const HmlModel *model = scorer->model;

	*out = last.finding;
	memcpy(scorer->outputs, last.finding.verdict.outputs, model->n_outputs * sizeof(double));
	hml_verdict_of_outputs(model, scorer->outputs, &last.finding.verdict.quality, &out->verdict);
	if (out->features == NULL)
		return;
	out->features = copy_numbers(out->features, model->pipeline->n_features);
	healthml_scorer_read(scorer, out->features);
}

static Datum
detoasted(Datum value)
{
	return value == (Datum) 0 ? value : PointerGetDatum(PG_DETOAST_DATUM_PACKED(value));
}

HmlStatus
healthml_examine(HealthmlScorer *scorer, HmlContext *ctx, const HealthmlRecording *recording,
				 HealthmlFinding *out)
{
	HealthmlRecording unpacked = *recording;

	if (toast_raw_datum_size(recording->datum) > REMEMBERED_BYTES)
		return judge_now(scorer, ctx, recording, out);
	unpacked.datum = detoasted(recording->datum);
	unpacked.channels = detoasted(recording->channels);
	if (is_last(scorer, &unpacked))
	{
		recall(scorer, out);
		return HML_OK;
	}
	HML_TRY(judge_now(scorer, ctx, &unpacked, out));
	remember(scorer, &unpacked, out);
	return HML_OK;
}
