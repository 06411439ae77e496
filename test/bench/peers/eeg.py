"""Preprocessing of 50 s of 19 EEG channels at 200 Hz by SciPy and by MNE, and its multitaper spectrogram, one thread.

Prints lines 'name<TAB>peer<TAB>microseconds'.
"""
import time

import mne
import numpy
import scipy
from scipy import signal


def best(work, seconds=0.5, runs=20):
    times = []
    end = time.process_time() + seconds
    while len(times) < runs or time.process_time() < end:
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return 1e6 * min(times)


RATE, FRAME, HOP, N_FFT = 200, 800, 400, 1024
CHAINS = ["0 4 5 6 7", "11 15 16 17 18", "0 1 2 3 7", "11 12 13 14 18"]
PAIRS = [(int(a), int(b)) for chain in CHAINS for a, b in zip(chain.split()[:-1], chain.split()[1:])] + [(8, 9), (9, 10)]
eeg = numpy.random.default_rng(1).normal(0, 20, (19, 10000))
band = signal.butter(2, [0.5, 20], "bandpass", fs=RATE, output="sos")
notch = signal.tf2sos(*signal.iirnotch(50, 30, fs=RATE))
tapers = signal.windows.dpss(FRAME, 2, 3) * numpy.sqrt(RATE)
plus, minus = numpy.array(PAIRS).T


def with_scipy():
    x = eeg - numpy.median(eeg, axis=1, keepdims=True)
    x = signal.sosfiltfilt(band, signal.sosfiltfilt(notch, x))
    return x[plus] - x[minus]


def with_mne():
    x = eeg - numpy.median(eeg, axis=1, keepdims=True)
    x = mne.filter.notch_filter(x, RATE, 50, method="iir", verbose="error")
    x = mne.filter.filter_data(x, RATE, 0.5, 20, method="iir", iir_params={"order": 2, "ftype": "butter"}, verbose="error")
    return x[plus] - x[minus]


def spectrogram():
    x = eeg[plus[:16]] - eeg[minus[:16]]
    frames = numpy.lib.stride_tricks.sliding_window_view(x, FRAME, axis=1)[:, ::HOP]
    power = numpy.abs(numpy.fft.rfft(frames[:, :, None, :] * tapers, N_FFT) / RATE) ** 2
    return power.mean(axis=2)[:, :, 3:103].reshape(4, 4, -1, 100).mean(axis=1)


for name, peer, work in [
    ("preprocess scipy", f"scipy {scipy.__version__}", with_scipy),
    ("preprocess mne", f"mne {mne.__version__}", with_mne),
    ("spectrogram numpy", f"numpy {numpy.__version__}", spectrogram),
]:
    print(f"{name}\t{peer}\t{best(work):.6g}", flush=True)
