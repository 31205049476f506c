"""Segments put together: groups of ids, and the same in an array of labels.

Ids are whole numbers from 1 to 2**64 - 1; 0 is "no segment" in every format. Between programs and
in the database they are decimal strings, since neither JSON in a browser nor a column of whole
numbers holds them all.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from emqs.errors import DataError

LARGEST = 2**64 - 1


def checked_segment(value: object) -> int:
    """Return a segment given as a number or a decimal string.

    Raises:
        DataError: If it is none.
    """
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LARGEST:
        raise DataError(
            f"A segment is a whole number from 1 to 2**64 - 1 (or that as text), got {value!r:.60}."
        )
    return value


class Groups:
    """Segments that belong together, changed by merging and splitting.

    A group keeps the order in which its segments came to it; the first one names it.
    """

    def __init__(self) -> None:
        """Begin with every segment by itself."""
        self._group: dict[int, list[int]] = {}

    def merge(self, segments: Sequence[int]) -> None:
        """Put the groups of all these segments together, named as that of the first one."""
        joined = self._group.get(segments[0], [segments[0]])
        for segment in segments[1:]:
            other = self._group.get(segment, [segment])
            if other is not joined:
                joined.extend(other)
                for member in other:
                    self._group[member] = joined
        for member in (joined[0], segments[0]):
            self._group[member] = joined

    def split(self, segments: Iterable[int]) -> None:
        """Take each of these segments out of its group; it is by itself then."""
        for segment in segments:
            group = self._group.pop(segment, None)
            if group is None:
                continue
            group.remove(segment)
            if len(group) == 1:
                del self._group[group[0]]

    def touched(self, segments: Iterable[int]) -> set[int]:
        """Return these segments and all that are in a group with one of them."""
        return {member for segment in segments for member in self._group.get(segment, [segment])}

    def groups(self) -> list[list[int]]:
        """Return the groups of two and more, each with the segment that names it first."""
        unique = {id(group): group for group in self._group.values()}
        return sorted(list(group) for group in unique.values() if len(group) > 1)

    def table(self) -> dict[int, int]:
        """Return for every segment of a group the segment that it becomes."""
        return {member: group[0] for group in self.groups() for member in group}


def remap(labels: np.ndarray, table: Mapping[int, int]) -> np.ndarray:
    """Return labels with segments put together.

    Args:
        labels: Any shape, unsigned or signed whole numbers.
        table: For a segment the segment that it becomes, as of ``Groups.table``; others stay.

    Returns:
        An array of the same shape and dtype; ``labels`` stays as it is.

    Raises:
        DataError: If a segment does not fit the dtype.
    """
    if not np.issubdtype(labels.dtype, np.integer):
        raise DataError(f"Labels must be whole numbers, got {labels.dtype}.")
    largest = int(np.iinfo(labels.dtype).max)
    known = {old: new for old, new in table.items() if old != new and old <= largest}
    for old, new in known.items():
        if new > largest:
            raise DataError(
                f"Segment {old} becomes {new}, which {labels.dtype} does not hold; write the "
                "labels with a larger type."
            )
    if not known or labels.size == 0:
        return labels.copy()
    olds = np.array(sorted(known), dtype=labels.dtype)
    news = np.array([known[segment] for segment in sorted(known)], dtype=labels.dtype)
    values, places = np.unique(labels, return_inverse=True)
    at = np.minimum(np.searchsorted(olds, values), len(olds) - 1)
    renamed: np.ndarray = np.where(olds[at] == values, news[at], values)
    return renamed[places].reshape(labels.shape)
