/* 310-heart-sound.sql: changes since 0.1.0. */

COMMENT ON FUNCTION healthml.batch_classify(text, text, text, text, integer) IS
'classifies every recording of a source (a table, a view or one SELECT, read as the caller and unable to write), keeps the predictions in healthml.prediction and counts them. subject is the column that identifies whom a recording is about, audio the column of the recordings; a row without one is passed over. explain is the number of reasons to keep with each prediction, with its features and a narrative, 0 for none. A file that cannot be decoded is left out with a WARNING and kept in healthml.score_failure; with healthml.on_score_error = error it ends the batch. healthml.batch_progress shows how far it is';
