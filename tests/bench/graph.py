"""hnswlib's graph of all customers, as a side of a job: its build.

usage: graph.py MODEL
"""

import sys

import hnswlib

from neighbours import read

x = read(sys.argv[1])[1]
index = hnswlib.Index("ip", x.shape[1])
index.init_index(len(x), M=16, ef_construction=100)
index.set_num_threads(2)
print("ready", flush=True)
sys.stdin.readline()
index.add_items(x)
print("done", flush=True)
