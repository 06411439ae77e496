# shellcheck shell=bash
# What the triggers add to an insert: of ordinary rows, and of rows whose high risk is explained.

psql -Xqt -v ON_ERROR_STOP=1 >/dev/null <<'SQL'
CREATE TABLE cohort AS SELECT * FROM synthetic_patients(2000);
SELECT FROM train('triggers', 'isolation_forest', 'SELECT * FROM cohort WHERE NOT heart_disease',
	features => ARRAY['age', 'male', 'chest_pain_type', 'resting_bp', 'cholesterol', 'high_fasting_sugar', 'resting_ecg',
		'max_heart_rate', 'exercise_angina', 'st_depression', 'st_slope', 'vessels', 'thallium'],
	params => '{"contamination": 0.05, "seed": 42}');
CREATE TABLE low AS SELECT c.* FROM cohort c ORDER BY iforest_score(c, 'triggers') LIMIT 500;
CREATE TABLE high AS SELECT c.* FROM cohort c WHERE (assess(c, 'triggers')).risk = 'high' ORDER BY 1 LIMIT 500;
CREATE TABLE plain (LIKE cohort);
CREATE TABLE filled (LIKE cohort, risk_score float8, risk risk_level);
CREATE TRIGGER fill BEFORE INSERT ON filled FOR EACH ROW EXECUTE FUNCTION fill_risk('triggers', 'risk_score', 'risk');
CREATE TABLE recorded (LIKE cohort);
CREATE TRIGGER record AFTER INSERT ON recorded FOR EACH ROW EXECUTE FUNCTION record_risk('triggers', 'patient_id');
SQL

# insert TABLE SOURCE: milliseconds a row.
insert() {
	awk -v ms="$(best_ms 3 "INSERT INTO $1 SELECT * FROM $2")" -v n="$(psql -XqAtc "SELECT count(*) FROM $2")" \
		'BEGIN { printf "%.6g\n", ms / n }'
}

plain=$(insert plain low)
figure "trigger fill_risk: added to an insert" ms "$(less "$(insert filled low)" "$plain")"
figure "trigger record_risk: added to an insert, low risk" ms "$(less "$(insert recorded low)" "$plain")"
figure "trigger record_risk: the same, high risk, explained" ms "$(less "$(insert recorded high)" "$plain")"

# One patient in a statement of her own, in a session that has explained before.
one() { best_ms 30 "INSERT INTO $1 SELECT * FROM high LIMIT 1"; }
figure "trigger record_risk: one row in a statement, explained" ms "$(less "$(one recorded)" "$(one plain)")"
