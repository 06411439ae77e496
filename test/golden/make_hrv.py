#!/usr/bin/env python3
"""Heart-rate variability by NeuroKit2, hrv-analysis and SciPy: hrv_series.csv and hrv_expected.csv."""
import csv
import sys
import types

sys.modules.setdefault("nolds", types.SimpleNamespace(sampen=None))  # hrv-analysis wants it for what is not used here

import hrvanalysis
import neurokit2
import numpy
from scipy import interpolate, signal

rng = numpy.random.default_rng(33)
n = 600
beat = numpy.arange(n)
clean = 820 + 60 * numpy.sin(beat * 0.21) + 35 * numpy.sin(beat * 1.4) + 40 * numpy.cumsum(rng.normal(0, 0.05, n)) + rng.normal(0, 12, n)
clean = clean.round(3)
dirty = clean.copy()
for at in (40, 41, 200, 350, 599):
    dirty[at] *= 0.6
dirty[100] = 250.0
dirty[300] = 3100.0

corrected = numpy.array(hrvanalysis.interpolate_nan_values(hrvanalysis.remove_ectopic_beats(
    hrvanalysis.interpolate_nan_values(hrvanalysis.remove_outliers(list(dirty), low_rri=300, high_rri=2000, verbose=False),
                                       interpolation_method="linear"), method="malik", verbose=False), interpolation_method="linear"))

with open("hrv_series.csv", "w", newline="") as f:
    writer = csv.writer(f, lineterminator="\n")
    writer.writerow(["clean", "dirty", "corrected"])
    writer.writerows(zip(clean, dirty, corrected))

BANDS = (("vlf", 0.003, 0.04), ("lf", 0.04, 0.15), ("hf", 0.15, 0.40))
expected = {}


def bands(prefix, frequency, density):
    for name, low, high in BANDS:
        inside = (frequency >= low) & (frequency < high)
        expected[prefix + name] = numpy.trapezoid(density[inside], frequency[inside])
    lf, hf = expected[prefix + "lf"], expected[prefix + "hf"]
    expected[prefix + "total"] = expected[prefix + "vlf"] + lf + hf
    expected[prefix + "lf_hf_ratio"] = lf / hf
    expected[prefix + "lf_nu"] = 100 * lf / (lf + hf)


peaks = {"RRI": clean, "RRI_Time": numpy.cumsum(clean) / 1000}
time = neurokit2.hrv_time(peaks).iloc[0]
nonlinear = neurokit2.hrv_nonlinear(peaks).iloc[0]
other = hrvanalysis.get_time_domain_features(list(clean))
for ours, theirs in (("mean_nn", "MeanNN"), ("median_nn", "MedianNN"), ("sdnn", "SDNN"), ("sdsd", "SDSD"), ("rmssd", "RMSSD"), ("cvnn", "CVNN"),
                     ("cvsd", "CVSD"), ("min_nn", "MinNN"), ("max_nn", "MaxNN"), ("triangular_index", "HTI")):
    expected[ours] = time["HRV_" + theirs]
for ours, theirs in (("sd1", "SD1"), ("sd2", "SD2"), ("sd1_sd2_ratio", "SD1SD2"), ("csi", "CSI"), ("cvi", "CVI")):
    expected[ours] = nonlinear["HRV_" + theirs]
expected["sample_entropy"] = neurokit2.entropy_sample(clean, delay=1, dimension=2, tolerance=0.2 * numpy.std(clean, ddof=1))[0]
for ours, theirs in (("nn50", "nni_50"), ("nn20", "nni_20"), ("range_nn", "range_nni"), ("mean_hr", "mean_hr"), ("max_hr", "max_hr"), ("min_hr", "min_hr")):
    expected[ours] = other[theirs]
expected["pnn50"] = 100 * other["nni_50"] / (n - 1)
expected["pnn20"] = 100 * other["nni_20"] / (n - 1)
expected["sd_hr"] = numpy.std(60000 / clean, ddof=1)

seconds = numpy.concatenate([[0], numpy.cumsum(clean[1:])]) / 1000
grid = numpy.arange(int(seconds[-1] * 4) + 1) / 4
resampled = interpolate.CubicSpline(seconds, clean)(grid)
bands("welch_", *signal.welch(resampled, fs=4, window="hann", nperseg=1024, noverlap=512, nfft=1024, detrend="constant"))

frequency = numpy.arange(1, 121) / 300
density = numpy.zeros(120)
pieces = int(seconds[-1] / 300)
first = 0
for piece in range(pieces):
    last, passed = first, 0.0
    while last < n and (passed < seconds[-1] / pieces or piece + 1 == pieces):
        passed += clean[last] / 1000
        last += 1
    x = clean[first:last]
    t = numpy.concatenate([[0], numpy.cumsum(x[1:])]) / 1000
    density += 2 * t[-1] / (len(x) - 1) * signal.lombscargle(t, x - x.mean(), 2 * numpy.pi * frequency) / pieces
    first = last
bands("lomb_", frequency, density)

with open("hrv_expected.csv", "w", newline="") as f:
    writer = csv.writer(f, lineterminator="\n")
    writer.writerow(["measure", "value"])
    writer.writerows((name, repr(float(value))) for name, value in expected.items())
