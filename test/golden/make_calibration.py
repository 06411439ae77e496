#!/usr/bin/env python3
"""calibration.csv: corrections of probabilities by scikit-learn, for test/unit/test_correction.c.

Columns: p, label, then the isotonic and the Platt correction of p.  Platt's targets are smoothed and
the logistic curve is one of the logit.
"""
import numpy as np
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression

rng = np.random.default_rng(7)
p = np.round(rng.beta(1.5, 1.2, 80), 2).clip(0.01, 0.99)
y = (rng.random(80) < p ** 2).astype(int)
logit = np.log(p) - np.log1p(-p)
isotonic = IsotonicRegression(out_of_bounds="clip").fit(p, y).predict(p)
platt = _SigmoidCalibration().fit(logit, y).predict(logit)
with open("calibration.csv", "w") as out:
    for row in zip(p, y, isotonic, platt):
        out.write("%.2f,%d,%.9g,%.9g\n" % row)
