"""Single queries, one after another, of faiss, as a side of a job.

usage: resident.py MODEL QUERIES ANSWER
"""

import sys

import faiss
import numpy

from neighbours import read


def main(model, queries, answer):
    x = numpy.ascontiguousarray(read(model)[1])
    rows = [i * len(x) // int(queries) for i in range(int(queries))]
    index = faiss.IndexFlatIP(x.shape[1])
    index.add(x)
    print("ready", flush=True)
    sys.stdin.readline()
    found = [index.search(x[row:row + 1], 11)[1][0] for row in rows]
    print("done", flush=True)
    numpy.savetxt(answer, found, fmt="%d")


main(*sys.argv[1:])
