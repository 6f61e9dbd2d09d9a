"""KID and improved precision and recall in NumPy."""
import numpy as np


def philox(key, counter):
    """Philox4x32-10 (Salmon et al. 2011)."""
    c, k = list(counter), [key & 0xFFFFFFFF, key >> 32]
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & 0xFFFFFFFF, (p0 >> 32) ^ c[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def draw(seed, index, step, count):
    return (philox(seed, [0, step, index, 4])[0] * count) >> 32


def subset(seed, number, count, size):
    """The first rows of Fisher's and Yates' random order."""
    order = list(range(count))
    for i in range(size):
        j = i + draw(seed, i, number, count - i)
        order[i], order[j] = order[j], order[i]
    return order[:size]


def kernel_distance(a, b, subsets, size, seed):
    values = []
    for number in range(subsets):
        x = a[subset(seed, 2 * number, len(a), size)]
        y = b[subset(seed, 2 * number + 1, len(b), size)]
        kernel = lambda u, v: (u @ v.T / a.shape[1] + 1) ** 3
        xx, yy, xy = kernel(x, x), kernel(y, y), kernel(x, y)
        within = (xx.sum() - np.trace(xx) + yy.sum() - np.trace(yy)) / (size * (size - 1))
        values.append(within - 2 * xy.mean())
    return float(np.mean(values)), float(np.std(values))


def precision_recall(reference, generated, k):
    """As the evaluator of guided-diffusion: the (k+1)-th smallest distance within a set, itself among them, is the radius."""
    distance = lambda u, v: ((u[:, None, :] - v[None, :, :]) ** 2).sum(2)
    radius = lambda u: np.partition(distance(u, u), k, axis=1)[:, k]
    between = distance(generated, reference)
    precision = (between <= radius(reference)[None, :]).any(1).mean()
    recall = (between <= radius(generated)[:, None]).any(0).mean()
    return float(precision), float(recall)
