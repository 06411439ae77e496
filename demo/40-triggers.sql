\echo
\echo '== 4. Flag patients as they arrive'
\echo '|  One trigger writes the risk into the row; another keeps the prediction with its reasons, and notifies'
\echo '|  whoever listens when the risk is high.'
\echo

CREATE TABLE arrivals (LIKE patients INCLUDING ALL, risk_score float8, risk risk_level);
ALTER TABLE arrivals DROP COLUMN heart_disease;

CREATE TRIGGER fill_risk BEFORE INSERT OR UPDATE ON arrivals
FOR EACH ROW EXECUTE FUNCTION fill_risk('heart_attack', 'risk_score', 'risk');
CREATE TRIGGER record_risk AFTER INSERT ON arrivals
FOR EACH ROW EXECUTE FUNCTION record_risk('heart_attack', 'patient_id');

\echo
\echo '|  Two patients arrive. The application inserts rows, and knows nothing of models.'
\echo

LISTEN healthml_alerts;

INSERT INTO arrivals (patient_id, age, male, chest_pain_type, resting_bp, cholesterol, high_fasting_sugar, resting_ecg,
    max_heart_rate, exercise_angina, st_depression, st_slope, vessels, thallium)
VALUES ('A1', 48, false, 3, 124, 226, false, 0, 168, false, 0.2, 1, 0, 3),
    ('A2', 67, true, 4, 172, 312, true, 2, 105, true, 3.4, 2, 3, 7)
RETURNING patient_id, round(risk_score::numeric, 3) AS risk_score, risk;

\echo
\echo '|  Why was the second one flagged? The reasons were kept with the prediction.'
\echo

SELECT subject, risk, rank, feature, value, round(contribution::numeric, 3) AS contribution
FROM prediction_reasons WHERE subject = 'A2' AND rank <= 4 ORDER BY rank;

\echo '|  Some findings were those of somebody else. They are corrected, and the risk with them.'
\echo

UPDATE arrivals SET st_depression = 0.4, exercise_angina = false, high_fasting_sugar = false, vessels = 0, st_slope = 1,
    resting_bp = 134, max_heart_rate = 142
WHERE patient_id = 'A2'
RETURNING patient_id, round(risk_score::numeric, 3) AS risk_score, risk;
