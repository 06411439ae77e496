/*
 * membership.h
 *	  What federated_join has registered of a federation.
 */
#ifndef HEALTHML_MEMBERSHIP_H
#define HEALTHML_MEMBERSHIP_H

#include "pg/server/compat.h"

#include "pg/server/meaning.h"

typedef struct HealthmlMembership
{
	const char *federation;
	const char *source;
	const char *target;
	const char *search_path;
	bool secure_only;
	Oid owner;
	Oid coordinator;
	HealthmlSetting *settings; /* when the owner joined */
	int n_settings;
	const char *accept_as; /* "" = no model is accepted */
	bool promote_accepted;
} HealthmlMembership;

/*
 * Fill in what was registered for membership->federation, in the current context.  Raises insufficient_privilege unless
 * the current user may ask: to others a federation that exists looks like one that does not.
 */
extern void healthml_find_federation(HealthmlMembership *membership);

#endif /* HEALTHML_MEMBERSHIP_H */
