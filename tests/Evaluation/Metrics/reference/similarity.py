"""SSIM and PSNR with scipy's convolutions, on images that the tests make again: similarity.json.

Pixel i of image s is byte 0 of word i of SplitMix64 with seed s, mixed with a ramp; see ImageSimilarityTests.
"""
import json
import os
import numpy as np
import scipy.signal
from features import splitmix


def image(seed, width, height, channels, noise):
    words = splitmix(seed, width * height * channels)
    flat = (words & np.uint64(0xFF)).astype(np.int64)
    ramp = (np.arange(width * height * channels) * 7) // channels % 256
    return ((ramp * (8 - noise) + flat * noise) // 8).astype(np.uint8).reshape(height, width, channels)


def ssim(a, b):
    smallest = min(a.shape[0], a.shape[1])
    size = min(11, smallest if smallest % 2 else smallest - 1)
    y, x = np.mgrid[:size, :size] - size // 2
    window = np.exp(-(x * x + y * y) / (2 * 1.5 ** 2))
    window /= window.sum()
    blur = lambda z: scipy.signal.correlate2d(z, window, mode="valid")
    values = []
    for channel in range(a.shape[2]):
        p, q = a[:, :, channel].astype(float), b[:, :, channel].astype(float)
        mp, mq = blur(p), blur(q)
        vp, vq, vpq = blur(p * p) - mp ** 2, blur(q * q) - mq ** 2, blur(p * q) - mp * mq
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        values.append(np.mean((2 * mp * mq + c1) * (2 * vpq + c2) / ((mp ** 2 + mq ** 2 + c1) * (vp + vq + c2))))
    return float(np.mean(values))


results = []
for width, height, channels, one, two in [
    (32, 32, 1, 1, 2), (32, 32, 3, 0, 1), (45, 23, 3, 2, 6), (11, 11, 1, 1, 1), (8, 20, 3, 1, 2), (3, 3, 1, 1, 2), (1, 5, 1, 2, 3),
]:
    a, b = image(1, width, height, channels, one), image(2, width, height, channels, two)
    error = np.mean((a.astype(float) - b.astype(float)) ** 2)
    results.append({
        "width": width, "height": height, "channels": channels, "noise1": one, "noise2": two,
        "ssim": ssim(a, b), "psnr": float(10 * np.log10(255 ** 2 / error)),
    })
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "similarity.json"), "w") as file:
    json.dump(results, file, indent=1)
    file.write("\n")
