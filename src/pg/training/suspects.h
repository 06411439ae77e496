/*
 * suspects.h
 *	  Notices of features that a model had better not learn from.
 */
#ifndef HEALTHML_SUSPECTS_H
#define HEALTHML_SUSPECTS_H

#include "pg/server/compat.h"

#include "core/data/frame.h"

/* One notice for each kind of suspicion (suspect.h), naming the columns. */
extern void healthml_report_suspects(HmlContext *ctx, const HmlFrame *frame);

#endif /* HEALTHML_SUSPECTS_H */
