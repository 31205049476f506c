"""Which stored axis is Z, Y or X, and how long a unit is in nm.

Formats list axes in their own order (N5 and precomputed X first, OME-Zarr by name). Everything is
turned into Z Y X here, once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import TypeVar
from unicodedata import normalize

from emqs.errors import ConfigError, DataError
from emqs.volumes.volume import Box, Lengths, check_voxel_size

_T = TypeVar("_T")

#: Lengths of units in nm, by the names that OME, UDUNITS and common programs use.
UNITS_NM = {
    "angstrom": 0.1, "\u00c5": 0.1,
    "picometer": 1e-3, "pm": 1e-3,
    "nanometer": 1.0, "nanometre": 1.0, "nm": 1.0,
    "micrometer": 1e3, "micrometre": 1e3, "micron": 1e3, "um": 1e3, "\u03bcm": 1e3,
    "\\u00B5m": 1e3,  # how ImageJ spells the micro sign
    "millimeter": 1e6, "millimetre": 1e6, "mm": 1e6,
    "centimeter": 1e7, "centimetre": 1e7, "cm": 1e7,
    "meter": 1e9, "metre": 1e9, "m": 1e9,
}  # fmt: skip


def unit_nm(unit: object, where: str) -> float:
    """Return the length of a unit in nm.

    Args:
        unit: Its name as stored; None if there is none.
        where: The source, for the message.

    Raises:
        DataError: If there is no unit, or it is no known unit of length.
    """
    if unit is None or unit == "":
        raise DataError(
            f"{where} states a voxel size without a unit. Give voxel_size_nm=[z,y,x] in nm."
        )
    name = normalize("NFKC", str(unit))  # one spelling of the micro sign and of the ring
    name = name if name in UNITS_NM else name.lower().removesuffix("s")
    if name not in UNITS_NM:
        raise DataError(
            f"{where} states its voxel size in the unit {str(unit)[:40]!r}, which is no known unit "
            "of length (nanometer, micrometer, angstrom, ...). Give voxel_size_nm=[z,y,x] in nm."
        )
    return UNITS_NM[name]


@dataclass(frozen=True)
class Axes:
    """How stored axes become Z Y X.

    Attributes:
        spatial: Position of Z, Y and X among the stored axes; None for Z of a single image.
        fixed: Index taken along every other stored axis, by its position.
    """

    spatial: tuple[int | None, int, int]
    fixed: dict[int, int]

    def triple(self, values: Sequence[_T], absent: _T) -> tuple[_T, _T, _T]:
        """Return the entries of Z, Y and X from one per stored axis; ``absent`` for no Z."""
        z, y, x = self.spatial
        return absent if z is None else values[z], values[y], values[x]

    def index(self, box: Box) -> tuple[slice | int, ...]:
        """Return a box as an index into the stored array; other axes are dropped by it."""
        result: dict[int, slice | int] = dict(self.fixed)
        for position, part in zip(self.spatial, box.slices, strict=True):
            if position is not None:
                result[position] = part
        return tuple(result[position] for position in sorted(result))

    @property
    def order(self) -> tuple[int, ...]:
        """Where Z (if there is one), Y and X are among the axes that ``index`` leaves."""
        kept = sorted(position for position in self.spatial if position is not None)
        return tuple(kept.index(position) for position in self.spatial if position is not None)


def find_axes(
    names: Sequence[str], shape: Sequence[int], select: Mapping[str, int], where: str
) -> Axes:
    """Return how named stored axes become Z Y X.

    Args:
        names: One name per stored axis; z, y and x in either case, others as they are.
        shape: Lengths of the stored axes.
        select: Index to take along an axis that is not spatial, by its name.
        where: The source, for messages.

    Returns:
        The positions. Axes that are not spatial and have length 1 are dropped.

    Raises:
        DataError: If names and shape do not fit, a name occurs twice, or Y or X is missing.
        ConfigError: If a longer axis is not selected, or a selection is out of range or unknown.
    """
    lower = [name.lower() for name in names]
    if len(names) != len(shape):
        raise DataError(
            f"{where} has {len(shape)} axes of lengths {tuple(shape)}, but {len(names)} are named: "
            f"{', '.join(names)}."
        )
    if len(set(lower)) < len(lower) or not {"y", "x"} <= set(lower):
        raise DataError(
            f"{where} has axes named {', '.join(names) or '(none)'}; there must be one x, one y "
            "and at most one z. Give axes=, one letter per stored axis, e.g. axes=zyx."
        )
    unknown = [name for name in select if name.lower() not in lower or name.lower() in "zyx"]
    if unknown:
        raise ConfigError(
            f"select names the axis '{unknown[0]}', and {where} has none of that name to choose "
            f"from; its axes are {', '.join(names)}."
        )
    wanted = {name.lower(): index for name, index in select.items()}
    fixed = {}
    for position, (name, length) in enumerate(zip(lower, shape, strict=True)):
        if name in ("z", "y", "x"):
            continue
        if name not in wanted and length != 1:
            raise ConfigError(
                f"{where} has {length} entries along its axis '{names[position]}', and one must be "
                f"chosen: give select={{{names[position]}: 0}}, or another up to {length - 1}."
            )
        fixed[position] = wanted.get(name, 0)
        if not 0 <= fixed[position] < length:
            raise ConfigError(
                f"select={{{names[position]}: {fixed[position]}}} is out of range: {where} has "
                f"{length} entries along that axis, from 0 to {length - 1}."
            )
    z = lower.index("z") if "z" in lower else None
    return Axes((z, lower.index("y"), lower.index("x")), fixed)


def letters(axes: str | Sequence[str]) -> list[str]:
    """Return axis names from what a user gives: ``"zyx"``, ``"t,c,z,y,x"`` or a list."""
    if isinstance(axes, str):
        return [name.strip() for name in axes.split(",")] if "," in axes else list(axes.strip())
    return [str(name) for name in axes]


@dataclass(frozen=True)
class Request:
    """What a user says about a volume beside where it is; see ``open_volume``."""

    level: int = 0
    dataset: str | None = None
    select: Mapping[str, int] = field(default_factory=dict)
    voxel_size_nm: Lengths | None = None
    axes: tuple[str, ...] | None = None

    def refuse_level(self, where: str) -> None:
        """Raise an error if a resolution level other than 0 is asked of a source without any."""
        if self.level != 0:
            raise ConfigError(f"{where} has one resolution only, got level={self.level}.")

    def refuse_dataset(self, where: str) -> None:
        """Raise an error if a dataset is asked of a source that holds one volume."""
        if self.dataset is not None:
            raise ConfigError(f"{where} holds one volume only, got dataset={self.dataset}.")


@dataclass(frozen=True)
class Stated:
    """What a source says of its axes, one entry per stored axis in each list.

    Attributes:
        names: Names of the axes; None if it does not say.
        scale: Distances between voxels, in ``units``; None if it does not say.
        translation: Position of the first voxel, in ``units``.
        units: As stored; looked at for Z, Y and X only. None where it does not say.
    """

    names: Sequence[str] | None = None
    scale: Sequence[float] | None = None
    translation: Sequence[float] | None = None
    units: Sequence[object] | None = None

    def axes(self, shape: Sequence[int], request: Request, where: str) -> Axes:
        """Return how the stored axes become Z Y X; the user's word comes first.

        Raises:
            DataError: If neither the source nor the user names them, or the names do not fit.
            ConfigError: If an index must be chosen, or the choice is out of range.
        """
        names = request.axes if request.axes is not None else self.names
        if names is None:
            raise DataError(
                f"{where} has {len(shape)} axes of lengths {tuple(shape)} and does not say which "
                "is which. Give axes=, one letter per axis in this order, e.g. axes=zyx."
            )
        return find_axes(names, shape, request.select, where)

    def geometry(self, axes: Axes, request: Request, where: str) -> tuple[Lengths, Lengths]:
        """Return voxel size and origin along Z Y X, in nm; the user's voxel size comes first.

        An origin moves with a voxel size that the user gives: it stays the same in voxels.

        Raises:
            DataError: If the source states no voxel size, or no unit, and the user gives none.
        """
        given = request.voxel_size_nm
        if given is not None:
            check_voxel_size(given, where)
            return given, self._moved_origin(axes, given)
        if self.scale is None:
            raise DataError(f"{where} states no voxel size. Give voxel_size_nm=[z,y,x] in nm.")
        if axes.spatial[0] is None:
            raise DataError(
                f"{where} has no Z axis, so its thickness is not known. Give "
                "voxel_size_nm=[z,y,x] in nm."
            )
        units = axes.triple(self.units or [None] * len(self.scale), None)
        z, y, x = (unit_nm(unit, where) for unit in units)
        scale = axes.triple(self.scale, 0.0)
        size = (scale[0] * z, scale[1] * y, scale[2] * x)
        if min(size) <= 0:
            raise DataError(
                f"{where} states the voxel size {size} nm (Z, Y, X), which is not above 0. "
                "Give voxel_size_nm=[z,y,x] in nm."
            )
        shift = axes.triple(self.translation or [0.0] * len(self.scale), 0.0)
        return size, (shift[0] * z, shift[1] * y, shift[2] * x)

    def _moved_origin(self, axes: Axes, size: Lengths) -> Lengths:
        if self.scale is None or self.translation is None:
            return 0.0, 0.0, 0.0
        shift, scale = axes.triple(self.translation, 0.0), axes.triple(self.scale, 1.0)
        z, y, x = (t / s * n if s else 0.0 for t, s, n in zip(shift, scale, size, strict=True))
        return z, y, x


def numbers(values: object, count: int, what: str) -> list[float]:
    """Return a list of finite numbers that a source's metadata should hold.

    Args:
        values: From the metadata.
        count: How many there must be.
        what: The source and the entry, for the message.

    Raises:
        DataError: If it is anything else.
    """
    if (
        not isinstance(values, list | tuple)
        or len(values) != count
        or not all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        or not all(isfinite(v) for v in values)
    ):
        raise DataError(f"{what} must be {count} finite numbers, got {str(values)[:80]}.")
    return [float(v) for v in values]
