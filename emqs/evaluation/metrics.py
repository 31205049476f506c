"""How good a ranking is: average precision of patches and of whole components. NumPy only.

Only the order of scores counts anywhere here; they are never rescaled.
"""

from dataclasses import dataclass

import numpy as np

from emqs.errors import DataError


def _check_relevant(relevant: np.ndarray) -> None:
    if relevant.ndim != 1 or relevant.dtype != bool:
        raise DataError(
            f"relevant must be a bool array of shape (N,), got {relevant.dtype} {relevant.shape}."
        )
    if not relevant.any():
        raise DataError(
            f"None of the {len(relevant)} patches shows the structure, so average precision is "
            "undefined. Check query.structure and query.min_overlap."
        )


def average_precision(scores: np.ndarray, relevant: np.ndarray) -> float:
    """Return the area under the precision-recall steps of one ranking.

    Args:
        scores: Shape ``(N,)``; higher is better. Signed and tiny values are fine.
        relevant: Shape ``(N,)``, bool.

    Returns:
        Average precision in (0, 1]. Equal scores form one step.

    Raises:
        DataError: If a score is NaN, the shapes differ, or nothing is relevant.

    Source:
        The definition of scikit-learn's ``average_precision_score``.
    """
    _check_relevant(relevant)
    if scores.shape != relevant.shape or np.isnan(scores).any():
        raise DataError(
            f"scores must be numbers of shape {relevant.shape}, got shape {scores.shape} with "
            f"{int(np.isnan(scores).sum())} NaN."
        )
    scores = scores.astype(np.float64)  # unsigned numbers have no negative
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(relevant[order])
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True)
    hits, ranks = hits[last_of_tie], np.flatnonzero(last_of_tie) + 1
    recall_steps = np.diff(hits, prepend=0) / hits[-1]
    return float(np.sum(recall_steps * hits / ranks))


def precision_at(ranked_relevant: np.ndarray, k: int) -> float | None:
    """Return the relevant fraction of the k best patches, or None if there are fewer than k."""
    return float(ranked_relevant[:k].mean()) if 1 <= k <= len(ranked_relevant) else None


def chance_average_precision(n_relevant: int, n: int) -> float:
    """Return the mean average precision of all orders of ``n`` patches, ``n_relevant`` relevant.

    Source:
        Expectation of precision at a relevant rank i of a random permutation:
        ``(1 + (i - 1) (R - 1) / (N - 1)) / i``, averaged over i.
    """
    if not 1 <= n_relevant <= n:
        raise DataError(f"n_relevant must be from 1 to n={n}, got {n_relevant}.")
    ranks = np.arange(1, n + 1)
    others = (n_relevant - 1) / max(n - 1, 1)
    return float(np.mean((1 + (ranks - 1) * others) / ranks))


@dataclass(frozen=True)
class ComponentCurve:
    """Precision and recall of one ranking when components are found, rank by rank."""

    precision: np.ndarray  # (N,), float64: patches so far with overlap > 0, divided by rank
    recall: np.ndarray  # (N,), float64: area of components touched so far / area of all
    average_precision: float  # the component AP: recall steps times precision, over all ranks
    average_precision_paper: float  # the paper's: the same sum from rank 2 on, so it can be below 1


@dataclass(frozen=True)
class ComponentTruth:
    """What the searched patches touch, independent of any ranking."""

    relevant: np.ndarray  # (N,), bool: overlap > 0
    pair_patch: np.ndarray  # (P,), int64: patch of each touching pair, positions below N
    pair_component: np.ndarray  # (P,), int64: its component, positions below C
    areas: np.ndarray  # (C,), int64, pixels

    def __post_init__(self) -> None:
        """Check that there is something to find."""
        _check_relevant(self.relevant)

    def gains(self, order: np.ndarray) -> np.ndarray:
        """Return the area newly found at each rank, shape ``(N,)``, int64, pixels."""
        rank_of = np.empty(len(order), dtype=np.int64)
        rank_of[order] = np.arange(len(order))
        first = np.full(len(self.areas), len(order), dtype=np.int64)
        np.minimum.at(first, self.pair_component, rank_of[self.pair_patch])
        reached = first < len(order)
        return np.bincount(
            first[reached], weights=self.areas[reached], minlength=len(order)
        ).astype(np.int64)


def component_curve(order: np.ndarray, truth: ComponentTruth) -> ComponentCurve:
    """Return precision, recall and the component AP of one ranking.

    A component counts in full at the first patch that touches it. The paper's sum of recall steps
    times precision starts at rank 2: what the best patch touches earns nothing there.

    Args:
        order: Positions of the patches from best to worst, shape ``(N,)``.
        truth: What they touch.

    Returns:
        The curve.

    Source:
        Patch-based Querying, evaluation.
    """
    relevant = truth.relevant[order]
    precision = np.cumsum(relevant) / np.arange(1, len(order) + 1)
    recall = np.cumsum(truth.gains(order)) / truth.areas.sum()
    credited = np.diff(recall, prepend=0) * precision
    return ComponentCurve(precision, recall, float(credited.sum()), float(credited[1:].sum()))


def chance_component_average_precision(
    truth: ComponentTruth, *, n_draws: int = 20, seed: int = 0
) -> tuple[float, float]:
    """Return the mean component AP of ``n_draws`` random orders, and the paper's; seeded."""
    rng = np.random.default_rng(seed)
    n = len(truth.relevant)
    curves = [component_curve(rng.permutation(n), truth) for _ in range(n_draws)]
    return (
        float(np.mean([curve.average_precision for curve in curves])),
        float(np.mean([curve.average_precision_paper for curve in curves])),
    )


def bootstrap_interval(
    gains: np.ndarray,
    hits: np.ndarray,
    slices: np.ndarray,
    *,
    skip_first: bool,
    totals: np.ndarray | None = None,
    n_draws: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Return a confidence interval of an average precision by resampling slices.

    Patches of one slice are not independent, so whole slices are drawn with replacement; the
    patches of a slice drawn twice count twice at their rank, as ties do: one step.

    Args:
        gains: What each rank adds to recall, shape ``(N,)``, best rank first; not normalised.
        hits: Whether each rank is relevant, shape ``(N,)``.
        slices: Slice of each rank, shape ``(N,)``.
        skip_first: Whether the sum leaves out the first rank, as the paper's component AP does.
        totals: What there is to find in each distinct slice, ascending, in the unit of ``gains``;
            None if the gains are all there is.
        n_draws: Resamples.
        level: Coverage, in (0, 1).
        seed: Any integer.

    Returns:
        Lower and upper end. Resamples without anything to find are left out.

    Raises:
        DataError: If no rank adds anything.
    """
    if not np.any(gains):
        raise DataError(f"None of the {len(gains)} ranks adds to recall, so there is no interval.")
    rng = np.random.default_rng(seed)
    names, slice_of = np.unique(slices, return_inverse=True)
    values = np.full(n_draws, np.nan)
    for draw in range(n_draws):
        times = np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names))
        weights = times[slice_of]
        total = np.sum(gains * weights) if totals is None else np.sum(totals * times)
        if total == 0:
            continue
        precision = np.cumsum(hits * weights) / np.maximum(np.cumsum(weights), 1)
        credited = gains * weights * precision
        if skip_first:
            credited[np.argmax(weights > 0)] = 0
        values[draw] = np.sum(credited) / total
    tail = 100 * (1 - level) / 2
    low, high = np.nanpercentile(values, [tail, 100 - tail])
    return float(low), float(high)
