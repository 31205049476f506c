"""Patches to codes, and where codes lie."""
