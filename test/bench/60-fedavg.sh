# shellcheck shell=bash
# Federated averaging of 1,000 updates of 100,000 weights, beside reading them and beside numpy over a driver.
#
# Reading means detoasting: sum(weights[1]).

psql -Xqt -v ON_ERROR_STOP=1 >/dev/null <<'SQL'
CREATE UNLOGGED TABLE client_update (weights real[], samples bigint);
ALTER TABLE client_update ALTER weights SET STORAGE EXTERNAL;
INSERT INTO client_update
SELECT (SELECT array_agg((random() * sin(i))::real) FROM generate_series(1, 100000) AS i), 1 + g FROM generate_series(1, 10) AS g;
INSERT INTO client_update SELECT u.* FROM client_update u, generate_series(1, 99);
VACUUM ANALYZE client_update;
SQL

# Turn by turn in one session, so that both see the same machine; the least of seven times each.
read -r read_rows average < <(
	for _ in 1 2 3 4 5 6 7 8; do
		echo 'SELECT sum(weights[1]) FROM client_update;'
		echo 'SELECT cardinality(fedavg(weights, samples)) FROM client_update;'
	done | PGOPTIONS='-c max_parallel_workers_per_gather=0' psql -Xqt -v ON_ERROR_STOP=1 -c '\timing on' -f - |
		sed -n 's/^Time: \([0-9.]*\) ms.*/\1/p' |
		awk 'NR > 2 && (!(NR % 2 in least) || $1 < least[NR % 2]) { least[NR % 2] = $1 } END { print least[1], least[0] }')
peers=$(peer fedavg client_update)
figure "fedavg: 1,000 updates of 100,000 weights" ms "$average" "$(theirs fedavg "$peers")"
figure "fedavg: the same, as a share of reading them" x "$(awk -v a="$average" -v r="$read_rows" 'BEGIN { printf "%.3g", a / r }')"
