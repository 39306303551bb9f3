"""Neighbours of all customers of a log, with the model by OpenBLAS's kernels for
this processor and for each of others: the same ten, but for ties.

usage: blas_kernels.py LOG [OPTION of cs-aggregate]... -- CORE...
The programs are on the PATH.  A core whose instructions this processor lacks is
left out, and that is said.
"""
import os
import subprocess
import sys

# Two similarities that differ by less are a tie: triplets have a residual of up
# to 1e-3 of the largest singular value.
TIE = 2e-3
NEEDS = {"Haswell": "avx2", "SkylakeX": "avx512vl"}


def neighbours(words, core=None):
    """{customer: [(neighbour, similarity)]}, eleven each."""
    environment = dict(os.environ)
    environment.pop("OPENBLAS_CORETYPE", None)
    if core is not None:
        environment["OPENBLAS_CORETYPE"] = core
    text = subprocess.run(
        ["bash", "-o", "pipefail", "-c", 'cs-aggregate -q "$@" | cs-matrix -q |'
         " cs-svd -q | cs-knn -q --all -n 11 --no-why", "-", *words],
        check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    result = {}
    for line in text.splitlines():
        fields = line.split("\t")
        if not line.startswith("#") and fields[0] != "query":
            result.setdefault(fields[0], []).append(
                (fields[2], float(fields[3])))
    return result


def main():
    end = sys.argv.index("--")
    words, cores = sys.argv[1:end], sys.argv[end + 1:]
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        flags = file.read().split()
    ours = neighbours(words)
    for core in cores:
        if NEEDS.get(core, "sse2") not in flags:
            print(f"blas_kernels: SKIPPED: this processor is no {core}")
            continue
        other = neighbours(words, core)
        assert set(ours) == set(other)
        kept = whole = 0
        for user, found in ours.items():
            last = found[10][1] if len(found) > 10 else 0
            clear = {x for x, s in found[:10] if s > last + TIE}
            there = {x for x, _ in other[user][:10]}
            assert clear <= there, (core, user, clear - there)
            kept += len({x for x, _ in found[:10]} & there)
            whole += len(found[:10])
        print(f"blas_kernels: {core}: {kept / whole:.4f} of the ten nearest of "
              f"{len(ours):,} customers are the same, the rest are ties")


if __name__ == "__main__":
    main()
