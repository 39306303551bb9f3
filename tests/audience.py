"""The answers of cs-knn --like against dense float64 arithmetic.

usage: audience.py MODEL SEEDS NEIGHBOURS

The mean of the seeds' unit vectors, the cosine of each neighbour with it, that
no one nearer is left out, and each printed reason by the formula, with the
mean of the seeds' (centred) rows as the row of the one who asks."""
import sys
import numpy as np
from tensors import dense, names, neighbours, read

metadata, t = read(sys.argv[1])
users = [name.decode() for name in names(t, "users")]
tags = [name.decode() for name in names(t, "tags")]
a = dense(t, "profile.values")
plain = a.copy()
if metadata["svd.center"] == "row":
    a -= a.mean(1, keepdims=True)
if metadata["svd.center"] == "column":
    a -= t["tags.mean"]
x = t["embedding"].astype(float)
size = np.linalg.norm(x, axis=1)
seeds = [users.index(name) for name in open(sys.argv[2]).read().split()]
seeds = [s for s in set(seeds) if size[s] > 0]
q = np.mean([x[s] / size[s] for s in seeds], axis=0)
a_q = np.mean([a[s] / size[s] for s in seeds], axis=0)
plain_q = np.mean([plain[s] / size[s] for s in seeds], axis=0)
power = {"us": 0, "sqrt": .5, "u": 1}[metadata["svd.scale"]]
spread = t["components"] / t["sigma"] ** power
cosine = x @ q / np.where(size > 0, size, 1) / np.linalg.norm(q)
best = np.sort(np.delete(np.where(size > 0, cosine, -9), seeds))[::-1]
for rank, (_, name, similarity, reasons) in enumerate(neighbours(sys.argv[3])):
    i = users.index(name)
    assert i not in seeds, name
    assert abs(cosine[i] - similarity) < 2e-6, (name, cosine[i])
    assert abs(best[rank] - similarity) < 2e-6, (name, best[rank])
    half = .5 / (np.linalg.norm(q) * size[i])
    c = half * (plain_q * (spread @ x[i]) + plain[i] * (spread @ q))
    rest = half * ((a_q - plain_q) @ (spread @ x[i])
                   + (a[i] - plain[i]) @ (spread @ q))
    assert abs(c.sum() + rest - cosine[i]) < 1e-5, name
    for tag, amount in reasons:
        expected = c[tags.index(tag)] if tag else rest
        assert abs(expected - amount) < 2e-6, (name, tag, expected)
