-- What a careless or hostile user may try, and what it must not do.
SET search_path = healthml, public;

-- constant data: nothing that was seen in training is an anomaly
CREATE TABLE constant AS SELECT 1 AS a FROM generate_series(1, 50);
SELECT model, trained_rows FROM train('constant', 'isolation_forest', 'constant');
SELECT risk, is_anomaly FROM assess(ARRAY[1.0], 'constant');

-- curves of values that a picture cannot show, or that are all but equal
SELECT plot_losses('', curve, curve) !~ 'nan|inf' AS finite, length(plot_losses('', curve, curve)) < 10000 AS short
FROM (VALUES ('{1e16, 10000000000000002}'::float8[]), ('{5e-324}'), ('{5e-324, 1}'), ('{-1e308, 1e308}'), ('{-1e300, 1e300}'), ('{Infinity, -Infinity, NaN, NULL}')) v (curve);
SET statement_timeout = '300ms';
SELECT length(plot_losses('', array_fill(1.5::float8, ARRAY[1000000]), '{}'));
RESET statement_timeout;

-- noise does not hide what is not finite
SELECT federated_add_noise('{1, NaN}', 1);
SELECT federated_add_noise('{3.4e38}', 1e308);

DROP TABLE constant;
SELECT drop_model('constant');

-- tables of the extension that are not where they were
BEGIN;
ALTER TABLE model_alias RENAME TO elsewhere;
SELECT score(ARRAY[1.0], 'constant');
ROLLBACK;
