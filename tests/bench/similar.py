"""From an event log to the ten customers most like customer 1, as a side of a
job: pandas and scikit-learn, each step in the fastest way found, with the
weights and the similarity that are our defaults (cs-design(7)).

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
ALPHA = 1.0


def read_profiles(log):
    events = pandas.read_csv(
        log, usecols=["user_handle", "course_id"],
        dtype={"course_id": "category"})
    pairs = events.groupby(["user_handle", "course_id"], observed=True)
    return pairs.size().reset_index(name="events")


def make_matrix(profiles):
    """Users, and the root of events x log(1 + n / users of the tag), rows of
    length 1."""
    users, rows = numpy.unique(profiles["user_handle"], return_inverse=True)
    values = numpy.sqrt(profiles["events"].to_numpy(float))
    columns = profiles["course_id"].cat.codes
    matrix = sparse.csr_matrix((values, (rows, columns)))
    idf = numpy.sqrt(numpy.log1p(len(users) / numpy.bincount(matrix.indices)))
    return users, normalize(matrix @ sparse.diags(idf)).astype(numpy.float32)


def find_similar(log, solver):
    users, matrix = make_matrix(read_profiles(log))
    svd = TruncatedSVD(64, random_state=1, **SOLVERS[solver])
    embedding = svd.fit_transform(matrix)
    query = numpy.searchsorted(users, 1)
    g = numpy.maximum(numpy.linalg.norm(embedding, axis=1), 1e-9)
    similarity = (matrix @ matrix[query].T).toarray().ravel() + (
        ALPHA / (g * g[query]) ** .25 - 1) * (embedding @ embedding[query])
    norm = 1 + ALPHA * g ** 1.5 - g ** 2
    similarity /= numpy.sqrt(norm * norm[query])
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
