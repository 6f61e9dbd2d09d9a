"""Fréchet distances by another way than the product's: eigenvalues of the unsymmetric Σ1·Σ2, and scipy's sqrtm.

Writes frechet.json. The cases of 2048 dimensions take some minutes with Debian's BLAS.
"""
import json
import os
import sys
import numpy as np
import scipy.linalg
from features import planted

# name, dimensions, (seed, count, offset, memory) of each side
CASES = [
    ("64", 64, (1, 1000, 0.0, 0.5), (2, 800, 0.1, 0.3)),
    ("64 close", 64, (1, 4000, 0.0, 0.5), (2, 4000, 0.0, 0.5)),
    ("64 far from zero", 64, (3, 1000, 1e4, 0.5), (4, 900, 1e4 + 0.25, 0.4)),
    ("64 with few images", 64, (5, 40, 0.0, 0.5), (6, 900, 0.05, 0.3)),
    ("64 with few images on both sides", 64, (7, 20, 0.0, 0.5), (8, 33, 0.05, 0.3)),
    ("2048", 2048, (9, 2600, 0.0, 0.5), (10, 2500, 0.02, 0.4)),
    ("2048 with few images", 2048, (11, 500, 0.0, 0.5), (12, 700, 0.02, 0.4)),
]


def distance(a, b):
    a, b = a.astype(np.float64), b.astype(np.float64)
    s1, s2 = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    delta = a.mean(0) - b.mean(0)
    if min(len(a), len(b)) <= a.shape[1]:
        # Singular: the sum of singular values of Xᵀ·Y of centred features, which needs no covariance at all.
        x = (a - a.mean(0)) / np.sqrt(len(a) - 1)
        y = (b - b.mean(0)) / np.sqrt(len(b) - 1)
        root = scipy.linalg.svdvals(x @ y.T).sum()
    elif a.shape[1] <= 256:
        root = np.trace(scipy.linalg.sqrtm(s1 @ s2)).real
    else:
        root = np.sqrt(np.maximum(scipy.linalg.eigvals(s1 @ s2).real, 0)).sum()
    return float(delta @ delta + np.trace(s1) + np.trace(s2) - 2 * root)


results = []
for name, d, (s1, n1, o1, m1), (s2, n2, o2, m2) in CASES:
    value = distance(planted(s1, n1, d, o1, m1), planted(s2, n2, d, o2, m2))
    print(name, value, file=sys.stderr, flush=True)
    results.append({
        "name": name, "dimensions": d, "expected": value,
        "one": {"seed": s1, "count": n1, "offset": o1, "memory": m1},
        "two": {"seed": s2, "count": n2, "offset": o2, "memory": m2},
    })
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "frechet.json"), "w") as file:
    json.dump(results, file, indent=1)
    file.write("\n")
