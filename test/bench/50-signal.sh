# shellcheck shell=bash
# Recordings without a server: log-mel against librosa and SciPy, and the path from bytes to features by stage.

make -s build/bench/bench_signal
peers=$(peer spectra)
mel=$(build/bench/bench_signal mel | cut -f 2)
for peer_of in librosa scipy; do
	figure "log-mel of 5 s at 4 kHz, 512 points, 128 bands" us "$mel" "$(theirs "log-mel $peer_of" "$peers")"
done

# stages NAME ARGUMENT…: a figure for each line of bench_signal.
stages() {
	local name=$1
	shift
	build/bench/bench_signal "$@" 2>/dev/null | while IFS=$'\t' read -r stage microseconds; do
		figure "$name, $stage" us "$microseconds"
	done
}
stages "heart sound of 5 s" window models/heart_sound.hml
recordings=("$HEALTHML_DATA"/audio_formats/a0001.{wav,flac,ogg,opus,mp3})
[ ! -e "${recordings[0]}" ] || stages "recording of 36 s" stages models/heart_sound.hml "${recordings[@]}"
