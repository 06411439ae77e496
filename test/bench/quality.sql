/* quality.sql: the protocols of scripts/quality, on tables of f1 … fn and a label. */

/* Leave features out that are hardly ever there, and deal the rows of each class to five folds, once for each seed. */
CREATE FUNCTION prepare(name text, seeds int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	feature text;
	present boolean;
BEGIN
	EXECUTE format('ALTER TABLE %I ADD id int GENERATED ALWAYS AS IDENTITY', name);
	FOR feature IN SELECT attname FROM pg_attribute WHERE attrelid = format('%I', name)::regclass AND attname ~ '^f\d+$' LOOP
		EXECUTE format('SELECT count(%I) >= 0.1 * count(*) FROM %I', feature, name) INTO present;
		IF NOT present THEN
			EXECUTE format('ALTER TABLE %I DROP %I', name, feature);
		END IF;
	END LOOP;
	FOR seed IN 1 .. seeds LOOP
		EXECUTE format('ALTER TABLE %I ADD fold%s int', name, seed);
		EXECUTE format('UPDATE %1$I t SET fold%2$s = d.fold FROM (
			SELECT id, row_number() OVER (PARTITION BY label ORDER BY md5(id || '':%2$s'')) %% 5 AS fold FROM %1$I) d
			WHERE d.id = t.id', name, seed);
	END LOOP;
END
$$;

CREATE FUNCTION features_of(name text) RETURNS text[] LANGUAGE sql AS $$
	SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute
	WHERE attrelid = format('%I', name)::regclass AND attname ~ '^f\d+$' AND NOT attisdropped
$$;

CREATE FUNCTION classify(name text, seeds int, OUT rows bigint, OUT positives bigint, OUT roc_auc float8, OUT accuracy float8)
LANGUAGE plpgsql AS $$
DECLARE
	aucs float8[];
	accuracies float8[];
BEGIN
	FOR seed IN 1 .. seeds LOOP
		FOR fold IN 0 .. 4 LOOP
			PERFORM healthml.train('quality', 'mlp', format('SELECT * FROM %I WHERE fold%s <> %s', name, seed, fold),
				features_of(name), 'label', jsonb_build_object('seed', seed));
			PERFORM healthml.promote('quality', (SELECT max(version) FROM healthml.versions));
			EXECUTE format('SELECT $1 || healthml.roc_auc(p, label = 1), $2 || avg(((p > 0.5) = (label = 1))::int)::float8
				FROM (SELECT label, healthml.mlp_predict(t, ''quality'') AS p FROM %I t WHERE fold%s = %s) s', name, seed, fold)
				INTO aucs, accuracies USING aucs, accuracies;
		END LOOP;
	END LOOP;
	PERFORM healthml.drop_model('quality');
	EXECUTE format('SELECT count(*), sum(label) FROM %I', name) INTO rows, positives;
	SELECT avg(a) INTO roc_auc FROM unnest(aucs) a;
	SELECT avg(a) INTO accuracy FROM unnest(accuracies) a;
END
$$;

/*
 * ROC AUC of a detector, mean over seeds: one that has learnt from all rows, over all rows; or one that has learnt from
 * the normal rows of three folds, over all others.  NULL where there is no such algorithm.
 */
CREATE FUNCTION auc(name text, seeds int, algorithm text, of_normal boolean, params jsonb) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	total float8 := 0;
	one float8;
	learnt text;
BEGIN
	IF NOT EXISTS (SELECT FROM healthml.algorithms() a WHERE a.algorithm = auc.algorithm) THEN
		RETURN NULL;
	END IF;
	FOR seed IN 1 .. seeds LOOP
		learnt := CASE WHEN of_normal THEN format('label = 0 AND fold%s < 3', seed) ELSE 'true' END;
		PERFORM healthml.train('quality', algorithm, format('SELECT * FROM %I WHERE %s', name, learnt), features_of(name),
			params => params || jsonb_build_object('seed', seed));
		PERFORM healthml.promote('quality', (SELECT max(version) FROM healthml.versions));
		EXECUTE format('SELECT healthml.roc_auc(healthml.score(t, ''quality''), label = 1) FROM %I t WHERE %s', name,
			CASE WHEN of_normal THEN format('NOT (%s)', learnt) ELSE learnt END) INTO one;
		total := total + one;
	END LOOP;
	PERFORM healthml.drop_model('quality');
	RETURN total / seeds;
END
$$;

CREATE FUNCTION detect(name text, seeds int, OUT rows bigint, OUT anomalies bigint, OUT forest_all float8, OUT forest_normal float8,
	OUT autoencoder_all float8, OUT autoencoder_normal float8) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SELECT count(*), sum(label) FROM %I', name) INTO rows, anomalies;
	forest_all := auc(name, seeds, 'isolation_forest', false, '{"n_estimators": 300}');
	forest_normal := auc(name, seeds, 'isolation_forest', true, '{"n_estimators": 300}');
	autoencoder_all := auc(name, seeds, 'autoencoder', false, '{}');
	autoencoder_normal := auc(name, seeds, 'autoencoder', true, '{}');
END
$$;
