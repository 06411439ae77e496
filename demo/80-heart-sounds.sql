\echo
\echo '== 8. Heart sounds'
\echo '|  A recording is a bytea. The model that judges whether it sounds normal came with the extension.'
\echo

CREATE TABLE recordings (
    recording_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    patient text, site text, abnormal boolean, audio bytea NOT NULL
);

\set ECHO none
SELECT :'sounds' <> '' AS real_sounds \gset
\if :real_sounds
\echo '|  Real ones, of the PhysioNet/CinC Challenge 2016. That model has learnt from these, too.'
\echo
\set load '\\copy recordings (patient, site, abnormal, audio) FROM PROGRAM ''scripts/copy-recordings "' :sounds '"'''
:load
\set ECHO queries
\else
\echo '|  Hearts that do not exist: of five patients one has a murmur of systole, and one a murmur of diastole, which'
\echo '|  that model hardly knows.'
\echo
\set ECHO queries
INSERT INTO recordings (patient, site, abnormal, audio)
SELECT 'P' || i / 2, ('{north,south}'::text[])[i / 2 % 2 + 1], i / 2 % 5 < 2,
    synthetic_heart_sound(8, 55 + i % 40, CASE i / 2 % 5 WHEN 0 THEN 'systolic' WHEN 1 THEN 'diastolic' ELSE 'none' END, 0.005 * (1 + i % 4), i)
FROM generate_series(0, 119) i;
\endif

SELECT class, n, round(share::numeric, 2) AS share FROM class_distribution('recordings', 'abnormal');

SELECT recording_id, site, abnormal, (heart).label, (heart).p_abnormal::numeric(4,3), (heart).duration_s::numeric(4,1) AS seconds,
    round((heart).heart_rate_bpm) AS bpm
FROM (SELECT recording_id, site, abnormal, heart_sound_classify(audio) AS heart FROM recordings) r
WHERE recording_id % 13 = 1 ORDER BY recording_id;

\echo '|  Two seconds of a murmur, 30 to 600 Hz. plot_spectrogram and plot_heart_sound draw it as SVG; here is'
\echo '|  what mel_spectrogram gives.'
\echo

SELECT string_agg(substr(' .:-=+*%@#', 1 + round(greatest(power[band][moment] + 45, 0) / 5)::int, 1), '' ORDER BY moment) AS sound
FROM mel_spectrogram(synthetic_heart_sound(2, 66, 'systolic', 0.002), 2000, 10, 128, 40, 30, 600, db_ref => NULL) AS power,
    generate_subscripts(power, 1) AS band, generate_subscripts(power, 2) AS moment
GROUP BY band ORDER BY band DESC
\g (format=unaligned tuples_only=on)
\echo

\echo '|  What does the model hear in it? The moments that speak most for an abnormal heart.'
\echo

SELECT rank, start_s, end_s, round(low_hz) AS low_hz, round(high_hz) AS high_hz, phase, contribution::numeric(4,2)
FROM heart_sound_explain(synthetic_heart_sound(10, 66, 'systolic', 0.002), top => 4) WHERE kind = 'moment';

\echo '|  A trigger hears recordings as they arrive. A broken file does not stop the insert.'
\echo

CREATE TABLE arriving_sounds (patient text, audio bytea, label text, p_abnormal real);
CREATE TRIGGER hear BEFORE INSERT ON arriving_sounds
FOR EACH ROW EXECUTE FUNCTION fill_heart_sound('heart_sound', 'audio', 'label', 'p_abnormal');

INSERT INTO arriving_sounds (patient, audio)
VALUES ('S1', synthetic_heart_sound(10, 64, 'none')), ('S2', synthetic_heart_sound(10, 81, 'systolic')),
    ('S3', synthetic_heart_sound(0.5)), ('S4', 'half a file')
RETURNING patient, label, p_abnormal::numeric(4,3);

\echo '|  The archive goes into the history; with what came true, it says how good the model is.'
\echo

SELECT * FROM batch_classify('heart_sound', 'recordings', subject => 'recording_id');
SELECT count(record_outcome(prediction_id, abnormal)) AS outcomes
FROM prediction JOIN recordings ON subject = recording_id::text WHERE model = 'heart_sound';
SELECT version, outcomes, recall::numeric(4,3), specificity::numeric(4,3), f1::numeric(4,3), roc_auc::numeric(4,3)
FROM model_performance WHERE model = 'heart_sound';

\echo '|  One that learns from these recordings alone: judged on patients that it has not heard, then trained;'
\echo '|  for three epochs only, to be quick.'
\echo

SELECT fold, rows, (metrics ->> 'balanced_accuracy')::numeric(4,3) AS balanced_accuracy, (metrics ->> 'roc_auc')::numeric(4,3) AS roc_auc
FROM cross_validate('heart_sound_cnn', 'recordings', target => 'abnormal', params => '{"site": "site", "epochs": 3}', folds => 3, "group" => 'patient');

SELECT model, version, trained_rows, duration
FROM train('our_sounds', 'heart_sound_cnn', 'recordings', target => 'abnormal', params => '{"site": "site", "group": "patient", "epochs": 3}');
