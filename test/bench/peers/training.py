"""Training with PyTorch, one thread: an epoch of the MLP, and a batch of the 2-D CNN forward and backward.

Prints lines 'name<TAB>peer<TAB>milliseconds'; the same networks, rows and batch sizes as bench_nn_train.
"""
import time

import torch
from torch import nn

torch.set_num_threads(1)
PEER = f"torch {torch.__version__}"
ROWS, BATCH, RUNS = 10000, 32, 5


def best(work):
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


def mlp():
    net = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))
    adam = torch.optim.Adam(net.parameters(), lr=1e-3)
    loss = nn.BCEWithLogitsLoss()
    x = torch.rand(ROWS, 4) * 2 - 1
    y = (torch.arange(ROWS) % 2).float().unsqueeze(1)

    def epoch():
        order = torch.randperm(ROWS)
        for first in range(0, ROWS, BATCH):
            rows = order[first:first + BATCH]
            adam.zero_grad()
            loss(net(x[rows]), y[rows]).backward()
            adam.step()

    return best(epoch)


def cnn():
    layers, channels = [], 1
    for filters in 16, 32, 64, 128:
        layers += [nn.Conv2d(channels, filters, 3, padding=1), nn.BatchNorm2d(filters), nn.ReLU(), nn.MaxPool2d(2)]
        channels = filters
    net = nn.Sequential(*layers[:-1], nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(128, 1), nn.Sigmoid())
    x = torch.rand(BATCH, 1, 128, 157) * 2 - 1

    def batch():
        net.zero_grad()
        net(x).sum().backward()

    batch()
    return best(batch)


print(f"mlp epoch\t{PEER}\t{mlp():.6g}", flush=True)
print(f"cnn2d batch\t{PEER}\t{cnn():.6g}", flush=True)
