"""Stacks of slices with or without labels, from folders of images or made on the spot.

``open_stack`` is the way in. ``opening`` chooses by the settings, ``folder`` finds and pairs files,
``intensity`` says what is black and white, ``packaged`` collects the pictures for pretraining,
``synthetic`` draws slices, ``download`` fetches public ones.
"""

from typing import TYPE_CHECKING

from emqs.lazy import exports

if TYPE_CHECKING:
    from emqs.datasets.opening import open_stack, open_stacks
    from emqs.datasets.stack import Stack, described

__all__ = ["Stack", "described", "open_stack", "open_stacks"]

__getattr__ = exports(
    __name__,
    {
        "Stack": "emqs.datasets.stack",
        "described": "emqs.datasets.stack",
        "open_stack": "emqs.datasets.opening",
        "open_stacks": "emqs.datasets.opening",
    },
)
