"""Tables of the platform: people and rights, datasets, annotations, searches, merges, jobs.

Every time is a number of seconds since 1970 in UTC (a double). An id is an opaque string of
``ids.new_id``, which sorts by the time at which it was made. Segments are decimal strings, because
labels of 64 bits are larger than the whole numbers of a database. Places are voxels of full
resolution, Z Y X. Secrets (tokens, links) are stored as the SHA-256 of what was handed out, in 64
hexadecimal digits.

A change of a table needs a revision in ``migrations/versions``; a test compares the two.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

ROLES = ("reader", "annotator", "reviewer", "manager")  # of a dataset, least first
LAYER_KINDS = ("image", "segmentation", "annotations", "embedding")
KINDS = ("point", "line", "sphere", "box")
ATLAS_STATES = (
    "submitted",
    "changes_requested",
    "accepted",
    "rejected",
    "withdrawn",
    "superseded",  # a newer text of the same annotation was accepted
)
PULL_REQUEST_STATES = (
    "open",
    "changes_requested",
    "accepted",
    "rejected",
    "withdrawn",
    "applied",
)
JOB_STATES = ("queued", "running", "done", "failed", "cancelled")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Number = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only what it calls INTEGER


def _id(name: str = "id") -> Column[Any]:
    return Column(name, String(32), primary_key=True)


def _counted(name: str = "number") -> Column[Any]:
    return Column(name, Number, primary_key=True, autoincrement=True)


def _to(target: str, name: str | None = None, **options: Any) -> Column[Any]:  # noqa: ANN401
    """Return a column that names a row of another table; ``cascade`` deletes with that row."""
    cascade = options.pop("cascade", False)
    key = ForeignKey(f"{target}.id", ondelete="CASCADE" if cascade else None)
    options.setdefault("nullable", False)
    return Column(name or f"{target[:-1]}_id", String(32), key, **options)


def _text(name: str, length: int | None = None, **options: Any) -> Column[Any]:  # noqa: ANN401
    options.setdefault("nullable", False)
    return Column(name, Text() if length is None else String(length), **options)


def _time(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, Double, nullable=nullable)


def _flag(name: str) -> Column[Any]:
    return Column(name, Boolean(create_constraint=False), nullable=False)


def _json(name: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, JSON(none_as_null=True), nullable=nullable)


def _place(*names: str, nullable: bool = False) -> list[Column[Any]]:
    return [Column(name, Double, nullable=nullable) for name in names]


def _one_of(column: str, allowed: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in allowed)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


# --- people and rights ---------------------------------------------------------------------------

users = Table(
    "users",
    metadata,
    _id(),
    _text("name", 100, unique=True),  # as typed at login, small letters
    _text("display_name", 200),
    _text("email", 320, nullable=True),
    _text("password_hash", nullable=True),  # None: no local password
    _flag("is_admin"),
    _flag("is_active"),
    _json("settings"),
    _time("created"),
    _time("last_login", nullable=True),
)
identities = Table(
    "identities",
    metadata,
    _id(),
    _to("users", cascade=True, index=True),
    _text("issuer", 500),
    _text("subject", 255),
    _text("email", 320, nullable=True),
    _time("created"),
    UniqueConstraint("issuer", "subject"),
)
sessions = Table(
    "sessions",
    metadata,
    _id(),
    _to("users", cascade=True, index=True),
    _text("token_hash", 64, unique=True),
    _text("kind", 16),
    _text("name", 200),
    _json("scopes"),  # list of words
    _time("created"),
    _time("expires", nullable=True),
    _time("last_used", nullable=True),
    _time("revoked", nullable=True),
    _one_of("kind", ("cookie", "api", "one_time")),
)
oidc_logins = Table(  # begun on one process, finished on another
    "oidc_logins",
    metadata,
    _text("state_hash", 64, primary_key=True),
    _text("provider", 100),
    _text("nonce", 200),
    _text("verifier", 200),
    _text("next_path", 2000),
    _time("created"),
    _time("expires"),
)
rate_windows = Table(  # e.g. failed logins of a name or an address
    "rate_windows",
    metadata,
    _text("key", 400, primary_key=True),
    _time("started"),
    Column("count", Integer, nullable=False),
)
server_settings = Table(
    "server_settings",
    metadata,
    _text("key", 100, primary_key=True),
    _json("value"),
)
groups = Table(
    "groups",
    metadata,
    _id(),
    _text("name", 100, unique=True),
    _text("description"),
    _time("created"),
)
group_members = Table(
    "group_members",
    metadata,
    _to("groups", cascade=True, primary_key=True),
    _to("users", cascade=True, primary_key=True, index=True),
    _flag("is_owner"),  # may add and remove members
    _time("created"),
)

# --- datasets ------------------------------------------------------------------------------------

datasets = Table(
    "datasets",
    metadata,
    _id(),
    _text("name", 100, unique=True),
    _text("title", 400),
    _text("description"),
    _text("visibility", 16),
    _json("settings"),  # voxel size, stores, view ...
    Column("revision", Integer, nullable=False),
    Column("changes", BigInteger, nullable=False),  # counts writes of annotations, see annotations
    _to("users", "created_by", nullable=True),
    _time("created"),
    _time("changed"),
    _one_of("visibility", ("private", "public")),
)
layers = Table(
    "layers",
    metadata,
    _id(),
    _to("datasets", cascade=True),
    _text("name", 100),
    _text("kind", 16),
    _text("source"),
    _text("version", 100),
    _to("users", "owner_id", nullable=True, index=True),  # None: of everybody who may read
    _json("settings"),
    _time("created"),
    _time("changed"),
    _one_of("kind", LAYER_KINDS),
    UniqueConstraint("dataset_id", "owner_id", "name"),
    Index(
        "ix_layers_shared_name",
        "dataset_id",
        "name",
        unique=True,
        sqlite_where=text("owner_id IS NULL"),
        postgresql_where=text("owner_id IS NULL"),
    ),
)
grants = Table(
    "grants",
    metadata,
    _id(),
    _to("datasets", cascade=True),
    _to("users", cascade=True, nullable=True, index=True),
    _to("groups", cascade=True, nullable=True, index=True),
    _text("role", 16),
    _to("users", "created_by", nullable=True),
    _time("created"),
    _one_of("role", ROLES),
    CheckConstraint("(user_id IS NULL) <> (group_id IS NULL)", name="user_or_group"),
    UniqueConstraint("dataset_id", "user_id"),
    UniqueConstraint("dataset_id", "group_id"),
)
data_links = Table(
    "data_links",
    metadata,
    _id(),
    _text("token_hash", 64, unique=True),
    _to("datasets", cascade=True, index=True),
    _to("layers", cascade=True, nullable=True, index=True),  # None: every layer of the dataset
    _to("users", "created_by"),
    _text("name", 200),
    _time("created"),
    _time("expires"),
    _time("last_used", nullable=True),
    _time("revoked", nullable=True),
)

# --- annotations ---------------------------------------------------------------------------------

annotations = Table(
    "annotations",
    metadata,
    _counted(),  # what neuroglancer calls the id, and the order of pages
    _text("id", 32, unique=True),
    _to("datasets", cascade=True),
    _to("users", "owner_id"),
    _to("layers", nullable=True),
    _text("kind", 8),
    *_place("z1", "y1", "x1"),  # point; first end of a line; centre of a sphere; corner of a box
    *_place("z2", "y2", "x2", nullable=True),  # other end of a line; other corner of a box
    Column("radius", Double, nullable=True),  # of a sphere, in nm
    Column("morton", BigInteger, nullable=False),  # of the centre
    Column("reach", Double, nullable=False),  # from the centre, in voxels along the widest axis
    _text("title", 400),
    _text("title_key", 64),  # what is sorted by
    _text("description"),
    _text("search_text"),  # title, description and tags, folded: what is searched in
    _json("tags"),
    _json("properties"),
    _text("colour_class", 64),
    _text("atlas_state", 20),  # of its newest entry, "" for none
    _text("client_key", 100, nullable=True),  # given by an upload, so that it can be resumed
    Column("revision", Integer, nullable=False),
    Column("change", BigInteger, nullable=False),  # datasets.changes when last written
    _time("created"),
    _time("changed"),
    _to("users", "changed_by"),
    _time("deleted", nullable=True),
    _one_of("kind", KINDS),
    UniqueConstraint("dataset_id", "owner_id", "client_key"),
    Index("ix_annotations_place", "dataset_id", "morton"),
    Index("ix_annotations_owner", "dataset_id", "owner_id", "number"),
    Index("ix_annotations_title", "dataset_id", "owner_id", "title_key", "number"),
    Index("ix_annotations_change", "dataset_id", "owner_id", "change", "number"),
    Index("ix_annotations_kind", "dataset_id", "kind", "owner_id", "number"),
    Index("ix_annotations_reach", "dataset_id", "reach"),
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
    _counted(),
    Column("annotation_id", String(32), ForeignKey("annotations.id", ondelete="CASCADE")),
    Column("revision", Integer, nullable=False),
    _text("action", 16),
    _to("users"),
    _time("at"),
    _json("content"),  # the whole annotation as it was after the action
    UniqueConstraint("annotation_id", "revision"),
)
shares = Table(  # a sandbox shown to a group
    "shares",
    metadata,
    _to("users", "owner_id", cascade=True, primary_key=True),
    _to("datasets", cascade=True, primary_key=True),
    _to("groups", cascade=True, primary_key=True, index=True),
    _time("created"),
)

# --- atlas ---------------------------------------------------------------------------------------

atlas_entries = Table(
    "atlas_entries",
    metadata,
    _id(),
    Column(
        "annotation_id",
        String(32),
        ForeignKey("annotations.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    _to("datasets", cascade=True),
    _to("users", "owner_id", index=True),
    _to("users", "reviewer_id", nullable=True),
    _text("state", 20),
    _text("title", 400),
    _text("description"),
    _text("search_text"),
    _json("tags"),
    _json("content"),  # the annotation as it was submitted: later edits are not shown unreviewed
    Column("annotation_revision", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    _time("created"),
    _time("changed"),
    _one_of("state", ATLAS_STATES),
    Index("ix_atlas_entries_state", "dataset_id", "state", "id"),
)
atlas_comments = Table(
    "atlas_comments",
    metadata,
    _id(),
    Column(
        "entry_id",
        String(32),
        ForeignKey("atlas_entries.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    _to("users"),
    _text("action", 20),  # "comment", or the state that the entry was brought into
    _text("text"),
    _time("at"),
)

# --- searches ------------------------------------------------------------------------------------

searches = Table(
    "searches",
    metadata,
    _id(),
    _to("datasets", cascade=True),
    _to("users", "owner_id"),
    _text("title", 400),
    _text("note"),
    _json("examples"),
    _json("settings"),
    _json("fingerprint"),  # of the stores that were searched
    Column("revision", Integer, nullable=False),
    _time("created"),
    _time("changed"),
    _time("ran", nullable=True),
    _time("deleted", nullable=True),
    Index("ix_searches_owner", "dataset_id", "owner_id", "id"),
)
search_matches = Table(
    "search_matches",
    metadata,
    Column(
        "search_id",
        String(32),
        ForeignKey("searches.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("rank", Integer, primary_key=True, autoincrement=False),
    _text("dataset", 100),  # name of the dataset that it lies in
    *_place("z", "y", "x"),
    Column("hamming", Integer, nullable=True),
    Column("score", Double, nullable=True),
    Column("probability", Double, nullable=True),
    _json("details"),
)
search_marks = Table(
    "search_marks",
    metadata,
    _id(),
    Column(
        "search_id",
        String(32),
        ForeignKey("searches.id", ondelete="CASCADE"),
        nullable=False,
    ),
    _text("dataset", 100),
    *_place("z", "y", "x"),
    _text("mark", 8),
    _to("users"),
    _time("at"),
    _one_of("mark", ("right", "wrong")),
    UniqueConstraint("search_id", "dataset", "z", "y", "x"),
)

# --- merges of segments --------------------------------------------------------------------------

merges = Table(
    "merges",
    metadata,
    _counted(),
    _to("datasets", cascade=True),
    _to("layers", cascade=True),
    _to("users"),
    _text("action", 8),
    _json("segments"),  # decimal strings; of a merge the first names the result
    _text("base_version", 100),
    _time("created"),
    _time("undone", nullable=True),
    _one_of("action", ("merge", "split")),
    Index("ix_merges_sandbox", "layer_id", "user_id", "number"),
    sqlite_autoincrement=True,
)
pull_requests = Table(
    "pull_requests",
    metadata,
    _id(),
    _to("datasets", cascade=True),
    _to("layers", cascade=True),
    _to("users", "author_id", index=True),
    _to("users", "reviewer_id", nullable=True),
    _text("title", 400),
    _text("description"),
    _text("state", 20),
    _text("base_version", 100),
    _text("applied_version", 100, nullable=True),
    Column("revision", Integer, nullable=False),
    _time("created"),
    _time("changed"),
    _time("decided", nullable=True),
    _one_of("state", PULL_REQUEST_STATES),
    Index("ix_pull_requests_state", "layer_id", "state", "id"),
)
pull_request_segments = Table(
    "pull_request_segments",
    metadata,
    Column(
        "pull_request_id",
        String(32),
        ForeignKey("pull_requests.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    _text("segment", 20, primary_key=True, index=True),
    _text("representative", 20),  # the segment that it becomes
)
pull_request_comments = Table(
    "pull_request_comments",
    metadata,
    _id(),
    Column(
        "pull_request_id",
        String(32),
        ForeignKey("pull_requests.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    _to("users"),
    _text("action", 20),  # "comment", or the state that the request was brought into
    _text("text"),
    _time("at"),
)

# --- viewer states, jobs, audit ------------------------------------------------------------------

viewer_states = Table(
    "viewer_states",
    metadata,
    _text("key", 16, primary_key=True),
    _to("datasets", cascade=True, nullable=True, index=True),
    _to("users", "owner_id", nullable=True),
    _text("digest", 64),
    _json("state"),
    _time("created"),
    Index("ix_viewer_states_digest", "digest", "owner_id"),
)
jobs = Table(
    "jobs",
    metadata,
    _id(),
    _text("kind", 50),
    _text("state", 16),
    _to("datasets", cascade=True, nullable=True, index=True),
    _to("users", "owner_id", index=True),
    _json("settings"),
    _json("result", nullable=True),
    _text("error", nullable=True),
    Column("progress", Double, nullable=False),  # 0 to 1
    _text("progress_text", 400),
    Column("priority", Integer, nullable=False),  # higher first
    Column("attempts", Integer, nullable=False),
    Column("most_attempts", Integer, nullable=False),
    _flag("cancel_requested"),
    _text("worker_id", 32, nullable=True),
    _time("heartbeat", nullable=True),
    _time("created"),
    _time("not_before"),
    _time("started", nullable=True),
    _time("finished", nullable=True),
    _one_of("state", JOB_STATES),
    Index("ix_jobs_queue", "state", "priority", "id"),
)
job_log = Table(
    "job_log",
    metadata,
    _counted(),
    _to("jobs", cascade=True, index=True),
    _time("at"),
    _text("level", 10),
    _text("text"),
)
workers = Table(
    "workers",
    metadata,
    _id(),
    _text("host", 255),
    Column("pid", Integer, nullable=False),
    _json("kinds"),  # of jobs that it does
    _text("job_id", 32, nullable=True),
    _time("started"),
    _time("heartbeat"),
    _time("stopped", nullable=True),
)
snapshots = Table(  # small pictures, kept
    "snapshots",
    metadata,
    _text("key", 64, primary_key=True),  # SHA-256 of what it shows
    _to("datasets", cascade=True, index=True),
    _text("media_type", 40),
    Column("image", LargeBinary, nullable=False),
    _time("created"),
)
audit = Table(
    "audit",
    metadata,
    _counted(),
    _time("at"),
    _text("user_id", 32, nullable=True, index=True),  # no key: what was done outlives who did it
    _text("session_id", 32, nullable=True),
    _text("action", 100),
    _text("subject_kind", 50),
    _text("subject_id", 100),
    _text("dataset_id", 32, nullable=True, index=True),
    _text("address", 100),
    _text("outcome", 20),
    _json("details"),
    Index("ix_audit_at", "at"),
)
