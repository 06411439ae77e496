# shellcheck shell=bash
# The neural-network engine: forward of networks with random weights, without a server; matrix products; and
# mlp_predict on a million rows.

specs=(test/bench/networks/*.json)
make -s build/bench/bench_nn
ours=$(build/bench/bench_nn networks "$HEALTHML_SANDBOX" "${specs[@]}" && build/bench/bench_nn products)
peers=$(peer networks "$HEALTHML_SANDBOX"/*.onnx)

# ours_of NAME: the figure of that line.
ours_of() { awk -F '\t' -v name="$1" '$1 == name { print $2 }' <<<"$ours"; }

for spec in "${specs[@]}"; do
	name=$(basename "$spec" .json)
	figure "network $name: one sample" us "$(ours_of "$name one")" "$(theirs "$name one" "$peers")"
	figure "network $name: a sample of several" us "$(ours_of "$name several")" "$(theirs "$name several" "$peers")"
	figure "network $name: prepare $(ours_of "$name weights") weights" us "$(ours_of "$name prepare")"
	figure "network $name: memory held, and for a call" MB \
		"$(awk -v a="$(ours_of "$name MB held")" -v b="$(ours_of "$name MB for a call")" 'BEGIN { print a + b }')"
done
for product in 2500x64x576 4992x32x144 304x128x576 1024x1024x1024 32x64x64; do
	figure "matrix product $product" us "$(ours_of "$product")" "$(theirs "$product" "$peers")"
done

psql -Xqt -v ON_ERROR_STOP=1 >/dev/null <<SQL
CREATE UNLOGGED TABLE vitals AS
SELECT age::float8, resting_bp::float8, cholesterol::float8, max_heart_rate::float8, random() < 0.3 AS ill
FROM synthetic_patients($BENCH_ROWS);
VACUUM ANALYZE vitals;
SELECT FROM train('bench_mlp', 'mlp', 'SELECT * FROM vitals LIMIT 5000', target => 'ill', params => '{"epochs": 2, "seed": 1}');
SQL
figure "mlp_predict of a row of 4 features" us \
	"$(per_row "$(best_ms 3 "SELECT sum(mlp_predict(v, 'bench_mlp')) FROM vitals v" max_parallel_workers_per_gather=0)" "$BENCH_ROWS")"
