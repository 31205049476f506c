"""The tables as revision 0001 made them; never changes once released.

Every time is a number of seconds since 1970 in UTC (a double). An id is an opaque string of
``ids.new_id``, which sorts by the time at which it was made. Segments are decimal strings, because
labels of 64 bits are larger than the whole numbers of a database. Places are voxels of full
resolution, Z Y X. Secrets (tokens, links) are stored as the SHA-256 of what was handed out, in 64
hexadecimal digits.

A change of a table needs a revision in ``migrations/versions``; a test compares the two.
"""

from emqs.annotations.migrations.schema_0001.columns import metadata
from emqs.annotations.migrations.schema_0001.people import (
    data_links,
    datasets,
    grants,
    group_members,
    groups,
    identities,
    layers,
    oidc_logins,
    rate_windows,
    server_settings,
    sessions,
    users,
)
from emqs.annotations.migrations.schema_0001.places import (
    annotation_history,
    annotation_tags,
    annotations,
    atlas_comments,
    atlas_entries,
    shares,
)
from emqs.annotations.migrations.schema_0001.words import (
    ATLAS_STATES,
    JOB_STATES,
    KINDS,
    LAYER_KINDS,
    PULL_REQUEST_STATES,
    ROLES,
)
from emqs.annotations.migrations.schema_0001.work import (
    audit,
    job_log,
    jobs,
    merges,
    pull_request_comments,
    pull_request_segments,
    pull_requests,
    search_marks,
    search_matches,
    searches,
    snapshots,
    viewer_states,
    workers,
)

__all__ = [
    "ATLAS_STATES",
    "JOB_STATES",
    "KINDS",
    "LAYER_KINDS",
    "PULL_REQUEST_STATES",
    "ROLES",
    "annotation_history",
    "annotation_tags",
    "annotations",
    "atlas_comments",
    "atlas_entries",
    "audit",
    "data_links",
    "datasets",
    "grants",
    "group_members",
    "groups",
    "identities",
    "job_log",
    "jobs",
    "layers",
    "merges",
    "metadata",
    "oidc_logins",
    "pull_request_comments",
    "pull_request_segments",
    "pull_requests",
    "rate_windows",
    "search_marks",
    "search_matches",
    "searches",
    "server_settings",
    "sessions",
    "shares",
    "snapshots",
    "users",
    "viewer_states",
    "workers",
]
