\echo
\echo '== 5. Versions'
\echo '|  A second version, trained on everybody. It does not replace the first: it has to be promoted.'
\echo

SELECT version, trained_rows FROM train('heart_attack', 'isolation_forest', 'patients', target => 'heart_disease',
    params => '{"contamination": 0.05, "seed": 42, "fit_on": "all"}');

SELECT version, params ->> 'fit_on' AS fit_on, (metrics ->> 'roc_auc')::numeric(4,3) AS roc_auc,
    (metrics ->> 'f1')::numeric(4,3) AS f1
FROM versions WHERE model = 'heart_attack' ORDER BY version;

\echo '|  Promote it, see that it is worse, take it back. The history remembers.'
\echo

SELECT promote('heart_attack', 2);
SELECT roc_auc(iforest_score(p), heart_disease)::numeric(4,3) AS champion_roc_auc FROM patients p;
SELECT rollback('heart_attack');
SELECT roc_auc(iforest_score(p), heart_disease)::numeric(4,3) AS champion_roc_auc FROM patients p;

SELECT alias, old_version, new_version, changed_by FROM alias_history WHERE model = 'heart_attack' ORDER BY history_id;
