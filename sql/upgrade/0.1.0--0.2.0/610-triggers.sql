/* 610-triggers.sql: changes since 0.1.0. */

CREATE OR REPLACE FUNCTION healthml.fill_risk() RETURNS trigger
LANGUAGE C COST 100 AS 'MODULE_PATHNAME', 'healthml_score_row';

CREATE OR REPLACE FUNCTION healthml.record_risk() RETURNS trigger
LANGUAGE C COST 1000 AS 'MODULE_PATHNAME', 'healthml_score_row';
