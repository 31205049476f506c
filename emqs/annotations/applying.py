"""Accepted merges as a table for viewers, and put into a new version of the labels."""

import time
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from emqs.annotations.merges import segmentation
from emqs.annotations.pull_requests import change, conflicts, get, request_of, say, segments
from emqs.annotations.schema import layers, pull_requests
from emqs.annotations.segments import Groups
from emqs.errors import ConflictError, NotFoundError


def equivalence_table(
    connection: Connection, dataset_id: str, layer_id: str
) -> tuple[str, dict[int, int], list[str]]:
    """Return what is accepted and not applied: to be published, or put into new labels.

    Returns:
        The version of the segmentation that it holds for; for each merged segment the one that it
        becomes; and the ids of the requests in it.

    Raises:
        ConflictError: If an accepted request was made over another version.
        NotFoundError: If there is no such segmentation.
    """
    layer = connection.execute(
        sa.select(layers).where(layers.c.id == layer_id, layers.c.dataset_id == dataset_id)
    ).one_or_none()
    if layer is None:
        raise NotFoundError(f"There is no segmentation {layer_id} in this dataset.")
    c = pull_requests.c
    rows = connection.execute(
        sa.select(pull_requests).where(c.layer_id == layer_id, c.state == "accepted").order_by(c.id)
    )
    requests = [request_of(row) for row in rows]
    groups = Groups()
    for request in requests:
        reasons = conflicts(connection, request)
        if reasons:
            raise ConflictError(f"Pull request {request.id} cannot be applied: {reasons[0]}")
        by_name: dict[int, list[int]] = {}
        for segment, name in segments(connection, request.id).items():
            by_name.setdefault(name, [name]).append(segment)
        for members in by_name.values():
            groups.merge(list(dict.fromkeys(members)))
    return layer.version, groups.table(), [request.id for request in requests]


def mark_applied(
    connection: Connection,
    dataset_id: str,
    layer_id: str,
    user_id: str,
    request_ids: Sequence[str],
    *,
    base_version: str,
    new_version: str,
    source: str | None = None,
) -> None:
    """Say that a new version of the segmentation, which is written, holds accepted requests.

    Args:
        connection: Of ``Database.write``.
        dataset_id: The dataset.
        layer_id: The segmentation.
        user_id: Who applied them.
        request_ids: As ``equivalence_table`` gave them.
        base_version: Likewise.
        new_version: Of the labels that were written; another than any before.
        source: Where they lie, or None: where the labels before lay.

    Raises:
        ConflictError: If the segmentation or a request was changed in the meantime.
    """
    layer = segmentation(connection, dataset_id, layer_id, user_id, lock=True)
    version, _, accepted = equivalence_table(connection, dataset_id, layer_id)
    if version != base_version or not set(request_ids) <= set(accepted):
        raise ConflictError(
            f"The segmentation {layer.name} or one of the requests was changed while the new "
            "version was written; write it again."
        )
    used = sa.select(sa.literal(1)).where(
        pull_requests.c.layer_id == layer_id,
        (pull_requests.c.base_version == new_version)
        | (pull_requests.c.applied_version == new_version),
    )
    if new_version == base_version or connection.scalar(used) is not None:
        raise ConflictError(f"Version {new_version} of {layer.name} was there before.")
    for request_id in request_ids:
        request = get(connection, dataset_id, request_id)
        values = {"state": "applied", "applied_version": new_version}
        change(connection, request, values | {"base_version": base_version})
        say(connection, request_id, user_id, "", "applied")
    changed: dict[str, Any] = {"version": new_version, "changed": time.time()}
    if source is not None:
        changed["source"] = source
    connection.execute(sa.update(layers).where(layers.c.id == layer_id).values(changed))
