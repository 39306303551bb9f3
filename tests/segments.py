"""segments.py SEGMENTS CUSTOMERS: the adjusted Rand index of two tables of
customers and groups, TSV or CSV with a header line, worked out in numpy."""
import re
import sys
import numpy as np


def read(path):
    lines = open(path).read().splitlines()[1:]
    rows = [re.split("[\t,]", line) for line in lines]
    return {row[0]: row[1] for row in rows if row[0] != "#model" and row[1]}


a, b = read(sys.argv[1]), read(sys.argv[2])
both = sorted(set(a) & set(b))
x = np.unique([a[c] for c in both], return_inverse=True)[1]
y = np.unique([b[c] for c in both], return_inverse=True)[1]
table = np.zeros((x.max() + 1, y.max() + 1))
np.add.at(table, (x, y), 1)


def pairs(counts):
    return (counts * (counts - 1) / 2).sum()


expected = pairs(table.sum(0)) * pairs(table.sum(1)) / pairs(table.sum())
most = (pairs(table.sum(0)) + pairs(table.sum(1))) / 2
print(f"{(pairs(table) - expected) / (most - expected):.3f}")
