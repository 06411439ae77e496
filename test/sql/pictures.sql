-- Pictures of evaluations, explanations and histories.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA pictures_test;
SET search_path = pictures_test, healthml;
CREATE FUNCTION is_picture(svg text) RETURNS boolean LANGUAGE sql AS $$
	SELECT xml_is_well_formed_document(svg) AND svg LIKE '<svg %</svg>' AND svg !~ '(nan|inf)[ "]' $$;
CREATE TABLE patients AS SELECT * FROM synthetic_patients(400);
SELECT version FROM train('pictured', 'isolation_forest', 'patients', target => 'heart_disease', params => '{"seed": 1, "exclude": ["patient_id"]}');
SELECT batch_predict('pictured', 'patients', 'patient_id', explain => 3);

SELECT is_picture(svg) AS roc, svg ~ 'A &lt;b&gt;' AS escaped, svg LIKE '%AUC ' || round(auc::numeric, 3) || '%' AS area
FROM (SELECT plot_roc(roc_curve(score(p, 'pictured'), heart_disease), 'A <b>') AS svg, roc_auc(score(p, 'pictured'), heart_disease) AS auc FROM patients p) q;
SELECT is_picture(plot_roc('{}')) AS no_points;
SELECT is_picture(svg) AS confusion, svg ~ '&lt;script&gt;' AS escaped
FROM (SELECT plot_confusion(confusion_matrix(CASE WHEN male THEN '<script>' ELSE 'no' END, CASE WHEN age > 60 THEN '<script>' ELSE 'no' END)) AS svg FROM patients) q;
SELECT is_picture(svg) AS swarm, length(svg) - length(replace(svg, '<circle', '')) > 100 * 13 * 7 AS dots
FROM (SELECT plot_importance(array_agg(feature), array_agg(contribution), array_agg(value)) AS svg
	FROM (SELECT * FROM patients LIMIT 100) p, shap_explain(p, 'pictured')) q;
SELECT is_picture(plot_waterfall(to_jsonb(p), 'pictured')) AS waterfall, plot_waterfall(to_jsonb(p), 'pictured', 3) ~ '10 other features' AS others
FROM patients p LIMIT 1;
SELECT bool_and(is_picture(plot_waterfall(prediction_id))) AS kept FROM (SELECT prediction_id FROM prediction WHERE model = 'pictured' LIMIT 5) p;
SELECT plot_waterfall(-1);
SELECT plot_waterfall('{"age": 3}', 'pictured', 0);
SELECT is_picture(plot_drift('{age,"a <i> that has a very long name indeed, longer than its place",sex}', '{0.02,0.14,0.7}')) AS drift, is_picture(plot_drift('{}', '{}')) AS nothing;
SELECT plot_drift('{a}', '{0.1}', 'x', 0.3, 0.2);
SELECT plot_drift('{a,b}', '{0.1}');
SELECT plot_drift('{a}', '{NULL}');
SELECT plot_drift('{a}', '{1e308}');
SELECT is_picture(svg) AS timeline, svg ~ '#c62f2f' AS high_is_red
FROM (SELECT plot_timeline(array_agg(predicted_at + prediction_id * interval '1 hour'), array_agg(score), array_agg(risk_text)) AS svg FROM recent_predictions WHERE model = 'pictured') p;
SELECT is_picture(plot_timeline('{}', '{}', '{}')) AS no_scores, is_picture(plot_timeline('{2026-01-01}', '{7}', '{odd}')) AS one_score;
SELECT plot_timeline('{2026-01-01}', '{7,8}', '{odd}');
SELECT plot_counts('', '{}', '{}');
SELECT plot_counts('', '{a}', '{-1}');
SELECT plot_square('', '', '', '', '{0,2}', '{0,1}', '{}');
SELECT plot_swarm('', '', array_agg(i::text), array_agg(i), array_agg(i)) FROM generate_series(1, 300) i;
SELECT svg_html('<svg><title>"a" &lt;</title></svg>');
SELECT plot_losses('', '{3,2,1,2}', '{4,3,2,2.5}') ~ 'best: 3, 2' AS best, plot_losses('', '{3,2,1}', '{}') ~ 'best: 3, 1' AS without_validation;
DELETE FROM prediction WHERE model = 'pictured';
DROP SCHEMA pictures_test CASCADE;
SELECT drop_model('pictured');
