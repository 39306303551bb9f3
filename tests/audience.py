"""The answers of cs-knn --like against dense float64 arithmetic.

usage: audience.py MODEL SEEDS NEIGHBOURS

The mean of the seeds' unit vectors, the cosine of each neighbour with it, that
no one nearer is left out, and each printed reason by the formula, with the
mean of the seeds' (centred) rows as the row of the one who asks."""
import json, re, sys
import numpy as np

TYPES = {"U8": np.uint8, "I32": np.int32, "I64": np.int64, "F32": np.float32,
         "F64": np.float64}
data = open(sys.argv[1], "rb").read()
length = int.from_bytes(data[:8], "little")
header = json.loads(data[8:8 + length])
metadata = header.pop("__metadata__")
t = {name: np.frombuffer(data[8 + length + it["data_offsets"][0]:
                              8 + length + it["data_offsets"][1]],
                         TYPES[it["dtype"]]).reshape(it["shape"])
     for name, it in header.items()}


def names(what):
    at, text = t[what + ".offsets"], t[what + ".bytes"].tobytes()
    return [text[at[i]:at[i + 1]].decode() for i in range(len(at) - 1)]


users, tags = names("users"), names("tags")
a = np.zeros((len(users), len(tags)))
for i in range(len(users)):
    part = slice(t["profile.indptr"][i], t["profile.indptr"][i + 1])
    a[i, t["profile.indices"][part]] = t["profile.values"][part]
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
lines = [line.split("\t") for line in open(sys.argv[3]).read().splitlines()[1:]]
assert lines
for rank, (_, _, name, similarity, why) in enumerate(lines):
    i = users.index(name)
    assert i not in seeds, name
    assert abs(cosine[i] - float(similarity)) < 2e-6, (name, cosine[i])
    assert abs(best[rank] - float(similarity)) < 2e-6, (name, best[rank])
    half = .5 / (np.linalg.norm(q) * size[i])
    c = half * (plain_q * (spread @ x[i]) + plain[i] * (spread @ q))
    rest = half * ((a_q - plain_q) @ (spread @ x[i])
                   + (a[i] - plain[i]) @ (spread @ q))
    assert abs(c.sum() + rest - cosine[i]) < 1e-5, name
    for item in why.split(" + ")[:-1]:
        amount, tag = re.fullmatch(r"(\S+) (.*)", item).groups()
        tag = tag.replace("%20", " ").replace("%25", "%")
        expected = c[tags.index(tag)] if tag else rest
        assert abs(expected - float(amount)) < 2e-6, (name, tag, expected)
