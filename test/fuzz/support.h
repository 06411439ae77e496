/*
 * support.h
 *	  What the fuzz targets share: a host with little memory that watches for
 *	  leaks.
 *
 * A target is test/fuzz/fuzz_<name>.c with LLVMFuzzerTestOneInput(); its seeds
 * lie in test/fuzz/corpus/<name>/, its dictionary, if any, is
 * test/fuzz/<name>.dict.
 */
#ifndef TEST_FUZZ_SUPPORT_H
#define TEST_FUZZ_SUPPORT_H

#include "core/base/context.h"

/* libFuzzer's entry point, declared here for -Wmissing-prototypes. */
extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* 64 MB at most: a small input has no business with more. */
extern void fuzz_context_init(HmlContext *ctx);

/* Aborts when something is still allocated. */
extern void fuzz_context_finish(const HmlContext *ctx);

/* Aborts when the condition does not hold. */
extern void fuzz_assert(bool condition);

#endif /* TEST_FUZZ_SUPPORT_H */
