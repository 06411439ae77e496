/* 600-history.sql: changes since 0.1.0. */

COMMENT ON FUNCTION healthml.batch_predict(text, text, text, integer) IS
'scores every row of a source (a table, a view or one SELECT, read as the caller and unable to write), keeps the predictions in healthml.prediction and returns their number. subject is the column that identifies whom a row is about, NULL for none; explain is the number of reasons to keep with each prediction, with its features and a narrative, 0 for none. healthml.batch_progress shows how far it is';

ALTER TABLE healthml.prediction ADD COLUMN missing_features text[];
COMMENT ON COLUMN healthml.prediction.missing_features IS
'the features that were missing and filled in, in the model''s order; NULL for a recording, and for a prediction made before version 0.2.0';
