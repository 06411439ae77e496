#!/usr/bin/env python3
"""What ONNX Runtime computes with the files that healthml writes: makes nn_onnx.txt and model_onnx.txt.

    make build/unit/test_nn_onnx build/unit/test_model_onnx
    test/golden/make_nn_onnx.py build/unit/test_nn_onnx >test/golden/nn_onnx.txt
    test/golden/make_nn_onnx.py build/unit/test_model_onnx >test/golden/model_onnx.txt

Each line: number of the case, CRC-32C of its file, number of values, the values.  Needs onnx and
onnxruntime; every file also has to pass the checker of onnx.
"""
import glob
import os
import subprocess
import sys
import tempfile

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnx
import onnxruntime

SAMPLES = 2


def crc32c(data):
    table = []
    for i in range(256):
        for _ in range(8):
            i = i >> 1 ^ 0x82F63B78 if i & 1 else i >> 1
        table.append(i)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def read_input(path, info):
    shape = [d.dim_value for d in info.type.tensor_type.shape.dim[1:]]
    kind = {1: np.float32, 11: np.float64}[info.type.tensor_type.elem_type]
    return np.fromfile(path, dtype=kind).reshape([-1] + shape)


def run(path):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    inputs = {
        info.name: read_input(f"{path[:-5]}.input{i}", info) for i, info in enumerate(model.graph.input)
    }
    return session.run(["output"], inputs)[0]


def main():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1]], env={**os.environ, "HEALTHML_ONNX_OUT": folder}, check=True,
                       stdout=subprocess.DEVNULL)
        print(f"# ONNX Runtime {onnxruntime.__version__}, onnx {onnx.__version__}")
        for path in sorted(glob.glob(f"{folder}/*.onnx")):
            values = run(path).astype(np.float64).ravel()
            number = int(os.path.basename(path)[:-5])
            crc = crc32c(open(path, "rb").read())
            print(number, f"{crc:08x}", len(values), *(f"{v:.8g}" for v in values))


if __name__ == "__main__":
    main()
