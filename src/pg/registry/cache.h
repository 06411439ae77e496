/*
 * cache.h
 *	  Loaded models of this backend.
 *
 * A model is kept by its artifact id, so one that several versions, aliases or
 * names share is loaded once, and nothing in here can be out of date: the bytes
 * of an artifact never change.  What a name means is looked up elsewhere
 * (binding.h).
 */
#ifndef HEALTHML_CACHE_H
#define HEALTHML_CACHE_H

#include "pg/server/compat.h"

#include "utils/uuid.h"

#include "core/model/model.h"

typedef struct HealthmlLoadedModel HealthmlLoadedModel;

/* Read, check and load it if it is not there; the caller holds a reference until it releases it. */
extern HealthmlLoadedModel *healthml_cache_acquire(const pg_uuid_t *artifact_id);
extern void healthml_cache_release(HealthmlLoadedModel *loaded); /* never raises an error */

extern const HmlModel *healthml_loaded_model(const HealthmlLoadedModel *loaded);

#endif /* HEALTHML_CACHE_H */
