"""Zarr: v2 and v3, arrays and OME-Zarr groups; written as v3 with the codec ``emqs.labels``."""

import base64
import zlib
from collections.abc import Callable, Iterator, Sequence
from math import prod
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from emqs.errors import CodecError, ConfigError, DataError, one_line, require
from emqs.geometry import Box as VolumeBox
from emqs.volumes.label_volume import AXES, ArrayReader, Box, Reader, Size, touched
from emqs.volumes.writer import Layout, VolumeWriter
from emqs.volumes.zarr_labels import LabelVolume, LabelWriter, open_labels
from emqs.volumes.zarr_labels.index import stored_index
from emqs.volumes.zarr_labels.writer import zarr_library

if TYPE_CHECKING:
    from emqs.codecs.chunk import ChunkSettings

NM = {
    "angstrom": 0.1, "nanometer": 1.0, "nm": 1.0, "micrometer": 1e3, "um": 1e3, "µm": 1e3,
    "millimeter": 1e6, "mm": 1e6,
}  # fmt: skip
UNKNOWN_SIZE = (1.0, 1.0, 1.0)  # nm, where nobody knows
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
    zarr = zarr_library()
    try:
        node = zarr.open(path, mode="r")
    except Exception as fault:  # the library's errors have no common class
        raise DataError(f"{path} cannot be read as Zarr: {one_line(fault)}.") from None
    stated, size, written, image = None, None, None, None
    if isinstance(node, zarr.Group):
        if dataset is None:
            if "emqs" in node.attrs:
                image = open_labels(path)  # checks what decides how labels are read
            written = node.attrs.get(_STORED)
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
        found = LabelChunksReader(path, node, folder, written, **how)
        found.image = image
        return found
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


class ZarrWriter(VolumeWriter):
    """An OME-Zarr 0.5 label image.

    Options: ``codec``, a dict with the settings of ``CodecConfig``; ``levels``, arrays of the
    pyramid, None for as many as it takes.
    """

    format = "zarr"

    def __init__(self, path: Path, layout: Layout) -> None:
        """Make the image, or open it again.

        Raises:
            ConfigError: If chunks are too large, or a codec setting is out of range.
        """
        super().__init__(path, layout)
        codec = dict(layout.options["codec"])
        chunks = tuple(min(a, b) for a, b in zip(codec["chunks"], layout.shape, strict=True))
        self.unit = (chunks[0], chunks[1], chunks[2])
        self._image: LabelWriter | None = None
        if codec["name"] == "zstd":
            self._array = self._plain(codec["level"])
        else:
            try:
                self._image = LabelWriter(
                    path, layout.shape, layout.dtype, axes=AXES, chunks=chunks,
                    voxel_size_nm=layout.voxel_size_nm or UNKNOWN_SIZE,
                    settings=_settings(codec), levels=layout.options.get("levels", 1),
                )  # fmt: skip
            except CodecError as fault:
                raise ConfigError(f"codec: {fault}") from None

    def _plain(self, level: int) -> Any:  # noqa: ANN401 - an array of an extra
        """Return the array of an image without the label codec, new or as it was left."""
        if self.layout.options.get("levels", 1) != 1:
            raise ConfigError("output.levels: a pyramid is made with codec=crackle or archive.")
        zarr = zarr_library()
        zstd = require("zarr.codecs", extra="labels", purpose="write Zarr").ZstdCodec
        group = zarr.open_group(self.path, mode="a", zarr_format=3)
        if "0" in group:
            return group["0"]
        scale = list(self.layout.voxel_size_nm or UNKNOWN_SIZE)
        group.attrs["ome"] = {
            "version": "0.5",
            "multiscales": [
                {
                    "name": self.path.name,
                    "axes": [{"name": name, "type": "space", "unit": "nanometer"} for name in AXES],
                    "datasets": [
                        {
                            "path": "0",
                            "coordinateTransformations": [{"type": "scale", "scale": scale}],
                        }
                    ],
                }
            ],
            "image-label": {"version": "0.5"},
        }
        return group.create_array(
            "0", shape=self.layout.shape, dtype=self.layout.dtype, chunks=self.unit, fill_value=0,
            compressors=[zstd(level=level, checksum=True)], dimension_names=list(AXES),
        )  # fmt: skip

    def write(self, box: VolumeBox, voxels: np.ndarray) -> None:
        """Write whole chunks."""
        if self._image is not None:
            self._image.write(box.slices, voxels)
        else:
            self._array[box.slices] = voxels

    def finish(self) -> None:
        """Make the smaller levels, and note which chunks are stored, so that a lost one shows."""
        if self._image is not None:
            self._image.finish()
        grid = [-(-s // c) for s, c in zip(self.layout.shape, self.unit, strict=True)]
        stored = np.zeros(grid, bool)
        for place in np.ndindex(*grid):
            stored[place] = (self.path / "0" / _key(place)).is_file()
        group = zarr_library().open_group(self.path, mode="r+")
        bits = zlib.compress(np.packbits(stored).tobytes())
        group.update_attributes({_STORED: base64.b64encode(bits).decode()})


def _settings(codec: dict[str, Any]) -> "ChunkSettings":
    """Return the settings of the label codec."""
    from emqs.codecs.chunk import ChunkSettings  # needs the extra

    return ChunkSettings(
        compressor=codec["compressor"],
        level=codec["level"],
        markov_order=codec["markov_order"],
        pins=codec["pins"],
    )


def _key(place: Sequence[int]) -> str:
    """Return the key of a chunk in a Zarr v3 array, e.g. ``c/0/2/1``."""
    return "/".join(["c", *(str(int(number)) for number in place)])


class LabelChunksReader(ArrayReader):
    """An array in the codec ``emqs.labels``, which lists the labels of each chunk."""

    checksum = "its CRC-32C"
    image: LabelVolume | None = None  # the whole image, if the user gave one

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
            self._stored = _stored_chunks(stored, array, path)

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
        """Return the labels of a chunk from its index."""
        counted = self.block_counts(box)
        return None if counted is None else counted[0]

    def block_counts(self, box: Box) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the labels of a chunk and the voxels of each, from its index.

        Raises:
            DataError: If the chunk is damaged or lost.
        """
        place = self.chunk_of(box)
        path = Path(self.place(box))
        inside = prod(part.stop - part.start for part in box)
        outside = prod(self._chunks) - inside
        fill = np.full(1, self._array.fill_value, self.dtype)
        if self.missing(box):
            raise DataError(f"The chunk {path} is missing. Write the volume again.")
        if not path.is_file():
            return fill, np.array([inside], np.uint64)
        try:
            index = stored_index(path, prod(self._chunks), self.dtype, "/".join(map(str, place)))
        except CodecError as fault:
            raise DataError(f"Chunk {path}: {one_line(fault)}.") from fault
        if index is None:
            return None
        labels = index.labels > 0 if self.dtype.kind == "b" else index.labels.view(self.dtype)
        counts = index.counts.copy()
        counts[labels == fill] -= np.uint64(outside)  # voxels of the chunk outside of the volume
        return labels[counts > 0], counts[counts > 0]

    def faults(self, step: Callable[[int, int], None]) -> Iterator[tuple[str, str]] | None:
        """Check every chunk of every level of an image; see ``Reader.faults``."""
        if self.image is None:
            return None
        return ((str(bad.path), bad.reason) for bad in self.image.verify(step))

    def _read(self, box: Box) -> np.ndarray:
        if self._stored is not None:
            for chunk in touched(box, self.block, self.shape):
                if self.missing(chunk):
                    raise DataError(
                        f"The chunk {self.place(chunk)} is missing. Write the volume again."
                    )
        return super()._read(box)


def _stored_chunks(stored: str, array: Any, path: Path) -> np.ndarray:  # noqa: ANN401
    """Return which chunks of an array were written, bool, the shape of the grid of chunks."""
    grid = [-(-side // step) for side, step in zip(array.shape, array.chunks, strict=True)]
    n_bytes = -(-prod(grid) // 8)
    try:
        bits = zlib.decompressobj().decompress(base64.b64decode(stored), n_bytes)
        flags = np.unpackbits(np.frombuffer(bits, np.uint8), count=prod(grid))
    except (ValueError, TypeError, zlib.error) as fault:
        raise DataError(f"{path}: the attribute {_STORED} is damaged: {fault}.") from None
    if len(bits) != n_bytes:
        raise DataError(f"{path}: the attribute {_STORED} does not fit the array.")
    return flags.astype(bool).reshape(grid)
