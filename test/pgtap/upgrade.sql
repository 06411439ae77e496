-- Whoever installed 0.1.0 and updates has what a fresh installation has, object by object, and the same scores.
-- What differs is shown with the statement that the upgrade script lacks (docs/development.md, "Changing the SQL").
SET search_path = pg_catalog, pg_temp;
SET client_min_messages = warning;
\i scripts/catalogue.sql
CREATE TEMPORARY TABLE fresh AS SELECT * FROM catalogue;
\set shipped 'SELECT m.name, m.algorithm, m.task, m.description, v.version, v.artifact_id, v.features, v.params, v.metrics, v.trained_on, a.alias FROM healthml.model m JOIN healthml.model_version v USING (model_id) LEFT JOIN healthml.model_alias a USING (model_id, version) WHERE m.model_id < 0'
CREATE TEMPORARY TABLE fresh_models AS :shipped;
CREATE TEMPORARY TABLE fresh_dictionary AS SELECT * FROM healthml.common_feature;
DROP EXTENSION healthml CASCADE;

CREATE EXTENSION healthml VERSION '0.1.0';
\i test/upgrade/rows-0.1.0.sql
CREATE TEMPORARY TABLE old_predictions AS SELECT * FROM healthml.prediction;
CREATE TEMPORARY TABLE old_versions AS SELECT version_id, model_id, version, artifact, artifact_id, params, metrics FROM healthml.model_version;
ALTER EXTENSION healthml UPDATE;

BEGIN;
SET LOCAL search_path = public, pg_catalog, pg_temp;
SELECT plan(7);

SELECT is((SELECT extversion FROM pg_extension WHERE extname = 'healthml'),
	(SELECT default_version FROM pg_available_extensions WHERE name = 'healthml'), 'the update reaches the present version');

SET LOCAL search_path = pg_catalog, pg_temp;
CREATE TEMPORARY TABLE upgraded AS SELECT * FROM catalogue;
CREATE TEMPORARY VIEW difference AS
SELECT object, aspect, u.value AS upgraded, f.value AS fresh,
	CASE WHEN f.object IS NULL AND aspect = 'member' THEN format('DROP %s;', object) ELSE f.statement END AS wanted
FROM fresh f FULL JOIN upgraded u USING (object, aspect)
WHERE f IS NULL OR u IS NULL OR f.value IS DISTINCT FROM u.value;
SET LOCAL search_path = public, pg_catalog, pg_temp;

SELECT is_empty('SELECT object, aspect, upgraded, fresh, wanted FROM difference ORDER BY object, aspect', 'every object is that of a fresh installation');
SELECT bag_eq('SELECT * FROM fresh_models', :'shipped', 'the models that come with the extension are there');
SELECT bag_eq('SELECT * FROM fresh_dictionary', 'SELECT * FROM healthml.common_feature', 'so are the common features');

SELECT is_empty($$
	SELECT model, a, b, ward, score, now FROM (SELECT e.*, healthml.score(e, e.model) AS now FROM public.expected e) x
	WHERE now IS NULL OR abs(now - score) > CASE WHEN model ~ 'forest' THEN 0 ELSE 1e-6 END$$, 'scores are those of 0.1.0');
SELECT is_empty($$
	SELECT to_jsonb(o) FROM old_predictions o EXCEPT
	SELECT to_jsonb(p) - (SELECT coalesce(array_agg(attname::text), '{}') FROM pg_attribute a WHERE attrelid = 'healthml.prediction'::regclass
		AND attname NOT IN (SELECT attname FROM pg_attribute WHERE attrelid = 'old_predictions'::regclass)) FROM healthml.prediction p$$,
	'predictions are as they were');
SELECT bag_eq('SELECT * FROM old_versions',
	'SELECT version_id, model_id, version, artifact, artifact_id, params, metrics FROM healthml.model_version', 'so are versions');

SELECT * FROM finish();
ROLLBACK;
