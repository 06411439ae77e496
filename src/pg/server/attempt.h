/*
 * attempt.h
 *	  Work whose failure must not fail the statement.
 */
#ifndef HEALTHML_ATTEMPT_H
#define HEALTHML_ATTEMPT_H

#include "pg/server/compat.h"

/*
 * Do the work in a subtransaction.  Returns NULL when it was done, else the
 * error that ended and undid it, in the current memory context.
 *
 * What asks the transaction to end is passed on: a cancellation, a shutdown, a
 * failure to serialize, a deadlock.
 */
extern ErrorData *healthml_attempt(void (*work)(void *argument), void *argument);

#endif /* HEALTHML_ATTEMPT_H */
