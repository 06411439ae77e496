/*
 * eeg_call.h
 *	  Calls of SQL functions that take an EEG and no model.
 *
 * The first argument is the recording: bytea of an EDF or BDF file, or real[] of
 * channels x samples.  The others are known by their names, and each may be missing:
 * from_s, seconds and units of a file, sample_rate and channels of an array, low_hz,
 * high_hz and notch_hz of the filters.
 */
#ifndef HEALTHML_EEG_CALL_H
#define HEALTHML_EEG_CALL_H

#include "pg/server/compat.h"

#include "fmgr.h"

#include "core/eeg/eeg_reader.h"
#include "core/eeg/eeg_window.h"

#include "pg/signal/recording.h"

/* All of it lies in the memory context of the call. */
typedef struct HealthmlEegCall
{
	FunctionCallInfo fcinfo;
	HmlContext ctx;
	HmlArena *arena;
	char **names;
	Oid *types;
	int n_arguments;
	HealthmlBytes bytes;
	HmlEdf edf;              /* of a file */
	HmlEegChannels channels; /* of a file, from healthml_eeg_read() on */
	HmlEegPart part;
	HmlSignal signal;
	HmlEegWindow electrodes;
} HealthmlEegCall;

/* Prepare a call; false where the recording is NULL. */
extern bool healthml_eeg_begin(FunctionCallInfo fcinfo, HealthmlEegCall *call);

/* Open the file of the recording, which is bytea. */
extern void healthml_eeg_open(HealthmlEegCall *call);

/* Read the signal: of a file the part from from_s on, of 'seconds' or to the end of the stretch. */
extern void healthml_eeg_read(HealthmlEegCall *call);

/* Its electrodes at 'rate' (0 = its own), filtered as the arguments say; to be read before. */
extern void healthml_eeg_electrodes(HealthmlEegCall *call, double rate);

/* The montage of the argument 'montage', NULL being referential; raises where the recording, once read, has no such. */
extern const HmlMontage *healthml_eeg_montage_of(HealthmlEegCall *call);
extern void healthml_eeg_check_montage(const HealthmlEegCall *call, const HmlMontage *montage);

/* Read, and the spectrogram of it: (HML_CHAINS, HML_EEG_BINS, *n_frames), at least one frame. */
extern float *healthml_eeg_power(HealthmlEegCall *call, size_t *n_frames);

/* Microvolts of a unit of the file, by the argument 'units'; NaN = as the file says. */
extern double healthml_eeg_microvolts(const HealthmlEegCall *call);

/* An argument by name: NaN and NULL where there is none, or it is NULL. */
extern double healthml_eeg_number(const HealthmlEegCall *call, const char *name);
extern const char *healthml_eeg_text(const HealthmlEegCall *call, const char *name);

#endif /* HEALTHML_EEG_CALL_H */
