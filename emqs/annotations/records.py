"""An annotation: something that a person says of a place in a dataset.

Places are Z Y X in voxels of the dataset's full resolution, with fractions: voxel i spans i to
i + 1, so its centre lies at i + 0.5 and the voxel of a place is its floor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Place = tuple[float, float, float]  # Z Y X


@dataclass(frozen=True)
class Frame:
    """What must be known of a dataset to place an annotation in it.

    Attributes:
        voxel_size_nm: Along Z Y X, or None if the dataset does not say.
        shape: Voxels along Z Y X, or None if the dataset does not say.
    """

    voxel_size_nm: Place | None = None
    shape: tuple[int, int, int] | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Frame":
        """Return the frame that a dataset's settings hold."""
        size, shape = settings.get("voxel_size_nm"), settings.get("shape")
        return cls(
            voxel_size_nm=None
            if size is None
            else (float(size[0]), float(size[1]), float(size[2])),
            shape=None if shape is None else (int(shape[0]), int(shape[1]), int(shape[2])),
        )


@dataclass(frozen=True)
class Annotation:
    """One annotation as it is in the database.

    Attributes:
        id: Its name for ever, whatever is changed in it.
        number: Its name in neuroglancer, and its place in the order of creation.
        dataset_id: The dataset that it lies in.
        owner_id: Whose sandbox it lies in.
        layer_id: The layer that it belongs to, or None.
        kind: ``point``, ``line``, ``sphere`` or ``box``.
        points: In voxels, Z Y X: the point; both ends of the line; the centre of the sphere; the
            first corner of the box and the one opposite, which is outside.
        radius_nm: Of a sphere; None for the others.
        title: One line; may be empty.
        description: Any text; may be empty.
        tags: Without repetitions, in the order given.
        properties: JSON, for programs.
        colour_class: What it is coloured by, e.g. ``"synapse"``; may be empty.
        atlas_state: State of its newest atlas entry, or ``""``.
        client_key: Given by whoever uploaded it, or None.
        revision: Counts its changes from 1.
        basis: The revision whose content it has: its own, or after an undo an older one.
        action: What made this revision: created, updated, deleted, undone.
        change: Counts the changes of its dataset; the value when this revision was made.
        created: Seconds since 1970, UTC.
        changed: Likewise, of this revision.
        changed_by: Who made this revision.
        deleted: Likewise, or None.
    """

    id: str
    number: int
    dataset_id: str
    owner_id: str
    layer_id: str | None
    kind: str
    points: tuple[Place, ...]
    radius_nm: float | None
    title: str
    description: str
    tags: tuple[str, ...]
    properties: Mapping[str, Any] = field(hash=False)
    colour_class: str
    atlas_state: str
    client_key: str | None
    revision: int
    basis: int
    action: str
    change: int
    created: float
    changed: float
    changed_by: str
    deleted: float | None

    @classmethod
    def of(cls, row: Any) -> "Annotation":  # noqa: ANN401 - a row, or what looks like one
        """Return the annotation of a row of the table."""
        first = (row.z1, row.y1, row.x1)
        points: tuple[Place, ...] = (
            (first,) if row.z2 is None else (first, (row.z2, row.y2, row.x2))
        )
        return cls(
            id=row.id,
            number=row.number,
            dataset_id=row.dataset_id,
            owner_id=row.owner_id,
            layer_id=row.layer_id,
            kind=row.kind,
            points=points,
            radius_nm=row.radius_nm,
            title=row.title,
            description=row.description,
            tags=tuple(row.tags),
            properties=row.properties,
            colour_class=row.colour_class,
            atlas_state=row.atlas_state,
            client_key=row.client_key,
            revision=row.revision,
            basis=row.basis,
            action=row.action,
            change=row.change,
            created=row.created,
            changed=row.changed,
            changed_by=row.changed_by,
            deleted=row.deleted,
        )

    @property
    def centre(self) -> Place:
        """The middle of it, in voxels."""
        return middle(self.points)

    def content(self) -> dict[str, Any]:
        """Return what its owner may set, as JSON; ``drafts.checked`` reads it back."""
        return {
            "kind": self.kind,
            "points": [list(point) for point in self.points],
            "radius_nm": self.radius_nm,
            "title": self.title,
            "description": self.description,
            "tags": list(self.tags),
            "properties": dict(self.properties),
            "colour_class": self.colour_class,
            "layer_id": self.layer_id,
        }

    def as_json(self) -> dict[str, Any]:
        """Return all of it for a program, times as ISO 8601 in UTC."""
        return {
            "id": self.id,
            "number": self.number,
            "owner_id": self.owner_id,
            **self.content(),
            "atlas_state": self.atlas_state,
            "revision": self.revision,
            "change": self.change,
            "created": spelled_time(self.created),
            "changed": spelled_time(self.changed),
            "changed_by": self.changed_by,
            "deleted": None if self.deleted is None else spelled_time(self.deleted),
        }


def middle(points: Sequence[Place]) -> Place:
    """Return the middle of one or two points."""
    first, last = points[0], points[-1]
    return (
        (first[0] + last[0]) / 2,
        (first[1] + last[1]) / 2,
        (first[2] + last[2]) / 2,
    )


def to_nm(place: Place, voxel_size_nm: Place) -> Place:
    """Return a place in nm, as volumes count it: the centre of the first voxel lies at 0."""
    z, y, x = ((v - 0.5) * size for v, size in zip(place, voxel_size_nm, strict=True))
    return z, y, x


def from_nm(place_nm: Place, voxel_size_nm: Place) -> Place:
    """Return a place in voxels from nm; the opposite of ``to_nm``."""
    z, y, x = (nm / size + 0.5 for nm, size in zip(place_nm, voxel_size_nm, strict=True))
    return z, y, x


def spelled_time(seconds: float) -> str:
    """Return a time as ISO 8601 in UTC, to the microsecond."""
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="microseconds")
