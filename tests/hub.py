"""The neighbours of cs-knn --hub by the definition, from those without it.

usage: hub.py ALL.tsv N [QUERIES.tsv] > EXPECTED

ALL.tsv has for every customer all others by falling similarity; QUERIES.tsv,
the same by default, those of the queries.  Writes the first N of each in the
order of s - r / 2, r being the mean similarity of a customer to its ten
nearest."""
import struct, sys


def table(path):
    lists = {}
    for line in open(path).read().splitlines()[1:]:
        query, _, neighbour, similarity = line.split("\t")
        lists.setdefault(query, []).append((neighbour, float(similarity)))
    return lists


everyone = table(sys.argv[1])
near = {}
for customer, others in everyone.items():
    ten = [s for _, s in others[:10]]
    near[customer], = struct.unpack("f", struct.pack("f", sum(ten) / len(ten)))
print("query\trank\tneighbour\tsimilarity")
for query, others in table(sys.argv[-1]).items() if len(sys.argv) > 3 \
        else everyone.items():
    best = sorted(others, key=lambda o: (near[o[0]] / 2 - o[1], o[0].encode()))
    for rank, (neighbour, s) in enumerate(best[:int(sys.argv[2])], 1):
        print(f"{query}\t{rank}\t{neighbour}\t{s:.9g}")
