-- EEGs: files, annotations, signals and spectrograms
CREATE SCHEMA eeg_test;
SET search_path = eeg_test, healthml, public;
\set VERBOSITY terse

-- a field of a header, and a sample of 16 bits
CREATE FUNCTION field(width int, content text) RETURNS bytea LANGUAGE sql AS $$SELECT convert_to(rpad(content, width), 'SQL_ASCII')$$;
CREATE FUNCTION sample(value int) RETURNS bytea LANGUAGE sql AS
$$SELECT decode(lpad(to_hex((value + 65536) % 256), 2, '0') || lpad(to_hex((value + 65536) / 256 % 256), 2, '0'), 'hex')$$;

-- EDF+ of one second records: channel c is 100 uV of a sine of c Hz; onsets are those of the records
CREATE FUNCTION edf(labels text[], onsets float8[], rate int DEFAULT 20, units text[] DEFAULT '{uV}', patient text DEFAULT 'X X X X',
	reserved text DEFAULT 'EDF+C', note text DEFAULT '', records text DEFAULT NULL) RETURNS bytea LANGUAGE sql AS $$
	WITH signals AS (SELECT * FROM unnest(labels || '{EDF Annotations}'::text[]) WITH ORDINALITY AS l (label, c)), n AS (SELECT count(*)::int AS n FROM signals)
	SELECT field(8, '0') || field(80, patient) || field(80, 'Startdate 24-DEC-2021 X X X') || field(8, '24.12.21') || field(8, '17.30.05')
		|| field(8, (256 * (n + 1))::text) || field(44, reserved) || field(8, coalesce(records, cardinality(onsets)::text)) || field(8, '1') || field(4, n::text)
		|| (SELECT string_agg(field(16, label), '' ORDER BY c) FROM signals) || field(80 * n, '')
		|| (SELECT string_agg(field(8, CASE WHEN c < n THEN units[1 + (c - 1) % cardinality(units)] ELSE '' END), '' ORDER BY c) FROM signals)
		|| (SELECT string_agg(field(8, '-3276.7') , '') FROM signals) || (SELECT string_agg(field(8, '3276.7') , '') FROM signals)
		|| (SELECT string_agg(field(8, '-32767') , '') FROM signals) || (SELECT string_agg(field(8, '32767') , '') FROM signals)
		|| field(80 * n, '') || (SELECT string_agg(field(8, CASE WHEN c < n THEN rate ELSE 20 END::text), '' ORDER BY c) FROM signals) || field(32 * n, '')
		|| (SELECT string_agg(
			(SELECT string_agg(sample(round(1000 * sin(2 * pi() * c * (r - 1 + i / rate::float8)))::int), '' ORDER BY c, i)
			 FROM generate_series(1, n - 1) c, generate_series(0, rate - 1) i)
			|| substr(convert_to('+' || onset, 'UTF8') || '\x141400' || CASE WHEN r = 1 AND note <> '' THEN convert_to('+0.5', 'UTF8') || '\x15' || convert_to('2', 'UTF8') || '\x14' || convert_to(note, 'UTF8') || '\x1400' ELSE '' END
				|| decode(repeat('00', 40), 'hex'), 1, 40), '' ORDER BY r)
		FROM unnest(onsets) WITH ORDINALITY AS o (onset, r))
	FROM n$$;
CREATE TABLE file AS SELECT * FROM (VALUES
	('plain', edf('{EEG Fp1-REF,EEG F3-REF,EKG}', '{0,1,2,3,4}')),
	('gap', edf('{EEG FP1-LE,T7,SpO2}', '{0.25,1.25,100.25,101.25}', 20, '{uV,mV,%}', 'MCH-1 F 02-MAY-1951 Haagse_Harry', 'EDF+D', 'eyes closed')),
	('bipolar', edf('{FP1-F7,F7-T7,T7-P7,P7-O1,T7-P7}', '{0,1,2,3,4,5}')),
	('unknown', edf('{Fp1,F3}', '{0,1}', 20, '{banana}')),
	('counted', edf('{Fp1,F3}', '{0,1}', records => '-1')),
	('text', convert_to('id,eeg', 'UTF8')),
	('empty', '')) AS f (name, recording);

SELECT name, (i).format, (i).duration_s, (i).end_s, (i).channels, (i).electrodes, (i).sample_rates, (i).units, (i).usable
FROM (SELECT name, eeg_info(recording) AS i FROM file WHERE name NOT IN ('text', 'empty')) AS f ORDER BY name;
SELECT name, (i).gaps, (i).started_at, (i).patient_fields, (i).annotations, (i).truncated, (i).warnings
FROM (SELECT name, eeg_info(recording) AS i FROM file WHERE name NOT IN ('text', 'empty')) AS f ORDER BY name;
SELECT a.* FROM file, eeg_annotations(recording) a WHERE name = 'gap';

-- what cannot be read
SELECT eeg_info(recording) FROM file WHERE name = 'text';
SELECT eeg_info(recording) FROM file WHERE name = 'empty';
SELECT eeg_info(substr(recording, 1, 1000)) FROM file WHERE name = 'plain';
SELECT (i).warnings, (i).truncated FROM (SELECT eeg_info(substr(recording, 1, length(recording) - 3)) AS i FROM file WHERE name = 'plain') AS f;
SELECT eeg_info(NULL) IS NULL AS nothing;

-- montages
SELECT m, cardinality(eeg_montage(m)) FROM unnest('{referential,average,double_banana,transverse,laplacian}'::text[]) m;
SELECT eeg_montage();
SELECT eeg_montage('circumferential');

-- signals: rows of the montage, microvolt
SELECT array_dims(s) AS dims, round(max(v)::numeric) AS most, round(min(v)::numeric) AS least
FROM file, eeg_signal(recording, 1, 3) s, unnest(s[1:1]) v WHERE name = 'plain' GROUP BY s;
SELECT round(max(v)::numeric, -2) AS millivolts FROM file, eeg_signal(recording, 0, 2) s, unnest(s[6:6]) v WHERE name = 'gap';
SELECT round(max(v)::numeric, 1) AS all_are_millivolts FROM file, eeg_signal(recording, 0, 2, units => 'nV') s, unnest(s[6:6]) v WHERE name = 'gap';
SELECT array_dims(eeg_signal(recording, 100, 2, sample_rate => 50)) FROM file WHERE name = 'gap';
SELECT array_dims(eeg_signal(recording, 0, NULL, 'double_banana')) AS all_of_it FROM file WHERE name = 'bipolar';
-- the first row of a recording of differences is what it holds
SELECT round(max(abs(v))::numeric) FROM file, eeg_signal(recording, 0, NULL, 'double_banana') s, unnest(s[1:1]) v WHERE name = 'bipolar';
-- at its half power frequency, passed twice, half of a sine is left; of twice that, a seventeenth
SELECT round(max(abs(a))::numeric) AS fp1, round(max(abs(b))::numeric) AS f3
FROM file, eeg_signal(recording, 0, 5, high_hz => 1) s, unnest(s[1:1][41:60]) a, unnest(s[2:2][41:60]) b WHERE name = 'plain';
SELECT eeg_signal(NULL) IS NULL AS nothing;

-- what cannot be had
SELECT eeg_signal(recording, 0, 5) FROM file WHERE name = 'gap';
SELECT eeg_signal(recording, 50, 1) FROM file WHERE name = 'gap';
SELECT eeg_signal(recording, 4, 5) FROM file WHERE name = 'plain';
SELECT eeg_signal(recording, -1, 2) FROM file WHERE name = 'plain';
SELECT eeg_signal(recording, 0, 0) FROM file WHERE name = 'plain';
SELECT eeg_signal(recording, 0, 2, 'average') FROM file WHERE name = 'bipolar';
SELECT eeg_signal(recording, 0, 2) FROM file WHERE name = 'unknown';
SELECT eeg_signal(recording, 0, 2, units => 'stone') FROM file WHERE name = 'unknown';
SELECT eeg_signal(recording, 0, 2, low_hz => 3, high_hz => 2) FROM file WHERE name = 'plain';
SELECT eeg_signal(recording, 0, 2, high_hz => 11) FROM file WHERE name = 'plain';
SELECT eeg_signal(recording, 0, 2, notch_hz => 0) FROM file WHERE name = 'plain';
SELECT eeg_signal(recording, 0, 2, sample_rate => -1) FROM file WHERE name = 'plain';
SELECT eeg_signal(recording, 0, 2) FROM (SELECT edf('{SpO2,Pulse}', '{0,1}') AS recording) f;

-- spectrograms: the power of a sine of 5 Hz lies at 5 Hz
CREATE TABLE wave AS SELECT array_agg(CASE e WHEN 1 THEN sines ELSE zeros END ORDER BY e) AS eeg
FROM generate_series(1, 19) e, (SELECT array_agg((100 * sin(2 * pi() * 5 * t / 200))::real ORDER BY t) AS sines, array_agg(0::real) AS zeros FROM generate_series(0, 1999) t) s;
SELECT array_dims(eeg_spectrogram(eeg)) FROM wave;
SELECT abs(0.5859375 + (bin - 1) * 0.1953125 - 5) < 0.5 AS is_there FROM wave, eeg_spectrogram(eeg) s, generate_series(1, 100) bin ORDER BY s[1][bin][2] DESC LIMIT 1;
-- all power is that of the sine: half its square, half of it at negative frequencies, in a quarter of the chain's derivations
SELECT round(sum(s[1][bin][2] * 0.1953125)::numeric) AS power FROM wave, eeg_spectrogram(eeg) s, generate_series(1, 100) bin;
SELECT max(s[2][bin][2]) AS other_side FROM wave, eeg_spectrogram(eeg) s, generate_series(1, 100) bin;
SELECT array_dims(eeg_spectrogram(recording, 0, 5, high_hz => 9)) FROM file WHERE name = 'plain';
SELECT eeg_spectrogram(recording, 0, 3, high_hz => 9) FROM file WHERE name = 'plain';
SELECT eeg_spectrogram('{{1,2,3},{4,5,6}}'::real[]);
SELECT eeg_spectrogram('{{1,2,3},{4,5,6}}'::real[], 200, '{SpO2,Pulse}');
SELECT eeg_spectrogram('{{1,2,NaN},{4,5,6}}'::real[], 200, '{Fp1,F7}');

-- quality: a row of each second of each channel
CREATE TABLE night AS SELECT synthetic_eeg('other', 60, 5, artifacts => 0) AS recording;
SELECT count(*) AS rows, count(DISTINCT channel) AS channels, bool_and(usable) AS usable, min(usable_share) AS share, bool_or(clipped) AS clipped
FROM night, eeg_quality(recording);
SELECT min(second_s), max(second_s), count(*) FROM night, eeg_quality(recording, 20, 5);
-- a channel that is flat is not usable
SELECT channel, usable, flat, usable_share FROM (SELECT edf('{Fp1,F3}', '{0,1}', units => '{nV,uV}') AS recording) f, eeg_quality(recording) WHERE second_s = 0;
SELECT eeg_quality(recording) FROM file WHERE name = 'text';

-- trends: a row of each whole step, anew after a gap
SELECT at_s, usable_share, delta_uv2 > 0 AND beta_uv2 > 0 AS powers, median_hz < edge_hz AS edges, rhythmicity BETWEEN 0 AND 1 AS rhythm,
	asymmetry BETWEEN -1 AND 1 AS sides, suppression_ratio BETWEEN 0 AND 1 AS suppressed, aeeg_low_uv < aeeg_high_uv AS margins
FROM night, eeg_trends(recording, 25);
SELECT eeg_trends(recording, 1) FROM night;
SELECT eeg_trends(recording, NULL) FROM night;

-- pictures
SELECT p LIKE '<svg%</svg>%' AS svg, p LIKE '%>Fp1-F7<%' AS rows, p LIKE '%>two<%' AS title, length(p) < 500000 AS size FROM night, plot_eeg(recording, 10, 10, title => 'two') p;
SELECT plot_eeg(recording, 0, 61) FROM (SELECT synthetic_eeg('other', 70, 5) AS recording) f;
SELECT plot_eeg(recording, uv_per_mm => 0) FROM night;
SELECT plot_eeg(recording, montage => 'square') FROM night;
-- annotations of the page are on it
SELECT plot_eeg(recording, 0, 2, high_hz => NULL) LIKE '%eyes closed%' AS there, plot_eeg(recording, 100, 2, high_hz => NULL) LIKE '%eyes closed%' AS elsewhere
FROM file WHERE name = 'gap';
SELECT p LIKE '<svg%</svg>%' AS svg, p LIKE '%right parasagittal%' AS chains, length(p) < 300000 AS size FROM night, plot_eeg_spectrogram(recording) p;

DROP SCHEMA eeg_test CASCADE;
