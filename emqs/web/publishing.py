"""Accepted merges become part of a layer, without writing its voxels again."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, update

from emqs.annotations import applying
from emqs.annotations.schema import layers
from emqs.errors import ConflictError
from emqs.web import catalogue


def joined(before: Mapping[str, str], table: Mapping[int, int]) -> dict[str, str]:
    """Return an equivalence table of which the steps are two tables, one after the other.

    Args:
        before: Labels as they are stored to those that were served until now.
        table: Labels that were served until now to those that are served from now on.
    """
    after = {str(old): str(new) for old, new in table.items()}
    whole = {old: after.get(new, new) for old, new in before.items()}
    whole |= {old: new for old, new in after.items() if old not in before}
    return {
        old: new for old, new in sorted(whole.items(), key=lambda pair: int(pair[0])) if old != new
    }


def publish(connection: Connection, dataset_id: str, name: str, user_id: str) -> dict[str, Any]:
    """Give a layer a new version that serves accepted merges.

    Args:
        connection: A transaction that writes.
        dataset_id: The dataset.
        name: Of a layer of segments that everybody sees.
        user_id: Who does it.

    Returns:
        The new version, and the pull requests in it.

    Raises:
        ConflictError: If nothing was accepted, or the layer is another since.
        NotFoundError: If there is no such layer.
    """
    layer = catalogue.layer(connection, dataset_id, name, None)
    version, table, pulls = applying.equivalence_table(connection, dataset_id, layer.id)
    if not pulls:
        raise ConflictError(f"No pull request of the layer {name} waits to be published.")
    whole = joined(layer.settings.get("equivalences") or {}, table)
    digest = sha256(json.dumps([layer.id, version, whole]).encode()).hexdigest()[:12]
    applying.mark_applied(
        connection,
        dataset_id,
        layer.id,
        user_id,
        pulls,
        base_version=version,
        new_version=digest,
    )
    connection.execute(
        update(layers)
        .where(layers.c.id == layer.id)
        .values(settings={**layer.settings, "equivalences": whole})
    )
    return {"version": digest, "pulls": pulls}
