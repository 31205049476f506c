"""Shapes, chunks and voxel sizes of a label image that is to be written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import inf
from typing import Any, TypedDict

import numpy as np

from emqs.codecs.chunk import ChunkSettings
from emqs.errors import ConfigError
from emqs.volumes import ome
from emqs.volumes.downsampling import pool_factors

Region = tuple[slice, ...]  # a part of an array of any number of axes
AXES = "tczyx"
MAX_LEVELS = 16


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


class ImageOptions(TypedDict, total=False):
    """How a label image is laid out: keyword arguments of whatever makes one.

    Attributes:
        origin_nm: Position of the first voxel along the spatial axes; None if unknown, as without
            this option. It is written only with a voxel size.
        axes: A letter of ``tczyx`` for each axis, in this order; without this option the last ones.
        chunks: Length of a chunk along each spatial axis, or along each axis; as the preset says
            without this option. Chunks are never longer than the volume.
        preset: A key of ``PRESETS``; ``"default"`` without this option.
        settings: Of the codec; as the preset says without this option.
        levels: Arrays of the pyramid, 1 for the full size alone; without this option as many as it
            takes until an array is one chunk.
    """

    origin_nm: Sequence[float] | None
    axes: str | None
    chunks: Sequence[int] | None
    preset: str
    settings: ChunkSettings | None
    levels: int | None


@dataclass(frozen=True)
class Plan:
    """What is to be written.

    Attributes:
        axes: A letter for each axis.
        chunks: Length of a chunk along each axis.
        shapes: Of every level.
        factors: By what each level is divided to give the next.
        voxel_size_nm: Along every axis, 1 for t and c; None if it is not known.
        origin_nm: Along every axis, 0 for t and c.
        settings: Of the codec.
    """

    axes: str
    chunks: tuple[int, ...]
    shapes: list[tuple[int, ...]]
    factors: list[tuple[int, ...]]
    voxel_size_nm: tuple[float, ...] | None
    origin_nm: tuple[float, ...]
    settings: ChunkSettings

    def described(self, name: str) -> dict[str, Any]:
        """Return ``attributes.ome`` of an image."""
        sizes = (1.0,) * len(self.axes) if self.voxel_size_nm is None else self.voxel_size_nm
        scale, origin = np.array(sizes), np.array(self.origin_nm)
        levels, first = [], scale.copy()
        for number in range(len(self.shapes)):
            # the middle of a pooled voxel lies between those of its voxels
            moved = origin + (scale - first) / 2
            levels.append(ome.Level(str(number), tuple(scale.tolist()), tuple(moved.tolist())))
            if number < len(self.factors):
                scale = scale * np.array(self.factors[number])
        has_size = self.voxel_size_nm is not None
        image = ome.multiscale(name, self.axes, levels, has_size=has_size, kind="mode")
        described: dict[str, Any] = ome.attributes_of(image, is_label=True)["ome"]
        return described


def plan_of(
    shape: Sequence[int],
    dtype: np.dtype[Any] | str,
    voxel_size_nm: Sequence[float] | None,
    options: ImageOptions,
) -> Plan:
    """Check options and return what follows from them.

    Raises:
        ConfigError: If one is out of range.
        TypeError: If there is no such option.
    """
    unknown = options.keys() - ImageOptions.__annotations__.keys()
    if unknown:
        known = ", ".join(ImageOptions.__annotations__)
        raise TypeError(f"There is no option {sorted(unknown)[0]} of a label image, only {known}.")
    preset = options.get("preset", "default")
    axes, chunks, levels = options.get("axes"), options.get("chunks"), options.get("levels")
    if preset not in PRESETS:
        raise ConfigError(f"There is no preset '{preset}'. Known are: {', '.join(PRESETS)}.")
    if np.dtype(dtype).kind not in "uib":
        raise ConfigError(f"Labels must be integers or bool, got {np.dtype(dtype)}.")
    if not 2 <= len(shape) <= len(AXES) or min(shape) < 1:
        raise ConfigError(
            f"Labels must have 2 to 5 axes and at least one voxel, got the shape {tuple(shape)}."
        )
    letters = _checked_axes(AXES[-len(shape) :] if axes is None else axes, len(shape))
    n_space = sum(letter in "zyx" for letter in letters)
    sizes = _checked_lengths("voxel_size_nm", voxel_size_nm, letters[-n_space:], 0.0)
    origin = _checked_lengths("origin_nm", options.get("origin_nm"), letters[-n_space:], -inf)
    lengths = _checked_chunks(PRESETS[preset].chunks if chunks is None else chunks, letters, shape)
    if levels is not None and not 1 <= levels <= MAX_LEVELS:
        raise ConfigError(f"levels must be 1 to {MAX_LEVELS}, got {levels}.")
    full = tuple(map(int, shape))
    shapes, factors = _pyramid(full, sizes or (1.0,) * n_space, lengths, levels)
    first = len(shape) - n_space
    return Plan(
        letters, lengths, shapes, factors,
        None if sizes is None else (1.0,) * first + sizes,
        (0.0,) * first + (origin or (0.0,) * n_space),
        options.get("settings") or PRESETS[preset].settings,
    )  # fmt: skip


def _checked_lengths(
    name: str, lengths: Sequence[float] | None, axes: str, above: float
) -> tuple[float, ...] | None:
    """Return finite lengths above a limit, one for each axis."""
    if lengths is None:
        return None
    values = tuple(float(length) for length in lengths)
    if len(values) != len(axes) or not all(above < value < inf for value in values):
        limit = " above 0" if above == 0 else ""
        raise ConfigError(
            f"{name} must be {len(axes)} numbers{limit}, one for each of {' '.join(axes).upper()}, "
            f"got {list(lengths)}."
        )
    return values


def _checked_axes(axes: str, ndim: int) -> str:
    """Return letters of axes if they are some of ``tczyx`` in this order and end in YX."""
    expected = "".join(letter for letter in AXES if letter in axes)
    if axes != expected or len(axes) != ndim or not axes.endswith("yx"):
        raise ConfigError(
            f"axes must be {ndim} different letters of {AXES}, in this order and ending in yx, "
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
    while len(shapes) < (MAX_LEVELS if levels is None else levels):
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


def boxes(shape: Sequence[int], size: Sequence[int]) -> Iterator[Region]:
    """Yield boxes that together fill a shape, last axis fastest; ends are inside."""
    for corner in product(*(range(n) for n in grid_of(shape, size))):
        yield tuple(
            slice(k * step, min((k + 1) * step, side))
            for k, step, side in zip(corner, size, shape, strict=True)
        )


def grid_of(shape: Sequence[int], size: Sequence[int]) -> tuple[int, ...]:
    """Return how many boxes there are along each axis."""
    return tuple(-(-side // step) for side, step in zip(shape, size, strict=True))
