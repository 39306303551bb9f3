"""Read a matrix or a model with numpy alone.

As a program, tensors.py check reads lines PROFILES... -- MATRIX
[OPTION=VALUE]... with tabs between, works each matrix out from the profiles in
another way, and ends with 1 and says where they differ."""
import ctypes, json, math, sys
import numpy as np

TYPES = {"U8": "u1", "I32": "<i4", "I64": "<i8", "F32": "<f4", "F64": "<f8"}
HASHES = ctypes.CDLL("libxxhash.so.0")
HASHES.XXH3_64bits.restype = ctypes.c_uint64


def read(path):
    data = open(path, "rb").read()
    size = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:size])
    metadata = header.pop("__metadata__")
    tensors = {name: np.frombuffer(data, TYPES[it["dtype"]],
                                   int(np.prod(it["shape"])),
                                   size + it["data_offsets"][0]
                                   ).reshape(it["shape"])
               for name, it in header.items()}
    for name, it in header.items():
        assert name.startswith("pad.") or \
            (size + it["data_offsets"][0]) % 64 == 0, name
    return metadata, tensors


def names(tensors, what):
    at, text = tensors[what + ".offsets"], tensors[what + ".bytes"].tobytes()
    return [text[a:b] for a, b in zip(at, at[1:])]


def neighbours(path):
    """The lines of cs-knn's TSV: query, neighbour, similarity, and the tags and
    amounts of its reasons."""
    found = []
    for line in open(path).read().splitlines()[1:]:
        query, _, name, similarity, why = line.split("\t")
        reasons = []
        for item in why.split(" + ")[:-1]:
            amount, tag = item.split(" ", 1)
            tag = tag.replace("%20", " ").replace("%25", "%")
            reasons.append((tag, float(amount)))
        found.append((query, name, float(similarity), reasons))
    assert found, path
    return found


def dense(tensors, what):
    n, m = len(tensors["users.offsets"]) - 1, len(tensors["tags.offsets"]) - 1
    a = np.zeros((n, m))
    at = tensors["profile.indptr"]
    for i in range(n):
        row = slice(at[i], at[i + 1])
        a[i, tensors["profile.indices"][row]] = tensors[what][row]
    return a


def xxh3(text):
    return HASHES.XXH3_64bits(text, ctypes.c_size_t(len(text)))


def undo(text):
    for letter, plain in ((b"\\t", b"\t"), (b"\\n", b"\n"), (b"\\r", b"\r"),
                          (b"\\\\", b"\\")):
        text = text.replace(letter, plain)
    return text


def is_attribute(tag, o):
    return bool(o["attributes"]) and \
        tag.startswith(tuple(o["attributes"].encode().split(b",")))


def expected(paths, o):
    """users, tags, raw and weighted matrix by the definition."""
    cells, file_of = {}, {}
    if o["value"] == "auto":
        events = [int(line.split(b"\t")[2]) for path in paths
                  for line in open(path, "rb").read().splitlines()[1:]
                  if not is_attribute(undo(line.split(b"\t")[1]), o)]
        several = sum(x > 1 for x in events) >= 0.05 * len(events)
        o.update(value="events" if several else "sum")
    for f, path in enumerate(paths):
        for line in open(path, "rb").read().splitlines()[1:]:
            user, tag, events, value = line.split(b"\t")
            raw = {"sum": float(value), "events": float(events), "one": 1.0,
                   "mean": float(value) / float(events)}[o["value"]]
            cells[undo(user), undo(tag)] = raw
            file_of[undo(tag)] = f
    users = sorted({u for u, _ in cells})
    count = {}
    for _, tag in cells:
        count[tag] = count.get(tag, 0) + 1
    tags = sorted(t for t in count if count[t] >= int(o["min-users"]))
    counted = {tag for tag in tags if not is_attribute(tag, o)}
    active = {}
    for user, tag in cells:
        active[user] = active.get(user, 0) + (tag in counted)
    users = [u for u in users if active[u] >= int(o["min-tags"])]
    raw = np.zeros((len(users), len(tags)))
    there = np.zeros(raw.shape, bool)
    row, column = ({x: i for i, x in enumerate(xs)} for xs in (users, tags))
    for (user, tag), value in cells.items():
        if user in row and tag in column:
            raw[row[user], column[tag]] = value
            there[row[user], column[tag]] = True
    a = {"none": raw, "log": np.sign(raw) * np.log1p(abs(raw)),
         "sqrt": np.sign(raw) * np.sqrt(abs(raw))}[o["damp"]]
    idf = np.log(len(users) / np.maximum(there.sum(0), 1))
    a = a * {"none": 1, "idf": idf, "sqrt-idf": np.sqrt(idf),
             "smooth": np.sqrt(np.log1p(len(users) /
                                        np.maximum(there.sum(0), 1)))}[o["weight"]]
    a = a * np.array([not is_attribute(tag, o) for tag in tags])
    weights = [float(w) for w in o["weights"].split(",")] if o["weights"] \
        else [1] * len(paths)
    if o["block"]:
        blocks = [x.rsplit("=", 1) for x in o["block"].split(",")]
        of = [max((i for i, (prefix, _) in enumerate(blocks)
                   if tag.startswith(prefix.encode())),
                  key=lambda i: len(blocks[i][0]), default=len(blocks))
              for tag in tags]
        for i, weight in enumerate([float(w) for _, w in blocks] + [1]):
            mine = [j for j in range(len(tags)) if of[j] == i]
            a[:, mine] *= weight ** .5 / (np.linalg.norm(a[:, mine]) or 1)
    if len(paths) > 1:
        for f, weight in enumerate(weights):
            mine = [column[t] for t in tags if file_of[t] == f]
            size = np.linalg.norm(a[:, mine])
            a[:, mine] *= weight / (size or 1)
    if o["norm"] == "l2":
        size = np.linalg.norm(a, axis=1, keepdims=True)
        a = a / np.where(size > 0, size, 1)
    return users, tags, raw, there, a


def check(arguments):
    cut = arguments.index("--")
    o = dict(value="auto", damp="sqrt", weight="smooth", norm="l2", weights="")
    o.update({"min-users": "1", "min-tags": "0", "attributes": "",
              "block": ""})
    o.update(x.split("=", 1) for x in arguments[cut + 2:])
    users, tags, raw, there, a = expected(arguments[:cut], o)
    metadata, t = read(arguments[cut + 1])
    assert names(t, "users") == users, "users"
    assert names(t, "tags") == tags, "tags"
    assert len(t["profile.values"]) == there.sum(), "pairs"
    assert np.allclose(dense(t, "profile.raw"), raw, rtol=1e-6, atol=0), "raw"
    assert np.allclose(dense(t, "profile.values"), a, rtol=2e-6, atol=1e-30), \
        abs(dense(t, "profile.values") - a).max()
    active = (raw > 0)[:, [not is_attribute(tag, o) for tag in tags]].sum(1)
    size = np.bincount(active)
    before = np.cumsum(size) - size
    tenth = np.array([(int(before[x]) + (xxh3(user) * int(size[x]) >> 64))
                      * 10 // len(users) for x, user in zip(active, users)])
    assert (t["users.tenth"] == tenth).all(), "users.tenth"
    assert (t["tenths"] == np.bincount(tenth, minlength=10)).all(), "tenths"
    for q in range(10):
        assert (t["tags.tenths"][:, q] == (raw[tenth == q] > 0).sum(0)).all()
    for key in ("value", "damp", "weight", "norm"):
        assert metadata["matrix." + key] == o[key], key


if __name__ == "__main__":
    for line in sys.stdin:
        print(line, end="")
        check(line.rstrip("\n").split("\t"))
