# shellcheck shell=bash
# Recordings without a server: log-mel against librosa and SciPy, and the path from bytes to features by stage.

make -s build/bench/bench_signal
peers=$(peer spectra)
mel=$(build/bench/bench_signal mel | cut -f 2)
for peer_of in librosa scipy; do
	figure "log-mel of 5 s at 4 kHz, 512 points, 128 bands" us "$mel" "$(theirs "log-mel $peer_of" "$peers")"
done

recordings=("$HEALTHML_DATA"/audio_formats/a0001.{wav,flac,ogg,opus,mp3})
if [ -e "${recordings[0]}" ]; then
	while IFS=$'\t' read -r stage microseconds; do
		figure "recording of 36 s, $stage" us "$microseconds"
	done < <(build/bench/bench_signal stages "${recordings[@]}" 2>/dev/null)
fi
