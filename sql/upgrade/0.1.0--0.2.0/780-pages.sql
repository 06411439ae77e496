/*
 * 780-pages.sql: pages for a browser, without any tool, and numbers for Prometheus.
 *
 * A page is one HTML document without scripts or anything from outside, that is also well-formed XML.  All that
 * tables hold goes through html_text.
 */

CREATE FUNCTION healthml.html_text(content text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT replace(replace(replace(replace(replace(regexp_replace(content, '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]', '?', 'g'),
		'&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;')
$$;
COMMENT ON FUNCTION healthml.html_text(text) IS 'a text for HTML content and attributes: & < > " and apostrophes escaped, control characters replaced by ?';

CREATE FUNCTION healthml.html_table(caption text, headings text[], cells jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT format('<section><h2>%s</h2>', healthml.html_text(caption)) || coalesce(
		'<div class="wide"><table><thead><tr>' || (SELECT string_agg(format('<th scope="col">%s</th>', healthml.html_text(h.heading)), '' ORDER BY h.place)
			FROM unnest(headings) WITH ORDINALITY AS h (heading, place)) || '</tr></thead><tbody>'
		|| (SELECT string_agg('<tr>' || (
				SELECT string_agg(CASE WHEN c.content IN ('low', 'medium', 'high', 'unknown', 'warning', 'critical')
					THEN format('<td><span class="%s">%1$s</span></td>', c.content)
					ELSE format('<td>%s</td>', coalesce(healthml.html_text(c.content), '&#8211;')) END, '' ORDER BY c.place)
				FROM jsonb_array_elements_text(r.cells) WITH ORDINALITY AS c (content, place)) || '</tr>', '' ORDER BY r.place)
			FROM jsonb_array_elements(html_table.cells) WITH ORDINALITY AS r (cells, place))
		|| '</tbody></table></div>', '<p>Nothing yet.</p>') || '</section>'
$$;
COMMENT ON FUNCTION healthml.html_table(text, text[], jsonb) IS
'a section of a page with a table: cells is an array of rows, each an array of texts, which are escaped; risks and levels have their colours; NULL for no rows';

CREATE FUNCTION healthml.html_page(title text, content text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT '<!DOCTYPE html>' || E'\n' || format('<html lang="en" xmlns="http://www.w3.org/1999/xhtml"><head><meta charset="utf-8"/>'
		'<meta name="viewport" content="width=device-width, initial-scale=1"/><title>%s</title><style>'
		':root{color-scheme:light dark;--ground:#f4f6f8;--card:#fff;--ink:#232a33;--soft:#66707c;--line:#dde2e7}'
		'@media (prefers-color-scheme:dark){:root{--ground:#101317;--card:#16191e;--ink:#dde2e8;--soft:#98a2ae;--line:#2c323b}}'
		'body{margin:0 auto;max-width:75rem;padding:1rem;background:var(--ground);color:var(--ink);font:15px/1.45 system-ui,sans-serif}'
		'h1{font-size:1.5rem;margin:.2rem 0}h2{font-size:1.05rem;margin:0 0 .6rem}p{color:var(--soft);margin:.2rem 0}'
		'main{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%%,26rem),1fr));gap:1rem;margin-top:1rem}'
		'section{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:1rem;min-width:0;break-inside:avoid}'
		'.tiles{grid-column:1/-1;display:grid;grid-template-columns:repeat(auto-fit,minmax(8rem,1fr));gap:1rem}'
		'.tiles div{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:.8rem 1rem}'
		'.tiles b{display:block;font-size:1.6rem}.tiles span{color:var(--soft)}.full{grid-column:1/-1}.wide{overflow-x:auto}'
		'table{border-collapse:collapse;width:100%%;font-size:.9rem}th,td{text-align:left;padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--line);vertical-align:top}'
		'th{color:var(--soft);font-weight:600}svg{width:100%%;height:auto;max-height:32rem}'
		'td span{border-radius:.8rem;padding:.05rem .55rem;color:#fff;white-space:nowrap}'
		'.low{background:#2f74a5}.medium,.warning{background:#e5a11c;color:#1b1b1b !important}.high,.critical{background:#c62f2f}.unknown{background:#68717c}'
		'.bar{display:flex;height:1.6rem;border-radius:.4rem;overflow:hidden}'
		'@media print{body{background:#fff}section{border-color:#aaa}}'
		'</style></head><body><header><h1>%1$s</h1><p>healthml, %s</p></header><main>%s</main></body></html>',
		healthml.html_text(title), to_char(now(), 'YYYY-MM-DD HH24:MI TZ'), content)
$$;
COMMENT ON FUNCTION healthml.html_page(text, text) IS 'a page around content, which is HTML already; title is escaped';

CREATE FUNCTION healthml.html_tiles(names text[], contents text[]) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
	SELECT '<div class="tiles">' || coalesce(string_agg(format('<div><b>%s</b><span>%s</span></div>', coalesce(healthml.html_text(u.content), '&#8211;'),
		healthml.html_text(u.name)), '' ORDER BY u.place), '') || '</div>'
	FROM unnest(names, contents) WITH ORDINALITY AS u (name, content, place)
$$;
COMMENT ON FUNCTION healthml.html_tiles(text[], text[]) IS 'numbers, or other short texts, with their names below, for the top of a page';

CREATE FUNCTION healthml.html_picture(svg text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce('<section>' || svg || '</section>', '') $$;
COMMENT ON FUNCTION healthml.html_picture(text) IS 'a section of a page with one of healthml''s pictures; nothing for NULL';

/* ---- pages ---- */

CREATE FUNCTION healthml.ward_html(model text, since timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
	WITH shown AS MATERIALIZED (
		SELECT count(*) AS n, count(*) FILTER (WHERE p.risk = 'high') AS high, count(*) FILTER (WHERE p.risk = 'medium') AS medium,
			count(*) FILTER (WHERE p.risk = 'low') AS low, max(p.predicted_at) AS last
		FROM healthml.prediction p WHERE p.predicted_at >= ward_html.since AND (ward_html.model IS NULL OR p.model = ward_html.model)
	), latest AS MATERIALIZED (
		SELECT p.* FROM healthml.prediction p WHERE p.predicted_at >= ward_html.since AND (ward_html.model IS NULL OR p.model = ward_html.model)
		ORDER BY p.predicted_at DESC, p.prediction_id DESC LIMIT 500
	), listed AS (
		SELECT p.* FROM healthml.prediction p
		WHERE p.predicted_at >= ward_html.since AND (ward_html.model IS NULL OR p.model = ward_html.model) AND p.risk = 'high'
		ORDER BY p.predicted_at DESC, p.prediction_id DESC LIMIT 25
	), alerts AS (
		SELECT a.* FROM healthml.alert a WHERE a.closed_at IS NULL AND (ward_html.model IS NULL OR a.model = ward_html.model)
		ORDER BY a.level, a.opened_at DESC LIMIT 25
	)
	SELECT healthml.html_tiles('{predictions,high risk,medium risk,open alerts,last prediction}',
			ARRAY[s.n::text, s.high::text, s.medium::text, (SELECT count(*)::text FROM healthml.alert a WHERE a.closed_at IS NULL),
				to_char(s.last, 'MM-DD HH24:MI')])
		|| format('<section class="full"><h2>Risks</h2><div class="bar" role="img" aria-label="%s high, %s medium, %s low, %s unknown">'
			'<div class="high" style="flex:%1$s"></div><div class="medium" style="flex:%2$s"></div><div class="low" style="flex:%3$s"></div>'
			'<div class="unknown" style="flex:%4$s"></div></div></section>', s.high, s.medium, s.low, s.n - s.high - s.medium - s.low)
		|| healthml.html_picture((SELECT healthml.plot_timeline(array_agg(l.predicted_at), array_agg(l.score), array_agg(l.risk::text),
			'The latest scores') FROM latest l WHERE abs(l.score) <= 1e100 HAVING count(*) > 0))
		|| healthml.html_table('Open alerts', '{level,rule,model,subject,value,since,acknowledged by}',
			(SELECT jsonb_agg(jsonb_build_array(a.level, a.rule, a.model, a.subject, round(a.value::numeric, 3)::text, to_char(a.opened_at, 'MM-DD HH24:MI'), a.acknowledged_by)) FROM alerts a))
		|| replace(healthml.html_table('High risks, the latest first', '{time,subject,risk,score,why}',
			(SELECT jsonb_agg(jsonb_build_array(to_char(l.predicted_at, 'MM-DD HH24:MI'), l.subject, l.risk, round(l.score::numeric, 3)::text,
				coalesce(l.narrative, l.explanation #>> '{reasons,0,feature}'))) FROM listed l)), '<section>', '<section class="full">')
	FROM shown s
$$;
COMMENT ON FUNCTION healthml.ward_html(text, timestamptz) IS 'content of the page ward of healthml.dashboard_html';

CREATE FUNCTION healthml.quality_html(model text, since timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
	WITH known AS MATERIALIZED (
		SELECT p.model, p.version, p.score, p.is_anomaly, p.label, p.probabilities IS NOT NULL AND p.score BETWEEN 0 AND 1 AS is_probability, o.actual, o.actual_label
		FROM healthml.prediction p JOIN healthml.outcome o USING (prediction_id)
		WHERE p.predicted_at >= quality_html.since AND (quality_html.model IS NULL OR p.model = quality_html.model)
	), versions AS (
		SELECT k.model, k.version, count(*) AS outcomes, healthml.roc_auc(k.score, k.actual) AS auc,
			healthml.classification_metrics(k.is_anomaly, k.actual) AS m
		FROM known k GROUP BY k.model, k.version ORDER BY count(*) DESC LIMIT 20
	)
	SELECT healthml.html_tiles('{outcomes,model versions}', ARRAY[(SELECT count(*)::text FROM known), (SELECT count(*)::text FROM versions)])
		|| replace(healthml.html_table('What came true', '{model,version,outcomes,ROC AUC,sensitivity,specificity,precision}',
			(SELECT jsonb_agg(jsonb_build_array(v.model, v.version, v.outcomes, round(v.auc::numeric, 3)::text, round((v.m).recall::numeric, 3)::text,
				round((v.m).specificity::numeric, 3)::text, round((v.m).precision::numeric, 3)::text)) FROM versions v)), '<section>', '<section class="full">')
		|| coalesce((SELECT string_agg(
			healthml.html_picture((SELECT healthml.plot_roc(healthml.roc_curve(k.score, k.actual), format('ROC curve of %s:%s', v.model, v.version))
				FROM known k WHERE k.model = v.model AND k.version = v.version HAVING count(k.actual) > 0))
			|| healthml.html_picture((SELECT healthml.plot_calibration(healthml.calibration_curve(k.score, k.actual), format('Calibration of %s:%s', v.model, v.version))
				FROM known k WHERE k.model = v.model AND k.version = v.version AND k.is_probability HAVING count(k.actual) > 0))
			|| healthml.html_picture((SELECT healthml.plot_confusion(healthml.confusion_matrix(
					CASE WHEN k.actual_label IS NULL THEN k.is_anomaly::text ELSE k.label END, coalesce(k.actual_label, k.actual::text)),
					format('Confusion of %s:%s', v.model, v.version))
				FROM known k WHERE k.model = v.model AND k.version = v.version AND num_nonnulls(k.actual_label, k.actual) > 0
				HAVING count(*) > 0 AND count(DISTINCT coalesce(k.actual_label, k.actual::text)) <= 10)), '')
			FROM (SELECT * FROM versions w ORDER BY w.outcomes DESC LIMIT 4) v), '')
$$;
COMMENT ON FUNCTION healthml.quality_html(text, timestamptz) IS 'content of the page quality of healthml.dashboard_html';

CREATE FUNCTION healthml.training_html(model text, since timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
	WITH runs AS MATERIALIZED (
		SELECT r.* FROM healthml.training_run r
		WHERE r.started_at >= training_html.since AND (training_html.model IS NULL OR r.model = training_html.model)
		ORDER BY r.run_id DESC LIMIT 25
	)
	SELECT healthml.html_tiles('{trainings,failed,running}', ARRAY[(SELECT count(*)::text FROM runs), (SELECT count(*)::text FROM runs r WHERE r.status = 'failed'),
			(SELECT count(*)::text FROM runs r WHERE r.status = 'running')])
		|| coalesce((SELECT string_agg(healthml.html_picture(c.picture), '' ORDER BY c.run_id DESC) FROM (
			SELECT r.run_id, healthml.plot_losses(format('%s, version %s', r.model, r.version), array_agg(e.loss ORDER BY e.epoch),
				array_agg(e.validation_loss ORDER BY e.epoch)) AS picture
			FROM runs r JOIN healthml.training_epoch e USING (run_id) GROUP BY r.run_id, r.model, r.version ORDER BY r.run_id DESC LIMIT 4) c), '')
		|| replace(healthml.html_table('Trainings', '{started,model,version,algorithm,status,rows,seconds,error}',
			(SELECT jsonb_agg(jsonb_build_array(to_char(r.started_at, 'MM-DD HH24:MI'), r.model, r.version, r.algorithm, r.status, r.rows,
				round(extract(epoch FROM r.finished_at - r.started_at), 1)::text, left(r.error, 300)) ORDER BY r.run_id DESC) FROM runs r)), '<section>', '<section class="full">')
		|| replace(healthml.html_table('Leaderboard', '{task,place,model,version,algorithm,ROC AUC,accuracy,macro F1,RMSE,rows}',
			(SELECT jsonb_agg(jsonb_build_array(l.task, l.place, l.model, l.version, l.algorithm, round(l.roc_auc::numeric, 3)::text, round(l.accuracy::numeric, 3)::text,
				round(l.macro_f1::numeric, 3)::text, round(l.rmse::numeric, 3)::text, l.trained_rows))
			FROM (SELECT * FROM healthml.leaderboard b WHERE training_html.model IS NULL OR b.model = training_html.model
				ORDER BY b.task, b.place, b.model, b.version LIMIT 50) l)), '<section>', '<section class="full">')
$$;
COMMENT ON FUNCTION healthml.training_html(text, timestamptz) IS 'content of the page training of healthml.dashboard_html';

CREATE FUNCTION healthml.signals_html(model text, since timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
	WITH labelled AS MATERIALIZED (
		SELECT p.* FROM healthml.prediction p
		WHERE p.predicted_at >= signals_html.since AND p.label IS NOT NULL AND (signals_html.model IS NULL OR p.model = signals_html.model)
	)
	SELECT healthml.html_tiles('{labelled predictions,uncertain}', ARRAY[(SELECT count(*)::text FROM labelled), (SELECT count(*)::text FROM labelled l WHERE l.label = 'uncertain')])
		|| healthml.html_table('Labels', '{model,version,label,predictions,share,mean ms}',
			(SELECT jsonb_agg(jsonb_build_array(d.model, d.version, d.label, d.n, round(d.share, 3)::text, round(d.ms::numeric, 2)::text)) FROM (
				SELECT l.model, l.version, l.label, count(*) AS n, count(*) / sum(count(*)) OVER (PARTITION BY l.model, l.version) AS share, avg(l.latency_ms) AS ms
				FROM labelled l GROUP BY l.model, l.version, l.label ORDER BY 1, 2, 4 DESC LIMIT 100) d))
		|| replace(healthml.html_table('The latest', '{time,subject,model,label,risk,score,why}',
			(SELECT jsonb_agg(jsonb_build_array(to_char(l.predicted_at, 'MM-DD HH24:MI'), l.subject, l.model, l.label, l.risk, round(l.score::numeric, 3)::text, l.narrative))
			FROM (SELECT * FROM labelled q ORDER BY q.predicted_at DESC, q.prediction_id DESC LIMIT 25) l)), '<section>', '<section class="full">')
$$;
COMMENT ON FUNCTION healthml.signals_html(text, timestamptz) IS 'content of the page signals of healthml.dashboard_html';

CREATE FUNCTION healthml.federation_html(model text, since timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
	SELECT healthml.html_tiles('{federations,active clients}', ARRAY[(SELECT count(*)::text FROM healthml.federation f WHERE federation_html.model IS NULL OR f.federation = federation_html.model),
			(SELECT count(*)::text FROM healthml.federation_client c WHERE c.is_active AND (federation_html.model IS NULL OR c.federation = federation_html.model))])
		|| healthml.html_table('Rounds', '{federation,round,version,clients,samples,epsilon,finished}',
			(SELECT jsonb_agg(jsonb_build_array(r.federation, r.round, r.version, r.clients, r.samples, round(r.epsilon::numeric, 2)::text, to_char(r.finished_at, 'MM-DD HH24:MI')))
			FROM (SELECT * FROM healthml.federation_round d WHERE d.finished_at >= federation_html.since AND (federation_html.model IS NULL OR d.federation = federation_html.model)
				ORDER BY d.finished_at DESC LIMIT 50) r))
		|| healthml.html_table('Clients', '{federation,client,rounds,failed,mean seconds,last loss}',
			(SELECT jsonb_agg(jsonb_build_array(c.federation, c.client, c.rounds, c.failed, round(c.seconds::numeric, 2)::text, round(c.loss::numeric, 4)::text)) FROM (
				SELECT u.federation, u.client, count(*) AS rounds, count(*) FILTER (WHERE u.status IN ('failed', 'rejected')) AS failed, avg(u.seconds) AS seconds,
					(array_agg(u.loss ORDER BY u.round DESC, u.attempt DESC))[1] AS loss
				FROM healthml.federation_update u WHERE federation_html.model IS NULL OR u.federation = federation_html.model
				GROUP BY u.federation, u.client ORDER BY 1, 2 LIMIT 100) c))
$$;
COMMENT ON FUNCTION healthml.federation_html(text, timestamptz) IS 'content of the page federation of healthml.dashboard_html';

CREATE FUNCTION healthml.operations_html(model text, since timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
AS $$
	WITH latency AS (
		SELECT p.model, p.version, count(*) AS n, percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY p.latency_ms) AS ms
		FROM healthml.prediction p
		WHERE p.predicted_at >= operations_html.since AND p.latency_ms IS NOT NULL AND (operations_html.model IS NULL OR p.model = operations_html.model)
		GROUP BY p.model, p.version ORDER BY 1, 2 LIMIT 50
	), failures AS (
		SELECT f.* FROM healthml.score_failure f WHERE f.failed_at >= operations_html.since AND (operations_html.model IS NULL OR f.model = operations_html.model)
		ORDER BY f.failed_at DESC LIMIT 25
	)
	SELECT healthml.html_tiles('{version,models,predictions today,failures today}', ARRAY[h.extension_version, h.models::text, h.predictions_1d::text, h.failures_1d::text])
		|| healthml.html_table('Milliseconds of scoring', '{model,version,predictions,p50,p95,p99}',
			(SELECT jsonb_agg(jsonb_build_array(l.model, l.version, l.n, round(l.ms[1]::numeric, 3)::text, round(l.ms[2]::numeric, 3)::text, round(l.ms[3]::numeric, 3)::text)) FROM latency l))
		|| healthml.html_table('Failures', '{time,model,source,subject,code,message}',
			(SELECT jsonb_agg(jsonb_build_array(to_char(f.failed_at, 'MM-DD HH24:MI'), f.model, f.source, f.subject, f.sqlstate, left(f.message, 300))) FROM failures f))
		|| healthml.html_table('Server', '{PostgreSQL,replica,cached models,cached MB}',
			jsonb_build_array(jsonb_build_array(h.server_version, h.is_replica, h.cached_models, round(h.cached_bytes / 1048576.0, 1)::text)))
	FROM healthml.health h
$$;
COMMENT ON FUNCTION healthml.operations_html(text, timestamptz) IS 'content of the page operations of healthml.dashboard_html';

CREATE FUNCTION healthml.dashboard_html(page text, model text DEFAULT NULL, since interval DEFAULT '30 days') RETURNS text
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 100000 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	begins timestamptz := now() - since;
	title text := initcap(page) || coalesce(', ' || model, '');
BEGIN
	IF begins IS NULL OR since <= interval '0' THEN
		RAISE EXCEPTION 'argument "since" must be a positive interval, not %', coalesce(since::text, 'null') USING ERRCODE = 'invalid_parameter_value';
	END IF;
	CASE page
	WHEN 'ward' THEN RETURN healthml.html_page(title, healthml.ward_html(model, begins));
	WHEN 'quality' THEN RETURN healthml.html_page(title, healthml.quality_html(model, begins));
	WHEN 'training' THEN RETURN healthml.html_page(title, healthml.training_html(model, begins));
	WHEN 'signals' THEN RETURN healthml.html_page(title, healthml.signals_html(model, begins));
	WHEN 'federation' THEN RETURN healthml.html_page(title, healthml.federation_html(model, begins));
	WHEN 'operations' THEN RETURN healthml.html_page(title, healthml.operations_html(model, begins));
	ELSE
		RAISE EXCEPTION 'page "%" does not exist', page USING ERRCODE = 'invalid_parameter_value',
			HINT = 'The pages are ward, quality, training, signals, federation and operations.';
	END CASE;
END
$$;
COMMENT ON FUNCTION healthml.dashboard_html(text, text, interval) IS
'one HTML page of what the tables hold: page is ward, quality, training, signals, federation or operations; model (of federation its name) NULL means all; since is how far it looks back. The page has no scripts and needs nothing else, follows the reader''s dark or light preference, and can be printed. psql -XAtc "SELECT healthml.dashboard_html(''ward'')" -o ward.html';

CREATE FUNCTION healthml.patient_html(subject text) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED COST 100000 SET search_path = pg_catalog, pg_temp
AS $$
	WITH latest AS MATERIALIZED (
		SELECT p.*, o.actual, o.actual_label, o.actual_value FROM healthml.prediction p LEFT JOIN healthml.outcome o USING (prediction_id)
		WHERE p.subject = patient_html.subject ORDER BY p.predicted_at DESC, p.prediction_id DESC LIMIT 500
	)
	SELECT healthml.html_page('Patient ' || patient_html.subject,
		healthml.html_tiles('{predictions,last risk,last prediction}', ARRAY[(SELECT count(*)::text FROM latest),
			(SELECT l.risk::text FROM latest l LIMIT 1), (SELECT to_char(l.predicted_at, 'YYYY-MM-DD HH24:MI') FROM latest l LIMIT 1)])
		|| coalesce((SELECT string_agg(healthml.html_picture(t.picture), '' ORDER BY t.model) FROM (
			SELECT l.model, healthml.plot_timeline(array_agg(l.predicted_at), array_agg(l.score), array_agg(l.risk::text), 'Score of ' || l.model) AS picture
			FROM latest l WHERE abs(l.score) <= 1e100 GROUP BY l.model ORDER BY l.model LIMIT 10) t), '')
		|| healthml.html_picture((SELECT healthml.plot_waterfall(l.prediction_id, 'What moved the last explained score') FROM latest l WHERE l.explanation IS NOT NULL
			ORDER BY l.predicted_at DESC, l.prediction_id DESC LIMIT 1))
		|| replace(healthml.html_table('Predictions', '{time,model,version,risk,score,label,came true,why}',
			(SELECT jsonb_agg(jsonb_build_array(to_char(l.predicted_at, 'YYYY-MM-DD HH24:MI'), l.model, l.version, l.risk, round(l.score::numeric, 3)::text, l.label,
				coalesce(l.actual_label, l.actual_value::text, l.actual::text), l.narrative) ORDER BY l.predicted_at DESC, l.prediction_id DESC)
			FROM (SELECT * FROM latest q ORDER BY q.predicted_at DESC, q.prediction_id DESC LIMIT 100) l)), '<section>', '<section class="full">'))
$$;
COMMENT ON FUNCTION healthml.patient_html(text) IS
'one HTML page of what was predicted of a subject: scores over time by model, what moved the last explained one, and the last 100 predictions with their outcomes';

/* ---- Prometheus ---- */

CREATE FUNCTION healthml.metric_label(content text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT '"' || replace(replace(replace(coalesce(content, ''), '\', '\\'), '"', '\"'), E'\n', '\n') || '"' $$;
COMMENT ON FUNCTION healthml.metric_label(text) IS 'a text as the value of a label in the exposition format of Prometheus';

CREATE FUNCTION healthml.metrics_text() RETURNS text
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 100000 SET search_path = pg_catalog, pg_temp
AS $$
	WITH metric (place, name, type, help, content) AS (
		SELECT v.* FROM healthml.health h, LATERAL (VALUES
			(1, 'healthml_predictions_total', 'counter', 'Predictions that were ever kept, by their numbers.',
				coalesce(pg_sequence_last_value('healthml.prediction_prediction_id_seq')::text, '0')),
			(2, 'healthml_score_failures_total', 'counter', 'Rows that could never be scored, by their numbers.',
				coalesce(pg_sequence_last_value('healthml.score_failure_failure_id_seq')::text, '0')),
			(3, 'healthml_alerts_total', 'counter', 'Alerts that were ever opened, by their numbers.',
				coalesce(pg_sequence_last_value('healthml.alert_alert_id_seq')::text, '0')),
			(4, 'healthml_models', 'gauge', 'Models.', h.models::text),
			(5, 'healthml_predictions_last_day', 'gauge', 'Predictions of the last 24 hours.', h.predictions_1d::text),
			(6, 'healthml_high_risks_last_day', 'gauge', 'High risks of the last 24 hours.', h.high_1d::text),
			(7, 'healthml_failures_last_day', 'gauge', 'Failures of the last 24 hours.', h.failures_1d::text),
			(8, 'healthml_last_prediction_timestamp_seconds', 'gauge', 'Time of the last prediction.',
				coalesce(extract(epoch FROM h.last_predicted_at)::text, 'NaN')),
			(9, 'healthml_open_alerts', 'gauge', 'Open alerts by rule and level.', NULL)) AS v (place, name, type, help, content)
	)
	SELECT string_agg(l.line, E'\n' ORDER BY l.place, l.is_sample, l.line COLLATE "C") || E'\n'
	FROM (
		SELECT m.place, false AS is_sample, format(E'# HELP %s %s\n# TYPE %1$s %3$s', m.name, m.help, m.type) AS line FROM metric m
		UNION ALL
		SELECT m.place, true, m.name || ' ' || m.content FROM metric m WHERE m.content IS NOT NULL
		UNION ALL
		SELECT 9, true, format('healthml_open_alerts{rule=%s,level=%s} %s', healthml.metric_label(a.rule), healthml.metric_label(a.level), count(*))
		FROM healthml.alert a WHERE a.closed_at IS NULL GROUP BY a.rule, a.level) l
$$;
COMMENT ON FUNCTION healthml.metrics_text() IS
'numbers of this database in the exposition format of Prometheus. Counters are the last numbers that predictions, failures and alerts were given, so that pruning does not lower them and a rolled back row counts; gauges are models, what the last 24 hours brought, the time of the last prediction, and open alerts by rule and level';
