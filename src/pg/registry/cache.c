/*
 * cache.c
 *	  Loaded models of this backend, bounded by healthml.model_cache_size.
 *
 * Each model has a memory context of its own.  It is built under the caller's
 * context and moved below the cache's only when it is whole, so an error on the
 * way leaves no memory allocated.  When the bound is exceeded the least recently used
 * models go that nobody refers to; a model in use stays, whatever its size.
 */
#include "pg/registry/cache.h"

#include "fmgr.h"
#include "funcapi.h"
#include "lib/ilist.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "pg/server/errors.h"
#include "pg/rows/features.h"
#include "pg/server/memory.h"
#include "pg/registry/registry.h"
#include "pg/server/settings.h"

struct HealthmlLoadedModel
{
	pg_uuid_t artifact_id;
	MemoryContext memory; /* holds this struct and the model */
	HmlContext ctx;
	HmlModel *model;
	Size bytes;
	int references;
	dlist_node recent; /* in 'by_use' */
};

typedef struct CacheEntry
{
	pg_uuid_t artifact_id; /* key */
	HealthmlLoadedModel *loaded;
} CacheEntry;

static MemoryContext cache_memory = NULL;
static HTAB *cache_table = NULL;
static dlist_head by_use = DLIST_STATIC_INIT(by_use); /* most recently used first */
static Size cache_bytes = 0;
static int64 cache_hits = 0;
static int64 cache_loads = 0;

static void
create_cache(void)
{
	HASHCTL control = {.keysize = sizeof(pg_uuid_t), .entrysize = sizeof(CacheEntry)};

	if (cache_memory == NULL)
		cache_memory = AllocSetContextCreate(TopMemoryContext, "healthml models", ALLOCSET_SMALL_SIZES);
	control.hcxt = cache_memory;
	cache_table = hash_create("healthml models", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Whatever has become of the table, an id means the bytes that it was made of. */
static void
check_bytes(const pg_uuid_t *artifact_id, const bytea *artifact)
{
	pg_uuid_t id = healthml_artifact_id_of(VARDATA(artifact), VARSIZE(artifact) - VARHDRSZ);

	if (memcmp(id.data, artifact_id->data, UUID_LEN) != 0)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						errmsg("the bytes of model artifact \"%s\" are not those that it was made of",
							   DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(artifact_id)))),
						errdetail("Their id is \"%s\".",
								  DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&id)))),
						errhint("healthml.check_registry() lists what was tampered with; restore the version "
								"from a dump.")));
}

static HealthmlLoadedModel *
load(const pg_uuid_t *artifact_id)
{
	MemoryContext memory =
		AllocSetContextCreate(CurrentMemoryContext, "healthml model", ALLOCSET_SMALL_SIZES);
	HealthmlLoadedModel *loaded = MemoryContextAllocZero(memory, sizeof(*loaded));
	bytea *artifact = healthml_read_artifact(artifact_id);
	HmlStatus status;

	loaded->artifact_id = *artifact_id;
	loaded->memory = memory;
	healthml_context_init(&loaded->ctx, memory);
	check_bytes(artifact_id, artifact);
	status = hml_model_read(&loaded->ctx, VARDATA(artifact), VARSIZE(artifact) - VARHDRSZ, &loaded->model);
	if (status == HML_CORRUPT) /* not what somebody sent, but what we keep */
		healthml_raise_as(&loaded->ctx, ERRCODE_DATA_CORRUPTED);
	healthml_check(&loaded->ctx, status);
	pfree(artifact);
	loaded->bytes = MemoryContextMemAllocated(memory, true);
	return loaded;
}

static void
forget(HealthmlLoadedModel *loaded)
{
	hash_search(cache_table, &loaded->artifact_id, HASH_REMOVE, NULL);
	dlist_delete(&loaded->recent);
	cache_bytes -= loaded->bytes;
	MemoryContextDelete(loaded->memory);
}

/* Drop what nobody uses, the least recently used first, until the bound holds. */
static void
trim(void)
{
	Size bound = (Size) healthml_model_cache_size * 1024;
	dlist_node *node = dlist_is_empty(&by_use) ? NULL : dlist_tail_node(&by_use);

	while (cache_bytes > bound && node != NULL)
	{
		HealthmlLoadedModel *loaded = dlist_container(HealthmlLoadedModel, recent, node);

		node = dlist_has_prev(&by_use, node) ? dlist_prev_node(&by_use, node) : NULL;
		if (loaded->references == 0)
			forget(loaded);
	}
}

static HealthmlLoadedModel *
load_and_keep(const pg_uuid_t *artifact_id)
{
	HealthmlLoadedModel *loaded = load(artifact_id);
	CacheEntry *entry = hash_search(cache_table, artifact_id, HASH_ENTER, NULL);

	/* Nothing from here on can fail. */
	entry->loaded = loaded;
	MemoryContextSetParent(loaded->memory, cache_memory);
	dlist_push_head(&by_use, &loaded->recent);
	cache_bytes += loaded->bytes;
	cache_loads++;
	return loaded;
}

HealthmlLoadedModel *
healthml_cache_acquire(const pg_uuid_t *artifact_id)
{
	CacheEntry *entry;
	HealthmlLoadedModel *loaded;

	if (cache_table == NULL)
		create_cache();
	entry = hash_search(cache_table, artifact_id, HASH_FIND, NULL);
	if (entry != NULL)
	{
		loaded = entry->loaded;
		dlist_move_head(&by_use, &loaded->recent);
		cache_hits++;
	}
	else
		loaded = load_and_keep(artifact_id);
	loaded->references++;
	trim();
	return loaded;
}

/* A model can have grown by tables that its first explanation has made. */
static void
update_size(HealthmlLoadedModel *loaded)
{
	Size bytes = MemoryContextMemAllocated(loaded->memory, true);

	cache_bytes += bytes - loaded->bytes;
	loaded->bytes = bytes;
}

void
healthml_cache_release(HealthmlLoadedModel *loaded)
{
	loaded->references--;
	update_size(loaded);
	trim();
}

const HmlModel *
healthml_loaded_model(const HealthmlLoadedModel *loaded)
{
	return loaded->model;
}

PG_FUNCTION_INFO_V1(healthml_session_status);

/* healthml.session_status() RETURNS (models, bytes, in_use, hits, loads, unseen_categories) */
Datum
healthml_session_status(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	Datum values[6];
	bool nulls[6] = {false};
	int64 models = 0;
	int64 in_use = 0;
	dlist_iter iter;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "healthml.session_status must return a row");
	dlist_foreach(iter, &by_use)
	{
		models++;
		in_use += dlist_container(HealthmlLoadedModel, recent, iter.cur)->references > 0;
	}
	values[0] = Int64GetDatum(models);
	values[1] = Int64GetDatum((int64) cache_bytes);
	values[2] = Int64GetDatum(in_use);
	values[3] = Int64GetDatum(cache_hits);
	values[4] = Int64GetDatum(cache_loads);
	values[5] = Int64GetDatum(healthml_unseen_categories);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}
