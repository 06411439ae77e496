"""Federated average of a table of updates with numpy, read through psycopg's binary COPY.

Argument: a table with columns weights real[] and samples bigint.  Prints 'name<TAB>peer<TAB>milliseconds'.
"""
import sys
import time

import numpy
import psycopg

ARRAY_HEADER = 20  # dimensions, flags, type, length, lower bound
ELEMENT = numpy.dtype([("length", ">i4"), ("weight", ">f4")])

times = []
with psycopg.connect() as connection, connection.cursor() as cursor:
    for _ in range(2):
        start = time.perf_counter()
        total, samples = None, 0
        with cursor.copy(f"COPY {sys.argv[1]} (weights, samples) TO STDOUT (FORMAT binary)") as copy:
            copy.set_types(["bytea", "int8"])
            for weights, count in copy.rows():
                update = numpy.frombuffer(weights, ELEMENT, offset=ARRAY_HEADER)["weight"].astype(numpy.float64)
                total = count * update if total is None else total + count * update
                samples += count
        average = (total / samples).astype(numpy.float32)
        times.append(time.perf_counter() - start)
print(f"fedavg\tnumpy {numpy.__version__}, psycopg {psycopg.__version__}\t{1e3 * min(times):.6g}")
