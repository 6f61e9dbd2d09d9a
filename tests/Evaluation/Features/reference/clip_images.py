"""Makes the expected values of the test of pictures for CLIP models: the bytes that PIL's own resizing gives.

/usr/bin/python3 clip_images.py    (Debian's python3-numpy, python3-pil)
Writes clip-images.json beside this file. The steps are those of transformers' CLIPImageProcessor (resize by the shorter
side, center_crop), before bytes are scaled. The input is the formula in features.py.
"""
import json, os
import numpy as np
from PIL import Image

from features import HERE, image


def prepared(a, edge, crop):
    h, w = a.shape[:2]
    short, long = min(h, w), max(h, w)
    longer = int(edge * long / short)
    nh, nw = (edge, longer) if h <= w else (longer, edge)
    resized = np.asarray(Image.fromarray(a).resize((nw, nh), resample=Image.BICUBIC))
    top, left = (nh - crop) // 2, (nw - crop) // 2
    return resized[top:top + crop, left:left + crop]


if __name__ == '__main__':
    cases = []
    for h, w, edge, crop in [(40, 31, 16, 16), (31, 40, 16, 14), (9, 12, 24, 20), (64, 64, 32, 32)]:
        cases.append({'height': h, 'width': w, 'edge': edge, 'crop': crop,
                      'expected': prepared(image(h, w, 3), edge, crop).flatten().tolist()})
    with open(os.path.join(HERE, 'clip-images.json'), 'w') as f:
        f.write('[' + ',\n'.join(json.dumps(c, separators=(',', ':')) for c in cases) + ']\n')
