"""Searches, merges, viewer states, jobs and the audit log."""

from sqlalchemy import (
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from emqs.annotations.migrations.schema_0001.columns import (
    coordinates,
    counted,
    flag,
    id_column,
    json_column,
    metadata,
    one_of,
    text_column,
    time_column,
    to,
)
from emqs.annotations.migrations.schema_0001.words import JOB_STATES, PULL_REQUEST_STATES

searches = Table(
    "searches",
    metadata,
    id_column(),
    to("datasets", cascade=True),
    to("users", "owner_id"),
    text_column("title", 400),
    text_column("note"),
    json_column("examples"),
    json_column("settings"),
    json_column("fingerprint"),  # of the stores that were searched
    Column("revision", Integer, nullable=False),
    time_column("created"),
    time_column("changed"),
    time_column("ran", nullable=True),
    time_column("deleted", nullable=True),
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
    text_column("dataset", 100),  # name of the dataset that it lies in
    *coordinates("z", "y", "x"),
    Column("hamming", Integer, nullable=True),
    Column("score", Double, nullable=True),
    Column("probability", Double, nullable=True),
    json_column("details"),
)
search_marks = Table(
    "search_marks",
    metadata,
    id_column(),
    Column(
        "search_id",
        String(32),
        ForeignKey("searches.id", ondelete="CASCADE"),
        nullable=False,
    ),
    text_column("dataset", 100),
    *coordinates("z", "y", "x"),
    text_column("mark", 8),
    to("users"),
    time_column("at"),
    one_of("mark", ("right", "wrong")),
    UniqueConstraint("search_id", "dataset", "z", "y", "x"),
)

merges = Table(
    "merges",
    metadata,
    counted(),
    to("datasets", cascade=True),
    to("layers", cascade=True),
    to("users"),
    text_column("action", 8),
    json_column("segments"),  # decimal strings; of a merge the first names the result
    text_column("base_version", 100),
    time_column("created"),
    time_column("undone", nullable=True),
    one_of("action", ("merge", "split")),
    Index("ix_merges_sandbox", "layer_id", "user_id", "number"),
    sqlite_autoincrement=True,
)
pull_requests = Table(
    "pull_requests",
    metadata,
    id_column(),
    to("datasets", cascade=True),
    to("layers", cascade=True),
    to("users", "author_id", index=True),
    to("users", "reviewer_id", nullable=True),
    text_column("title", 400),
    text_column("description"),
    text_column("state", 20),
    text_column("base_version", 100),
    text_column("applied_version", 100, nullable=True),
    Column("revision", Integer, nullable=False),
    time_column("created"),
    time_column("changed"),
    time_column("decided", nullable=True),
    one_of("state", PULL_REQUEST_STATES),
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
    text_column("segment", 20, primary_key=True, index=True),
    text_column("representative", 20),  # the segment that it becomes
)
pull_request_comments = Table(
    "pull_request_comments",
    metadata,
    id_column(),
    Column(
        "pull_request_id",
        String(32),
        ForeignKey("pull_requests.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    to("users"),
    text_column("action", 20),  # "comment", or the state that the request was brought into
    text_column("text"),
    time_column("at"),
)

viewer_states = Table(
    "viewer_states",
    metadata,
    text_column("key", 16, primary_key=True),
    to("datasets", cascade=True, nullable=True, index=True),
    to("users", "owner_id", nullable=True),
    text_column("digest", 64),
    json_column("state"),
    time_column("created"),
    Index("ix_viewer_states_digest", "digest", "owner_id"),
)
jobs = Table(
    "jobs",
    metadata,
    id_column(),
    text_column("kind", 50),
    text_column("state", 16),
    to("datasets", cascade=True, nullable=True, index=True),
    to("users", "owner_id", index=True),
    json_column("settings"),
    json_column("result", nullable=True),
    text_column("error", nullable=True),
    Column("progress", Double, nullable=False),  # 0 to 1
    text_column("progress_text", 400),
    Column("priority", Integer, nullable=False),  # higher first
    Column("attempts", Integer, nullable=False),
    Column("most_attempts", Integer, nullable=False),
    flag("cancel_requested"),
    text_column("worker_id", 32, nullable=True),
    time_column("heartbeat", nullable=True),
    time_column("created"),
    time_column("not_before"),
    time_column("started", nullable=True),
    time_column("finished", nullable=True),
    one_of("state", JOB_STATES),
    Index("ix_jobs_queue", "state", "priority", "id"),
)
job_log = Table(
    "job_log",
    metadata,
    counted(),
    to("jobs", cascade=True, index=True),
    time_column("at"),
    text_column("level", 10),
    text_column("text"),
)
workers = Table(
    "workers",
    metadata,
    id_column(),
    text_column("host", 255),
    Column("pid", Integer, nullable=False),
    json_column("kinds"),  # of jobs that it does
    text_column("job_id", 32, nullable=True),
    time_column("started"),
    time_column("heartbeat"),
    time_column("stopped", nullable=True),
)
snapshots = Table(  # small pictures, kept
    "snapshots",
    metadata,
    text_column("key", 64, primary_key=True),  # SHA-256 of what it shows
    to("datasets", cascade=True, index=True),
    text_column("media_type", 40),
    Column("image", LargeBinary, nullable=False),
    time_column("created"),
)
audit = Table(
    "audit",
    metadata,
    counted(),
    time_column("at"),
    text_column("user_id", 32, nullable=True, index=True),  # no key: outlives the user
    text_column("session_id", 32, nullable=True),
    text_column("action", 100),
    text_column("subject_kind", 50),
    text_column("subject_id", 100),
    text_column("dataset_id", 32, nullable=True, index=True),
    text_column("address", 100),
    text_column("outcome", 20),
    json_column("details"),
    Index("ix_audit_at", "at"),
)
