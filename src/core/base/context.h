/*
 * context.h
 *	  What a host lends to libhml: memory, cancellation, progress, messages.
 *
 * Every function of libhml that allocates, runs long or can fail takes an
 * HmlContext.  A failure is an HmlStatus; its message, detail and hint lie in
 * the context until the next failure.  Nothing here prints, exits or jumps.
 *
 * One context belongs to one thread.  It is a plain struct that the caller
 * fills with hml_context_init() and may keep on its stack.
 */
#ifndef HML_BASE_CONTEXT_H
#define HML_BASE_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HML_NODISCARD __attribute__((warn_unused_result))
#define HML_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

typedef enum HmlStatus
{
	HML_OK = 0,
	HML_INVALID_ARGUMENT, /* a parameter that makes no sense */
	HML_INVALID_DATA,     /* data that cannot be used: infinite, too few rows, one class */
	HML_UNDEFINED,        /* a name that nobody knows: parameter, feature, operator */
	HML_CORRUPT,          /* bytes that are not what they claim to be */
	HML_LIMIT,            /* a stated limit of the library would be exceeded */
	HML_MEMORY_LIMIT,     /* memory_limit of the context would be exceeded */
	HML_NO_MEMORY,        /* the host has no memory left */
	HML_UNSUPPORTED,      /* understood, but not offered */
	HML_DIVERGED,         /* numerics ran away: a loss that is not finite */
	HML_CANCELLED,        /* the host asked to stop */
	HML_HOST,             /* something that the host lends has failed; the host knows more */
	HML_INTERNAL          /* an invariant of libhml is broken */
} HmlStatus;

#define HML_MESSAGE_SIZE 1024 /* the list of all parameters fits a hint */

/* Position of a long computation; strings live as long as the call. */
typedef struct HmlProgress
{
	const char *phase; /* 'build', 'calibrate', 'epoch', ... */
	int64_t done;
	int64_t total; /* 0 when unknown */
} HmlProgress;

struct HmlContext;

/*
 * Temporary storage that the host lends beside memory: bytes at positions, read
 * only where they were written.  It is gone when it is closed, and when the call
 * ends in any other way.  A failure is set in the context and never jumps.
 */
typedef struct HmlSpool
{
	HmlStatus (*open)(void *user, struct HmlContext *ctx, void **spool);
	HmlStatus (*write)(void *user, struct HmlContext *ctx, void *spool, uint64_t at, const void *bytes,
					   size_t size);
	HmlStatus (*read)(void *user, struct HmlContext *ctx, void *spool, uint64_t at, void *bytes, size_t size);
	void (*close)(void *user, void *spool);
} HmlSpool;

/* The host's side.  'alloc' returns NULL on failure and never jumps. */
typedef struct HmlHost
{
	void *(*alloc)(void *user, size_t size);
	void (*free)(void *user, void *pointer);
	bool (*cancelled)(void *user);                             /* may be NULL */
	void (*progress)(void *user, const HmlProgress *progress); /* may be NULL */
	void *user;
	double (*seconds)(void *user); /* a clock that only advances; may be NULL */
	const HmlSpool *spool;         /* NULL = only memory is lent */
} HmlHost;

typedef struct HmlContext
{
	HmlHost host;
	size_t memory_limit; /* bytes; SIZE_MAX for none */
	size_t memory_used;
	size_t memory_peak;
	const char *memory_limit_name; /* setting to name in the error, may be NULL */
	HmlStatus status;              /* of the last failure */
	char message[HML_MESSAGE_SIZE];
	char detail[HML_MESSAGE_SIZE]; /* "" where there is none */
	char hint[HML_MESSAGE_SIZE];
} HmlContext;

extern void hml_context_init(HmlContext *ctx, const HmlHost *host);

/*
 * Record a failure and return its status, so that a function can end with
 * "return hml_fail(ctx, HML_LIMIT, ...)".  Clears detail and hint; a text that
 * is too long is cut.  Message: lower case, no full stop.  Detail and hint:
 * whole sentences.
 */
extern HmlStatus hml_fail(HmlContext *ctx, HmlStatus status, const char *fmt, ...) HML_PRINTF(3, 4);
extern HmlStatus hml_detail(HmlContext *ctx, const char *fmt, ...) HML_PRINTF(2, 3);
extern HmlStatus hml_hint(HmlContext *ctx, const char *fmt, ...) HML_PRINTF(2, 3);

/* HML_CANCELLED when the host wants the call to end; poll at least every 10 ms. */
extern HmlStatus hml_poll(HmlContext *ctx) HML_NODISCARD;

/* Seconds since some moment in the past, by the host's clock; NaN where it lends none. */
extern double hml_seconds(HmlContext *ctx);

extern void hml_report_progress(HmlContext *ctx, const char *phase, int64_t done, int64_t total);

/*
 * Memory.  Blocks are aligned to HML_ALIGNMENT bytes.  On failure *out is NULL
 * and the status is HML_NO_MEMORY, HML_MEMORY_LIMIT or HML_LIMIT (a product
 * that does not fit).  A count of 0 is allowed and gives a valid block.
 * hml_free(ctx, NULL) does nothing.
 */
#define HML_ALIGNMENT 64

extern HmlStatus hml_alloc(HmlContext *ctx, size_t count, size_t size, void **out) HML_NODISCARD;
extern HmlStatus hml_alloc_zero(HmlContext *ctx, size_t count, size_t size, void **out) HML_NODISCARD;
extern HmlStatus hml_realloc(HmlContext *ctx, size_t count, size_t size, void **inout) HML_NODISCARD;
extern void hml_free(HmlContext *ctx, void *pointer);

/*
 * Count bytes that the caller holds elsewhere, for as long as it holds them: a
 * datum that was unpacked, for one.  Refused like a block of that size.
 */
extern HmlStatus hml_charge(HmlContext *ctx, size_t bytes) HML_NODISCARD;
extern void hml_discharge(HmlContext *ctx, size_t bytes);

/* Typed forms: HmlStatus s = HML_NEW(ctx, &rows, n);  rows is 'double *'. */
#define HML_NEW(ctx, pp, n) hml_alloc((ctx), (n), sizeof(**(pp)), (void **) (pp))
#define HML_NEW_ZERO(ctx, pp, n) hml_alloc_zero((ctx), (n), sizeof(**(pp)), (void **) (pp))
#define HML_RENEW(ctx, pp, n) hml_realloc((ctx), (n), sizeof(**(pp)), (void **) (pp))

/*
 * Leave the function with the status of a failed call.  Only where nothing is
 * held that the function would have to free: what a function allocates on the
 * way belongs to an arena of its caller, or to a "goto done" of its own.
 */
#define HML_TRY(call) \
	do \
	{ \
		HmlStatus hml_try_status = (call); \
		if (hml_try_status != HML_OK) \
			return hml_try_status; \
	} while (0)

#endif /* HML_BASE_CONTEXT_H */
