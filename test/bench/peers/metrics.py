"""Metrics of scikit-learn.

Argument: a CSV file of scores and labels without a header.  Prints lines 'name<TAB>peer<TAB>figure'.
"""
import sys
import time

import numpy
import sklearn
from sklearn import metrics

scores, labels = numpy.loadtxt(sys.argv[1], delimiter=",").T
functions = {
    "roc_auc": metrics.roc_auc_score,
    "average_precision": metrics.average_precision_score,
    "brier_score": metrics.brier_score_loss,
    "log_loss": metrics.log_loss,
}
for name, function in functions.items():
    times = []
    for _ in range(3):
        start = time.perf_counter()
        function(labels, scores)
        times.append(time.perf_counter() - start)
    print(f"{name}\tscikit-learn {sklearn.__version__}\t{1e3 * min(times):.6g}", flush=True)
