-- Synthetic EEGs: files and sets of them.
SET search_path = healthml, public;

-- header, a header for each channel and for the annotations, a record each second
SELECT pattern, substr(eeg, 1, 8) AS version, length(eeg) > 10 * 200 * 20 * 2 AS whole, eeg = synthetic_eeg(pattern, 10, 7) AS same,
	eeg <> synthetic_eeg(pattern, 10, 8) AS other
FROM unnest('{seizure, lpd, gpd, lrda, grda, other}'::text[]) AS pattern, synthetic_eeg(pattern, 10, 7) AS eeg;
SELECT synthetic_eeg() = synthetic_eeg('other', 50, 1) AS defaults, synthetic_eeg(NULL) IS NULL AS strict,
	synthetic_eeg('lpd', 10, 1, NULL, NULL) = synthetic_eeg('lpd', 10) AS drawn;

SELECT length(synthetic_eeg('spike'));
SELECT length(synthetic_eeg('lpd', 0));
SELECT length(synthetic_eeg('lpd', 'infinity'));
SELECT length(synthetic_eeg('lpd', 36001));
SELECT synthetic_eeg('lpd', 10, frequency_hz => 'NaN') IS NOT NULL AS drawn;
SELECT length(synthetic_eeg('lpd', 10, frequency_hz => 0));
SELECT length(synthetic_eeg('lpd', 10, amplitude_uv => 1e9));
SELECT length(synthetic_eeg('lpd', 10, from_s => 11));
SELECT length(synthetic_eeg('lpd', 10, from_s => 5, to_s => 4));
SELECT length(synthetic_eeg('lpd', 10, artifacts => 'infinity'));
SET healthml.max_memory = '16MB';
SELECT length(synthetic_eeg('lpd', 3600));
RESET healthml.max_memory;

-- two EEGs of each patient, all patterns equally often; most readers see what is there
SELECT pattern, count(*) AS eegs, count(DISTINCT recording) AS recordings, bool_and(patient_id = (eeg_id + 1) / 2) AS two_each,
	(SELECT sum(v) FROM unnest(ARRAY[sum(seizure_vote), sum(lpd_vote), sum(gpd_vote), sum(lrda_vote), sum(grda_vote), sum(other_vote)]) AS v)
	< 2 * sum(CASE pattern WHEN 'seizure' THEN seizure_vote WHEN 'lpd' THEN lpd_vote WHEN 'gpd' THEN gpd_vote WHEN 'lrda' THEN lrda_vote
		WHEN 'grda' THEN grda_vote ELSE other_vote END) AS most
FROM synthetic_eegs(36, 3) GROUP BY pattern ORDER BY pattern;
SELECT count(*) FROM synthetic_eegs(0);
SELECT synthetic_eegs(-1);
