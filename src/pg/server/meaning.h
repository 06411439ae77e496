/*
 * meaning.h
 *	  Settings that change what the text of a query means.
 */
#ifndef HEALTHML_MEANING_H
#define HEALTHML_MEANING_H

#include "pg/server/compat.h"

typedef struct HealthmlSetting
{
	const char *name;
	const char *value;
} HealthmlSetting;

/*
 * Set those of another session, until the GUC nest level ends.  A custom setting that the other one did not have becomes
 * empty.
 */
extern void healthml_adopt_meaning(const HealthmlSetting *settings, int n);

#endif /* HEALTHML_MEANING_H */
