/*
 * 630-pictures.sql: pictures of evaluations, explanations and histories.
 *
 * The C functions take arrays, so that any query can fill them; the others know what healthml keeps.
 * 240-networks.sql and 300-audio.sql have those of trainings and recordings.
 */

CREATE FUNCTION healthml.plot_roc(curve healthml.roc_point[], title text DEFAULT 'ROC curve') RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000 SET search_path = pg_catalog, pg_temp
AS $$
	SELECT healthml.plot_square(title, '1 - specificity', 'sensitivity',
		format('AUC %s', coalesce(round(sum(p.area)::numeric, 3)::text, 'unknown')),
		coalesce(array_agg(p.fpr ORDER BY p.place) FILTER (WHERE p.is_shown), '{}'),
		coalesce(array_agg(p.tpr ORDER BY p.place) FILTER (WHERE p.is_shown), '{}'), '{}')
	FROM (
		SELECT u.fpr, u.tpr, u.place, u.place % greatest(1, cardinality(curve) / 500) = 0 OR u.place = 1 OR u.place = cardinality(curve) AS is_shown,
			(u.fpr - lag(u.fpr) OVER (ORDER BY u.place)) * (u.tpr + lag(u.tpr) OVER (ORDER BY u.place)) / 2 AS area
		FROM unnest(curve) WITH ORDINALITY AS u (threshold, fpr, tpr, place)
		WHERE u.fpr BETWEEN 0 AND 1 AND u.tpr BETWEEN 0 AND 1) p
$$;
COMMENT ON FUNCTION healthml.plot_roc(healthml.roc_point[], text) IS
'the picture of a roc_curve as SVG text: sensitivity over 1 - specificity, the diagonal of chance, and the area under the curve; of long curves about 500 points are drawn';

CREATE FUNCTION healthml.plot_counts(title text, labels text[], counts float8[]) RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'healthml_plot_confusion';
COMMENT ON FUNCTION healthml.plot_counts(text, text[], float8[]) IS
'a confusion matrix as SVG text: counts of up to 40 labels, actual ones by predicted ones, row by row';

CREATE FUNCTION healthml.plot_confusion(matrix jsonb, title text DEFAULT 'Confusion') RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000 SET search_path = pg_catalog, pg_temp
AS $$
	SELECT healthml.plot_counts(title,
		ARRAY(SELECT l.label FROM jsonb_array_elements_text(matrix -> 'labels') WITH ORDINALITY AS l (label, place) ORDER BY l.place),
		ARRAY(SELECT c.number::float8
			FROM jsonb_array_elements(matrix -> 'matrix') WITH ORDINALITY AS r (counts, place),
				jsonb_array_elements_text(r.counts) WITH ORDINALITY AS c (number, place)
			ORDER BY r.place, c.place))
$$;
COMMENT ON FUNCTION healthml.plot_confusion(jsonb, text) IS
'the picture of a confusion_matrix as SVG text: rows are what was, columns what was predicted; colour is the share of the row';

CREATE FUNCTION healthml.plot_swarm(title text, x_title text, features text[], contributions float8[], "values" float8[]) RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000 AS 'MODULE_PATHNAME', 'healthml_plot_swarm';
COMMENT ON FUNCTION healthml.plot_swarm(text, text, text[], float8[], float8[]) IS
'a dot for each contribution in the line of its feature as SVG text; see plot_importance';

CREATE FUNCTION healthml.plot_importance(features text[], contributions float8[], "values" float8[], title text DEFAULT 'Importance of features')
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 10000 SET search_path = pg_catalog, pg_temp
AS $$ SELECT healthml.plot_swarm(title, 'contribution to the score, more risk to the right', features, contributions, "values") $$;
COMMENT ON FUNCTION healthml.plot_importance(text[], float8[], float8[], text) IS
'a beeswarm of Shapley values as SVG text, from array_agg of the columns feature, contribution and value of shap_explain over many rows: a dot for each, coloured by its value among the feature''s (blue low, red high, grey missing). Features by their mean absolute contribution, the strongest 30; at most 20000 dots';

CREATE FUNCTION healthml.plot_contributions(title text, x_title text, features text[], contributions float8[], base_value float8) RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'healthml_plot_contributions';
COMMENT ON FUNCTION healthml.plot_contributions(text, text, text[], float8[], float8) IS
'contributions that lead from base_value to base_value + their sum, one below the other, as SVG text';

CREATE FUNCTION healthml.plot_waterfall(patient jsonb, model text, top integer DEFAULT 12, title text DEFAULT 'What moves the score')
RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 20000 SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT top BETWEEN 1 AND 100 THEN
		RAISE EXCEPTION 'argument "top" must be from 1 to 100, but is %', top USING ERRCODE = 'invalid_parameter_value';
	END IF;
	RETURN (
		SELECT healthml.plot_contributions(title, 'margin of the score, more risk to the right', array_agg(r.name ORDER BY r.place),
			array_agg(r.contribution ORDER BY r.place), min(r.base_value))
		FROM (
			SELECT least(e.rank, top + 1) AS place, sum(e.contribution) AS contribution, min(e.base_value) AS base_value,
				CASE WHEN least(e.rank, top + 1) > top THEN count(*) || ' other features'
					ELSE min(e.feature) || ' = ' || coalesce(min(patient ->> e.feature), 'missing') END AS name
			FROM healthml.shap_explain(patient, model) AS e
			GROUP BY least(e.rank, top + 1)) r
	);
END
$$;
COMMENT ON FUNCTION healthml.plot_waterfall(jsonb, text, integer, text) IS
'the Shapley values of one row, such as to_jsonb(p) of a patient, as SVG text: from the base value down to the row''s margin, the strongest first; top is how many features are drawn by themselves, 1 to 100';

CREATE FUNCTION healthml.plot_waterfall(prediction_id bigint, title text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE COST 20000 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	p record;
BEGIN
	SELECT q.explanation, q.subject, q.model, q.version, q.features INTO p FROM healthml.prediction q
	WHERE q.prediction_id = plot_waterfall.prediction_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'prediction % does not exist', plot_waterfall.prediction_id USING ERRCODE = 'undefined_object';
	END IF;
	RETURN (
		SELECT healthml.plot_contributions(coalesce(title, format('%s by %s:%s', coalesce(p.subject, 'row'), p.model, p.version)),
			'margin of the score, more risk to the right', array_agg(r.name ORDER BY r.place), array_agg(r.contribution ORDER BY r.place),
			(p.explanation ->> 'base_value')::float8)
		FROM (
			SELECT e.place, (e.reason ->> 'contribution')::float8 AS contribution,
				(e.reason ->> 'feature') || coalesce(' = ' || (p.features ->> (e.reason ->> 'feature')), '') AS name
			FROM jsonb_array_elements(p.explanation -> 'reasons') WITH ORDINALITY AS e (reason, place)
			UNION ALL
			SELECT 1000, (p.explanation ->> 'margin')::float8 - (p.explanation ->> 'base_value')::float8
				- (SELECT sum((e.reason ->> 'contribution')::float8) FROM jsonb_array_elements(p.explanation -> 'reasons') AS e (reason)),
				'other features'
			ORDER BY 1) r
		WHERE abs(r.contribution) > 1e-9
	);
END
$$;
COMMENT ON FUNCTION healthml.plot_waterfall(bigint, text) IS
'the reasons that were kept with a prediction as SVG text, the rest as other features; NULL for a prediction without an explanation';

CREATE FUNCTION healthml.plot_drift_bars(title text, x_title text, features text[], "values" float8[], moderate float8, strong float8) RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'healthml_plot_drift_bars';
COMMENT ON FUNCTION healthml.plot_drift_bars(text, text, text[], float8[], float8, float8) IS
'bars from zero with two limits as SVG text; see plot_drift';

CREATE FUNCTION healthml.plot_drift(features text[], psi float8[], title text DEFAULT 'Drift', moderate float8 DEFAULT 0.1, strong float8 DEFAULT 0.25)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000 SET search_path = pg_catalog, pg_temp
AS $$ SELECT healthml.plot_drift_bars(title, 'population stability index', features, psi, moderate, strong) $$;
COMMENT ON FUNCTION healthml.plot_drift(text[], float8[], text, float8, float8) IS
'population stability indexes of features as bars in SVG text, with the limits from where a drift counts as moderate and as strong';

CREATE FUNCTION healthml.plot_scores(title text, x float8[], y float8[], risks text[], ticks float8[], labels text[]) RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'healthml_plot_scores';
COMMENT ON FUNCTION healthml.plot_scores(text, float8[], float8[], text[], float8[], text[]) IS
'dots over an axis with these ticks and labels as SVG text; see plot_timeline';

CREATE FUNCTION healthml.plot_timeline(at timestamptz[], score float8[], risk text[], title text DEFAULT 'Score over time') RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 1000 SET search_path = pg_catalog, pg_temp
AS $$
	WITH ends AS (
		SELECT coalesce(min(extract(epoch FROM a.at)), 0)::float8 AS low, coalesce(max(extract(epoch FROM a.at)), 0)::float8 AS high
		FROM unnest(plot_timeline.at) AS a (at)
	), ticks AS (
		SELECT e.low + (e.high - e.low) * i / 4.0 AS place, CASE WHEN e.high - e.low > 5 * 86400 THEN 'YYYY-MM-DD' ELSE 'MM-DD HH24:MI' END AS format
		FROM ends e, generate_series(0, CASE WHEN e.high > e.low THEN 4 ELSE 0 END) AS i
	), points AS (
		SELECT array_agg(extract(epoch FROM u.at)::float8 ORDER BY u.at, u.place) AS x, array_agg(u.score ORDER BY u.at, u.place) AS y,
			array_agg(u.risk ORDER BY u.at, u.place) AS risk
		FROM unnest(plot_timeline.at, plot_timeline.score, plot_timeline.risk) WITH ORDINALITY AS u (at, score, risk, place)
	)
	SELECT healthml.plot_scores(title, coalesce(p.x, '{}'), coalesce(p.y, '{}'), coalesce(p.risk, '{}'),
		(SELECT array_agg(t.place ORDER BY t.place) FROM ticks t),
		(SELECT array_agg(CASE WHEN p.x IS NULL THEN '' ELSE to_char(to_timestamp(t.place), t.format) END ORDER BY t.place) FROM ticks t))
	FROM points p
$$;
COMMENT ON FUNCTION healthml.plot_timeline(timestamptz[], float8[], text[], text) IS
'scores over time as SVG text, each dot in the colour of its risk (low blue, medium amber, high red, unknown grey); times are shown in the time zone of the session';

CREATE FUNCTION healthml.svg_html(svg text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1000 SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('<img alt="%s" src="data:image/svg+xml;base64,%s">',
		replace(replace(coalesce(substring(svg FROM '<title>([^<]*)</title>'), ''), '"', '&quot;'), '>', '&gt;'),
		translate(encode(convert_to(svg, 'UTF8'), 'base64'), E'\n', ''))
$$;
COMMENT ON FUNCTION healthml.svg_html(text) IS
'an SVG text as an HTML img element with the picture in it, for cells of BI tools that show HTML; scripts in an image do not run. Its alternative text is the title of the picture';
