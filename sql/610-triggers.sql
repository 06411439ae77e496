/*
 * 610-triggers.sql: scoring rows as they are written.
 *
 * healthml.on_score_error decides what happens when a row cannot be scored.
 * A RETURNS trigger function cannot declare arguments; they are in the comments.
 */

CREATE FUNCTION healthml.fill_risk() RETURNS trigger
LANGUAGE C COST 100 AS 'MODULE_PATHNAME', 'healthml_score_row';
COMMENT ON FUNCTION healthml.fill_risk() IS
'trigger fill_risk(''model'', ''score_column'', ''risk_column''), BEFORE INSERT OR UPDATE, FOR EACH ROW: writes score and risk into the row. score_column is float8, real or numeric; risk_column is healthml.risk_level, text or varchar. A row that cannot be scored gets NULL in both';

CREATE FUNCTION healthml.record_risk() RETURNS trigger
LANGUAGE C COST 1000 AS 'MODULE_PATHNAME', 'healthml_score_row';
COMMENT ON FUNCTION healthml.record_risk() IS
'trigger record_risk(''model'', ''subject_column''), AFTER INSERT OR UPDATE, FOR EACH ROW: keeps a prediction in healthml.prediction, with reasons and narrative when the risk is high, and from healthml.notify_level upward sends NOTIFY healthml_alerts with a JSON object of prediction_id, model, version, subject, risk, score, percentile and source';
