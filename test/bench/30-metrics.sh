# shellcheck shell=bash
# Metrics of a million predictions: what the aggregates take beyond reading the rows.

psql -Xqt -v ON_ERROR_STOP=1 >/dev/null <<SQL
CREATE UNLOGGED TABLE judged AS
SELECT score, random() < score AS label FROM (SELECT random() AS score FROM generate_series(1, $BENCH_ROWS)) s;
VACUUM ANALYZE judged;
\copy (SELECT score, label::int FROM judged) TO '$HEALTHML_SANDBOX/judged.csv' (FORMAT csv)
SQL

serial=max_parallel_workers_per_gather=0
read_rows=$(best_ms 3 'SELECT count(score), count(label) FROM judged' $serial)
peers=$(peer metrics "$HEALTHML_SANDBOX/judged.csv")
for metric in roc_auc average_precision brier_score log_loss; do
	figure "metrics: $metric of a table, beyond reading it" ms \
		"$(less "$(best_ms 3 "SELECT $metric(score, label) FROM judged" $serial)" "$read_rows")" "$(theirs $metric "$peers")"
done
