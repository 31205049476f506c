"""Patches: where they lie, how they are cut, what they overlap."""
