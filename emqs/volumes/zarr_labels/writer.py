"""Write label volumes as OME-Zarr 0.5: one array per level, in chunks of the codec emqs.labels.

A label image is a Zarr v3 group with the arrays "0" (full size), "1", ... and ``attributes.ome``.
Beside it stand, in ``attributes.emqs``, checksums of what Zarr itself does not protect: the shape,
chunks, dtype, fill value and codecs of every array.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from emqs.codecs.chunk import ChunkSettings
from emqs.errors import ConfigError, DataError, require
from emqs.volumes.downsampling import mode_pool, pool_factors

Box = tuple[slice, ...]
Step = Callable[[str, int, int], None]  # stage, chunks done, chunks in all

OME_VERSION = "0.5"
_AXES = "tczyx"
_KINDS = {"t": "time", "c": "channel"}
_MAX_LEVELS = 16
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


@dataclass(frozen=True)
class Preset:
    """Chunks and codec settings that suit a use.

    Attributes:
        chunks: Of Z Y X, in voxels.
        settings: Of the codec.
        use: What it is for, in a few words.
    """

    chunks: tuple[int, int, int]
    settings: ChunkSettings
    use: str


#: Presets by name. Sizes and speeds: benchmarks/README.md.
PRESETS: dict[str, Preset] = {
    "default": Preset((32, 256, 256), ChunkSettings(), "small, and quick to read in part"),
    "archive": Preset(
        (128, 512, 512),
        ChunkSettings(compressor="lzma", level=9, markov_order=5),
        "smallest; a chunk has up to 33 million voxels",
    ),
}


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
        voxel_size_nm: Sequence[float],
        axes: str | None = None,
        chunks: Sequence[int] | None = None,
        preset: str = "default",
        settings: ChunkSettings | None = None,
        levels: int | None = None,
        name: str | None = None,
    ) -> None:
        """Make the folder and its metadata, or open what an earlier run left.

        Args:
            path: Folder of the label image; its parent exists.
            shape: Length of each axis, 2 to 5 axes, none of them empty.
            dtype: Any integer dtype, or bool.
            voxel_size_nm: Edges of a voxel along the spatial axes, e.g. Z Y X.
            axes: A letter of ``tczyx`` for each axis, in this order; None for the last ones.
            chunks: Length of a chunk along each spatial axis, or along each axis; None as the
                preset says. Chunks are never longer than the volume.
            preset: A key of ``PRESETS``.
            settings: Of the codec; None as the preset says.
            levels: Arrays of the pyramid, 1 for the full size alone; None for as many as it takes
                until an array is one chunk.
            name: Of the image in its metadata; None for that of the folder.

        Raises:
            ConfigError: If a setting is out of range.
            DataError: If something else is at ``path``.
        """
        plan = _plan(shape, dtype, voxel_size_nm, axes, chunks, preset, levels)
        self.path = Path(path)
        self.shape, self.chunks, self.axes = plan.shapes[0], plan.chunks, plan.axes
        self.dtype = np.dtype(dtype).newbyteorder("=")
        self._plan = plan
        self._settings = PRESETS[preset].settings if settings is None else settings
        self._name = self.path.name if name is None else name
        self._arrays = [self._array(level) for level in range(len(plan.shapes))]
        self._describe()

    @property
    def n_levels(self) -> int:
        """Arrays of the pyramid."""
        return len(self._arrays)

    def boxes(self, level: int = 0) -> Iterator[Box]:
        """Yield the box of every chunk of a level, last axis fastest; ends are inside."""
        yield from boxes(self._plan.shapes[level], self._chunks(level))

    def is_written(self, box: Box) -> bool:
        """Return whether all chunks of a box are stored and can be read back.

        Chunks of nothing but 0 are not stored, so they are never said to be written.
        """
        return all(self._chunk_is_there(key) for key in _keys(box, self.chunks)) and self._reads(
            box
        )

    def write(self, box: Box, labels: np.ndarray) -> None:
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
            total = prod(_grid(self._plan.shapes[level], self._chunks(level)))
            for number, box in enumerate(self.boxes(level)):
                self._arrays[level][box] = self._pooled(level, box)
                step(f"level {level}", number + 1, total)
        for left in self.path.rglob("*.partial"):
            left.unlink()

    def _pooled(self, level: int, box: Box) -> np.ndarray:
        """Return a chunk of a level, made of the level before; few chunks are held at a time."""
        factors = self._plan.factors[level - 1]
        source = self._arrays[level - 1]
        found = np.empty([part.stop - part.start for part in box], self.dtype)
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
            found[write] = mode_pool(source[read], factors)
        return found

    def _array(self, level: int) -> Any:  # noqa: ANN401 (zarr's, which is optional)
        """Return the array of a level, new or as it was left."""
        zarr = zarr_library()
        from emqs.codecs.zarr_codec import LabelChunks

        folder = self.path / str(level)
        wanted = {
            "shape": self._plan.shapes[level],
            "chunks": self._chunks(level),
            "dtype": self.dtype,
            "serializer": LabelChunks(self._settings),
            "filters": None,
            "compressors": None,
            "fill_value": 0,
            "dimension_names": list(self.axes),
        }
        if not (folder / "zarr.json").is_file():
            if self.path.exists() and level == 0 and any(self.path.iterdir()):
                raise DataError(f"{self.path} is not empty, and is no interrupted label image.")
            self.path.mkdir(exist_ok=True)
            return zarr.create_array(folder, **wanted)
        array = zarr.open_array(folder, mode="r+")
        fresh = zarr.create_array(zarr.storage.MemoryStore(), **wanted)
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
        ome = _ome(self._plan, self._name)
        sums = {str(level): checksum(_essence(array)) for level, array in enumerate(self._arrays)}
        attributes = {"ome": ome, "emqs": {"checksums": sums | {"ome": checksum(ome)}}}
        zarr_library().open_group(self.path, mode="a", zarr_format=3).update_attributes(attributes)

    def _chunk_is_there(self, key: tuple[int, ...]) -> bool:
        return (self.path / "0" / "c").joinpath(*map(str, key)).is_file()

    def _reads(self, box: Box) -> bool:
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
    voxel_size_nm: Sequence[float],
    axes: str | None = None,
    chunks: Sequence[int] | None = None,
    preset: str = "default",
    settings: ChunkSettings | None = None,
    levels: int | None = None,
    resume: bool = False,
    step: Step = lambda _stage, _done, _total: None,
) -> Path:
    """Store labels as OME-Zarr 0.5; nothing is under the final name until all is written.

    Labels are read one chunk at a time, so that a few chunks are all that is held in memory.

    Args:
        path: Folder to make; must not exist.
        labels: Labels, 2 to 5 axes, any integer dtype or bool; an array, or what gives boxes of
            one: an HDF5 dataset, a Zarr array, ...
        voxel_size_nm: As for ``LabelWriter``, like ``axes``, ``chunks``, ``preset``, ``settings``
            and ``levels``.
        axes: See there.
        chunks: See there.
        preset: See there.
        settings: See there.
        levels: See there.
        resume: Go on with what an interrupted call with the same labels and settings left: chunks
            that read back without an error are kept. If False, begin anew.
        step: Called after each chunk with the stage, and chunks done and in all.

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
        partial,
        labels.shape,
        labels.dtype,
        voxel_size_nm=voxel_size_nm,
        axes=axes,
        chunks=chunks,
        preset=preset,
        settings=settings,
        levels=levels,
        name=final.name,
    )
    total = prod(_grid(writer.shape, writer.chunks))
    for number, box in enumerate(writer.boxes()):
        if not (resume and writer.is_written(box)):
            writer.write(box, np.asarray(labels[box]))
        step("level 0", number + 1, total)
    writer.finish(step)
    partial.rename(final)
    return final


def boxes(shape: Sequence[int], size: Sequence[int]) -> Iterator[Box]:
    """Yield boxes that together fill a shape, last axis fastest; ends are inside."""
    for corner in product(*(range(n) for n in _grid(shape, size))):
        yield tuple(
            slice(k * step, min((k + 1) * step, side))
            for k, step, side in zip(corner, size, shape, strict=True)
        )


def essence_of(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return what of an array's ``zarr.json`` decides which labels are read."""
    return {key: metadata.get(key) for key in _CHECKED}


def checksum(content: object) -> int:
    """Return the CRC-32C of something as JSON, keys sorted."""
    crc = require("google_crc32c", extra="labels", purpose="check label volumes")
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return int(crc.value(text.encode()))


def zarr_library() -> ModuleType:
    """Return the zarr library, which then knows the codec."""
    zarr = require("zarr", extra="labels", purpose="read and write OME-Zarr")
    from emqs.codecs.zarr_codec import NAME, LabelChunks

    require("zarr.registry", extra="labels", purpose="read labels").register_codec(
        NAME, LabelChunks
    )
    return zarr


@dataclass(frozen=True)
class _Plan:
    """What is to be written: shapes, factors between levels, voxel sizes by axis letter."""

    axes: str
    chunks: tuple[int, ...]
    shapes: list[tuple[int, ...]]
    factors: list[tuple[int, ...]]
    voxel_size_nm: tuple[float, ...]  # of every axis; 1 for t and c


def _plan(
    shape: Sequence[int],
    dtype: np.dtype[Any] | str,
    voxel_size_nm: Sequence[float],
    axes: str | None,
    chunks: Sequence[int] | None,
    preset: str,
    levels: int | None,
) -> _Plan:
    """Check settings and return what follows from them."""
    if preset not in PRESETS:
        raise ConfigError(f"There is no preset '{preset}'. Known are: {', '.join(PRESETS)}.")
    if np.dtype(dtype).kind not in "uib":
        raise ConfigError(f"Labels must be integers or bool, got {np.dtype(dtype)}.")
    if not 2 <= len(shape) <= len(_AXES) or min(shape) < 1:
        raise ConfigError(
            f"Labels must have 2 to 5 axes and at least one voxel, got the shape {tuple(shape)}."
        )
    letters = _checked_axes(_AXES[-len(shape) :] if axes is None else axes, len(shape))
    n_space = sum(letter in "zyx" for letter in letters)
    sizes = tuple(float(size) for size in voxel_size_nm)
    if len(sizes) != n_space or not all(0 < size < float("inf") for size in sizes):
        raise ConfigError(
            f"voxel_size_nm must be {n_space} numbers above 0, one for each of "
            f"{' '.join(letters[-n_space:]).upper()}, got {list(voxel_size_nm)}."
        )
    lengths = _checked_chunks(PRESETS[preset].chunks if chunks is None else chunks, letters, shape)
    if levels is not None and not 1 <= levels <= _MAX_LEVELS:
        raise ConfigError(f"levels must be 1 to {_MAX_LEVELS}, got {levels}.")
    shapes, factors = _pyramid(tuple(map(int, shape)), sizes, lengths, levels)
    first = len(shape) - n_space
    return _Plan(letters, lengths, shapes, factors, (1.0,) * first + sizes)


def _checked_axes(axes: str, ndim: int) -> str:
    """Return letters of axes if they are some of ``tczyx`` in this order and end in YX."""
    expected = "".join(letter for letter in _AXES if letter in axes)
    if axes != expected or len(axes) != ndim or not axes.endswith("yx"):
        raise ConfigError(
            f"axes must be {ndim} different letters of {_AXES}, in this order and ending in yx, "
            f"got {axes!r}."
        )
    return axes


def _checked_chunks(chunks: Sequence[int], axes: str, shape: Sequence[int]) -> tuple[int, ...]:
    """Return the chunks of every axis: one time and channel unless all axes are given."""
    n_space = sum(letter in "zyx" for letter in axes)
    given = tuple(chunks)
    if len(given) == 3 and n_space == 2:
        given = given[1:]
    if len(given) == n_space:
        given = (1,) * (len(axes) - n_space) + given
    if len(given) != len(axes) or any(int(n) != n or n < 1 for n in given):
        raise ConfigError(
            f"chunks must be whole numbers above 0, one for each of {' '.join(axes)}, "
            f"got {list(chunks)}."
        )
    return tuple(min(int(n), side) for n, side in zip(given, shape, strict=True))


def _pyramid(
    shape: tuple[int, ...],
    voxel_size_nm: tuple[float, ...],
    chunks: tuple[int, ...],
    levels: int | None,
) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """Return the shapes of all levels, and by what each is divided to give the next."""
    n_space = len(voxel_size_nm)
    shapes, factors, sizes = [shape], [], voxel_size_nm
    while len(shapes) < (_MAX_LEVELS if levels is None else levels):
        last = shapes[-1]
        fits = all(a <= b for a, b in zip(last[-n_space:], chunks[-n_space:], strict=True))
        divided = pool_factors(last[-n_space:], sizes)
        if (levels is None and fits) or max(divided) == 1:
            break
        by = (1,) * (len(shape) - n_space) + divided
        factors.append(by)
        shapes.append(tuple(-(-side // factor) for side, factor in zip(last, by, strict=True)))
        sizes = tuple(size * factor for size, factor in zip(sizes, divided, strict=True))
    return shapes, factors


def _ome(plan: _Plan, name: str) -> dict[str, Any]:
    """Return ``attributes.ome``."""
    axes = [
        {"name": letter, "type": _KINDS[letter]}
        if letter in _KINDS
        else {"name": letter, "type": "space", "unit": "nanometer"}
        for letter in plan.axes
    ]
    datasets, scale = [], np.array(plan.voxel_size_nm)
    first = scale.copy()
    for level in range(len(plan.shapes)):
        # the middle of a pooled voxel lies between those of its voxels
        moved = (scale - first) / 2
        transforms: list[dict[str, Any]] = [{"type": "scale", "scale": scale.tolist()}]
        if moved.any():
            transforms.append({"type": "translation", "translation": moved.tolist()})
        datasets.append({"path": str(level), "coordinateTransformations": transforms})
        if level < len(plan.factors):
            scale = scale * np.array(plan.factors[level])
    image = {"name": name, "axes": axes, "datasets": datasets, "type": "mode"}
    return {
        "version": OME_VERSION,
        "multiscales": [image],
        "image-label": {"version": OME_VERSION},
    }


def _essence(array: Any) -> dict[str, Any]:  # noqa: ANN401 (zarr's, which is optional)
    """Return what of an array's metadata decides which labels are read."""
    return essence_of(json.loads(json.dumps(array.metadata.to_dict(), default=str)))


def _grid(shape: Sequence[int], size: Sequence[int]) -> tuple[int, ...]:
    """Return how many boxes there are along each axis."""
    return tuple(-(-side // step) for side, step in zip(shape, size, strict=True))


def _keys(box: Box, chunks: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield the chunks that a box touches."""
    yield from product(
        *(
            range(part.start // length, -(-part.stop // length))
            for part, length in zip(box, chunks, strict=True)
        )
    )
