/*
 * federated_client.c
 *	  What a hospital's server lets a coordinator do: summarise, train, judge.
 *
 * A coordinator's role may call these functions and nothing else.  Each looks up
 * what federated_join registered, with the rights of that table's owner, checks
 * that its caller is a member of the role that was named there, and then reads the
 * registered source with the rights, and the search_path, of the data's owner.
 * No SQL text ever comes from outside, and what goes out are sums and weights.
 *
 * Keys of secure aggregation live in the memory of the session: one pair for
 * each round, forgotten after its use.
 */
#include "pg/server/compat.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "core/federated/accountant.h"
#include "core/federated/client.h"
#include "core/federated/masking.h"

#include "pg/server/arguments.h"
#include "pg/server/document.h"
#include "pg/server/errors.h"
#include "pg/rows/frame_source.h"
#include "pg/server/memory.h"
#include "pg/server/statement.h"
#include "pg/networks/weights.h"
#include "pg/federated/membership.h"
#include "pg/server/meaning.h"

#define MAX_UPDATE_NORM 1e6 /* of a change of weights that is worth sending */

/* One call: its membership, its memory, the rows. */
typedef struct Call
{
	HealthmlMembership membership;
	HmlContext ctx;
	HmlArena *arena;
	HmlFrame *frame;
} Call;

/* ---- who may call, and as whom the rows are read ---- */

/*
 * Names in the source must mean what they mean to the owner: no schema in which the
 * caller could make a table, function or operator, above all not its pg_temp, comes
 * before those of the owner, nor does a setting change what the text means.
 */
static void
adopt_settings(const HealthmlMembership *membership)
{
	bool is_empty = membership->search_path[0] == '\0';
	const char *path = psprintf("%s%spg_temp", membership->search_path, is_empty ? "" : ", ");

	(void) set_config_option("search_path", path, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
							 false);
	healthml_adopt_meaning(membership->settings, membership->n_settings);
	(void) set_config_option("standard_conforming_strings", "on", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	(void) set_config_option("transform_null_equals", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
}

static void
check_schemas(const HealthmlMembership *membership, Oid caller)
{
	ListCell *cell;

	if (has_privs_of_role(caller, membership->owner))
		return;
	foreach (cell, fetch_search_path(false))
	{
		Oid schema = lfirst_oid(cell);

		if (!isTempNamespace(schema) && pg_namespace_aclcheck(schema, caller, ACL_CREATE) == ACLCHECK_OK)
			ereport(
				ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("role \"%s\" may create objects in schema \"%s\", where the source of federation "
						"\"%s\" looks for names",
						GetUserNameFromId(caller, false), get_namespace_name(schema), membership->federation),
				 errhint("Revoke CREATE on that schema from it, and from PUBLIC.")));
	}
}

/* An error on the way restores user and settings with the transaction. */
static void
read_rows(Call *call, List *features)
{
	HealthmlFrameRequest request = {
		.source = call->membership.source,
		.features = features,
		.target = call->membership.target,
		.max_rows = SIZE_MAX,
		.max_bytes = call->ctx.memory_limit / 3,
	};
	Oid caller;
	int security;
	int settings = NewGUCNestLevel();
	int64 rows;

	GetUserIdAndSecContext(&caller, &security);
	SetUserIdAndSecContext(call->membership.owner,
						   security | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	adopt_settings(&call->membership);
	check_schemas(&call->membership, caller);
	call->frame = healthml_read_frame(&call->ctx, &request, &rows);
	AtEOXact_GUC(false, settings);
	SetUserIdAndSecContext(caller, security);
}

static Call *
begin_call(FunctionCallInfo fcinfo)
{
	Call *call = palloc0(sizeof(*call));

	call->membership.federation = text_to_cstring(PG_GETARG_TEXT_PP(0));
	healthml_find_federation(&call->membership);
	healthml_context_init(&call->ctx, CurrentMemoryContext);
	healthml_limit_memory(&call->ctx);
	healthml_check(&call->ctx, hml_arena_create(&call->ctx, &call->arena));
	return call;
}

/* ---- hello ---- */

PG_FUNCTION_INFO_V1(healthml_federated_hello);
Datum
healthml_federated_hello(PG_FUNCTION_ARGS)
{
	HealthmlMembership membership = {.federation = text_to_cstring(PG_GETARG_TEXT_PP(0))};

	healthml_find_federation(&membership);
	PG_RETURN_TEXT_P(cstring_to_text(HEALTHML_VERSION));
}

/* ---- summary ---- */

static bytea *
bytes_of(HmlContext *ctx, HmlWriter *writer)
{
	bytea *bytes;

	healthml_check(ctx, hml_writer_finish(writer));
	bytes = palloc(writer->length + VARHDRSZ);
	SET_VARSIZE(bytes, writer->length + VARHDRSZ);
	memcpy(VARDATA(bytes), writer->data, writer->length);
	hml_writer_free(writer);
	return bytes;
}

PG_FUNCTION_INFO_V1(healthml_federated_summary);
Datum
healthml_federated_summary(PG_FUNCTION_ARGS)
{
	Call *call = begin_call(fcinfo);
	HmlSummary *summary;
	ArrayType *features = PG_GETARG_ARRAYTYPE_P(1);
	HmlWriter writer;

	read_rows(call, ARR_NDIM(features) == 0 ? NIL : healthml_feature_list(features));
	healthml_check(&call->ctx, hml_summary_fit(call->arena, call->frame, &summary));
	hml_writer_init(&writer, &call->ctx);
	hml_summary_write(summary, &writer);
	PG_RETURN_BYTEA_P(bytes_of(&call->ctx, &writer));
}

/* ---- keys of secure aggregation ---- */

typedef struct RoundKey
{
	bool is_set;
	char label[NAMEDATALEN * 2];
	unsigned char private_key[HML_MASK_KEY_SIZE];
	unsigned char public_key[HML_MASK_KEY_SIZE];
} RoundKey;

static RoundKey round_key;

PG_FUNCTION_INFO_V1(healthml_federated_key);
Datum
healthml_federated_key(PG_FUNCTION_ARGS)
{
	Call *call = begin_call(fcinfo);
	char *label = text_to_cstring(PG_GETARG_TEXT_PP(1));
	bytea *key = palloc(VARHDRSZ + HML_MASK_KEY_SIZE);

	if (strlen(label) >= sizeof(round_key.label))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("label of a round is too long: %zu bytes (limit %zu)", strlen(label),
							   sizeof(round_key.label) - 1)));
	round_key.is_set = false;
	healthml_check(&call->ctx,
				   hml_mask_generate_keys(&call->ctx, round_key.private_key, round_key.public_key));
	strlcpy(round_key.label, label, sizeof(round_key.label));
	round_key.is_set = true;
	SET_VARSIZE(key, VARHDRSZ + HML_MASK_KEY_SIZE);
	memcpy(VARDATA(key), round_key.public_key, HML_MASK_KEY_SIZE);
	PG_RETURN_BYTEA_P(key);
}

/* ---- training ---- */

static const HmlParamSpec train_specs[] = {
	{"local_epochs", HML_PARAM_INTEGER, "1", 1, 10000, NULL, "Passes through the local rows."},
	{"learning_rate", HML_PARAM_NUMBER, "0.001", 1e-12, 1e3, NULL, "Learning rate of the local Adam."},
	{"batch_size", HML_PARAM_INTEGER, "32", 1, 1000000, NULL, "Rows for each step."},
	{"proximal", HML_PARAM_NUMBER, "0", 0, 1e6, NULL, "FedProx's mu."},
	{"holdout", HML_PARAM_NUMBER, "0.2", 0, 0.5, NULL, "Share of the rows that is held back to judge."},
	{"round", HML_PARAM_INTEGER, "1", 0, 1000000000, NULL, "Number of the round, which seeds the shuffling."},
	{"clip_norm", HML_PARAM_NUMBER, "null", 1e-9, 1e9, NULL, "Norm that an update is clipped to."},
	{"mask_clip", HML_PARAM_NUMBER, "8", 1e-3, 1e3, NULL, "Range of a masked number."},
	{"max_samples", HML_PARAM_INTEGER, "null", 1, 9007199254740992.0, NULL,
	 "Number of samples that counts as 1 in a masked sum; all updates count alike without it."},
	{"label", HML_PARAM_TEXT, "\"\"", 0, 0, NULL, "What the keys of the round were made for."},
	{0}};

static const HmlParams *
parse_options(Call *call, Datum jsonb)
{
	static const HmlParamSpec *const specs[] = {train_specs, NULL};
	HmlParams *params;

	healthml_check(&call->ctx, hml_params_parse(call->arena, "federated training", specs,
												healthml_document_of_jsonb(call->arena, jsonb), &params));
	return params;
}

static HmlFedOptions
fed_options(const HmlParams *params)
{
	HmlFedOptions options = {
		.epochs = (int) hml_param_integer(params, "local_epochs"),
		.learning_rate = hml_param_number(params, "learning_rate"),
		.batch_size = (size_t) hml_param_integer(params, "batch_size"),
		.proximal = hml_param_number(params, "proximal"),
		.holdout = hml_param_number(params, "holdout"),
		.seed = (uint64) hml_param_integer(params, "round"),
	};

	return options;
}

static HmlModel *
read_model(Call *call, bytea *artifact)
{
	HmlModel *model;

	healthml_check(&call->ctx,
				   hml_model_read(&call->ctx, VARDATA_ANY(artifact), VARSIZE_ANY_EXHDR(artifact), &model));
	return model;
}

static void
read_rows_for(Call *call, const HmlModel *model)
{
	List *features = NIL;

	for (size_t i = 0; i < model->pipeline->n_features; i++)
		features = lappend(features, (char *) healthml_from_utf8(model->pipeline->features[i].column.name));
	read_rows(call, features);
}

/* What a client gives for a round. */
typedef struct Contribution
{
	size_t n;
	int64 samples;
	double loss;
	double norm;    /* of the update before clipping */
	float4 *update; /* (n) change of the weights */
} Contribution;

static void
train_locally(Call *call, const HmlModel *model, const HmlParams *params, Contribution *out)
{
	HmlFedOptions options = fed_options(params);
	double clip =
		hml_param_is_set(params, "clip_norm") ? hml_param_number(params, "clip_norm") : MAX_UPDATE_NORM;
	const float *global;

	healthml_check(&call->ctx, hml_fed_weights(&call->ctx, model, &global, &out->n));
	out->update = MemoryContextAllocHuge(CurrentMemoryContext, out->n * sizeof(float4));
	healthml_check(&call->ctx, hml_fed_train(&call->ctx, model, call->frame, &options, out->update,
											 &out->samples, &out->loss));
	for (size_t i = 0; i < out->n; i++)
		out->update[i] -= global[i];
	out->norm = hml_dp_clip(out->update, out->n, clip);
}

static Datum
plain_update(const Contribution *given)
{
	ArrayType *array = healthml_make_weights((uint32) given->n, FLOAT4OID);

	memcpy(ARR_DATA_PTR(array), given->update, given->n * sizeof(float4));
	return PointerGetDatum(array);
}

/*
 * The update times its share of max_samples, and that share itself after it,
 * quantised and masked, in network order.  The share is what the sum is divided by.
 */
static Datum
masked_update(Call *call, const Contribution *given, const HmlParams *params, ArrayType *peers)
{
	double clip = hml_param_number(params, "mask_clip");
	double most =
		hml_param_is_set(params, "max_samples") ? (double) hml_param_integer(params, "max_samples") : 0;
	float share = most > 0 ? (float) Min((double) given->samples / most, 1.0) : 1.0f;
	size_t n = given->n + 1;
	float *scaled = MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(float));
	uint32 *masked = MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(uint32));
	unsigned char *keys;
	Datum *elements;
	bool *nulls;
	int n_peers;
	size_t clamped;
	bytea *result;

	if (!round_key.is_set || strcmp(round_key.label, hml_param_text(params, "label")) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there is no key for round \"%s\" in this session", hml_param_text(params, "label")),
				 errhint("Call healthml.federated_client_key in the same session first.")));
	deconstruct_array(peers, BYTEAOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n_peers);
	keys = palloc((Size) n_peers * HML_MASK_KEY_SIZE + 1);
	for (int i = 0; i < n_peers; i++)
	{
		bytea *key = nulls[i] ? NULL : DatumGetByteaPP(elements[i]);

		if (key == NULL || VARSIZE_ANY_EXHDR(key) != HML_MASK_KEY_SIZE)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("public key %d must have %d bytes", i + 1, HML_MASK_KEY_SIZE)));
		memcpy(keys + (Size) i * HML_MASK_KEY_SIZE, VARDATA_ANY(key), HML_MASK_KEY_SIZE);
	}

	for (size_t i = 0; i < given->n; i++)
		scaled[i] = given->update[i] * share;
	scaled[given->n] = share;
	healthml_check(&call->ctx, hml_mask_quantise(&call->ctx, scaled, n, clip, masked, &clamped));
	/* Used once, whatever happens next. */
	round_key.is_set = false;
	healthml_check(&call->ctx, hml_mask_apply(&call->ctx, round_key.private_key, round_key.public_key, keys,
											  (size_t) n_peers, round_key.label, masked, n));

	result = palloc(VARHDRSZ + n * sizeof(uint32));
	SET_VARSIZE(result, VARHDRSZ + n * sizeof(uint32));
	for (size_t i = 0; i < n; i++)
	{
		uint32 network = pg_hton32(masked[i]);

		memcpy(VARDATA(result) + i * sizeof(uint32), &network, sizeof(uint32));
	}
	return PointerGetDatum(result);
}

PG_FUNCTION_INFO_V1(healthml_federated_train);

/* (federation, artifact, options, peers bytea[]) RETURNS federated_contribution; peers NULL = in the open */
Datum
healthml_federated_train(PG_FUNCTION_ARGS)
{
	Call *call;
	HmlModel *model;
	const HmlParams *params;
	Contribution given;
	bool is_masked = !PG_ARGISNULL(3);
	TupleDesc desc;
	Datum values[5];
	bool nulls[5] = {false, false, false, is_masked, !is_masked};

	for (int i = 0; i < 3; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("argument %d must not be null", i + 1)));
	call = begin_call(fcinfo);
	if (call->membership.secure_only && !is_masked)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("this server takes part in federation \"%s\" only with secure aggregation",
							   call->membership.federation)));
	params = parse_options(call, PG_GETARG_DATUM(2));
	model = read_model(call, PG_GETARG_BYTEA_PP(1));
	read_rows_for(call, model);
	train_locally(call, model, params, &given);

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Int64GetDatum(given.samples);
	values[1] = Float8GetDatum(given.loss);
	values[2] = Float8GetDatum(given.norm);
	values[3] = is_masked ? (Datum) 0 : plain_update(&given);
	values[4] = is_masked ? masked_update(call, &given, params, PG_GETARG_ARRAYTYPE_P(3)) : (Datum) 0;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* ---- evaluation ---- */

PG_FUNCTION_INFO_V1(healthml_federated_evaluate);

/* (federation, artifact, options) RETURNS bytea: a tally */
Datum
healthml_federated_evaluate(PG_FUNCTION_ARGS)
{
	Call *call = begin_call(fcinfo);
	HmlFedOptions options = fed_options(parse_options(call, PG_GETARG_DATUM(2)));
	HmlModel *model = read_model(call, PG_GETARG_BYTEA_PP(1));
	HmlFedTally *tally = palloc(sizeof(*tally));
	HmlWriter writer;

	read_rows_for(call, model);
	healthml_check(&call->ctx, hml_fed_evaluate(&call->ctx, model, call->frame, &options, tally));
	hml_writer_init(&writer, &call->ctx);
	hml_fed_tally_write(tally, &writer);
	PG_RETURN_BYTEA_P(bytes_of(&call->ctx, &writer));
}
