/*
 * signal_support.h
 *	  Sounds for the unit tests of src/core/signal.
 */
#ifndef TEST_UNIT_SIGNAL_SUPPORT_H
#define TEST_UNIT_SIGNAL_SUPPORT_H

#include "core/base/context.h"

/* The signal of test/golden/signal/signal.csv; returns its length. */
extern size_t golden_signal(HmlContext *ctx, float **samples);

/* A file of test/fuzz/corpus/audio; returns its length. */
extern size_t corpus_file(HmlContext *ctx, const char *name, unsigned char **bytes);

/* An SVG text whose elements are closed in order, and in which no number is NaN or infinite. */
extern void assert_drawable(const char *svg);

#endif /* TEST_UNIT_SIGNAL_SUPPORT_H */
