"""Classifiers of scikit-learn as skl2onnx writes them, with labels that are not 0, 1, 2.  Writes test/golden/onnx_labels.csv:
name, file in base64, features, label and probabilities that onnxruntime gives, as text.

    python test/golden/make_onnx_labels.py
"""
import base64, csv, json, os, warnings
import numpy as np, onnxruntime
from skl2onnx import to_onnx
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")
x = np.random.default_rng(1).normal(size=(200, 3)).astype(np.float32)
targets = {"1 and 2": (x[:, 0] > 0).astype(int) + 1, "1 to 3": np.digitize(x[:, 0], [-0.5, 0.5]) + 1, "texts": np.where(x[:, 0] > 0, "ill", "healthy")}
rows = []
for name, y in targets.items():
    model = make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=30, random_state=0)).fit(x, y)
    for zipmap in (True, False):
        data = to_onnx(model, x[:1], options={"zipmap": zipmap}).SerializeToString()
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        label, p = session.run(None, {"X": x[:1]})
        p = p[0] if zipmap else dict(zip(model.classes_.tolist(), p[0].tolist()))
        rows.append([name + (", a dictionary" if zipmap else ", an array"), base64.b64encode(data).decode(), "{%s}" % ",".join(repr(float(v)) for v in x[0]), str(label[0]),
                     json.dumps({str(k): round(float(v), 6) for k, v in p.items()})])
with open(os.path.join(os.path.dirname(__file__), "onnx_labels.csv"), "w", newline="") as out:
    csv.writer(out, lineterminator="\n").writerows([["name", "file", "features", "label", "probabilities"]] + rows)
