#!/usr/bin/env python3
"""Multitaper spectra by SciPy of test/golden/signal/signal.csv, taken as an EEG of 200 Hz:
test/golden/eeg_spectrum.csv, a row of each bin, a column of each frame.  Run at the top of the repository."""
import csv

import numpy as np
from scipy.signal.windows import dpss

RATE, FRAME, HOP, N_FFT, FRAMES = 200, 800, 400, 1024, 3
signal = np.array([float(row[0]) for row in list(csv.reader(open("test/golden/signal/signal.csv")))[1:]], np.float32)
tapers = dpss(FRAME, 2, 3) * np.sqrt(RATE)
columns = []
for f in range(FRAMES):
    frame = signal[f * HOP : f * HOP + FRAME].astype(float)
    spectra = np.fft.rfft(tapers * frame, N_FFT, axis=1) / RATE
    columns.append(np.mean(np.abs(spectra) ** 2, axis=0)[3:103])
with open("test/golden/eeg_spectrum.csv", "w") as out:
    out.write(",".join(f"frame_{f}" for f in range(FRAMES)) + "\n")
    for row in zip(*columns):
        out.write(",".join(f"{x:.9g}" for x in row) + "\n")
