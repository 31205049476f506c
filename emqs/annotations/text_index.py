"""Finds a run of letters in texts without reading them all, on SQLite and PostgreSQL."""

NAME = "annotation_texts"


def is_text_index(name: str) -> bool:
    """Return whether this is the name of an index that the revisions make by hand."""
    return name == NAME
