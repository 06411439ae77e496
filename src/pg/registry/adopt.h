/*
 * adopt.h
 *	  Making a bundled model one's own.
 */
#ifndef HEALTHML_ADOPT_H
#define HEALTHML_ADOPT_H

#include "pg/server/compat.h"

/* Within SPI: copy the bundled model of this name, unless there is none or it has a copy. */
extern void healthml_adopt_by_name(const char *name);

#endif /* HEALTHML_ADOPT_H */
