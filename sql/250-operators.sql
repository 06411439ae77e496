/* 250-operators.sql: what networks can be made of. */

CREATE FUNCTION healthml.network_operators(OUT operator text, OUT min_inputs integer, OUT max_inputs integer,
	OUT description text, OUT example jsonb)
RETURNS SETOF record
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100 ROWS 30 AS 'MODULE_PATHNAME', 'healthml_network_operators';
COMMENT ON FUNCTION healthml.network_operators() IS
'the operators that a network specification can use, with the number of inputs that each takes and a small network as an example';

CREATE FUNCTION healthml.network_operator_attributes(operator text, OUT attribute text, OUT type text,
	OUT default_value jsonb, OUT minimum float8, OUT maximum float8, OUT choices text[], OUT description text)
RETURNS SETOF record
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 8 AS 'MODULE_PATHNAME', 'healthml_network_operator_attributes';
COMMENT ON FUNCTION healthml.network_operator_attributes(text) IS
'the attributes of an operator with their types, defaults, ranges (both ends included) and choices; one without a default must be given';
