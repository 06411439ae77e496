#!/usr/bin/env python3
"""Networks trained elsewhere, as ONNX files: makes test/golden/onnx/.

    python3 test/golden/make_onnx_models.py pytorch     # needs torch
    python3 test/golden/make_onnx_models.py sklearn     # needs scikit-learn, skl2onnx
    python3 test/golden/make_onnx_models.py keras       # needs onnx; in the form that tf2onnx writes

NAME.onnx is the file; NAME.txt holds two samples and what the network's own library computes for them:
numbers of inputs and outputs, then the values.
"""
import os
import sys

import numpy as np

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "onnx")
SAMPLES = 2


def save_text(name, inputs, outputs):
    inputs, outputs = np.asarray(inputs, np.float32), np.asarray(outputs, np.float64)
    with open(f"{FOLDER}/{name}.txt", "w") as file:
        print(inputs.size, outputs.size, file=file)
        for values in (inputs.ravel(), outputs.ravel()):
            print(*(f"{v:.9g}" for v in values), file=file)


def pytorch():
    import torch
    from torch import nn

    class Signal(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv1d(5, 8, 3, padding=1)
            self.norm = nn.BatchNorm1d(8)
            self.gru = nn.GRU(8, 6, 2, batch_first=True, bidirectional=True)
            self.out = nn.Linear(12, 3)

        def forward(self, x):
            x = torch.relu(self.norm(self.conv(x)))
            x, _ = self.gru(x.transpose(1, 2))
            return torch.softmax(self.out(x[:, -1]), 1)

    class Image(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(
                nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.SiLU(), nn.MaxPool2d(2),
                nn.Conv2d(4, 4, 3, groups=4), nn.GELU(), nn.AdaptiveAvgPool2d(1))
            self.out = nn.Linear(4, 1)

        def forward(self, x):
            x = self.features(x)
            return torch.sigmoid(self.out(x.view(x.size(0), -1)))

    class Autoencoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.LSTM(3, 4, batch_first=True)
            self.decoder = nn.LSTM(4, 4, batch_first=True)
            self.out = nn.Linear(4, 3)

        def forward(self, x):
            _, (h, _) = self.encoder(x)
            z = h[-1].unsqueeze(1).repeat(1, x.size(1), 1)
            return self.out(self.decoder(z)[0])

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden = nn.Linear(6, 5)
            self.score = nn.Linear(5, 1, bias=False)
            self.norm = nn.LayerNorm(6)

        def forward(self, x):
            weights = torch.softmax(self.score(torch.tanh(self.hidden(x))), 1)
            return self.norm((weights * x).sum(1))

    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Conv2d(3, 6, 3, stride=2, padding=1, bias=False)
            self.b = nn.Conv2d(6, 6, 3, padding=1)
            self.squeeze = nn.Conv2d(6, 2, 1)
            self.excite = nn.Conv2d(2, 6, 1)
            self.out = nn.Linear(6 * 4 * 4, 2)

        def forward(self, x):
            x = torch.nn.functional.leaky_relu(self.a(x), 0.2)
            y = self.b(x)
            gate = torch.sigmoid(self.excite(torch.relu(self.squeeze(y.mean((2, 3), keepdim=True)))))
            return self.out(torch.flatten(torch.relu(x + y * gate), 1))

    torch.manual_seed(0)
    for name, model, shape, dynamic in (
        ("pytorch_signal", Signal(), (5, 16), True),
        ("pytorch_image", Image(), (1, 12, 12), True),
        ("pytorch_autoencoder", Autoencoder(), (7, 3), False),
        ("pytorch_attention", Attention(), (9, 6), True),
        ("pytorch_residual", Residual(), (3, 8, 8), True),
    ):
        model.eval()
        for module in model.modules():
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                module.running_mean.uniform_(-0.5, 0.5)
                module.running_var.uniform_(0.5, 2)
        x = torch.randn(SAMPLES, *shape)
        axes = {"x": {0: "n"}, "y": {0: "n"}} if dynamic else None
        torch.onnx.export(model, x, f"{FOLDER}/{name}.onnx", opset_version=17, input_names=["x"],
                          output_names=["y"], dynamic_axes=axes)
        save_text(name, x.numpy(), model(x).detach().numpy())


def sklearn():
    from skl2onnx import to_onnx
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, (200, 4)).astype(np.float32)
    classes = np.digitize(x[:, 0], [2, 4])
    binary = make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=50)).fit(x, classes > 0)
    several = MLPClassifier((8, 5), activation="tanh", max_iter=50).fit(x, classes)
    value = MLPRegressor(hidden_layer_sizes=(6,), activation="logistic", max_iter=50).fit(x, x[:, 0])
    probe = x[:SAMPLES]
    for name, model, y in (
        ("sklearn_binary", binary, binary.predict_proba(probe)[:, 1]),
        ("sklearn_classes", several, several.predict_proba(probe)),
        ("sklearn_value", value, value.predict(probe)),
    ):
        with open(f"{FOLDER}/{name}.onnx", "wb") as file:
            file.write(to_onnx(model, x[:1]).SerializeToString())
        save_text(name, probe, y)


def keras():
    """A small image classifier with the batch of images in channels-last order, as tf2onnx writes it."""
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(1)
    constants = {
        "conv/kernel": rng.normal(0, 0.3, (6, 3, 3, 3)).astype(np.float32),
        "conv/bias": rng.normal(0, 0.3, 6).astype(np.float32),
        "dense/kernel": rng.normal(0, 0.3, (6 * 4 * 4, 5)).astype(np.float32),
        "dense/bias": rng.normal(0, 0.3, 5).astype(np.float32),
        "flat": np.array([-1, 6 * 4 * 4], np.int64),
    }
    nodes = [
        helper.make_node("Transpose", ["x"], ["nchw"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["nchw", "conv/kernel", "conv/bias"], ["conv"], kernel_shape=[3, 3],
                         strides=[2, 2], auto_pad="SAME_UPPER"),
        helper.make_node("Relu", ["conv"], ["relu"]),
        helper.make_node("Transpose", ["relu"], ["nhwc"], perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", ["nhwc", "flat"], ["flattened"]),
        helper.make_node("MatMul", ["flattened", "dense/kernel"], ["product"]),
        helper.make_node("Add", ["product", "dense/bias"], ["sum"]),
        helper.make_node("Softmax", ["sum"], ["y"], axis=-1),
    ]
    graph = helper.make_graph(
        nodes, "keras", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 8, 7, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 5])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, f"{FOLDER}/keras_image.onnx")
    x = rng.normal(size=(SAMPLES, 8, 7, 3)).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    save_text("keras_image", x, session.run(None, {"x": x})[0])


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    {"pytorch": pytorch, "sklearn": sklearn, "keras": keras}[sys.argv[1]]()
