"""What a crackle stream says of itself, compared with its length before the library sees it.

The library (C++) trusts the lengths, counts and places in a stream. All of them are checked here
but two: the codes of the boundaries and the model that they are coded with, which only decoding
tells. Who made them to crash the library succeeds; ``emqs.codecs.isolated`` survives it.

Source: format version 1 of github.com/seung-lab/crackle; ``crackle.codec`` of crackle-codec 0.54.
"""

import struct
from dataclasses import dataclass

import numpy as np

HEADER_BYTES = 29
MAX_MARKOV_ORDER = 10  # the model takes 5/8 * 4**order bytes: 655 kB
FLAT, PINS = 0, 2

#: Magic and version, bit fields, X, Y, Z, log2 of the grid size, bytes of labels, CRC-8.
_HEADER = struct.Struct("<5sHIIIBQB")


class StreamError(Exception):
    """The stream contradicts itself; the text says how, to go on after "the chunk is damaged:"."""


@dataclass(frozen=True)
class Head:
    """Fields of a stream's header that its lengths follow from."""

    width: int
    stored_width: int
    label_format: int
    fortran_order: bool
    signed: bool
    markov_order: int
    shape: tuple[int, int, int]  # Z Y X
    grid_size: int
    label_bytes: int

    @property
    def n_grids(self) -> int:
        """Parts of all slices whose components are counted."""
        n_slices, rows, columns = self.shape
        size = min(self.grid_size, max(rows, columns))
        return max(-(-rows // size) * -(-columns // size), 1) * n_slices

    @property
    def n_voxels(self) -> int:
        """Voxels of the volume."""
        return self.shape[0] * self.shape[1] * self.shape[2]


def read_head(stream: bytes) -> Head:
    """Return the header's fields; its checksum is left to the library.

    Raises:
        StreamError: If this is no header of version 1.
    """
    if len(stream) < HEADER_BYTES or stream[:5] != b"crkl\x01":
        raise StreamError(f"its crackle header starts with {bytes(stream[:5])!r}")
    _, bits, x, y, z, log_grid, label_bytes, _ = _HEADER.unpack_from(stream)
    return Head(
        width=1 << (bits & 3),
        stored_width=1 << (bits >> 2 & 3),
        label_format=bits >> 5 & 3,
        fortran_order=bool(bits >> 7 & 1),
        signed=bool(bits >> 8 & 1),
        markov_order=bits >> 9 & 15,
        shape=(z, y, x),
        grid_size=1 << min(log_grid, 63),
        label_bytes=label_bytes,
    )


def check(stream: bytes, head: Head) -> int | None:
    """Raise an error unless a stream's counts and lengths fit its shape and its length.

    Args:
        stream: The stream, whole.
        head: What ``read_head`` says of it; at least one voxel.

    Returns:
        The label of all voxels, if there is only one; the library need not be asked then.

    Raises:
        StreamError: If they do not.
    """
    if head.label_format not in (FLAT, PINS) or head.stored_width > head.width:
        raise StreamError(f"its crackle header states label format {head.label_format}")
    if head.markov_order > MAX_MARKOV_ORDER:
        raise StreamError(f"its crackle header states a model of order {head.markov_order}")
    n_slices = head.shape[0]
    model = 4**head.markov_order * 5 // 8 if head.markov_order > 0 else 0
    start = HEADER_BYTES + 4 * (n_slices + 1)  # table of slices and its checksum
    fixed = start + model + 4 * (n_slices + 1)  # checksums of labels and of slices
    if fixed + head.label_bytes > len(stream):
        raise StreamError("its crackle sections are longer than the stream")
    sizes = np.frombuffer(stream, "<u4", n_slices, HEADER_BYTES)
    if fixed + head.label_bytes + int(sizes.sum(dtype=np.uint64)) != len(stream):
        raise StreamError("its crackle sections have not the length of the stream")
    section = memoryview(stream)[start : start + head.label_bytes]
    first = head.stored_width if head.label_format == PINS else 0  # the label of the background
    n_labels = _number(section, first, 8)
    if not (head.label_format == PINS or n_labels) or n_labels > head.n_voxels:
        raise StreamError(f"its crackle stream has {n_labels} labels")
    component = _byte_width(head.shape[1] * head.shape[2])
    counts_start = first + 8 + n_labels * head.stored_width
    rest = counts_start + head.n_grids * component
    if rest > len(section):
        raise StreamError("its crackle labels are truncated")
    per_grid = np.frombuffer(section[counts_start:rest], f"<u{component}")
    n_components = int(per_grid.sum(dtype=np.uint64))
    if head.label_format == PINS:
        _check_pins(section[rest:], head, n_labels, n_components)
        return None
    key = _byte_width(n_labels)
    if rest + n_components * key != len(section):
        raise StreamError("its crackle labels have not the length that their number takes")
    keys = np.frombuffer(section[rest:], f"<u{key}")
    if keys.size > 0 and int(keys.max()) >= n_labels:
        raise StreamError("its crackle stream uses a label that is not there")
    return _number(section, 8, head.stored_width) if n_labels == 1 else None


def _check_pins(pins: memoryview, head: Head, n_labels: int, n_components: int) -> None:
    """Raise an error unless all pins and components of all labels lie in the volume.

    After one byte of widths, each label has: number of pins, their first voxels as steps, their
    depths; number of components without a pin, and these as steps.
    """
    if len(pins) == 0:
        raise StreamError("its crackle pins are truncated")
    count_width, depth_width, component_width = (1 << (pins[0] >> shift & 3) for shift in (0, 2, 4))
    index_width = _byte_width(head.n_voxels)
    in_slice = head.shape[1] * head.shape[2]
    at = 1
    for _ in range(n_labels):
        count = _number(pins, at, count_width)
        firsts, at = _places(pins, at + count_width, count, index_width)
        depths, at = _numbers(pins, at, count, depth_width)
        reach = int(depths.max(initial=0))
        if reach >= head.shape[0] or (firsts + depths * in_slice >= head.n_voxels).any():
            raise StreamError("its crackle pins reach outside of the chunk")
        count = _number(pins, at, count_width)
        components, at = _places(pins, at + count_width, count, component_width)
        if count and int(components[-1]) >= n_components:
            raise StreamError("its crackle stream labels a component that is not there")
    if at != len(pins):
        raise StreamError("its crackle pins have not the length that their number takes")


def _number(section: memoryview, at: int, width: int) -> int:
    """Return one number of a section."""
    if at + width > len(section):
        raise StreamError("its crackle labels are truncated")
    return int.from_bytes(section[at : at + width], "little")


def _numbers(section: memoryview, at: int, count: int, width: int) -> tuple[np.ndarray, int]:
    """Return numbers of a section as int64, none of them above 2**32, and where they end."""
    stop = at + count * width
    if stop > len(section):
        raise StreamError("its crackle pins are truncated")
    numbers = np.frombuffer(section[at:stop], f"<u{width}")
    if count and int(numbers.max()) > 2**32:
        raise StreamError("its crackle pins reach outside of the chunk")
    return numbers.astype(np.int64), stop


def _places(section: memoryview, at: int, count: int, width: int) -> tuple[np.ndarray, int]:
    """Return ascending places of a section that stores their steps."""
    steps, stop = _numbers(section, at, count, width)
    return np.cumsum(steps), stop


def _byte_width(number: int) -> int:
    """Return the bytes in which crackle stores numbers up to this one."""
    return next(width for width in (1, 2, 4, 8) if number < 256**width)
