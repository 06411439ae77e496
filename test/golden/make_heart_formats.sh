#!/bin/bash
# One synthetic heart in four formats for test_heart_sound_model.c.
#
# Run from this directory, against a database with healthml; needs ffmpeg 5.1 with LAME, libvorbis and libopus.
# MP3 and Vorbis take no 4 kHz, and get 8.

set -euo pipefail
wav=$(mktemp --suffix=.wav)
trap 'rm -f "$wav"' EXIT
psql -XqAtc "SELECT encode(healthml.synthetic_heart_sound(8, 60, 'none', 0.01, 5), 'hex')" | xxd -r -p >"$wav"
encode() { ffmpeg -y -loglevel error -i "$wav" -bitexact "$@"; }
encode heart/healthy.flac
encode -ar 8000 -c:a libmp3lame -b:a 32k heart/healthy.mp3
encode -ar 8000 -c:a libvorbis -q:a 3 heart/healthy.ogg
encode -c:a libopus -b:a 32k -f ogg heart/healthy.opus
