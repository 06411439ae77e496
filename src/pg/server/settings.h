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

extern int healthml_model_cache_size; /* kB */
extern int healthml_max_memory;       /* kB */
extern int healthml_on_score_error;   /* HealthmlOnScoreError */
extern int healthml_notify_level;     /* HealthmlNotifyLevel */
extern bool healthml_verbose;

#endif /* HEALTHML_SETTINGS_H */
