#!/usr/bin/env python3
"""Golden values for test_paired.c: DeLong's test in its naive form, by all pairs of rows, and McNemar's exact test by SciPy.

Run from this directory: python make_paired.py
Writes paired_rows.csv (case, a, b, label), paired_expected.csv (case, auc_a, auc_b, standard_error, low, high, p_value; interval of
95 %) and paired_mcnemar.csv (only_a, only_b, p_value).
"""

import csv

import numpy as np
from scipy import stats

rng = np.random.default_rng(41)


def scores(n, share, spread_a, spread_b, common, digits=None):
    """Two scores of the same rows, which share part of their noise."""
    labels = rng.random(n) < share
    labels[:4] = True, False, True, False
    shared = rng.standard_normal(n)

    def score(spread):
        x = 2.0 * labels - 1 + spread * (common * shared + (1 - common) * rng.standard_normal(n))
        return x if digits is None else np.round(x, digits)

    return score(spread_a), score(spread_b), labels


CASES = {
    "better": scores(120, 0.4, 1.0, 2.0, 0.5),
    "alike": scores(150, 0.3, 1.5, 1.6, 0.8),
    "ties": scores(140, 0.3, 1.2, 1.8, 0.4, 0),
    "rare": scores(200, 0.02, 1.0, 1.5, 0.2),
    "four_rows": scores(4, 0.5, 1.0, 3.0, 0.1),
    "large_numbers": tuple(x * 1e200 if i < 2 else x for i, x in enumerate(scores(60, 0.5, 1.0, 2.0, 0.5))),
}


def psi(x, y):
    return 1.0 if x > y else 0.5 if x == y else 0.0


def placements(score, labels):
    positives, negatives = score[labels], score[~labels]
    kernel = np.array([[psi(x, y) for y in negatives] for x in positives])
    return kernel.mean(axis=1), kernel.mean(axis=0), kernel.mean()


def delong(a, b, labels):
    v10_a, v01_a, auc_a = placements(a, labels)
    v10_b, v01_b, auc_b = placements(b, labels)
    s10 = np.cov(v10_a, v10_b)
    s01 = np.cov(v01_a, v01_b)
    s = s10 / len(v10_a) + s01 / len(v01_a)
    contrast = np.array([1.0, -1.0])
    error = np.sqrt(contrast @ s @ contrast)
    z = stats.norm.ppf(0.975)
    difference = auc_a - auc_b
    p = 2 * stats.norm.sf(abs(difference) / error)
    return auc_a, auc_b, error, max(difference - z * error, -1.0), min(difference + z * error, 1.0), p


def write(name, header, rows):
    with open(name, "w", newline="") as f:
        csv.writer(f, lineterminator="\n").writerows([header, *rows])


write("paired_rows.csv", ("case", "a", "b", "label"),
      [(case, repr(float(x)), repr(float(y)), int(label)) for case, (a, b, labels) in CASES.items() for x, y, label in zip(a, b, labels)])
write("paired_expected.csv", ("case", "auc_a", "auc_b", "standard_error", "low", "high", "p_value"),
      [(case, *(repr(float(x)) for x in delong(*data))) for case, data in CASES.items()])
write("paired_mcnemar.csv", ("only_a", "only_b", "p_value"),
      [(a, b, repr(float(stats.binomtest(a, a + b).pvalue if a + b else 1.0)))
       for a, b in [(0, 0), (1, 0), (3, 3), (2, 9), (0, 12), (40, 61), (500, 500), (1000, 1200), (30000, 31000), (0, 2000)]])
