# shellcheck shell=bash
# Training of networks without a server, beside PyTorch with one thread.

make -s build/bench/bench_nn_train
ours=$(build/bench/bench_nn_train test/bench/networks)
peers=$(peer training)

ours_of() { awk -F '\t' -v name="$1" '$1 == name { print $2 }' <<<"$ours"; }

figure "training: epoch of 10,000 rows, MLP 4-64-32-16-1" ms "$(ours_of "mlp epoch")" "$(theirs "mlp epoch" "$peers")"
figure "training: batch of 32, 2-D CNN, forward and backward" ms "$(ours_of "cnn2d batch")" "$(theirs "cnn2d batch" "$peers")"
