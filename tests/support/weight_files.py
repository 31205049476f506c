"""Weights files written byte by byte from the description of the format, not by emqs."""

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

HEADER: dict[str, Any] = {
    "format": "emqs-weights",
    "version": 1,
    "model": {"name": "histogram", "network": {"size": 8, "bins": 4}},
    "preprocessing": {"size": 8, "contrast": "slice"},
    "record": {"data": "a hand count", "epochs": 3, "losses": {"train": 0.25}},
}
TENSORS = {
    "mean": np.array([0.5, 0.125, 0.25, 0.25, 0.375, 0.125], dtype="<f4"),
    "scale": np.array([0.25, 0.5, 1, 2, 4, 8], dtype="<f4"),
}


def digest(tensors: dict[str, np.ndarray]) -> str:
    """SHA-256 of 'name dtype (shape)', a line break and the bytes of each, in order of names."""
    text = b""
    for name in sorted(tensors):
        array = tensors[name]
        shape = "(" + ", ".join(map(str, array.shape)) + ("," if array.ndim == 1 else "") + ")"
        text += f"{name} torch.{array.dtype.name} {shape}\n".encode() + array.tobytes()
    return hashlib.sha256(text).hexdigest()


def safetensors(metadata: dict[str, str] | None, tensors: dict[str, np.ndarray]) -> bytes:
    """8 bytes with the length of a JSON header, the header, the arrays one after the other."""
    names = {"float32": "F32", "float64": "F64", "int64": "I64"}
    header: dict[str, Any] = {} if metadata is None else {"__metadata__": metadata}
    body = b""
    for name, array in tensors.items():
        place = [len(body), len(body) + array.nbytes]
        body += array.tobytes()
        header[name] = {
            "dtype": names[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": place,
        }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


def write(
    path: Path, header: dict[str, Any] | None = None, tensors: dict[str, np.ndarray] | None = None
) -> Path:
    """Write a weights file whose checksum fits its tensors, unless the header brings its own."""
    tensors = TENSORS if tensors is None else tensors
    header = {"sha256": digest(tensors)} | (HEADER if header is None else header)
    path.write_bytes(safetensors({"emqs": json.dumps(header, sort_keys=True)}, tensors))
    return path


if __name__ == "__main__":  # how the golden file was made
    write(Path(__file__).parents[1] / "golden" / "histogram.safetensors")
