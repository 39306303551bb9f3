"""The truncated SVD of a matrix file by scikit-learn or gensim, as a side of a
row, and the worst residual of what it found.

usage: factor.py SOLVER MATRIX ANSWER
"""

import json
import sys

import numpy
from scipy import sparse
from sklearn.decomposition import TruncatedSVD

TYPES = {"I64": "<i8", "I32": "<i4", "F32": "<f4"}
SOLVERS = {"arpack": {"algorithm": "arpack", "tol": 1e-3},
           "randomized": {"algorithm": "randomized", "n_iter": 5}}


def read(path):
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    parts = [numpy.fromfile(path, TYPES[header[name]["dtype"]],
                            header[name]["shape"][0],
                            offset=8 + size + header[name]["data_offsets"][0])
             for name in ("profile.values", "profile.indices",
                          "profile.indptr")]
    shape = (header["users.offsets"]["shape"][0] - 1,
             header["tags.offsets"]["shape"][0] - 1)
    return sparse.csr_matrix(tuple(parts), shape)


def by_sklearn(matrix, solver):
    """What does the work, and then gives U S, S and V."""
    svd = TruncatedSVD(64, random_state=1, **SOLVERS[solver])

    def work():
        embedding = svd.fit_transform(matrix)
        return embedding, svd.singular_values_, svd.components_.T
    return work


def by_gensim(matrix):
    """The same; documents are columns there, and a whole sparse matrix is the
    fastest corpus."""
    from gensim.models import LsiModel
    corpus = matrix.T.tocsc()
    names = {i: str(i) for i in range(matrix.shape[1])}

    def work():
        model = LsiModel(corpus, num_topics=64, id2word=names)
        components = model.projection.u
        return matrix @ components, model.projection.s, components
    return work


def main(solver, path, answer):
    matrix = read(path)
    work = (by_gensim(matrix) if solver == "gensim"
            else by_sklearn(matrix, solver))
    print("ready", flush=True)
    sys.stdin.readline()
    embedding, sigma, components = work()
    print("done", flush=True)
    rest = matrix.T @ (embedding / sigma) - components * sigma
    with open(answer, "w", encoding="ascii") as out:
        out.write(f"{numpy.linalg.norm(rest, axis=0).max() / sigma.max()}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
