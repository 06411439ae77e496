# shellcheck shell=bash
# Isolation forest, 300 trees of 256 samples on 13 columns: score, parallel score, first score, training.

columns='age, male, chest_pain_type, resting_bp, cholesterol, high_fasting_sugar, resting_ecg, max_heart_rate,
	exercise_angina, st_depression, st_slope, vessels, thallium'
psql -Xqt -v ON_ERROR_STOP=1 >/dev/null <<SQL
CREATE UNLOGGED TABLE patients AS
SELECT age::float8, male::int::float8 AS male, chest_pain_type::float8, resting_bp::float8, cholesterol::float8,
	high_fasting_sugar::int::float8 AS high_fasting_sugar, resting_ecg::float8, max_heart_rate::float8,
	exercise_angina::int::float8 AS exercise_angina, st_depression, st_slope::float8, vessels::float8, thallium::float8
FROM synthetic_patients($BENCH_ROWS);
CREATE UNLOGGED TABLE patient_arrays AS SELECT ARRAY[$columns] AS x FROM patients;
CREATE UNLOGGED TABLE hundred_thousand AS SELECT * FROM patients LIMIT 100000;
VACUUM ANALYZE patients, patient_arrays, hundred_thousand;
SELECT FROM train('heart_attack', 'isolation_forest', 'SELECT * FROM patients LIMIT 10000',
	params => '{"n_estimators": 300, "max_samples": 256, "seed": 42}');
\copy hundred_thousand TO '$HEALTHML_SANDBOX/patients.csv' (FORMAT csv)
SQL

serial=max_parallel_workers_per_gather=0
two=(max_parallel_workers_per_gather=2 parallel_leader_participation=off parallel_setup_cost=0 parallel_tuple_cost=0
	min_parallel_table_scan_size=0)
of_rows='SELECT sum(iforest_score(p)) FROM patients p'
of_arrays='SELECT sum(iforest_score(x)) FROM patient_arrays'
of_columns="SELECT sum(iforest_score(ARRAY[$columns])) FROM patients"
peers=$(peer iforest "$HEALTHML_SANDBOX/patients.csv")

one=$(best_ms 3 "$of_rows" $serial)
figure "forest: score a row, from a table" us "$(per_row "$one" "$BENCH_ROWS")" "$(theirs score "$peers")"
figure "forest: score a float8[]" us "$(per_row "$(best_ms 3 "$of_arrays" $serial)" "$BENCH_ROWS")" "$(theirs score "$peers")"
figure "forest: score 13 columns as an array" us "$(per_row "$(best_ms 3 "$of_columns" $serial)" "$BENCH_ROWS")" \
	"$(theirs score "$peers")"
figure "forest: score a table with two workers (peer: with one)" us \
	"$(per_row "$(best_ms 3 "$of_rows" "${two[@]}")" "$BENCH_ROWS")" \
	"$(printf '%s\t%s' 'healthml, one' "$(per_row "$(best_ms 3 "$of_rows" "${two[@]/gather=2/gather=1}")" "$BENCH_ROWS")")"

# A new connection each time: its first score, less what a score takes that needs no model.
first_score() {
	psql -Xqt -c '\timing on' -c "SELECT $1 FROM patients p LIMIT 1" | sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p'
}
least() { for _ in 1 2 3 4 5; do first_score "$1"; done | sort -g | head -n 1; }
figure "forest: first score of a connection" ms "$(less "$(least 'iforest_score(p)')" "$(least p)")"
figure "forest: score one row, alone in its query" us \
	"$(less "$(per_row "$(best_ms 30 'SELECT iforest_score(p) FROM (SELECT * FROM hundred_thousand LIMIT 1) p')" 1)" \
		"$(per_row "$(best_ms 30 'SELECT p FROM (SELECT * FROM hundred_thousand LIMIT 1) p')" 1)")" \
	"$(theirs score_one "$peers")"

training="SELECT FROM train('bench', 'isolation_forest', 'hundred_thousand', params => '{\"seed\": 1}')"
figure "forest: train on 100,000 rows, beyond reading them" ms \
	"$(less "$(best_ms 3 "$training")" "$(best_ms 3 'SELECT count(h.*) FROM hundred_thousand h' $serial)")" \
	"$(theirs fit "$peers")"

explain='SELECT sum(e.contribution) FROM (SELECT * FROM hundred_thousand LIMIT 5000) p, shap_explain(p) e'
figure "forest: exact Shapley values of a row" us "$(per_row "$(best_ms 3 "$explain" $serial)" 5000)" \
	"$(theirs shap "$peers")"
figure "forest: exact Shapley values, one row alone" us \
	"$(per_row "$(best_ms 20 'SELECT sum(e.contribution) FROM (SELECT * FROM hundred_thousand LIMIT 1) p, shap_explain(p) e')" 1)" \
	"$(theirs shap_one "$peers")"
