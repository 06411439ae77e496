-- why a heart sounds abnormal: table, saliency, picture
CREATE SCHEMA heart_explain_test;
SET search_path = heart_explain_test, healthml, public;
\set VERBOSITY terse

CREATE TABLE recording (id int PRIMARY KEY, audio bytea);
INSERT INTO recording VALUES (1, synthetic_heart_sound(12, 70, 'systolic', 0.002)), (2, synthetic_heart_sound(12, 70, 'none', 0.002)),
	(3, synthetic_heart_sound(1.5)), (4, NULL);
CREATE TABLE explanation AS SELECT id, e.* FROM recording, heart_sound_explain(audio, top => 5) e;

-- a recording without three beats has windows only, one that is NULL no row at all
SELECT id, kind, count(*), count(start_s) AS starts, count(end_s) AS ends, count(low_hz) FILTER (WHERE kind <> 'feature') AS frequencies,
	count(phase) FILTER (WHERE kind <> 'feature') AS phases, count(feature) AS features, count(contribution) AS contributions, count(p_abnormal) AS probabilities, count(weight) AS weights
FROM explanation GROUP BY id, kind ORDER BY id, kind;
SELECT e.id, count(*) = (heart_sound_classify(audio)).windows AS all_windows FROM explanation e JOIN recording r ON r.id = e.id
WHERE kind = 'window' GROUP BY e.id, audio ORDER BY e.id;
SELECT rank, start_s, end_s, weight BETWEEN 0 AND 1 AND p_abnormal BETWEEN 0 AND 1 AS in_range FROM explanation WHERE id = 1 AND kind = 'window' ORDER BY rank;

-- the strongest come first; moments lie in the recording, in a phase that lasts, in bands from 20 to 900 Hz
SELECT id, kind, bool_and(abs(contribution) <= abs(previous) OR rank = 1) AS strongest_first,
	bool_and(start_s >= 0 AND start_s < end_s AND end_s <= 12) AS in_time,
	coalesce(bool_and(20 <= low_hz AND low_hz < high_hz AND high_hz <= 900), kind = 'feature') AS in_bands,
	coalesce(bool_and(phase IN ('s1', 'systole', 's2', 'diastole')), kind = 'feature') AS known_phases
FROM (SELECT *, lag(contribution) OVER (PARTITION BY id, kind ORDER BY rank) AS previous FROM explanation WHERE kind <> 'window') e
GROUP BY id, kind ORDER BY id, kind;

-- the murmur is heard where it is: in systole
SELECT phase, feature LIKE '%systole%' AS of_systole, contribution > 0 AS abnormal, low_hz > 100 AS above_the_sounds FROM explanation WHERE id = 1 AND kind = 'moment' AND rank = 1;

-- nothing is lost: contributions of features, with what a typical recording has, are the logit; those that have a place are the saliency
SELECT abs(sum(contribution) FILTER (WHERE kind = 'feature' AND low_hz IS NOT NULL) - sum(contribution) FILTER (WHERE kind = 'moment')) < 1e-6 AS moments,
	abs(sum(contribution) FILTER (WHERE kind = 'feature' AND low_hz IS NOT NULL) - (SELECT sum(s::float8) FROM unnest(heart_sound_saliency(audio)) s)) < 1e-4 AS saliency
FROM recording, heart_sound_explain(audio, top => 1000) WHERE id = 1 GROUP BY audio;
SELECT id, array_dims(heart_sound_saliency(audio)) FROM recording ORDER BY id;

-- pictures
SELECT id, picture ~ '^<svg .*</svg>$' AND regexp_replace(picture, 'base64,[^"]*', '', 'g') !~ 'nan|inf' AS is_picture, length(picture) BETWEEN 10000 AND 300000 AS size,
	substring(picture FROM '>(normal|abnormal|uncertain)') = (heart_sound_classify(audio)).label AS tells_label, picture LIKE '%<title>No. ' || id || ' &lt;%' AS title
FROM (SELECT id, audio, plot_heart_sound(audio, title => format('No. %s <', id)) AS picture FROM recording) p ORDER BY id;
SELECT length(plot_heart_sound(synthetic_heart_sound(600))) < 300000 AS small;

-- the same of an artifact
SELECT (SELECT array_agg(e) FROM heart_sound_explain(audio, artifact_id) e) = (SELECT array_agg(e) FROM heart_sound_explain(audio) e) AS explanation,
	heart_sound_saliency(audio, artifact_id) = heart_sound_saliency(audio) AS saliency, plot_heart_sound(audio, artifact_id) = plot_heart_sound(audio) AS picture
FROM recording r, versions v WHERE id = 1 AND v.model = 'heart_sound' AND v.version = 1;

-- refusals
SELECT heart_sound_explain(audio, top => -1) FROM recording;
SELECT heart_sound_explain(audio, top => 1001) FROM recording;
SELECT heart_sound_explain('RIFF');
SELECT heart_sound_explain(audio, 'nothing') FROM recording;
SELECT model FROM train('forest', 'isolation_forest', 'SELECT id FROM recording');
SELECT heart_sound_saliency(audio, 'forest') FROM recording;
SELECT plot_heart_sound(audio, from_s => 12) FROM recording WHERE id = 1;
SELECT plot_heart_sound(audio, from_s => 2, to_s => 1) FROM recording WHERE id = 1;
SELECT drop_model('forest');

DROP SCHEMA heart_explain_test CASCADE;
