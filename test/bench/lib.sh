# shellcheck shell=bash
# What the benchmarks share; sourced by scripts/bench before each of them.

export BENCH_ROWS=${BENCH_ROWS:-1000000}

# figure WORK UNIT OURS [PEER THEIRS]: one line of the table.
figure() {
	local IFS=$'\t'
	echo "$*"
}

# best_ms RUNS SQL [SETTING=VALUE…]: least time of several runs in one session, in ms.
best_ms() {
	local runs=$1 sql=$2 setting options=
	shift 2
	for setting; do options+=" -c $setting"; done
	for ((i = 0; i <= runs; i++)); do echo "$sql;"; done |
		PGOPTIONS=$options psql -Xqt -v ON_ERROR_STOP=1 -c '\timing on' -f - |
		sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' | tail -n +2 | sort -g | head -n 1
}

# per_row MS ROWS: microseconds.
per_row() {
	awk -v ms="$1" -v n="$2" 'BEGIN { printf "%.6g\n", 1000 * ms / n }'
}

# less A B, times A B: arithmetic.
less() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.6g\n", a - b }'; }

# peer PROGRAM ARGUMENT…: runs test/bench/peers/PROGRAM.py, which prints lines "name<TAB>figure"; nothing, and a
# message, where the interpreter or a package is missing.
peer() {
	local python=${HEALTHML_PYTHON:-python3}
	ORT_DISABLE_TELEMETRY=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 "$python" "test/bench/peers/$1.py" "${@:2}" 2>"$HEALTHML_SANDBOX/peer.log" ||
		echo "bench: no figures of test/bench/peers/$1.py: $(tail -n 1 "$HEALTHML_SANDBOX/peer.log")" >&2
}

# theirs NAME TEXT: "PEER<TAB>FIGURE" of the line of that name, to stand at the end of a figure; nothing without one.
theirs() {
	awk -F '\t' -v name="$1" '$1 == name { print $2 "\t" $3 }' <<<"$2"
}
