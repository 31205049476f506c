"""Fixtures of these tests."""

from support.buckets import bucket, running_bucket  # noqa: F401
