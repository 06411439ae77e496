/* 20-training.sql: the algorithms, and training. */

CREATE FUNCTION healthml.train(model text, algorithm text, source text, features text[] DEFAULT NULL,
	target text DEFAULT NULL, params jsonb DEFAULT '{}')
RETURNS healthml.training_result
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 AS 'MODULE_PATHNAME', 'healthml_train';
COMMENT ON FUNCTION healthml.train(text, text, text, text[], text, jsonb) IS
'trains a new version of a model and returns it with its metrics. source is a table, a view or one SELECT, read once as the caller and unable to write; features NULL means every numeric or boolean column but the target. Anomaly detectors leave rows whose target is true or 1 out of the fit and use them to report metrics; classifiers learn the target. params are those that healthml.algorithm_parameters lists. The first version of a model becomes its champion';

CREATE FUNCTION healthml.algorithms(OUT algorithm text, OUT task text, OUT target text, OUT description text)
RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 10 AS 'MODULE_PATHNAME', 'healthml_algorithms';
COMMENT ON FUNCTION healthml.algorithms() IS
'the algorithms that healthml.train takes; target says whether a target column is required (learnt) or optional (evaluates)';

CREATE FUNCTION healthml.algorithm_parameters(algorithm text, OUT parameter text, OUT type text,
	OUT default_value jsonb, OUT minimum float8, OUT maximum float8, OUT choices text[], OUT description text)
RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 20 AS 'MODULE_PATHNAME', 'healthml_algorithm_parameters';
COMMENT ON FUNCTION healthml.algorithm_parameters(text) IS
'the parameters of an algorithm with their types, defaults, ranges (both ends included) and choices; a null default means that the parameter is not set';
