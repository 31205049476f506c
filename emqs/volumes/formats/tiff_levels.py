"""Pyramids in TIFF files: smaller copies of pages, in their SubIFDs or as further pages.

Source:
    https://ome-model.readthedocs.io/en/stable/ome-tiff/specification.html, "Sub-resolutions", and
    the tag NewSubfileType of TIFF 6.0, whose lowest bit says that a page is a smaller copy.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, prod
from pathlib import Path
from typing import Any

import tifffile

from emqs.errors import DataError
from emqs.volumes.axes import Request, Stated

#: A page of a file: its number, and which of its SubIFDs is meant if one is.
Page = tuple[int, ...]
Pages = tuple[tuple[Path, Page], ...]


@dataclass(frozen=True, eq=False)
class Layers:
    """Where the pixels of a TIFF lie.

    Attributes:
        shape: Lengths of the stored axes; Y and X are the last.
        stated: What the file says of them.
        pages: File and page of each plane; empty if they lie one after the other.
        offset: First byte of them, if they do.
        note: What a user should be told.
        smaller: Shape and pages of each further level whose pages are no SubIFDs.
        level: Number of the level.
        n_levels: How many levels there are.
    """

    shape: tuple[int, ...]
    stated: Stated
    pages: Pages = ()
    offset: int | None = None
    note: str = ""
    smaller: tuple[tuple[tuple[int, ...], Pages], ...] = ()
    level: int = 0
    n_levels: int = 1


def page_of(file: tifffile.TiffFile, number: Page) -> Any:  # noqa: ANN401 (of tifffile)
    """Return a page.

    Raises:
        IndexError: If there is none.
    """
    page: Any = file.pages[number[0]]
    for inner in number[1:]:
        if page.pages is None or inner >= len(page.pages):
            raise IndexError(f"page {number[0]} has no smaller copy {inner + 1}")
        page = page.pages[inner]
    return page


def smaller_pages(
    series: Any,  # noqa: ANN401 (of tifffile)
    path: Path,
) -> tuple[tuple[tuple[int, ...], Pages], ...]:
    """Return shape and pages of the levels of a series but the first, coarser and coarser.

    Levels in SubIFDs are left out; ``at_level`` looks for them.

    Raises:
        DataError: If pages are smaller, but not marked as smaller copies.
    """
    levels: list[tuple[tuple[int, ...], Pages]] = []
    if series.keyframe.subifds:
        return ()
    for level in series.levels[1:]:
        for page in level.pages:
            if page is None or not page.keyframe.is_reduced:
                raise DataError(
                    f"{path} holds pages of different sizes, and does not say that the smaller ones"
                    " are copies of the others. Save one stack of equal slices."
                )
        shape = tuple(level.shape[:-1] if level.axes.endswith("S") else level.shape)
        levels.append((shape, tuple((path, tuple(page.treeindex)) for page in level.pages)))
    return tuple(levels)


def at_level(
    layers: Layers,
    first: Any,  # noqa: ANN401 (a page of tifffile)
    path: Path,
    request: Request,
) -> Layers:
    """Return the level that is meant of layers, which are level 0.

    A voxel of a smaller copy is as much larger as there are fewer of them. Nothing in a TIFF says
    whether voxels were averaged or left out, so the origin stays where it is.

    Args:
        layers: Level 0.
        first: Its first page.
        path: The file, for messages and for pixels that lie one after the other.
        request: What the user says.

    Raises:
        ConfigError: If there is no such level.
        DataError: If it has other slices than level 0.
    """
    copies = [(n, page) for n, page in enumerate(first.pages or ()) if page.is_reduced]
    n_levels = 1 + (len(copies) or len(layers.smaller))
    if n_levels == 1:
        request.refuse_level(str(path))
        return layers
    level = request.level_of([str(number) for number in range(n_levels)], str(path))
    if level == 0:
        return replace(layers, n_levels=n_levels)
    if copies:
        sub, copy = copies[level - 1]
        shape = (*layers.shape[:-2], *copy.shape)
        planes = layers.pages or tuple((path, (n,)) for n in range(prod(layers.shape[:-2])))
        pages: Pages = tuple((file, (*number, sub)) for file, number in planes)
    else:
        shape, pages = layers.smaller[level - 1]
    if len(shape) != len(layers.shape) or prod(shape[:-2]) != len(pages):
        raise DataError(
            f"{path}: level {level} is no smaller copy of level 0; its shape is {shape}, and that "
            f"of level 0 {layers.shape}. Take level=0."
        )
    factors = downsampling(layers.shape, shape)
    scale = layers.stated.scale
    if scale is not None:
        scale = [None if s is None else s * f for s, f in zip(scale, factors, strict=True)]
    return replace(
        layers, shape=shape, pages=pages, offset=None, level=level, n_levels=n_levels,
        stated=replace(layers.stated, scale=scale),
    )  # fmt: skip


def downsampling(shape: Sequence[int], smaller: Sequence[int]) -> list[float]:
    """Return how many voxels of a shape became one of a smaller one, along each axis.

    It is the ratio of the lengths if that is a whole number along all axes. Else lengths were
    rounded up or down, so 7 became 4 or 3 by a factor of 2: of the whole numbers that rounding
    allows, axes share one where they can, a power of two where there is one. Where none is allowed
    it is the ratio after all.

    Args:
        shape: Lengths of level 0.
        smaller: Lengths of the level.
    """
    ratios = [a / b for a, b in zip(shape, smaller, strict=True)]
    if all(ratio.is_integer() for ratio in ratios):
        return ratios
    allowed = [
        {n for n in range(2, a + 1) if b in (a // n, ceil(a / n))} if b < a else set()
        for a, b in zip(shape, smaller, strict=True)
    ]
    shared = set.intersection(*(whole for whole in allowed if whole)) if any(allowed) else set()
    factors = []
    for whole, ratio in zip(allowed, ratios, strict=True):
        choice = whole & shared or whole
        choice = {n for n in choice if n.bit_count() == 1} or choice
        factors.append(float(min(choice, key=lambda n: abs(n - ratio))) if choice else ratio)
    return factors
