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

# per_row MILLISECONDS TABLE: milliseconds a row of the table.
per_row() {
	awk -v ms="$1" -v n="$(psql -XqAtc "SELECT count(*) FROM $2")" 'BEGIN { printf "%.6g\n", ms / n }'
}

# insert TABLE SOURCE: milliseconds a row.
insert() { per_row "$(best_ms 3 "INSERT INTO $1 SELECT * FROM $2")" "$2"; }

plain=$(insert plain low)
figure "trigger fill_risk: added to an insert" ms "$(less "$(insert filled low)" "$plain")"
figure "trigger record_risk: added to an insert, low risk" ms "$(less "$(insert recorded low)" "$plain")"
figure "trigger record_risk: the same, high risk, explained" ms "$(less "$(insert recorded high)" "$plain")"

# One patient in a statement of her own, in a session that has explained before.
one() { best_ms 30 "INSERT INTO $1 SELECT * FROM high LIMIT 1"; }
figure "trigger record_risk: one row in a statement, explained" ms "$(less "$(one recorded)" "$(one plain)")"

# A network, whose explanations are sampled: rows of 12 features, of which more than a third have a high risk.
psql -Xqt -v ON_ERROR_STOP=1 >/dev/null <<'SQL'
SELECT FROM train('network', 'mlp', 'cohort', target => 'heart_disease', features => ARRAY['age', 'male', 'chest_pain_type', 'resting_bp',
	'cholesterol', 'high_fasting_sugar', 'resting_ecg', 'max_heart_rate', 'exercise_angina', 'st_depression', 'st_slope', 'vessels'],
	params => '{"epochs": 20, "seed": 42}');
CREATE TABLE likely AS SELECT c.* FROM cohort c WHERE (assess(c, 'network')).risk = 'high' ORDER BY 1 LIMIT 500;
CREATE TABLE judged (LIKE cohort);
CREATE TRIGGER record AFTER INSERT ON judged FOR EACH ROW EXECUTE FUNCTION record_risk('network', 'patient_id');
SQL
figure "trigger record_risk of a network: high risk, explained" ms "$(less "$(insert judged likely)" "$(insert plain likely)")"
figure "explain_text of a network of 12 features" ms "$(per_row "$(best_ms 3 "SELECT count(explain_text(l, 'network')) FROM likely l")" likely)"
figure "shap_summary of a network, 1,000 rows" ms "$(best_ms 3 "SELECT count(*) FROM shap_summary('network', 'SELECT * FROM cohort LIMIT 1000')")"
