"""Joins the steps: slices -> patches -> codes -> examples -> ranking -> how good it is."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from emqs.datasets import Stack
from emqs.embedding import encode
from emqs.evaluation import calibration_error, metrics
from emqs.models.compute import DEFAULT, Compute
from emqs.models.weights import Model
from emqs.patches import overlap as overlaps
from emqs.patches.grid import make_grid, patch_pixels
from emqs.patches.settings import PatchConfig
from emqs.retrieval import examples as querying
from emqs.retrieval import ranking
from emqs.retrieval.leave_one_out import calibrate, describe
from emqs.retrieval.settings import IndexConfig, QueryConfig
from emqs.retrieval.stack_search import StackSearch

PRECISION_AT = (10, 50, 100)


@dataclass(frozen=True)
class Evaluation:
    """A ranking of all searched patches and how good it is; arrays are best patch first."""

    boxes: np.ndarray  # (N, 5), int64
    scores: np.ndarray  # (N,), float64
    overlap: np.ndarray  # (N,), float64: fraction of the patch that is the structure
    curve: metrics.ComponentCurve
    split: querying.Split  # positions refer to ``grid``
    grid: np.ndarray  # (M, 5), int64: all patches, examples included
    metrics: dict[str, Any]  # what metrics.json holds
    probabilities: np.ndarray | None  # (N,), float64; None with too few examples
    again: Callable[..., np.ndarray] | None = None  # scores of other boxes; see ``Scores.again``


def evaluate(
    stack: Stack,
    model: Model,
    *,
    patch: PatchConfig,
    query: QueryConfig,
    index: IndexConfig,
    compute: Compute = DEFAULT,
    n_bootstrap: int = 200,
) -> Evaluation:
    """Search a labelled stack with examples from its own query slices, and measure the ranking.

    Args:
        stack: Slices with labels.
        model: The encoder; PCA and histogram first learn from the patches, without labels.
        patch: Size and grid step of patches.
        query: What to look for.
        index: How nearest examples are found.
        compute: Device, batch size, whether a bar is shown.
        n_bootstrap: Resamples of slices for the confidence intervals.

    Returns:
        The ranking and its metrics.

    Raises:
        DataError: If there are no labels, no positive or no negative example.

    Source:
        Patch-based Querying.
    """
    started = time.perf_counter()
    labels = stack.require_structures([query.structure], setting="query.structure")
    grid = make_grid(stack, patch)
    overlap = overlaps.structure_fraction(labels, grid, query.structure)
    split = querying.split(grid, overlap, len(stack), query)
    encode.fit(model, stack, grid)
    searched = grid[split.searched]
    search = StackSearch(model, stack, patch_pixels(stack, patch)[0], query, index, compute)
    prepared = search.prepare(grid[split.positives], grid[split.negatives], searched)
    found_scores = search.score(searched, prepared)
    scores = found_scores.ranking
    n_query_patches = int(np.isin(grid[:, 0], split.query_slices).sum())
    calibrated = calibrate(
        search, prepared, found_scores,
        prevalence=(len(split.positives) + 0.5) / (n_query_patches + 1),
    )  # fmt: skip
    order = ranking.ranking(scores)
    shares = overlap[split.searched]
    truth = metrics.ComponentTruth(
        shares > 0,
        *overlaps.touched_components(labels, searched, query.structure),
    )
    curve = metrics.component_curve(order, truth)
    measured = _measure(order, scores, shares, truth, query, curve)
    areas = np.array([np.sum(labels[z] == query.structure) for z in np.unique(searched[:, 0])])
    measured["confidence_95"] = _intervals(
        truth.gains(order), shares[order], searched[order, 0], areas, query, n_bootstrap
    )
    measured |= {
        "dataset": stack.name,
        "model": model.name,
        "n_searched_patches": len(searched),
        "n_positive": len(split.positives),
        "n_negative": len(split.negatives),
        "n_query_slices": len(split.query_slices),
        "n_slices": len(stack),
        **describe(calibrated, scores),
        "seconds": time.perf_counter() - started,
    }
    probabilities = None if calibrated is None else calibrated.probability(scores[order])
    _add_measured_calibration(
        measured["calibration"], probabilities, shares[order] > query.min_overlap
    )
    return Evaluation(
        searched[order],
        scores[order],
        shares[order],
        curve,
        split,
        grid,
        measured,
        probabilities,
        found_scores.again if query.dense else None,
    )


def _add_measured_calibration(
    block: dict[str, Any] | None, probabilities: np.ndarray | None, relevant: np.ndarray
) -> None:
    """Add to the block ``calibration`` what labels say of it.

    Args:
        block: As ``describe`` makes it; None without probabilities.
        probabilities: Of the searched patches, best first, shape ``(N,)``.
        relevant: Which are positive in the sense of the examples, best first, shape ``(N,)``.
    """
    if block is None or probabilities is None:
        return
    measured = calibration_error.reliability(probabilities, relevant)
    n_above = block["threshold"]["n_patches"]
    n_hits = int(relevant[:n_above].sum())
    n_relevant = int(relevant.sum())
    block["threshold"] |= {
        "precision": n_hits / n_above,
        "recall": n_hits / n_relevant if n_relevant else None,
    }
    block |= {
        "expected_calibration_error": measured.error,
        "prevalence_of_labels": float(relevant.mean()),
        "bins": [
            {"from": low, "to": high, "n_patches": n, "mean_probability": p, "share_positive": o}
            for low, high, n, p, o in zip(
                measured.edges[:-1].tolist(),
                measured.edges[1:].tolist(),
                measured.counts.tolist(),
                measured.predicted.tolist(),
                measured.observed.tolist(),
                strict=True,
            )
            if n > 0
        ],
    }


def _measure(
    order: np.ndarray,
    scores: np.ndarray,
    overlap: np.ndarray,
    truth: metrics.ComponentTruth,
    query: QueryConfig,
    curve: metrics.ComponentCurve,
) -> dict[str, Any]:
    """Return the metrics of one ranking and what a random ranking gets on each."""
    n = len(order)
    relevant = {"touch": overlap > 0, "overlap": overlap > query.min_overlap}
    measured: dict[str, Any] = {
        "component_ap": curve.average_precision,
        "component_ap_paper": curve.average_precision_paper,
    }
    by_chance = metrics.chance_component_average_precision(truth)
    chance: dict[str, Any] = dict(zip(measured, by_chance, strict=True))
    for name, hits in relevant.items():
        n_hits = int(hits.sum())
        known = n_hits > 0  # without a relevant patch the patch AP is undefined, not 0
        measured[f"patch_ap_{name}"] = metrics.average_precision(scores, hits) if known else None
        chance[f"patch_ap_{name}"] = metrics.chance_average_precision(n_hits, n) if known else None
        measured[f"precision_{name}"] = {
            str(k): metrics.precision_at(hits[order], k) for k in PRECISION_AT
        }
        chance[f"precision_{name}"] = n_hits / n
    return measured | {"chance": chance}


def _intervals(
    gains: np.ndarray,
    overlap: np.ndarray,
    slices: np.ndarray,
    areas: np.ndarray,
    query: QueryConfig,
    n_draws: int,
) -> dict[str, tuple[float, float] | None]:
    """Return 95 % confidence intervals by resampling the searched slices; arrays best first."""
    touch, enough = overlap > 0, overlap > query.min_overlap
    interval = partial(metrics.bootstrap_interval, slices=slices, n_draws=n_draws)
    return {
        "component_ap": interval(gains, touch, totals=areas, skip_first=False),
        "component_ap_paper": interval(gains, touch, totals=areas, skip_first=True),
        "patch_ap_touch": interval(touch, touch, skip_first=False),
        "patch_ap_overlap": interval(enough, enough, skip_first=False) if enough.any() else None,
    }
