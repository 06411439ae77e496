/*
 * registry.h
 *	  Models as rows: references, lookup, reading and writing of versions.
 *
 * Everything here is done as the current user, so that privileges and row-level
 * security of the registry's tables hold.
 */
#ifndef HEALTHML_REGISTRY_H
#define HEALTHML_REGISTRY_H

#include "pg/server/compat.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "core/model/model.h"

/* A model argument taken apart: 'name', 'name@alias' or 'name:version'. */
typedef struct HealthmlReference
{
	const char *name;
	const char *alias; /* NULL where a version is given; 'champion' where nothing is */
	int32 version;     /* 0 where an alias is given */
} HealthmlReference;

/* A version that was found. */
typedef struct HealthmlVersion
{
	int64 model_id;
	const char *model;
	int32 version;
	pg_uuid_t artifact_id;
} HealthmlVersion;

/* A version to be written. */
typedef struct HealthmlNewVersion
{
	const char *model;
	const HmlModel *content;
	const char *metrics;    /* JSON */
	const char *trained_on; /* the source */
	const char *target;     /* column, NULL = none or not known */
	TimestampTz started_at;
	int32 number; /* 0 = the next one; a version whose number is given becomes no champion */
} HealthmlNewVersion;

/* Raises invalid_parameter_value for a malformed reference; allocates in the current context. */
extern void healthml_parse_reference(const char *argument, HealthmlReference *out);

/* Algorithm of the model of this name, NULL where there is no such model. */
extern const char *healthml_model_algorithm(const char *name);

/* Raises undefined_object when there is none; out->model lies in the current context. */
extern void healthml_find_reference(const HealthmlReference *reference, HealthmlVersion *out);
extern void healthml_find_artifact(const pg_uuid_t *artifact_id, HealthmlVersion *out);

/*
 * What a model argument means.  Text that is a UUID in its standard form is an
 * artifact id, unless a model has that name.
 */
extern void healthml_find_argument(const char *argument, HealthmlVersion *out);

/* The id of an artifact, made of its bytes. */
extern pg_uuid_t healthml_artifact_id_of(const void *bytes, size_t length);

/* The bytes of an artifact that was found, in the current context. */
extern bytea *healthml_read_artifact(const pg_uuid_t *artifact_id);

/* What a model does, as healthml.model keeps it. */
extern const char *healthml_task_of(const HmlModel *model);

/* Names of the features, in their order, as text[]. */
extern Datum healthml_feature_names(const HmlPipeline *pipeline);

/* Raise unless 'name' may name a model and the current user may write one with this algorithm. */
extern void healthml_check_new_version(const char *name, const HmlAlgorithm *algorithm);

/* Write it, with a number of its own if none is given; then the first one becomes champion.  Returns a
 * training_result in the current memory context, and the number. */
extern Datum healthml_register_version(const HealthmlNewVersion *new_version, int32 *version);

#endif /* HEALTHML_REGISTRY_H */
