/*
 * binding.h
 *	  From a model argument to a loaded model, for calls that come in rows.
 *
 * A binding lives as long as the memory context that it was made in, typically
 * that of a function call's FmgrInfo, and holds a reference to its model.  Asking
 * for the same model again under the same snapshot costs a few comparisons.
 */
#ifndef HEALTHML_BINDING_H
#define HEALTHML_BINDING_H

#include "pg/server/compat.h"

#include "utils/uuid.h"

#include "pg/registry/cache.h"
#include "pg/registry/registry.h"

typedef struct HealthmlBinding HealthmlBinding;

extern HealthmlBinding *healthml_binding_create(MemoryContext memory);

/*
 * Bind to a reference ('name', 'name@alias', 'name:version') or to an artifact,
 * and return the model.  *changed is set when it is another one than before, or
 * another version of the same bytes.
 */
extern const HmlModel *healthml_bind_reference(HealthmlBinding *binding, const text *reference,
											   bool *changed);
extern const HmlModel *healthml_bind_artifact(HealthmlBinding *binding, const pg_uuid_t *artifact_id,
											  bool *changed);

/* What the binding has found last; valid until it is bound to another one. */
extern const HealthmlVersion *healthml_binding_version(const HealthmlBinding *binding);

/* To be called once when the library is loaded. */
extern void healthml_binding_init(void);

#endif /* HEALTHML_BINDING_H */
