-- Patterns of an EEG by a model: training on votes, verdicts, doubts, triggers, a scan.
SET search_path = healthml, public;

CREATE TABLE learnt AS SELECT * FROM synthetic_eegs(72, 5);
CREATE FUNCTION learn(model text, more jsonb DEFAULT '{}') RETURNS training_result AS $$
	SELECT train(model, 'eeg_features', 'learnt', params => '{"eeg": "recording", "votes": ["seizure_vote", "lpd_vote", "gpd_vote",
		"lrda_vote", "grda_vote", "other_vote"], "group": "patient_id", "alarm": ["seizure", "lpd", "gpd"], "epochs": 60, "learning_rate": 0.01}'::jsonb || more)
$$ LANGUAGE sql;
SELECT version, trained_rows, metrics ? 'kl_divergence' AS judged, (metrics->>'validation_rows')::int BETWEEN 4 AND 20 AS held_out,
	metrics->>'unusable_recordings' AS unusable
FROM learn('ours', '{"networks": 2}');
SELECT version FROM learn('ours', '{"hidden_layers": [8], "validation_fraction": 0}');

-- all classes together are 1; most of what was learnt is found again, and of windows that were not
CREATE VIEW judged AS SELECT l.*, (v).* FROM (SELECT eeg_id, pattern, eeg_classify(recording, NULL, 'ours:1') AS v FROM learnt) AS l;
SELECT count(*), count(*) FILTER (WHERE label = pattern) > 50 AS found, bool_and(abs(seizure + lpd + gpd + lrda + grda + other - 1) < 1e-6) AS whole,
	bool_and(confidence = greatest(seizure, lpd, gpd, lrda, grda, other)) AS confident, bool_and(entropy BETWEEN 0 AND 1) AS entropies,
	min(recorded_s) AS recorded, max(at_s) AS at, min(sample_rate) AS rate, min(model) AS model, max(version) AS version
FROM judged;
SELECT count(*) FILTER (WHERE (eeg_classify(recording, NULL, 'ours:1')).label = pattern) >= 6 AS found FROM synthetic_eegs(18, 6);
SELECT eeg_classify(NULL::bytea) IS NULL AS strict, eeg_classify(synthetic_eeg(), NULL, NULL) IS NULL AS model;

-- an array is judged as the file is; electrodes in any order and by their newer names
CREATE TABLE one AS SELECT synthetic_eeg('gpd', 50, 3) AS recording;
CREATE TABLE signal AS SELECT eeg_signal(recording, 0, 50, 'referential', NULL, NULL, NULL, NULL) AS eeg FROM one;
SELECT array_ndims(eeg), array_length(eeg, 2) FROM signal;
SELECT f.label = a.label AS same_label, abs(f.gpd - a.gpd) < 0.02 AS same
FROM one, signal, eeg_classify(recording, NULL, 'ours') AS f, eeg_classify(eeg, 200, NULL, NULL, 'ours') AS a;

-- what cannot be judged
SELECT label, reason, recorded_s FROM one, eeg_classify(recording, 8, 'ours');
SELECT label, reason, recorded_s, round(entropy::numeric, 6) AS entropy FROM eeg_classify(synthetic_eeg('lpd', 5), NULL, 'ours');
SELECT label, reason FROM eeg_classify(array_fill(0::real, ARRAY[19, 10000]), 200, NULL, NULL, 'ours');
SELECT label, reason, missing_electrodes FROM signal, eeg_classify(eeg[1:12][1:10000], 200,
	'{Fp1, F3, C3, P3, F7, T7, P7, O1, Fz, Cz, Pz, Fp2}', NULL, 'ours');
SELECT label, reason FROM signal, eeg_classify(eeg, 200, array_fill('SpO2'::text, ARRAY[19]), NULL, 'ours');
SELECT eeg_classify('\x0123'::bytea, NULL, 'ours');
SELECT eeg_classify('no recording at all'::bytea, NULL, 'ours');
SELECT eeg_classify('{1, 2, 3}'::real[], 200, NULL, NULL, 'ours');
SELECT eeg_classify('{}'::real[], 200, NULL, NULL, 'ours');
SELECT eeg_classify('{{{1}}}'::real[], 200, NULL, NULL, 'ours');
SELECT eeg_classify(array_fill('NaN'::real, ARRAY[19, 10000]), 200, NULL, NULL, 'ours');
SELECT eeg_classify(array_fill(1::real, ARRAY[19, 100]), 0, NULL, NULL, 'ours');
SELECT eeg_classify(recording, 1e6, 'ours') FROM one;
SELECT eeg_classify(recording, NULL, 'iforest') FROM one;

-- votes that are none
UPDATE learnt SET other_vote = -1 WHERE eeg_id = 7;
SELECT learn('bad');
UPDATE learnt SET other_vote = NULL, seizure_vote = 0, lpd_vote = 0, gpd_vote = 0, lrda_vote = 0, grda_vote = 0 WHERE eeg_id = 7;
SELECT trained_rows, metrics->>'unusable_recordings' AS unusable FROM learn('ours');
SELECT train('bad', 'eeg_features', 'learnt', params => '{"eeg": "recording", "votes": ["lpd_vote"]}');
SELECT train('bad', 'eeg_features', 'learnt', params => '{"eeg": "recording"}');
SELECT train('bad', 'eeg_features', 'learnt', params => '{"eeg": "pattern", "votes": ["lpd_vote", "gpd_vote"]}');
CREATE VIEW named AS SELECT recording, pattern FROM learnt;
SELECT trained_rows FROM train('named', 'eeg_features', 'named', target => 'pattern', params => '{"eeg": "recording", "epochs": 3}');

-- a column that is filled
CREATE TABLE filled (id int, recording bytea, label text, p float8);
CREATE TRIGGER judge BEFORE INSERT ON filled FOR EACH ROW EXECUTE FUNCTION fill_eeg('ours:1', 'recording', 'label', 'p');
INSERT INTO filled SELECT eeg_id, recording FROM learnt WHERE eeg_id <= 3;
INSERT INTO filled VALUES (4, NULL);
SELECT f.id, f.label = v.label AS label, abs(f.p - (v.seizure + v.lpd + v.gpd)) < 1e-6 AS p
FROM filled AS f LEFT JOIN LATERAL eeg_classify(f.recording, NULL, 'ours:1') AS v ON f.recording IS NOT NULL ORDER BY f.id;

-- two minutes with half a minute of a pattern
CREATE TABLE night AS SELECT synthetic_eeg('gpd', 120, 3, amplitude_uv => 300, from_s => 40, to_s => 80) AS recording;
SELECT count(*), min(at_s), max(at_s), avg(gpd) FILTER (WHERE at_s BETWEEN 48 AND 72) > 1.5 * avg(gpd) FILTER (WHERE at_s < 30) AS seen,
	count(*) FILTER (WHERE label = 'uncertain') AS uncertain
FROM night, eeg_scan(recording, 5, 'ours:1');
SELECT count(*) > 0 AS episodes, bool_and(to_s > from_s) AS forward FROM night, eeg_episodes(recording, 10, 'ours:1');
SELECT count(*) FROM night, eeg_scan(recording, 10, 'ours:1', 50, 70);
SELECT eeg_scan(recording, 0) FROM night;
SELECT count(*) FROM eeg_scan(NULL);

-- features take the place of a row
SELECT count(*) AS features, count(*) FILTER (WHERE value = 'null') AS unknown FROM one, jsonb_each(eeg_features(recording));
SELECT eeg_features(synthetic_eeg('lpd', 5)) IS NULL AS too_short;
SELECT count(drop_model(m)) FROM unnest('{ours, named}'::text[]) AS m;
