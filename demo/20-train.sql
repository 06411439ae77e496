\echo
\echo '== 2. Train'
\echo '|  An isolation forest learns what healthy patients look like; the ill ones are left out of the fit'
\echo '|  and measure how well it finds them. Nothing leaves the server.'
\echo

SELECT model, version, trained_rows, duration
FROM train('heart_attack', 'isolation_forest', 'patients', target => 'heart_disease',
    params => '{"n_estimators": 300, "contamination": 0.05, "bootstrap": true, "seed": 42}');

SELECT key AS metric, round(value::numeric, 3) AS value
FROM model_info('heart_attack'), jsonb_each_text(metrics) WHERE key IN ('roc_auc', 'precision', 'recall', 'f1');
