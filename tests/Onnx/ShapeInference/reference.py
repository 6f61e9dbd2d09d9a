"""Writes operators.reference.txt: what onnx.shape_inference of Debian's python3-onnx (1.12, opset 17) finds for
operators.txt. Run by hand when cases are added: python3 reference.py. Tests only read the result."""
import os
import re
import numpy as np
import onnx
from onnx import helper, numpy_helper, shape_inference

HERE = os.path.dirname(os.path.abspath(__file__))
TYPES = dict(f=1, h=10, d=11, l=7, i=6, b=9, u=2, s=3)
NAMES = {1: 'Float', 10: 'Float16', 11: 'Double', 7: 'Int64', 6: 'Int32', 9: 'Bool', 2: 'UInt8', 3: 'Int8', 0: 'Undefined'}
KINDS = {'': np.int64, 'f': np.float32, 'f1': np.float32, 'l': np.int64, 'u': np.uint8, 's': np.int8}


def attribute(v):
    if v[0] == "'":
        return v.strip("'")
    if ',' in v:
        return [int(x) for x in v.split(',') if x]
    return float(v) if '.' in v else int(v)


def infer(line):
    m = re.match(r"(\d+) (\w+)\((.*)\)([^)]*)$", line)
    opset, op, ins, tail = int(m[1]), m[2], m[3], m[4]
    tail, _, count = tail.partition(' outputs ')
    names, inputs, constants = [], [], []
    for i, t in enumerate(x.strip() for x in ins.split(', ') if ins):
        if t == '_':
            names.append('')
            continue
        names.append(f'x{i}')
        if t[0] == '=':
            kind, _, values = t[1:].rpartition(':')
            array = np.array([float(v) if kind in ('f', 'f1') else int(v) for v in values.split(',')], KINDS[kind])
            constants.append(numpy_helper.from_array(array.reshape(()) if kind in ('f1', 'l', 'u', 's') else array, f'x{i}'))
            continue
        dims = t[2:-1]
        shape = None if dims == '...' else [None if d == '?' else int(d) if d.isdigit() else d for d in dims.split(',') if d]
        inputs.append(helper.make_tensor_value_info(f'x{i}', TYPES[t[0]], shape))
    pairs = re.findall(r"(\w+)=('[^']*'|\S+)", tail)
    outputs = [f'y{i}' for i in range(int(count or 1))]
    node = helper.make_node(op, names, outputs, **{k: attribute(v) for k, v in pairs})
    graph = helper.make_graph([node], 'case', inputs, [onnx.ValueInfoProto(name=o) for o in outputs], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', opset)])
    inferred = shape_inference.infer_shapes(model, data_prop=True)
    return [text(o) for o in inferred.graph.output]


def text(o):
    t = o.type.tensor_type
    if not t.HasField('shape'):
        return NAMES[t.elem_type] + '[...]'
    return NAMES[t.elem_type] + '[' + ','.join(
        str(d.dim_value) if d.HasField('dim_value') else d.dim_param or '?' for d in t.shape.dim) + ']'


with open(f'{HERE}/operators.reference.txt', 'w') as out:
    for line in open(f'{HERE}/operators.txt').read().splitlines():
        if not line or line[0] == '#' or int(line.split()[0]) > 17 or '.' in line.split('(')[0]:
            continue
        try:
            out.write(f'{line} => {"; ".join(infer(line))}\n')
        except Exception as e:  # the reference may be stricter than we are
            print(line, '::', str(e).splitlines()[0])
