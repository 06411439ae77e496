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

CREATE FUNCTION healthml.plot_calibration(curve healthml.calibration_point[], title text DEFAULT 'Calibration') RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000 SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" role="img" font-family="sans-serif" font-size="12">'
		'<style>.g{fill:#fff}.i{fill:#222}.l{stroke:#bbb;fill:none}.c{stroke:#1f6feb;fill:none;stroke-width:2}.d{fill:#1f6feb}'
		'@media (prefers-color-scheme:dark){.g{fill:#111}.i{fill:#ddd}.l{stroke:#555}}</style>'
		'<title>%s</title><rect class="g" width="400" height="400"/><text class="i" x="50" y="24" font-size="15">%s</text>'
		'<rect class="l" x="50" y="40" width="310" height="310"/><path class="l" d="M50 350 360 40" stroke-dasharray="4"/>%s'
		'<polyline class="c" points="%s"/>%s'
		'<text class="i" x="205" y="385" text-anchor="middle">predicted probability</text>'
		'<text class="i" transform="translate(16 195) rotate(-90)" text-anchor="middle">observed rate</text></svg>',
		t.escaped, t.escaped,
		(SELECT string_agg(format('<text class="i" x="%s" y="366" text-anchor="middle">%s</text><text class="i" x="44" y="%s" text-anchor="end">%s</text>',
			50 + 62 * k, k / 5.0::float8, 354 - 62 * k, k / 5.0::float8), '' ORDER BY k) FROM generate_series(0, 5) k),
		(SELECT string_agg(format('%s,%s', round((50 + 310 * p.mean_probability)::numeric, 1), round((350 - 310 * p.observed_rate)::numeric, 1)), ' ' ORDER BY p.mean_probability)
			FROM unnest(curve) p),
		(SELECT string_agg(format('<circle class="d" cx="%s" cy="%s" r="4"><title>%s rows: predicted %s, observed %s</title></circle>',
			round((50 + 310 * p.mean_probability)::numeric, 1), round((350 - 310 * p.observed_rate)::numeric, 1),
			p.rows, round(p.mean_probability::numeric, 3), round(p.observed_rate::numeric, 3)), '' ORDER BY p.mean_probability)
			FROM unnest(curve) p))
	FROM (SELECT replace(replace(replace(title, '&', '&amp;'), '<', '&lt;'), '>', '&gt;') AS escaped) t
$$;
COMMENT ON FUNCTION healthml.plot_calibration(healthml.calibration_point[], text) IS
'the reliability picture of a calibration_curve as SVG text: observed rates over predicted probabilities, and the diagonal on which they agree';
