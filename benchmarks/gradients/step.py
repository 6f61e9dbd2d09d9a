"""The blocks of the gradients benchmark in PyTorch; the benchmark starts this and asks for steps through stdin."""

import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).parent))
from unet import UNet  # noqa: E402


# Given by the benchmark. Products in full float32, as on the other side.
torch.set_num_threads(int(sys.argv[1]))
DEVICE = torch.device(sys.argv[2])
torch.backends.cudnn.allow_tf32 = False


class Block:
    """One block: its inputs and parameters as the benchmark wrote them, and the loss of them."""

    def __init__(self, folder):
        self.folder = Path(folder)
        index = json.loads((self.folder / "index.json").read_text())
        self.loss = globals().get(index["block"])
        self.learning_rate = index["learning_rate"]
        self.inputs = {t["name"]: self.read(t) for t in index["inputs"]}
        self.parameters = {t["name"]: self.read(t).requires_grad_() for t in index["parameters"]}
        self.adam = torch.optim.Adam(self.parameters.values(), lr=self.learning_rate)

    def read(self, tensor):
        data = bytearray((self.folder / f"{tensor['name']}.bin").read_bytes())
        return torch.frombuffer(data, dtype=torch.float32).reshape(tensor["dims"]).clone().to(DEVICE)

    def forward(self):
        with torch.no_grad():
            return self.loss(self.parameters, self.inputs)

    def backward(self):
        self.adam.zero_grad()
        loss = self.loss(self.parameters, self.inputs)
        loss.backward()
        return loss

    def step(self):
        loss = self.backward()
        self.adam.step()
        return loss

    def write(self, kind, of):
        for name, parameter in self.parameters.items():
            (self.folder / f"{name}.{kind}.bin").write_bytes(of(parameter).detach().contiguous().cpu().numpy().tobytes())


class Network(Block):
    """A whole U-Net of unet.py with the weights that the benchmark wrote."""

    def __init__(self, folder):
        super().__init__(folder)
        size = json.loads((self.folder / "index.json").read_text())["network"]
        self.net = UNet(size["Channels"], tuple(size["Mult"]), size["Blocks"], image_channels=size["ImageChannels"]).to(DEVICE)
        with torch.no_grad():
            parameters = dict(self.net.named_parameters())
            norms = []
            for module in self.net.modules():
                if isinstance(module, torch.nn.GroupNorm):
                    module.register_forward_hook(lambda m, *_: norms.append(m) if m not in norms else None)
            self.predict()

            # Exporters name normalisations by nothing but their order.
            for i, norm in enumerate(norms):
                parameters[f"norm{i}.weight"], parameters[f"norm{i}.bias"] = norm.weight, norm.bias
            for name, tensor in self.parameters.items():
                parameters[name].copy_(tensor.reshape(parameters[name].shape))
        count = sum(p.numel() for p in self.net.parameters())
        assert count == sum(p.numel() for p in self.parameters.values()), "not all weights were given"
        self.adam = torch.optim.Adam(self.net.parameters(), lr=self.learning_rate)
        self.loss = lambda _, x: F.mse_loss(self.predict(), x["target"])

    def predict(self):
        return self.net(self.inputs["sample"], self.inputs["timestep"].long())


def residual(p, x):
    h = F.silu(F.group_norm(x["x"], 32, p["norm1.weight"].flatten(), p["norm1.bias"].flatten()))
    h = F.conv2d(h, p["conv1.weight"], p["conv1.bias"], padding=1)
    h = h + F.linear(x["time"], p["time.weight"], p["time.bias"])[:, :, None, None]
    h = F.silu(F.group_norm(h, 32, p["norm2.weight"].flatten(), p["norm2.bias"].flatten()))
    h = F.conv2d(h, p["conv2.weight"], p["conv2.bias"], padding=1)
    return F.mse_loss(x["x"] + h, x["target"])


def attention(p, x):
    n, c, height, width = x["x"].shape
    h = F.group_norm(x["x"], 32, p["norm.weight"].flatten(), p["norm.bias"].flatten())
    q = F.conv2d(h, p["q.weight"], p["q.bias"]).reshape(n, c, -1).transpose(1, 2)
    k = F.conv2d(h, p["k.weight"], p["k.bias"]).reshape(n, c, -1)
    v = F.conv2d(h, p["v.weight"], p["v.bias"]).reshape(n, c, -1)
    probabilities = torch.softmax(torch.bmm(q, k) * c**-0.5, -1)
    mixed = torch.bmm(v, probabilities.transpose(1, 2)).reshape(n, c, height, width)
    h = F.conv2d(mixed, p["out.weight"], p["out.bias"])
    return F.mse_loss(x["x"] + h, x["target"])


def reconstruction(p, x):
    h = F.silu(F.group_norm(x["x"], 32, x["norm1.weight"].flatten(), x["norm1.bias"].flatten()))
    h, soft1 = quantized_conv(p, x, "conv1", h)
    h = F.silu(F.group_norm(h, 32, x["norm2.weight"].flatten(), x["norm2.bias"].flatten()))
    h, soft2 = quantized_conv(p, x, "conv2", h)
    rounding = sum((1 - (2 * soft - 1).abs().pow(8)).sum() for soft in (soft1, soft2))
    return F.mse_loss(x["x"] + h, x["target"]) + 1e-4 * rounding


def quantized_conv(p, x, name, h):
    step = p[f"{name}.step"]
    gradient_scale = (h.numel() * 255) ** -0.5
    step = step * gradient_scale + (step - step * gradient_scale).detach()
    ratio = h / step
    code = torch.clamp(ratio + (ratio.round() - ratio).detach(), -20, 235)
    soft = torch.clamp(torch.sigmoid(p[f"{name}.rounding"]) * 1.2 - 0.1, 0, 1)
    weight = torch.clamp(x[f"{name}.floor"] + soft, -8, 7) * x[f"{name}.scale"]
    return F.conv2d(code * step, weight, x[f"{name}.bias"], padding=1), soft


def main():
    block = None
    for line in sys.stdin:
        command, argument = line.rstrip("\n").split(" ", 1)
        if command == "load":
            index = json.loads((Path(argument) / "index.json").read_text())
            block = (Network if index["network"] else Block)(argument)
            answer = torch.__version__
        elif command == "check":
            # The first step's loss, and what gradients and parameters it leaves.
            answer = block.step().item()
            block.write("gradient", lambda p: p.grad)
            block.write("next", lambda p: p)
        else:
            answer = getattr(block, command)().item()
        print(json.dumps(answer), flush=True)


main()
