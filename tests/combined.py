"""Answers of cs-knn by rows against dense float64 arithmetic.

usage: combined.py MODEL NEIGHBOURS profile|ALPHA [SEEDS]

Each similarity is the cosine of the rows as weighted, or the combined one with
that alpha by the definition K(q, y) / sqrt(K(q, q) K(y, y)) of cs-design(7); no
one better is left out, and each printed reason is that of the formula.  With
SEEDS, a file of customers, the query is the mean of their rows."""
import sys
import numpy as np
from tensors import dense, names, neighbours, read

metadata, t = read(sys.argv[1])
metric = sys.argv[3]
alpha = 0 if metric == "profile" else float(metric)


def escape(name):
    """As in every TSV of ours."""
    for plain, letter in (("\\", "\\"), ("\t", "t"), ("\n", "n"), ("\r", "r")):
        name = name.replace(plain, "\\" + letter)
    return name


users = [escape(name.decode()) for name in names(t, "users")]
tags = [name.decode() for name in names(t, "tags")]
row_of = {name: i for i, name in enumerate(users)}
a = dense(t, "profile.values")
x = t["embedding"].astype(float)
size = np.linalg.norm(a, axis=1)
weight = size > 0
if len(sys.argv) > 4:
    seeds = [users.index(name) for name in open(sys.argv[4]).read().split()]
    seeds = [s for s in sorted(set(seeds)) if weight[s]]
    row_of = {"seeds": len(users)}
    a = np.vstack([a, np.mean(a[seeds] / size[seeds, None], axis=0)])
    x = np.vstack([x, np.mean(x[seeds] / size[seeds, None], axis=0)])
    size = np.append(size, np.linalg.norm(a[-1]))
    weight = np.append(weight, False)
    users.append("seeds")
else:
    seeds = []
long = np.where(size > 0, size, 1)
a, x = a / long[:, None], x / long[:, None]
x[(x ** 2).sum(1) < 1e-6] = 0
g = np.linalg.norm(x, axis=1)
# K = f1 * a.a + f2 * x.x for factors of the pair.
if metric == "profile":
    def factors(q, y):
        return 1, 0 * g[y]

    def norm(y):
        return 1 + 0 * g[y]
else:
    def factors(q, y):
        roots = np.sqrt(g[q] * g[y])
        return 1, np.where(
            roots > 0, alpha / np.sqrt(np.where(roots > 0, roots, 1)) - 1, 0)

    def norm(y):
        return 1 + alpha * g[y] ** 1.5 - g[y] ** 2
everyone = np.arange(len(users))
seen = {}
for query, name, similarity, reasons in neighbours(sys.argv[2]):
    q = row_of[query]
    i = users.index(name)
    f1, f2 = factors(q, i)
    root = np.sqrt(norm(q) * norm(i))
    score = (f1 * (a[q] @ a[i]) + f2 * (x[q] @ x[i])) / root
    assert abs(score - similarity) < 4e-6, (query, name, score)
    seen.setdefault(q, []).append(similarity)
    v = t["components"]
    c = (f1 * a[q] * a[i] + f2 / 2 * (a[q] * (v @ x[i]) + a[i] * (v @ x[q]))
         ) / root
    for tag, amount in reasons:
        assert abs(c[tags.index(tag)] - amount) < 4e-6, (query, name, tag)
for q, found in seen.items():
    f1, f2 = factors(q, everyone)
    scores = (f1 * (a @ a[q]) + f2 * (x @ x[q])) / np.sqrt(
        norm(q) * norm(everyone))
    scores[~weight] = -9
    scores[[q] + seeds] = -9
    best = np.sort(scores)[::-1][:len(found)]
    assert np.abs(best - found).max() < 4e-6, users[q]
