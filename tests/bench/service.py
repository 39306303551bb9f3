"""The service as it is usually written: Flask, scipy, numpy; the same reply as
cs-serve's for a customer.

    MODEL=emb.bin gunicorn -w 2 -k gthread --threads 8 service:app

The model is read once, before the workers are forked.  Neighbours: the combined
similarity of cs-design(7) of every customer; the products of rows by scipy's
sparse product with the transposed matrix, those of embeddings by BLAS.  Reasons:
the formula of cs-stream(5), with numpy over the tags of the two.  What a group shares: scipy's hypergeometric distribution, one for each
tenth of customers, added up, and the procedure of Benjamini and Hochberg.
"""

import json
import os

import numpy
from flask import Flask, jsonify
from scipy.sparse import csr_matrix
from scipy.stats import hypergeom

TYPES = {"U8": "u1", "I32": "<i4", "I64": "<i8", "F32": "<f4", "F64": "<f8"}
NEIGHBOURS, REASONS, TOP, LEAST, RATE = 10, 3, 5, 3, 0.05


def read(path):
    data = open(path, "rb").read()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    tensors = {}
    for name, one in header.items():
        if name == "__metadata__":
            continue
        begin = 8 + size + one["data_offsets"][0]
        count = int(numpy.prod(one["shape"]))
        tensors[name] = numpy.frombuffer(
            data, TYPES[one["dtype"]], count, begin).reshape(one["shape"])
    return header["__metadata__"], tensors


def texts(tensors, name):
    at, raw = tensors[name + ".offsets"], tensors[name + ".bytes"].tobytes()
    return [raw[a:b].decode() for a, b in zip(at, at[1:])]


metadata, t = read(os.environ["MODEL"])
users, tags = texts(t, "users"), texts(t, "tags")
row_of = {name: i for i, name in enumerate(users)}
components = t["components"]
indptr, indices = t["profile.indptr"], t["profile.indices"]
values, raw = t["profile.values"].astype("f8"), t["profile.raw"].astype("f8")
# Rows of length 1, and embeddings in their unit.
length = numpy.sqrt(numpy.add.reduceat(values ** 2, indptr[:-1]))
values /= numpy.repeat(length, numpy.diff(indptr))
embedding = (t["embedding"] / length[:, None]).astype("f4")
matrix = csr_matrix((values.astype("f4"), indices, indptr),
                    (len(users), len(tags)))
transposed = matrix.T.tocsr()
ALPHA = 1.0
captured = numpy.maximum(numpy.linalg.norm(embedding, axis=1), 1e-9)
norm = 1 + ALPHA * captured ** 1.5 - captured ** 2
tenths_of_tag, tenth_sizes = t["tags.tenths"], t["tenths"].ravel()
tenth = t["users.tenth"]
holders = tenths_of_tag.sum(axis=1)
app = Flask(__name__)


def row(i):
    return slice(indptr[i], indptr[i + 1])


def similarities(q):
    """Of a customer to every customer."""
    scores = (matrix[q] @ transposed).toarray().ravel()
    scores += ((ALPHA / numpy.sqrt(numpy.sqrt(captured[q] * captured)) - 1) *
               (embedding @ embedding[q]))
    return scores / numpy.sqrt(norm[q] * norm)


def reasons(q, x):
    """Tags of either by their part of the similarity, largest first."""
    a, b = row(q), row(x)
    both = numpy.union1d(indices[a], indices[b])
    weights = numpy.zeros((2, len(both)))
    weights[0, numpy.searchsorted(both, indices[a])] = values[a]
    weights[1, numpy.searchsorted(both, indices[b])] = values[b]
    v = components[both]
    factor = ALPHA / (captured[q] * captured[x]) ** .25 - 1
    parts = weights[0] * weights[1] + factor / 2 * (
        weights[0] * (v @ embedding[x]) + weights[1] * (v @ embedding[q]))
    parts /= numpy.sqrt(norm[q] * norm[x])
    order = numpy.argsort(-numpy.abs(parts), kind="stable")[:REASONS]
    return [(int(both[i]), float(parts[i])) for i in order]


def held(i):
    return indices[row(i)][raw[row(i)] > 0]


def judge(listed, members, q, has, drawn):
    """For some tags at once: how many of the group are expected to have each,
    and the chance of as many as have it."""
    sums, expected = numpy.ones((len(listed), 1)), numpy.zeros(len(listed))
    for k in numpy.flatnonzero(drawn):
        own = tenth[q] == k
        customers = tenth_sizes[k] - own
        with_tag = tenths_of_tag[listed, k] - (own & has)
        expected += drawn[k] * with_tag / customers
        part = hypergeom.pmf(numpy.arange(drawn[k] + 1), customers,
                             with_tag[:, None], drawn[k])
        wider = numpy.zeros((len(listed), sums.shape[1] + drawn[k]))
        for y in range(drawn[k] + 1):
            wider[:, y:y + sums.shape[1]] += sums * part[:, y:y + 1]
        sums = wider
    tail = numpy.arange(sums.shape[1]) >= members[:, None]
    return expected, (sums * tail).sum(axis=1)


def share(q, group):
    own = set(held(q).tolist())
    sets = [held(i) for i in group]
    found, counts = numpy.unique(numpy.concatenate(sets), return_counts=True)
    drawn = numpy.bincount(tenth[group], minlength=10)
    compared, members = found[counts >= LEAST], counts[counts >= LEAST]
    expected, chances = judge(compared, members, q,
                              numpy.isin(compared, list(own)), drawn)
    judged = sorted(zip(chances.tolist(), compared.tolist(), members.tolist(),
                        expected.tolist()), key=lambda j: j[0])
    last = 0
    for i, (chance, *_) in enumerate(judged):
        if chance <= RATE * (i + 1) / len(judged):
            last = i + 1
    listed = sorted(judged[:last], key=lambda j: (-j[2] / j[3], -j[2],
                                                  tags[j[1]]))
    shared = [{"tag": tags[tag], "members": members,
               "expected": expected,
               "times": members / expected,
               "customers": int(holders[tag]), "has": tag in own}
              for _, tag, members, expected in listed]
    missing = [{"tag": tags[tag], "members": members,
                "expected": expected,
                "times": members / expected,
                "held_by": [users[i] for i, s in zip(group, sets) if tag in s]}
               for _, tag, members, expected in listed if tag not in own]
    return len(judged), shared, missing


def profile(q):
    mine = row(q)
    order = numpy.argsort(-values[mine], kind="stable")
    top = [i for i in order if raw[mine][i] > 0][:TOP]
    return {"tags": len(held(q)), "value": round(float(raw[mine].sum()), 2),
            "top": [{"tag": tags[indices[mine][i]],
                     "value": round(float(raw[mine][i]), 2),
                     "customers": int(holders[indices[mine][i]])}
                    for i in top]}


@app.get("/customers/<name>/similar")
def similar(name):
    q = row_of.get(name)
    if q is None:
        return jsonify({"error": f"no customer {name}"}), 404
    scores = similarities(q)
    scores[q] = -2
    group = numpy.argpartition(-scores, NEIGHBOURS)[:NEIGHBOURS]
    group = group[numpy.lexsort((group, -scores[group]))]
    own = set(held(q).tolist())
    neighbours = []
    for rank, i in enumerate(group, 1):
        similarity = float(scores[i])
        why = reasons(q, i)
        theirs = set(held(i).tolist())
        neighbours.append({
            "rank": rank, "customer": users[i], "similarity": similarity,
            "why": [{"tag": tags[tag], "contribution": round(part, 6),
                     "both": tag in own and tag in theirs}
                    for tag, part in why],
            "other": similarity - sum(round(part, 6) for _, part in why)})
    compared, shared, missing = share(q, group)
    return jsonify({
        "customer": name, "columns": {k: metadata[f"columns.{k}"] for k in
                                      ("customer", "tag", "value")},
        "profile": profile(q), "neighbours": neighbours,
        "group": {"members": len(group), "tags_compared": compared,
                  "over_represented": shared, "missing": missing}})
