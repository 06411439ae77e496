/*
 * scan.h
 *	  Looking versions up by index, without a query.
 *
 * A query costs more to plan than all of this, on the first score of a connection
 * above all.  The tables are read under the caller's active snapshot, as a query
 * would read them.
 */
#ifndef HEALTHML_SCAN_H
#define HEALTHML_SCAN_H

#include "pg/server/compat.h"

#include "pg/registry/registry.h"

typedef enum HealthmlScanResult
{
	HEALTHML_SCAN_FOUND,
	HEALTHML_SCAN_NOTHING,
	HEALTHML_SCAN_NOT_ALLOWED /* privileges or row-level security are for a query to judge */
} HealthmlScanResult;

extern HealthmlScanResult healthml_scan_reference(const HealthmlReference *reference, HealthmlVersion *out);
extern HealthmlScanResult healthml_scan_artifact(const pg_uuid_t *artifact_id, HealthmlVersion *out);

/* The artifact itself, in the current memory context. */
extern HealthmlScanResult healthml_scan_bytes(const pg_uuid_t *artifact_id, bytea **out);

#endif /* HEALTHML_SCAN_H */
