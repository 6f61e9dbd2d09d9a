"""The training of train_ddpm.py in float32, step by step on the batches and from the weights that the benchmark wrote.

The benchmark (`-- train`) starts this and asks through stdin: `load FOLDER`, `step K`, `compare FOLDER`.
"""

import copy
import json
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
from unet import UNet


# Given by the benchmark. Products in full float32, as on the other side.
torch.set_num_threads(int(sys.argv[1]))
DEVICE = torch.device(sys.argv[2])
torch.backends.cudnn.allow_tf32 = False


class Training:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.settings = s = json.loads((self.folder / "settings.json").read_text())
        self.net = UNet(
            s["channels"], s["multipliers"], s["blocks"], s["attention"], s["resolution"], s["imageChannels"]
        ).to(DEVICE)
        weights = {n: torch.from_numpy(np.load(self.folder / f"{n}.npy")) for n in s["weights"]}
        missing, unexpected = self.net.load_state_dict(weights, strict=False)
        # Normalisations begin with 1 and 0 on both sides, and have no names in an exported graph.
        assert not unexpected and all("norm" in m for m in missing), (unexpected, missing)
        self.average = copy.deepcopy(self.net)
        self.adam = torch.optim.AdamW(self.net.parameters(), s["rate"], betas=(0.9, 0.99), weight_decay=0.0)

    def read(self, name):
        return torch.from_numpy(np.load(self.folder / f"{name}.npy")).to(DEVICE)

    def step(self, k):
        s, step = self.settings, int(k)
        noisy, target, t = self.read("noisy"), self.read("target"), self.read("timesteps")
        started = time.perf_counter()
        schedule = max(1e-3, 0.5 * (1 + math.cos(math.pi * step / s["steps"])))
        for g in self.adam.param_groups:
            g["lr"] = s["rate"] * min(1, (step + 1) / s["warmUp"]) * schedule
        loss = ((self.net(noisy, t) - target) ** 2).mean()
        self.adam.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), s["clip"])
        self.adam.step()
        decay = min(s["average"], (1 + step) / (10 + step))
        with torch.no_grad():
            for a, w in zip(self.average.parameters(), self.net.parameters()):
                a.lerp_(w, 1 - decay)
        if DEVICE.type == "cuda":
            torch.cuda.synchronize()
        return [loss.item(), time.perf_counter() - started]

    def compare(self, folder):
        """How far the averages lie from the benchmark's, how far from the first weights, and which lie furthest apart."""
        averages = dict(self.average.named_parameters())
        apart, way = {}, 0.0
        for name in self.settings["weights"]:
            ours = averages[name].detach().cpu().numpy()
            apart[name] = float(((ours - np.load(Path(folder) / f"{name}.npy")) ** 2).sum())
            way += float(((ours - np.load(self.folder / f"{name}.npy")) ** 2).sum())
        furthest = sorted(apart, key=apart.get, reverse=True)[:6]
        shares = ", ".join(f"{n} {100 * apart[n] / sum(apart.values()):.0f} %" for n in furthest)
        return [math.sqrt(sum(apart.values())), math.sqrt(way), shares]


def main():
    training = None
    for line in sys.stdin:
        command, argument = line.rstrip("\n").split(" ", 1)
        if command == "load":
            training = Training(argument)
            answer = torch.__version__
        else:
            answer = getattr(training, command)(argument)
        print(json.dumps(answer), flush=True)


main()
