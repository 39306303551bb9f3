"""Answers of a service for the first customers of a list, as JSON; and whether
those of two say the same.

usage: service_answers.py PORT COUNT NAMES
       service_answers.py --compare OURS THEIRS
"""

import json
import sys
import urllib.request


def fetch(port, count, names):
    answers = []
    for name in open(names, encoding="ascii").read().split()[:count]:
        url = f"http://127.0.0.1:{port}/customers/{name}/similar"
        answers.append(json.load(urllib.request.urlopen(url)))
    json.dump(answers, sys.stdout)


def near(a, b):
    """Numbers agree to rounding, all else is equal; keys that only ours has
    are ours to have."""
    if isinstance(b, dict):
        return all(key in a and near(a[key], b[key]) for key in b)
    if isinstance(b, list):
        return len(a) == len(b) and all(map(near, a, b))
    if isinstance(b, float) or isinstance(a, float):
        return abs(a - b) <= 2e-5 * max(1, abs(b))
    return a == b


def compare(ours, theirs):
    pairs = list(zip(json.load(open(ours)), json.load(open(theirs))))
    same = sum(near(a, b) for a, b in pairs)
    print(f"{same} of {len(pairs)} the same")
    sys.exit(same < 0.8 * len(pairs))


if sys.argv[1] == "--compare":
    compare(*sys.argv[2:])
else:
    fetch(sys.argv[1], int(sys.argv[2]), sys.argv[3])
