\echo
\echo '== 7. Neural networks'
\echo '|  A classifier learns from the healthy and the ill. Cross-validation shows beforehand what to expect.'
\echo

SELECT fold, rows, (metrics ->> 'roc_auc')::numeric(4,3) AS roc_auc, (metrics ->> 'accuracy')::numeric(4,3) AS accuracy
FROM cross_validate('mlp', 'patients', target => 'heart_disease', params => '{"epochs": 40}', folds => 3);

SELECT version, trained_rows, (metrics ->> 'roc_auc')::numeric(4,3) AS roc_auc, (metrics ->> 'epochs')::int AS epochs
FROM train('diagnosis', 'mlp', 'patients', target => 'heart_disease', params => '{"epochs": 40}');

SELECT op, count(*), sum(parameters) AS parameters FROM describe_network('diagnosis') GROUP BY op ORDER BY min(layer);

\echo '|  Probabilities, a label by the threshold that validation chose, and what speaks for it.'
\echo

SELECT patient_id, mlp_predict(p, 'diagnosis')::numeric(4,3) AS probability, predict_label(p, 'diagnosis') AS ill
FROM patients p ORDER BY mlp_predict(p, 'diagnosis') DESC LIMIT 3;

SELECT rank, feature, value, contribution::numeric(5,3)
FROM shap_explain((SELECT p FROM patients p ORDER BY mlp_predict(p, 'diagnosis') DESC LIMIT 1), 'diagnosis', 3);

\echo '|  An autoencoder learns from the healthy alone, like the forest; the leaderboard compares all.'
\echo

SELECT version, trained_rows FROM train('unusual', 'autoencoder', 'patients', target => 'heart_disease',
    params => '{"epochs": 60, "contamination": 0.05}');
SELECT task, place, model, version, algorithm, roc_auc::numeric(4,3) FROM leaderboard ORDER BY task, place;

\echo '|  The classifier as an ONNX file, for a program that wants one.'
\echo

SELECT octet_length(export_onnx('diagnosis')) AS onnx_bytes;
