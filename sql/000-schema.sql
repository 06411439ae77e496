/* 000-schema.sql: types that several areas share.  The schema is always healthml. */

COMMENT ON SCHEMA healthml IS 'health models: trained, versioned, run and explained inside the database';

CREATE TYPE healthml.risk_level AS ENUM ('low', 'medium', 'high', 'unknown');
COMMENT ON TYPE healthml.risk_level IS
'risk of a score, ordered: low < medium < high; the cut-offs are part of the model version. unknown, the last value, is the risk of a row in which more is missing than the model''s parameter max_missing allows';

/* Assignment only: an implicit cast, or operators with text, would compare risks as text, and lose their order. */
CREATE CAST (text AS healthml.risk_level) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS healthml.risk_level) WITH INOUT AS ASSIGNMENT;
COMMENT ON CAST (text AS healthml.risk_level) IS 'lets an application write a text to a column of risks';
COMMENT ON CAST (varchar AS healthml.risk_level) IS 'lets an application write a text to a column of risks';

CREATE TYPE healthml.assessment AS (
	score float8,
	percentile float8,
	risk healthml.risk_level,
	is_anomaly boolean,
	model text,
	version integer,
	missing_features text[]
);
COMMENT ON TYPE healthml.assessment IS
'a score and what it means: percentile is the share (0 to 100) of the training scores below it, NULL where the model has none; missing_features are the features that were missing and filled in, in the model''s order, among them texts that training has not seen';

CREATE TYPE healthml.training_result AS (
	model text,
	version integer,
	algorithm text,
	trained_rows bigint,
	metrics jsonb,
	duration interval
);
COMMENT ON TYPE healthml.training_result IS 'the model version that a training or an import has made';
