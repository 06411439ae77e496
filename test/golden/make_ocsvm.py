#!/usr/bin/env python3
"""Decisions of scikit-learn's (libsvm's) one-class SVM: ocsvm.csv, one column per case of CASES."""
import csv

import numpy
from sklearn.svm import OneClassSVM

rng = numpy.random.default_rng(8)
N, TEST, D = 500, 60, 5
mixing = rng.normal(size=(D, D))
x = rng.normal(size=(N + TEST, D)) @ mixing + 2
x[N + TEST // 2:] += rng.normal(scale=4, size=(TEST - TEST // 2, D))
x = x.round(4)
CASES = {
    "rbf": dict(kernel="rbf", nu=0.1, gamma="scale"),
    "rbf_tight": dict(kernel="rbf", nu=0.1, gamma="scale", tol=1e-6),
    "rbf_auto": dict(kernel="rbf", nu=0.5, gamma="auto"),
    "rbf_number": dict(kernel="rbf", nu=0.03, gamma=0.02, shrinking=False),
    "linear": dict(kernel="linear", nu=0.2, tol=1e-6),
    "poly": dict(kernel="poly", nu=0.1, gamma=0.1, coef0=1.0, degree=3, tol=1e-6),
    "sigmoid": dict(kernel="sigmoid", nu=0.2, gamma=0.01, coef0=0.1, tol=1e-6),
}
columns = {name: OneClassSVM(**parameters).fit(x[:N]).decision_function(x) for name, parameters in CASES.items()}
with open("ocsvm.csv", "w", newline="") as f:
    writer = csv.writer(f, lineterminator="\n")
    writer.writerow([f"x{i}" for i in range(D)] + list(columns))
    for i in range(N + TEST):
        writer.writerow(list(x[i]) + [f"{columns[name][i]:.9g}" for name in columns])
