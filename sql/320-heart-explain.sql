/* 320-heart-explain.sql: why a heart sounds normal or abnormal to a model. */

CREATE FUNCTION healthml.heart_sound_explain(audio bytea, model text DEFAULT 'heart_sound', top integer DEFAULT 10)
RETURNS TABLE (kind text, rank integer, start_s float8, end_s float8, low_hz float8, high_hz float8, phase text, feature text,
	contribution float8, p_abnormal float8, weight float8)
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200000 ROWS 40 AS 'MODULE_PATHNAME', 'healthml_signal_explain';
COMMENT ON FUNCTION healthml.heart_sound_explain(bytea, text, integer) IS
'when in a recording, and at which frequencies, a model hears what speaks for (positive contribution) or against an abnormal heart; contributions are to the logit of its probability. Rows of kind window: the overlapping five seconds in time order, with the probability of each alone (NULL where fewer than three beats lie in it, or noise is all there is) and its weight, 0 for noise to 1 for a clear sound. Of kind moment: the top phases (s1, systole, s2, diastole) of single beats by what they contribute in a group of bands, with the feature that adds most of it. Of kind feature: the top features of the recording, with the frequencies and the phase in which they look, where they have a place. Windows alone where fewer than three heart beats are heard';

CREATE FUNCTION healthml.heart_sound_explain(audio bytea, artifact_id uuid, top integer DEFAULT 10)
RETURNS TABLE (kind text, rank integer, start_s float8, end_s float8, low_hz float8, high_hz float8, phase text, feature text,
	contribution float8, p_abnormal float8, weight float8)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200000 ROWS 40 AS 'MODULE_PATHNAME', 'healthml_signal_explain';
COMMENT ON FUNCTION healthml.heart_sound_explain(bytea, uuid, integer) IS 'as with a model name, for one artifact';

CREATE FUNCTION healthml.heart_sound_saliency(audio bytea, model text DEFAULT 'heart_sound') RETURNS real[]
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200000 AS 'MODULE_PATHNAME', 'healthml_signal_saliency';
COMMENT ON FUNCTION healthml.heart_sound_saliency(bytea, text) IS
'what each cell of the spectrogram adds to the logit of the probability of an abnormal heart: 40 mel bands from 20 to 900 Hz by 50 frames a second, the first one centred on second 0. The cells add up to the contributions of all features that have a place in the heart beat; timing has none. NULL where fewer than three heart beats are heard';

CREATE FUNCTION healthml.heart_sound_saliency(audio bytea, artifact_id uuid) RETURNS real[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200000 AS 'MODULE_PATHNAME', 'healthml_signal_saliency';
COMMENT ON FUNCTION healthml.heart_sound_saliency(bytea, uuid) IS 'as with a model name, for one artifact';

CREATE FUNCTION healthml.plot_heart_sound(audio bytea, model text DEFAULT 'heart_sound', from_s float8 DEFAULT 0, to_s float8 DEFAULT 'infinity',
	title text DEFAULT 'Heart sound') RETURNS text
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 300000 AS 'MODULE_PATHNAME', 'healthml_plot_signal';
COMMENT ON FUNCTION healthml.plot_heart_sound(bytea, text, float8, float8, text) IS
'what a model hears in a recording, or in its seconds from_s to to_s, as SVG text of less than 300 kB: the waveform, the first and second heart sounds, the spectrogram with red where it speaks for an abnormal heart and blue where it speaks against, the probability of each window, fainter where the window is noisy, and the three features that contribute most. The model has heard the whole recording';

CREATE FUNCTION healthml.plot_heart_sound(audio bytea, artifact_id uuid, from_s float8 DEFAULT 0, to_s float8 DEFAULT 'infinity',
	title text DEFAULT 'Heart sound') RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 300000 AS 'MODULE_PATHNAME', 'healthml_plot_signal';
COMMENT ON FUNCTION healthml.plot_heart_sound(bytea, uuid, float8, float8, text) IS 'as with a model name, for one artifact';
