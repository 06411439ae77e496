/*
 * 400-vital-signs.sql: new since 0.1.0: early warning scores, and heart-rate variability.
 */

/* ---- early warning scores ---- */

CREATE TYPE healthml.early_warning AS (
	score int,
	risk healthml.risk_level,
	single_parameter_3 boolean,
	missing text[],
	response text
);
COMMENT ON TYPE healthml.early_warning IS
'an early warning score: points (of what was measured; NULL where nothing was), risk (unknown: low so far, but something is missing), whether one parameter alone has three points, what is missing, and what the score asks for';

CREATE FUNCTION healthml.news2(respiration float8, spo2 float8, on_oxygen boolean, systolic_bp float8, pulse float8,
	consciousness text, temperature float8, spo2_scale int DEFAULT 1) RETURNS healthml.early_warning
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'healthml_news2';
COMMENT ON FUNCTION healthml.news2(float8, float8, boolean, float8, float8, text, float8, int) IS
'National Early Warning Score 2 (Royal College of Physicians 2017), 0 to 20: breaths, SpO2 in percent, supplemental oxygen, mmHg, beats, consciousness A, C, V, P or U, degrees Celsius; spo2_scale 2 is for hypercapnic respiratory failure. A parameter that is NULL or NaN gets no points and is listed in missing, so that the score is a lower bound. Risk: high from 7, medium from 5 or with three points of one parameter. A value that cannot be, such as degrees Fahrenheit, is an error';
CREATE FUNCTION healthml.mews(respiration float8, systolic_bp float8, pulse float8, consciousness text,
	temperature float8) RETURNS healthml.early_warning
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'healthml_mews';
COMMENT ON FUNCTION healthml.mews(float8, float8, float8, text, float8) IS
'Modified Early Warning Score (Subbe 2001), 0 to 14; new confusion (C) counts like a response to voice (V). Risk: high from 5, medium from 3. Missing parameters as for healthml.news2';
CREATE FUNCTION healthml.qsofa(respiration float8, systolic_bp float8, consciousness text)
RETURNS healthml.early_warning
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5 AS 'MODULE_PATHNAME', 'healthml_qsofa';
COMMENT ON FUNCTION healthml.qsofa(float8, float8, text) IS
'quick SOFA (Sepsis-3, 2016), 0 to 3: respiration of 22 or more, systolic pressure of 100 or less, altered mentation. Risk: high from 2. Missing parameters as for healthml.news2';

/* ---- heart-rate variability ---- */

CREATE TYPE healthml.hrv AS (
	n bigint,
	corrected bigint,
	mean_nn float8,
	median_nn float8,
	min_nn float8,
	max_nn float8,
	range_nn float8,
	sdnn float8,
	sdsd float8,
	rmssd float8,
	nn50 float8,
	pnn50 float8,
	nn20 float8,
	pnn20 float8,
	cvnn float8,
	cvsd float8,
	mean_hr float8,
	min_hr float8,
	max_hr float8,
	sd_hr float8,
	triangular_index float8,
	tinn float8,
	total_power float8,
	vlf float8,
	lf float8,
	hf float8,
	lf_hf_ratio float8,
	lf_nu float8,
	hf_nu float8,
	lomb_total_power float8,
	lomb_vlf float8,
	lomb_lf float8,
	lomb_hf float8,
	lomb_lf_hf_ratio float8,
	lomb_lf_nu float8,
	lomb_hf_nu float8,
	sd1 float8,
	sd2 float8,
	sd1_sd2_ratio float8,
	sample_entropy float8,
	csi float8,
	cvi float8,
	too_short text[]
);
COMMENT ON TYPE healthml.hrv IS
'heart-rate variability: intervals in ms, rates per minute, powers in ms^2 (total, vlf 0.003-0.04, lf 0.04-0.15, hf 0.15-0.40 Hz; lf_nu and hf_nu in percent of lf + hf) by Welch and, with the prefix lomb_, by Lomb and Scargle; pnn50 and pnn20 are percent of the differences; corrected counts replaced intervals, and too_short names the measures that are NULL because there are too few beats, or because nothing varies';

CREATE FUNCTION healthml.series_merge(a float8[], b float8[]) RETURNS float8[]
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_series_merge';
COMMENT ON FUNCTION healthml.series_merge(float8[], float8[]) IS
'combines states of aggregates over a series: the values of b after those of a';
CREATE FUNCTION healthml.hrv_add(state float8[], rr_ms float8) RETURNS float8[]
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_hrv_add';
COMMENT ON FUNCTION healthml.hrv_add(float8[], float8) IS 'transition of hrv';
CREATE FUNCTION healthml.hrv_add(state float8[], rr_ms float8, correction text) RETURNS float8[]
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_hrv_add';
COMMENT ON FUNCTION healthml.hrv_add(float8[], float8, text) IS 'transition of hrv with a correction';
CREATE FUNCTION healthml.hrv_final(state float8[]) RETURNS healthml.hrv
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000 AS 'MODULE_PATHNAME', 'healthml_hrv_final';
COMMENT ON FUNCTION healthml.hrv_final(float8[]) IS 'result of hrv';

CREATE AGGREGATE healthml.hrv(rr_ms float8) (
	SFUNC = healthml.hrv_add,
	STYPE = float8[],
	SSPACE = 8192,
	FINALFUNC = healthml.hrv_final,
	COMBINEFUNC = healthml.series_merge,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE healthml.hrv(float8) IS
'heart-rate variability of intervals between beats in ms, in the order of hrv(rr_ms ORDER BY ...): time domain, frequency bands by Welch (4 Hz cubic spline, 256 s, Hann) and Lomb-Scargle, and non-linear measures (Task Force 1996). NULL and NaN do not count; a measure that the series is too short for is NULL and named in too_short: HF needs 60 s, LF 120 s, VLF and total power 300 s. NULL without rows';
CREATE AGGREGATE healthml.hrv(rr_ms float8, correction text) (
	SFUNC = healthml.hrv_add,
	STYPE = float8[],
	SSPACE = 8192,
	FINALFUNC = healthml.hrv_final,
	COMBINEFUNC = healthml.series_merge,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE healthml.hrv(float8, text) IS
'the same after a correction, none or malik: intervals outside 300 to 2000 ms, then those that differ by more than a fifth from the one before, are replaced by the line between the good ones beside them';
