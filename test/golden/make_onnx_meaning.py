"""ONNX files in which a pattern that the importer rewrites lacks one of its conditions, and some in which it
has them all; onnxruntime says what they compute.  Writes test/golden/onnx_meaning.csv: name, file in base64,
features, answer.  The importer must give the answer or refuse the file, and must take those named "taken ...".

    python test/golden/make_onnx_meaning.py
"""
import base64, csv, os
import numpy as np, onnx, onnxruntime
from onnx import TensorProto as T, helper as h, numpy_helper as nh

rows = []


def f32(name, values):
    return nh.from_array(np.array(values, np.float32), name)


def add(name, nodes, x, n=None, constants=(), opset=17, domains=(), answer=None, element=T.FLOAT, functions=()):
    n = n or [len(x)]
    graph = h.make_graph(nodes, "g", [h.make_tensor_value_info("x", element, ["N"] + n)],
                         [h.make_tensor_value_info("y", T.FLOAT, None)], list(constants))
    imports = [h.make_opsetid("", opset)] + [h.make_opsetid(d, 1) for d in domains]
    model = h.make_model(graph, opset_imports=imports, functions=list(functions), ir_version=7 if not functions else 8)
    data = model.SerializeToString()
    if answer is None:
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        kind = np.float64 if element == T.DOUBLE else np.float32
        answer = float(np.ravel(session.run(["y"], {"x": np.array([x], kind).reshape([1] + n)})[0])[0])
    rows.append([name, base64.b64encode(data).decode(), "{%s}" % ",".join(repr(float(v)).replace("nan", "NaN") for v in x),
                 repr(answer)])


node = h.make_node
total = f32("w", [[1], [1]])
nan = float("nan")
fill = [node("IsNaN", ["x"], ["m"]), node("Where", ["m", "f", "x"], ["a"])]
add("taken: missing values are filled in", fill + [node("MatMul", ["a", "w"], ["y"])], [nan, 2], constants=[f32("f", [7, 8]), total])
add("where it is missing is a number, too", [node("IsNaN", ["x"], ["m"]), node("Cast", ["m"], ["c"], to=T.FLOAT), node("MatMul", ["c", "w"], ["y"])],
    [nan, 2], constants=[total])
add("filled in, and where it was missing", fill + [node("Cast", ["m"], ["c"], to=T.FLOAT), node("Add", ["a", "c"], ["s"]), node("MatMul", ["s", "w"], ["y"])],
    [nan, 2], constants=[f32("f", [7, 8]), total])
add("filled in, and read again as it was", fill + [node("Add", ["a", "x"], ["s"]), node("MatMul", ["s", "w"], ["y"])], [1, 2],
    constants=[f32("f", [7, 8]), total])
add("filled in by way of a view, and read again", [node("Identity", ["x"], ["v"]), node("IsNaN", ["v"], ["m"]), node("Where", ["m", "f", "v"], ["a"]),
    node("Add", ["a", "x"], ["s"]), node("MatMul", ["s", "w"], ["y"])], [1, 2], constants=[f32("f", [7, 8]), total])
add("one bias, its product read twice through a view", [node("MatMul", ["x", "w"], ["p"]), node("Identity", ["p"], ["v"]), node("Add", ["v", "b"], ["s"]),
    node("Add", ["s", "p"], ["y"])], [1, 2], constants=[total, f32("b", [5])])
add("one bias, its product read twice through two views", [node("MatMul", ["x", "w"], ["p"]), node("Identity", ["p"], ["v"]), node("Identity", ["p"], ["u"]),
    node("Add", ["v", "b"], ["s"]), node("Add", ["s", "u"], ["y"])], [1, 2], constants=[total, f32("b", [5])])
add("taken: a bias", [node("MatMul", ["x", "w"], ["p"]), node("Add", ["p", "b"], ["y"])], [1, 2], constants=[total, f32("b", [5])])
add("taken: x sigmoid(x)", [node("Sigmoid", ["x"], ["s"]), node("Mul", ["s", "x"], ["m"]), node("MatMul", ["m", "w"], ["y"])], [1, 2], constants=[total])
two = [node("Reshape", ["x", "r"], ["a"]), node("Sigmoid", ["x"], ["s"]), node("Reshape", ["s", "t"], ["b"]), node("Mul", ["a", "b"], ["m"]),
       node("ReduceSum", ["m", "axes"], ["y"], keepdims=0)]
add("x sigmoid(x) in other dimensions", two, [1, 2], constants=[nh.from_array(np.array([-1, 2, 1]), "r"), nh.from_array(np.array([-1, 1, 2]), "t"),
    nh.from_array(np.array([1, 2]), "axes")])
add("a constant that adds a dimension", [node("Add", ["x", "b"], ["s"]), node("ReduceMax", ["s"], ["r"], axes=[1], keepdims=0), node("MatMul", ["r", "w"], ["y"])],
    [1, 2], constants=[f32("b", [[[1, 1]]]), total])
add("one half that adds a dimension, in gelu", [node("Div", ["x", "q"], ["d"]), node("Erf", ["d"], ["e"]), node("Add", ["e", "o"], ["p"]), node("Mul", ["x", "p"], ["m"]),
    node("Mul", ["m", "h"], ["g"]), node("ReduceMax", ["g"], ["r"], axes=[1], keepdims=0), node("MatMul", ["r", "w"], ["y"])], [1, 2],
    constants=[f32("q", 2 ** 0.5), f32("o", 1), f32("h", [[[0.5]]]), total])
own = h.make_function("own", "Relu", ["a"], ["b"], [node("Neg", ["a"], ["b"])], [h.make_opsetid("", 17)])
add("a function of the model with the name of an operator", [node("Relu", ["x"], ["r"], domain="own"), node("MatMul", ["r", "w"], ["y"])], [1, 2],
    constants=[total], domains=["own"], functions=[own])
image = [1, 2, 3, 4]
add("an axis of old broadcasting", [node("Add", ["x", "b"], ["s"], axis=1, broadcast=1), node("Reshape", ["s", "t"], ["f"]), node("MatMul", ["f", "w"], ["y"])], image, [2, 2],
    constants=[f32("b", [10, 20]), f32("w", [[1], [0], [0], [0]]), nh.from_array(np.array([-1, 4]), "t")], opset=6, answer=11.0)
add("an old axis that is the last one", [node("Add", ["x", "b"], ["s"], axis=2, broadcast=1), node("Reshape", ["s", "t"], ["f"]), node("MatMul", ["f", "w"], ["y"])], image, [2, 2],
    constants=[f32("b", [10, 20]), f32("w", [[0], [1], [0], [0]]), nh.from_array(np.array([-1, 4]), "t")], opset=6, answer=22.0)
add("an attribute that no version has", [node("Relu", ["x"], ["r"], alpha=0.5), node("MatMul", ["r", "w"], ["y"])], [-1, 2], constants=[total], answer=1.5)
norm = [f32("s", [1, 1]), f32("b", [0, 0]), f32("mean", [3, 3]), f32("var", [4, 4])]
for opset in (9, 13):
    add("batch norm that trains, opset %d" % opset, [node("BatchNormalization", ["x", "s", "b", "mean", "var"], ["n", "m2", "v2", "sm", "sv"]), node("MatMul", ["n", "w"], ["y"])],
        [1, 2], constants=norm + [total], opset=opset, answer=0.0)
add("taken: batch norm", [node("BatchNormalization", ["x", "s", "b", "mean", "var"], ["n"]), node("MatMul", ["n", "w"], ["y"])], [1, 2], constants=norm + [total])
add("dropout that trains", [node("Dropout", ["x", "r", "t"], ["d"]), node("MatMul", ["d", "w"], ["y"])], [1, 2],
    constants=[f32("r", 0.5), nh.from_array(np.array(True), "t"), total], answer=float("nan"))
add("dropout that trains, opset 6", [node("Dropout", ["x"], ["d"], ratio=0.5), node("MatMul", ["d", "w"], ["y"])], [1, 2], constants=[total], opset=6, answer=float("nan"))
add("taken: dropout", [node("Dropout", ["x"], ["d"]), node("MatMul", ["d", "w"], ["y"])], [1, 2], constants=[total])
add("pads beside auto_pad", [node("Conv", ["x", "k"], ["c"], auto_pad="VALID", pads=[1, 1], kernel_shape=[2]), node("ReduceSum", ["c", "axes"], ["y"], keepdims=0)], [1, 2, 3], [1, 3],
    constants=[f32("k", [[[1, 1]]]), nh.from_array(np.array([2]), "axes")], answer=8.0)

def f64(name, values):
    return nh.from_array(np.array(values, np.float64), name)


total64 = f64("w64", [[1], [1]])
date = [1700000090, 2]
narrow = [node("Cast", ["s"], ["c"], to=T.FLOAT), node("MatMul", ["c", "w"], ["y"])]
add("taken: float64, a difference of the input", [node("Sub", ["x", "o"], ["s"])] + narrow, date, constants=[f64("o", [1700000000, 1]), total], element=T.DOUBLE)
add("taken: float64, the input from a constant, divided", [node("Sub", ["o", "x"], ["d"]), node("Div", ["d", "q"], ["s"])] + narrow, date,
    constants=[f64("o", [1700000000, 1]), f64("q", 60), total], element=T.DOUBLE)
add("taken: float64, filled in, scaled, shifted", [node("IsNaN", ["x"], ["m"]), node("Where", ["m", "f", "x"], ["a"]), node("Mul", ["a", "q"], ["d"]), node("Add", ["d", "o"], ["s"])] + narrow,
    [nan, 2], constants=[f64("f", [1700000001, 0]), f64("q", [3, 3]), f64("o", [-5100000000, 1]), total], element=T.DOUBLE)
add("taken: float64, no scaling", [node("Cast", ["x"], ["c"], to=T.FLOAT), node("MatMul", ["c", "w"], ["y"])], [3, 2], constants=[total], element=T.DOUBLE)
add("taken: float64, a result that is cast to it", [node("MatMul", ["x", "w"], ["p"]), node("Cast", ["p"], ["q"], to=T.DOUBLE), node("Cast", ["q"], ["y"], to=T.FLOAT)], [3, 2], constants=[total])
add("float64, a product", [node("MatMul", ["x", "w64"], ["p"]), node("Cast", ["p"], ["y"], to=T.FLOAT)], [1700000090, -1700000000], constants=[total64], element=T.DOUBLE)
add("float64, the input twice", [node("Sub", ["x", "o"], ["s"]), node("Cast", ["s"], ["c"], to=T.FLOAT), node("Cast", ["x"], ["e"], to=T.FLOAT), node("Add", ["c", "e"], ["t"]), node("MatMul", ["t", "w"], ["y"])],
    [3, 2], constants=[f64("o", [1, 1]), total], element=T.DOUBLE)
add("float64, a difference of a difference that is read twice", [node("Sub", ["x", "o"], ["a"]), node("Mul", ["a", "q"], ["b"]), node("Cast", ["a"], ["c"], to=T.FLOAT), node("Cast", ["b"], ["d"], to=T.FLOAT),
    node("Add", ["c", "d"], ["t"]), node("MatMul", ["t", "w"], ["y"])], [3, 2], constants=[f64("o", [1, 1]), f64("q", 3), total], element=T.DOUBLE)
add("float64, of an input of float32", [node("Cast", ["x"], ["e"], to=T.DOUBLE), node("Sub", ["e", "o"], ["s"])] + narrow, date, constants=[f64("o", [1700000000, 1]), total])
add("float64, of a result", [node("MatMul", ["x", "w"], ["p"]), node("Cast", ["p"], ["q"], to=T.DOUBLE), node("Sub", ["q", "o"], ["r"]), node("Cast", ["r"], ["y"], to=T.FLOAT)], [1700000000, 2],
    constants=[total, f64("o", [1700000000])])
add("float64, filled in after it was scaled", [node("Sub", ["x", "o"], ["a"]), node("IsNaN", ["a"], ["m"]), node("Where", ["m", "f", "a"], ["s"])] + narrow, [nan, 2],
    constants=[f64("o", [1, 1]), f64("f", [7, 8]), total], element=T.DOUBLE)
add("taken: a scaler of scikit-learn", [node("Scaler", ["x"], ["s"], domain="ai.onnx.ml", offset=[1700000000.0, 1.0], scale=[1 / 60, 2.0]), node("MatMul", ["s", "w"], ["y"])], date, constants=[total],
    domains=["ai.onnx.ml"])
add("taken: a scaler of float64", [node("Scaler", ["x"], ["s"], domain="ai.onnx.ml", offset=[1700000000.0, 1.0], scale=[1 / 60, 2.0]), node("MatMul", ["s", "w"], ["y"])], date, constants=[total],
    domains=["ai.onnx.ml"], element=T.DOUBLE)

with open(os.path.join(os.path.dirname(__file__), "onnx_meaning.csv"), "w", newline="") as out:
    csv.writer(out, lineterminator="\n").writerows([["name", "file", "features", "answer"]] + rows)
print(len(rows), "files")
