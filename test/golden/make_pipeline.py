"""Golden values for test_pipeline.c, computed by scikit-learn.

Run from this directory: python make_pipeline.py
Writes pipeline_rows.csv (use, then the features; an empty cell is missing): the rows to learn from ("fit") and rows
to apply to ("apply", which also have a category that was never seen); pipeline_inputs.csv (case, row, input, value)
and pipeline_statistics.csv (feature, statistic, value).

scikit-learn's scalers skip missing values, so they are fitted before imputation, as healthml does.  A category that
training has not seen is missing, and a missing one is the most frequent: SimpleImputer and then the encoders.
"""

import csv

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, RobustScaler, StandardScaler

rng = np.random.default_rng(4)
N_FIT, N_APPLY = 90, 12
NUMERIC = ["pressure", "creatinine", "offset", "unit", "smoker"]  # smoker is boolean
CATEGORY = ["ward", "sex"]


def table(n, fit):
    rows = {
        "pressure": np.round(rng.normal(130, 18, n)),
        "creatinine": rng.lognormal(0, 0.6, n),
        "offset": 1e3 + rng.normal(0, 1, n),  # far from zero: moments must not cancel
        "unit": np.full(n, 1.1),  # constant
        "smoker": (rng.random(n) < 0.3).astype(float),
    }
    for name, share in {"pressure": 0.1, "creatinine": 0.3, "smoker": 0.15}.items():
        rows[name][rng.random(n) < share] = np.nan
    wards = ["Nord", "Süd", "ICU", "icu", "O'Hara \"East\""]
    rows["ward"] = np.array(wards + ([] if fit else ["Mars"]), dtype=object)[
        rng.choice(5 if fit else 6, n, p=[0.4, 0.2, 0.2, 0.1, 0.1] if fit else None)
    ]
    rows["sex"] = np.array(["m", "f"], dtype=object)[rng.integers(0, 2, n)]
    rows["ward"][rng.random(n) < 0.2] = np.nan
    return rows


FIT, APPLY = table(N_FIT, True), table(N_APPLY, False)
SCALERS = {"standard": StandardScaler, "robust": RobustScaler, "minmax": MinMaxScaler}
CASES = [
    ("median", "none", "onehot"),
    ("mean", "standard", "onehot"),
    ("constant", "robust", "ordinal"),
    ("median", "minmax", "ordinal"),
    ("mean", "robust", "onehot"),
    ("median", "standard", "ordinal"),
]
CONSTANT = 7.0


def scale(scaling, fit, filled):
    return SCALERS[scaling]().fit(fit).transform(filled) if scaling in SCALERS else filled


def inputs(imputation, scaling, encoding):
    columns = []
    for name in NUMERIC:
        imputer = SimpleImputer(strategy=imputation, fill_value=CONSTANT).fit(FIT[name][:, None])
        columns.append(scale(scaling, FIT[name][:, None], imputer.transform(APPLY[name][:, None])))
    for name in CATEGORY:
        known = [x == x for x in FIT[name]]
        seen = FIT[name][known][:, None]
        imputer = SimpleImputer(strategy="most_frequent").fit(FIT[name][:, None])
        rows = np.array([x if x in seen else np.nan for x in APPLY[name]], dtype=object)[:, None]
        filled = imputer.transform(rows)
        if encoding == "onehot":
            columns.append(OneHotEncoder(sparse_output=False).fit(seen).transform(filled))
        else:
            encoder = OrdinalEncoder().fit(seen)
            columns.append(scale(scaling, encoder.transform(seen), encoder.transform(filled)))
    return np.hstack(columns)


def write(path, header, rows):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_NONE, quotechar=None)
        writer.writerow(header)
        writer.writerows(rows)


def cell(x):
    return x if isinstance(x, str) else "" if x != x else repr(float(x))


write(
    "pipeline_rows.csv",
    ["use"] + NUMERIC + CATEGORY,
    [["fit"] + [cell(FIT[name][i]) for name in NUMERIC + CATEGORY] for i in range(N_FIT)]
    + [["apply"] + [cell(APPLY[name][i]) for name in NUMERIC + CATEGORY] for i in range(N_APPLY)],
)
write(
    "pipeline_inputs.csv",
    ["case", "row", "input", "value"],
    [
        [" ".join(case), row, column, repr(float(value))]
        for case in CASES
        for (row, column), value in np.ndenumerate(inputs(*case))
    ],
)

statistics = []
for name in NUMERIC:
    there = FIT[name][~np.isnan(FIT[name])]
    statistics.append([name, "missing_share", np.mean(np.isnan(FIT[name]))])
    statistics.append([name, "mean", np.mean(there)])
    statistics.append([name, "sd", StandardScaler().fit(FIT[name][:, None]).var_[0] ** 0.5])
    for label, q in [("min", 0), ("p05", 5), ("p25", 25), ("median", 50), ("p75", 75), ("p95", 95), ("max", 100)]:
        statistics.append([name, label, np.percentile(there, q)])
for name in CATEGORY:
    there = [x for x in FIT[name] if x == x]
    statistics.append([name, "missing_share", 1 - len(there) / N_FIT])
    for text in sorted(set(there)):
        statistics.append([name, "share of " + text, there.count(text) / len(there)])
write("pipeline_statistics.csv", ["feature", "statistic", "value"], [[f, s, repr(float(v))] for f, s, v in statistics])
