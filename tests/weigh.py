"""A matrix against the same recipe in numpy and exact decimals.

usage: weigh.py MATRIX VALUE DAMP WEIGHT NORM MIN-USERS MIN-TAGS WEIGHTS PROFILES...

WEIGHTS is "-" or a number for each file.  Every tensor must be what the lines
of the profiles give.  Ends with 1 and says where, if not."""
import json, sys
from decimal import Decimal
import numpy as np

TYPES = {"U8": np.uint8, "I32": np.int32, "I64": np.int64, "F32": np.float32,
         "F64": np.float64}
DAMP = {"none": lambda x: x, "log": lambda x: np.sign(x) * np.log1p(np.abs(x)),
        "sqrt": lambda x: np.sign(x) * np.sqrt(np.abs(x))}
WEIGHT = {"none": lambda n, users: np.ones(len(users)),
          "idf": lambda n, users: np.log(n / users),
          "sqrt-idf": lambda n, users: np.sqrt(np.log(n / users))}
PLAIN = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}


def tensors(path):
    data = open(path, "rb").read()
    begin = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:begin])
    header.pop("__metadata__")
    return {name: np.frombuffer(
        data[slice(*(begin + at for at in t["data_offsets"]))],
        TYPES[t["dtype"]]).reshape(t["shape"]) for name, t in header.items()}


def unescape(field):
    text, letters = "", iter(field)
    for letter in letters:
        text += PLAIN[next(letters)] if letter == "\\" else letter
    return text.encode("utf-8", "surrogateescape")


def same(what, found, expected, close=False):
    expected = np.asarray(expected)
    if found.shape != expected.shape or not (
            np.allclose(found, expected, rtol=2e-7, atol=1e-30) if close
            else np.array_equal(found, expected)):
        sys.exit("%s: found %s, expected %s" % (what, found, expected))


def same_names(t, what, names):
    same(what + ".bytes", t[what + ".bytes"],
         np.frombuffer(b"".join(names), np.uint8))
    same(what + ".offsets", t[what + ".offsets"],
         np.cumsum([0] + [len(name) for name in names]))


matrix, value, damp, weight, norm, min_users, min_tags, weights = sys.argv[1:9]
paths = sys.argv[9:]
pairs, file_of = {}, {}
for file, path in enumerate(paths):
    for line in open(path, encoding="utf-8", errors="surrogateescape",
                     newline="\n").read().split("\n")[1:-1]:
        user, tag, events, total = line.split("\t")
        user, tag = unescape(user), unescape(tag)
        pairs.setdefault(user, {})[tag] = {
            "mean": float(Decimal(total)) / int(events),
            "sum": float(Decimal(total)), "events": float(events),
            "one": 1.}[value]
        file_of[tag] = file
tags = sorted(tag for tag in file_of if
              sum(tag in row for row in pairs.values()) >= int(min_users))
for row in pairs.values():
    for tag in set(row) - set(tags):
        del row[tag]
users = sorted(u for u, row in pairs.items() if len(row) >= int(min_tags))
n, m = len(users), len(tags)
raw, has = np.zeros((n, m)), np.zeros((n, m), bool)
for i, user in enumerate(users):
    for tag, x in pairs[user].items():
        j = tags.index(tag)
        raw[i, j], has[i, j] = x, True

count = has.sum(0)
column = np.zeros(m)
column[count > 0] = WEIGHT[weight](n, count[count > 0])
damped = DAMP[damp](raw)
if len(paths) > 1:
    block = np.array([file_of[tag] for tag in tags])
    share = [float(w) for w in weights.split(",")] if weights != "-" else \
        [1.] * len(paths)
    for file in range(len(paths)):
        size = np.linalg.norm((damped * column)[:, block == file])
        if size > 0:
            column[block == file] *= share[file] / size
rows = damped * column
if norm == "l2":
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows / np.where(length > 0, length, 1)

order = sorted(range(n), key=lambda i: ((raw[i] > 0).sum(), users[i]))
tenth = np.zeros(n, int)
for place, i in enumerate(order):
    tenth[i] = place * 10 // n
tenths = np.array([[(raw[tenth == d, j] > 0).sum() for d in range(10)]
                   for j in range(m)])

t = tensors(matrix)
same_names(t, "users", users)
same_names(t, "tags", tags)
same("profile.indptr", t["profile.indptr"], np.cumsum([0, *has.sum(1)]))
same("profile.indices", t["profile.indices"], np.nonzero(has)[1])
same("profile.raw", t["profile.raw"], raw[has].astype(np.float32))
same("profile.values", t["profile.values"], rows[has], True)
same("tags.weight", t["tags.weight"], column, True)
same("users.tenth", t["users.tenth"], tenth)
same("tags.tenths", t["tags.tenths"], tenths)
same("tenths", t["tenths"], np.bincount(tenth, minlength=10))
