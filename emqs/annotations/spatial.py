"""Annotations as neuroglancer reads them from a server: cells of several levels, by the million.

A view is all annotations of one kind that a user sees. An annotation belongs to exactly one level,
told by a number that it got when it was made (``thinning``): on the last level lie seven eighths,
on the one before seven eighths of the rest, and so on, so that each level looks like a sample. The
cells of a level are cubes, as small as it takes for a cell to hold a few thousand, and end where
the volume ends: neuroglancer takes from the size of a cell and the ``limit`` of its level how many
annotations it would draw, loads the levels that it takes to draw one in so many pixels, and draws
the first part of the last one. A limit is therefore what the fullest cell holds, neither less (it
would draw too many) nor more (it would leave out some of a few); of very many it is an estimate.
What reaches over several cells stands in each of them. Names of levels hold the number of levels
and the edge of a cell, so that a name always means the same, however many annotations there are.

Source:
    https://github.com/google/neuroglancer/blob/master/src/datasource/precomputed/annotations.md
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, Row

from emqs.annotations import morton
from emqs.annotations.atlas import Entry
from emqs.annotations.drafts import thinning
from emqs.annotations.filters import Filter, among, near, touches
from emqs.annotations.foreign import neuroglancer_axes
from emqs.annotations.records import Annotation, Frame, Place
from emqs.annotations.schema import KINDS, annotations
from emqs.errors import DataError, NotFoundError

NEUROGLANCER_TYPES = {
    "point": "POINT",
    "line": "LINE",
    "sphere": "ELLIPSOID",
    "box": "AXIS_ALIGNED_BOUNDING_BOX",
}
IN_A_CELL = 2000  # annotations that a cell is meant to hold at most
MOST_LEVELS = 8
SAMPLED = 20_000  # of more annotations a sample says how full the cells are
ATLAS_KEY = "atlas"
MIXING = 0x9E3779B97F4A7C15  # 2**64 divided by the golden ratio: spreads numbers that follow
MOST_CLASSES = 254
PROPERTIES = [{"id": "colour_class", "type": "uint8"}]
_KEY = re.compile(r"(\d{1,2})-(\d{1,2})-(\d{1,2})")
_CELL = re.compile(r"(\d{1,7})_(\d{1,7})_(\d{1,7})")


@dataclass(frozen=True)
class View:
    """What is shown as one layer.

    Attributes:
        dataset_id: The dataset.
        kind: Of the annotations.
        owners: Whose.
        frame: Voxel size and shape of the dataset; both must be known.
        classes: Colour classes in the order of their numbers, from 1; others are 0.
    """

    dataset_id: str
    kind: str
    owners: frozenset[str]
    frame: Frame
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a view that cannot be shown.

        Raises:
            DataError: If the kind is unknown, or the dataset says no voxel size or shape.
        """
        if self.kind not in KINDS:
            raise DataError(f"kind must be one of {', '.join(KINDS)}, got {self.kind!r}.")
        if self.frame.shape is None or self.frame.voxel_size_nm is None:
            raise DataError(
                "To show annotations in neuroglancer a dataset needs voxel_size_nm and shape; a "
                "manager of the dataset can set them."
            )
        if len(self.classes) > MOST_CLASSES:
            raise DataError(f"A view has at most {MOST_CLASSES} colour classes.")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels of the dataset, Z Y X."""
        if self.frame.shape is None:
            raise DataError("The dataset says no shape.")
        return self.frame.shape

    @property
    def edge(self) -> int:
        """Edge in voxels of the one cell of the first level: a power of two."""
        return 1 << max(0, max(self.shape) - 1).bit_length()


@dataclass(frozen=True)
class Shown:
    """What neuroglancer is told of an annotation.

    Attributes:
        number: Its name.
        numbers: Its place, as the type of the view has it.
        colour_class: What it is coloured by.
    """

    number: int
    numbers: list[float]
    colour_class: str


def view_info(connection: Connection, view: View) -> dict[str, Any]:
    """Return the file ``info`` of a view.

    Args:
        connection: Of ``Database.read``.
        view: What is shown.

    Returns:
        JSON; ``spatial`` lists the levels, whose keys are the folders of ``cell``.
    """
    total = _count(connection, view)
    last = 0 if total == 0 else math.ceil(math.log(max(1.0, total / IN_A_CELL), 8))
    last = min(last, MOST_LEVELS - 1)
    thinnings, codes = _sample(connection, view, total)
    levels = []
    for level in range(last + 1):
        if len(codes) == total:
            chosen = codes[np.maximum(0, last - thinnings) == level]
            weight = 1.0
        else:  # each level looks like the sample
            chosen = codes
            weight = total / max(1, len(codes)) * 8.0 ** (level - last) * (7 / 8 if level else 1)
        bits = _bits(view, weight * len(chosen))
        edges = [min(1 << bits, length) for length in view.shape[::-1]]
        levels.append(
            {
                "key": f"spatial-{last}-{level}-{bits}",
                "grid_shape": [
                    math.ceil(n / edge) for n, edge in zip(view.shape[::-1], edges, strict=True)
                ],
                "chunk_size": edges,
                "limit": max(1, math.ceil(weight * _fullest(chosen, bits))),
            }
        )
    return _described(view, levels)


def _described(view: View, levels: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    colours: dict[str, Any] = dict(PROPERTIES[0])
    colours["enum_values"] = list(range(len(view.classes) + 1))
    colours["enum_labels"] = ["other", *view.classes]
    return {
        "@type": "neuroglancer_annotations_v1",
        "dimensions": neuroglancer_axes(view.frame),
        "lower_bound": [0, 0, 0],
        "upper_bound": list(view.shape[::-1]),
        "annotation_type": NEUROGLANCER_TYPES[view.kind],
        "properties": [colours],
        "relationships": [],
        "by_id": {"key": "by_id"},
        "spatial": list(levels),
    }


def cell(connection: Connection, view: View, key: str, name: str) -> bytes:
    """Return a cell of a level.

    Args:
        connection: Of ``Database.read``.
        view: What is shown.
        key: Of the level, e.g. ``spatial-3-1-9``.
        name: Of the cell, ``x_y_z`` counted in cells.

    Raises:
        NotFoundError: If there is no such level or cell.
    """
    on_level, edge, place = _place_of(view, key, name)
    live = [*_shown_by(view), on_level]
    c = annotations.c
    start, stop = _corners(place, edge)
    if view.kind == "point":
        first, end = morton.cell(place, edge)
        where = [c.morton.between(first, end), *touches(start, stop)]
    else:
        numbers = near(connection, view.dataset_id, start, stop)
        where = [among(connection.dialect.name, numbers), *touches(start, stop)]
    rows = connection.execute(sa.select(annotations).where(*live, *where))
    return encode(view, [_shown(view, row) for row in rows])


def by_id(connection: Connection, view: View, number: str) -> bytes:
    """Return one annotation as neuroglancer asks for it, by its number.

    Raises:
        NotFoundError: If there is none in this view.
    """
    c = annotations.c
    row = None
    if number.isascii() and number.isdigit() and len(number) < 19:
        row = connection.execute(
            sa.select(annotations).where(c.number == int(number), *_shown_by(view))
        ).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no {view.kind} {number[:20]} in this view.")
    return _records(view, [_shown(view, row)]).tobytes()


def atlas_info(view: View, entries: Iterable[Entry]) -> dict[str, Any]:
    """Return the file ``info`` of the accepted atlas entries of a kind: one level, one cell."""
    level = {
        "key": ATLAS_KEY,
        "grid_shape": [1, 1, 1],
        "chunk_size": list(view.shape[::-1]),
        "limit": max(1, sum(one.content["kind"] == view.kind for one in entries)),
    }
    return _described(view, [level])


def atlas_cell(view: View, entries: Iterable[Entry]) -> bytes:
    """Return the one cell of the atlas, e.g. of ``atlas.accepted``, as it was reviewed."""
    return encode(view, [_entry(view, one) for one in entries if one.content["kind"] == view.kind])


def atlas_by_id(view: View, entries: Iterable[Entry], number: str) -> bytes:
    """Return one accepted entry by the number of its annotation.

    Raises:
        NotFoundError: If there is none of this kind.
    """
    for one in entries:
        if str(one.content["number"]) == number and one.content["kind"] == view.kind:
            return _records(view, [_entry(view, one)]).tobytes()
    raise NotFoundError(f"There is no {view.kind} {number[:20]} in the atlas.")


def encode(view: View, shown: Sequence[Shown]) -> bytes:
    """Return annotations as a cell holds them: their count, their records, their numbers."""
    mixed = sorted(shown, key=lambda one: one.number * MIXING % 2**64)  # a viewer shows the first
    count = np.array([len(mixed)], dtype="<u8").tobytes()
    numbers = np.array([one.number for one in mixed], dtype="<u8").tobytes()
    return count + _records(view, mixed).tobytes() + numbers


def level_of(annotation_id: str, last: int) -> int:
    """Return the level on which an annotation lies, of those from 0 to ``last``."""
    return max(0, last - thinning(annotation_id))


def _records(view: View, shown: Sequence[Shown]) -> np.ndarray:
    """Return records of positions (X Y Z) and properties, each a multiple of four bytes."""
    numbers = 3 if view.kind == "point" else 6
    records = np.zeros(len(shown), dtype=[("place", "<f4", (numbers,)), ("colour", "u1", (4,))])
    classes = {name: number for number, name in enumerate(view.classes, start=1)}
    for record, one in zip(records, shown, strict=True):
        record["place"] = one.numbers
        record["colour"][0] = classes.get(one.colour_class, 0)
    return records


def _shown(view: View, row: Row[Any]) -> Shown:
    one = Annotation.of(row)
    return Shown(one.number, _numbers(view, one.points, one.radius_nm), one.colour_class)


def _entry(view: View, entry: Entry) -> Shown:
    content = entry.content
    numbers = _numbers(view, content["points"], content["radius_nm"])
    return Shown(content["number"], numbers, content["colour_class"])


def _numbers(view: View, points: Sequence[Sequence[float]], radius_nm: float | None) -> list[float]:
    """Return what neuroglancer calls the place: points X Y Z, and the radii of an ellipsoid."""
    numbers = [number for point in points for number in point[::-1]]
    if radius_nm is None or view.frame.voxel_size_nm is None:
        return numbers
    return numbers + [radius_nm / size for size in view.frame.voxel_size_nm[::-1]]


def _place_of(view: View, key: str, name: str) -> tuple[ColumnElement[bool], int, list[int]]:
    """Return a condition of a level, the edge of its cells, and the place (Z Y X) of a cell.

    Raises:
        NotFoundError: If there is none.
    """
    levels = _KEY.fullmatch(key.removeprefix("spatial-"))
    numbers = _CELL.fullmatch(name)
    if levels is not None and numbers is not None and key.startswith("spatial-"):
        last, level, bits = (int(number) for number in levels.groups())
        place = [int(number) for number in reversed(numbers.groups())]
        fits = level <= last < MOST_LEVELS and 1 << bits <= view.edge
        edge = 1 << bits
        if fits and all(p * edge < length for p, length in zip(place, view.shape, strict=True)):
            return _on_level(last, level), edge, place
    raise NotFoundError(f"There is no cell {key[:40]}/{name[:40]} in this view.")


def _on_level(last: int, level: int) -> ColumnElement[bool]:
    """Return the condition that an annotation lies on a level of those from 0 to ``last``."""
    thinned = annotations.c.thinning
    return thinned == last - level if level else thinned >= last


def _bits(view: View, held: float) -> int:
    """Return the binary logarithm of the edge of cells that hold few enough on the average."""
    bits = view.edge.bit_length() - 1
    while bits and held > IN_A_CELL * math.prod(math.ceil(n / (1 << bits)) for n in view.shape):
        bits -= 1
    return bits


def _corners(place: Sequence[int], edge: int) -> tuple[Place, Place]:
    z, y, x = (number * edge for number in place)
    return (z, y, x), (z + edge, y + edge, x + edge)


def _count(connection: Connection, view: View) -> int:
    return connection.scalar(sa.select(sa.func.count()).where(*_shown_by(view))) or 0


def _sample(connection: Connection, view: View, total: int) -> tuple[np.ndarray, np.ndarray]:
    """Return thinnings and codes of the centres of all annotations, or of a sample of very many."""
    c = annotations.c
    thinned = math.ceil(math.log(max(1.0, total / SAMPLED), 8))
    where = [c.thinning >= thinned] if thinned else []
    rows = connection.execute(sa.select(c.thinning, c.morton).where(*_shown_by(view), *where)).all()
    numbers = np.array([tuple(row) for row in rows], dtype=np.int64).reshape(-1, 2)
    return numbers[:, 0], numbers[:, 1]


def _fullest(codes: np.ndarray, bits: int) -> int:
    """Return how many of some centres lie in the cell with most of them."""
    _, held = np.unique(codes >> 3 * min(bits, morton.BITS), return_counts=True)
    return int(held.max(initial=0))


def _shown_by(view: View) -> list[ColumnElement[bool]]:
    c = annotations.c
    return [
        c.dataset_id == view.dataset_id,
        c.deleted.is_(None),
        c.kind == view.kind,
        _owned(view.owners),
    ]


def _owned(owners: Iterable[str]) -> ColumnElement[bool]:
    return annotations.c.owner_id.in_(sorted(owners))


def filter_of(view: View) -> Filter:
    """Return the filter of lists that shows what a view shows."""
    return Filter(owners=view.owners, kinds=(view.kind,))
