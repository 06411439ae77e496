/*
 * settings.h
 *	  The configuration parameters healthml.*, defined in module.c; the limits of
 *	  recordings are in signal/recording.h.
 */
#ifndef HEALTHML_SETTINGS_H
#define HEALTHML_SETTINGS_H

/* What a trigger does when it cannot score its row. */
typedef enum HealthmlOnScoreError
{
	HEALTHML_SCORE_ERROR_WARN, /* keep the row, warn, record the failure */
	HEALTHML_SCORE_ERROR_ERROR /* refuse the row */
} HealthmlOnScoreError;

/* Lowest risk that is notified; values equal HmlRisk where there is one. */
typedef enum HealthmlNotifyLevel
{
	HEALTHML_NOTIFY_LOW = 0,
	HEALTHML_NOTIFY_MEDIUM = 1,
	HEALTHML_NOTIFY_HIGH = 2,
	HEALTHML_NOTIFY_NONE = 3
} HealthmlNotifyLevel;

/*
 * PostgreSQL takes any value for a setting whose module is not loaded, and falls back to the default with a warning
 * once it is.  This raises invalid_parameter_value instead, before anything is computed with another bound than
 * the one that was asked for.  'flags' are GUC_UNIT_ ones.
 */
extern void healthml_check_placeholder(const char *name, int least, int most, int flags);

extern int healthml_model_cache_size; /* kB */
extern int healthml_max_memory;       /* kB */
extern int healthml_on_score_error;   /* HealthmlOnScoreError */
extern int healthml_notify_level;     /* HealthmlNotifyLevel */
extern int healthml_max_journal_workers;
extern bool healthml_verbose;

#endif /* HEALTHML_SETTINGS_H */
