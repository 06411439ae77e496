/*
 * recording_call.h
 *	  Calls of SQL functions that take a recording and a model.
 *
 * The first argument is the recording: bytea, or real[] of channels x samples.  The
 * others are known by their names, and each may be missing: model or artifact_id;
 * at_s, the second round which the recording is judged; sample_rate and channels, of
 * an array.
 */
#ifndef HEALTHML_RECORDING_CALL_H
#define HEALTHML_RECORDING_CALL_H

#include "pg/server/compat.h"

#include "access/tupdesc.h"
#include "fmgr.h"

#include "pg/signal/recording.h"

/* Kept in fn_extra. */
typedef struct HealthmlRecordingCall
{
	HealthmlScorer *scorer;
	MemoryContext memory; /* of one recording, emptied after it */
	TupleDesc result;     /* NULL where the function does not return a row */
	HealthmlRecording recording;

	/* Places and types of the arguments; -1 = there is none. */
	const Oid *types;
	int model;
	int artifact_id;
	int at_s;
	int sample_rate;
	int channels;
} HealthmlRecordingCall;

extern HealthmlRecordingCall *healthml_recording_call(FunctionCallInfo fcinfo);

/* Take recording and model of the present call; false where one of them is NULL. */
extern bool healthml_take_arguments(FunctionCallInfo fcinfo, HealthmlRecordingCall *call);

/* Names and types of a function's arguments: those that it takes first, then the columns that it returns. */
extern int healthml_arguments_of(Oid function, char ***names, Oid **types);

/* Place of an argument among the n first; -1 = there is none. */
extern int healthml_argument_place(char **names, int n, const char *name);

/* An encoder of the modality that makes named features; raises where there is none. */
extern const HmlEncoder *healthml_feature_encoder(const HmlModality *modality);

#endif /* HEALTHML_RECORDING_CALL_H */
