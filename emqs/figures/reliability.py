"""Reliability diagrams: do probabilities agree with labels?"""

import numpy as np
from matplotlib.figure import Figure

from emqs.errors import DataError
from emqs.figures import style


def reliability_diagram(
    edges: np.ndarray,
    counts: np.ndarray,
    predicted: np.ndarray,
    observed: np.ndarray,
    *,
    error: float,
    threshold: float,
    title: str,
) -> Figure:
    """Return a figure of the share of positive patches against their predicted probability.

    Each bin is a dot at its mean probability; on the dotted diagonal the two agree. Below stands
    how many patches each bin holds, since most patches are surely not what is looked for.

    Args:
        edges: Edges of B bins, shape ``(B + 1,)``, from 0 to 1.
        counts: Patches in each bin, shape ``(B,)``.
        predicted: Their mean probability, shape ``(B,)``; not looked at where there are none.
        observed: The share of them that is positive, shape ``(B,)``.
        error: The expected calibration error, for the legend.
        threshold: Probability at which the ranking is cut, in [0, 1].
        title: Above the axes.

    Raises:
        DataError: If there are no patches.
    """
    known = counts > 0
    if not known.any():
        raise DataError("There are no probabilities to draw.")
    figure = style.new_figure(5.2, 6.6, title=title)
    above, below = figure.subplots(2, 1, height_ratios=[3, 1], sharex=True)
    above.plot([0, 1], [0, 1], color=style.GREY, linestyle=":", label="perfectly calibrated")
    above.plot(
        predicted[known], observed[known], color=style.BLUE, marker="o",
        label=f"patches; calibration error {error:.3f}",
    )  # fmt: skip
    above.set_ylim(-0.03, 1.03)
    above.set_ylabel("Share of patches that are positive", fontsize=style.LABEL)
    width = edges[1] - edges[0]
    below.bar(edges[:-1], counts, width=0.92 * width, align="edge", color=style.SKY_BLUE)
    below.set_yscale("log")
    below.set_ylim(bottom=0.7)
    below.set_ylabel("Patches", fontsize=style.LABEL)
    below.set_xlabel("Predicted probability", fontsize=style.LABEL)
    for axes in (above, below):
        axes.axvline(
            threshold, color=style.VERMILLION, linestyle="--", linewidth=1.3,
            label=f"suggested threshold, {threshold:.2f}",
        )  # fmt: skip
        axes.set_xlim(-0.03, 1.03)
        axes.tick_params(labelsize=style.SMALL)
        axes.grid(color="0.9", linewidth=0.8)
        axes.set_axisbelow(True)
    above.legend(loc="lower right", fontsize=style.SMALL)
    return figure
