/*
 * 400-vital-signs.sql: early warning scores, and heart-rate variability.
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

/* ---- series in windows ---- */

CREATE FUNCTION healthml.rows_merge(a float8[], b float8[]) RETURNS float8[]
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_rows_merge';
COMMENT ON FUNCTION healthml.rows_merge(float8[], float8[]) IS 'combines states of aggregates over rows of a series';
CREATE FUNCTION healthml.vitals_sequence_add(state float8[], VARIADIC features float8[]) RETURNS float8[]
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_sequence_add';
COMMENT ON FUNCTION healthml.vitals_sequence_add(float8[], VARIADIC float8[]) IS 'transition of vitals_sequence';
CREATE FUNCTION healthml.vitals_sequence_push(state internal, VARIADIC features float8[]) RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_sequence_push';
COMMENT ON FUNCTION healthml.vitals_sequence_push(internal, VARIADIC float8[]) IS 'moving transition of vitals_sequence';
CREATE FUNCTION healthml.vitals_sequence_pop(state internal, VARIADIC features float8[]) RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_sequence_pop';
COMMENT ON FUNCTION healthml.vitals_sequence_pop(internal, VARIADIC float8[]) IS 'inverse transition of vitals_sequence';
CREATE FUNCTION healthml.vitals_sequence_final(state float8[]) RETURNS float8[]
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_sequence_final';
COMMENT ON FUNCTION healthml.vitals_sequence_final(float8[]) IS 'result of vitals_sequence';
CREATE FUNCTION healthml.vitals_sequence_window_final(state internal) RETURNS float8[]
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_sequence_window_final';
COMMENT ON FUNCTION healthml.vitals_sequence_window_final(internal) IS 'result of vitals_sequence in a moving frame';
CREATE AGGREGATE healthml.vitals_sequence(VARIADIC features float8[]) (
	SFUNC = healthml.vitals_sequence_add,
	STYPE = float8[],
	FINALFUNC = healthml.vitals_sequence_final,
	COMBINEFUNC = healthml.rows_merge,
	MSFUNC = healthml.vitals_sequence_push,
	MINVFUNC = healthml.vitals_sequence_pop,
	MSTYPE = internal,
	MFINALFUNC = healthml.vitals_sequence_window_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE healthml.vitals_sequence(VARIADIC float8[]) IS
'the rows of a frame as one array, steps by features, in the order of vitals_sequence(... ORDER BY ...) or of the window: vitals_sequence(heart_rate, spo2) OVER (PARTITION BY patient_id ORDER BY ts ROWS 59 PRECEDING). A NULL is NaN in it, a missing value. A moving frame costs no more for being long';

CREATE FUNCTION healthml.slope_add(state float8[], ts timestamptz, value float8) RETURNS float8[]
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_timed_add';
COMMENT ON FUNCTION healthml.slope_add(float8[], timestamptz, float8) IS 'transition of slope';
CREATE FUNCTION healthml.slope_push(state internal, ts timestamptz, value float8) RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_timed_push';
COMMENT ON FUNCTION healthml.slope_push(internal, timestamptz, float8) IS 'moving transition of slope';
CREATE FUNCTION healthml.slope_pop(state internal, ts timestamptz, value float8) RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_timed_pop';
COMMENT ON FUNCTION healthml.slope_pop(internal, timestamptz, float8) IS 'inverse transition of slope';
CREATE FUNCTION healthml.slope_final(state float8[]) RETURNS float8
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_slope_final';
COMMENT ON FUNCTION healthml.slope_final(float8[]) IS 'result of slope';
CREATE FUNCTION healthml.slope_window_final(state internal) RETURNS float8
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_slope_window_final';
COMMENT ON FUNCTION healthml.slope_window_final(internal) IS 'result of slope in a moving frame';
CREATE AGGREGATE healthml.slope(ts timestamptz, value float8) (
	SFUNC = healthml.slope_add,
	STYPE = float8[],
	FINALFUNC = healthml.slope_final,
	COMBINEFUNC = healthml.rows_merge,
	MSFUNC = healthml.slope_push,
	MINVFUNC = healthml.slope_pop,
	MSTYPE = internal,
	MFINALFUNC = healthml.slope_window_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE healthml.slope(timestamptz, float8) IS
'least-squares slope of a value per hour; NULL with fewer than two times';

CREATE FUNCTION healthml.robust_zscore_add(state float8[], value float8) RETURNS float8[]
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_values_add';
COMMENT ON FUNCTION healthml.robust_zscore_add(float8[], float8) IS 'transition of robust_zscore';
CREATE FUNCTION healthml.robust_zscore_push(state internal, value float8) RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_values_push';
COMMENT ON FUNCTION healthml.robust_zscore_push(internal, float8) IS 'moving transition of robust_zscore';
CREATE FUNCTION healthml.robust_zscore_pop(state internal, value float8) RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_values_pop';
COMMENT ON FUNCTION healthml.robust_zscore_pop(internal, float8) IS 'inverse transition of robust_zscore';
CREATE FUNCTION healthml.robust_zscore_final(state float8[]) RETURNS float8
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_robust_zscore_final';
COMMENT ON FUNCTION healthml.robust_zscore_final(float8[]) IS 'result of robust_zscore';
CREATE FUNCTION healthml.robust_zscore_window_final(state internal) RETURNS float8
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_robust_zscore_window_final';
COMMENT ON FUNCTION healthml.robust_zscore_window_final(internal) IS 'result of robust_zscore in a moving frame';
CREATE AGGREGATE healthml.robust_zscore(value float8) (
	SFUNC = healthml.robust_zscore_add,
	STYPE = float8[],
	FINALFUNC = healthml.robust_zscore_final,
	COMBINEFUNC = healthml.rows_merge,
	MSFUNC = healthml.robust_zscore_push,
	MINVFUNC = healthml.robust_zscore_pop,
	MSTYPE = internal,
	MFINALFUNC = healthml.robust_zscore_window_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE healthml.robust_zscore(float8) IS
'how many standard deviations (1.4826 times the median absolute deviation) the last value of the frame is above the median; NULL where nothing varies';

CREATE FUNCTION healthml.hampel_add(state float8[], value float8, threshold float8) RETURNS float8[]
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_values_add';
COMMENT ON FUNCTION healthml.hampel_add(float8[], float8, float8) IS 'transition of hampel';
CREATE FUNCTION healthml.hampel_push(state internal, value float8, threshold float8) RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_values_push';
COMMENT ON FUNCTION healthml.hampel_push(internal, float8, float8) IS 'moving transition of hampel';
CREATE FUNCTION healthml.hampel_pop(state internal, value float8, threshold float8) RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_values_pop';
COMMENT ON FUNCTION healthml.hampel_pop(internal, float8, float8) IS 'inverse transition of hampel';
CREATE FUNCTION healthml.hampel_final(state float8[]) RETURNS float8
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_hampel_final';
COMMENT ON FUNCTION healthml.hampel_final(float8[]) IS 'result of hampel';
CREATE FUNCTION healthml.hampel_window_final(state internal) RETURNS float8
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_hampel_window_final';
COMMENT ON FUNCTION healthml.hampel_window_final(internal) IS 'result of hampel in a moving frame';
CREATE AGGREGATE healthml.hampel(value float8, threshold float8) (
	SFUNC = healthml.hampel_add,
	STYPE = float8[],
	FINALFUNC = healthml.hampel_final,
	COMBINEFUNC = healthml.rows_merge,
	MSFUNC = healthml.hampel_push,
	MINVFUNC = healthml.hampel_pop,
	MSTYPE = internal,
	MFINALFUNC = healthml.hampel_window_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE healthml.hampel(float8, float8) IS
'the last value of the frame, or the median where it is more than threshold robust standard deviations away (F. R. Hampel, 1974); 3 is usual';

CREATE FUNCTION healthml.ewma_add(state float8[], value float8, alpha float8) RETURNS float8[]
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_values_add';
COMMENT ON FUNCTION healthml.ewma_add(float8[], float8, float8) IS 'transition of ewma';
CREATE FUNCTION healthml.ewma_push(state internal, value float8, alpha float8) RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_values_push';
COMMENT ON FUNCTION healthml.ewma_push(internal, float8, float8) IS 'moving transition of ewma';
CREATE FUNCTION healthml.ewma_pop(state internal, value float8, alpha float8) RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_values_pop';
COMMENT ON FUNCTION healthml.ewma_pop(internal, float8, float8) IS 'inverse transition of ewma';
CREATE FUNCTION healthml.ewma_final(state float8[]) RETURNS float8
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_ewma_final';
COMMENT ON FUNCTION healthml.ewma_final(float8[]) IS 'result of ewma';
CREATE FUNCTION healthml.ewma_window_final(state internal) RETURNS float8
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_ewma_window_final';
COMMENT ON FUNCTION healthml.ewma_window_final(internal) IS 'result of ewma in a moving frame';
CREATE AGGREGATE healthml.ewma(value float8, alpha float8) (
	SFUNC = healthml.ewma_add,
	STYPE = float8[],
	FINALFUNC = healthml.ewma_final,
	COMBINEFUNC = healthml.rows_merge,
	MSFUNC = healthml.ewma_push,
	MINVFUNC = healthml.ewma_pop,
	MSTYPE = internal,
	MFINALFUNC = healthml.ewma_window_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE healthml.ewma(float8, float8) IS
'exponentially weighted moving average of the frame: each value moves it by the share alpha of the difference (pandas: ewm(alpha, adjust=False))';

CREATE FUNCTION healthml.time_in_range_add(state float8[], value float8, low float8, high float8) RETURNS float8[]
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_values_add';
COMMENT ON FUNCTION healthml.time_in_range_add(float8[], float8, float8, float8) IS 'transition of time_in_range';
CREATE FUNCTION healthml.time_in_range_push(state internal, value float8, low float8, high float8) RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_values_push';
COMMENT ON FUNCTION healthml.time_in_range_push(internal, float8, float8, float8) IS 'moving transition of time_in_range';
CREATE FUNCTION healthml.time_in_range_pop(state internal, value float8, low float8, high float8) RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_values_pop';
COMMENT ON FUNCTION healthml.time_in_range_pop(internal, float8, float8, float8) IS 'inverse transition of time_in_range';
CREATE FUNCTION healthml.time_in_range_final(state float8[]) RETURNS float8
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_time_in_range_final';
COMMENT ON FUNCTION healthml.time_in_range_final(float8[]) IS 'result of time_in_range';
CREATE FUNCTION healthml.time_in_range_window_final(state internal) RETURNS float8
LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'healthml_time_in_range_window_final';
COMMENT ON FUNCTION healthml.time_in_range_window_final(internal) IS 'result of time_in_range in a moving frame';
CREATE AGGREGATE healthml.time_in_range(value float8, low float8, high float8) (
	SFUNC = healthml.time_in_range_add,
	STYPE = float8[],
	FINALFUNC = healthml.time_in_range_final,
	COMBINEFUNC = healthml.rows_merge,
	MSFUNC = healthml.time_in_range_push,
	MINVFUNC = healthml.time_in_range_pop,
	MSTYPE = internal,
	MFINALFUNC = healthml.time_in_range_window_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE healthml.time_in_range(float8, float8, float8) IS
'share of the values from low to high, ends included';


CREATE FUNCTION healthml.resample_series(ts timestamptz[], value float8[], step interval, max_gap interval)
RETURNS TABLE (at timestamptz, resampled float8)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE ROWS 1000 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF cardinality(ts) <> cardinality(value) THEN
		RAISE EXCEPTION 'a series has % times but % values', cardinality(ts), cardinality(value) USING ERRCODE = 'array_subscript_error';
	END IF;
	IF step <= interval '0' OR extract(month FROM step) <> 0 OR extract(year FROM step) <> 0 THEN
		RAISE EXCEPTION 'step must be a fixed length of time above 0, not "%"', step USING ERRCODE = 'invalid_parameter_value';
	END IF;
	RETURN QUERY
	WITH point AS (
		SELECT t, avg(v) AS v FROM unnest(ts, resample_series.value) AS u (t, v)
		WHERE t IS NOT NULL AND abs(v) < 'Infinity' AND isfinite(t) GROUP BY t
	), piece AS (
		SELECT t, v, lead(t) OVER o AS next_t, lead(v) OVER o AS next_v, min(t) OVER () AS first_t FROM point WINDOW o AS (ORDER BY t)
	)
	SELECT g, CASE WHEN g = t THEN v
		WHEN next_t - t <= max_gap THEN v + (next_v - v) * extract(epoch FROM g - t)::float8 / extract(epoch FROM next_t - t)::float8 END
	FROM piece, LATERAL (
		SELECT first_t + n * step AS g FROM generate_series(
			ceil(extract(epoch FROM t - first_t) / extract(epoch FROM step))::bigint,
			floor(extract(epoch FROM coalesce(next_t, t) - first_t) / extract(epoch FROM step))::bigint) AS n
	) AS grid
	WHERE g < next_t OR next_t IS NULL
	ORDER BY g;
END
$$;
COMMENT ON FUNCTION healthml.resample_series(timestamptz[], float8[], interval, interval) IS
'an irregular series at regular times from its first on, by linear interpolation; NULL inside gaps longer than max_gap. Values of one time are averaged, the order does not matter, NULL, NaN and infinite values do not count. step is a fixed length of time, not months';
