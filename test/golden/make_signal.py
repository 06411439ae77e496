#!/usr/bin/env python3
"""Expected numbers and sample recordings for src/core/signal.

    pip install librosa scipy soxr soundfile
    python3 test/golden/make_signal.py test/golden/signal test/fuzz/corpus/audio

Writes, into the first folder, a signal and what soxr, SciPy and librosa make of it; into
the second, half a second of that signal in every format and encoding, and damaged files.
"""
import csv
import pathlib
import struct
import sys

import librosa
import numpy as np
import scipy.signal
import soundfile
import soxr

golden = pathlib.Path(sys.argv[1])
corpus = pathlib.Path(sys.argv[2])
golden.mkdir(parents=True, exist_ok=True)
corpus.mkdir(parents=True, exist_ok=True)
RATE = 4000


def make_signal():
    """0.75 s: a chirp with noise, a nearly silent stretch, a click; 16-bit values, so that they print exactly."""
    rng = np.random.default_rng(4)
    t = np.arange(3000) / RATE
    x = 0.5 * scipy.signal.chirp(t, 20, t[-1], 1900) + 0.02 * rng.normal(size=t.size) + 0.05
    x[1200:1900] *= 1e-3
    x[2100] = 0.95
    return np.round(x * 32768).clip(-32768, 32767) / 32768


def write(name, columns):
    with open(golden / name, "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(columns)
        out.writerows(zip(*([f"{float(v):.9g}" for v in column] for column in columns.values())))


x = make_signal()
x32 = x.astype(np.float32)
write("signal.csv", {"x": x})

# resampling: the rate is what we say it is
for old, new in [(2000, 4000), (44100, 4000), (4000, 3000)]:
    write(f"resample_{old}_{new}.csv", {"y": soxr.resample(x32, old, new, quality="HQ")})

# filters: coefficients, and 600 samples of the signal filtered forwards and backwards
designs = {
    "band_pass_4_25_400": scipy.signal.butter(4, [25, 400], "bandpass", fs=RATE, output="sos"),
    "band_pass_3_20_900": scipy.signal.butter(3, [20, 900], "bandpass", fs=RATE, output="sos"),
    "low_pass_5_300": scipy.signal.butter(5, 300, "lowpass", fs=RATE, output="sos"),
    "high_pass_1_30": scipy.signal.butter(1, 30, "highpass", fs=RATE, output="sos"),
    "high_pass_6_100": scipy.signal.butter(6, 100, "highpass", fs=RATE, output="sos"),
    "band_stop_2_45_55": scipy.signal.butter(2, [45, 55], "bandstop", fs=RATE, output="sos"),
    "notch_60_30": scipy.signal.tf2sos(*scipy.signal.iirnotch(60, 30, fs=RATE)),
}
with open(golden / "filters.csv", "w", newline="") as f:
    out = csv.writer(f, lineterminator="\n")
    out.writerow(["filter", "section", "b0", "b1", "b2", "a0", "a1", "a2"])
    for name, sos in designs.items():
        for number, section in enumerate(sos):
            out.writerow([name, number] + [f"{v:.17g}" for v in section])
write("filtered.csv", {name: scipy.signal.sosfiltfilt(sos, x[1000:1600]) for name, sos in designs.items()})

# mel spectrograms: parameters in the file name's number, see test_mel.c
mels = [
    dict(sr=4000, n_fft=512, hop_length=128, n_mels=128, fmin=0, fmax=2000, pad_mode="constant"),
    dict(sr=4000, n_fft=256, hop_length=80, n_mels=48, fmin=25, fmax=800, pad_mode="reflect"),
    dict(sr=16000, n_fft=400, hop_length=300, n_mels=40, fmin=0, fmax=8000, pad_mode="reflect"),
]
for number, parameters in enumerate(mels):
    power = librosa.feature.melspectrogram(y=x32, power=2, center=True, **parameters)
    write(f"mel_{number}.csv", {
        "power": power.ravel(),
        "db": librosa.power_to_db(power).ravel(),
        "db_max": librosa.power_to_db(power, ref=np.max, top_db=60).ravel(),
    })

# recordings: one tone pair, so that every codec keeps it
t = np.arange(4000) / 8000
tone = (0.4 * np.sin(2 * np.pi * 100 * t) + 0.2 * np.sin(2 * np.pi * 330 * t)).astype(np.float32)
for subtype in ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAW", "ULAW", "IMA_ADPCM", "MS_ADPCM"]:
    soundfile.write(corpus / f"{subtype.lower()}.wav", tone, 8000, subtype=subtype, format="WAV")
soundfile.write(corpus / "stereo.wav", np.stack([tone, -0.5 * tone], 1), 8000, subtype="PCM_16")
soundfile.write(corpus / "big_endian.wav", tone, 8000, subtype="PCM_16", endian="BIG", format="WAV")
soundfile.write(corpus / "rf64.wav", tone, 8000, subtype="PCM_16", format="RF64")
soundfile.write(corpus / "pcm_16.flac", tone, 8000, subtype="PCM_16")
soundfile.write(corpus / "pcm_24.flac", tone, 8000, subtype="PCM_24")
soundfile.write(corpus / "vorbis.ogg", tone, 8000, subtype="VORBIS", format="OGG")
soundfile.write(corpus / "opus.ogg", tone, 8000, subtype="OPUS", format="OGG")
soundfile.write(corpus / "tone.mp3", tone, 8000, subtype="MPEG_LAYER_III", format="MP3")

# the whole way from a file at 8 kHz to decibels at 4 kHz
resampled = soxr.resample(soundfile.read(corpus / "pcm_24.flac", dtype="float32")[0], 8000, 4000, quality="HQ")
write("spectrogram.csv", {
    "db": librosa.power_to_db(librosa.feature.melspectrogram(y=resampled, sr=4000, n_fft=512, hop_length=128, n_mels=40)).ravel()
})


def damaged(name, data):
    (corpus / name).write_bytes(data)


def id3(payload_size):
    """An ID3v2.3 tag with a cover picture of that size."""
    picture = b"\0image/jpeg\0\3\0" + bytes((7 * i + 255) % 256 for i in range(payload_size))
    frame = b"APIC" + struct.pack(">I", len(picture)) + b"\0\0" + picture
    size = len(frame)
    return b"ID3\3\0\0" + bytes((size >> shift) & 127 for shift in (21, 14, 7, 0)) + frame


wav = (corpus / "pcm_16.wav").read_bytes()
flac = (corpus / "pcm_16.flac").read_bytes()
mp3 = (corpus / "tone.mp3").read_bytes()
damaged("truncated.wav", wav[:2044])
for name, repeats, cut in [("truncated.flac", 4, 1000), ("truncated.ogg", 24, 500), ("truncated.mp3", 14, 1000)]:
    soundfile.write(corpus / name, np.tile(tone, repeats), 8000)
    damaged(name, (corpus / name).read_bytes()[:-cut])
damaged("promises_4gb.wav", wav[:4] + b"\xf0\xff\xff\xff" + wav[8:40] + b"\xf0\xff\xff\xff" + wav[44:])
damaged("no_channels.wav", wav[:22] + b"\0\0" + wav[24:])
damaged("thousand_channels.wav", wav[:22] + struct.pack("<H", 1000) + wav[24:32] + struct.pack("<H", 2000) + wav[34:])
damaged("one_hertz.wav", wav[:24] + struct.pack("<I", 1) + wav[28:])
damaged("ten_megahertz.wav", wav[:24] + struct.pack("<I", 10_000_000) + wav[28:])
damaged("header_only.wav", wav[:40] + b"\0\0\0\0")
damaged("cover.mp3", id3(20000) + mp3)
damaged("cover.flac", id3(300) + flac)
damaged("only_id3.mp3", id3(300))
damaged("jpeg.jpg", bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb0043000806060706"))
damaged("text.txt", b"id,audio\n1,none\n")
nan = tone.copy()
nan[100:110] = np.nan
nan[200] = np.inf
nan[300] = 1e30
soundfile.write(corpus / "not_finite.wav", nan, 8000, subtype="FLOAT")
soundfile.write(corpus / "mostly_nan.wav", np.where(np.arange(4000) % 3, np.nan, tone), 8000, subtype="FLOAT")
