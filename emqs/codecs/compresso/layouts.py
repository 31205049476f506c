"""The two byte layouts in which Compresso lists have been stored.

Both begin with nine numbers of 8 bytes, least significant byte first; neither has a magic number, a
version or a checksum. Volume ``Z Y X``, window ``z y x``:

======== =================================== ==============================================
what     MICCAI 2017                         version 2
======== =================================== ==============================================
header   Z Y X, ids, values, locations, zyx  Z Y X, zyx, values, ids, locations; five bytes:
                                             width of values, ids, locations, indices, labels
sections ids, values, locations, indices     values, ids, locations, indices
numbers  8 bytes; indices 4                  as few whole bytes as hold the largest
indices  index i: 2i; run of n zeros: 2n+1   index i: 2i+1; run of n zeros: 2n
last run is not written                      is written
dtype    not stored, uint64                  stored
======== =================================== ==============================================

Source: the programs at github.com/VCG/compresso, 2be8c54 (``experiments/compression`` and
``src/c++``). The second gives windows whose pixels are no multiple of 8 too few bytes, so that
boundaries get lost; here they get enough.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from emqs.codecs.codec import check_shape
from emqs.codecs.compresso.scheme import DamageError, Parts
from emqs.codecs.compresso.windows import Shape, condense, expand, grid
from emqs.errors import CodecError

MAX_WINDOW = 64  # pixels, bits of a window value
_MICCAI_WIDTHS = {"ids": 8, "values": 8, "locations": 8, "indices": 4}


@dataclass(frozen=True)
class Layout:
    """How one version orders and numbers things.

    Attributes:
        name: Name of the codec.
        fields: The nine numbers of the header, in order; ``Z`` is the volume, ``z`` the window.
        sections: Sections before the indices, in order.
        stores_widths: Whether five bytes of widths follow the header's numbers.
        run_bit: Lowest bit of a number that stands for a run of zeros.
        trailing: Whether a last run of zeros is written.
    """

    name: str
    fields: tuple[str, ...]
    sections: tuple[str, ...]
    stores_widths: bool
    run_bit: int
    trailing: bool

    @property
    def header_size(self) -> int:
        """Bytes of the header."""
        return 8 * len(self.fields) + (5 if self.stores_widths else 0)


MICCAI = Layout(
    name="compresso-miccai",
    fields=("Z", "Y", "X", "ids", "values", "locations", "z", "y", "x"),
    sections=("ids", "values", "locations"),
    stores_widths=False,
    run_bit=1,
    trailing=False,
)
VERSION_2 = Layout(
    name="compresso-v2",
    fields=("Z", "Y", "X", "z", "y", "x", "values", "ids", "locations"),
    sections=("values", "ids", "locations"),
    stores_widths=True,
    run_bit=0,
    trailing=True,
)


@dataclass(frozen=True)
class Header:
    """The checked header of a stream.

    Attributes:
        shape: ``(Z, Y, X)``.
        window: Size of a window, ``(z, y, x)`` in pixels.
        dtype: Of the volume.
        counts: Length of each section.
        widths: Bytes of each number of a section, and of ``indices``.
    """

    shape: Shape
    window: Shape
    dtype: np.dtype[np.unsignedinteger]
    counts: dict[str, int]
    widths: dict[str, int]


def check_window(window: tuple[int, ...]) -> str | None:
    """Return what is wrong with the size of a window, or None."""
    if len(window) != 3 or min(window) < 1 or prod(window) > MAX_WINDOW:
        size = " x ".join(str(length) for length in window)
        return f"a window must be Z x Y x X pixels, 1 to {MAX_WINDOW} in all, got {size}"
    return None


def write(parts: Parts, layout: Layout) -> bytes:
    """Return the stream of lists.

    Raises:
        CodecError: If there are more distinct windows than the layout can number.
    """
    widths = _MICCAI_WIDTHS
    if layout.stores_widths:
        widths = {
            "values": _value_width(parts.window),
            "ids": _width(int(parts.ids.max(initial=0))),
            "locations": _width(int(parts.locations.max(initial=0))),
            "indices": _width(max(2 * len(parts.values) + 1, 2 * _longest_run(parts.indices))),
        }
    largest = 2 ** (8 * widths["indices"]) - 1
    if 2 * len(parts.values) - 1 > largest:
        raise CodecError(
            f"{layout.name}: {len(parts.values)} distinct windows are more than the format can "
            "number. Give a smaller window, or split the volume."
        )
    numbers, is_run = condense(
        parts.indices.astype(np.int64), max_run=(largest - 1) // 2, trailing=layout.trailing
    )
    numbers = 2 * numbers + np.where(is_run, layout.run_bit, 1 - layout.run_bit).astype(np.uint64)
    known = dict(zip("ZYXzyx", (*parts.shape, *parts.window), strict=True))
    known |= {name: len(getattr(parts, name)) for name in layout.sections}
    header = np.array([known[field] for field in layout.fields], dtype="<u8").tobytes()
    if layout.stores_widths:
        header += bytes([*widths.values(), parts.dtype.itemsize])
    sections = [_to_bytes(getattr(parts, name), widths[name]) for name in layout.sections]
    return b"".join([header, *sections, _to_bytes(numbers, widths["indices"])])


def read_header(stream: bytes, layout: Layout, max_voxels: int) -> Header:
    """Return the header of a stream, checked against the stream's length and the limit.

    Raises:
        CodecError: If the volume is over the limit.
        DamageError: If the stream cannot hold what the header promises.
    """
    size = layout.header_size
    if len(stream) < size:
        raise DamageError(f"it has {len(stream)} bytes, but the header alone takes {size}")
    raw = np.frombuffer(stream, dtype="<u8", count=len(layout.fields)).tolist()
    numbers = dict(zip(layout.fields, raw, strict=True))
    shape = (numbers["Z"], numbers["Y"], numbers["X"])
    window = (numbers["z"], numbers["y"], numbers["x"])
    fault = check_window(window)
    if fault is not None:
        raise DamageError(fault)
    check_shape(shape, codec=layout.name, max_voxels=max_voxels)
    widths, itemsize = _MICCAI_WIDTHS, 8
    if layout.stores_widths:
        *octets, itemsize = stream[size - 5 : size]
        widths = dict(zip(("values", "ids", "locations", "indices"), octets, strict=True))
        _check_widths(widths, itemsize, window)
    counts = {name: numbers[name] for name in layout.sections}
    _check_counts(counts, shape, window)
    rest = len(stream) - size - sum(counts[name] * widths[name] for name in counts)
    if rest < 0:
        raise DamageError(f"its header promises {-rest} more bytes than its {len(stream)}")
    if rest % widths["indices"] != 0:
        raise DamageError(f"the {rest} bytes of its windows are no multiple of {widths['indices']}")
    return Header(shape, window, np.dtype(f"u{itemsize}"), counts, widths)


def read(stream: bytes, layout: Layout, max_voxels: int) -> Parts:
    """Return the lists of a stream.

    Raises:
        CodecError: If the volume is over the limit.
        DamageError: If the stream is cut short, or its sections are not what the header promises.
    """
    header = read_header(stream, layout, max_voxels)
    start, lists = layout.header_size, {}
    for name in layout.sections:
        end = start + header.counts[name] * header.widths[name]
        lists[name] = _from_bytes(stream[start:end], header.widths[name])
        start = end
    numbers = _from_bytes(stream[start:], header.widths["indices"])
    is_run = (numbers & np.uint64(1)) == layout.run_bit
    n_windows = prod(grid(header.shape, header.window))
    indices = expand(numbers >> np.uint64(1), is_run, n_windows, exact=layout.trailing)
    if indices is None:
        raise DamageError(f"its runs of windows do not make the {n_windows} windows of its volume")
    return Parts(header.shape, header.window, header.dtype, indices=indices, **lists)


def _check_widths(widths: dict[str, int], itemsize: int, window: Shape) -> None:
    """Refuse widths that the layout does not have, or that lose boundaries."""
    if itemsize not in (1, 2, 4, 8) or not all(
        1 <= w <= 8 for n, w in widths.items() if n != "values"
    ):
        raise DamageError(
            f"its numbers take {[*widths.values(), itemsize]} bytes; allowed are 1 to 8, "
            "and 1, 2, 4 or 8 for a label"
        )
    if widths["values"] != _value_width(window):
        raise DamageError(
            f"a window of {prod(window)} pixels takes {_value_width(window)} bytes, and it gives "
            f"each {widths['values']}; the original program loses boundaries unless the pixels "
            "are a multiple of 8"
        )


def _check_counts(counts: dict[str, int], shape: Shape, window: Shape) -> None:
    """Refuse sections that are too long or too short for the volume."""
    n_voxels, n_windows = prod(shape), prod(grid(shape, window))
    least = {"ids": shape[0], "values": 1, "locations": 0}
    most = {"ids": n_voxels, "values": n_windows, "locations": n_voxels}
    for name, count in counts.items():
        low = least[name] if n_voxels else 0
        if not low <= count <= most[name]:
            raise DamageError(
                f"a volume of {shape} voxels has {low} to {most[name]} {name}, and it has {count}"
            )


def _value_width(window: Shape) -> int:
    """Return the bytes that hold the bits of one window."""
    return -(-prod(window) // 8)


def _width(largest: int) -> int:
    """Return the bytes that hold a number, at least 1."""
    return max(1, -(-largest.bit_length() // 8))


def _longest_run(indices: np.ndarray) -> int:
    """Return the length of the longest run of zeros."""
    places = np.flatnonzero(np.concatenate([[1], indices, [1]]))
    return int(np.diff(places).max()) - 1


def _to_bytes(numbers: np.ndarray, width: int) -> bytes:
    """Return numbers, uint64, in ``width`` bytes each, least significant first."""
    octets = np.ascontiguousarray(numbers, dtype="<u8").view(np.uint8).reshape(-1, 8)
    return octets[:, :width].tobytes()


def _from_bytes(stream: bytes, width: int) -> np.ndarray:
    """Return numbers, uint64; the reverse of ``_to_bytes``."""
    octets = np.zeros((len(stream) // width, 8), dtype=np.uint8)
    octets[:, :width] = np.frombuffer(stream, dtype=np.uint8).reshape(-1, width)
    return octets.view("<u8").reshape(-1).astype(np.uint64)
