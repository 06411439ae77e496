/* 000-schema.sql: from 0.1.0 to 0.2.0, one file for each area that changed. */

ALTER TYPE healthml.risk_level ADD VALUE 'unknown';
COMMENT ON TYPE healthml.risk_level IS
'risk of a score, ordered: low < medium < high; the cut-offs are part of the model version. unknown, the last value, is the risk of a row in which more is missing than the model''s parameter max_missing allows';

ALTER TYPE healthml.assessment ADD ATTRIBUTE missing_features text[];
COMMENT ON TYPE healthml.assessment IS
'a score and what it means: percentile is the share (0 to 100) of the training scores below it, NULL where the model has none; missing_features are the features that were missing and filled in, in the model''s order, among them texts that training has not seen';

/* Assignment only: an implicit cast, or operators with text, would compare risks as text, and lose their order. */
CREATE CAST (text AS healthml.risk_level) WITH INOUT AS ASSIGNMENT;
CREATE CAST (varchar AS healthml.risk_level) WITH INOUT AS ASSIGNMENT;
COMMENT ON CAST (text AS healthml.risk_level) IS 'lets an application write a text to a column of risks';
COMMENT ON CAST (varchar AS healthml.risk_level) IS 'lets an application write a text to a column of risks';
