"""DM3 and DM4 files of Digital Micrograph, tag by tag, as that program writes them."""

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

_KINDS = {"u1": (6, 10), "u2": (10, 4), "i2": (1, 2), "f4": (2, 6), "u4": (11, 5), "i4": (7, 3)}


class Writer:
    """Numbers of structure are big-endian and 4 (DM3) or 8 (DM4) bytes long; data are little."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.long = ">i" if version == 3 else ">q"

    def number(self, value: int) -> bytes:
        return struct.pack(self.long, value)

    def entry(self, kind: int, name: str, content: bytes) -> bytes:
        size = struct.pack(">q", len(content)) if self.version == 4 else b""
        return struct.pack(">bh", kind, len(name)) + name.encode() + size + content

    def group(self, name: str, *tags: bytes) -> bytes:
        return self.entry(20, name, b"\1\0" + self.number(len(tags)) + b"".join(tags))

    def data(self, name: str, described: Sequence[int], content: bytes) -> bytes:
        head = b"%%%%" + self.number(len(described)) + b"".join(map(self.number, described))
        return self.entry(21, name, head + content)

    def unsigned(self, name: str, value: int) -> bytes:
        return self.data(name, [5], struct.pack("<I", value))

    def real(self, name: str, value: float) -> bytes:
        return self.data(name, [6], struct.pack("<f", value))

    def text(self, name: str, value: str) -> bytes:
        content = value.encode("utf-16-le")
        return self.data(name, [20, 4, len(content) // 2], content)

    def calibration(self, name: str, scale: float, origin: float, unit: str) -> bytes:
        return self.group(
            name, self.real("Origin", origin), self.real("Scale", scale), self.text("Units", unit)
        )


def dm(
    path: Path,
    voxels: np.ndarray,
    scale: Sequence[float] = (1.0, 1.0, 1.0),
    units: Sequence[str] = ("", "", ""),
    origin_px: Sequence[float] = (0.0, 0.0, 0.0),
    version: int = 4,
) -> Path:
    """Write an image.

    Args:
        path: The file.
        voxels: Slowest axis first.
        scale: Along the axes of ``voxels``.
        units: Of the axes; empty without a calibration.
        origin_px: Place of the zero of the calibration, in voxels along the axes of ``voxels``.
        version: 3 or 4.
    """
    w = Writer(version)
    kind, element = _KINDS[voxels.dtype.str[1:]]
    n_axes = voxels.ndim
    axes = list(zip(scale, origin_px, units, strict=True))[-n_axes:][::-1]  # X first
    image = w.group(
        "ImageData",
        w.group(
            "Calibrations",
            w.calibration("Brightness", 1.0, 0.0, ""),
            w.group("Dimension", *(w.calibration("", s, o, u) for s, o, u in axes)),
        ),
        w.data("Data", [20, element, voxels.size], voxels.astype(voxels.dtype).tobytes()),
        w.unsigned("DataType", kind),
        w.group("Dimensions", *(w.unsigned("", length) for length in voxels.shape[::-1])),
        w.unsigned("PixelDepth", voxels.itemsize),
    )
    tags = w.group("ImageTags", w.text("Note", "made by hand"))
    images = w.group("ImageList", w.group("", image, tags, w.text("Name", path.stem)))
    root = b"\1\0" + w.number(1) + images
    head = struct.pack(">i", version) + w.number(len(root)) + struct.pack(">i", 1)
    path.write_bytes(head + root + bytes(8))
    return path
