"""The ten nearest of customers, as a side of a job.

usage: neighbours.py RIVAL MODEL ANSWER RECALL [USERS]

RIVAL is flat, ivf (faiss), sklearn or hnsw (hnswlib).  Building an index, and
finding the least effort that has the recall, are not timed.
"""

import json
import math
import sys

import numpy


def read(path):
    """Names and unit vectors."""
    data = open(path, "rb").read()
    begin = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:begin])

    def tensor(name, kind):
        a, b = header[name]["data_offsets"]
        return numpy.frombuffer(data[begin + a:begin + b], kind).reshape(
            header[name]["shape"])
    x = tensor("embedding", numpy.float32)
    length = numpy.linalg.norm(x, axis=1)
    at = tensor("users.offsets", numpy.int64)
    text = tensor("users.bytes", numpy.uint8).tobytes()
    return ([text[a:b].decode() for a, b in zip(at, at[1:])],
            x / numpy.where(length > 0, length, 1)[:, None])


def least_effort(search, set_effort, x, recall):
    """The first effort by which a sample has the recall."""
    import faiss
    flat = faiss.IndexFlatIP(x.shape[1])
    flat.add(x)
    sample = x[::len(x) // 500]
    expected = flat.search(sample, 10)[1]
    effort = 1
    while True:
        set_effort(effort)
        found = search(sample, 10)
        share = numpy.mean([len(set(a) & set(b)) / 10
                            for a, b in zip(found, expected)])
        if share >= recall or effort > 1024:
            print(f"effort {effort}: recall {share:.3f}", file=sys.stderr)
            return
        effort = effort + 1 if effort < 8 else effort * 5 // 4


def begin(rival, x, recall):
    """Build; return what finds the rows of the k nearest."""
    if rival == "sklearn":
        from sklearn.neighbors import NearestNeighbors
        index = NearestNeighbors(algorithm="brute", n_jobs=2).fit(x)
        # Of unit vectors the Euclidean order is that of the cosine.
        return lambda q, k: index.kneighbors(q, k, return_distance=False)
    if rival == "hnsw":
        import hnswlib
        index = hnswlib.Index("ip", x.shape[1])
        index.init_index(len(x), M=16, ef_construction=100)
        index.set_num_threads(2)
        index.add_items(x)

        def search(q, k):
            return index.knn_query(q, k)[0]
        least_effort(search, lambda e: index.set_ef(10 + 4 * e), x, recall)
        return search
    import faiss
    if rival == "flat":
        index = faiss.IndexFlatIP(x.shape[1])
    else:
        # As many as were fastest on each of the sets, as a rule.
        cells = 1 << int(math.log2(min(len(x) / 20, 2048)))
        index = faiss.IndexIVFFlat(faiss.IndexFlatIP(x.shape[1]), x.shape[1],
                                   cells, faiss.METRIC_INNER_PRODUCT)
        index.train(x)
    index.add(x)

    def search(q, k):
        return index.search(q, k)[1]
    if rival == "ivf":
        def set_effort(effort):
            index.nprobe = effort
        least_effort(search, set_effort, x, recall)
    return search


def main(rival, model, answer, recall, users=None):
    names, x = read(model)
    rows = numpy.arange(len(names))
    if users is not None:
        row_of = {name: i for i, name in enumerate(names)}
        rows = numpy.array([row_of[line.rstrip("\n")] for line in open(users)])
    search = begin(rival, x, float(recall))
    queries = numpy.ascontiguousarray(x[rows])
    print("ready", flush=True)
    sys.stdin.readline()
    found = search(queries, 11)
    print("done", flush=True)
    with open(answer, "w", encoding="ascii") as out:
        for row, others in zip(rows[::17], found[::17]):
            kept = [i for i in others if i != row and i >= 0][:10]
            out.writelines(f"{names[row]}\t{names[i]}\n" for i in kept)


if __name__ == "__main__":
    main(*sys.argv[1:])
