/* 350-eeg-model.sql: patterns of an EEG by a model. */

CREATE TYPE healthml.eeg_verdict AS (
	label text,
	seizure float8,
	lpd float8,
	gpd float8,
	lrda float8,
	grda float8,
	other float8,
	confidence float8,
	entropy float8,
	usable_share float8,
	reason text,
	at_s float8,
	recorded_s float8,
	missing_electrodes integer,
	duration_s float8,
	sample_rate float8,
	model text,
	version integer
);
COMMENT ON TYPE healthml.eeg_verdict IS 'what a model sees in ten seconds of an EEG, given up to fifty seconds round them; not of clinical grade';
COMMENT ON COLUMN healthml.eeg_verdict.label IS
'the likeliest class: seizure, lpd and gpd (lateralised, generalised periodic discharges), lrda and grda (lateralised, generalised rhythmic delta activity), other; of a model of other classes one of those; uncertain where reason says why';
COMMENT ON COLUMN healthml.eeg_verdict.seizure IS 'share of experts that would call it a seizure, as the model expects; all classes together are 1';
COMMENT ON COLUMN healthml.eeg_verdict.lpd IS 'the same for lateralised periodic discharges';
COMMENT ON COLUMN healthml.eeg_verdict.gpd IS 'the same for generalised periodic discharges';
COMMENT ON COLUMN healthml.eeg_verdict.lrda IS 'the same for lateralised rhythmic delta activity';
COMMENT ON COLUMN healthml.eeg_verdict.grda IS 'the same for generalised rhythmic delta activity';
COMMENT ON COLUMN healthml.eeg_verdict.other IS 'the same for anything else';
COMMENT ON COLUMN healthml.eeg_verdict.confidence IS 'the largest of them';
COMMENT ON COLUMN healthml.eeg_verdict.entropy IS 'of the probabilities, from 0 (one class only) to 1 (all classes alike)';
COMMENT ON COLUMN healthml.eeg_verdict.usable_share IS 'of all seconds of all electrodes in the fifty seconds, 0 to 1';
COMMENT ON COLUMN healthml.eeg_verdict.reason IS 'why the label is uncertain, else NULL';
COMMENT ON COLUMN healthml.eeg_verdict.at_s IS 'middle of the ten seconds, in what was read';
COMMENT ON COLUMN healthml.eeg_verdict.recorded_s IS 'of the fifty seconds, those that are recorded';
COMMENT ON COLUMN healthml.eeg_verdict.missing_electrodes IS 'of the nineteen; up to three are interpolated, with more the label is uncertain';
COMMENT ON COLUMN healthml.eeg_verdict.duration_s IS 'of what was read, seconds';
COMMENT ON COLUMN healthml.eeg_verdict.sample_rate IS 'of the recording, Hz';

CREATE FUNCTION healthml.eeg_classify(recording bytea, at_s float8 DEFAULT NULL, model text DEFAULT 'eeg')
RETURNS healthml.eeg_verdict
LANGUAGE C STABLE PARALLEL SAFE COST 50000 AS 'MODULE_PATHNAME', 'healthml_classify';
COMMENT ON FUNCTION healthml.eeg_classify(bytea, float8, text) IS
'the pattern of critical care in ten seconds of an EEG round second at_s, by default the middle of its longest stretch: seizure, lpd, gpd, lrda, grda or other, with probabilities. recording is an EDF, EDF+, BDF or BDF+ file. The label is uncertain, with a reason, where less than thirty of the fifty seconds round at_s are recorded, more than three electrodes are missing, most of it is flat, clipped or disturbed, or amplitudes are not those of an EEG. NULL where recording or model is NULL. An error where there is no electrode, or no EDF. Not of clinical grade: docs/model-card-eeg.md';

CREATE FUNCTION healthml.eeg_classify(eeg real[], sample_rate real DEFAULT 200, channels text[] DEFAULT NULL, spectrogram real[] DEFAULT NULL,
	model text DEFAULT 'eeg') RETURNS healthml.eeg_verdict
LANGUAGE C STABLE PARALLEL SAFE COST 50000 AS 'MODULE_PATHNAME', 'healthml_classify';
COMMENT ON FUNCTION healthml.eeg_classify(real[], real, text[], real[], text) IS
'the same for an array of channels and samples in uV, of which the middle is judged. Without channels, the names of the rows, there must be nineteen in the order Fp1 F3 C3 P3 F7 T3 T5 O1 Fz Cz Pz Fp2 F4 C4 P4 F8 T4 T6 O2, or twenty with the ECG. spectrogram is for models that take one; the bundled model makes do without';

CREATE FUNCTION healthml.eeg_features(recording bytea) RETURNS jsonb
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50000 AS 'MODULE_PATHNAME', 'healthml_signal_features';
COMMENT ON FUNCTION healthml.eeg_features(bytea) IS
'what models of algorithm eeg_features see in the middle of a recording, by name. Measures of a derivation of the double banana give four features: the mean, the mean where the EEG is strongest, that of the higher hemisphere, and how far the hemispheres differ; others are of what derivations do together. Exchanging left and right changes none. Takes the place of a row where one is explained: healthml.shap_explain(healthml.eeg_features(recording), ''eeg''). NULL where the ten seconds in the middle are not all recorded';

CREATE FUNCTION healthml.fill_eeg() RETURNS trigger
LANGUAGE C COST 50000 AS 'MODULE_PATHNAME', 'healthml_score_row';
COMMENT ON FUNCTION healthml.fill_eeg() IS
'trigger fill_eeg(''model'', ''recording_column'', ''label_column'', ''p_column''), BEFORE INSERT OR UPDATE, FOR EACH ROW: writes the label, or uncertain, and the probability of all alarm classes together into the row; see fill_heart_sound and healthml.on_score_error';

CREATE FUNCTION healthml.record_eeg() RETURNS trigger
LANGUAGE C COST 50000 AS 'MODULE_PATHNAME', 'healthml_score_row';
COMMENT ON FUNCTION healthml.record_eeg() IS
'trigger record_eeg(''model'', ''recording_column'', ''subject_column''), AFTER INSERT OR UPDATE, FOR EACH ROW: keeps a prediction of each recording in healthml.prediction and raises alerts for the alarm classes, seizure, lpd and gpd of the bundled model; see record_heart_sound';

CREATE FUNCTION healthml.eeg_scan(recording bytea, step_s float8 DEFAULT 2, model text DEFAULT 'eeg', from_s float8 DEFAULT 0, to_s float8 DEFAULT NULL)
RETURNS TABLE (at_s float8, label text, seizure float8, lpd float8, gpd float8, lrda float8, grda float8, other float8, confidence float8,
	entropy float8, usable_share float8, reason text)
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1000000 ROWS 1000 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	last_s float8;
BEGIN
	IF recording IS NULL OR step_s IS NULL OR model IS NULL OR from_s IS NULL THEN
		RETURN;
	END IF;
	IF NOT (step_s >= 0.1 AND step_s <= 3600) THEN
		RAISE EXCEPTION 'step must be from 0.1 to 3600 s, not %', step_s USING ERRCODE = 'invalid_parameter_value';
	END IF;
	last_s := least((healthml.eeg_info(recording)).duration_s, to_s);
	RETURN QUERY
	SELECT t.s, v.label, v.seizure, v.lpd, v.gpd, v.lrda, v.grda, v.other, v.confidence, v.entropy, v.usable_share, v.reason
	FROM (SELECT greatest(from_s, 0) + k * step_s AS s
		FROM generate_series(0, ceil((last_s - greatest(from_s, 0)) / step_s)::integer - 1) AS k) AS t
	CROSS JOIN LATERAL healthml.eeg_classify(recording, t.s, model) AS v;
END
$$;
COMMENT ON FUNCTION healthml.eeg_scan(bytea, float8, text, float8, float8) IS
'eeg_classify every step_s seconds (0.1 to 3600) of a recording, from from_s up to to_s, by default all of it: one row a step, whose columns are those of eeg_verdict. Round gaps and ends the label is uncertain';

CREATE FUNCTION healthml.eeg_episodes(recording bytea, step_s float8 DEFAULT 2, model text DEFAULT 'eeg', least_s float8 DEFAULT 10)
RETURNS TABLE (from_s float8, to_s float8, label text, confidence float8)
LANGUAGE sql STABLE PARALLEL SAFE COST 1000000 ROWS 10 SET search_path = pg_catalog, pg_temp AS $$
	WITH scan AS (
		SELECT s.at_s, s.label, s.confidence, s.label IS DISTINCT FROM lag(s.label) OVER (ORDER BY s.at_s) AS is_new
		FROM healthml.eeg_scan(recording, step_s, model) AS s
	), numbered AS (
		SELECT n.at_s, n.label, n.confidence, count(*) FILTER (WHERE n.is_new) OVER (ORDER BY n.at_s) AS episode FROM scan AS n
	)
	SELECT min(e.at_s), max(e.at_s) + step_s, e.label, avg(e.confidence)
	FROM numbered AS e GROUP BY e.episode, e.label HAVING count(*) * step_s >= least_s ORDER BY min(e.at_s)
$$;
COMMENT ON FUNCTION healthml.eeg_episodes(bytea, float8, text, float8) IS
'the steps of eeg_scan merged: one row for each time in which the label stays the same for at least least_s seconds, with the mean confidence';
