/* 200-scoring.sql: changes since 0.1.0. */

COMMENT ON FUNCTION healthml.assess(record, text) IS
'score of a row and what it means: percentile among the training scores (0 to 100, NULL where the model has none), risk, whether it is an anomaly, the model version that says so, and the features that were missing. A row in which more is missing than max_missing has the risk unknown and is no anomaly. Features as for healthml.score';
