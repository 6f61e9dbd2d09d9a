"""Makes expected.txt: features of the FID Inception network with seeded weights, by PyTorch.

    python3 inception_reference.py              writes expected.txt
    python3 inception_reference.py weights.pth  also saves the state dict there, and weights.pth.legacy in the format
                                                before PyTorch 1.6, for trying the whole way by hand

Weights and images are functions of a name and an index alone, which InceptionFormula.cs repeats bit for bit.
The network is torchvision's with the deviations of the TensorFlow graph of 2015 that pytorch-fid documents.
"""

import sys

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from torchvision.models import inception as tv

M64 = (1 << 64) - 1


def uniform(name, count, start=0):
    """Numbers in [-1, 1): SplitMix64 of a name's FNV-1a hash and an index, the upper 24 bits."""
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = ((h ^ byte) * 0x100000001B3) & M64
    with np.errstate(over="ignore"):
        z = np.uint64(h) + (np.arange(start, start + count, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(40)).astype(np.int64) - (1 << 23)).astype(np.float32) / np.float32(1 << 23)


def tensor(name, shape):
    u = uniform(name, int(np.prod(shape)))
    if name.endswith("conv.weight") or name == "fc.weight":
        # Uniform numbers have variance 1/3; ReLU halves the mean square.
        fan_in = int(np.prod(shape[1:]))
        u = u * np.float32(np.sqrt(np.float64(6.0 if name != "fc.weight" else 3.0) / fan_in))
    elif name.endswith("bn.weight"):
        u = np.float32(1) + np.float32(0.2) * u
    elif name.endswith("running_var"):
        u = np.float32(1) + np.float32(0.5) * u
    else:
        u = np.float32(0.2) * u
    return torch.from_numpy(u.reshape(shape))


def image(index):
    """Blocks of 16 pixels, and noise on them."""
    name = f"image{index}"
    coarse = uniform(name + ".coarse", 3 * 19 * 19).reshape(3, 19, 19)
    fine = uniform(name + ".fine", 3 * 299 * 299).reshape(3, 299, 299)
    rows = np.arange(299) // 16
    return np.float32(0.75) * coarse[:, rows][:, :, rows] + np.float32(0.25) * fine


def mean_pool(x):
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def block_a(m, x):
    return torch.cat([m.branch1x1(x), m.branch5x5_2(m.branch5x5_1(x)),
                      m.branch3x3dbl_3(m.branch3x3dbl_2(m.branch3x3dbl_1(x))), m.branch_pool(mean_pool(x))], 1)


def block_c(m, x):
    a = m.branch7x7_3(m.branch7x7_2(m.branch7x7_1(x)))
    b = m.branch7x7dbl_5(m.branch7x7dbl_4(m.branch7x7dbl_3(m.branch7x7dbl_2(m.branch7x7dbl_1(x)))))
    return torch.cat([m.branch1x1(x), a, b, m.branch_pool(mean_pool(x))], 1)


def block_e(m, x, pool):
    a, b = m.branch3x3_1(x), m.branch3x3dbl_2(m.branch3x3dbl_1(x))
    return torch.cat([m.branch1x1(x), m.branch3x3_2a(a), m.branch3x3_2b(a),
                      m.branch3x3dbl_3a(b), m.branch3x3dbl_3b(b), m.branch_pool(pool(x))], 1)


def run(net, x):
    x = net.maxpool1(net.Conv2d_2b_3x3(net.Conv2d_2a_3x3(net.Conv2d_1a_3x3(x))))
    x = net.maxpool2(net.Conv2d_4a_3x3(net.Conv2d_3b_1x1(x)))
    x = block_a(net.Mixed_5d, block_a(net.Mixed_5c, block_a(net.Mixed_5b, x)))
    x = block_c(net.Mixed_6c, block_c(net.Mixed_6b, net.Mixed_6a(x)))
    spatial = net.Mixed_6d.branch1x1(x)[:, :7].flatten(1)
    x = net.Mixed_7a(block_c(net.Mixed_6e, block_c(net.Mixed_6d, x)))
    x = block_e(net.Mixed_7b, x, mean_pool)
    x = block_e(net.Mixed_7c, x, lambda y: F.max_pool2d(y, 3, stride=1, padding=1))
    features = x.mean((2, 3))
    return features, features @ net.fc.weight.T, spatial


def main():
    net = torchvision.models.inception_v3(num_classes=1008, aux_logits=False, init_weights=False).eval()
    state = {n: t if n.endswith("num_batches_tracked") else tensor(n, tuple(t.shape)) for n, t in net.state_dict().items()}
    net.load_state_dict(state)
    if len(sys.argv) > 1:
        torch.save(net.state_dict(), sys.argv[1])
        torch.save(net.state_dict(), sys.argv[1] + ".legacy", _use_new_zipfile_serialization=False)
    with torch.no_grad():
        x = torch.from_numpy(np.stack([image(0), image(1)]))
        outputs = run(net, x)
        # The same in double precision says how far float32 can be trusted.
        exact = run(net.double(), x.double())
    with open("expected.txt", "w") as file:
        for name, values, precise in zip(["features", "logits", "spatial"], outputs, exact):
            print(f"{name}: deviation {precise.std():.3f}, largest {precise.abs().max():.3f}, "
                  f"float32 is off by {(values - precise).abs().max():.2e}")
            for i in range(2):
                width = precise.shape[1]
                for k in range(64):
                    # A step that is prime to the widths visits all parts.
                    at = k * 997 % width
                    file.write(f"{name} {i} {at} {precise[i, at].item():.9g}\n")


main()
