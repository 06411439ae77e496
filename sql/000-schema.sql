/* 000-schema.sql: types that several areas share.  The schema is always healthml. */

COMMENT ON SCHEMA healthml IS 'health models: trained, versioned, run and explained inside the database';

CREATE TYPE healthml.risk_level AS ENUM ('low', 'medium', 'high');
COMMENT ON TYPE healthml.risk_level IS
'risk of a score, ordered: low < medium < high; the cut-offs are part of the model version';

CREATE TYPE healthml.assessment AS (
	score float8,
	percentile float8,
	risk healthml.risk_level,
	is_anomaly boolean,
	model text,
	version integer
);
COMMENT ON TYPE healthml.assessment IS
'a score and what it means: percentile is the share (0 to 100) of the training scores below it, NULL where the model has none';

CREATE TYPE healthml.training_result AS (
	model text,
	version integer,
	algorithm text,
	trained_rows bigint,
	metrics jsonb,
	duration interval
);
COMMENT ON TYPE healthml.training_result IS 'the model version that a training or an import has made';
