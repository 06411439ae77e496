/* 320-heart-explain.sql: changes since 0.1.0. */

CREATE OR REPLACE FUNCTION healthml.heart_sound_explain(audio bytea, model text DEFAULT 'heart_sound', top integer DEFAULT 10)
RETURNS TABLE (kind text, rank integer, start_s float8, end_s float8, low_hz float8, high_hz float8, phase text, feature text,
	contribution float8, p_abnormal float8, weight float8)
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200000 ROWS 40 AS 'MODULE_PATHNAME', 'healthml_signal_explain';

CREATE OR REPLACE FUNCTION healthml.heart_sound_explain(audio bytea, artifact_id uuid, top integer DEFAULT 10)
RETURNS TABLE (kind text, rank integer, start_s float8, end_s float8, low_hz float8, high_hz float8, phase text, feature text,
	contribution float8, p_abnormal float8, weight float8)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200000 ROWS 40 AS 'MODULE_PATHNAME', 'healthml_signal_explain';

CREATE OR REPLACE FUNCTION healthml.heart_sound_saliency(audio bytea, model text DEFAULT 'heart_sound') RETURNS real[]
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200000 AS 'MODULE_PATHNAME', 'healthml_signal_saliency';

CREATE OR REPLACE FUNCTION healthml.heart_sound_saliency(audio bytea, artifact_id uuid) RETURNS real[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200000 AS 'MODULE_PATHNAME', 'healthml_signal_saliency';

CREATE OR REPLACE FUNCTION healthml.plot_heart_sound(audio bytea, model text DEFAULT 'heart_sound', from_s float8 DEFAULT 0, to_s float8 DEFAULT 'infinity',
	title text DEFAULT 'Heart sound') RETURNS text
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 300000 AS 'MODULE_PATHNAME', 'healthml_plot_signal';

CREATE OR REPLACE FUNCTION healthml.plot_heart_sound(audio bytea, artifact_id uuid, from_s float8 DEFAULT 0, to_s float8 DEFAULT 'infinity',
	title text DEFAULT 'Heart sound') RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 300000 AS 'MODULE_PATHNAME', 'healthml_plot_signal';
