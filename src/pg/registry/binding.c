/*
 * binding.c
 *	  From a model argument to a loaded model.
 *
 * What a name means depends on the snapshot and on the user, and on nothing
 * else.  So a lookup is valid for calls under an equal snapshot by the same user
 * in the same (sub)transaction: then the tables would give the same answer.  Two
 * snapshots are equal when they have the same xmin, xmax, number of transactions
 * in progress and command number: for a given xmax the set of transactions in
 * progress only shrinks, so its size shows whether it is the same.  REPEATABLE READ, cursors,
 * promotion by others, rollback and parallel workers then need no care of their
 * own, and no change of the registry has to be announced to anyone.
 *
 * Lookups are remembered per binding, and for the backend as a whole, so that a
 * trigger fired for many rows of one statement looks up once.
 */
#include "pg/registry/binding.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* What an answer depends on. */
typedef struct View
{
	TransactionId xmin;
	TransactionId xmax;
	uint32 xcnt;
	int32 subxcnt;
	CommandId curcid;
	Oid user;
	uint64 epoch; /* counts ends of transactions and aborts of subtransactions */
} View;

/* A model argument as it came: a reference, or the bytes of an artifact id. */
typedef struct Argument
{
	bool is_artifact;
	size_t length;
	const char *bytes;
} Argument;

typedef struct Lookup
{
	Argument argument;
	HealthmlVersion version;
} Lookup;

struct HealthmlBinding
{
	MemoryContext owner;
	MemoryContext memory; /* of 'lookup'; NULL before the first use */
	bool valid;
	View view;
	Lookup lookup;
	HealthmlLoadedModel *loaded; /* NULL before the first use */
	MemoryContextCallback release;
};

#define MAX_REMEMBERED 16

static uint64 current_epoch = 1;
static MemoryContext remembered_memory = NULL;
static View remembered_view;
static int n_remembered = 0;
static Lookup remembered[MAX_REMEMBERED];

static void
transaction_ends(XactEvent event, void *arg)
{
	current_epoch++;
}

static void
subtransaction_ends(SubXactEvent event, SubTransactionId id, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		current_epoch++;
}

void
healthml_binding_init(void)
{
	RegisterXactCallback(transaction_ends, NULL);
	RegisterSubXactCallback(subtransaction_ends, NULL);
}

static inline View
current_view(void)
{
	Snapshot snapshot = GetActiveSnapshot();

	return (View){.xmin = snapshot->xmin,
				  .xmax = snapshot->xmax,
				  .xcnt = snapshot->xcnt,
				  .subxcnt = snapshot->subxcnt,
				  .curcid = snapshot->curcid,
				  .user = GetUserId(),
				  .epoch = current_epoch};
}

static inline bool
same_view(const View *a, const View *b)
{
	return a->xmin == b->xmin && a->xmax == b->xmax && a->xcnt == b->xcnt && a->subxcnt == b->subxcnt &&
		   a->curcid == b->curcid && a->user == b->user && a->epoch == b->epoch;
}

static inline bool
same_argument(const Argument *a, const Argument *b)
{
	return a->is_artifact == b->is_artifact && a->length == b->length &&
		   memcmp(a->bytes, b->bytes, a->length) == 0;
}

static void
look_up(const Argument *argument, HealthmlVersion *out)
{
	if (argument->is_artifact)
		healthml_find_artifact((const pg_uuid_t *) argument->bytes, out);
	else
		healthml_find_argument(pnstrdup(argument->bytes, argument->length), out);
}

static void
copy_lookup(Lookup *to, const Lookup *from, MemoryContext memory)
{
	char *bytes = MemoryContextAlloc(memory, Max(from->argument.length, 1));

	memcpy(bytes, from->argument.bytes, from->argument.length);
	*to = *from;
	to->argument.bytes = bytes;
	to->version.model = MemoryContextStrdup(memory, from->version.model);
}

static void
forget_lookups(const View *view)
{
	if (remembered_memory == NULL)
		remembered_memory = AllocSetContextCreate(TopMemoryContext, "healthml lookups", ALLOCSET_SMALL_SIZES);
	n_remembered = 0;
	MemoryContextReset(remembered_memory);
	remembered_view = *view;
}

static const Lookup *
recall(const Argument *argument, const View *view)
{
	int i;

	if (!same_view(&remembered_view, view))
		return NULL;
	for (i = 0; i < n_remembered; i++)
		if (same_argument(&remembered[i].argument, argument))
			return &remembered[i];
	return NULL;
}

static void
remember(const Lookup *found, const View *view)
{
	if (n_remembered == MAX_REMEMBERED || !same_view(&remembered_view, view))
		forget_lookups(view);
	copy_lookup(&remembered[n_remembered], found, remembered_memory);
	n_remembered++;
}

/*
 * The answer of the tables under 'view', which is the current one, in the current
 * memory context.  A lookup may run functions of policies on the tables, which
 * may come here again; so nothing is held across it.
 */
static Lookup
find_lookup(const Argument *argument, const View *view)
{
	const Lookup *known = recall(argument, view);
	Lookup found = {.argument = *argument};

	if (known != NULL)
	{
		copy_lookup(&found, known, CurrentMemoryContext);
		return found;
	}
	look_up(argument, &found.version);
	remember(&found, view);
	return found;
}

static void
release_model(void *arg)
{
	HealthmlBinding *binding = arg;

	if (binding->loaded != NULL)
		healthml_cache_release(binding->loaded);
	binding->loaded = NULL;
}

HealthmlBinding *
healthml_binding_create(MemoryContext memory)
{
	HealthmlBinding *binding = MemoryContextAllocZero(memory, sizeof(*binding));

	binding->owner = memory;
	binding->release.func = release_model;
	binding->release.arg = binding;
	MemoryContextRegisterResetCallback(memory, &binding->release);
	return binding;
}

static bool
same_version(const HealthmlVersion *a, const HealthmlVersion *b)
{
	return a->model_id == b->model_id && a->version == b->version && strcmp(a->model, b->model) == 0 &&
		   memcmp(&a->artifact_id, &b->artifact_id, UUID_LEN) == 0;
}

/* Make 'found' the binding's lookup; on an error the binding is as it was. */
static void
take_over(HealthmlBinding *binding, const Lookup *found)
{
	MemoryContext memory =
		AllocSetContextCreate(CurrentMemoryContext, "healthml binding", ALLOCSET_SMALL_SIZES);
	HealthmlLoadedModel *loaded;
	Lookup copy;

	copy_lookup(&copy, found, memory);
	loaded = healthml_cache_acquire(&found->version.artifact_id);

	/* Nothing from here on can fail. */
	MemoryContextSetParent(memory, binding->owner);
	release_model(binding);
	if (binding->memory != NULL)
		MemoryContextDelete(binding->memory);
	binding->memory = memory;
	binding->lookup = copy;
	binding->loaded = loaded;
}

/* Look the argument up; whether it means another version than before. */
static bool
rebind(HealthmlBinding *binding, const Argument *argument, const View *view)
{
	Lookup found = find_lookup(argument, view);
	bool changed = binding->loaded == NULL || !same_version(&binding->lookup.version, &found.version);

	binding->valid = false;
	if (changed || !same_argument(&binding->lookup.argument, argument))
	{
		take_over(binding, &found);
		changed = true; /* the name of the model lies elsewhere now */
	}
	binding->view = *view;
	binding->valid = true;
	return changed;
}

static inline const HmlModel *
bind_argument(HealthmlBinding *binding, const Argument *argument, bool *changed)
{
	View view = current_view();

	*changed = !(binding->valid && same_argument(&binding->lookup.argument, argument) &&
				 same_view(&binding->view, &view)) &&
			   rebind(binding, argument, &view);
	return healthml_loaded_model(binding->loaded);
}

const HmlModel *
healthml_bind_reference(HealthmlBinding *binding, const text *reference, bool *changed)
{
	Argument argument = {.length = VARSIZE_ANY_EXHDR(reference), .bytes = VARDATA_ANY(reference)};

	return bind_argument(binding, &argument, changed);
}

const HmlModel *
healthml_bind_artifact(HealthmlBinding *binding, const pg_uuid_t *artifact_id, bool *changed)
{
	Argument argument = {.is_artifact = true, .length = UUID_LEN, .bytes = (const char *) artifact_id->data};

	return bind_argument(binding, &argument, changed);
}

const HealthmlVersion *
healthml_binding_version(const HealthmlBinding *binding)
{
	return &binding->lookup.version;
}
