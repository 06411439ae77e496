\echo
\echo '== 3. Score and explain'
\echo '|  A score is a function of a row; so the riskiest patients are one query.'
\echo

SELECT patient_id, round(score::numeric, 3) AS score, round(percentile::numeric, 1) AS percentile, risk, heart_disease
FROM patients p, assess(p) ORDER BY score DESC LIMIT 5;

\echo '|  Why the first of them? Exact Shapley values: what raises the risk, and what lowers it.'
\echo

SELECT e.rank, e.feature, e.value, round(e.contribution::numeric, 4) AS contribution
FROM (SELECT p FROM patients p ORDER BY iforest_score(p) DESC LIMIT 1) riskiest, shap_explain(p, top => 5) e;

\echo '|  The same in words, for a clinician.'
\echo

SELECT explain_text(p) FROM patients p ORDER BY iforest_score(p) DESC LIMIT 1
\g (format=unaligned tuples_only=on) | fold -s -w 110
\echo

\echo '|  And over all patients: what matters to the model?'
\echo

SELECT rank, feature, round(mean_absolute_contribution::numeric, 4) AS weight
FROM shap_summary('heart_attack', 'patients') WHERE rank <= 5;
