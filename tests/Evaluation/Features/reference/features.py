"""Makes the expected values of the tests of image resizing, image reading and feature extraction.

/usr/bin/python3 features.py    (Debian's python3-numpy, python3-pil, python3-torch)
Writes resize.json, resnet.json, png/ and formats/ beside this file. The input of resize.json is the formula in image(), which the tests repeat.
"""
import json, os
import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))


def image(h, w, c):
    """A picture that any language can make: integers from 0 to 255 without any order that a filter could like."""
    y, x, k = np.mgrid[0:h, 0:w, 0:c]
    return ((y * 37 + x * 101 + k * 59 + (x * y) % 17 * 13) % 256).astype(np.uint8)


def pil(a, w, h, how):
    return np.stack([np.asarray(Image.fromarray(a[:, :, k].astype(np.float32), mode='F').resize((w, h), resample=how))
                     for k in range(a.shape[2])], axis=2)


def tf1(a, w, h):
    """torch-fidelity's formula: corners, not centres."""
    import torch
    t = torch.from_numpy(a.astype(np.float32)).permute(2, 0, 1)[None]
    ih, iw = a.shape[:2]
    gy = torch.arange(h, dtype=torch.float32) * (ih / h)
    gx = torch.arange(w, dtype=torch.float32) * (iw / w)
    y0, x0 = gy.long(), gx.long()
    y1, x1 = (y0 + 1).clamp_max(ih - 1), (x0 + 1).clamp_max(iw - 1)
    dy, dx = (gy - y0)[None, None, :, None], (gx - x0)[None, None, None, :]
    top = t[:, :, y0][:, :, :, x0] * (1 - dx) + t[:, :, y0][:, :, :, x1] * dx
    low = t[:, :, y1][:, :, :, x0] * (1 - dx) + t[:, :, y1][:, :, :, x1] * dx
    return (top * (1 - dy) + low * dy)[0].permute(1, 2, 0).numpy()


def resizes():
    cases = []
    for (h, w, c, nh, nw) in [(7, 9, 3, 17, 13), (19, 23, 1, 7, 5), (12, 8, 3, 6, 16), (10, 10, 1, 10, 4), (1, 6, 1, 3, 9)]:
        a = image(h, w, c)
        for name, b in [('AntialiasedBilinear', pil(a, nw, nh, Image.BILINEAR)), ('AntialiasedBicubic', pil(a, nw, nh, Image.BICUBIC)),
                        ('Tf1Bilinear', tf1(a, nw, nh))]:
            cases.append(dict(filter=name, height=h, width=w, channels=c, newHeight=nh, newWidth=nw,
                              expected=[round(float(v), 4) for v in b.reshape(-1)]))
    json.dump(cases, open(os.path.join(HERE, 'resize.json'), 'w'), separators=(',', ':'))


def pngs():
    out = os.path.join(HERE, 'png'); os.makedirs(out, exist_ok=True)
    rgb, gray = image(5, 7, 3), image(5, 7, 1)[:, :, 0]
    alpha = 255 - gray
    Image.fromarray(rgb).save(f'{out}/rgb8.png')
    Image.fromarray(gray).save(f'{out}/gray8.png')
    Image.fromarray(np.dstack([rgb, alpha])).save(f'{out}/rgba8.png')
    Image.fromarray(np.dstack([gray, alpha]), mode='LA').save(f'{out}/graya8.png')
    Image.fromarray(gray >= 128).save(f'{out}/gray1.png')
    Image.fromarray(gray.astype(np.uint16) * 256 + 17).save(f'{out}/gray16.png')
    for bits in (1, 2, 4, 8):
        p = Image.fromarray((gray % (1 << bits)).astype(np.uint8), mode='P')
        p.putpalette([v for i in range(1 << bits) for v in ((i * 91) % 256, (i * 53 + 7) % 256, (i * 29 + 90) % 256)])
        p.save(f'{out}/palette{bits}.png', bits=bits)
    interlaced(rgb, f'{out}/interlaced.png')


def formats():
    """A smooth picture, which lossy formats keep well, in colours and in gray; what PIL decodes of lossy files is kept too."""
    out = os.path.join(HERE, 'formats'); os.makedirs(out, exist_ok=True)
    y, x, k = np.mgrid[0:16, 0:24, 0:3]
    rgb = (x * 6 + y * 4 + k * 20).astype(np.uint8)
    for name, a in [('rgb', rgb), ('gray', rgb[:, :, 0])]:
        picture = Image.fromarray(a)
        picture.save(f'{out}/{name}.jpg', quality=95, subsampling=0)
        picture.save(f'{out}/{name}-progressive.jpg', quality=95, subsampling=0, progressive=True)
        picture.save(f'{out}/{name}-lossy.webp', quality=95)
        for lossy in (f'{name}.jpg', f'{name}-progressive.jpg', f'{name}-lossy.webp'):
            np.save(f'{out}/{lossy}.npy', np.asarray(Image.open(f'{out}/{lossy}'))[None])
        picture.save(f'{out}/{name}.webp', lossless=True)
        for ending in ('bmp', 'tif', 'tga'):
            picture.save(f'{out}/{name}.{ending}')
    picture.save(f'{out}/gray.gif')
    picture.convert('RGB').save(f'{out}/gray-in-rgb.jpg', quality=95)
    Image.fromarray(rgb // 64 * 64).convert('P', palette=Image.ADAPTIVE, colors=256).save(f'{out}/rgb.gif')
    assert (np.asarray(Image.open(f'{out}/rgb.gif').convert('RGB')) == rgb // 64 * 64).all()


def interlaced(a, path):
    """PIL writes no interlaced files, so Adam7 is written out here; PIL must read it back."""
    import struct, zlib
    rows = b''
    for x0, y0, dx, dy in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]:
        part = a[y0::dy, x0::dx]
        if part.size:
            rows += b''.join(b'\0' + r.tobytes() for r in part)
    chunk = lambda t, d: struct.pack('>I', len(d)) + t + d + struct.pack('>I', zlib.crc32(t + d))
    head = struct.pack('>IIBBBBB', a.shape[1], a.shape[0], 8, 2, 0, 0, 1)
    open(path, 'wb').write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))
    assert (np.asarray(Image.open(path)) == a).all()


def resnet():
    """The embedded extractor's graph, run by PyTorch instead of ONNX Runtime."""
    import onnx, onnx.numpy_helper, torch
    import torch.nn.functional as F
    path = os.path.join(HERE, '../../../../src/Evaluation/Features/Embedded/fashion-resnet20/model.onnx')
    graph = onnx.load(path).graph
    values = {t.name: torch.from_numpy(np.array(onnx.numpy_helper.to_array(t))) for t in graph.initializer}
    pictures = np.stack([np.roll(image(32, 32, 1)[:, :, 0], 5 * i, axis=1) for i in range(3)])
    values['image'] = torch.from_numpy(pictures[:, None].astype(np.float32) / 127.5 - 1)
    for node in graph.node:
        x = [values[i] for i in node.input]
        a = {k.name: onnx.helper.get_attribute_value(k) for k in node.attribute}
        if node.op_type == 'Conv':
            y = F.conv2d(*x, stride=a['strides'], padding=a['pads'][0], groups=a['group'])
        elif node.op_type == 'Relu':
            y = F.relu(x[0])
        elif node.op_type == 'Add':
            y = x[0] + x[1]
        elif node.op_type == 'ReduceMean':
            y = x[0].mean(tuple(a['axes']), keepdim=bool(a['keepdims']))
        else:
            assert node.op_type == 'Gemm' and a['transB'] == 1
            y = x[0] @ x[1].T + x[2]
        values[node.output[0]] = y
    json.dump({k: [round(float(v), 5) for v in values[k].reshape(-1)] for k in ('features', 'logits')},
              open(os.path.join(HERE, 'resnet.json'), 'w'), separators=(',', ':'))


if __name__ == '__main__':
    resizes(); resnet(); pngs(); formats()
