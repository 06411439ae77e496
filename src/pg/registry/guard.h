/*
 * guard.h
 *	  Tables that only this extension writes.
 */
#ifndef HEALTHML_GUARD_H
#define HEALTHML_GUARD_H

#include "pg/server/compat.h"

/*
 * Let statements write one guarded table of healthml until healthml_guard_close(), which has to be called on
 * errors as well.  Nothing of the user's may be evaluated in between.
 */
extern Oid healthml_guard_open(const char *table);
extern void healthml_guard_close(Oid before);

/* Raise insufficient_privilege unless the current user has 'mode' on this table; 'level' is what grants it. */
extern void healthml_check_level(const char *table, AclMode mode, const char *level);

#endif /* HEALTHML_GUARD_H */
