"""ONNX Runtime on ONNX files, and NumPy's matrix products: processor time of one thread.

Arguments: files.  Prints lines 'name<TAB>peer<TAB>microseconds': of one sample and of several for each file, and of
the products that bench_nn times.
"""
import os
import sys
import time

import numpy
import onnxruntime


def best(work, seconds=0.3, runs=20):
    times = []
    end = time.thread_time() + seconds
    while len(times) < runs or time.thread_time() < end:
        start = time.thread_time()
        work()
        times.append(time.thread_time() - start)
    return 1e6 * min(times)


def say(name, peer, figure):
    print(f"{name}\t{peer}\t{figure:.6g}", flush=True)


def networks(paths):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    peer = f"onnxruntime {onnxruntime.__version__}"
    for path in paths:
        name = os.path.basename(path)[:-5]
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        given = session.get_inputs()[0]
        for what, n in (("one", 1), ("several", 256 if name == "mlp" else 4)):
            x = numpy.random.default_rng(1).uniform(-1, 1, [n] + given.shape[1:]).astype(numpy.float32)
            binding = session.io_binding()
            binding.bind_cpu_input(given.name, x)
            binding.bind_output("output")
            say(f"{name} {what}", peer, best(lambda: session.run_with_iobinding(binding)) / n)


def products():
    peer = f"numpy {numpy.__version__}"
    for m, n, k in (2500, 64, 576), (4992, 32, 144), (304, 128, 576), (1024, 1024, 1024), (32, 64, 64):
        a, b = numpy.ones((m, k), numpy.float32), numpy.ones((k, n), numpy.float32)
        c = numpy.empty((m, n), numpy.float32)
        say(f"{m}x{n}x{k}", peer, best(lambda: numpy.matmul(a, b, out=c)))


networks(sys.argv[1:])
products()
