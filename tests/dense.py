"""The neighbours of a model against dense float64 arithmetic.

usage: dense.py MODEL NEIGHBOURS [cosine|dot [TOLERANCE]]

MODEL gives profile.values, __metadata__ and the rank; everything else, the
centring, the decomposition and the similarities, is worked out here.  Each
printed similarity must be within the tolerance of ours for that pair, the
n-th of a customer must not be below our n-th, and the printed reasons must be
those of the formula.  Ends with 1 and says where, if not."""
import re, sys
import numpy as np
from tensors import dense, names, read

metadata, tensors = read(sys.argv[1])
metric = sys.argv[3] if len(sys.argv) > 3 else "cosine"
tolerance = float(sys.argv[4]) if len(sys.argv) > 4 else 2e-5
users, tags = ([name.decode() for name in names(tensors, what)]
               for what in ("users", "tags"))
raw = dense(tensors, "profile.values")
center = metadata["svd.center"]
mean = (raw.mean(1, keepdims=True) if center == "row" else
        raw.mean(0, keepdims=True) if center == "column" else np.zeros((1, 1)))
rows = raw - mean
u, s, vt = np.linalg.svd(rows, full_matrices=False)
k = len(tensors["sigma"])
power = {"us": 1, "sqrt": .5, "u": 0}[metadata["svd.scale"]]
embedding = u[:, :k] * s[:k] ** power
length = np.linalg.norm(embedding, axis=1)
signal = (raw != 0).any(1) & (length > 1e-9 * length.max())
if metric == "dot":
    length = np.ones(len(users))
unit = embedding / np.where(signal, length, 1)[:, None]
spread = vt[:k].T * s[:k] ** (power - 1)  # V D, tags x k

wrong = 0


def complain(*words):
    global wrong
    wrong += 1
    if wrong <= 10:
        print(*words)


def escape(name):
    """As in every TSV of ours."""
    for plain, letter in (("\\", "\\"), ("\t", "t"), ("\n", "n"), ("\r", "r")):
        name = name.replace(plain, "\\" + letter)
    return name


row_of = {escape(name): i for i, name in enumerate(users)}
tag_of = {name: j for j, name in enumerate(tags)}
seen = {}
for line in open(sys.argv[2]).read().splitlines()[1:]:
    if line.startswith("#"):
        continue
    query, rank, neighbour, similarity, why = line.split("\t")
    q, x = row_of[query], row_of[neighbour]
    if abs(unit[q] @ unit[x] - float(similarity)) > tolerance:
        complain(line, "expected", unit[q] @ unit[x])
    seen.setdefault(q, []).append(float(similarity))
    half = .5 / (length[q] * length[x])
    for item in why.split(" + ")[:-1]:
        amount, tag = re.fullmatch(r"(\S+) (.*)", item).groups()
        tag = tag.replace("%20", " ").replace("%25", "%")
        a, b = ((raw if tag else rows - raw)[i] for i in (q, x))
        c = half * (a * (spread @ embedding[x]) + b * (spread @ embedding[q]))
        c = c[tag_of[tag]] if tag else c.sum()
        if abs(c - float(amount)) > tolerance:
            complain(line, tag, "expected", c)
for q, found in seen.items():
    all_of = unit @ unit[q]
    all_of[~signal] = -9
    all_of[q] = -9
    best = np.sort(all_of)[::-1][:len(found)]
    if np.abs(best - found).max() > tolerance:
        complain(users[q], found, "expected", best)
if len(seen) == 0:
    complain("no neighbours")
sys.exit(wrong > 0)
