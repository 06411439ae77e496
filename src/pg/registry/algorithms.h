/*
 * algorithms.h
 *	  The core's table of algorithms, for SQL.
 */
#ifndef HEALTHML_ALGORITHMS_H
#define HEALTHML_ALGORITHMS_H

#include "core/model/model.h"

/* Raises undefined_object, with the known ones as hint. */
extern const HmlAlgorithm *healthml_algorithm(const char *name);

#endif /* HEALTHML_ALGORITHMS_H */
