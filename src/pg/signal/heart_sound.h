/*
 * heart_sound.h
 *	  Hearing a recording with a model: what the SQL function, triggers and
 *	  batches share.
 */
#ifndef HEALTHML_HEART_SOUND_H
#define HEALTHML_HEART_SOUND_H

#include "pg/server/compat.h"

#include "core/heart/heart_features.h"
#include "core/heart/heart_sound.h"

#include "pg/predict/prediction.h"
#include "pg/predict/score.h"

#define HEALTHML_HEART_SOUND_ALGORITHM "heart_sound_cnn"

typedef enum HealthmlSound
{
	HEALTHML_SOUND_NORMAL,
	HEALTHML_SOUND_ABNORMAL,
	HEALTHML_SOUND_UNCERTAIN
} HealthmlSound;

#define HEALTHML_SOUNDS 3

extern const char *const healthml_sound_names[HEALTHML_SOUNDS]; /* "normal", "abnormal", "uncertain" */

typedef struct HealthmlHearing
{
	HealthmlAssessment assessment; /* its score is the probability of "abnormal" */
	HealthmlSound sound;
	const char *reason; /* why it is uncertain, else NULL */
	double confidence;  /* probability that the likelier of the two classes is right, 0.5 to 1 */
	double duration_s;
	int sample_rate;
	int windows;
	double heart_rate_bpm; /* NaN = not reliable */
	bool has_features;     /* enough heart beats for them */
	double features[HML_HEART_FEATURES];
} HealthmlHearing;

/*
 * Hear a bytea datum with the scorer's model, which is a heart_sound_cnn.  A
 * recording without enough heart beats has probability 0.5: hearing it tells
 * nothing.  Else its features are the scorer's present row from then on, while
 * 'out' lasts.  A file that cannot be decoded is a status, with its message in
 * 'ctx'.
 */
extern HmlStatus healthml_hear(HealthmlScorer *scorer, HmlContext *ctx, Datum recording,
							   HealthmlHearing *out) HML_NODISCARD;

/* The same of a recording that is decoded; what was heard in it lies in 'arena' and is told in *sound. */
extern HmlStatus healthml_listen(HealthmlScorer *scorer, HmlArena *arena, const HmlAudio *audio,
								 HmlHeartSound *sound, HealthmlHearing *out) HML_NODISCARD;

/* Whether a status is the recording's fault, and so no reason to give up the ones behind it. */
extern bool healthml_is_unreadable(HmlStatus status);

/* What was heard last as a row of the history, with 'top' reasons, 0 = none. */
extern void healthml_predict_heard(HealthmlScorer *scorer, const HealthmlHearing *hearing, int top,
								   HealthmlPrediction *prediction);

#endif /* HEALTHML_HEART_SOUND_H */
