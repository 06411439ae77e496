"""Golden values for test_metrics.c and test/sql/metrics.sql, computed by scikit-learn 1.9.

Run from this directory: python make_metrics.py
Writes metrics_rows.csv (case, score, label), metrics_classes.csv (case, predicted, actual),
metrics_values.csv (case, predicted, actual), metrics_roc.csv (case, fpr, tpr, threshold) and
metrics_expected.csv (case, metric, value), and metrics_bootstrap.csv
(case, stratified, low, high: SciPy's percentile interval of the ROC AUC, 95 %, 20000 replicates).  Numbers have 17 digits, so that they read back as the same float64.
"""

import csv
import warnings

import numpy as np
from scipy import stats
from sklearn import metrics as m

rng = np.random.default_rng(20)
warnings.simplefilter("ignore")


def noisy(n, share, spread, digits=None):
    """Probabilities that tell the classes apart the better the smaller the spread; rounding makes ties."""
    labels = rng.random(n) < share
    labels[:2] = True, False
    scores = 1 / (1 + np.exp(-(2.0 * labels - 1 + spread * rng.standard_normal(n))))
    return (scores if digits is None else np.round(scores, digits)), labels


ROWS = {
    "plain": noisy(120, 0.4, 1.5),
    "ties": noisy(150, 0.3, 1.2, 1),
    "rare": noisy(200, 0.03, 1.0, 2),
    "useless": noisy(90, 0.5, 50.0),
    "perfect": (np.r_[np.linspace(0.0, 0.4, 9), np.linspace(0.6, 1.0, 7)], np.r_[[False] * 9, [True] * 7]),
    "reversed": (np.r_[np.linspace(0.6, 1.0, 5), np.linspace(0.0, 0.4, 6)], np.r_[[False] * 5, [True] * 6]),
    "all_tied": (np.full(10, 0.25), np.arange(10) % 3 == 0),
    "certain": (np.array([0.0, 1.0, 1.0, 0.0, 1e-300, 1 - 1e-16]), np.array([0, 1, 0, 1, 0, 1]) > 0),
    "two_rows": (np.array([0.3, 0.3000000000000001]), np.array([False, True])),
    "wide": (np.r_[-1e300, -2.5, -0.0, 0.0, 5e-324, 1e300], np.array([0, 1, 0, 1, 0, 1]) > 0),
}
CLASSES = {
    "four": (rng.integers(0, 4, 80), rng.integers(0, 4, 80)),
    "never_predicted": (rng.integers(0, 2, 40), rng.integers(0, 3, 40)),
    "never_actual": (rng.integers(0, 4, 40), rng.integers(0, 3, 40)),
}
VALUES = {
    "near": (lambda y: (y + 0.3 * rng.standard_normal(y.size), y))(rng.standard_normal(70) * 4 + 100),
    "far_from_zero": (lambda y: (y + 1e-3 * rng.standard_normal(y.size), y))(1e8 + rng.standard_normal(50)),
    "exact": (np.arange(5.0), np.arange(5.0)),
    "constant_exact": (np.full(4, 2.0), np.full(4, 2.0)),
    "constant_wrong": (np.array([1.0, 2.0, 3.0]), np.full(3, 2.5)),
}
expected = []
roc = []


def exact(x):
    return repr(float(x))


def add(case, metric, value):
    expected.append((case, metric, exact(value)))


def ranking(case, scores, labels):
    add(case, "roc_auc", m.roc_auc_score(labels, scores))
    add(case, "average_precision", m.average_precision_score(labels, scores))
    for point in zip(*m.roc_curve(labels, scores)):
        roc.append((case, *map(exact, point)))


def probabilities(case, p, labels):
    add(case, "brier_score", m.brier_score_loss(labels, p))
    add(case, "log_loss", m.log_loss(labels, p))
    predicted = p > 0.5
    add(case, "accuracy", m.accuracy_score(labels, predicted))
    add(case, "precision", m.precision_score(labels, predicted))
    add(case, "recall", m.recall_score(labels, predicted))
    add(case, "specificity", m.recall_score(labels, predicted, pos_label=0))
    add(case, "f1", m.f1_score(labels, predicted))
    add(case, "mcc", m.matthews_corrcoef(labels, predicted))
    add(case, "balanced_accuracy", m.balanced_accuracy_score(labels, predicted))


for name, (score, label) in ROWS.items():
    ranking(name, score, label)
    if np.all((score >= 0) & (score <= 1)):
        probabilities(name, score, label)
for name, (predicted, actual) in CLASSES.items():
    add(name, "accuracy", m.accuracy_score(actual, predicted))
    add(name, "macro_f1", m.f1_score(actual, predicted, average="macro"))
    add(name, "weighted_f1", m.f1_score(actual, predicted, average="weighted"))
for name, (predicted, actual) in VALUES.items():
    add(name, "mse", m.mean_squared_error(actual, predicted))
    add(name, "rmse", m.root_mean_squared_error(actual, predicted))
    add(name, "mae", m.mean_absolute_error(actual, predicted))
    add(name, "r2", m.r2_score(actual, predicted))


def auc_of_halves(positives, negatives):
    labels = np.r_[np.ones(len(positives)), np.zeros(len(negatives))]
    return m.roc_auc_score(labels, np.r_[positives, negatives])


def interval(case, stratified):
    score, label = ROWS[case]
    data = (score[label], score[~label]) if stratified else (label.astype(int), score)
    statistic = auc_of_halves if stratified else m.roc_auc_score
    found = stats.bootstrap(data, statistic, paired=not stratified, vectorized=False, method="percentile",
                            n_resamples=20000, rng=np.random.default_rng(7))
    return (case, int(stratified), *map(exact, found.confidence_interval))


def write(name, header, rows):
    with open(name, "w", newline="") as f:
        csv.writer(f, lineterminator="\n").writerows([header, *rows])


def pairs(cases, first, second):
    return [(c, first(a), second(b)) for c, (x, y) in cases.items() for a, b in zip(x, y)]


write("metrics_rows.csv", ("case", "score", "label"), pairs(ROWS, exact, int))
write("metrics_classes.csv", ("case", "predicted", "actual"), pairs(CLASSES, int, int))
write("metrics_values.csv", ("case", "predicted", "actual"), pairs(VALUES, exact, exact))
write("metrics_roc.csv", ("case", "fpr", "tpr", "threshold"), roc)
write("metrics_expected.csv", ("case", "metric", "value"), expected)
write("metrics_bootstrap.csv", ("case", "stratified", "low", "high"),
      [interval(case, stratified) for case in ("plain", "ties") for stratified in (False, True)])
