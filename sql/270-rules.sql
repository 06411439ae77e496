/* 270-rules.sql: bands of values with points. */

CREATE FUNCTION healthml.rule_score(features record, model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_rule_score';
CREATE FUNCTION healthml.rule_score(features float8[], model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_rule_score';
CREATE FUNCTION healthml.rule_score(features jsonb, model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_rule_score';
CREATE FUNCTION healthml.rule_score(features text, model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_rule_score';
CREATE FUNCTION healthml.rule_score(features json, model text) RETURNS float8
LANGUAGE C STABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_rule_score';
CREATE FUNCTION healthml.rule_score(features record, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_rule_score';
CREATE FUNCTION healthml.rule_score(features float8[], artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'healthml_rule_score';
CREATE FUNCTION healthml.rule_score(features jsonb, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_rule_score';
CREATE FUNCTION healthml.rule_score(features text, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_rule_score';
CREATE FUNCTION healthml.rule_score(features json, artifact_id uuid) RETURNS float8
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'healthml_rule_score';

COMMENT ON FUNCTION healthml.rule_score(record, text) IS
'score of a row by a rule model: the points of the rules that fire by their greatest possible sum, 0 to 1; a missing value fires no rule. Features as for healthml.score';
COMMENT ON FUNCTION healthml.rule_score(float8[], text) IS 'as for a row, for an array of features in the model''s order';
COMMENT ON FUNCTION healthml.rule_score(jsonb, text) IS 'as for a row, for a jsonb object of features';
COMMENT ON FUNCTION healthml.rule_score(text, text) IS 'as for a row, for a JSON object of features, or an array of them in the model''s order';
COMMENT ON FUNCTION healthml.rule_score(json, text) IS 'as for a row, for a JSON object of features, or an array of them in the model''s order';
COMMENT ON FUNCTION healthml.rule_score(record, uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
COMMENT ON FUNCTION healthml.rule_score(float8[], uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
COMMENT ON FUNCTION healthml.rule_score(jsonb, uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
COMMENT ON FUNCTION healthml.rule_score(text, uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';
COMMENT ON FUNCTION healthml.rule_score(json, uuid) IS
'as with a model name, for one artifact: immutable, so usable in indexes, generated columns and push-down';

CREATE FUNCTION healthml.rules_fired(features record, model text)
RETURNS TABLE (rank integer, feature text, value text, band text, points float8, severity healthml.risk_level, message text)
LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 5 AS 'MODULE_PATHNAME', 'healthml_rules_fired';
CREATE FUNCTION healthml.rules_fired(features float8[], model text)
RETURNS TABLE (rank integer, feature text, value text, band text, points float8, severity healthml.risk_level, message text)
LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 5 AS 'MODULE_PATHNAME', 'healthml_rules_fired';
CREATE FUNCTION healthml.rules_fired(features jsonb, model text)
RETURNS TABLE (rank integer, feature text, value text, band text, points float8, severity healthml.risk_level, message text)
LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 5 AS 'MODULE_PATHNAME', 'healthml_rules_fired';
CREATE FUNCTION healthml.rules_fired(features text, model text)
RETURNS TABLE (rank integer, feature text, value text, band text, points float8, severity healthml.risk_level, message text)
LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 5 AS 'MODULE_PATHNAME', 'healthml_rules_fired';
CREATE FUNCTION healthml.rules_fired(features json, model text)
RETURNS TABLE (rank integer, feature text, value text, band text, points float8, severity healthml.risk_level, message text)
LANGUAGE C STABLE PARALLEL SAFE COST 1000 ROWS 5 AS 'MODULE_PATHNAME', 'healthml_rules_fired';
CREATE FUNCTION healthml.rules_fired(features record, artifact_id uuid)
RETURNS TABLE (rank integer, feature text, value text, band text, points float8, severity healthml.risk_level, message text)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 5 AS 'MODULE_PATHNAME', 'healthml_rules_fired';
CREATE FUNCTION healthml.rules_fired(features float8[], artifact_id uuid)
RETURNS TABLE (rank integer, feature text, value text, band text, points float8, severity healthml.risk_level, message text)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 5 AS 'MODULE_PATHNAME', 'healthml_rules_fired';
CREATE FUNCTION healthml.rules_fired(features jsonb, artifact_id uuid)
RETURNS TABLE (rank integer, feature text, value text, band text, points float8, severity healthml.risk_level, message text)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 5 AS 'MODULE_PATHNAME', 'healthml_rules_fired';
CREATE FUNCTION healthml.rules_fired(features text, artifact_id uuid)
RETURNS TABLE (rank integer, feature text, value text, band text, points float8, severity healthml.risk_level, message text)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 5 AS 'MODULE_PATHNAME', 'healthml_rules_fired';
CREATE FUNCTION healthml.rules_fired(features json, artifact_id uuid)
RETURNS TABLE (rank integer, feature text, value text, band text, points float8, severity healthml.risk_level, message text)
LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 5 AS 'MODULE_PATHNAME', 'healthml_rules_fired';

COMMENT ON FUNCTION healthml.rules_fired(record, text) IS
'the rules of a rule model that fire for a row, those with the most points first: value, band, points, severity and message. Of one feature only the rule with the most points counts. No row for NULL features';
COMMENT ON FUNCTION healthml.rules_fired(float8[], text) IS 'as for a row';
COMMENT ON FUNCTION healthml.rules_fired(jsonb, text) IS 'as for a row';
COMMENT ON FUNCTION healthml.rules_fired(text, text) IS 'as for a row';
COMMENT ON FUNCTION healthml.rules_fired(json, text) IS 'as for a row';
COMMENT ON FUNCTION healthml.rules_fired(record, uuid) IS 'as with a model name, for one artifact';
COMMENT ON FUNCTION healthml.rules_fired(float8[], uuid) IS 'as with a model name, for one artifact';
COMMENT ON FUNCTION healthml.rules_fired(jsonb, uuid) IS 'as with a model name, for one artifact';
COMMENT ON FUNCTION healthml.rules_fired(text, uuid) IS 'as with a model name, for one artifact';
COMMENT ON FUNCTION healthml.rules_fired(json, uuid) IS 'as with a model name, for one artifact';

CREATE FUNCTION healthml.rules_of(source regclass) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	result jsonb;
BEGIN
	EXECUTE format($query$
		SELECT jsonb_object_agg(feature, rules)
		FROM (SELECT r ->> 'feature' AS feature, jsonb_agg(jsonb_strip_nulls(r - 'feature')) AS rules
			FROM (SELECT to_jsonb(s) AS r FROM %s AS s) AS t
			GROUP BY 1) AS f
	$query$, source) INTO result;
	RETURN result;
END
$$;
COMMENT ON FUNCTION healthml.rules_of(regclass) IS
'rules in a table, as the parameter "rules" takes them: columns feature and points, and any of min, max, above, below, equals, severity and message. healthml.train(''ward'', ''rules'', ''vitals'', params => jsonb_build_object(''rules'', healthml.rules_of(''ward_rules'')))';
