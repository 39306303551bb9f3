"""One customer's neighbours by an index that is read from a file, as a side of
a job.

usage: one_shot.py write MODEL INDEX
       one_shot.py ask MODEL INDEX CUSTOMER ANSWER
"""

import sys

import faiss
import numpy

from neighbours import read


def write(model, path):
    x = numpy.ascontiguousarray(read(model)[1])
    index = faiss.IndexFlatIP(x.shape[1])
    index.add(x)
    faiss.write_index(index, path)


def ask(model, path, customer, answer):
    names, x = read(model)
    row = names.index(customer)
    query = numpy.ascontiguousarray(x[row:row + 1])
    print("ready", flush=True)
    sys.stdin.readline()
    found = faiss.read_index(path).search(query, 11)[1][0]
    print("done", flush=True)
    with open(answer, "w", encoding="ascii") as out:
        out.writelines(f"{names[i]}\n" for i in
                       [i for i in found if i != row][:10])


{"write": write, "ask": ask}[sys.argv[1]](*sys.argv[2:])
