"""cs-eval's figures worked out in numpy from the same files, by the
definitions of cs-eval(1).  eval.py MODEL HALF TSV: ends with 1 and says where
they differ.  All customers must have been asked about."""
import sys
import numpy as np
from tensors import read, names, dense


def unit(a):
    length = np.linalg.norm(a, axis=1, keepdims=True)
    return a / np.where(length > 0, length, 1)


def rounded(s):
    return (s + 6291456.0) - 6291456.0


meta, A = read(sys.argv[1])
_, B = read(sys.argv[2])
at = {u: i for i, u in enumerate(names(B, "users"))}
raw_a, raw_b = dense(A, "profile.values"), dense(B, "profile.values")
both = [(i, at[u]) for i, u in enumerate(names(A, "users"))
        if u in at and raw_a[i].any() and raw_b[at[u]].any()]
ia, ib = map(list, zip(*both))
n, tenth = len(both), A["users.tenth"][ia]
a, b = unit(raw_a[ia]), unit(raw_b[ib])
xa = A["embedding"][ia] / np.linalg.norm(raw_a[ia], axis=1, keepdims=True)
xb = b @ A["components"]
counts = [(raw[rows] != 0).sum(1) for raw, rows in ((raw_a, ia), (raw_b, ib))]


def combined(x, y, p, alpha=1):
    lx, ly = (np.linalg.norm(z, axis=1) for z in (x, y))
    dot = x @ y.T
    k = alpha * dot / np.outer(lx, ly) ** .25 + p - dot
    own = [alpha * z ** 1.5 + np.maximum(1 - z * z, 0) for z in (lx, ly)]
    return k / np.sqrt(np.outer(*own))


def figures(cross, within):
    out, score = {}, rounded(cross)
    own = np.diag(score)[:, None]
    same = tenth[:, None] == tenth[None, :]
    for name, among in (("", np.ones((n, n), bool)), ("matched_", same)):
        rank = 1 + ((score > own) & among).sum(1) + \
            (((score == own) & among).sum(1) - 1) / 2
        out[name + "mrr"] = np.mean(1 / rank)
        out[name + "accuracy_1"] = np.mean(rank <= 1)
        out[name + "recall_10"] = np.mean(rank <= 10)
        out[name + "median_rank"] = np.sort(rank)[(n - 1) // 2]
    score = rounded(within)
    np.fill_diagonal(score, -np.inf)
    near = np.argsort(-score, axis=1, kind="stable")[:, :10]
    close = b @ b.T
    np.fill_diagonal(close, 0)
    rows = np.arange(n)[:, None]
    sums = np.stack([close[:, tenth == t].sum(1) for t in range(10)], 1)
    sizes = np.bincount(tenth, minlength=10)[None, :] - \
        (tenth[:, None] == np.arange(10))
    expected = (sums / np.maximum(sizes, 1))[rows, tenth[near]]
    mean = close.sum(1) / (n - 1)
    found = close[rows, near].sum()
    out["agreement_by_tenth"] = found / expected.sum()
    out["agreement_by_both"] = found / (
        mean[:, None] * mean[near] / mean.mean()).sum()
    often = np.bincount(near.ravel(), minlength=n)
    out["hubness"] = np.mean((often - often.mean()) ** 3) / often.std() ** 3
    return out


def hubs(x, p, raw):
    """Mean combined similarity of each row to its ten nearest, of all rows."""
    own = raw.any(1)
    score = np.full((len(raw), len(raw)), -np.inf)
    at = np.flatnonzero(own)
    score[np.ix_(at, at)] = combined(x[own], x[own], (p @ p.T)[np.ix_(at, at)])
    np.fill_diagonal(score, -np.inf)
    near = -np.sort(-score, axis=1)[:, :10]
    return np.where(own, np.where(near > -2, near, 0).mean(1), 0)


def less_hubs(score):
    """s - r / 2, with the r that cs-index --hub wrote; sharing nothing last."""
    score = rounded(score)
    return np.where(score != 0, score - A["index.hub"].ravel()[ia] / 2.0, -2)


def chance(size):
    """Of a random order of so many."""
    return {"mrr": (1 / np.arange(1, size + 1)).sum() / size,
            "accuracy_1": 1 / size, "recall_10": min(1, 10 / size),
            "median_rank": (size + 1) / 2, "agreement_by_tenth": 1,
            "agreement_by_both": 1}


every = unit(raw_a)
size = np.linalg.norm(raw_a, axis=1, keepdims=True)
with np.errstate(divide="ignore", invalid="ignore"):
    means = hubs(A["embedding"] / np.where(size > 0, size, 1), every, raw_a)
if abs(means - A["index.hub"].ravel()).max() > 1e-5:
    sys.exit("index.hub is not the mean similarity to the ten nearest")
want = {"rows (profile)": figures(b @ a.T, a @ a.T),
        "embedding": figures(unit(xb) @ unit(xa).T, unit(xa) @ unit(xa).T),
        "combined, alpha 1": figures(combined(xb, xa, b @ a.T),
                                        combined(xa, xa, a @ a.T)),
        "combined, alpha 1, hub": figures(
            less_hubs(combined(xb, xa, b @ a.T)),
            less_hubs(combined(xa, xa, a @ a.T))),
        "activity alone": figures(
            -abs(np.log(counts[1])[:, None] - np.log(counts[0])),
            -abs(np.log(counts[0])[:, None] - np.log(counts[0]))),
        "popularity": figures(*[np.tile(a @ a.mean(0), (n, 1))] * 2),
        "chance": chance(n),
        "": {"customers": n, "queries": n, "repeated_pairs":
             ((raw_a[ia] != 0) & (raw_b[ib] != 0)).sum() / counts[1].sum()}}
for figure, value in zip(("mrr", "accuracy_1", "recall_10", "median_rank"), zip(
        *[list(chance(x).values())[:4] for x in np.bincount(tenth)[tenth]])):
    want["chance"]["matched_" + figure] = np.mean(value)


def wanted(who, against, figure):
    """A figure, or by how much it differs from that of another similarity."""
    value = want[who][figure]
    if not against:
        return value
    other = want[against][figure]
    return value / other - 1 if figure.startswith("agree") else value - other


seen = 0
for line in open(sys.argv[3]).read().splitlines()[1:]:
    who, against, figure, value, low, high = line.split("\t")
    if figure.startswith("listed_tags"):    # listed.py
        continue
    seen += 1
    if not np.isclose(float(value), wanted(who, against, figure), rtol=1e-6,
                      atol=1e-8):
        sys.exit(f"{who} {against} {figure}: {value}, "
                 f"numpy {wanted(who, against, figure)}")
    if not float(low) <= float(value) <= float(high):
        sys.exit(f"{line}: not within its interval")
sys.exit(seen != 3 + 10 + 6 * 11 + 2 * 10 and f"{seen} figures compared")
