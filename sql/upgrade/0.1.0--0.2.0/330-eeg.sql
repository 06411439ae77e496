/* 330-eeg.sql: EEGs: files, signals, spectrograms. */

CREATE TYPE healthml.eeg_info AS (
	format text,
	duration_s float8,
	end_s float8,
	channels text[],
	electrodes text[],
	sample_rates float8[],
	units text[],
	usable boolean[],
	gaps float8[],
	started_at timestamp,
	patient_fields text[],
	annotations bigint,
	truncated boolean,
	warnings text[]
);
COMMENT ON TYPE healthml.eeg_info IS 'what eeg_info reports about a recording';
COMMENT ON COLUMN healthml.eeg_info.format IS 'EDF, EDF+C (continuous), EDF+D (with gaps), BDF, BDF+C or BDF+D';
COMMENT ON COLUMN healthml.eeg_info.duration_s IS 'seconds that are recorded, without the gaps';
COMMENT ON COLUMN healthml.eeg_info.end_s IS 'second at which the recording ends, with the gaps; times count from its first sample';
COMMENT ON COLUMN healthml.eeg_info.channels IS 'labels as the file has them, repeated ones numbered';
COMMENT ON COLUMN healthml.eeg_info.electrodes IS 'what each channel is understood as: an electrode of the 10-20 system (Fp1), a difference of two (Fp1-F7), EKG, or NULL';
COMMENT ON COLUMN healthml.eeg_info.sample_rates IS 'of each channel, Hz; 0 where records last no time';
COMMENT ON COLUMN healthml.eeg_info.units IS 'of each channel: nV, uV, mV or V, however the file writes them, else as it says; NULL = it says nothing';
COMMENT ON COLUMN healthml.eeg_info.usable IS 'whether the ranges of a channel make sense, so that it can be read';
COMMENT ON COLUMN healthml.eeg_info.gaps IS 'seconds from and to of each gap, two columns; empty where there is none';
COMMENT ON COLUMN healthml.eeg_info.started_at IS 'time of the first sample as the file has it, without a time zone; NULL where it gives no date';
COMMENT ON COLUMN healthml.eeg_info.patient_fields IS 'fields of the header that hold something about a person: code, sex, birthdate, name, other, recording (hospital, technician, equipment); their content is never shown';
COMMENT ON COLUMN healthml.eeg_info.annotations IS 'how many there are; eeg_annotations shows them';
COMMENT ON COLUMN healthml.eeg_info.truncated IS 'whether the file ends before its recording does';
COMMENT ON COLUMN healthml.eeg_info.warnings IS 'what is odd about the file and how it was understood';

CREATE FUNCTION healthml.eeg_info(recording bytea) RETURNS healthml.eeg_info
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'healthml_eeg_info';
COMMENT ON FUNCTION healthml.eeg_info(bytea) IS
'channels, units, rates, gaps and oddities of an EEG: an EDF, EDF+, BDF or BDF+ file (https://www.edfplus.info/specs/). Nothing of the header is believed: the number of records is counted, repeated labels are numbered, units are understood however their micro sign is written. A file that cannot be read is an error that says why: no such file, a header that contradicts itself, line ends that were converted on the way. What the header says about a person is never shown, only that it says something';

CREATE FUNCTION healthml.eeg_annotations(recording bytea) RETURNS TABLE (onset_s float8, duration_s float8, text text)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 100 AS 'MODULE_PATHNAME', 'healthml_eeg_annotations';
COMMENT ON FUNCTION healthml.eeg_annotations(bytea) IS
'annotations of an EDF+ or BDF+ file in its order: seconds from the first sample, also before it and after the end; duration_s is NULL where none is given. Text that is no UTF-8 is read as Latin-1; it is as free as who wrote it, and may name a person';

CREATE FUNCTION healthml.eeg_montage(montage text DEFAULT 'double_banana') RETURNS text[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'healthml_eeg_montage';
COMMENT ON FUNCTION healthml.eeg_montage(text) IS
'names of the rows of a montage, in order: referential (the nineteen electrodes), average (each against the mean of all), double_banana (18 derivations of the longitudinal chains: left temporal, left parasagittal, midline, right parasagittal, right temporal), transverse (18), laplacian (each against its neighbours)';

CREATE FUNCTION healthml.eeg_signal(recording bytea, from_s float8 DEFAULT 0, seconds float8 DEFAULT 50, montage text DEFAULT 'referential',
	low_hz float8 DEFAULT NULL, high_hz float8 DEFAULT NULL, notch_hz float8 DEFAULT NULL, sample_rate float8 DEFAULT NULL,
	units text DEFAULT NULL) RETURNS real[]
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'healthml_eeg_signal';
COMMENT ON FUNCTION healthml.eeg_signal(bytea, float8, float8, text, float8, float8, float8, float8, text) IS
'part of an EEG in microvolt: rows of a montage (eeg_montage gives their names) by samples. seconds is above 0, NULL for all up to the next gap or the end; what reaches over a gap or beyond the recording is an error. Electrodes are found by any of their names; one that is missing is the mean of its four nearest, weighted by the inverse square of their distance, and of a recording of differences only the double banana can be made. Each electrode has its median removed, is resampled to sample_rate Hz (NULL: the fastest rate of the file), and filtered without delay as scipy.signal.sosfiltfilt does: a notch of quality 30 at notch_hz, and a Butterworth filter of order 2 from low_hz to high_hz, above 0 and below half the rate (NULL: no such end). units (nV, uV, mV, V) is that of the file, whatever it says; without it, a channel of a unit that is no voltage is an error. NULL where recording is';

CREATE FUNCTION healthml.eeg_spectrogram(recording bytea, from_s float8 DEFAULT 0, seconds float8 DEFAULT NULL,
	low_hz float8 DEFAULT 0.5, high_hz float8 DEFAULT 40, notch_hz float8 DEFAULT NULL, units text DEFAULT NULL) RETURNS real[]
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50000 AS 'MODULE_PATHNAME', 'healthml_eeg_spectrogram';
COMMENT ON FUNCTION healthml.eeg_spectrogram(bytea, float8, float8, float8, float8, float8, text) IS
'power of an EEG over frequency and time, uV^2/Hz: 4 chains of the double banana (left temporal, right temporal, left parasagittal, right parasagittal) by 100 frequencies (0.586 to 19.92 Hz in steps of 0.195) by frames of 4 s every 2 s, at 200 Hz, after the filters of eeg_signal. Multitaper estimate: time-bandwidth product 2, three Slepian tapers (Thomson, Proc. IEEE 70, 1982), mean of a chain''s four derivations, scaled as Chronux does; it is what the public spectrograms of harmful brain activity hold. The other arguments are those of eeg_signal; seconds NULL is all up to the next gap or the end, and less than 4 s is an error';

CREATE FUNCTION healthml.eeg_spectrogram(eeg real[], sample_rate float8 DEFAULT 200, channels text[] DEFAULT NULL,
	low_hz float8 DEFAULT 0.5, high_hz float8 DEFAULT 40, notch_hz float8 DEFAULT NULL) RETURNS real[]
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50000 AS 'MODULE_PATHNAME', 'healthml_eeg_spectrogram';
COMMENT ON FUNCTION healthml.eeg_spectrogram(real[], float8, text[], float8, float8, float8) IS
'the same of an array in microvolt, channels by samples at sample_rate Hz. Without the names of its channels it must have the 19 electrodes in the order of eeg_montage(''referential''), and may have the ECG after them. NULL, NaN and infinite samples are errors';
