"""From an event log to the ten customers most like customer 1, as a side of a
row: pandas and scikit-learn, each step in the fastest way found.

usage: similar.py SOLVER LOG ANSWER
"""

import sys

import numpy
import pandas
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.preprocessing import normalize

# ARPACK in single precision, to the tolerance that ours has by default;
# "randomized" is what TruncatedSVD does unless told otherwise.
SOLVERS = {"arpack": {"algorithm": "arpack", "tol": 1e-3},
           "randomized": {"algorithm": "randomized", "n_iter": 5}}


def read_profiles(log):
    events = pandas.read_csv(
        log, usecols=["user_handle", "course_id", "view_time_seconds"],
        dtype={"course_id": "category"})
    sums = events.groupby(["user_handle", "course_id"], observed=True)
    return sums["view_time_seconds"].sum().reset_index()


def make_matrix(profiles):
    """Users, and log(1 + sum) x idf, rows of length 1."""
    users, rows = numpy.unique(profiles["user_handle"], return_inverse=True)
    values = numpy.log1p(profiles["view_time_seconds"].to_numpy(float))
    columns = profiles["course_id"].cat.codes
    matrix = sparse.csr_matrix((values, (rows, columns)))
    idf = numpy.log(len(users) / numpy.bincount(matrix.indices))
    return users, normalize(matrix @ sparse.diags(idf)).astype(numpy.float32)


def find_similar(log, solver):
    users, matrix = make_matrix(read_profiles(log))
    svd = TruncatedSVD(64, random_state=1, **SOLVERS[solver])
    embedding = normalize(svd.fit_transform(matrix))
    query = numpy.searchsorted(users, 1)
    similarity = embedding @ embedding[query]
    similarity[query] = -2
    best = numpy.argpartition(-similarity, 10)[:10]
    best = best[numpy.argsort(-similarity[best])]
    return zip(users[best], similarity[best])


def main(solver, log, answer):
    print("ready", flush=True)
    sys.stdin.readline()
    with open(answer, "w", encoding="ascii") as out:
        for user, similarity in find_similar(log, solver):
            out.write(f"{user}\t{similarity:.9g}\n")
    print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
