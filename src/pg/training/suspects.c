/*
 * suspects.c
 *	  Notices of features that a model had better not learn from.
 */
#include "pg/training/suspects.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "core/data/suspect.h"

#include "pg/server/document.h"
#include "pg/server/errors.h"

#define MOST_NAMES 20

/* Names of the suspects of a kind, NULL where there is none. */
static const char *
names_of(const HmlFrame *frame, const HmlSuspect *suspects, size_t n, HmlSuspicion suspicion)
{
	StringInfoData names;
	int found = 0;

	initStringInfo(&names);
	for (size_t i = 0; i < n; i++)
		if (suspects[i].suspicion == suspicion && found++ < MOST_NAMES)
			appendStringInfo(&names, "%s\"%s\"", found > 1 ? ", " : "",
							 healthml_from_utf8(frame->columns[suspects[i].column].name));
	if (found > MOST_NAMES)
		appendStringInfo(&names, " and %d more", found - MOST_NAMES);
	return found > 0 ? names.data : NULL;
}

static const char exclude_hint[] =
	"Leave out what is derived from the target, or known only later, with parameter \"exclude\".";

void
healthml_report_suspects(HmlContext *ctx, const HmlFrame *frame)
{
	HmlSuspect *suspects = palloc(sizeof(*suspects) * Max(frame->n_columns, 1));
	const char *names;
	size_t n;

	healthml_check(ctx, hml_find_suspects(ctx, frame, suspects, &n));
	if ((names = names_of(frame, suspects, n, HML_SUSPECT_SEPARATES)) != NULL)
		ereport(
			NOTICE,
			(errmsg("features that alone separate the target \"%s\" almost perfectly (ROC AUC above %g): %s",
					healthml_from_utf8(hml_frame_column(frame, HML_ROLE_TARGET)->name), HML_SUSPECT_AUC,
					names),
			 errhint("%s", exclude_hint)));
	if ((names = names_of(frame, suspects, n, HML_SUSPECT_COPIES)) != NULL)
		ereport(NOTICE,
				(errmsg("features that are almost the target \"%s\" itself (correlation above %g): %s",
						healthml_from_utf8(hml_frame_column(frame, HML_ROLE_TARGET)->name),
						HML_SUSPECT_CORRELATION, names),
				 errhint("%s", exclude_hint)));
	if ((names = names_of(frame, suspects, n, HML_SUSPECT_IDENTIFIES)) != NULL)
		ereport(NOTICE, (errmsg("features that are different in every row, as an identifier is: %s", names),
						 errhint("Leave identifiers out with parameter \"exclude\".")));
	pfree(suspects);
}
