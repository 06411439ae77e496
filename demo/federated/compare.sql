\set ECHO none
SET client_min_messages = warning;
CREATE TABLE contest (model text, description text);
INSERT INTO contest VALUES ('heart', 'federated: fedavg');

-- The same with other strategies, and with privacy.
INSERT INTO contest
SELECT 'heart ' || strategy, 'federated: ' || CASE strategy WHEN 'masked' THEN 'fedavg, secure aggregation'
    WHEN 'private' THEN 'fedavg, differentially private' ELSE strategy END
FROM unnest('{fedprox,fedyogi,fedmedian,fed_trimmed_mean,masked,private}'::text[]) AS strategy;
SELECT federated_create(model, features => (SELECT features FROM federation WHERE federation = 'heart'),
    params => (SELECT params FROM federation WHERE federation = 'heart'),
    strategy => CASE WHEN model IN ('heart masked', 'heart private') THEN 'fedavg' ELSE split_part(model, ' ', 2) END,
    secure_aggregation => model = 'heart masked', clip_norm => CASE WHEN model = 'heart private' THEN 1 END,
    noise_multiplier => CASE WHEN model = 'heart private' THEN 1 END,
    epsilon_budget => CASE WHEN model = 'heart private' THEN 40 END)
FROM contest WHERE model <> 'heart' \g /dev/null
SELECT federated_add_client(model, srvname, srvname) FROM contest, pg_foreign_server WHERE model <> 'heart' \g /dev/null
SELECT count(*) FROM contest, LATERAL federated_run(model, rounds => 20, local_epochs => 3, learning_rate => 0.005)
WHERE model <> 'heart' \g /dev/null

-- The same network where it is not federated. What a hospital never measures it cannot learn alone.
INSERT INTO contest SELECT DISTINCT hospital, hospital || ' alone' FROM patients;
INSERT INTO contest VALUES ('pooled', 'all rows in one place');
SELECT train(c.model, 'mlp', format('SELECT * FROM patients WHERE patient_id %% 4 <> 0 AND %L IN (hospital, ''pooled'')', c.model),
    (SELECT array_agg(f) FROM federation, unnest(features) AS f WHERE federation = 'heart' AND EXISTS (
        SELECT FROM patients p WHERE c.model IN (p.hospital, 'pooled') AND to_jsonb(p) -> f <> 'null')),
    'heart_disease', '{"hidden_layers": [16], "dropout": 0, "seed": 1, "epochs": 60, "learning_rate": 0.005}')
FROM contest c WHERE model NOT LIKE 'heart%' \g /dev/null

\echo
\echo '== Compared'
\echo '|  On the patients of all four hospitals that nobody has learnt from (here, and only here, in one place).'
\echo '|  Accuracy: illness is predicted where the score is above one half.'
\echo
\set ECHO queries
SELECT c.description, count(*) AS patients,
    round(avg(((mlp_predict(p, c.model) > 0.5) = p.heart_disease)::int), 3) AS accuracy,
    round(roc_auc(mlp_predict(p, c.model), p.heart_disease)::numeric, 3) AS roc_auc
FROM contest c, patients p WHERE p.patient_id % 4 = 0
GROUP BY c.model, c.description ORDER BY roc_auc DESC;

SELECT federation, max(round) AS rounds, round(max(epsilon)::numeric, 1) AS epsilon
FROM federated_rounds WHERE epsilon IS NOT NULL GROUP BY federation;
