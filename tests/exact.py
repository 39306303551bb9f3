"""Neighbours of a whole model against brute force in float64.

usage: exact.py MODEL NEIGHBOURS profile|embedding|dot|ALPHA [QUERIES]

NEIGHBOURS are the lines of cs-knn --all -n K --no-why.  For every customer, or
for QUERIES of them evenly spaced, all similarities are worked out from rows and
embeddings by the definitions of cs-design(7): each printed one must be right,
and no customer above the last may be missing."""
import sys
import numpy as np
from tensors import names, read

_, t = read(sys.argv[1])
metric, wanted = sys.argv[3], int((sys.argv[4:] or [1 << 60])[0])
row_of = {name.decode(): i for i, name in enumerate(names(t, "users"))}
found = {}
for line in open(sys.argv[2]).read().splitlines()[1:]:
    query, _, name, similarity = line.split("\t")
    found.setdefault(row_of[query], []).append((row_of[name], float(similarity)))
at, tags = t["profile.indptr"], t["profile.indices"]
n, m = len(at) - 1, len(t["tags.offsets"]) - 1
values, x = t["profile.values"].astype(float), t["embedding"].astype(float)
row = np.repeat(np.arange(n), np.diff(at))
length = np.sqrt(np.bincount(row, values ** 2, n))
alive = length > 0
if metric in ("embedding", "dot"):
    square = (x ** 2).sum(1)
    alive = square >= 1e-12 * np.bincount(row, values ** 2, n)
    if metric == "embedding":
        x = x / np.where(alive, np.sqrt(square), 1)[:, None]
else:
    safe = np.where(alive, length, 1)
    values, x = values / safe[row], x / safe[:, None]
    x[(x ** 2).sum(1) < 1e-6] = 0
g = np.linalg.norm(x, axis=1)


whole = None
if n * m < 2e6:
    whole = np.zeros((n, m))
    whole[row, tags] = values


def scores(q):
    """The similarities of customers q to all: len(q) x n."""
    if metric in ("embedding", "dot"):
        return x[q] @ x.T
    dense = np.zeros((len(q), m))
    for i, r in enumerate(q):
        dense[i, tags[at[r]:at[r + 1]]] = values[at[r]:at[r + 1]]
    if whole is not None:
        p = dense @ whole.T
    else:
        p = np.stack([np.bincount(row, values * d[tags], n) for d in dense])
    if metric == "profile":
        return p
    alpha = float(metric)
    u = np.sqrt(g[q][:, None] * g[None])
    k = np.where(u > 0, alpha / np.sqrt(np.where(u > 0, u, 1)) - 1, 0)
    norm = 1 + alpha * g ** 1.5 - g ** 2
    return (p + k * (x[q] @ x.T)) / np.sqrt(norm[q][:, None] * norm[None])


queries = sorted(found)
queries = queries[::max(1, len(queries) // wanted)]
assert queries
# Rows are compared in double; embeddings as float32, in chains of float32 sums.
tolerance = {"embedding": 2e-6, "dot": 2e-6 * g.max() ** 2}.get(metric, 2e-7)
for begin in range(0, len(queries), 64):
    part = queries[begin:begin + 64]
    for q, s in zip(part, scores(part)):
        s[~alive] = s[q] = -np.inf
        rows, printed = map(np.array, zip(*found[q]))
        assert np.abs(s[rows] - printed).max() < tolerance, q
        s[rows] = -np.inf
        assert s.max() <= printed[-1] + tolerance, q
print(len(queries))
