/* 340-eeg-synthetic.sql: EEGs of nobody. */

CREATE FUNCTION healthml.synthetic_eeg(pattern text DEFAULT 'other', seconds float8 DEFAULT 50, seed bigint DEFAULT 1,
	frequency_hz float8 DEFAULT NULL, amplitude_uv float8 DEFAULT NULL, from_s float8 DEFAULT NULL, to_s float8 DEFAULT NULL,
	artifacts float8 DEFAULT 1) RETURNS bytea
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000 AS 'MODULE_PATHNAME', 'healthml_synthetic_eeg';
COMMENT ON FUNCTION healthml.synthetic_eeg(text, float8, bigint, float8, float8, float8, float8, float8) IS
'an EEG of a patient who does not exist, for demonstrations and tests: an EDF+ file of nineteen electrodes and the ECG, 200 Hz, uV. pattern is seizure, lpd, gpd (periodic discharges of one side, of both), lrda, grda (rhythmic delta activity of one side, of both) or other, drawn from what was measured in patients; seconds is a whole number from 1 to 36000. frequency_hz (0.1 to 30) and amplitude_uv (0 to 2000) of the pattern, and the seconds from_s and to_s between which it is there, are drawn where they are NULL: it is then there in the middle. artifacts is 0 for none, 1 for as many as at the bedside, at most 10. The same arguments give the same bytes. NULL where another argument is NULL';

CREATE FUNCTION healthml.synthetic_eegs(n bigint, seed bigint DEFAULT 1)
RETURNS TABLE (eeg_id bigint, patient_id bigint, pattern text, recording bytea, seizure_vote integer, lpd_vote integer, gpd_vote integer,
	lrda_vote integer, grda_vote integer, other_vote integer)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000 ROWS 100 AS 'MODULE_PATHNAME', 'healthml_synthetic_eegs';
COMMENT ON FUNCTION healthml.synthetic_eegs(bigint, bigint) IS
'n synthetic EEGs of 50 s as synthetic_eeg makes them, two of each patient, all patterns equally often, with the votes that readers would give the middle ten seconds: fewer of them agree where the pattern hardly stands out. What healthml.train learns from with params {"eeg": "recording", "votes": [...], "group": "patient_id"}';
