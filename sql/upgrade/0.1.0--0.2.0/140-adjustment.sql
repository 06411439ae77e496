/* 140-adjustment.sql: new versions without training. */

CREATE FUNCTION healthml.set_threshold(model text, value text, source text DEFAULT NULL, target text DEFAULT NULL)
RETURNS healthml.training_result
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 AS 'MODULE_PATHNAME', 'healthml_set_threshold';
COMMENT ON FUNCTION healthml.set_threshold(text, text, text, text) IS
'makes a new version of a model with another threshold, without training, and returns it. value is a number; or ''sensitivity:0.90'', the highest threshold that finds at least that share of the rows of source whose target is positive; or ''specificity:0.95'', the lowest that leaves at least that share of the others alone; or ''alerts_per_day:20'', above which so many of a day''s predictions lie that source stands for, by the number of predictions of the model on a day that has any. Risk is high above the threshold; medium is above half of it in a classifier. The new version is not promoted';

CREATE FUNCTION healthml.set_threshold(model text, value float8, source text DEFAULT NULL, target text DEFAULT NULL)
RETURNS healthml.training_result
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT healthml.set_threshold(model, value::text, source, target) $$;
COMMENT ON FUNCTION healthml.set_threshold(text, float8, text, text) IS
'makes a new version of a model with this threshold, without training';

CREATE FUNCTION healthml.calibrate(model text, source text, target text, method text DEFAULT 'platt')
RETURNS healthml.training_result
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100000 AS 'MODULE_PATHNAME', 'healthml_calibrate';
COMMENT ON FUNCTION healthml.calibrate(text, text, text, text) IS
'makes a new version of a classifier of two classes whose probabilities agree with the outcomes in source, a table, a view or one SELECT of rows that it has not learnt from, and returns it. method is platt, a logistic curve of the logit with smoothed targets, or isotonic, a monotone function for a thousand rows and more. Percentiles and the threshold stay those of the same rows. The new version is not promoted; healthml.plot_calibration shows what was gained';

/* ---- reliability ---- */

CREATE TYPE healthml.calibration_point AS (mean_probability float8, observed_rate float8, rows bigint);
COMMENT ON TYPE healthml.calibration_point IS
'rows whose probability lies in one tenth: their mean probability, and the share of them that was positive';

CREATE FUNCTION healthml.calibration_curve_final(state healthml.labelled_scores) RETURNS healthml.calibration_point[]
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'healthml_calibration_curve_final';
COMMENT ON FUNCTION healthml.calibration_curve_final(healthml.labelled_scores) IS 'result of calibration_curve';
CREATE AGGREGATE healthml.calibration_curve(score float8, label boolean) (
	SFUNC = healthml.labelled_scores_add,
	STYPE = healthml.labelled_scores,
	SSPACE = 8192,
	FINALFUNC = healthml.calibration_curve_final,
	COMBINEFUNC = healthml.labelled_scores_merge,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE healthml.calibration_curve(float8, boolean) IS
'how probabilities agree with what came true, for unnest: for each tenth of the probabilities that has rows (its upper end belongs to it), their mean, the share of positives, and their number';

CREATE FUNCTION healthml.plot_square(title text, x_title text, y_title text, note text, x float8[], y float8[], rows float8[])
RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'healthml_plot_square';
COMMENT ON FUNCTION healthml.plot_square(text, text, text, text, float8[], float8[], float8[]) IS
'a curve through points from 0 to 1 and the diagonal as SVG text, note in its corner; rows is empty, or the number of rows behind each point, which is a dot then';

CREATE FUNCTION healthml.plot_calibration(curve healthml.calibration_point[], title text DEFAULT 'Calibration') RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000 SET search_path = pg_catalog, pg_temp
AS $$
	SELECT healthml.plot_square(title, 'predicted probability', 'observed rate', coalesce(sum(p.rows) || ' rows', 'no rows'),
		coalesce(array_agg(p.mean_probability ORDER BY p.mean_probability), '{}'),
		coalesce(array_agg(p.observed_rate ORDER BY p.mean_probability), '{}'),
		coalesce(array_agg(p.rows::float8 ORDER BY p.mean_probability), '{}'))
	FROM unnest(curve) AS p
$$;
COMMENT ON FUNCTION healthml.plot_calibration(healthml.calibration_point[], text) IS
'the reliability picture of a calibration_curve as SVG text: observed rates over predicted probabilities, and the diagonal on which they agree';
