"""How the losses of a training run fell."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from emqs.errors import DataError
from emqs.figures import style

NAMES = {
    "loss": "loss (weighted sum)",
    "bce": "binary cross-entropy",
    "mse": "mean squared error",
    "ssim": "1 - SSIM",
    "ms_ssim": "1 - MS-SSIM",
    "kl": "KL divergence, nats",
    "consistency": "code distance of two views",
    "isometry": "error of code distances",
    "nt_xent": "finding the other view, nats",
    "invariance": "squared difference of two views",
    "variance": "deviations below 1",
    "covariance": "squared covariances",
    "teacher_relations": "difference from the teacher's similarities",
    "teacher_regression": "error of the teacher's code",
    "spread": "spread of codes (0: collapsed)",
}
COLUMNS = 3  # panels beside each other


def loss_curves(history: Mapping[str, Sequence[float]], *, title: str) -> Figure:
    """Return the loss, and each term that it is the sum of, over the epochs.

    Args:
        history: ``epoch`` (from 0), ``train/NAME`` and ``val/NAME``, all of one length, one value
            an epoch. A term without a validation value has one line only.
        title: Above the figure.

    Raises:
        DataError: If there is no epoch, or no loss.
    """
    if len(history.get("epoch", [])) == 0 or "train/loss" not in history:
        raise DataError("Loss curves need at least one epoch with epoch and train/loss.")
    terms = [name for name in NAMES if f"train/{name}" in history]
    if len(terms) == 2 and np.array_equal(history["train/loss"], history[f"train/{terms[1]}"]):
        terms = terms[1:]  # the loss is its only term
    epochs = np.asarray(history["epoch"], dtype=float) + 1
    columns = min(len(terms), COLUMNS)
    rows = -(-len(terms) // columns)
    figure = style.new_figure(4.6 * columns, 3.5 * rows + 0.4, title=title)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(terms) :]:
        axes.set_axis_off()
    for axes, name in zip(panels, terms, strict=False):
        axes.plot(epochs, history[f"train/{name}"], "o-", color=style.ORANGE, ms=3,
                  label="training, augmented patches")  # fmt: skip
        if f"val/{name}" in history:
            values = np.asarray(history[f"val/{name}"], dtype=float)
            axes.plot(epochs, values, "s--", color=style.BLUE, ms=3,
                      label="validation, unchanged patches")  # fmt: skip
        if "val/loss" in history:
            best = int(np.argmin(history["val/loss"]))
            axes.axvline(epochs[best], color=style.GREY, lw=1, ls=":",
                         label=f"best epoch, {epochs[best]:.0f}")  # fmt: skip
        axes.set_xlabel("epoch", fontsize=style.LABEL)
        axes.set_ylabel(NAMES[name], fontsize=style.LABEL)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
        axes.tick_params(labelsize=style.SMALL)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3,
        fontsize=style.SMALL, frameon=False,
    )  # fmt: skip
    return figure
