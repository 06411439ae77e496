#!/usr/bin/env python3
"""Predictions with what came true, and their metrics by scikit-learn: outcomes_rows.csv and outcomes_metrics.csv."""
import csv
import json

import numpy
from sklearn import metrics

rng = numpy.random.default_rng(12)
CLASSES = ["healthy", "mild", "severe"]
N = 60

actual = rng.integers(0, 3, N)
probabilities = rng.dirichlet([1, 1, 1], N) * 0.5
probabilities[numpy.arange(N), actual] += 0.5 * rng.random(N)
probabilities = (probabilities / probabilities.sum(axis=1, keepdims=True)).round(6)
probabilities[:, 2] = (1 - probabilities[:, 0] - probabilities[:, 1]).round(6)
predicted = probabilities.argmax(axis=1)
value = rng.normal(120, 20, N).round(3)
estimate = (value + rng.normal(0, 8, N)).round(3)
ill = rng.random(N) < 0.4
p_ill = (0.25 * rng.random(N) + 0.5 * ill * rng.random(N) + 0.2).round(6)

with open("outcomes_rows.csv", "w", newline="") as f:
    writer = csv.writer(f, lineterminator="\n")
    writer.writerow(["subject", "probabilities", "predicted", "actual", "estimate", "value", "p_ill", "ill"])
    for i in range(N):
        document = json.dumps(dict(zip(CLASSES, probabilities[i].tolist())))
        writer.writerow([i, document, CLASSES[predicted[i]], CLASSES[actual[i]], estimate[i], value[i], p_ill[i], str(bool(ill[i])).lower()])

called = p_ill > 0.5
expected = {
    ("classes", "accuracy"): metrics.accuracy_score(actual, predicted),
    ("classes", "balanced_accuracy"): metrics.balanced_accuracy_score(actual, predicted),
    ("classes", "macro_f1"): metrics.f1_score(actual, predicted, average="macro"),
    ("classes", "log_loss"): metrics.log_loss(actual, probabilities),
    ("values", "mae"): metrics.mean_absolute_error(value, estimate),
    ("values", "rmse"): metrics.mean_squared_error(value, estimate) ** 0.5,
    ("values", "r2"): metrics.r2_score(value, estimate),
    ("two", "roc_auc"): metrics.roc_auc_score(ill, p_ill),
    ("two", "log_loss"): metrics.log_loss(ill, p_ill),
    ("two", "brier_score"): metrics.brier_score_loss(ill, p_ill),
    ("two", "accuracy"): metrics.accuracy_score(ill, called),
    ("two", "balanced_accuracy"): metrics.balanced_accuracy_score(ill, called),
}
with open("outcomes_metrics.csv", "w", newline="") as f:
    writer = csv.writer(f, lineterminator="\n")
    writer.writerow(["model", "metric", "value"])
    for (model, metric), number in expected.items():
        writer.writerow([model, metric, repr(float(number))])
