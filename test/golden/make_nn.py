#!/usr/bin/python3
"""Golden values of the neural-network engine, computed by PyTorch.

Writes nn_operators.txt (outputs and gradients of every operator) and nn_training.txt (outputs,
gradients and ten training losses of four networks).  Needs torch (Debian: python3-torch); run in this
directory.  The specifications are healthml's own; run() says what each operator means in terms of
PyTorch.  Format: one item a line, "name count value value ...", a case begins with "spec" and ends
with an empty line.
"""
import json

import torch
import torch.nn.functional as F

# In float64, on numbers that float32 holds: exact enough to judge float32 by, and without the float32
# kernels of Debian's torch 1.13, whose gradient of gelu is wrong after a permutation.
torch.manual_seed(20240607)
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


def randn(*shape):
    return torch.randn(*shape).float().double()


# ---- what a specification means ----------------------------------------------------------------------


def pair(value):
    return value if isinstance(value, list) else [value, value]


def padding_of(layer, directions, kernel):
    """(before, after) for each direction."""
    given = layer.get("padding", 0)
    if given == "same":
        dilation = extent(layer.get("dilation", 1), directions)
        total = [d * (k - 1) for d, k in zip(dilation, kernel)]
        return [(t // 2, t - t // 2) for t in total]
    if isinstance(given, list) and len(given) == 2 * directions:
        return list(zip(given[:directions], given[directions:]))
    return [(p, p) for p in extent(given, directions)]


def extent(value, directions):
    return value if isinstance(value, list) else [value] * directions


def pad(x, padding, value=0.0):
    flat = [n for before, after in reversed(padding) for n in (before, after)]
    return F.pad(x, flat, value=value)


class Network:
    """A specification, its parameters as torch tensors, and how to run it."""

    def __init__(self, spec):
        self.spec = spec
        self.inputs = spec.get("inputs") or {"input": spec["input"]}
        self.layers = []
        self.parameters = []  # in the order of the engine: layer by layer
        self.state = []
        shapes = {name: torch.zeros([2] + shape) for name, shape in self.inputs.items()}
        self.run(shapes, build=True, training=False)

    def parameter(self, shape, scale=0.4, shift=0.0):
        tensor = (randn(shape) * scale + shift).float().double().requires_grad_()
        self.parameters.append(tensor)
        return tensor

    def build(self, layer, x):
        op = layer["op"]
        p = []
        if op == "dense":
            p = [self.parameter([layer["units"], x.shape[-1]])]
            p += [self.parameter([layer["units"]])] if layer.get("bias", True) else [None]
        elif op in ("conv1d", "conv2d"):
            kernel = extent(layer["kernel_size"], x.dim() - 2)
            p = [self.parameter([layer["filters"], x.shape[1] // layer.get("groups", 1)] + kernel)]
            p += [self.parameter([layer["filters"]])] if layer.get("bias", True) else [None]
        elif op == "batch_norm":
            p = [self.parameter([x.shape[1]], 0.2, 1.0), self.parameter([x.shape[1]])]
            p += [randn(x.shape[1]) * 0.125, torch.ones(x.shape[1])]
            self.state += p[2:]
        elif op == "layer_norm":
            p = [self.parameter([x.shape[-1]], 0.2, 1.0), self.parameter([x.shape[-1]])]
        elif op in ("gru", "lstm"):
            layers, both = layer.get("num_layers", 1), layer.get("bidirectional", False)
            module = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[op](
                x.shape[-1], layer["units"], layers, batch_first=True, bidirectional=both)
            for parameter in module.parameters():
                parameter.data = parameter.data.float().double()
            self.parameters += list(module.parameters())
            p = [module]
        elif op == "attention_pool" and layer.get("score", "additive") == "additive":
            units = layer.get("units", 64)
            p = [self.parameter([units, x.shape[-1]]), self.parameter([units]), self.parameter([units])]
        elif op == "attention_pool":
            p = [self.parameter([x.shape[-1]])]
        return p

    def apply(self, layer, p, xs, training):
        op, x = layer["op"], xs[0]
        directions = x.dim() - 2
        if op == "dense":
            return F.linear(x, p[0], p[1])
        if op in ("conv1d", "conv2d"):
            conv = {"conv1d": F.conv1d, "conv2d": F.conv2d}[op]
            x = pad(x, padding_of(layer, directions, list(p[0].shape[2:])))
            return conv(x, p[0], p[1], layer.get("stride", 1), 0, layer.get("dilation", 1), layer.get("groups", 1))
        if op == "batch_norm":
            return F.batch_norm(x, p[2], p[3], p[0], p[1], training, layer.get("momentum", 0.1),
                                layer.get("eps", 1e-5))
        if op == "layer_norm":
            return F.layer_norm(x, x.shape[-1:], p[0], p[1], layer.get("eps", 1e-5))
        if op == "leaky_relu":
            return F.leaky_relu(x, layer.get("negative_slope", 0.01))
        if op in ("relu", "silu", "gelu"):
            return getattr(F, op)(x)
        if op in ("sigmoid", "tanh"):
            return getattr(torch, op)(x)
        if op == "softmax":
            return torch.softmax(x, -1)
        if op in ("max_pool", "avg_pool"):
            return self.pool(op, layer, x, directions)
        if op in ("global_avg_pool", "global_max_pool"):
            axes, keep = list(range(2, x.dim())), layer.get("keepdims", False)
            return x.mean(axes, keepdim=keep) if op == "global_avg_pool" else x.amax(axes, keepdim=keep)
        if op == "dropout":
            return x
        if op == "add":
            return sum(xs[1:], x)
        if op == "mul":
            return x * xs[1]
        if op == "flatten":
            return x.flatten(1)
        if op == "reshape":
            return x.reshape([x.shape[0]] + layer["shape"])
        if op == "transpose":
            return x.permute([0] + [axis + 1 for axis in layer["perm"]])
        if op == "slice":
            axis = layer.get("axis", 0)
            index = [slice(None)] * x.dim()
            index[axis + 1 if axis >= 0 else axis] = slice(layer.get("start", 0), layer.get("end"))
            return x[index]
        if op == "concat":
            axis = layer.get("axis", 0)
            return torch.cat(xs, axis + 1 if axis >= 0 else axis)
        if op == "repeat":
            return x[:, None, :].expand(-1, layer["times"], -1)
        if op in ("gru", "lstm"):
            y, last = p[0](x)
            last = last[0] if op == "lstm" else last
            ends = last[-2:] if layer.get("bidirectional", False) else last[-1:]
            return y if layer.get("return_sequences", False) else torch.cat(list(ends), -1)
        if op == "attention_pool" and layer.get("score", "additive") == "additive":
            scores = torch.tanh(F.linear(x, p[0], p[1])) @ p[2]
            return (torch.softmax(scores, -1)[:, :, None] * x).sum(1)
        if op == "attention_pool":
            scores = x @ p[0] / x.shape[-1] ** 0.5
            return (torch.softmax(scores, -1)[:, :, None] * x).sum(1)
        raise ValueError(op)

    def pool(self, op, layer, x, directions):
        kernel = extent(layer["kernel_size"], directions)
        stride = extent(layer.get("stride", kernel), directions)
        padding = padding_of(layer, directions, kernel)
        if op == "max_pool":
            pool = F.max_pool1d if directions == 1 else F.max_pool2d
            return pool(pad(x, padding, float("-inf")), kernel, stride)
        pool = F.avg_pool1d if directions == 1 else F.avg_pool2d
        mean = pool(pad(x, padding), kernel, stride)
        if not layer.get("count_include_pad", True):
            mean = mean / pool(pad(torch.ones_like(x), padding), kernel, stride)
        return mean

    def run(self, inputs, training, build=False):
        values = dict(inputs)
        previous, counts = list(inputs)[-1], {}
        for number, layer in enumerate(self.spec["layers"]):
            counts[layer["op"]] = counts.get(layer["op"], 0) + 1
            name = layer.get("name", f"{layer['op']}_{counts[layer['op']]}")
            xs = [values[i] for i in layer.get("inputs", [previous])]
            if build:
                self.layers.append(self.build(layer, xs[0]))
            values[name] = self.apply(layer, self.layers[number], xs, training)
            previous = name
        return values[previous]

    def weights(self):
        return torch.cat([t.detach().flatten() for t in self.parameters + self.state] or [torch.zeros(0)])

    def gradients(self):
        return torch.cat([t.grad.flatten() for t in self.parameters] or [torch.zeros(0)])

    def random_inputs(self, batch):
        return {name: randn([batch] + shape).requires_grad_() for name, shape in self.inputs.items()}


# ---- files -------------------------------------------------------------------------------------------


def line(file, name, values):
    values = values.detach().flatten().tolist() if torch.is_tensor(values) else values
    file.write(" ".join([name, str(len(values))] + [f"{v:.9g}" for v in values]) + "\n")


def header(name):
    file = open(name, "w")
    file.write(f"# made by make_nn.py with torch {torch.__version__}\n")
    return file


def layers(shape, *items):
    return {"input": shape, "layers": list(items)}


def op(kind, **attributes):
    return dict(op=kind, **attributes)


OPERATORS = [
    layers([7], op("dense", units=5)),
    layers([3, 7], op("dense", units=4, bias=False)),
    layers([3, 20], op("conv1d", filters=4, kernel_size=5)),
    layers([4, 21], op("conv1d", filters=6, kernel_size=4, stride=3, padding=[1, 2], dilation=2, groups=2)),
    layers([3, 9, 8], op("conv2d", filters=5, kernel_size=3, padding="same")),
    layers([3, 9, 8], op("conv2d", filters=5, kernel_size=[2, 4], padding="same", dilation=[1, 2])),
    layers([2, 11, 9], op("conv2d", filters=3, kernel_size=[5, 3], stride=[3, 2], padding=[2, 0, 1, 2])),
    layers([6, 9, 8], op("conv2d", filters=6, kernel_size=3, stride=2, padding=1, groups=6, bias=False)),
    layers([5, 3, 4], op("conv2d", filters=20, kernel_size=1)),
    layers([2, 13, 10], op("conv2d", filters=9, kernel_size=7, stride=4, padding=3)),
    layers([4, 6, 5], op("batch_norm")),
    layers([6], op("batch_norm", eps=1e-3, momentum=0.3)),
    layers([4, 9], op("batch_norm"), op("relu")),
    layers([3, 8], op("layer_norm")),
    layers([40], op("relu")),
    layers([40], op("leaky_relu", negative_slope=0.2)),
    layers([40], op("silu")),
    layers([40], op("gelu")),
    layers([40], op("sigmoid")),
    layers([40], op("tanh")),
    layers([3, 19], op("softmax")),
    layers([3, 9, 8], op("max_pool", kernel_size=2)),
    layers([3, 9, 8], op("max_pool", kernel_size=[3, 2], stride=[2, 1], padding=[1, 0, 0, 1])),
    layers([3, 17], op("max_pool", kernel_size=5, stride=3, padding=2)),
    layers([3, 9, 8], op("avg_pool", kernel_size=3)),
    layers([3, 9, 8], op("avg_pool", kernel_size=[3, 2], stride=[2, 1], padding=1)),
    layers([3, 17], op("avg_pool", kernel_size=5, stride=3, padding=2, count_include_pad=False)),
    layers([3, 4, 5], op("global_avg_pool")),
    layers([3, 9], op("global_avg_pool", keepdims=True)),
    layers([3, 4, 5], op("global_max_pool")),
    layers([3, 4], op("flatten")),
    layers([3, 4], op("reshape", shape=[2, -1, 3])),
    layers([2, 3, 4], op("transpose", perm=[2, 0, 1])),
    layers([6, 5], op("slice", axis=-1, start=1, end=-1)),
    layers([6, 5], op("slice", start=-4)),
    layers([5], op("repeat", times=3)),
    {"inputs": {"a": [2, 5], "b": [2, 3]}, "layers": [op("concat", axis=1, inputs=["a", "b", "a"])]},
    {"inputs": {"a": [2, 3, 4], "b": [2, 1, 1], "c": [1, 3, 4]}, "layers": [op("add", inputs=["a", "b", "c"])]},
    {"inputs": {"a": [3, 4, 5], "b": [3, 1, 1]}, "layers": [op("mul", inputs=["a", "b"])]},
    {"inputs": {"a": [3, 1], "b": [1, 4]}, "layers": [op("mul", inputs=["a", "b"])]},
    layers([6, 5], op("gru", units=7)),
    layers([6, 5], op("gru", units=4, num_layers=2, bidirectional=True, return_sequences=True)),
    layers([6, 5], op("gru", units=4, num_layers=2, bidirectional=True)),
    layers([6, 5], op("lstm", units=7)),
    layers([6, 5], op("lstm", units=4, num_layers=2, bidirectional=True, return_sequences=True)),
    layers([6, 5], op("lstm", units=4, num_layers=2, bidirectional=True)),
    layers([6, 5], op("attention_pool", units=3)),
    layers([6, 5], op("attention_pool", score="dot")),
]

TRAININGS = [
    dict(spec=layers([6], op("dense", units=8), op("relu"), op("dense", units=5), op("tanh"), op("dropout", p=0),
                     op("dense", units=1)),
         loss="bce_with_logits", optimizer="adam", learning_rate=0.02, weight_decay=0.05, clip_norm=0),
    dict(spec=layers([2, 10, 9],
                     op("conv2d", filters=4, kernel_size=3, padding=1, bias=False), op("batch_norm"), op("relu"),
                     op("max_pool", kernel_size=2),
                     op("conv2d", filters=8, kernel_size=3, stride=2, padding=1, groups=4), op("batch_norm"),
                     op("silu", name="features"), op("global_avg_pool", keepdims=True),
                     op("conv2d", filters=8, kernel_size=1), op("sigmoid", name="gate"),
                     op("mul", inputs=["features", "gate"]), op("flatten"), op("dense", units=3)),
         loss="cross_entropy", optimizer="sgd", learning_rate=0.1, weight_decay=0.01, clip_norm=0.5),
    dict(spec=layers([3, 24],
                     op("conv1d", filters=6, kernel_size=5, stride=2, padding=2), op("gelu"),
                     op("transpose", perm=[1, 0], name="sequence"),
                     op("gru", units=5, num_layers=2, bidirectional=True, return_sequences=True),
                     op("layer_norm"), op("attention_pool", units=4, name="pooled"),
                     op("slice", inputs=["sequence"], start=-1, name="last"), op("flatten"),
                     op("concat", inputs=["pooled", "flatten_1"]), op("dense", units=2)),
         loss="huber", optimizer="adamw", learning_rate=0.01, weight_decay=0.1, clip_norm=0),
    dict(spec=layers([7, 4],
                     op("lstm", units=5, bidirectional=True), op("repeat", times=7),
                     op("lstm", units=5, bidirectional=True, return_sequences=True), op("dense", units=4)),
         loss="mse", optimizer="adam", learning_rate=0.01, weight_decay=0, clip_norm=0),
]

BATCH = 2
STEPS = 10


def write_operators():
    with header("nn_operators.txt") as file:
        for spec in OPERATORS:
            network = Network(spec)
            inputs = network.random_inputs(BATCH)
            weights = network.weights()
            y = network.run(inputs, training=True)
            factors = randn(y.shape)
            (y * factors).sum().backward()
            file.write("spec " + json.dumps(spec) + "\n")
            line(file, "weights", weights)
            for name in inputs:
                line(file, "input", inputs[name])
            line(file, "factors", factors)
            line(file, "output", y)
            line(file, "gradients", network.gradients())
            for name in inputs:
                line(file, "input_gradient", inputs[name].grad)
            line(file, "inference", network.run(inputs, training=False))
            file.write("\n")


def loss_of(kind, y, target):
    if kind == "bce_with_logits":
        return F.binary_cross_entropy_with_logits(y, target)
    if kind == "cross_entropy":
        return F.cross_entropy(y, target)
    return {"huber": F.huber_loss, "mse": F.mse_loss}[kind](y, target)


def target_of(kind, y):
    if kind == "bce_with_logits":
        return (torch.rand(y.shape) < 0.5).double()
    if kind == "cross_entropy":
        return torch.softmax(torch.randn(y.shape), -1).float().double()
    return randn(y.shape)


def optimizer_of(case, network):
    groups = [dict(params=[p for p in network.parameters if p.dim() > 1], weight_decay=case["weight_decay"]),
              dict(params=[p for p in network.parameters if p.dim() <= 1], weight_decay=0.0)]
    if case["optimizer"] == "sgd":
        return torch.optim.SGD(groups, case["learning_rate"], momentum=0.9)
    return {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[case["optimizer"]](groups, case["learning_rate"])


def write_trainings():
    with header("nn_training.txt") as file:
        for case in TRAININGS:
            network = Network(case["spec"])
            inputs = {name: x.detach() for name, x in network.random_inputs(4 * BATCH).items()}
            weights = network.weights()
            with torch.no_grad():
                target = target_of(case["loss"], network.run(inputs, training=False))
            optimizer = optimizer_of(case, network)
            losses, first = [], {}
            for step in range(STEPS):
                optimizer.zero_grad()
                y = network.run(inputs, training=True)
                loss = loss_of(case["loss"], y, target)
                loss.backward()
                if step == 0:
                    first = dict(output=y.detach().clone(), gradients=network.gradients())
                if case["clip_norm"] > 0:
                    torch.nn.utils.clip_grad_norm_(network.parameters, case["clip_norm"])
                optimizer.step()
                losses.append(loss.item())
            file.write("spec " + json.dumps(case["spec"]) + "\n")
            file.write(f"loss {case['loss']}\noptimizer {case['optimizer']}\n")
            for name in ("learning_rate", "weight_decay", "clip_norm"):
                line(file, name, [case[name]])
            line(file, "weights", weights)
            for name in inputs:
                line(file, "input", inputs[name])
            line(file, "target", target)
            line(file, "output", first["output"])
            line(file, "gradients", first["gradients"])
            line(file, "losses", losses)
            line(file, "trained", network.weights())
            line(file, "inference", network.run(inputs, training=False))
            file.write("\n")


write_operators()
write_trainings()
