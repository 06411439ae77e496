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

CREATE FUNCTION healthml.eeg_quality(recording bytea, from_s float8 DEFAULT 0, seconds float8 DEFAULT NULL, units text DEFAULT NULL)
RETURNS TABLE (second_s float8, channel text, usable boolean, flat boolean, clipped boolean, extreme boolean, mains boolean, muscle boolean,
	blink boolean, pop boolean, range_uv float8, mains_share float8, muscle_uv float8, usable_share float8)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50000 ROWS 1000 AS 'MODULE_PATHNAME', 'healthml_eeg_quality';
COMMENT ON FUNCTION healthml.eeg_quality(bytea, float8, float8, text) IS
'what spoils an EEG, a row for each second of each channel that eeg_signal knows. Not usable is a channel that is flat (range below 0.5 uV), clipped (a tenth of the second at the highest or lowest value of the channel) or extreme (range above 2 mV). It can be seen in part with mains (more than half of its power at 50 or 60 Hz), muscle (more than 15 uV RMS above 25 Hz, without the mains), a blink (Fp1 and Fp2 rise by 60 uV or more, others by less than half of that) or an electrode pop (a jump above 100 uV within 15 ms, three times that of other channels). mains_share is a share of power, 0 to 1; usable_share that of the channels in this second. Arguments and errors are those of eeg_signal; seconds NULL is all up to the next gap or the end';

CREATE FUNCTION healthml.eeg_trends(recording bytea, step_s float8 DEFAULT 10, units text DEFAULT NULL)
RETURNS TABLE (at_s float8, usable_share float8, delta_uv2 float8, theta_uv2 float8, alpha_uv2 float8, beta_uv2 float8, edge_hz float8,
	median_hz float8, rhythmicity float8, rhythm_hz float8, asymmetry float8, suppression_ratio float8, aeeg_low_uv float8, aeeg_high_uv float8)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000 ROWS 1000 AS 'MODULE_PATHNAME', 'healthml_eeg_trends';
COMMENT ON FUNCTION healthml.eeg_trends(bytea, float8, text) IS
'bedside trends of a whole EEG, a row for each step_s seconds (4 to 600) from at_s on; steps begin anew after a gap, and a last one that is not whole is left out. Powers are those of the mean multitaper spectrum of the double banana, uV^2: delta 0.5 to 4 Hz, theta to 8, alpha to 13, beta to 20; edge_hz and median_hz are the frequencies below which 95 and 50 % of it lie. rhythmicity, 0 to 1, is the median over derivations of the highest peak of the autocorrelation between 0.5 and 4 Hz, rhythm_hz where it lies. asymmetry is (right - left) / (right + left) of the power of the chains, -1 to 1. suppression_ratio is the share of time below 10 uV peak to peak for half a second or more. aeeg_low_uv and aeeg_high_uv are the margins of the amplitude-integrated EEG, mean of C3-P3 and C4-P4: the 10th and 90th percentile of what is rectified and smoothed over half a second from 2 to 15 Hz. usable_share, 0 to 1, is the share of seconds of electrodes that are there and not flat, clipped or extreme; where it is low the rest means little';

CREATE FUNCTION healthml.plot_eeg(recording bytea, from_s float8 DEFAULT 0, seconds float8 DEFAULT 10, montage text DEFAULT 'double_banana',
	low_hz float8 DEFAULT 0.5, high_hz float8 DEFAULT 35, notch_hz float8 DEFAULT NULL, uv_per_mm float8 DEFAULT 7, units text DEFAULT NULL,
	title text DEFAULT 'EEG') RETURNS text
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 50000 AS 'MODULE_PATHNAME', 'healthml_plot_eeg';
COMMENT ON FUNCTION healthml.plot_eeg(bytea, float8, float8, text, float8, float8, float8, float8, text, text) IS
'a page of an EEG as SVG text, as readers expect it: rows of a montage with its chains apart, negative up, 30 mm a second with a line each second, the sensitivity uv_per_mm in uV/mm, annotations marked over the seconds that they last. Rows of an electrode that is missing, and so interpolated, are pale. At most 60 s, less than 500 kB. The other arguments are those of eeg_signal. Annotations are as free as who wrote them, and may name a person';

CREATE FUNCTION healthml.plot_eeg_spectrogram(recording bytea, from_s float8 DEFAULT 0, seconds float8 DEFAULT NULL, low_hz float8 DEFAULT 0.5,
	high_hz float8 DEFAULT 40, notch_hz float8 DEFAULT NULL, units text DEFAULT NULL, title text DEFAULT 'Spectrogram') RETURNS text
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000 AS 'MODULE_PATHNAME', 'healthml_plot_eeg_spectrogram';
COMMENT ON FUNCTION healthml.plot_eeg_spectrogram(bytea, float8, float8, float8, float8, float8, text, text) IS
'spectrograms of the four chains of an EEG as SVG text, a compressed spectral array: what eeg_spectrogram gives with the same arguments, in dB of 1 uV^2/Hz, from the loudest cell to 35 dB below. A night is as large as ten minutes: frames that fall into one column are averaged';
