"""Which stored axis is Z, Y or X, and how long a unit is in nm.

Formats list axes in their own order (N5 and precomputed X first, OME-Zarr by name). Everything is
turned into Z Y X here, once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isclose, isfinite
from typing import Any, NamedTuple, TypeVar
from unicodedata import normalize

from emqs.errors import ConfigError, DataError
from emqs.geometry import Box, Lengths
from emqs.volumes.channels import number_of
from emqs.volumes.volume import check_voxel_size

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


def unit_nm(unit: object) -> float | None:
    """Return the length of a unit in nm; None if there is no unit, or it is no unit of length."""
    name = normalize("NFKC", str(unit))  # one spelling of the micro sign and of the ring
    name = name if name in UNITS_NM else name.lower().removesuffix("s")
    return UNITS_NM.get(name)


@dataclass(frozen=True)
class Axes:
    """How stored axes become Z Y X.

    Attributes:
        spatial: Position of Z, Y and X among the stored axes; None for Z of a single image.
        fixed: Index taken along every other stored axis, by its position.
        names: Names of all stored axes, in stored order.
        notes: What a user should be told of them.
    """

    spatial: tuple[int | None, int, int]
    fixed: dict[int, int]
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

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
    names: Sequence[str],
    shape: Sequence[int],
    select: Mapping[str, int | str],
    where: str,
    prefix: str = "",
    channels: Sequence[str] = (),
) -> Axes:
    """Return how named stored axes become Z Y X.

    Args:
        names: One name per stored axis; z, y and x in either case, others as they are.
        shape: Lengths of the stored axes.
        select: Index to take along an axis that is not spatial, by its name; or a channel's name.
        where: The source, for messages.
        prefix: What stands before names of settings in messages, e.g. ``"input."``.
        channels: Names of the channels.

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
            f"and at most one z. Give {prefix}axes=, one letter per stored axis, e.g. axes=zyx."
        )
    unknown = [name for name in select if name.lower() not in lower or name.lower() in "zyx"]
    if unknown:
        raise ConfigError(
            f"select names the axis '{unknown[0]}', and {where} has none of that name to choose "
            f"from; its axes are {', '.join(names)}."
        )
    chosen = {name.lower(): entry for name, entry in select.items()}
    fixed = {}
    for position, (name, length) in enumerate(zip(lower, shape, strict=True)):
        if name in ("z", "y", "x"):
            continue
        if name not in chosen and length != 1:
            raise ConfigError(
                f"{where} has {length} entries along its axis '{names[position]}', and one must be "
                f"chosen: give {prefix}select={{{names[position]}: 0}}, or another up to "
                f"{length - 1}."
            )
        fixed[position] = 0
        if name in chosen:
            axis, entry = names[position], chosen[name]
            fixed[position] = number_of(axis, entry, channels, length, where, prefix)
    z = lower.index("z") if "z" in lower else None
    return Axes((z, lower.index("y"), lower.index("x")), fixed, tuple(names))


def letters(axes: str | Sequence[str]) -> list[str]:
    """Return axis names from what a user gives: ``"zyx"``, ``"t,c,z,y,x"`` or a list."""
    if isinstance(axes, str):
        return [name.strip() for name in axes.split(",")] if "," in axes else list(axes.strip())
    return [str(name) for name in axes]


@dataclass(frozen=True)
class Request:
    """What a user says about a volume beside where it is; see ``open_volume``.

    Attributes:
        level: Resolution level, 0 the finest; or its name in the source, such as ``"s1"``.
        dataset: Path inside the source.
        select: Index along each axis that is not Z, Y or X, or the name of a channel.
        voxel_size_nm: Along Z Y X; wins over what the source states.
        axes: Names of the stored axes, in stored order; win over what the source states.
        origin_nm: Along Z Y X; wins over what the source states.
        format: Name of the format; None to see by content and ending.
        labels: Whether labels are meant: colours of palettes stay ids, and axes that nobody names
            are taken to be Z Y X, with a note.
        prefix: What stands before names of settings in messages, e.g. ``"input."``.
        slices: Whether slices of a dataset are meant: axes that nobody names are taken to be Z Y X,
            with a note.
    """

    level: int | str = 0
    dataset: str | None = None
    select: Mapping[str, int | str] = field(default_factory=dict)
    voxel_size_nm: Lengths | None = None
    axes: tuple[str, ...] | None = None
    origin_nm: Lengths | None = None
    format: str | None = None
    labels: bool = False
    prefix: str = ""
    slices: bool = False

    def refuse_level(self, where: str) -> None:
        """Raise an error if a resolution level other than 0 is asked of a source without any."""
        if self.level not in (0, "0"):
            raise ConfigError(f"{where} has one resolution only, got level={self.level}.")

    def refuse_dataset(self, where: str) -> None:
        """Raise an error if a dataset is asked of a source that holds one volume."""
        if self.dataset is not None:
            raise ConfigError(f"{where} holds one volume only, got dataset={self.dataset}.")

    def level_of(self, names: Sequence[str], where: str) -> int:
        """Return the number of the level that is meant.

        Args:
            names: Names of the levels in the source, the finest first.
            where: The source, for the message.

        Raises:
            ConfigError: If there is no such level.
        """
        if isinstance(self.level, str) and self.level in names:
            return list(names).index(self.level)
        number = int(self.level) if str(self.level).isdecimal() else -1
        if 0 <= number < len(names):
            return number
        known = f" ({', '.join(names)})" if isinstance(self.level, str) else ""
        raise ConfigError(
            f"level={self.level} is out of range: {where} has {len(names)} resolution levels, "
            f"from 0 to {len(names) - 1}{known}."
        )


class Geometry(NamedTuple):
    """Where a volume lies and how large its voxels are; ``fields`` fills a ``Volume``."""

    voxel_size_nm: Lengths | None
    origin_nm: Lengths
    origin_stated: bool
    why_no_voxel_size: str
    axes: Axes
    notes: tuple[str, ...]

    def fields(self) -> dict[str, Any]:
        """Return these as arguments of ``Volume``: size, origin, axes, selection and notes."""
        return {
            "voxel_size_nm": self.voxel_size_nm,
            "origin_nm": self.origin_nm,
            "origin_stated": self.origin_stated,
            "why_no_voxel_size": self.why_no_voxel_size,
            "axes": self.axes.names,
            "select": {self.axes.names[p]: index for p, index in self.axes.fixed.items()},
            "notes": (*self.axes.notes, *self.notes),
        }


@dataclass(frozen=True)
class Stated:
    """What a source says of its axes, one entry per stored axis in each list.

    Attributes:
        names: Names of the axes; None if it does not say.
        scale: Distances between voxels, in ``units``; None if it does not say, also for one axis.
        translation: Position of the first voxel, in ``units``; None if it does not say.
        units: As stored; looked at for Z, Y and X only. None where it does not say.
        channels: Names of the channels, in order; empty if they have none.
    """

    names: Sequence[str] | None = None
    scale: Sequence[float | None] | None = None
    translation: Sequence[float | None] | None = None
    units: Sequence[object] | None = None
    channels: Sequence[str] = ()

    def axes(self, shape: Sequence[int], request: Request, where: str) -> Axes:
        """Return how the stored axes become Z Y X; the user's word comes first, with a note.

        Raises:
            DataError: If neither the source nor the user names them, or the names do not fit.
            ConfigError: If an index must be chosen, or the choice is out of range.
        """
        notes: tuple[str, ...] = ()
        names = self.names
        if request.axes is not None:
            names = fitted(request.axes, shape)
            if self.names is not None and _lower(names) != _lower(self.names):
                notes = (
                    f"{request.prefix}axes={','.join(names)} wins over {','.join(self.names)}, "
                    f"the axes that {where} states.",
                )
        elif names is None and (request.labels or request.slices):
            names = fitted(("z", "y", "x"), shape)
            notes = (
                f"{where} does not say which of its axes is which; they are taken to be "
                f"{','.join(names)}. If they are not, give {request.prefix}axes.",
            )
        if names is None:
            raise DataError(
                f"{where} has {len(shape)} axes of lengths {tuple(shape)} and does not say which "
                f"is which. Give {request.prefix}axes=, one letter per axis in this order, e.g. "
                "axes=zyx."
            )
        chosen = find_axes(names, shape, request.select, where, request.prefix, self.channels)
        return replace(chosen, notes=notes)

    def geometry(self, axes: Axes, request: Request, where: str) -> Geometry:
        """Return voxel size and origin along Z Y X, in nm; the user's word comes first.

        An origin moves with a voxel size that the user gives: it stays the same in voxels. What
        nobody states, or only in part or without a unit, is unknown, and the reason is kept.

        Raises:
            DataError: If the source states a negative size, and the user gives none.
        """
        size, why = self._size(axes, request, where)
        origin = self._origin(axes)
        notes = []
        if request.voxel_size_nm is not None:
            check_voxel_size(request.voxel_size_nm, where)
            if size is not None and not _alike(size, request.voxel_size_nm):
                notes.append(_won(request, "voxel_size_nm", size, where))
            origin = self._moved_origin(axes, request.voxel_size_nm) or origin
            size, why = request.voxel_size_nm, ""
        if request.origin_nm is not None:
            if origin is not None and not _alike(origin, request.origin_nm):
                notes.append(_won(request, "origin_nm", origin, where))
            origin = request.origin_nm
        return Geometry(size, origin or (0.0, 0.0, 0.0), origin is not None, why, axes, (*notes,))

    def _size(self, axes: Axes, request: Request, where: str) -> tuple[Lengths | None, str]:
        """Return the voxel size that the source states, or why it is not known."""
        advice = f"Give {request.prefix}voxel_size_nm=[z,y,x] in nm."
        if self.scale is None:
            return None, f"{where} states no voxel size. {advice}"
        if axes.spatial[0] is None:
            return None, f"{where} has no Z axis, so its thickness is not known. {advice}"
        scale = axes.triple(self.scale, None)
        for axis, length in zip("ZYX", scale, strict=True):
            if length is None:
                return None, f"{where} states no voxel size along {axis}. {advice}"
        units = axes.triple(self.units or [None] * len(self.scale), None)
        for unit in units:
            if unit is None or unit == "":
                return None, f"{where} states a voxel size without a unit. {advice}"
            if unit_nm(unit) is None:
                return None, (
                    f"{where} states its voxel size in the unit {str(unit)[:40]!r}, which is no "
                    f"known unit of length (nanometer, micrometer, angstrom, ...). {advice}"
                )
        z, y, x = (
            (length or 0.0) * (unit_nm(unit) or 0.0)
            for length, unit in zip(scale, units, strict=True)
        )
        if all(isfinite(edge) and edge > 0 for edge in (z, y, x)):
            return (z, y, x), ""
        why = f"{where} states the voxel size {(z, y, x)} nm (Z, Y, X), which is not above 0."
        if min(z, y, x) < 0 and request.voxel_size_nm is None:  # no size, but a mirror
            raise DataError(f"{why} {advice}")
        return None, f"{why} {advice}"

    def _origin(self, axes: Axes) -> Lengths | None:
        """Return the origin that the source states, None if it states none or no unit."""
        if self.translation is None:
            return None
        shift = axes.triple(self.translation, 0.0)
        units = axes.triple(self.units or [None] * len(self.translation), "nm")
        lengths = [unit_nm(unit) for unit in units]
        if None in lengths or not all(isfinite(s or 0.0) for s in shift):
            return None
        z, y, x = ((s or 0.0) * (length or 0.0) for s, length in zip(shift, lengths, strict=True))
        return z, y, x

    def _moved_origin(self, axes: Axes, size: Lengths) -> Lengths | None:
        """Return the origin where voxels have another size: the same in voxels."""
        if self.scale is None or self.translation is None:
            return None
        shift, scale = axes.triple(self.translation, 0.0), axes.triple(self.scale, 1.0)
        z, y, x = (
            (t or 0.0) / s * n if s else 0.0 for t, s, n in zip(shift, scale, size, strict=True)
        )
        return z, y, x


def fitted(axes: Sequence[str], shape: Sequence[int]) -> tuple[str, ...]:
    """Return names for all axes of a shape, of which a user names only those that count.

    Axes of length 1 that are not named stand at the front, or wherever they are; a single image has
    no Z. Where this does not fit, the names are returned as they are.

    Args:
        axes: E.g. ``("z", "y", "x")`` for the shape ``(1, 20, 30, 40)``.
        shape: Of the stored axes.
    """
    if len(shape) == 2 and len(axes) == 3:
        return tuple(name for name in axes if name.lower() != "z")
    spare = [place for place, length in enumerate(shape) if length == 1]
    spare = spare[: max(0, len(shape) - len(axes))]
    if len(shape) - len(spare) != len(axes):
        return tuple(axes)
    rest = iter(axes)
    return tuple(f"axis{p}" if p in spare else next(rest) for p in range(len(shape)))


def _lower(names: Sequence[str]) -> list[str]:
    return [name.lower() for name in names]


def _alike(first: Lengths, second: Lengths) -> bool:
    """Return whether two sizes or positions are the same but for rounding."""
    return all(
        isclose(a, b, rel_tol=1e-6, abs_tol=1e-6) for a, b in zip(first, second, strict=True)
    )


def _won(request: Request, name: str, stated: Lengths, where: str) -> str:
    """Return a note that a setting won over what a source states."""
    given = ",".join(f"{v:g}" for v in getattr(request, name))
    return (
        f"{request.prefix}{name}=[{given}] wins over {' x '.join(f'{v:g}' for v in stated)} nm "
        f"(Z, Y, X), which {where} states."
    )


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
