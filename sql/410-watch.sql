/*
 * 410-watch.sql: patients who do not exist, and monitors that are watched as their rows arrive.
 */

/* ---- synthetic vital signs ---- */

CREATE FUNCTION healthml.synthetic_vitals(patients integer, hours integer, seed bigint DEFAULT 42)
RETURNS TABLE (patient_id integer, ts timestamptz, heart_rate float8, systolic_bp float8, diastolic_bp float8, spo2 float8,
	respiration float8, temperature float8, episode text, is_anomaly boolean)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE ROWS 10000 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	kinds CONSTANT text[] := '{tachycardia,desaturation,hypotension,sepsis,sensor_fault,movement}';
	base float8[];
	noise float8[];
	draw bigint;
	begins integer;
	ends integer;
	kind text;
	depth float8;
	day float8;
	p integer;
	minute integer;
BEGIN
	FOR p IN 1 .. CASE WHEN hours > 0 THEN patients ELSE 0 END LOOP
		base := ARRAY(SELECT healthml.synthetic_normal(p, 2 * k, seed) FROM generate_series(1, 6) AS k);
		noise := '{0,0,0,0,0,0}';
		begins := 0;
		ends := -1;
		FOR minute IN 0 .. hours * 60 - 1 LOOP
			draw := p * 10000000::bigint + minute;
			/* After an episode the next one begins 2 to 10 hours later. */
			IF minute > ends THEN
				begins := ends + 120 + (480 * healthml.synthetic_uniform(p * 1000000::bigint + ends, 20, seed))::integer;
				kind := kinds[1 + floor(6 * healthml.synthetic_uniform(p * 1000000::bigint + ends, 21, seed))::integer];
				ends := begins + CASE kind WHEN 'sepsis' THEN 240 WHEN 'movement' THEN 5 ELSE 20 END
					+ (40 * healthml.synthetic_uniform(p * 1000000::bigint + ends, 22, seed))::integer;
			END IF;
			day := cos((minute / 60.0 - 16) * pi() / 12);
			noise := ARRAY(SELECT 0.9 * noise[k] + 0.436 * healthml.synthetic_normal(draw, 30 + 2 * k, seed) FROM generate_series(1, 6) AS k);
			patient_id := p;
			ts := timestamptz '2026-01-01 00:00:00+00' + minute * interval '1 minute';
			is_anomaly := minute >= begins AND minute <= ends;
			episode := CASE WHEN is_anomaly THEN kind END;
			/* An episode comes within ten minutes, the one like sepsis during all of it. */
			depth := CASE WHEN NOT is_anomaly THEN 0 WHEN kind = 'sepsis' THEN (minute - begins) / (ends - begins)::float8
				ELSE least(1, (minute - begins + 1) / 10.0) END;
			heart_rate := 76 + 8 * base[1] + 5 * day + 3 * noise[1]
				+ depth * CASE kind WHEN 'tachycardia' THEN 55 WHEN 'desaturation' THEN 12 WHEN 'hypotension' THEN 18 WHEN 'sepsis' THEN 40 ELSE 0 END;
			systolic_bp := 122 + 10 * base[2] + 6 * day + 4 * noise[2] + 0.8 * noise[1]
				- depth * CASE kind WHEN 'hypotension' THEN 40 WHEN 'sepsis' THEN 28 WHEN 'tachycardia' THEN 8 ELSE 0 END;
			diastolic_bp := 0.62 * systolic_bp + 2 * noise[3] + base[3];
			spo2 := least(100, 97.2 + 0.6 * base[4] + 0.5 * noise[4]
				- depth * CASE kind WHEN 'desaturation' THEN 11 WHEN 'sepsis' THEN 4 ELSE 0 END);
			respiration := 15 + 1.5 * base[5] + 0.8 * day + 1.1 * noise[5]
				+ depth * CASE kind WHEN 'desaturation' THEN 9 WHEN 'sepsis' THEN 10 WHEN 'tachycardia' THEN 3 ELSE 0 END;
			temperature := 36.8 + 0.2 * base[6] + 0.25 * day + 0.06 * noise[6] + depth * CASE kind WHEN 'sepsis' THEN 2.2 ELSE 0 END;
			IF is_anomaly AND kind = 'sensor_fault' THEN
				heart_rate := 30;
				spo2 := 60;
			ELSIF is_anomaly AND kind = 'movement' THEN
				heart_rate := heart_rate + 35 * healthml.synthetic_normal(draw, 50, seed);
				spo2 := least(100, spo2 - 8 * abs(healthml.synthetic_normal(draw, 52, seed)));
				respiration := respiration + 8 * healthml.synthetic_normal(draw, 54, seed);
			END IF;
			heart_rate := round(greatest(heart_rate, 20));
			systolic_bp := round(systolic_bp);
			diastolic_bp := round(diastolic_bp);
			spo2 := round(greatest(spo2, 50));
			respiration := round(greatest(respiration, 4));
			temperature := round(temperature::numeric, 1);
			/* Drop-outs: a blood pressure in a hundred, and any other value in two hundred. */
			systolic_bp := CASE WHEN healthml.synthetic_uniform(draw, 56, seed) > 0.01 THEN systolic_bp END;
			diastolic_bp := CASE WHEN systolic_bp IS NOT NULL THEN diastolic_bp END;
			spo2 := CASE WHEN healthml.synthetic_uniform(draw, 57, seed) > 0.005 THEN spo2 END;
			respiration := CASE WHEN healthml.synthetic_uniform(draw, 58, seed) > 0.005 THEN respiration END;
			RETURN NEXT;
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION healthml.synthetic_vitals(integer, integer, bigint) IS
'vital signs of patients who do not exist, once a minute from 2026 on, for demonstrations and tests: circadian rhythm, correlated noise, drop-outs (NULL), and labelled episodes, two to ten hours apart: tachycardia, desaturation, hypotension, sepsis (a drift over hours), sensor_fault and movement. The same arguments give the same rows';

/* ---- watching ---- */

CREATE TABLE healthml.watch_state (
	source text NOT NULL,
	model text NOT NULL,
	subject text NOT NULL,
	score float8 NOT NULL,
	risk healthml.risk_level NOT NULL,
	above integer NOT NULL,
	below integer NOT NULL,
	alert_id bigint,
	updated_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (source, model, subject)
);
COMMENT ON TABLE healthml.watch_state IS
'what healthml.watch_vitals knows of each subject: score and risk of the newest window, how many windows in a row were anomalies or were none, and the alert that is raised now';

CREATE TABLE healthml.vitals_alert (
	alert_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	source text NOT NULL,
	model text NOT NULL,
	version integer NOT NULL,
	subject text NOT NULL,
	score float8 NOT NULL,
	risk healthml.risk_level NOT NULL,
	reasons jsonb,
	raised_at timestamptz NOT NULL DEFAULT now(),
	cleared_at timestamptz
);
CREATE INDEX vitals_alert_subject ON healthml.vitals_alert (subject, raised_at);
COMMENT ON TABLE healthml.vitals_alert IS
'alerts that healthml.watch_vitals has raised: score and risk of the window that raised it, the features with the largest shares of the error, and when it was over';

SELECT pg_catalog.pg_extension_config_dump('healthml.watch_state', '');
SELECT pg_catalog.pg_extension_config_dump('healthml.vitals_alert', '');
SELECT pg_catalog.pg_extension_config_dump('healthml.vitals_alert_alert_id_seq', '');

CREATE TRIGGER guard_write BEFORE INSERT OR UPDATE ON healthml.watch_state
FOR EACH STATEMENT EXECUTE FUNCTION healthml.guard_write();
CREATE TRIGGER guard_write BEFORE INSERT OR UPDATE ON healthml.vitals_alert
FOR EACH STATEMENT EXECUTE FUNCTION healthml.guard_write();

CREATE FUNCTION healthml.watch_window(source text, model text, subject text, sequence float8[], alert_after integer,
	clear_after integer) RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 10000 AS 'MODULE_PATHNAME', 'healthml_watch_window';
COMMENT ON FUNCTION healthml.watch_window(text, text, text, float8[], integer, integer) IS
'judges the newest window of a subject and raises or clears its alert; for healthml.watch_vitals';

CREATE FUNCTION healthml.watch_vitals() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	model CONSTANT text := TG_ARGV[0];
	subject CONSTANT text := TG_ARGV[1];
	order_by CONSTANT text := TG_ARGV[2];
	alert_after CONSTANT integer := coalesce(TG_ARGV[3], '3')::integer;
	clear_after CONSTANT integer := coalesce(TG_ARGV[4], '5')::integer;
	names text[];
	steps integer;
	who record;
	sequence float8[];
BEGIN
	IF TG_NARGS < 3 OR TG_OP <> 'INSERT' OR TG_WHEN <> 'AFTER' OR TG_LEVEL <> 'STATEMENT' THEN
		RAISE EXCEPTION 'watch_vitals must be an AFTER INSERT trigger FOR EACH STATEMENT with the arguments model, subject and order_by'
		USING ERRCODE = 'invalid_parameter_value', HINT = 'It also needs REFERENCING NEW TABLE AS inserted.';
	ELSIF alert_after < 1 OR clear_after < 1 THEN
		RAISE EXCEPTION 'alert_after and clear_after must be above 0' USING ERRCODE = 'invalid_parameter_value';
	END IF;
	SELECT array_agg(left(f, -2) ORDER BY n) FILTER (WHERE f LIKE '%@1'), max(substring(f FROM '@(\d+)$')::integer) INTO names, steps
	FROM healthml.resolve_model(model) AS r JOIN healthml.model_version v ON v.model_id = r.model_id AND v.version = r.version,
		unnest(v.features) WITH ORDINALITY AS u (f, n);
	FOR who IN EXECUTE format('SELECT DISTINCT i.%I AS id FROM inserted AS i WHERE i.%1$I IS NOT NULL ORDER BY 1', subject) LOOP
		EXECUTE format('SELECT healthml.vitals_sequence(%s ORDER BY t.%I) FROM (SELECT * FROM %I.%I AS r WHERE r.%I = $1 ORDER BY r.%2$I DESC LIMIT $2) AS t',
			(SELECT string_agg(format('t.%I::float8', name), ', ' ORDER BY n) FROM unnest(names) WITH ORDINALITY AS u (name, n)),
			order_by, TG_TABLE_SCHEMA, TG_TABLE_NAME, subject)
		INTO sequence USING who.id, steps;
		PERFORM healthml.watch_window(format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME), model, who.id::text, sequence, alert_after, clear_after);
	END LOOP;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION healthml.watch_vitals() IS
'trigger watch_vitals(''model'', ''subject_column'', ''time_column'', alert_after, clear_after), AFTER INSERT, REFERENCING NEW TABLE AS inserted, FOR EACH STATEMENT: scores the newest window of every subject with inserted rows by an lstm_autoencoder, from the table itself, which wants an index on (subject, time). After alert_after windows in a row that are anomalies (3) it raises an alert in healthml.vitals_alert and notifies healthml_alerts; after clear_after that are none (5) the alert is over';
