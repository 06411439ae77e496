/* 280-sequences.sql: new since 0.1.0: windows of ordered rows, and the LSTM autoencoder. */

CREATE FUNCTION healthml.windows_text(query text, numbers text[], booleans text[], order_by text, sequence_length integer,
	features text[], partition_by text, target text, stride integer, max_gap text, keep text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF order_by IS NULL OR sequence_length IS NULL OR stride IS NULL THEN
		RAISE EXCEPTION 'order_by, sequence_length and stride must not be null' USING ERRCODE = 'null_value_not_allowed';
	ELSIF sequence_length < 1 OR stride < 1 THEN
		RAISE EXCEPTION 'sequence_length and stride must be above 0' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	keep := coalesce(keep, '{}');
	IF features IS NULL THEN
		SELECT array_agg(c ORDER BY n) INTO features FROM unnest(numbers || booleans) WITH ORDINALITY AS u (c, n)
		WHERE c <> ALL (array_remove(ARRAY[order_by, partition_by, target], NULL) || keep);
	END IF;
	IF coalesce(cardinality(features), 0) = 0 THEN
		RAISE EXCEPTION 'there is no feature' USING ERRCODE = 'invalid_parameter_value';
	ELSIF cardinality(features) * sequence_length > 1600 THEN
		RAISE EXCEPTION '% steps of % features are more than 1600 numbers', sequence_length, cardinality(features)
		USING ERRCODE = 'program_limit_exceeded', HINT = 'Take fewer steps, or fewer features.';
	END IF;
	RETURN format('SELECT %1$s%2$s%3$s%4$s FROM (
	SELECT s.*, healthml.vitals_sequence(%5$s) OVER w AS hml_window, row_number() OVER p AS hml_row%6$s
	FROM (SELECT g.*, sum(g.hml_gap) OVER (%9$s ORDER BY g.%8$I) AS hml_part
		FROM (SELECT r.*, %7$s AS hml_gap FROM %10$s AS r WHERE r.%8$I IS NOT NULL) AS g) AS s
	WINDOW p AS (PARTITION BY %11$ss.hml_part ORDER BY s.%8$I), w AS (p ROWS %12$s PRECEDING)
) AS q WHERE q.hml_row >= %13$s AND (q.hml_row - %13$s) %% %14$s = 0',
		(SELECT string_agg(format('q.hml_window[%s][%s] AS %I', step, f.n, f.name || '@' || step), ', ' ORDER BY step, f.n)
			FROM generate_series(1, sequence_length) AS step, unnest(features) WITH ORDINALITY AS f (name, n)),
		CASE WHEN partition_by IS NULL THEN '' ELSE format(', q.%I', partition_by) END,
		CASE WHEN target IS NULL THEN '' ELSE format(', q.hml_target AS %I', target) END,
		coalesce((SELECT string_agg(format(', q.%I', k), '') FROM unnest(keep) AS k WHERE k IS DISTINCT FROM partition_by), ''),
		(SELECT string_agg(CASE WHEN f.name = ANY (booleans) THEN format('s.%I::int::float8', f.name) ELSE format('s.%I::float8', f.name) END, ', ' ORDER BY f.n)
			FROM unnest(features) WITH ORDINALITY AS f (name, n)),
		CASE WHEN target IS NULL THEN '' ELSE format(', bool_or(s.%I::text IN (''1'', ''true'', ''t'')) OVER w AS hml_target', target) END,
		CASE WHEN max_gap IS NULL THEN '0' ELSE format('CASE WHEN r.%1$I - lag(r.%1$I) OVER (%2$s ORDER BY r.%1$I) > %3$L THEN 1 ELSE 0 END',
			order_by, CASE WHEN partition_by IS NULL THEN '' ELSE format('PARTITION BY r.%I', partition_by) END, max_gap) END,
		order_by,
		CASE WHEN partition_by IS NULL THEN '' ELSE format('PARTITION BY g.%I', partition_by) END,
		'(' || query || ')',
		CASE WHEN partition_by IS NULL THEN '' ELSE format('s.%I, ', partition_by) END,
		sequence_length - 1, sequence_length, stride);
END
$$;
COMMENT ON FUNCTION healthml.windows_text(text, text[], text[], text, integer, text[], text, text, integer, text, text[]) IS
'the query of windows over a query whose numeric and boolean columns are known; for healthml.windows_query';

CREATE FUNCTION healthml.windows_query(source text, order_by text, sequence_length integer, features text[] DEFAULT NULL,
	partition_by text DEFAULT NULL, target text DEFAULT NULL, stride integer DEFAULT 1, max_gap text DEFAULT NULL,
	keep text[] DEFAULT '{}') RETURNS text
LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 AS 'MODULE_PATHNAME', 'healthml_windows_query';
COMMENT ON FUNCTION healthml.windows_query(text, text, integer, text[], text, text, integer, text, text[]) IS
'the query that cuts windows of sequence_length rows, in the order of order_by, from a table or query: one row a window, whose columns are the features at each step ("pulse@1" is the oldest), partition_by, target (true where it is in one of the rows) and the columns of the last row that keep names. No window has rows of two partitions, nor a gap longer than max_gap. It is a source for healthml.train, evaluate and batch_predict with any algorithm; lstm_autoencoder makes it itself of order_by';

CREATE FUNCTION healthml.lstm_autoencoder_score(sequence float8[], model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 5000 AS 'MODULE_PATHNAME', 'healthml_lstm_autoencoder_score';
COMMENT ON FUNCTION healthml.lstm_autoencoder_score(float8[], text) IS
'score of a window, steps by features, oldest step first, as healthml.vitals_sequence makes it: reconstruction error turned to 0..1 by the training distribution, error / (error + e), where e is the error that 95 of 100 training windows stay below. NULL where the window is too short or more of it is missing than max_missing; a missing value, NULL or NaN, has no share in the error';
CREATE FUNCTION healthml.lstm_autoencoder_score(sequence float8[], artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5000 AS 'MODULE_PATHNAME', 'healthml_lstm_autoencoder_score';
COMMENT ON FUNCTION healthml.lstm_autoencoder_score(float8[], uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';

CREATE FUNCTION healthml.sequence_explain(sequence float8[], model text)
RETURNS TABLE (step integer, feature text, value float8, reconstruction float8, share float8)
LANGUAGE C STABLE PARALLEL SAFE COST 10000 ROWS 300 AS 'MODULE_PATHNAME', 'healthml_sequence_explain';
COMMENT ON FUNCTION healthml.sequence_explain(float8[], text) IS
'each step''s and feature''s share of the reconstruction error of a window, with what the network makes of it; shares add up to 1, and a missing value has none. No row for a window that has no score';
CREATE FUNCTION healthml.sequence_explain(sequence float8[], artifact_id uuid)
RETURNS TABLE (step integer, feature text, value float8, reconstruction float8, share float8)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 300 AS 'MODULE_PATHNAME', 'healthml_sequence_explain';
COMMENT ON FUNCTION healthml.sequence_explain(float8[], uuid) IS 'as with a model name, for one artifact';
