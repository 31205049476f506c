"""Stacks of slices with or without labels, from folders of images or made on the spot.

``open_stack`` is the way in. ``sources`` chooses by the settings, ``folder`` finds and pairs files,
``images`` and ``tiff`` read them, ``intensity`` says what is black and white, ``packaged`` collects
the pictures for pretraining.
"""

from emqs.datasets.opening import open_stack, open_stacks
from emqs.datasets.stack import Stack

__all__ = ["Stack", "open_stack", "open_stacks"]
