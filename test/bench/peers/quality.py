"""What scikit-learn reaches under the protocols of scripts/quality:  quality.py classify|detect FILE SEEDS

FILE has features f1..fn, a label, and a column fold1..foldS for each seed."""
import sys
import warnings

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")
kind, path, seeds = sys.argv[1], sys.argv[2], int(sys.argv[3])
data = np.genfromtxt(path, delimiter=",", names=True)
x = np.column_stack([data[name] for name in data.dtype.names if name[0] == "f" and name[1:].isdigit()])
y = data["label"].astype(int)


def classify():
    aucs, accuracies = [], []
    for seed in range(1, seeds + 1):
        folds = data[f"fold{seed}"]
        for fold in range(5):
            learnt, held = folds != fold, folds == fold
            model = make_pipeline(
                SimpleImputer(strategy="median"),
                StandardScaler(),
                MLPClassifier((64, 32, 16), alpha=1e-4, batch_size=32, max_iter=100, early_stopping=True,
                              validation_fraction=0.15, n_iter_no_change=15, random_state=seed))
            model.fit(x[learnt], y[learnt])
            p = model.predict_proba(x[held])[:, 1]
            aucs.append(roc_auc_score(y[held], p))
            accuracies.append(np.mean((p > 0.5) == (y[held] == 1)))
    return np.mean(aucs), np.mean(accuracies)


def detect():
    filled = SimpleImputer(strategy="median").fit_transform(x)

    def auc(seed, learnt, judged):
        forest = IsolationForest(n_estimators=300, random_state=seed).fit(filled[learnt])
        return roc_auc_score(y[judged], -forest.score_samples(filled[judged]))

    everyone = np.full(len(y), True)
    normal = {seed: (y == 0) & (data[f"fold{seed}"] < 3) for seed in range(1, seeds + 1)}
    return (np.mean([auc(seed, everyone, everyone) for seed in normal]),
            np.mean([auc(seed, rows, ~rows) for seed, rows in normal.items()]))


print(*(f"{figure:.6f}" for figure in (classify if kind == "classify" else detect)()), sep="\t")
