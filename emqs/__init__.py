"""Similarity search in electron microscopy: point at one structure, find them all.

Importing ``emqs`` loads nothing heavy. Start reading at ``emqs/evaluation/evaluate.py``.
"""

__version__ = "0.1.0"
