# shellcheck shell=bash
# EEGs without a server: preprocessing and spectrograms of 50 s beside SciPy, MNE and NumPy, by processor time.

make -s build/bench/bench_eeg
peers=$(peer eeg)
ours=$(build/bench/bench_eeg)
preprocess=$(awk -F '\t' '$1 == "preprocess" { print $2 }' <<<"$ours")
for peer_of in scipy mne; do
	figure "EEG of 50 s, 19 channels: median, notch, band-pass, montage" us "$preprocess" "$(theirs "preprocess $peer_of" "$peers")"
done
figure "EEG of 50 s: multitaper spectrograms of four chains" us "$(awk -F '\t' '$1 == "spectrogram" { print $2 }' <<<"$ours")" "$(theirs "spectrogram numpy" "$peers")"
