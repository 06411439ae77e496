\echo
\echo '== 6. History'
\echo '|  Score everybody, note what came true, and read how well the model does: tables and views for any'
\echo '|  BI tool.'
\echo

SELECT batch_predict('heart_attack', 'patients', 'patient_id', explain => 3) AS predictions;

SELECT count(record_outcome(prediction_id, heart_disease)) AS outcomes
FROM prediction JOIN patients ON subject = patient_id;

SELECT risk, predictions, round(share::numeric, 3) AS share, round(mean_score::numeric, 3) AS mean_score
FROM risk_distribution WHERE model = 'heart_attack' ORDER BY risk DESC;

SELECT version, outcomes, round(roc_auc::numeric, 3) AS roc_auc, round(precision::numeric, 3) AS precision,
    round(recall::numeric, 3) AS recall, round(f1::numeric, 3) AS f1
FROM model_performance WHERE model = 'heart_attack';

SELECT feature, count(*) AS first_reason_of FROM prediction_reasons WHERE rank = 1 AND risk = 'high'
GROUP BY feature ORDER BY count(*) DESC LIMIT 5;

SELECT extension_version, models, versions, cached_models, predictions_1d, high_1d, failures_1d FROM health;
