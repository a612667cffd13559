"""A small reader and writer of GGUF files for the reference model (needs numpy only).

Reads versions 2 and 3 with tensors in F32, F16, BF16 and Q8_0; writes version 3 in F32. Tensors are numpy arrays with
the dimensions in the opposite order of the file: a weight the file calls [in, out] has the shape (out, in) here.
It trusts its input: it serves files of the test suite, not files of users.
"""

import struct
from pathlib import Path

import numpy as np

SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
TYPE_IDS = {"u8": 0, "i8": 1, "u16": 2, "i16": 3, "u32": 4, "i32": 5, "f32": 6, "bool": 7, "str": 8, "arr": 9,
            "u64": 10, "i64": 11, "f64": 12}
ALIGNMENT = 32


class Typed:
    """A metadata value with an explicit type, where the natural one (u32, f32, bool, str) is not wanted."""

    def __init__(self, kind, value):
        self.kind = kind
        self.value = value


class Gguf:
    """Metadata in `kv` (plain Python values), tensors in `tensors` (numpy, as stored), their types in `types`."""

    def __init__(self, path):
        self.data = Path(path).read_bytes()
        self.at = 0
        if self._take(4) != b"GGUF":
            raise ValueError(f"{path} is not a GGUF file")
        self.version = self._scalar(4)
        if self.version not in (2, 3):
            raise ValueError(f"{path} has GGUF version {self.version}")
        n_tensors = self._scalar(10)
        n_kv = self._scalar(10)
        self.kv = {}
        for _ in range(n_kv):
            name = self._string()
            self.kv[name] = self._value(self._scalar(4))
        infos = []
        for _ in range(n_tensors):
            name = self._string()
            dims = [self._scalar(10) for _ in range(self._scalar(4))]
            infos.append((name, dims, self._scalar(4), self._scalar(10)))
        align = self.kv.get("general.alignment", ALIGNMENT)
        start = (self.at + align - 1) // align * align
        self.tensors = {}
        self.types = {}
        for name, dims, kind, offset in infos:
            self.types[name] = {0: "F32", 1: "F16", 8: "Q8_0", 30: "BF16"}.get(kind, str(kind))
            self.tensors[name] = _decode(self.data, start + offset, dims, kind).reshape(dims[::-1])
        self.data = b""

    def _take(self, n):
        self.at += n
        return self.data[self.at - n:self.at]

    def _scalar(self, kind):
        layout = SCALARS[kind]
        return struct.unpack(layout, self._take(struct.calcsize(layout)))[0]

    def _string(self):
        return self._take(self._scalar(10)).decode("utf-8", "replace")

    def _value(self, kind):
        if kind == 8:
            return self._string()
        if kind == 9:
            inner = self._scalar(4)
            return [self._value(inner) for _ in range(self._scalar(10))]
        return self._scalar(kind)


def _decode(data, start, dims, kind):
    n = int(np.prod(dims))
    if kind == 0:
        return np.frombuffer(data, "<f4", n, start)
    if kind == 1:
        return np.frombuffer(data, "<f2", n, start).astype(np.float32)
    if kind == 30:
        return (np.frombuffer(data, "<u2", n, start).astype(np.uint32) << 16).view(np.float32)
    if kind == 8:
        block = np.dtype([("d", "<f2"), ("q", "i1", 32)])
        blocks = np.frombuffer(data, block, n // 32, start)
        return (blocks["d"].astype(np.float32)[:, None] * blocks["q"]).reshape(-1)
    raise ValueError(f"tensor type {kind} is not read by the reference")


def read_all_parts(path):
    """The file, or all parts of a split file whichever of them is named: the first part's metadata, all tensors."""
    whole = Gguf(path)
    count = whole.kv.get("split.count", 1)
    if count > 1:
        stem = str(path)[:-len("-00001-of-00001.gguf")]
        parts = [Gguf(f"{stem}-{no + 1:05}-of-{count:05}.gguf") for no in range(count)]
        whole = parts[0]
        for part in parts[1:]:
            whole.tensors.update(part.tensors)
            whole.types.update(part.types)
    return whole


def _pack_string(text):
    raw = text.encode("utf-8")
    return struct.pack("<Q", len(raw)) + raw


def _natural_kind(value):
    return {bool: "bool", int: "u32", float: "f32", str: "str", list: "arr"}[type(value)]


def _pack_value(kind, value):
    if kind == "str":
        return _pack_string(value)
    if kind == "arr":
        inner = _natural_kind(value[0]) if not isinstance(value[0], Typed) else value[0].kind
        items = [item.value if isinstance(item, Typed) else item for item in value]
        return struct.pack("<IQ", TYPE_IDS[inner], len(items)) + b"".join(_pack_value(inner, item) for item in items)
    return struct.pack(SCALARS[TYPE_IDS[kind]], value)


def write_gguf(path, kv, tensors):
    """Writes float32 tensors (numpy order) and metadata, in the order given."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(kv))
    for name, value in kv.items():
        kind, plain = (value.kind, value.value) if isinstance(value, Typed) else (_natural_kind(value), value)
        head += _pack_string(name) + struct.pack("<I", TYPE_IDS[kind]) + _pack_value(kind, plain)
    body = []
    offset = 0
    for name, array in tensors.items():
        dims = array.shape[::-1]
        head += _pack_string(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, 0, offset)
        raw = np.ascontiguousarray(array, "<f4").tobytes()
        raw += b"\0" * (-len(raw) % ALIGNMENT)
        body.append(raw)
        offset += len(raw)
    Path(path).write_bytes(head + b"\0" * (-len(head) % ALIGNMENT) + b"".join(body))
