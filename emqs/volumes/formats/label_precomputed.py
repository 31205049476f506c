"""Neuroglancer's Precomputed: a folder with ``info`` and one folder of chunks for each scale.

Chunks may be raw, compressed_segmentation, compresso or crackle, each as it is or in gzip. A chunk
that is missing is background, as in Neuroglancer; the reader counts them.

Source: the specification at github.com/google/neuroglancer, src/datasource/precomputed/volume.md.
"""

import gzip
import json
import zlib
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from emqs.codecs import compressed_segmentation, compresso_package, crackle_stream
from emqs.errors import ConfigError, DataError, one_line, require
from emqs.files import replacing
from emqs.geometry import Box as VolumeBox
from emqs.geometry import Shape, boxes
from emqs.volumes.label_volume import Box, Reader, count_boxes, touched
from emqs.volumes.writer import Layout, VolumeWriter

_CHUNK = (64, 64, 64)  # compressed_segmentation has 24-bit offsets, so chunks are small
_BLOCK = (8, 8, 8)
_KNOWN = ("raw", "compressed_segmentation", "compresso", "crackle")
_DTYPES = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
_MAX_CHUNK_BYTES = 2**31


class PrecomputedReader(Reader):
    """One scale of a Precomputed folder."""

    format = "precomputed"

    def __init__(self, path: Path, scale: str | None) -> None:
        """Read ``info``, and count the chunks that are there.

        Args:
            path: The folder.
            scale: Key of a scale, such as ``8_8_40``, or its number; None for the first.
        """
        info = _info(path)
        chosen = _scale(info, scale, path)
        try:
            dtype = np.dtype(info["data_type"])
            x, y, z = (int(n) for n in chosen["size"])
            self._offset = tuple(int(n) for n in reversed(chosen.get("voxel_offset", (0, 0, 0))))
            cx, cy, cz = (int(n) for n in chosen["chunk_sizes"][0])
            resolution = tuple(float(n) for n in reversed(chosen["resolution"]))
            self.encoding = str(chosen["encoding"])
            self.folder = _inside(path, str(chosen["key"]))
            self._segmentation_block = tuple(
                chosen.get("compressed_segmentation_block_size", _BLOCK)
            )
        except (KeyError, TypeError, ValueError, IndexError) as fault:
            raise DataError(f"{path / 'info'} is not as Precomputed has it: {fault!r}.") from None
        if "sharding" in chosen:
            raise DataError(
                f"{path}: scale {chosen['key']} is sharded, which is not read. Write it again "
                "without shards, e.g. with cloud-volume or tensorstore."
            )
        if self.encoding not in _KNOWN or info.get("num_channels", 1) != 1:
            raise DataError(
                f"{path}: scale {chosen['key']} has the encoding {self.encoding} and "
                f"{info.get('num_channels')} channels; labels have one channel and one of "
                f"{', '.join(_KNOWN)}."
            )
        if min(cx, cy, cz) < 1 or cx * cy * cz * dtype.itemsize > _MAX_CHUNK_BYTES:
            raise DataError(f"{path}: chunks of {cx} x {cy} x {cz} voxels (x y z) are not read.")
        super().__init__(path, (z, y, x), dtype, (cz, cy, cx), resolution)  # type: ignore[arg-type]
        self.chunk: Shape = (cz, cy, cx)
        names = [p.name for p in self.folder.glob("*_*_*")]
        if names and all(name.endswith(".gz") for name in names):
            self.checksum = "the CRC-32 of gzip"
        found = len({name.split(".")[0] for name in names})
        total = count_boxes(self.shape, self.chunk)
        if found == 0:
            raise DataError(f"{self.folder} holds no chunks. Choose another with input.scale=KEY.")
        if found < total:
            self.notes.append(f"{total - found:,} of {total:,} chunks are missing: background 0.")

    def describe(self) -> str:
        """Return what is read: also the scale."""
        return f"{super().describe()} {self.folder.name}"

    def chunk_path(self, box: Box) -> Path | None:
        """Return the file of one chunk, None if it is missing."""
        z, y, x = (
            f"{part.start + shift}-{part.stop + shift}"
            for part, shift in zip(box, self._offset, strict=True)
        )
        plain = self.folder / f"{x}_{y}_{z}"
        for path in (plain, plain.with_name(plain.name + ".gz")):
            if path.is_file():
                return path
        if plain.with_name(plain.name + ".br").is_file():
            raise DataError(f"{plain}.br is in Brotli, which is not read. Write it again as gzip.")
        return None

    def chunk_labels(self, box: Box) -> np.ndarray:
        """Return one chunk, ``(Z, Y, X)``; zeros if it is missing.

        Raises:
            DataError: If it is damaged.
        """
        shape = tuple(part.stop - part.start for part in box)
        path = self.chunk_path(box)
        if path is None:
            return np.zeros(shape, self.dtype)
        try:
            stream = self._stream(path, shape)
            return self._decode(stream, shape)
        except DataError:
            raise
        except Exception as fault:  # the libraries' errors have no common class
            raise DataError(f"{path} is damaged: {one_line(fault)}.") from None

    def block_labels(self, box: Box) -> np.ndarray | None:
        """Return the labels of a chunk that is missing, or whose encoding lists them."""
        path = self.chunk_path(box)
        if path is None:
            return np.zeros(1, self.dtype)
        if self.encoding == "raw":
            return None
        shape = tuple(part.stop - part.start for part in box)
        try:
            stream = self._stream(path, shape)
            library = self._checked(stream, shape)
            if self.encoding == "compressed_segmentation":
                return library.labels(
                    stream, shape=shape[::-1], dtype=self.dtype,
                    block_size=self._segmentation_block,
                )  # fmt: skip
            return np.asarray(library.labels(stream))
        except DataError:
            raise
        except Exception as fault:  # the libraries' errors have no common class
            raise DataError(f"{path} is damaged: {one_line(fault)}.") from None

    def place(self, box: Box) -> str:
        """Return the file of a chunk."""
        return str(self.chunk_path(box) or f"{self.folder}, {box}")

    def _stream(self, path: Path, shape: tuple[int, ...]) -> bytes:
        """Return the bytes of a chunk, decompressed."""
        stream = path.read_bytes()
        if path.suffix == ".gz" or stream[:2] == b"\x1f\x8b":
            limit = 16 * prod(shape) + 2**20  # hardly any encoding is larger than its labels
            decoder = zlib.decompressobj(16 + 15)
            stream = decoder.decompress(stream, limit)
            if not decoder.eof:
                raise ValueError("it is cut off, or far too large")
        return stream

    def _decode(self, stream: bytes, shape: tuple[int, ...]) -> np.ndarray:
        """Return the labels of a chunk's stream."""
        if self.encoding == "raw":
            labels = np.frombuffer(stream, self.dtype.newbyteorder("<"))
            return labels.reshape(shape)
        library = self._checked(stream, shape)
        if self.encoding == "compressed_segmentation":
            return library.decompress(
                stream, shape[::-1], self.dtype, block_size=self._segmentation_block, order="F"
            ).T
        return library.decompress(stream).T

    def _checked(self, stream: bytes, shape: tuple[int, ...]) -> Any:  # noqa: ANN401 - a module
        """Return the library that reads a stream, after checking what the library trusts.

        Raises:
            ValueError: If the stream is of another shape.
            CodecError: If it contradicts itself.
        """
        library = require(self.encoding, extra="codecs", purpose="read its chunks")
        if self.encoding == "compressed_segmentation":
            block = self._segmentation_block[::-1]
            compressed_segmentation.check_stream(stream, shape, self.dtype, block)
            return library
        head = library.header(stream)
        stated: tuple[int, ...]
        if self.encoding == "compresso":
            stated = (head["sz"], head["sy"], head["sx"])
        else:
            stated = (head.sz, head.sy, head.sx)
        if tuple(int(n) for n in stated) != shape:
            raise ValueError(f"it holds {stated} voxels (Z Y X), not {shape}")
        if self.encoding == "compresso":
            compresso_package.check_stream(stream)
        elif head.format_version == 1:
            crackle_stream.check(stream, crackle_stream.read_head(stream))
        return library

    def _read(self, box: Box) -> np.ndarray:
        labels = np.empty([part.stop - part.start for part in box], self.dtype)
        for chunk in touched(box, self.chunk, self.shape):
            both = [
                slice(max(a.start, b.start), min(a.stop, b.stop))
                for a, b in zip(box, chunk, strict=True)
            ]
            inside = tuple(
                slice(p.start - c.start, p.stop - c.start) for p, c in zip(both, chunk, strict=True)
            )
            target = tuple(
                slice(p.start - c.start, p.stop - c.start) for p, c in zip(both, box, strict=True)
            )
            labels[target] = self.chunk_labels(chunk)[inside]
        return labels


class PrecomputedWriter(VolumeWriter):
    """A Precomputed folder of one scale for Neuroglancer: compressed_segmentation or raw, gzip."""

    format = "precomputed"
    unit = _CHUNK

    def __init__(self, path: Path, layout: Layout) -> None:
        """Write ``info``."""
        super().__init__(path, layout)
        if layout.dtype.kind != "u":
            raise DataError(f"{path}: Precomputed segmentations are unsigned, got {layout.dtype}.")
        self._encoding = "compressed_segmentation" if layout.dtype.itemsize >= 4 else "raw"
        size = layout.voxel_size_nm or (1.0, 1.0, 1.0)
        self._key = "_".join(f"{edge:g}" for edge in reversed(size))
        (path / self._key).mkdir(parents=True, exist_ok=True)
        scale: dict[str, Any] = {
            "key": self._key,
            "size": list(reversed(layout.shape)),
            "voxel_offset": [0, 0, 0],
            "chunk_sizes": [list(reversed(_CHUNK))],
            "resolution": list(reversed(size)),
            "encoding": self._encoding,
        }
        if self._encoding != "raw":
            scale["compressed_segmentation_block_size"] = list(_BLOCK)
        info = {
            "@type": "neuroglancer_multiscale_volume",
            "type": "segmentation",
            "data_type": str(layout.dtype),
            "num_channels": 1,
            "scales": [scale],
        }
        (path / "info").write_text(json.dumps(info, indent=2) + "\n", encoding="utf-8")

    def write(self, box: VolumeBox, voxels: np.ndarray) -> None:
        """Write all chunks of a box."""
        for part in boxes(box.shape, _CHUNK):
            chunk = voxels[part.slices]
            whole = part.moved(box.start)
            z, y, x = (f"{a}-{b}" for a, b in zip(whole.start, whole.stop, strict=True))
            with replacing(self.path / self._key / f"{x}_{y}_{z}.gz") as temporary:
                temporary.write_bytes(gzip.compress(self._encode(chunk), 6, mtime=0))

    def _encode(self, chunk: np.ndarray) -> bytes:
        """Return the stream of a chunk, X fastest."""
        if self._encoding == "raw":
            return np.ascontiguousarray(chunk, chunk.dtype.newbyteorder("<")).tobytes()
        library = require("compressed_segmentation", extra="codecs", purpose="write its chunks")
        plain = np.ascontiguousarray(chunk)
        return bytes(library.compress(plain.T, block_size=_BLOCK, order="F"))


def _info(path: Path) -> dict[str, Any]:
    """Return the folder's description."""
    try:
        info = json.loads((path / "info").read_text(encoding="utf-8"))
        dtype = info["data_type"]
        scales = info["scales"]
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise DataError(f"{path / 'info'} cannot be read: {fault!r}.") from None
    if dtype not in _DTYPES or not isinstance(scales, list) or not scales:
        raise DataError(f"{path} holds {dtype} in {len(scales)} scales, not labels (integers).")
    return dict(info)


def _scale(info: dict[str, Any], scale: str | None, path: Path) -> dict[str, Any]:
    """Return the scale that was asked for."""
    scales = info["scales"]
    if scale is None:
        return dict(scales[0])
    for number, entry in enumerate(scales):
        if str(scale) in (str(entry.get("key")), str(number)):
            return dict(entry)
    # on a command line, 8_8_40 is the whole number 8840
    same = [entry for entry in scales if str(entry.get("key")).replace("_", "") == str(scale)]
    if len(same) == 1:
        return dict(same[0])
    keys = ", ".join(str(entry.get("key")) for entry in scales)
    raise ConfigError(f"{path} has no scale '{scale}'. input.scale is one of {keys}.")


def _inside(path: Path, key: str) -> Path:
    """Return the folder of a scale; one outside of the volume's is refused."""
    folder = (path / key).resolve()
    if not folder.is_relative_to(path.resolve()):
        raise DataError(f"{path / 'info'}: the scale '{key}' lies outside of the folder.")
    return folder
