"""Makes constant_inception.pth: tensors of the FID Inception network's names and sizes in a file of some kB.

All elements of a tensor are one stored element (strides of zero), which torch.save keeps so.
"""

import collections
import torch
import torchvision

net = torchvision.models.inception_v3(num_classes=1008, aux_logits=False, init_weights=False)
state = collections.OrderedDict()
for name, tensor in net.state_dict().items():
    kind = name.rsplit(".", 1)[1]
    value = {"num_batches_tracked": 7, "running_var": 1.0, "running_mean": 0.0, "bias": 0.25}.get(kind)
    if value is None:
        value = 1.0 if ".bn." in name else 1.0 / tensor[0].numel()
    state[name] = torch.tensor(value, dtype=tensor.dtype).expand(tensor.shape)
torch.save(state, "constant_inception.pth", _use_new_zipfile_serialization=False)
