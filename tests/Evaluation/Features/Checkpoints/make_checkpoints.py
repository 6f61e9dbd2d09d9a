"""Makes the small checkpoints beside this script with torch.save, and says what is in them."""

import collections
import torch

values = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4) / 8
shared = torch.arange(10, dtype=torch.float64)

state = collections.OrderedDict()
state["plain"] = values
state["half"] = values[0].half()
state["bfloat"] = values[1].bfloat16()
state["transposed"] = values.transpose(0, 2)
state["column"] = values[:, 1, 2]
state["expanded"] = torch.tensor([1.5, 2.5])[:, None].expand(2, 3)
state["head"] = shared[:4]
state["tail"] = shared[3::3]
state["long"] = torch.tensor([-1, 1 << 40])
state["int"] = torch.tensor([-5, 7], dtype=torch.int32)
state["short"] = torch.tensor([-5, 7], dtype=torch.int16)
state["char"] = torch.tensor([-128, 127], dtype=torch.int8)
state["byte"] = torch.tensor([0, 255], dtype=torch.uint8)
state["bool"] = torch.tensor([True, False])
state["scalar"] = torch.tensor(2.5)
state["empty"] = torch.zeros(0, 3)
state["parameter"] = torch.nn.Parameter(torch.tensor([0.5]))

module = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
with torch.no_grad():
    for i, (_, t) in enumerate(sorted(module.state_dict().items())):
        t.fill_(i)
nested = {
    "epoch": 3, "rate": 1e-3, "name": "run \u00e9", "done": False, "best": None, "size": values.shape, 7: values[0],
    "module": module.state_dict(), "steps": [torch.tensor([1.0]), (torch.tensor([2.0]), "text")], "big": 1 << 40,
}

for name, thing in [("tensors", state), ("nested", nested)]:
    torch.save(thing, f"{name}.zip.pth")
    torch.save(thing, f"{name}.legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(thing, f"{name}.protocol4.pth", pickle_protocol=4)
torch.jit.save(torch.jit.script(module), "torchscript.pth")
