"""Isolation forest of scikit-learn, and its Shapley values by shap or xgboost, one thread.

Argument: a CSV file of 100,000 rows without a header.  Prints lines 'name<TAB>peer<TAB>figure'.
"""
import sys
import time

import numpy
import sklearn
from sklearn.ensemble import IsolationForest


def best(runs, work):
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def say(name, peer, figure):
    print(f"{name}\t{peer}\t{figure:.6g}", flush=True)


rows = numpy.loadtxt(sys.argv[1], delimiter=",", dtype=numpy.float32)
name = f"scikit-learn {sklearn.__version__}"
say("fit", name, 1e3 * best(3, lambda: IsolationForest(n_estimators=300, max_samples=256, random_state=1).fit(rows)))

forest = IsolationForest(n_estimators=300, max_samples=256, random_state=1).fit(rows[:10000])
say("score", name, 1e6 / len(rows) * best(2, lambda: forest.score_samples(rows)))
say("score_one", name, 1e6 * best(20, lambda: forest.score_samples(rows[:1])))

try:
    import shap

    explainer = shap.TreeExplainer(forest)
    name = f"shap {shap.__version__}"
    say("shap", name, 1e6 / 20 * best(1, lambda: explainer.shap_values(rows[:20])))
    say("shap_one", name, 1e6 * best(3, lambda: explainer.shap_values(rows[:1])))
except ImportError as missing:
    print(missing, file=sys.stderr)
