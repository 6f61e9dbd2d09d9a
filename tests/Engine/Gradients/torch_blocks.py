"""Losses and gradients of small blocks by PyTorch: run it to write Data/torch_blocks.json anew.

Weights and inputs come of a formula that TorchAgreementTests.cs has too, so only results are stored.
"""

import base64
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

STEPS = 3


class Tensors:
    """Makes tensors by the formula, each with a seed of its name, and keeps them."""

    def __init__(self):
        self.all = {}

    def __call__(self, name, dims, scale=1.0, centre=0.0):
        mask = 0xFFFFFFFF
        seed = 2166136261
        for letter in name.encode():
            seed = (seed ^ letter) * 16777619 & mask
        h = (np.arange(1, int(np.prod(dims)) + 1, dtype=np.uint64) * 2654435761 + seed) & mask
        h = ((h ^ (h >> np.uint64(15))) * 2246822519) & mask
        h = h ^ (h >> np.uint64(13))
        unit = (h >> np.uint64(8)).astype(np.float32) / np.float32(1 << 23) - np.float32(1)
        values = np.float32(centre) + np.float32(scale) * unit
        if name not in self.all:
            self.all[name] = torch.from_numpy(values.reshape(dims)).requires_grad_()
        return self.all[name]


def group_norm(t, name, x, groups):
    c = x.shape[1]
    return F.group_norm(x, groups, t(f"{name}.weight", (c,), 0.2, 1), t(f"{name}.bias", (c,), 0.2))


def conv(t, name, x, dims, **settings):
    return F.conv2d(x, t(f"{name}.weight", dims, 0.4), t(f"{name}.bias", dims[:1], 0.1), **settings)


def residual(t):
    x = t("x", (2, 4, 5, 6))
    h = conv(t, "conv1", F.silu(group_norm(t, "norm1", x, 2)), (6, 4, 3, 3), padding=1)
    h = h + F.linear(t("time", (2, 5)), t("time.weight", (6, 5), 0.4), t("time.bias", (6,), 0.1))[:, :, None, None]
    h = conv(t, "conv2", F.silu(group_norm(t, "norm2", h, 3)), (6, 6, 3, 3), padding=1)
    return F.mse_loss(conv(t, "skip", x, (6, 4, 1, 1)) + h, t("target", (2, 6, 5, 6)))


def convolutions(t):
    h = conv(t, "strided", t("x", (2, 4, 9, 8)), (8, 4, 3, 3), stride=2, padding=1)
    h = conv(t, "dilated", F.silu(h), (8, 8, 3, 2), dilation=(2, 1), padding=(2, 1))
    h = conv(t, "grouped", torch.tanh(h), (8, 2, 3, 3), groups=4, padding=1)
    h = F.conv_transpose2d(
        h, t("up.weight", (8, 6, 4, 3), 0.4), t("up.bias", (6,), 0.1), stride=2, padding=1, output_padding=(0, 1)
    )
    h = conv(t, "tall", torch.sigmoid(h), (6, 6, 5, 1), padding=(1, 0))
    h = conv(t, "depthwise", F.relu(h), (6, 1, 1, 5), groups=6, padding=(0, 2))
    return F.mse_loss(h, t("target", h.shape))


def attention(t):
    x = t("x", (2, 6, 3, 4))
    h = group_norm(t, "norm", x, 3)
    q, k, v = (conv(t, n, h, (6, 6, 1, 1)).reshape(2, 6, 12) for n in "qkv")
    probabilities = torch.softmax(torch.bmm(q.transpose(1, 2), k) * 0.4, -1)
    mixed = torch.bmm(v, probabilities.transpose(1, 2)).reshape(2, 6, 3, 4)
    return F.mse_loss(x + conv(t, "out", mixed, (6, 6, 1, 1)), t("target", (2, 6, 3, 4)))


def layer_norm(t, name, x):
    return F.layer_norm(x, x.shape[-1:], t(f"{name}.weight", x.shape[-1:], 0.2, 1), t(f"{name}.bias", x.shape[-1:], 0.2))


def multi_head(t, name, x, context):
    def heads(kind, value):
        weight = t(f"{name}.{kind}.weight", (value.shape[-1], 8), 0.6)
        return torch.matmul(value, weight).reshape(2, -1, 2, 4).permute(0, 2, 1, 3)

    q, k, v = heads("q", x), heads("k", context), heads("v", context)
    mixed = torch.softmax(torch.matmul(q, k.transpose(2, 3)) * 0.5, -1) @ v
    mixed = mixed.permute(0, 2, 1, 3).reshape(2, -1, 8)
    return torch.matmul(mixed, t(f"{name}.out.weight", (8, 8), 0.6)) + t(f"{name}.out.bias", (8,), 0.1)


def transformer(t):
    x = t("x", (2, 6, 8))
    h = layer_norm(t, "norm1", x)
    x = x + multi_head(t, "self", h, h)
    x = x + multi_head(t, "cross", layer_norm(t, "norm2", x), t("context", (2, 5, 7)))
    h = torch.matmul(layer_norm(t, "norm3", x), t("up.weight", (8, 12), 0.6)) + t("up.bias", (12,), 0.1)
    x = x + torch.matmul(F.gelu(h), t("down.weight", (12, 8), 0.6))
    return F.mse_loss(x, t("target", (2, 6, 8)))


def quantized(t):
    h = t("x", (2, 4, 5, 6), 1.5)
    h = F.silu(group_norm(t, "norm", h, 2))
    step = t("step", (), 0.01, 0.1)
    scaled = step * 0.25 + (step - step * 0.25).detach()
    ratio = h / scaled
    code = torch.clamp(ratio + (ratio.round() - ratio).detach(), -2, 13)
    soft = torch.clamp(torch.sigmoid(t("rounding", (6, 4, 3, 3), 3)) * 1.2 - 0.1, 0, 1)
    floor = t("floor", (6, 4, 3, 3), 8).floor().detach()
    weight = torch.clamp(floor + soft, -8, 7) * t("scale", (6, 1, 1, 1), 0.02, 0.05)
    h = F.conv2d(code * scaled, weight, padding=1)
    far = (1 - (2 * soft - 1).abs() ** 3).sum() * 0.01
    return F.mse_loss(h, t("target", (2, 6, 5, 6))) + far


def encode(tensor):
    return base64.b64encode(tensor.detach().contiguous().numpy().tobytes()).decode()


def main():
    torch.set_num_threads(1)
    blocks = {}
    for block in (residual, convolutions, attention, transformer, quantized):
        t = Tensors()
        loss = block(t)
        loss.backward()
        # What a stop of gradients hides has none.
        gradients = {name: encode(v.grad) for name, v in t.all.items() if v.grad is not None}
        blocks[block.__name__] = {"loss": loss.item(), "gradients": gradients}
        if block is transformer:
            adam = torch.optim.AdamW(t.all.values(), lr=0.01, weight_decay=0.1)
            for _ in range(STEPS):
                adam.zero_grad()
                block(t).backward()
                adam.step()
            blocks[block.__name__]["stepped"] = {name: encode(v) for name, v in t.all.items()}
    path = Path(__file__).parent / "Data" / "torch_blocks.json"
    path.write_text(json.dumps(blocks, indent=1) + "\n")


main()
