/* 600-history.sql: changes since 0.1.0. */

COMMENT ON FUNCTION healthml.batch_predict(text, text, text, integer) IS
'scores every row of a source (a table, a view or one SELECT, read as the caller and unable to write), keeps the predictions in healthml.prediction and returns their number. subject is the column that identifies whom a row is about, NULL for none; explain is the number of reasons to keep with each prediction, with its features and a narrative, 0 for none. healthml.batch_progress shows how far it is';

ALTER TABLE healthml.prediction ADD COLUMN missing_features text[];
COMMENT ON COLUMN healthml.prediction.missing_features IS
'the features that were missing and filled in, in the model''s order; NULL for a recording, and for a prediction made before version 0.2.0';

DROP INDEX healthml.prediction_predicted_at;
CREATE INDEX prediction_predicted_at ON healthml.prediction (predicted_at, prediction_id);

ALTER TABLE healthml.outcome DROP CONSTRAINT outcome_prediction_id_fkey,
	ALTER COLUMN actual DROP NOT NULL, ADD COLUMN actual_label text, ADD COLUMN actual_value float8,
	ADD CONSTRAINT something_is_known CHECK (num_nonnulls(actual, actual_label, actual_value) > 0);
COMMENT ON TABLE healthml.outcome IS 'what came true: one row per prediction whose outcome is known';
COMMENT ON COLUMN healthml.outcome.actual IS
'whether what the model warns of has happened; NULL where only a class or a value is known that says nothing of that';
COMMENT ON COLUMN healthml.outcome.actual_label IS 'the class that it was, for a prediction with classes';
COMMENT ON COLUMN healthml.outcome.actual_value IS 'the value that it was, for a prediction of a value';

/* What a foreign key would promise, but in any order of a restore, whose rows were recorded earlier. */
CREATE FUNCTION healthml.check_outcome() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM healthml.prediction p WHERE p.prediction_id = NEW.prediction_id) THEN
		RAISE EXCEPTION 'prediction % does not exist', NEW.prediction_id USING ERRCODE = 'undefined_object';
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION healthml.check_outcome() IS 'trigger: refuses the outcome of a prediction that does not exist';

CREATE TRIGGER check_outcome AFTER INSERT ON healthml.outcome
FOR EACH ROW WHEN (NEW.recorded_at = now()) EXECUTE FUNCTION healthml.check_outcome();

CREATE FUNCTION healthml.delete_outcomes() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF TG_OP = 'TRUNCATE' THEN
		DELETE FROM healthml.outcome;
	ELSE
		DELETE FROM healthml.outcome o USING deleted d WHERE o.prediction_id = d.prediction_id;
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION healthml.delete_outcomes() IS 'trigger: deletes the outcomes of predictions that are deleted';

CREATE TRIGGER delete_outcomes AFTER DELETE ON healthml.prediction
REFERENCING OLD TABLE AS deleted FOR EACH STATEMENT EXECUTE FUNCTION healthml.delete_outcomes();
CREATE TRIGGER truncate_outcomes AFTER TRUNCATE ON healthml.prediction
FOR EACH STATEMENT EXECUTE FUNCTION healthml.delete_outcomes();

CREATE FUNCTION healthml.record_outcome(prediction_id bigint, actual text, note text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	predicted record;
	flag boolean := CASE WHEN lower(btrim(record_outcome.actual)) IN ('true', 't', 'yes', 'y', 'on', '1') THEN true
		WHEN lower(btrim(record_outcome.actual)) IN ('false', 'f', 'no', 'n', 'off', '0') THEN false END;
	known healthml.outcome;
BEGIN
	IF record_outcome.prediction_id IS NULL OR record_outcome.actual IS NULL THEN
		RAISE EXCEPTION 'argument "%" must not be null',
			CASE WHEN record_outcome.prediction_id IS NULL THEN 'prediction_id' ELSE 'actual' END
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	SELECT p.model, p.probabilities, m.task, a.alarm,
		(SELECT array_agg(c.class ORDER BY abs(c.probability::float8 - p.score) DESC, (c.class = p.label) = p.is_anomaly)
			FROM jsonb_each_text(p.probabilities) AS c (class, probability)) AS classes
	INTO predicted
	FROM healthml.prediction p
	LEFT JOIN healthml.model m ON m.name = p.model
	LEFT JOIN healthml.model_version v ON v.model_id = m.model_id AND v.version = p.version
	LEFT JOIN LATERAL (SELECT array_agg(e.class) AS alarm FROM jsonb_array_elements_text(
		CASE WHEN jsonb_typeof(v.params -> 'alarm') = 'array' THEN v.params -> 'alarm' END) AS e (class)) a ON true
	WHERE p.prediction_id = record_outcome.prediction_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'prediction % does not exist', record_outcome.prediction_id
			USING ERRCODE = 'undefined_object';
	END IF;
	IF cardinality(predicted.classes) = 2 THEN
		-- the negative class first: the score is the probability of the other one
		known.actual_label := CASE WHEN record_outcome.actual = ANY (predicted.classes) THEN record_outcome.actual
			WHEN flag IS NOT NULL THEN predicted.classes[1 + flag::integer] END;
		known.actual := known.actual_label = predicted.classes[2];
	ELSIF predicted.classes IS NOT NULL THEN
		known.actual_label := CASE WHEN record_outcome.actual = ANY (predicted.classes) THEN record_outcome.actual END;
		known.actual := CASE WHEN known.actual_label IS NULL THEN flag ELSE known.actual_label = ANY (predicted.alarm) END;
	ELSIF predicted.task = 'regression' THEN
		known.actual_value := record_outcome.actual::float8;
		IF NOT abs(known.actual_value) < 'Infinity' THEN
			RAISE EXCEPTION 'outcome % is not finite', record_outcome.actual USING ERRCODE = 'numeric_value_out_of_range';
		END IF;
	ELSE
		known.actual := flag;
	END IF;
	IF num_nonnulls(known.actual, known.actual_label, known.actual_value) = 0 THEN
		RAISE EXCEPTION 'outcome "%" is none that a prediction of model "%" can have', record_outcome.actual, predicted.model
			USING ERRCODE = 'invalid_parameter_value', HINT = CASE
				WHEN predicted.classes IS NULL THEN 'Record true or false.'
				ELSE format('The classes are: %s.', (SELECT string_agg(c, ', ' ORDER BY c) FROM unnest(predicted.classes) c)) END;
	END IF;
	INSERT INTO healthml.outcome (prediction_id, actual, actual_label, actual_value, note)
	VALUES (record_outcome.prediction_id, known.actual, known.actual_label, known.actual_value, record_outcome.note)
	ON CONFLICT ON CONSTRAINT outcome_pkey
	DO UPDATE SET actual = EXCLUDED.actual, actual_label = EXCLUDED.actual_label, actual_value = EXCLUDED.actual_value, note = EXCLUDED.note,
		recorded_at = now(), recorded_by = current_user;
END
$$;
COMMENT ON FUNCTION healthml.record_outcome(bigint, text, text) IS
'notes what came true of a prediction: the class that it was, the value that it was, or true or false, whether what the prediction warned of has happened (of two classes: whether it was the positive one); a second call corrects the first';

CREATE OR REPLACE FUNCTION healthml.record_outcome(prediction_id bigint, actual boolean, note text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM healthml.record_outcome(prediction_id, actual::text, note);
END
$$;
COMMENT ON FUNCTION healthml.record_outcome(bigint, boolean, text) IS
'notes whether what a prediction warned of has happened; a second call corrects the first';

CREATE FUNCTION healthml.record_outcome(prediction_id bigint, actual float8, note text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	PERFORM healthml.record_outcome(prediction_id, actual::text, note);
END
$$;
COMMENT ON FUNCTION healthml.record_outcome(bigint, float8, text) IS
'notes the value that a prediction of a value should have been, or a class that is a number; a second call corrects the first';

/* Only functions of the extension write predictions. */
COMMENT ON TABLE healthml.prediction IS
'predictions that triggers and batch_predict have kept; rows are not changed, prune_predictions deletes old ones';
CREATE TRIGGER guard_write BEFORE INSERT OR UPDATE ON healthml.prediction
FOR EACH STATEMENT EXECUTE FUNCTION healthml.guard_write();
CREATE TRIGGER guard_write BEFORE INSERT OR UPDATE ON healthml.score_failure
FOR EACH STATEMENT EXECUTE FUNCTION healthml.guard_write();

CREATE FUNCTION healthml.stamp_outcome() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	NEW.recorded_at := now();
	NEW.recorded_by := current_user;
	RETURN NEW;
END
$$;
COMMENT ON FUNCTION healthml.stamp_outcome() IS 'trigger: notes when and by whom an outcome was corrected';

CREATE TRIGGER stamp_outcome BEFORE UPDATE ON healthml.outcome
FOR EACH ROW EXECUTE FUNCTION healthml.stamp_outcome();


CREATE OR REPLACE FUNCTION healthml.record_outcome(prediction_id bigint, actual text, note text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	predicted record;
	flag boolean := CASE WHEN lower(btrim(record_outcome.actual)) IN ('true', 't', 'yes', 'y', 'on', '1') THEN true
		WHEN lower(btrim(record_outcome.actual)) IN ('false', 'f', 'no', 'n', 'off', '0') THEN false END;
	known healthml.outcome;
BEGIN
	PERFORM healthml.require_level('recorder');
	IF record_outcome.prediction_id IS NULL OR record_outcome.actual IS NULL THEN
		RAISE EXCEPTION 'argument "%" must not be null',
			CASE WHEN record_outcome.prediction_id IS NULL THEN 'prediction_id' ELSE 'actual' END
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	SELECT p.model, p.probabilities, m.task, a.alarm,
		(SELECT array_agg(c.class ORDER BY abs(c.probability::float8 - p.score) DESC, (c.class = p.label) = p.is_anomaly)
			FROM jsonb_each_text(p.probabilities) AS c (class, probability)) AS classes
	INTO predicted
	FROM healthml.prediction p
	LEFT JOIN healthml.model m ON m.name = p.model
	LEFT JOIN healthml.model_version v ON v.model_id = m.model_id AND v.version = p.version
	LEFT JOIN LATERAL (SELECT array_agg(e.class) AS alarm FROM jsonb_array_elements_text(
		CASE WHEN jsonb_typeof(v.params -> 'alarm') = 'array' THEN v.params -> 'alarm' END) AS e (class)) a ON true
	WHERE p.prediction_id = record_outcome.prediction_id;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'prediction % does not exist', record_outcome.prediction_id
			USING ERRCODE = 'undefined_object';
	END IF;
	IF cardinality(predicted.classes) = 2 THEN
		-- the negative class first: the score is the probability of the other one
		known.actual_label := CASE WHEN record_outcome.actual = ANY (predicted.classes) THEN record_outcome.actual
			WHEN flag IS NOT NULL THEN predicted.classes[1 + flag::integer] END;
		known.actual := known.actual_label = predicted.classes[2];
	ELSIF predicted.classes IS NOT NULL THEN
		known.actual_label := CASE WHEN record_outcome.actual = ANY (predicted.classes) THEN record_outcome.actual END;
		known.actual := CASE WHEN known.actual_label IS NULL THEN flag ELSE known.actual_label = ANY (predicted.alarm) END;
	ELSIF predicted.task = 'regression' THEN
		known.actual_value := record_outcome.actual::float8;
		IF NOT abs(known.actual_value) < 'Infinity' THEN
			RAISE EXCEPTION 'outcome % is not finite', record_outcome.actual USING ERRCODE = 'numeric_value_out_of_range';
		END IF;
	ELSE
		known.actual := flag;
	END IF;
	IF num_nonnulls(known.actual, known.actual_label, known.actual_value) = 0 THEN
		RAISE EXCEPTION 'outcome "%" is none that a prediction of model "%" can have', record_outcome.actual, predicted.model
			USING ERRCODE = 'invalid_parameter_value', HINT = CASE
				WHEN predicted.classes IS NULL THEN 'Record true or false.'
				ELSE format('The classes are: %s.', (SELECT string_agg(c, ', ' ORDER BY c) FROM unnest(predicted.classes) c)) END;
	END IF;
	INSERT INTO healthml.outcome (prediction_id, actual, actual_label, actual_value, note)
	VALUES (record_outcome.prediction_id, known.actual, known.actual_label, known.actual_value, record_outcome.note)
	ON CONFLICT ON CONSTRAINT outcome_pkey
	DO UPDATE SET actual = EXCLUDED.actual, actual_label = EXCLUDED.actual_label, actual_value = EXCLUDED.actual_value, note = EXCLUDED.note;
END
$$;

CREATE OR REPLACE FUNCTION healthml.prune_predictions(older_than interval) RETURNS bigint
LANGUAGE plpgsql STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	deleted bigint;
BEGIN
	PERFORM healthml.require_level('trainer');
	IF older_than < interval '0' THEN
		RAISE EXCEPTION 'argument "older_than" must not be negative, but is %', older_than
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	DELETE FROM healthml.prediction WHERE predicted_at < now() - older_than;
	GET DIAGNOSTICS deleted = ROW_COUNT;
	DELETE FROM healthml.score_failure WHERE failed_at < now() - older_than;
	RETURN deleted;
END
$$;
