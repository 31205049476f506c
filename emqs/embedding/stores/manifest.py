"""The manifest of an embedding volume: sealed with a checksum, and read with every value checked.

It may come from a stranger, or from a disk that lost a bit. So nothing is allocated, opened or
computed by what it says before its checksum, its types, ranges and sizes are known to be right.
"""

import logging
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from emqs.embedding.short_codes import ShortCoder
from emqs.embedding.signatures import Signer
from emqs.embedding.stores.grid import PlaceGrid
from emqs.errors import DataError, one_line
from emqs.files import content_sha256

SCALE = "scale"  # key of a manifest whose windows were made larger: ``embed.scale`` of the store
SEAL = "sha256"  # key of the checksum of all others
MOST_TEXT = 4096  # letters of a name
MOST_LENGTH = 2**40  # voxels along an axis, numbers of a code
MOST_CODE = 2**20
MOST_BLOCK_BYTES = 2**33  # codes of a block, which is decoded whole

Rule = Callable[[Any], bool]

logger = logging.getLogger(__name__)


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest with its checksum in it."""
    return {**content, SEAL: content_sha256(dict(content))}


def unsealed(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a manifest without its checksum, which is compared.

    Args:
        content: As it is stored.
        name: Where, for messages.

    Raises:
        DataError: If the checksum is another. One that was stored before there were checksums is
            returned as it is, with a note.
    """
    plain = {key: value for key, value in content.items() if key != SEAL}
    if SEAL not in content:
        logger.warning(
            "%s has no checksum of its manifest: it was made by an older emqs, and a bit that "
            "flipped in there would not be noticed.", name,
        )  # fmt: skip
    elif content[SEAL] != content_sha256(plain):
        raise DataError(
            f"{name} is damaged: its manifest does not match its checksum. Get it from a copy, or "
            "make the volume again under another name."
        )
    return plain


def _text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MOST_TEXT and "\0" not in value


def _whole(low: int, high: int) -> Rule:
    return lambda value: type(value) is int and low <= value <= high


def _number(value: object) -> bool:
    return type(value) in (int, float) and isfinite(float(value))  # type: ignore[arg-type]


def _positive(value: object) -> bool:
    return _number(value) and float(value) > 0  # type: ignore[arg-type]


def _listed(rule: Rule, count: int | None = None) -> Rule:
    def fits(value: object) -> bool:
        return (
            isinstance(value, list)
            and count in (None, len(value))
            and all(rule(one) for one in value)
        )

    return fits


def _maybe(rule: Rule) -> Rule:
    return lambda value: value is None or rule(value)


def _named(rule: Rule) -> Rule:
    return lambda value: isinstance(value, dict) and all(map(rule, value.values()))


def _any(value: object) -> bool:
    return isinstance(value, dict)


_INDEX = _whole(0, MOST_LENGTH)
#: Values that must be there, how they must be, and what to say of it.
NEEDED: dict[str, tuple[Rule, str]] = {
    "volume.name": (_text, "a name"),
    "volume.shape": (_listed(_whole(1, MOST_LENGTH), 3), "three lengths of at least 1"),
    "grid.shape": (_listed(_whole(1, MOST_LENGTH), 3), "three counts of at least 1"),
    "grid.stride_px": (_listed(_whole(1, MOST_LENGTH), 3), "three steps of at least 1"),
    "grid.size_px": (_whole(1, MOST_LENGTH), "a length of at least 1"),
    "grid.block": (_whole(1, MOST_LENGTH), "a length of at least 1"),
    "grid.voxel_size_nm": (_listed(_positive, 3), "three finite lengths above 0"),
    "grid.origin_nm": (_listed(_number, 3), "three finite lengths"),
    "grid.planes": (_text, "a name"),
    "model.name": (_text, "a name"),
    "model.network": (_any, "settings by name"),
    "model.preprocessing": (_any, "settings by name"),
    "model.weights_sha256": (_maybe(_text), "a checksum, or null"),
    "code_size": (_whole(1, MOST_CODE), f"a whole number from 1 to {MOST_CODE}"),
    "signer": (_any, "what makes signatures"),
}
#: Values that may be missing.
POSSIBLE: dict[str, tuple[Rule, str]] = {
    "grid.scale_px": (_maybe(_whole(1, MOST_LENGTH)), "a length of at least 1, or null"),
    "volume.dtype": (_text, "a type"),
    "volume.fingerprint": (_text, "a checksum"),
    "volume.level": (lambda v: _INDEX(v) or _text(v), "a level"),
    "volume.dataset": (_maybe(_text), "a path, or null"),
    "volume.axes": (_maybe(lambda v: _text(v) or _listed(_text)(v)), "names of axes, or null"),
    "volume.select": (_maybe(_named(lambda v: _INDEX(v) or _text(v))), "an index along axes"),
    "intensity": (_listed(_number, 2), "two finite numbers"),
    "padding": (_maybe(_number), "a finite number, or null"),
    "contrast": (_maybe(_listed(_listed(_number, 2))), "two finite numbers for each slice"),
    "short": (_any, "what makes short codes"),
    "short_bytes": (_whole(0, MOST_CODE), "a whole number"),
    "made_of": (_text, "the name of a digest"),
    "code_version": (_text, "a version"),
}
_MISSING = object()


def checked(manifest: dict[str, Any], name: str) -> tuple[PlaceGrid, Signer, ShortCoder | None]:
    """Return what a manifest describes, if all of it is possible.

    Args:
        manifest: Without its checksum.
        name: Where it is stored, for messages.

    Raises:
        DataError: Naming the first value that is missing, of another type, or out of range.
    """
    for key, (rule, expected) in (*NEEDED.items(), *POSSIBLE.items()):
        value = _value(manifest, key)
        if value is _MISSING and key in POSSIBLE:
            continue
        if value is _MISSING or not rule(value):
            got = "nothing" if value is _MISSING else repr(value)[:60]
            raise DataError(
                f"{name} is damaged: its manifest lacks something, {key} must be {expected}, "
                f"got {got}."
            )
    try:
        grid = PlaceGrid.from_dict(manifest["grid"])
        signer = Signer.from_dict(manifest["signer"])
        content = manifest.get("short")
        short = None if content is None else ShortCoder.from_dict(content)
    except DataError as error:
        raise DataError(f"{name} is damaged: {error}") from None
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError(
            f"{name} is damaged: its manifest lacks something ({one_line(error)})."
        ) from None
    _check_sizes(manifest, grid, name)
    made_for = {len(coder.mean) for coder in (signer, short) if coder is not None}
    if made_for != {manifest["code_size"]}:
        raise DataError(f"{name} is damaged: its signer does not fit its codes.")
    return grid, signer, short


def _value(manifest: Mapping[str, Any], key: str) -> object:
    group, _, name = key.rpartition(".")
    holder = manifest.get(group, _MISSING) if group else manifest
    return holder.get(name, _MISSING) if isinstance(holder, dict) else _MISSING


def _check_sizes(manifest: dict[str, Any], grid: PlaceGrid, name: str) -> None:
    """Raise unless the grid lies in its volume, and a block of it fits into memory."""
    deep = grid.size if grid.planes == "ortho" else 1
    for axis, extent in enumerate((deep, grid.size, grid.size)):
        needed = (grid.shape[axis] - 1) * grid.stride[axis] + extent
        if needed > manifest["volume"]["shape"][axis]:
            raise DataError(
                f"{name} is damaged: its grid of {grid.shape} places (Z, Y, X) does not fit into "
                f"a volume of {tuple(manifest['volume']['shape'])} voxels."
            )
    if grid.block**2 * manifest["code_size"] * 2 > MOST_BLOCK_BYTES:
        raise DataError(
            f"{name} is damaged: a block of {grid.block} x {grid.block} codes of "
            f"{manifest['code_size']} numbers takes more than {MOST_BLOCK_BYTES / 2**30:.0f} GiB."
        )
