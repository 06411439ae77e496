/* 800-sample-data.sql: changes since 0.1.0. */

CREATE OR REPLACE FUNCTION healthml.synthetic_uniform(i bigint, draw integer, seed bigint) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT ((hashint8extended(i, (seed << 6) | draw) & 4294967295) + 0.5::float8) / 4294967296;
END;
CREATE OR REPLACE FUNCTION healthml.synthetic_normal(i bigint, draw integer, seed bigint) RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT sqrt(-2 * ln(healthml.synthetic_uniform(i, draw, seed))) * cosd(360 * healthml.synthetic_uniform(i, draw + 1, seed));
END;
