"""Annotations with their history, and the atlas."""

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
)

from emqs.annotations.schema.columns import (
    Number,
    coordinates,
    counted,
    id_column,
    json_column,
    metadata,
    one_of,
    only,
    sorted_text,
    text_column,
    time_column,
    to,
)
from emqs.annotations.schema.words import ATLAS_STATES, KINDS

_LIVE = only("deleted IS NULL")
annotations = Table(
    "annotations",
    metadata,
    counted(),  # what neuroglancer calls the id, and the order of pages
    text_column("id", 32, unique=True),
    to("datasets", cascade=True),
    to("users", "owner_id"),
    to("layers", nullable=True),
    text_column("kind", 8),
    *coordinates("z1", "y1", "x1"),  # a point, an end of a line, a centre, a corner
    *coordinates("z2", "y2", "x2", nullable=True),  # the other end or corner
    Column("radius_nm", Double, nullable=True),  # of a sphere
    *coordinates("low_z", "low_y", "low_x", "high_z", "high_y", "high_x"),  # box around it
    Column("morton", BigInteger, nullable=False),  # of the centre
    Column("size_class", Integer, nullable=False),  # how far it reaches: 0 a point, n: 8**n voxels
    Column("thinning", Integer, nullable=False),  # n with probability about 8**-n, never changes
    text_column("title", 400),
    Column("title_key", sorted_text(64), nullable=False),  # what is sorted by
    text_column("description"),
    text_column("search_text"),  # title, description and tags, folded: what is searched in
    json_column("tags"),
    json_column("properties"),
    text_column("colour_class", 64),
    text_column("atlas_state", 20),  # of its newest entry, "" for none
    text_column("client_key", 100, nullable=True),  # given by an upload, so that it can be resumed
    Column("revision", Integer, nullable=False),
    Column("basis", Integer, nullable=False),  # the revision whose content it has; undo goes back
    text_column("action", 16),  # what made this revision
    Column("change", BigInteger, nullable=False),  # datasets.changes when last written
    time_column("created"),
    time_column("changed"),
    to("users", "changed_by"),
    time_column("deleted", nullable=True),
    one_of("kind", KINDS),
    UniqueConstraint("dataset_id", "owner_id", "client_key"),
    Index("ix_annotations_place", "dataset_id", "size_class", "morton", **_LIVE),
    Index("ix_annotations_slice", "dataset_id", "size_class", "low_z", **_LIVE),
    Index("ix_annotations_thinning", "dataset_id", "thinning", "morton", **_LIVE),
    Index("ix_annotations_owner", "dataset_id", "owner_id", "number", **_LIVE),
    Index("ix_annotations_title", "dataset_id", "owner_id", "title_key", "number", "kind", **_LIVE),
    Index("ix_annotations_kind", "dataset_id", "owner_id", "kind", "number", **_LIVE),
    Index("ix_annotations_change", "dataset_id", "owner_id", "change", "number"),
    Index("ix_annotations_changed", "dataset_id", "owner_id", "changed"),
    Index(
        "ix_annotations_colour",
        "dataset_id",
        "owner_id",
        "colour_class",
        "number",
        **only("colour_class <> ''"),
    ),
    Index("ix_annotations_layer", "layer_id", "number", **only("layer_id IS NOT NULL")),
    Index(
        "ix_annotations_deleted",
        "dataset_id",
        "owner_id",
        "number",
        **only("deleted IS NOT NULL"),
    ),
    Index(
        "ix_annotations_atlas",
        "dataset_id",
        "owner_id",
        "atlas_state",
        "number",
        **only("atlas_state <> ''"),
    ),
    sqlite_autoincrement=True,
)
annotation_tags = Table(
    "annotation_tags",
    metadata,
    Column("dataset_id", String(32), primary_key=True),
    Column("tag", String(100), primary_key=True),
    Column(
        "number",
        Number,
        ForeignKey("annotations.number", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    ),
)
annotation_history = Table(
    "annotation_history",
    metadata,
    counted(),
    Column(
        "annotation_id",
        String(32),
        ForeignKey("annotations.id", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("revision", Integer, nullable=False),
    Column("basis", Integer, nullable=False),
    text_column("action", 16),
    to("users"),
    time_column("at"),
    json_column("content"),  # of an earlier revision; the newest is the annotation itself
    UniqueConstraint("annotation_id", "revision"),
)
shares = Table(  # a sandbox shown to a group
    "shares",
    metadata,
    to("users", "owner_id", cascade=True, primary_key=True),
    to("datasets", cascade=True, primary_key=True),
    to("groups", cascade=True, primary_key=True, index=True),
    time_column("created"),
)

atlas_entries = Table(
    "atlas_entries",
    metadata,
    id_column(),
    Column(
        "annotation_id",
        String(32),
        ForeignKey("annotations.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    to("datasets", cascade=True),
    to("users", "owner_id", index=True),
    to("users", "reviewer_id", nullable=True),
    text_column("state", 20),
    text_column("title", 400),
    text_column("description"),
    text_column("search_text"),
    json_column("tags"),
    json_column("content"),  # as it was submitted: later edits need a review
    Column("annotation_revision", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    time_column("created"),
    time_column("changed"),
    one_of("state", ATLAS_STATES),
    Index("ix_atlas_entries_state", "dataset_id", "state", "id"),
)
atlas_comments = Table(
    "atlas_comments",
    metadata,
    id_column(),
    Column(
        "entry_id",
        String(32),
        ForeignKey("atlas_entries.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    to("users"),
    text_column("action", 20),  # "comment", or the state that the entry was brought into
    text_column("text"),
    time_column("at"),
)
