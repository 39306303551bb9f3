"""The ten most similar of customers by their rows, as a side of a job.

usage: rows.py HOW MODEL ANSWER [USERS]

HOW is dense: scipy's product of a block of rows with all rows, made dense, and
numpy's argpartition; dense-combined: the products of the embeddings are added
as in the combined similarity of cs-design(7); or sparse: the product stays in
compressed rows (CSR), of each of which the largest entries are taken.  Timed
is from the model in memory to the rows that are found.
"""

import json
import sys

import numpy
from scipy import sparse

BLOCK, NEIGHBOURS, ALPHA = 500, 11, 1.0
KINDS = {"F32": "<f4", "I32": "<i4", "I64": "<i8", "U8": "u1"}


def read(path):
    """Names, rows of length 1, and embeddings in the unit of the rows."""
    data = open(path, "rb").read()
    begin = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:begin])

    def tensor(name):
        a, b = header[name]["data_offsets"]
        return numpy.frombuffer(data[begin + a:begin + b],
                                KINDS[header[name]["dtype"]])
    at, text = tensor("users.offsets"), tensor("users.bytes").tobytes()
    names = [text[a:b].decode() for a, b in zip(at, at[1:])]
    indptr, values = tensor("profile.indptr"), tensor("profile.values")
    matrix = sparse.csr_matrix(
        (values, tensor("profile.indices"), indptr),
        (len(names), len(tensor("tags.offsets")) - 1))
    length = numpy.sqrt(matrix.multiply(matrix).sum(axis=1).A1)
    length[length == 0] = 1
    x = tensor("embedding").reshape(len(names), -1) / length[:, None]
    return (names, sparse.diags((1 / length).astype("f4")) @ matrix,
            x.astype("f4"))


def largest(values):
    """Where the largest are, in falling order."""
    best = numpy.arange(len(values))
    if len(values) > NEIGHBOURS:
        best = numpy.argpartition(-values, NEIGHBOURS)[:NEIGHBOURS]
    return best[numpy.argsort(-values[best])]


def find_sparse(block, a, transposed):
    product = a[block] @ transposed
    for i, j in zip(product.indptr, product.indptr[1:]):
        best = i + largest(product.data[i:j])
        yield product.indices[best], product.data[best]


def find_dense(block, a, transposed, x=None, g=None):
    scores = (a[block] @ transposed).toarray()
    if x is not None:
        norm = numpy.sqrt(1 + ALPHA * g ** 1.5 - g ** 2)
        scores += (ALPHA / numpy.outer(g[block], g) ** .25 - 1) * (
            x[block] @ x.T)
        scores /= norm
        scores /= norm[block, None]
    best = numpy.argpartition(-scores, NEIGHBOURS)[:, :NEIGHBOURS]
    values = numpy.take_along_axis(scores, best, 1)
    order = numpy.argsort(-values, 1)
    return zip(numpy.take_along_axis(best, order, 1),
               numpy.take_along_axis(values, order, 1))


def find(how, rows, a, x):
    """The most similar of each row, and how similar they are."""
    given = [a, a.T.tocsr()]
    if how == "dense-combined":
        given += [x, numpy.maximum(numpy.linalg.norm(x, axis=1), 1e-9)]
    search = find_sparse if how == "sparse" else find_dense
    return [found for begin in range(0, len(rows), BLOCK)
            for found in search(rows[begin:begin + BLOCK], *given)]


def main(how, model, answer, users=None):
    names, a, x = read(model)
    rows = numpy.arange(len(names))
    if users is not None:
        row_of = {name: i for i, name in enumerate(names)}
        rows = numpy.array([row_of[line.rstrip("\n")] for line in open(users)])
    print("ready", flush=True)
    sys.stdin.readline()
    found = find(how, rows, a, x)
    print("done", flush=True)
    with open(answer, "w", encoding="ascii") as out:
        for row, (others, values) in zip(rows[::17], found[::17]):
            kept = [pair for pair in zip(others, values) if pair[0] != row]
            out.writelines(
                f"{names[row]}\t{rank}\t{names[i]}\t{value:.7f}\n"
                for rank, (i, value) in enumerate(kept[:10], 1))


if __name__ == "__main__":
    main(*sys.argv[1:])
