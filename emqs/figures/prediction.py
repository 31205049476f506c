"""A slice with what was predicted in it."""

from typing import Protocol

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from emqs.figures import style


class Picture(Protocol):
    """What is drawn; see ``emqs.prediction.pictures``."""

    @property
    def image(self) -> np.ndarray:
        """Shape ``(Y, X)``, float in [0, 1]."""
        ...

    @property
    def probability(self) -> np.ndarray:
        """Shape ``(Y, X)``, float in [0, 1]."""
        ...

    @property
    def labels(self) -> np.ndarray:
        """Shape ``(Y, X)``, unsigned; 0 is no object."""
        ...

    @property
    def pixel_size_nm(self) -> float:
        """Edge of a pixel."""
        ...

    @property
    def title(self) -> str:
        """Says which slice."""
        ...


def overlay(picture: Picture) -> Figure:
    """Return the slice with the outlines of objects, and the probability beside it.

    Args:
        picture: A part of a slice.
    """
    figure = style.new_figure(11, 5.6, title=picture.title)
    left, right = figure.subplots(1, 2)
    style.show_grey(left, picture.image)
    width = picture.image.shape[1]
    for label in np.unique(picture.labels)[1 if (picture.labels == 0).any() else 0 :]:
        style.outline(left, picture.labels == label)
    style.scale_bar(left, picture.pixel_size_nm, width)
    left.set_title("objects", fontsize=style.LABEL)
    key: Line2D = style.outline_key("outline of an object")
    left.legend(handles=[key], loc="upper right", fontsize=style.SMALL)
    shown = right.imshow(
        picture.probability, cmap="cividis", vmin=0, vmax=1, interpolation="nearest"
    )
    style.bare(right)
    right.set_title("probability", fontsize=style.LABEL)
    style.scale_bar(right, picture.pixel_size_nm, width)
    figure.colorbar(shown, ax=right, fraction=0.046, pad=0.02)
    return figure
