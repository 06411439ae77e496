/*
 * firing.h
 *	  What the triggers that score rows have in common: how they are declared,
 *	  their arguments, and what happens when a row cannot be scored.
 *
 * With healthml.on_score_error = warn, whatever goes wrong with a row's score is
 * undone by a subtransaction, reported as a WARNING and recorded in
 * healthml.score_failure if that is possible; the row itself is written in any
 * case.  With "error" there is no subtransaction and the statement fails.  A wrong
 * declaration does not depend on the row and is always an error.
 *
 * What a trigger needs is found once per statement and relation, and kept in the
 * FmgrInfo of the call: a partition has one of its own.
 */
#ifndef HEALTHML_FIRING_H
#define HEALTHML_FIRING_H

#include "pg/server/compat.h"

#include "access/htup.h"
#include "catalog/pg_attribute.h"
#include "commands/trigger.h"
#include "fmgr.h"

#include "pg/predict/score.h"

/* What a trigger has found out about its arguments and its table; columns count from 1. */
typedef struct HealthmlTriggerPlan
{
	MemoryContext memory;
	HealthmlScorer *scorer;
	text *model;

	int recording_column; /* of a kind of recordings */

	/* Triggers that fill columns: a number, and one of a few words. */
	int score_column;
	int32 score_typmod;
	FmgrInfo score_input;
	Oid score_io_parameter;
	int word_column;
	FmgrInfo word_input;
	Oid word_io_parameter;
	int32 word_typmod;
	pg_uuid_t words_of; /* artifact whose classes the words are; zeros before the first row */
	const char **words; /* (n_words) in the encoding of the database */
	Datum *word_values; /* (n_words) of the column's type, 0 before the first use */

	/* Triggers that keep predictions. */
	int subject_column;
	FmgrInfo subject_output;
} HealthmlTriggerPlan;

/* What a trigger function does, and how it must be declared. */
typedef struct HealthmlTriggerKind
{
	const char *usage;
	TriggerEvent timing;
	int n_arguments;
	const HmlModality *modality; /* of the recording that is scored; NULL = the row is */
	void (*work)(void *firing);
} HealthmlTriggerKind;

/* Kept in fn_extra. */
typedef struct HealthmlTriggerState
{
	HealthmlTriggerKind kind;
	HealthmlTriggerPlan *plan; /* NULL before the first row, and while it cannot be made */
	const char *source;        /* name of the table */
	int warnings;
} HealthmlTriggerState;

/* One firing. */
typedef struct HealthmlFiring
{
	FunctionCallInfo fcinfo;
	TriggerData *data;
	HealthmlTriggerState *state;
	HeapTuple tuple;  /* the new row */
	HeapTuple filled; /* by a trigger that fills columns */
	const char *subject;
} HealthmlFiring;

/* Called as its kind must be, else an error that shows the usage; then begin.  'kind_of' is asked once per statement. */
extern void healthml_start_firing(HealthmlFiring *firing, FunctionCallInfo fcinfo,
								  HealthmlTriggerKind (*kind_of)(Oid function));

/* Number of the column that an argument names, and its attribute. */
extern int healthml_trigger_column(const HealthmlFiring *firing, int argument);
extern Form_pg_attribute healthml_trigger_attribute(const HealthmlFiring *firing, int column);

/* Plan the columns that a trigger fills: a score, and a word of type 'word_type' (or InvalidOid), text or varchar. */
extern void healthml_plan_score_column(const HealthmlFiring *firing, HealthmlTriggerPlan *plan, int argument);
extern void healthml_plan_word_column(const HealthmlFiring *firing, HealthmlTriggerPlan *plan, int argument,
									  Oid word_type);

/* The words of that column, in UTF-8, from here on; an error unless it takes the first n_required of them. */
extern void healthml_plan_words(HealthmlTriggerPlan *plan, const char *const *words, int n_words,
								int n_required);

/* The trigger's plan, made by 'plan_columns' at the first row. */
typedef void (*HealthmlPlanColumns)(const HealthmlFiring *firing, HealthmlTriggerPlan *plan);
extern HealthmlTriggerPlan *healthml_trigger_plan(const HealthmlFiring *firing,
												  HealthmlPlanColumns plan_columns);

/* The row with score and word filled in, and without both: those of an updated row would be out of date. */
extern HeapTuple healthml_filled_row(const HealthmlFiring *firing, HealthmlTriggerPlan *plan, double score,
									 int word);
extern HeapTuple healthml_blank_row(const HealthmlFiring *firing);

/* Before a row is written its generated columns have no values yet, or old ones; virtual ones are never in it. */
extern void healthml_refuse_generated(const HealthmlFiring *firing, int column);

/* Do the work of its kind as healthml.on_score_error asks; returns whether it was done. */
extern bool healthml_fire(HealthmlFiring *firing);

#endif /* HEALTHML_FIRING_H */
