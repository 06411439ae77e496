"""Golden forests, scores and Shapley values for test_iforest.c and test_treeshap.c.

Run from this directory: python make_iforest.py (scikit-learn 1.9, shap 0.51)
Writes, for each case, iforest/<case>.forest.json in the format that hml_iforest_import() reads and
iforest/<case>.csv: the inputs x0 .. xn, score, the Shapley values phi0 .. phin of the margin, base.
Writes iforest/patients.forest.json, .scores.csv and .shap.csv: invented patients with the columns of a table of
heart disease, scikit-learn's scores and verdicts, and shap's values of the first of them.
Writes iforest/quality.csv (case, n_samples, mean_auc, worst_auc): scikit-learn's ROC AUC over 20 seeds on
data that test_iforest.c makes too.

Scores are scikit-learn's.  Shapley values are brute force over all coalitions, and shap's, with the sign turned
and divided by c(max_samples), must be the same; for "wide" they are shap's alone.  The base value of shap is
not used with bootstrap: it is weighted by other counts than its Shapley values are, so that the two do not add up.
"""

import csv
import itertools
import json
import math

import numpy as np
import shap
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score


def average_path(n):
    return 0.0 if n <= 1 else 1.0 if n == 2 else 2 * (math.log(n - 1) + np.euler_gamma) - 2 * (n - 1) / n


def export(model, names):
    trees = []
    for estimator, columns in zip(model.estimators_, model.estimators_features_):
        tree = estimator.tree_
        trees.append({
            "feature": [int(columns[f]) if f >= 0 else -1 for f in tree.feature],
            "threshold": tree.threshold.tolist(),
            "left": tree.children_left.tolist(),
            "right": tree.children_right.tolist(),
            "n_samples": tree.n_node_samples.tolist(),
            "cover": tree.weighted_n_node_samples.tolist(),
        })
    return {"format": "healthml-iforest/1", "feature_names": names, "max_samples": int(model.max_samples_),
            "offset": float(model.offset_), "trees": trees}


def expectation(tree, x, known, node=0, depth=0):
    """Mean leaf path of one tree when only the features of 'known' decide."""
    left, right = tree["left"][node], tree["right"][node]
    if left < 0:
        return depth + average_path(tree["n_samples"][node])
    feature = tree["feature"][node]
    if feature in known:
        down = left if np.float32(x[feature]) <= tree["threshold"][node] else right
        return expectation(tree, x, known, down, depth + 1)
    return (tree["cover"][left] * expectation(tree, x, known, left, depth + 1)
            + tree["cover"][right] * expectation(tree, x, known, right, depth + 1)) / tree["cover"][node]


def brute_force(forest, x):
    """Shapley values by their definition, and the margin of the empty coalition."""
    n = len(x)
    c = average_path(forest["max_samples"])
    if c == 0:
        return np.zeros(n), -1.0  # scikit-learn's score is 1/2 for every row
    unit = -1 / (len(forest["trees"]) * c)
    value = {}
    for size in range(n + 1):
        for known in itertools.combinations(range(n), size):
            value[known] = unit * sum(expectation(tree, x, known) for tree in forest["trees"])
    phi = np.zeros(n)
    for known, v in value.items():
        for i in set(range(n)) - set(known):
            weight = math.factorial(len(known)) * math.factorial(n - len(known) - 1) / math.factorial(n)
            phi[i] += weight * (value[tuple(sorted(known + (i,)))] - v)
    return phi, value[()]


def by_shap(model, x):
    explainer = shap.TreeExplainer(model)
    unit = -1 / average_path(model.max_samples_)
    return explainer.shap_values(x, check_additivity=False) * unit, float(np.ravel(explainer.expected_value)[0]) * unit


def write(case, model, rows, force):
    names = [f"x{i}" for i in range(rows.shape[1])]
    forest = export(model, names)
    with open(f"iforest/{case}.forest.json", "w") as file:
        json.dump(forest, file, separators=(",", ":"))
    scores = -model.score_samples(rows)
    if force:
        phi, base = map(np.array, zip(*(brute_force(forest, row) for row in rows)))
    if model.max_samples_ > 1:
        theirs, their_base = by_shap(model, rows)
        if force:
            assert np.allclose(theirs, phi, rtol=0, atol=1e-9), case
            assert model.bootstrap or np.allclose(their_base, base, rtol=0, atol=1e-9), case
        else:
            phi, base = theirs, np.full(len(rows), their_base)
    assert np.allclose(np.log2(scores), base + phi.sum(axis=1), rtol=0, atol=1e-9), case
    with open(f"iforest/{case}.csv", "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(names + ["score"] + [f"phi{i}" for i in range(len(names))] + ["base"])
        for row, score, contributions, b in zip(rows, scores, phi, base):
            out.writerow([repr(float(v)) for v in (*row, score, *contributions, b)])


def case(name, x, queries, force=True, **options):
    model = IsolationForest(random_state=7, **options).fit(x)
    write(name, model, np.vstack([x[:queries], x[:queries] * 1.7 - 0.3]), force)


def quality():
    """Data that C makes as well: numbers of a linear congruential generator, no library between."""
    state = 12345

    def uniform():
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (state >> 11) / 2**53

    x = np.array([[sum(uniform() for _ in range(4)) - 2 for _ in range(6)] for _ in range(600)])
    label = np.arange(600) % 20 == 0
    x[label] *= 1.6
    with open("iforest/quality.csv", "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["case", "n_estimators", "max_samples", "max_features", "bootstrap", "mean", "sd"])
        for name, options in {
            "plain": dict(n_estimators=50, max_samples=256),
            "small": dict(n_estimators=50, max_samples=64),
            "subspace": dict(n_estimators=50, max_samples=128, max_features=0.5),
            "bootstrap": dict(n_estimators=50, max_samples=256, bootstrap=True),
        }.items():
            auc = [roc_auc_score(label, -IsolationForest(random_state=seed, **options).fit(x).score_samples(x))
                   for seed in range(20)]
            out.writerow([name, options["n_estimators"], options["max_samples"], options.get("max_features", 1.0),
                          int(options.get("bootstrap", False)), repr(float(np.mean(auc))), repr(float(np.std(auc, ddof=1)))])


def patients():
    """A generator of its own, so that the other cases stay as they are."""
    rng = np.random.default_rng(11)
    n = 150
    columns = {"age": rng.integers(30, 80, n), "male": rng.integers(0, 2, n), "chest_pain_type": rng.integers(1, 5, n),
               "resting_bp": np.round(rng.normal(131, 17, n)), "cholesterol": np.round(rng.normal(247, 50, n)),
               "high_fasting_sugar": rng.random(n) < 0.15, "resting_ecg": rng.integers(0, 3, n),
               "max_heart_rate": np.round(rng.normal(149, 23, n)), "exercise_angina": rng.random(n) < 0.33,
               "st_depression": np.round(rng.exponential(1, n), 1), "st_slope": rng.integers(1, 4, n),
               "vessels": rng.integers(0, 4, n), "thallium": rng.choice([3, 6, 7], n)}
    x = np.column_stack(list(columns.values())).astype(float)
    model = IsolationForest(random_state=7, n_estimators=10, max_samples=64, contamination=0.1).fit(x)
    with open("iforest/patients.forest.json", "w") as file:
        json.dump(export(model, list(columns)), file, separators=(",", ":"))
    with open("iforest/patients.scores.csv", "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["row_id", *columns, "expected_score", "expected_is_anomaly"])
        for i, (row, score) in enumerate(zip(x, -model.score_samples(x))):
            out.writerow([i, *(f"{v:g}" for v in row), repr(float(score)), int(score > -model.offset_)])
    phi, base = by_shap(model, x[:20])
    with open("iforest/patients.shap.csv", "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["row_id", *columns, "base_value", "margin"])
        for i, row in enumerate(phi):
            out.writerow([i, *(repr(float(v)) for v in row), repr(base), repr(float(base + row.sum()))])


rng = np.random.default_rng(2)
mixed = np.column_stack([rng.normal(size=200), rng.integers(0, 2, 200), rng.normal(130, 15, 200),
                         np.full(200, 3.5), rng.integers(0, 4, 200), rng.exponential(1, 200)])
case("plain", mixed, 6, n_estimators=8, max_samples=64, contamination=0.1)
case("bootstrap", mixed, 6, n_estimators=8, max_samples=64, bootstrap=True)
case("subspace", mixed, 6, n_estimators=8, max_samples=64, max_features=0.5)
case("subspace_bootstrap", mixed, 6, n_estimators=8, max_samples=64, max_features=2, bootstrap=True)
case("deep", rng.normal(size=(600, 4)), 4, n_estimators=2, max_samples=600)
case("wide", rng.normal(size=(80, 40)), 4, force=False, n_estimators=5, max_samples=64)
case("pair", mixed, 2, n_estimators=3, max_samples=2)
case("single", mixed, 2, n_estimators=2, max_samples=1)
patients()
quality()
