#!/usr/bin/env python3
"""Expected numbers for src/core/federated, made with Flower and Opacus.

    pip install flwr opacus numpy
    python3 test/golden/make_federated.py test/golden/federated

Writes aggregate.csv (a matrix of updates and what Flower's aggregation makes of it),
server.csv (ten rounds of every server optimiser) and epsilon.csv (the RDP accountant).
"""
import csv
import pathlib
import sys

import numpy as np
from flwr.common import ArrayRecord
from flwr.server.strategy.aggregate import (aggregate, aggregate_krum, aggregate_median,
                                            aggregate_trimmed_avg)
from flwr.serverapp.strategy import FedAdagrad, FedAdam, FedAvg, FedAvgM, FedYogi
from opacus.accountants.analysis import rdp as accountant

target = pathlib.Path(sys.argv[1])
target.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(7)


def write(name, header, rows):
    with open(target / name, "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(header)
        out.writerows(rows)


def number(x):
    return repr(float(x))


# aggregation: 7 clients, 11 weights, the last client poisoned
updates = rng.normal(size=(7, 11)).astype(np.float32)
updates[6] = 50.0
samples = [303, 294, 123, 200, 17, 1000, 5]
results = [([u.astype(np.float64)], n) for u, n in zip(updates, samples)]
expected = {
    "fedavg": aggregate(results)[0],
    "fedmedian": aggregate_median(results)[0],
    "trimmed_0.2": aggregate_trimmed_avg(results, 0.2)[0],
    "krum_1": aggregate_krum(results, 1, 0)[0],
    "multikrum_1_3": aggregate_krum(results, 1, 3)[0],
}
rows = [[f"update_{i}", n, *map(number, u)] for i, (u, n) in enumerate(zip(updates, samples))]
rows += [[name, 0, *map(number, value)] for name, value in expected.items()]
write("aggregate.csv", ["name", "samples"] + [f"w{j}" for j in range(11)], rows)

# server optimisers: Flower's own step, fed with a given average in place of clients' replies
FedAvg.aggregate_train = lambda self, server_round, average: (average, None)
rows = []
averages = rng.normal(size=(10, 5)) * 0.3
for name, strategy in {
    "fedavgm": FedAvgM(server_learning_rate=0.7, server_momentum=0.9),
    "fedadagrad": FedAdagrad(),
    "fedadam": FedAdam(),
    "fedyogi": FedYogi(),
}.items():
    current = np.linspace(-1, 1, 5)
    for rnd in range(1, 11):
        record = ArrayRecord([current])
        strategy.current_arrays = record if name == "fedavgm" else {"0": current}
        new, _ = strategy.aggregate_train(rnd, ArrayRecord([averages[rnd - 1]]))
        current = new.to_numpy_ndarrays()[0]
        rows.append([name, rnd, *map(number, averages[rnd - 1]), *map(number, current)])
write("server.csv", ["strategy", "round"] + [f"average{j}" for j in range(5)] + [f"next{j}" for j in range(5)],
      rows)

# accountant: the same integer orders as ours
orders = list(range(2, 257))
rows = []
for sigma, q, rounds, delta in [(1.0, 1.0, 1, 1e-5), (1.0, 1.0, 20, 1e-5), (1.5, 0.1, 100, 1e-5),
                                (0.8, 0.01, 1000, 1e-6), (4.0, 0.5, 50, 1e-3), (1.1, 0.25, 1, 1e-5)]:
    rdp = accountant.compute_rdp(q=q, noise_multiplier=sigma, steps=rounds, orders=orders)
    epsilon, _ = accountant.get_privacy_spent(orders=orders, rdp=rdp, delta=delta)
    rows.append([sigma, q, rounds, delta, number(epsilon)])
write("epsilon.csv", ["noise_multiplier", "sampling_rate", "rounds", "delta", "epsilon"], rows)
