"""Words that columns may hold."""

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
