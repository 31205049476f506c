"""Zarr: v2 and v3, arrays and OME-Zarr groups; written as v3 with the codec ``emqs.labels``."""

import base64
import zlib
from collections.abc import Sequence
from math import prod
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from emqs.errors import CodecError, ConfigError, DataError, require
from emqs.label_files.volume import (
    AXES,
    ArrayReader,
    Box,
    Layout,
    Reader,
    Size,
    Writer,
    one_line,
    touched,
)

NM = {
    "angstrom": 0.1, "nanometer": 1.0, "nm": 1.0, "micrometer": 1e3, "um": 1e3, "µm": 1e3,
    "millimeter": 1e6, "mm": 1e6,
}  # fmt: skip
_STORED = "emqs_stored_chunks"  # attribute: which chunks of array 0 were written, a bit each


def read_zarr(path: Path, axes: str | None, dataset: str | None, scale: str | None) -> Reader:
    """Open an array, or one level of an OME-Zarr group.

    Args:
        path: The array or the group.
        axes: Order of its axes; None for what OME-Zarr metadata say, else Z Y X.
        dataset: Path of an array inside a group; None for its multiscale image.
        scale: Level of an OME-Zarr group, its path or number; None for the finest.

    Raises:
        DataError: If there is no array, it is damaged, or its codec is not known.
    """
    zarr = _zarr()
    try:
        node = zarr.open(path, mode="r")
    except Exception as fault:  # the library's errors have no common class
        raise DataError(f"{path} cannot be read as Zarr: {one_line(fault)}.") from None
    stated, size, written = None, None, None
    if isinstance(node, zarr.Group):
        written = node.attrs.get(_STORED)
        if dataset is None:
            dataset, stated, size = _level(node, path, scale)
        node = _member(node, dataset, path, zarr)
        if dataset.strip("/") != "0":
            written = None
    names = (
        "".join(n for n in (node.metadata.dimension_names or ()) if n)
        if node.metadata.zarr_format == 3
        else ""
    )
    if stated is None and sorted(names.lower()[-3:]) == ["x", "y", "z"]:
        stated = names.lower()[-3:]
    how: dict[str, Any] = {
        "axes": axes or stated or "zyx",
        "chunks": node.shards or node.chunks,
        "voxel_size_nm": size,
    }
    codecs = [type(codec).__name__ for codec in getattr(node.metadata, "codecs", ())]
    if codecs[:1] == ["LabelChunks"] and node.metadata.chunk_key_encoding.name == "default":
        folder = path / dataset if dataset is not None else path
        return LabelChunksReader(path, node, folder, written, **how)
    reader = ArrayReader(path, "zarr", node, **how)
    reader.checksum = _checksum(node)
    return reader


def _checksum(array: Any) -> str:  # noqa: ANN401 - an array of an extra
    """Return what notices damage to a chunk of an array; empty if nothing does."""
    codecs = [codec.to_dict() for codec in getattr(array.metadata, "codecs", ())]
    for codec in codecs:
        if codec["name"] == "crc32c":
            return "its CRC-32C"
        if codec["name"] == "zstd" and dict(codec.get("configuration", {})).get("checksum"):
            return "the checksum of zstd"
        if codec["name"] == "gzip":
            return "the CRC-32 of gzip"
    return ""


def _level(group: Any, path: Path, scale: str | None) -> tuple[str, str | None, Size | None]:  # noqa: ANN401
    """Return path, axes and voxel size of one level of a multiscale group."""
    attributes = dict(group.attrs)
    images = attributes.get("ome", attributes).get("multiscales")
    if not images:
        names = [name for name, _ in group.arrays()]
        if len(names) == 1:
            return names[0], None, None
        groups = [f"{name}/" for name, _ in group.groups()]
        raise ConfigError(
            f"{path} is a Zarr group that holds {', '.join([*names, *groups]) or 'nothing'}. "
            "Choose an array with input.dataset=NAME."
        )
    levels = [str(entry["path"]) for entry in images[0]["datasets"]]
    chosen = _number(levels, scale, path)
    entry = images[0]["datasets"][chosen]
    axes = [a if isinstance(a, dict) else {"name": a} for a in images[0].get("axes", [])]
    names_of = [str(axis["name"]).lower() for axis in axes]
    order = "".join(name for name in names_of if name in "zyx")
    edges: Size | None = None
    if sorted(order) == ["x", "y", "z"]:
        transforms = entry.get("coordinateTransformations", [])
        factors = next((t["scale"] for t in transforms if t.get("type") == "scale"), None)
        if factors is not None and len(factors) == len(axes):
            in_nm = [
                float(factors[k]) * NM.get(str(axes[k].get("unit")), np.nan)
                for k in (names_of.index("z"), names_of.index("y"), names_of.index("x"))
            ]
            edges = (in_nm[0], in_nm[1], in_nm[2]) if np.isfinite(in_nm).all() else None
    return levels[chosen], order if sorted(order) == ["x", "y", "z"] else None, edges


def _number(levels: Sequence[str], scale: str | None, path: Path) -> int:
    """Return which level was asked for."""
    if scale is None:
        return 0
    for number, name in enumerate(levels):
        if str(scale) in (name, str(number)):
            return number
    raise ConfigError(f"{path} has no level '{scale}'. input.scale is one of {', '.join(levels)}.")


def _member(group: Any, name: str, path: Path, zarr: ModuleType) -> Any:  # noqa: ANN401
    """Return an array of a group."""
    try:
        node = group[name]
    except Exception as fault:  # the library's errors have no common class
        raise ConfigError(f"{path} has no readable array '{name}': {one_line(fault)}.") from None
    if not isinstance(node, zarr.Array):
        raise ConfigError(f"{path}: '{name}' is a group, not an array.")
    return node


def _zarr() -> ModuleType:
    """Return the zarr library."""
    return require("zarr", extra="labels", purpose="read and write Zarr")


class ZarrWriter(Writer):
    """An OME-Zarr 0.5 group (Zarr v3) of one level, array ``0``.

    Options: ``codec``, a dict with the settings of ``CodecConfig``.
    """

    format = "zarr"

    def __init__(self, path: Path, layout: Layout) -> None:
        """Make group and array, or open them again."""
        super().__init__(path, layout)
        zarr, codec = _zarr(), dict(layout.options["codec"])
        chunks = tuple(min(a, b) for a, b in zip(codec["chunks"], layout.shape, strict=True))
        self.unit = (chunks[0], chunks[1], chunks[2])
        self._group = zarr.open_group(path, mode="a", zarr_format=3)
        if "0" in self._group:
            self._array = self._group["0"]
            return
        how: dict[str, Any]
        if codec["name"] == "zstd":
            zstd = require("zarr.codecs", extra="labels", purpose="write Zarr").ZstdCodec
            how = {"compressors": [zstd(level=codec["level"], checksum=True)]}
        else:
            how = {"serializer": _label_codec(codec), "compressors": None}
        self._array = self._group.create_array(
            "0", shape=layout.shape, dtype=layout.dtype, chunks=chunks, fill_value=0,
            dimension_names=list(AXES), **how,
        )  # fmt: skip
        size = layout.voxel_size_nm
        axis: dict[str, Any] = {"type": "space"} | ({"unit": "nanometer"} if size else {})
        self._group.attrs["ome"] = {
            "version": "0.5",
            "multiscales": [
                {
                    "name": "labels",
                    "axes": [{"name": name, **axis} for name in AXES],
                    "datasets": [
                        {
                            "path": "0",
                            "coordinateTransformations": [
                                {"type": "scale", "scale": list(size or (1.0, 1.0, 1.0))}
                            ],
                        }
                    ],
                }
            ],
            "image-label": {"version": "0.5"},
        }

    def write(self, box: Box, labels: np.ndarray) -> None:
        """Write whole chunks."""
        self._array[box] = labels

    def finish(self) -> None:
        """Note which chunks are stored, so that a lost one is not taken for background."""
        grid = [-(-s // c) for s, c in zip(self.layout.shape, self.unit, strict=True)]
        stored = np.zeros(grid, bool)
        for place in np.ndindex(*grid):
            stored[place] = (self.path / "0" / _key(place)).is_file()
        self._group.attrs[_STORED] = base64.b64encode(
            zlib.compress(np.packbits(stored).tobytes())
        ).decode()


def _label_codec(codec: dict[str, Any]) -> Any:  # noqa: ANN401 - a class of an extra
    """Return the Zarr codec of settings."""
    from emqs.codecs.chunk import ChunkSettings  # these two need the extra
    from emqs.codecs.zarr_codec import LabelChunks

    return LabelChunks(
        ChunkSettings(
            compressor=codec["compressor"],
            level=codec["level"],
            markov_order=codec["markov_order"],
            pins=codec["pins"],
        )
    )


def _key(place: Sequence[int]) -> str:
    """Return the key of a chunk in a Zarr v3 array, e.g. ``c/0/2/1``."""
    return "/".join(["c", *(str(int(number)) for number in place)])


class LabelChunksReader(ArrayReader):
    """An array in the codec ``emqs.labels``, which lists the labels of each chunk."""

    checksum = "its CRC-32C"

    def __init__(
        self,
        path: Path,
        array: Any,  # noqa: ANN401 - an array of an extra
        folder: Path,
        stored: str | None,
        **how: Any,  # noqa: ANN401 - of several types
    ) -> None:
        """Open an array.

        Args:
            path: What the user gave.
            array: The array.
            folder: Where its chunks are.
            stored: Which chunks were written, as ``ZarrWriter`` noted it; None if unknown.
            **how: As for ``ArrayReader``.
        """
        super().__init__(path, "zarr", array, **how)
        self._folder = folder
        self._chunks = tuple(array.chunks)
        self._stored: np.ndarray | None = None
        if stored is not None:
            grid = [-(-s // c) for s, c in zip(array.shape, array.chunks, strict=True)]
            try:
                bits = zlib.decompressobj().decompress(base64.b64decode(stored), prod(grid))
                flags = np.unpackbits(np.frombuffer(bits, np.uint8), count=prod(grid))
            except (ValueError, zlib.error) as fault:
                raise DataError(f"{path}: the attribute {_STORED} is damaged: {fault}.") from None
            self._stored = flags.astype(bool).reshape(grid)

    def chunk_of(self, box: Box) -> tuple[int, ...]:
        """Return the place of a block in the grid of chunks."""
        place = [0] * len(self._chunks)
        for axis, part in zip(self._places, box, strict=True):
            if axis is not None:
                place[axis] = part.start // self._chunks[axis]
        return tuple(place)

    def place(self, box: Box) -> str:
        """Return the file of a chunk."""
        return str(self._folder / _key(self.chunk_of(box)))

    def missing(self, box: Box) -> bool:
        """Return whether a chunk that was written is gone."""
        if self._stored is None or not self._stored[self.chunk_of(box)]:
            return False
        return not Path(self.place(box)).is_file()

    def block_labels(self, box: Box) -> np.ndarray | None:
        """Return the labels of a chunk from its index; of one that is not stored, background."""
        from emqs.codecs.chunk import HEADER_BYTES, place_of, read_head, read_index

        place = self.chunk_of(box)
        path = Path(self.place(box))
        unsigned = np.dtype(f"u{self.dtype.itemsize}")
        if self.missing(box):
            raise DataError(f"The chunk {path} is missing. Write the volume again.")
        number = place_of("/".join(str(k) for k in place))
        try:
            with path.open("rb") as stream:
                start = stream.read(HEADER_BYTES)
                head = read_head(start, unsigned, number)
                size = min(head.index_bytes, path.stat().st_size)
                index = read_index(start + stream.read(size), prod(self._chunks), unsigned, number)
        except FileNotFoundError:
            return np.full(1, self._array.fill_value, self.dtype)
        except CodecError as fault:
            raise DataError(f"Chunk {path}: {one_line(fault)}.") from fault
        return None if index is None else index.labels.view(self.dtype)

    def _read(self, box: Box) -> np.ndarray:
        if self._stored is not None:
            for chunk in touched(box, self.block, self.shape):
                if self.missing(chunk):
                    raise DataError(
                        f"The chunk {self.place(chunk)} is missing. Write the volume again."
                    )
        return super()._read(box)
