"""Merges of segments in a user's sandbox: nobody else sees them until they are requested.

Each step is kept with the version of the segmentation that the user saw. Steps can be taken back
and done again; a new step ends the possibility to do again what was taken back before.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, Row

from emqs.annotations.schema import layers, merges
from emqs.annotations.segments import Groups, checked_segment
from emqs.errors import ConflictError, DataError, NotFoundError

MOST_SEGMENTS = 10_000  # of a step


@dataclass(frozen=True)
class Step:
    """A merge or a split.

    Attributes:
        number: Counts up.
        action: ``merge`` or ``split``.
        segments: Of the base segmentation; of a merge the first names the result.
        base_version: Of the segmentation when it was made.
        created: Seconds since 1970, UTC.
        undone: When it was taken back, or None.
    """

    number: int
    action: str
    segments: tuple[int, ...]
    base_version: str
    created: float
    undone: float | None


@dataclass(frozen=True)
class Sandbox:
    """The merges of a user over a segmentation.

    Attributes:
        steps: Oldest first, with those that were taken back.
        version: Of the segmentation now.
    """

    steps: tuple[Step, ...]
    version: str

    @property
    def active(self) -> tuple[Step, ...]:
        """The steps that were not taken back."""
        return tuple(step for step in self.steps if step.undone is None)

    @property
    def outdated(self) -> tuple[Step, ...]:
        """The active steps that were made over another version of the segmentation."""
        return tuple(step for step in self.active if step.base_version != self.version)

    @property
    def groups(self) -> Groups:
        """What the active steps come to."""
        groups = Groups()
        for step in self.active:
            if step.action == "merge":
                groups.merge(step.segments)
            else:
                groups.split(step.segments)
        return groups

    @property
    def equivalences(self) -> list[list[str]]:
        """The groups as a segmentation layer of neuroglancer takes them."""
        return [[str(segment) for segment in group] for group in self.groups.groups()]


def sandbox(connection: Connection, dataset_id: str, layer_id: str, user_id: str) -> Sandbox:
    """Return a user's merges over a segmentation.

    Raises:
        NotFoundError: If there is no such segmentation that the user may see.
    """
    layer = segmentation(connection, dataset_id, layer_id, user_id)
    rows = connection.execute(
        sa.select(merges).where(*_of(layer_id, user_id)).order_by(merges.c.number)
    )
    return Sandbox(tuple(_step(row) for row in rows), layer.version)


def merge(
    connection: Connection,
    dataset_id: str,
    layer_id: str,
    user_id: str,
    segments: Sequence[object],
    *,
    base_version: str,
) -> Sandbox:
    """Put segments together with the first of them.

    Args:
        connection: Of ``Database.write``.
        dataset_id: The dataset.
        layer_id: Its segmentation.
        user_id: Whose sandbox.
        segments: Two or more different ones, numbers or decimal strings.
        base_version: Of the segmentation that the user sees.

    Raises:
        DataError: If these are no segments.
        ConflictError: If the segmentation has another version now.
        NotFoundError: If there is no such segmentation.
    """
    given = _checked(segments)
    if len(given) < 2:
        raise DataError("A merge needs two or more different segments.")
    return _add(connection, dataset_id, layer_id, user_id, "merge", given, base_version)


def split(
    connection: Connection,
    dataset_id: str,
    layer_id: str,
    user_id: str,
    segments: Sequence[object],
    *,
    base_version: str,
) -> Sandbox:
    """Take segments out of what they were merged with, each by itself; errors as of ``merge``.

    Raises:
        ConflictError: If none of them is merged with anything.
    """
    given = _checked(segments)
    if not given:
        raise DataError("A split needs at least one segment.")
    before = sandbox(connection, dataset_id, layer_id, user_id).groups
    if all(len(before.touched([segment])) == 1 for segment in given):
        raise ConflictError("None of these segments is merged with another in your sandbox.")
    return _add(connection, dataset_id, layer_id, user_id, "split", given, base_version)


def undo(connection: Connection, dataset_id: str, layer_id: str, user_id: str) -> Sandbox:
    """Take the newest step back.

    Raises:
        ConflictError: If there is none.
        NotFoundError: If there is no such segmentation.
    """
    segmentation(connection, dataset_id, layer_id, user_id, lock=True)
    steps = sandbox(connection, dataset_id, layer_id, user_id).active
    if not steps:
        raise ConflictError("There is no merge to take back.")
    _mark(connection, [steps[-1].number], time.time())
    return sandbox(connection, dataset_id, layer_id, user_id)


def redo(connection: Connection, dataset_id: str, layer_id: str, user_id: str) -> Sandbox:
    """Do again what was taken back last, as long as no other step was made since.

    Raises:
        ConflictError: If there is nothing to do again.
        NotFoundError: If there is no such segmentation.
    """
    segmentation(connection, dataset_id, layer_id, user_id, lock=True)
    now = sandbox(connection, dataset_id, layer_id, user_id)
    newest = now.active[-1].number if now.active else 0
    undone = [step.number for step in now.steps if step.number > newest]
    if not undone:
        raise ConflictError("There is no merge to do again.")
    _mark(connection, undone[:1], None)
    return sandbox(connection, dataset_id, layer_id, user_id)


def clear(connection: Connection, dataset_id: str, layer_id: str, user_id: str) -> Sandbox:
    """Forget all merges of a sandbox, e.g. after they were applied for all."""
    segmentation(connection, dataset_id, layer_id, user_id, lock=True)
    connection.execute(sa.delete(merges).where(*_of(layer_id, user_id)))
    return sandbox(connection, dataset_id, layer_id, user_id)


def confirm_base(
    connection: Connection, dataset_id: str, layer_id: str, user_id: str, *, base_version: str
) -> Sandbox:
    """Say that the merges were looked at over the newest version, and hold there, too.

    Raises:
        ConflictError: If the segmentation has another version than the one looked at.
        NotFoundError: If there is no such segmentation.
    """
    _check_version(segmentation(connection, dataset_id, layer_id, user_id, lock=True), base_version)
    connection.execute(
        sa.update(merges).where(*_of(layer_id, user_id)).values(base_version=base_version)
    )
    return sandbox(connection, dataset_id, layer_id, user_id)


def segmentation(
    connection: Connection, dataset_id: str, layer_id: str, user_id: str, *, lock: bool = False
) -> Row[Any]:
    """Return the row of a segmentation that a user may see.

    Args:
        connection: Of ``Database.read``, or of ``Database.write`` if it is locked.
        dataset_id: The dataset.
        layer_id: Its layer.
        user_id: Sees layers of everybody and own ones.
        lock: Whether others who lock it wait until this transaction ends.

    Raises:
        NotFoundError: If there is none.
    """
    query = sa.select(layers).where(
        layers.c.id == layer_id,
        layers.c.dataset_id == dataset_id,
        layers.c.kind == "segmentation",
        layers.c.owner_id.is_(None) | (layers.c.owner_id == user_id),
    )
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no segmentation {layer_id} in this dataset.")
    return row


def _add(
    connection: Connection,
    dataset_id: str,
    layer_id: str,
    user_id: str,
    action: str,
    segments: Sequence[int],
    base_version: str,
) -> Sandbox:
    layer = segmentation(connection, dataset_id, layer_id, user_id, lock=True)
    _check_version(layer, base_version)
    connection.execute(
        sa.insert(merges).values(
            dataset_id=dataset_id,
            layer_id=layer_id,
            user_id=user_id,
            action=action,
            segments=[str(segment) for segment in segments],
            base_version=base_version,
            created=time.time(),
        )
    )
    return sandbox(connection, dataset_id, layer_id, user_id)


def _check_version(layer: Row[Any], base_version: str) -> None:
    if layer.version != base_version:
        raise ConflictError(
            f"The segmentation is at version {layer.version} and not {base_version}: load it again "
            "and look whether the merge still holds."
        )


def _checked(segments: Sequence[object]) -> list[int]:
    if isinstance(segments, str) or not isinstance(segments, Sequence):
        raise DataError("segments must be a list.")
    if len(segments) > MOST_SEGMENTS:
        raise DataError(f"A step has at most {MOST_SEGMENTS} segments, got {len(segments)}.")
    return list(dict.fromkeys(checked_segment(segment) for segment in segments))


def _of(layer_id: str, user_id: str) -> list[ColumnElement[bool]]:
    return [merges.c.layer_id == layer_id, merges.c.user_id == user_id]


def _step(row: Row[Any]) -> Step:
    segments = tuple(int(segment) for segment in row.segments)
    return Step(row.number, row.action, segments, row.base_version, row.created, row.undone)


def _mark(connection: Connection, numbers: Sequence[int], undone: float | None) -> None:
    connection.execute(sa.update(merges).where(merges.c.number.in_(numbers)).values(undone=undone))
