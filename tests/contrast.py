"""cs-contrast's figures worked out in numpy and scipy from the same model, by
the definitions of cs-contrast(1).  contrast.py MODEL TSV GROUP [AGAINST]: a
file of customers each, or GROUP a table of customers and segments; ends with 1
and says where they differ.  The TSV has all listed tags."""
import csv
import sys
import numpy as np
from scipy.stats import hypergeom, norm
from tensors import read, names, dense

Z = norm.ppf(0.975)



meta, model = read(sys.argv[1])
raw = dense(model, "profile.raw")
has, tenth = raw > 0, model["users.tenth"]
users = [name.decode() for name in names(model, "users")]
tags = [name.decode() for name in names(model, "tags")]
place = {user: i for i, user in enumerate(users)}
groups = {}
for line in open(sys.argv[3]).read().splitlines():
    customer, _, segment = line.partition("\t")
    if customer in place:
        groups.setdefault(segment or sys.argv[3], []).append(place[customer])
among = np.ones(len(users), bool)
if len(sys.argv) > 4:
    among[:] = False
    among[[place[u] for u in open(sys.argv[4]).read().split()]] = True
listed = list(csv.DictReader(open(sys.argv[2]), delimiter="\t"))
wrong = 0


def wilson(share, n):
    middle = (share + Z * Z / 2 / n) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * np.sqrt(share * (1 - share) / n + (Z / 2 / n) ** 2)
    return max(middle - half, 0), min(middle + half, 1)


def interval(a, own, b, others):
    """MOVER-R of a / b."""
    low, high = own
    l, u = others
    def root(x, y):
        return np.sqrt(max((a * b) ** 2 - x * (2 * a - x) * y * (2 * b - y), 0))
    bottom = u * (2 * b - u)
    below = (a * b - root(low, u)) / bottom if bottom else 0
    return below, (a * b + root(high, l)) / (l * (2 * b - l))


def check(name, found, expected, tolerance=2e-5):
    global wrong
    found = float(found) if found else float("nan")
    if not np.isclose(found, expected, rtol=tolerance, atol=1e-12, equal_nan=True):
        print(name, "is", found, "and by the definition", expected)
        wrong = 1


assert groups
column = "segment" if "segment" in (listed[0] if listed else {}) else "group"
for title, rows in groups.items():
    member = np.zeros(len(users), bool)
    member[rows] = True
    other = among & ~member
    if len(rows) < 10 or not other.any():
        continue
    figures = {}
    for j, tag in enumerate(tags):
        distribution, mean, expected, members, others = np.ones(1), 0, 0, 0, 0
        compared = rate = variance = 0
        for t in range(10):
            mine, theirs = member & (tenth == t), other & (tenth == t)
            d, m = mine.sum(), theirs.sum()
            if d and m:
                compared += d
        for t in range(10):
            mine, theirs = member & (tenth == t), other & (tenth == t)
            d, m = int(mine.sum()), int(theirs.sum())
            if not d or not m:
                continue
            x, y = int(has[mine, j].sum()), int(has[theirs, j].sum())
            members, others = members + x, others + y
            expected += d * y / m
            distribution = np.convolve(distribution, hypergeom.pmf(
                range(d + 1), d + m, x + y, d))
            share, weight = (y + .5) / (m + 1), d / compared
            rate += weight * share
            variance += weight ** 2 * share * (1 - share) / m
        if members + others < 3:
            continue
        at = distribution[members] / 2
        p = min(1, 2 * min(distribution[:members].sum() + at,
                           distribution[members + 1:].sum() + at))
        own, rest = members / compared, expected / compared
        if expected:
            low, high = interval(own, wilson(own, compared), rest, wilson(
                rest, rate * (1 - rate) / variance))
        else:
            low = high = None
        figures[tag] = (members, expected, low, high, p,
                        raw[member & has[:, j], j].mean() if members else 0,
                        raw[other & has[:, j], j].mean() if others else np.nan)
    order = sorted(figures, key=lambda tag: figures[tag][4])
    last = max([i + 1 for i, tag in enumerate(order)
                if figures[tag][4] <= .05 * (i + 1) / len(order)], default=0)
    expected_tags = {tag for tag in order[:last] if figures[tag][0] >= 3}
    mine = {row["tag"]: row for row in listed
            if row[column] == title}
    if set(mine) != expected_tags:
        print(title, "lists", sorted(set(mine) ^ expected_tags), "or not")
        wrong = 1
    for tag in expected_tags & set(mine):
        row, f = mine[tag], figures[tag]
        check(tag + " members", row["members"], f[0])
        check(tag + " expected", row["expected"], f[1])
        if f[2] is not None:
            check(tag + " times", row["times"], f[0] / f[1])
            check(tag + " low", row["low"], f[2])
            check(tag + " high", row["high"], f[3])
        check(tag + " p", row["p"], max(f[4], 1e-15), 1e-3)
        check(tag + " mean", row["mean"], f[5])
        check(tag + " mean of others", row["mean_others"], f[6])
        if (row["have"] == "more") != (f[0] > f[1]):
            print(tag, row["have"])
            wrong = 1
sys.exit(wrong)
