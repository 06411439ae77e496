/*
 * tremor.h
 *	  A tiny modality through the public seams: a reader, a row, two encoders, two
 *	  algorithms.  The unit test of modalities builds on it, and so does the module
 *	  that a test on a cluster loads instead of the extension's own.
 *
 * A recording of a hand that trembles is a letter 'T' and bytes, x and y in turn, 10
 * of each a second: 128 is no acceleration, 129 is 1 mg.
 */
#ifndef TEST_UNIT_TREMOR_H
#define TEST_UNIT_TREMOR_H

#include "core/model/modality.h"

#define TREMOR_RATE 10
#define TREMOR_AXES 2
#ifndef TREMOR_LENGTH
#define TREMOR_LENGTH 100 /* times of a tensor */
#endif

extern const HmlSignalReader tremor_reader;
extern const HmlModality tremor_modality;

/* Samples are rows: the mean amplitudes of both axes. */
extern const HmlEncoder tremor_feature_encoder;
extern const HmlAlgorithm tremor_features;

/* Samples are the signal itself, (AXES, LENGTH), from which a network learns. */
extern const HmlEncoder tremor_tensor_encoder;
extern const HmlAlgorithm tremor_network;

#endif /* TEST_UNIT_TREMOR_H */
