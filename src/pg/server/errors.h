/*
 * errors.h
 *	  The one place that turns a status of libhml into a PostgreSQL error.
 */
#ifndef HEALTHML_ERRORS_H
#define HEALTHML_ERRORS_H

#include "core/base/context.h"

/*
 * Return when 'status' is HML_OK, else raise its error with the message, detail
 * and hint that lie in 'ctx'.  Nothing of libhml may be held that a memory
 * context would not free.
 */
static inline void healthml_check(const HmlContext *ctx, HmlStatus status);

/* Raise the error in 'ctx', with the SQLSTATE of the status or with another one. */
extern void healthml_raise(const HmlContext *ctx, HmlStatus status) __attribute__((noreturn));
extern void healthml_raise_as(const HmlContext *ctx, int sqlstate) __attribute__((noreturn));

static inline void
healthml_check(const HmlContext *ctx, HmlStatus status)
{
	if (__builtin_expect(status != HML_OK, 0))
		healthml_raise(ctx, status);
}

/* The SQLSTATE of a status, packed as errcode() wants it. */
extern int healthml_sqlstate(HmlStatus status);

#endif /* HEALTHML_ERRORS_H */
