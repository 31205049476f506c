"""Write label volumes as OME-Zarr 0.5: one array per level, in chunks of the codec emqs.labels.

A label image is a Zarr v3 group with the arrays "0" (full size), "1", ... and ``attributes.ome``.
Beside it stand, in ``attributes.emqs``, checksums of what Zarr itself does not protect: the shape,
chunks, dtype, fill value and codecs of every array.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import prod
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, Unpack

import numpy as np

from emqs.errors import DataError, require
from emqs.volumes.downsampling import mode_pool
from emqs.volumes.seals import checksum
from emqs.volumes.zarr_labels.plan import ImageOptions, Region, boxes, grid_of, plan_of

Step = Callable[[str, int, int], None]  # stage, chunks done, chunks in all

READ_WITH = "zarr with the Python package emqs-labels, or emqs"  # for who finds a store
_CHECKED = ("shape", "data_type", "chunk_grid", "chunk_key_encoding", "fill_value", "codecs")


class ArrayLike(Protocol):
    """What labels are read from: an array, or anything that gives boxes of one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Integer or bool."""
        ...

    def __getitem__(self, box: Any, /) -> Any:  # noqa: ANN401 (as NumPy's)
        """Return the labels of a box of slices."""
        ...


class LabelWriter:
    """A label image that is written piece by piece, under the name it was given at once.

    An image of the same settings that is there already is gone on with: ``is_written`` says which
    pieces are done. Pieces of whole chunks are fastest; others are merged with what is there.

    Attributes:
        path: The folder.
        shape: Of the full size.
        dtype: Of the labels.
        chunks: Length of a chunk along each axis.
        axes: A letter for each axis, e.g. ``"zyx"``.
    """

    def __init__(
        self,
        path: Path | str,
        shape: Sequence[int],
        dtype: np.dtype[Any] | str,
        *,
        voxel_size_nm: Sequence[float] | None,
        name: str | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        """Make the folder and its metadata, or open what an earlier run left.

        Args:
            path: Folder of the label image; its parent exists.
            shape: Length of each axis, 2 to 5 axes, none of them empty.
            dtype: Any integer dtype, or bool.
            voxel_size_nm: Edges of a voxel along the spatial axes, e.g. Z Y X; None if unknown.
            name: Of the image in its metadata; None for that of the folder.
            **options: Others, as ``ImageOptions`` says.

        Raises:
            ConfigError: If a setting is out of range.
            DataError: If something else is at ``path``.
        """
        plan = plan_of(shape, dtype, voxel_size_nm, options)
        self.path = Path(path)
        self.shape, self.chunks, self.axes = plan.shapes[0], plan.chunks, plan.axes
        self.dtype = np.dtype(dtype).newbyteorder("=")
        self._plan = plan
        self._name = self.path.name if name is None else name
        self._arrays = [self._array(level) for level in range(len(plan.shapes))]
        self._describe()

    @property
    def n_levels(self) -> int:
        """Arrays of the pyramid."""
        return len(self._arrays)

    def boxes(self, level: int = 0) -> Iterator[Region]:
        """Yield the box of every chunk of a level, last axis fastest; ends are inside."""
        yield from boxes(self._plan.shapes[level], self._chunks(level))

    def is_written(self, box: Region) -> bool:
        """Return whether all chunks of a box are stored and can be read back.

        Chunks of nothing but 0 are not stored, so they are never said to be written.
        """
        return all(self._chunk_is_there(key) for key in _keys(box, self.chunks)) and self._reads(
            box
        )

    def write(self, box: Region, labels: np.ndarray) -> None:
        """Store labels.

        Args:
            box: A slice for each axis.
            labels: Labels, shape of the box, a dtype that the image's can hold.

        Raises:
            DataError: If dtype or shape do not fit.
        """
        shape = tuple(
            len(range(*part.indices(side))) for part, side in zip(box, self.shape, strict=True)
        )
        if labels.shape != shape or not np.can_cast(labels.dtype, self.dtype, "safe"):
            raise DataError(
                f"{self.path}: a piece of {labels.dtype}, shape {labels.shape}, does not fit a box "
                f"of {self.dtype}, shape {shape}."
            )
        self._arrays[0][box] = labels.astype(self.dtype, copy=False)

    def finish(self, step: Step = lambda _stage, _done, _total: None) -> None:
        """Make the smaller levels of the full one, and remove what interrupted writes left.

        Args:
            step: Called after each chunk.
        """
        for level in range(1, self.n_levels):
            total = prod(grid_of(self._plan.shapes[level], self._chunks(level)))
            for number, box in enumerate(self.boxes(level)):
                self._arrays[level][box] = self._pooled(level, box)
                step(f"level {level}", number + 1, total)
        for left in self.path.rglob("*.partial"):
            left.unlink()

    def _pooled(self, level: int, box: Region) -> np.ndarray:
        """Return a chunk of a level, made of the level before; few chunks are held at a time."""
        factors = self._plan.factors[level - 1]
        source = self._arrays[level - 1]
        pooled = np.empty([part.stop - part.start for part in box], self.dtype)
        steps = [n + n % factor for n, factor in zip(self._chunks(level - 1), factors, strict=True)]
        region = [
            slice(part.start * factor, min(part.stop * factor, side))
            for part, factor, side in zip(box, factors, source.shape, strict=True)
        ]
        for part in boxes([one.stop - one.start for one in region], steps):
            read = tuple(
                slice(one.start + inner.start, one.start + inner.stop)
                for one, inner in zip(region, part, strict=True)
            )
            write = tuple(
                slice(inner.start // factor, -(-inner.stop // factor))
                for inner, factor in zip(part, factors, strict=True)
            )
            pooled[write] = mode_pool(source[read], factors)
        return pooled

    def _array(self, level: int) -> Any:  # noqa: ANN401 (zarr's, which is optional)
        """Return the array of a level, new or as it was left."""
        zarr = zarr_library()
        from emqs.codecs.zarr_codec import LabelChunks

        folder = self.path / str(level)
        options = {
            "shape": self._plan.shapes[level],
            "chunks": self._chunks(level),
            "dtype": self.dtype,
            "serializer": LabelChunks(self._plan.settings),
            "filters": None,
            "compressors": None,
            "fill_value": 0,
            "dimension_names": list(self.axes),
        }
        if not (folder / "zarr.json").is_file():
            if level == 0 and not _is_begun(self.path):
                raise DataError(f"{self.path} is not empty, and is no interrupted label image.")
            self.path.mkdir(exist_ok=True)
            return zarr.create_array(folder, **options)
        array = zarr.open_array(folder, mode="r+")
        fresh = zarr.create_array(zarr.storage.MemoryStore(), **options)
        if _essence(array) != _essence(fresh):
            raise DataError(
                f"{folder} was written with other settings: {_essence(array)}; now they are "
                f"{_essence(fresh)}. Repeat them as they were, or delete it."
            )
        return array

    def _chunks(self, level: int) -> tuple[int, ...]:
        """Return the chunks of a level: never longer than it."""
        return tuple(
            min(length, side)
            for length, side in zip(self.chunks, self._plan.shapes[level], strict=True)
        )

    def _describe(self) -> None:
        """Write the group's metadata."""
        ome = self._plan.described(self._name)
        sums = {str(level): checksum(_essence(array)) for level, array in enumerate(self._arrays)}
        own = {"read_with": READ_WITH, "checksums": sums | {"ome": checksum(ome)}}
        attributes = {"ome": ome, "emqs": own}
        zarr_library().open_group(self.path, mode="a", zarr_format=3).update_attributes(attributes)

    def _chunk_is_there(self, key: tuple[int, ...]) -> bool:
        return (self.path / "0" / "c").joinpath(*map(str, key)).is_file()

    def _reads(self, box: Region) -> bool:
        """Return whether a box can be read."""
        from emqs.errors import CodecError

        try:
            self._arrays[0][box]
        except CodecError:
            return False
        return True


def write_labels(
    path: Path | str,
    labels: ArrayLike,
    *,
    voxel_size_nm: Sequence[float] | None,
    resume: bool = False,
    step: Step = lambda _stage, _done, _total: None,
    **options: Unpack[ImageOptions],
) -> Path:
    """Store labels as OME-Zarr 0.5; nothing is under the final name until all is written.

    Labels are read one chunk at a time, so that a few chunks are all that is held in memory.

    Args:
        path: Folder to make; must not exist.
        labels: Labels, 2 to 5 axes, any integer dtype or bool; an array, or what gives boxes of
            one: an HDF5 dataset, a Zarr array, ...
        voxel_size_nm: Edges of a voxel along the spatial axes, e.g. Z Y X; None if unknown.
        resume: Go on with what an interrupted call with the same labels and settings left: chunks
            that read back without an error are kept. If False, begin anew.
        step: Called after each chunk with the stage, and chunks done and in all.
        **options: ``origin_nm``, ``axes``, ``chunks``, ``preset``, ``settings`` and ``levels``, as
            ``ImageOptions`` says.

    Returns:
        The folder.

    Raises:
        DataError: If ``path`` exists, or what is resumed has other settings.
        ConfigError: If a setting is out of range.
    """
    final = Path(path)
    if final.exists() or final.is_symlink():
        raise DataError(f"{final} exists already, and is never overwritten. Choose another path.")
    partial = final.with_name(f".{final.name}.partial")
    if partial.exists() and not resume:
        shutil.rmtree(partial)
    writer = LabelWriter(
        partial, labels.shape, labels.dtype, voxel_size_nm=voxel_size_nm, name=final.name, **options
    )
    total = prod(grid_of(writer.shape, writer.chunks))
    for number, box in enumerate(writer.boxes()):
        if not (resume and writer.is_written(box)):
            writer.write(box, np.asarray(labels[box]))
        step("level 0", number + 1, total)
    writer.finish(step)
    partial.rename(final)
    return final


def _is_begun(path: Path) -> bool:
    """Return whether nothing is in a folder, or only what was left before its first whole file.

    Zarr writes a file under a name that ends in ``.partial`` first.
    """
    files = (file for file in path.rglob("*") if not file.is_dir())
    return not path.exists() or (path.is_dir() and all(f.name.endswith(".partial") for f in files))


def essence_of(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return what of an array's ``zarr.json`` decides which labels are read."""
    return {key: metadata.get(key) for key in _CHECKED}


def zarr_library() -> ModuleType:
    """Return the zarr library, which then knows the codec."""
    zarr = require("zarr", extra="labels", purpose="read and write OME-Zarr")
    from emqs.codecs.zarr_codec import NAME, LabelChunks

    require("zarr.registry", extra="labels", purpose="read labels").register_codec(
        NAME, LabelChunks
    )
    return zarr


def _essence(array: Any) -> dict[str, Any]:  # noqa: ANN401 (zarr's, which is optional)
    """Return what of an array's metadata decides which labels are read."""
    return essence_of(json.loads(json.dumps(array.metadata.to_dict(), default=str)))


def _keys(box: Region, chunks: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield the chunks that a box touches."""
    yield from product(
        *(
            range(part.start // length, -(-part.stop // length))
            for part, length in zip(box, chunks, strict=True)
        )
    )
