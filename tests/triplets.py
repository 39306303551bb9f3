"""The triplets of a model against numpy and scipy in double precision.

usage: triplets.py < MODELS

Reads lines MODEL [SIGMA]. From profile.values, components and sigma the stated
residuals are worked out again, and so are the embedding, its scale and its
centring. Components are orthonormal, the largest loading of each is positive,
residuals are within svd.tol. Singular values are within SIGMA (1e-6) of the
largest of those of a dense decomposition, or for more than 2 million cells of
ARPACK's at tolerance 0; where they are fewer than svd.k, the others are zero.
Ends with 1 and says where, if not."""
import sys
import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, svds
from tensors import read

wrong = 0


def check(path, within=1e-6):
    def expect(what, found, most):
        global wrong
        if not found <= most:
            wrong += 1
            print(f"{path}: {what}: {found:.3g}, expected {most:.3g}")

    metadata, tensors = read(path)
    v, sigma = tensors["components"], tensors["sigma"]
    n, (m, k) = len(tensors["profile.indptr"]) - 1, v.shape
    wanted, tol = int(metadata["svd.k"]), float(metadata["svd.tol"])
    center = metadata["svd.center"]
    a = sparse.csr_matrix(
        (tensors["profile.values"].astype(float), tensors["profile.indices"],
         tensors["profile.indptr"]), (n, m))

    # B = A - mu 1^T or A - 1 c^T, made only where it is small.
    mu = a.mean(1).A1 if center == "row" else np.ones(n)
    c = a.mean(0).A1 if center == "column" else np.ones(m)
    weight = 0 if center == "none" else 1
    # ARPACK, begun anywhere, cannot go on in the identity: all is one space.
    small = n * m <= 2e6
    if small:
        b = a.toarray() - weight * np.outer(mu, c)
        us = b @ v
        back = b.T @ us
        energy = (b ** 2).sum()
    else:
        us = a @ v - weight * np.outer(mu, c @ v)
        back = a.T @ us - weight * np.outer(c, mu @ us)
        energy = (a.data ** 2).sum() - weight * (mu ** 2).sum() * (c ** 2).sum()
    # Large means leave their rounding error, here as there.
    offset = np.sqrt((a.data ** 2).sum() / energy)
    residual = np.linalg.norm(back / sigma - sigma * v, axis=0) / sigma[0]
    expect("stated residuals", abs(residual - tensors["residual"]).max(),
           1e-9 * tol + 1e-12 * max(1, offset / 1000))
    expect("residuals", tensors["residual"].max(), tol)
    expect("products", abs(v.T @ v - np.eye(k)).max(), 1e-6)
    expect("signs", -v[abs(v).argmax(0), range(k)].min(), 0)
    if center == "column":
        expect("means", abs(c - tensors["tags.mean"]).max(),
               1e-12 * abs(c).max())
    scale = {"us": 1, "sqrt": sigma ** -.5,
             "u": 1 / sigma}[metadata["svd.scale"]]
    embedding = np.where(np.add.reduceat(
        np.append(tensors["profile.values"] != 0, 0),
        tensors["profile.indptr"][:-1])[:, None] > 0, us * scale, 0)
    embedding[np.diff(tensors["profile.indptr"]) == 0] = 0
    expect("embedding", abs(embedding - tensors["embedding"]).max(),
           1e-7 * abs(embedding).max())
    expect("energy", abs(energy - float(metadata["svd.energy"])),
           1e-12 * energy)
    if small:
        true = np.linalg.svd(b, compute_uv=False)
        if k < wanted:
            expect("sigma beyond the rank", true[k:].sum(), 1e-6 * true[0])
        true = true[:k]
    else:
        b = LinearOperator(
            (n, m), lambda x: a @ x.ravel() - weight * mu * (c @ x.ravel()),
            rmatvec=lambda y: a.T @ y.ravel() - weight * c * (mu @ y.ravel()))
        true = np.sort(svds(b, k, tol=0, return_singular_vectors=False))[::-1]
    expect("sigma", abs(true - sigma).max(), within * true[0])


for line in sys.stdin:
    path, *within = line.split()
    check(path, *map(float, within))
sys.exit(wrong > 0)
