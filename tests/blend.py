"""The answers of cs-knn --blend against dense float64 arithmetic.

usage: blend.py MODEL NEIGHBOURS SHARE

Each similarity is SHARE of the embeddings' cosine and the rest of that of the
rows as weighted, no one better is left out (of models with at most 1,000
customers), and each printed reason is that of the formula."""
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
share = float(sys.argv[3])


def names(what):
    at, text = t[what + ".offsets"], t[what + ".bytes"].tobytes()
    return [text[at[i]:at[i + 1]].decode() for i in range(len(at) - 1)]


def escape(name):
    """As in every TSV of ours."""
    for plain, letter in (("\\", "\\"), ("\t", "t"), ("\n", "n"), ("\r", "r")):
        name = name.replace(plain, "\\" + letter)
    return name


users, tags = [escape(name) for name in names("users")], names("tags")
row_of = {name: i for i, name in enumerate(users)}
a = np.zeros((len(users), len(tags)))
for i in range(len(users)):
    part = slice(t["profile.indptr"][i], t["profile.indptr"][i + 1])
    a[i, t["profile.indices"][part]] = t["profile.values"][part]
centred = a.copy()
if metadata["svd.center"] == "row":
    centred -= a.mean(1, keepdims=True)
if metadata["svd.center"] == "column":
    centred -= t["tags.mean"]
x = t["embedding"].astype(float)
signal = np.linalg.norm(x, axis=1) > 0
size = np.where(signal, np.linalg.norm(x, axis=1), 1)
long = np.where(signal, np.linalg.norm(a, axis=1), 1)
power = {"us": 0, "sqrt": .5, "u": 1}[metadata["svd.scale"]]
spread = t["components"] / t["sigma"] ** power
unit, plain = x / size[:, None], a / long[:, None]
seen = {}
for line in open(sys.argv[2]).read().splitlines()[1:]:
    query, _, name, similarity, why = line.split("\t")
    q, i = row_of[query], row_of[name]
    score = share * unit[q] @ unit[i] + (1 - share) * plain[q] @ plain[i]
    assert abs(score - float(similarity)) < 2e-6, (line, score)
    seen.setdefault(q, []).append(float(similarity))
    half = .5 * share / (size[q] * size[i])
    c = (half * (a[q] * (spread @ x[i]) + a[i] * (spread @ x[q]))
         + (1 - share) * plain[q] * plain[i])
    rest = half * ((centred[q] - a[q]) @ (spread @ x[i])
                   + (centred[i] - a[i]) @ (spread @ x[q]))
    assert abs(c.sum() + rest - score) < 2e-5, line
    for item in why.split(" + ")[:-1]:
        amount, tag = re.fullmatch(r"(\S+) (.*)", item).groups()
        tag = tag.replace("%20", " ").replace("%25", "%")
        expected = c[tags.index(tag)] if tag else rest
        assert abs(expected - float(amount)) < 2e-6, (line, tag, expected)
assert seen
for q, found in seen.items():
    scores = share * unit @ unit[q] + (1 - share) * plain @ plain[q]
    scores[~signal] = -9
    scores[q] = -9
    best = np.sort(scores)[::-1][:len(found)]
    assert np.abs(best - found).max() < 2e-6, users[q]
