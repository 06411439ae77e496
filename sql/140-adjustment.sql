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
