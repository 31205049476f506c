"""Choose examples and rank patches; ``scorers`` scores them."""

from dataclasses import dataclass

import numpy as np

from emqs.errors import DataError
from emqs.retrieval.settings import QueryConfig


def query_slices(n_slices: int, batch_size: int) -> np.ndarray:
    """Return the slices that examples are taken from.

    The stack is cut into blocks of ``batch_size`` slices and the middle slice of each block is a
    query slice; r > 0 left-over slices are a block too.

    Args:
        n_slices: Number N of slices.
        batch_size: Slices per block.

    Returns:
        Slice numbers, int64, ascending: ``batch_size * i + batch_size // 2`` for block i, and
        ``N - r // 2 - 1`` for the left-over.

    Source:
        Patch-based Querying. ``batch_size`` is its name; it is not a number of queries.
    """
    n_blocks, rest = divmod(n_slices, batch_size)
    middles = [batch_size * block + batch_size // 2 for block in range(n_blocks)]
    if rest:
        middles.append(n_slices - rest // 2 - 1)
    return np.array(middles, dtype=np.int64)


@dataclass(frozen=True)
class Split:
    """Which patches of a grid are examples and which are searched; positions in its boxes."""

    query_slices: np.ndarray  # (Q,), int64, slice numbers
    positives: np.ndarray  # patches of query slices that show the structure
    negatives: np.ndarray  # patches of query slices without a pixel of it
    searched: np.ndarray  # patches of all other slices


def split(boxes: np.ndarray, overlap: np.ndarray, n_slices: int, config: QueryConfig) -> Split:
    """Divide a grid of patches into examples and searched patches.

    Args:
        boxes: Shape ``(N, 5)``, int64, columns ``(z, y, x, height, width)``.
        overlap: Fraction of each patch that is the structure, shape ``(N,)``, in [0, 1].
        n_slices: Number of slices of the stack.
        config: What counts as an example.

    Returns:
        Positive: overlap strictly greater than ``min_overlap``. Negative: overlap exactly 0.
        The rest of a query slice is no example.

    Raises:
        DataError: If there is no positive or no negative example, or nothing is left to search.

    Source:
        Patch-based Querying.
    """
    middles = query_slices(n_slices, config.batch_size)
    in_query = np.isin(boxes[:, 0], middles)
    positives = np.flatnonzero(in_query & (overlap > config.min_overlap))
    negatives = np.flatnonzero(in_query & (overlap == 0))
    searched = np.flatnonzero(~in_query)
    where = f"in the query slices {_few(middles)} (query.batch_size={config.batch_size})"
    if len(positives) == 0:
        best = overlap[in_query].max(initial=0.0)
        raise DataError(
            f"No patch shows structure {config.structure} on more than "
            f"{config.min_overlap:g} of its area {where}; the most is {best:.3g}. "
            "Lower query.min_overlap or patch.size, or choose another query.structure."
        )
    if len(negatives) == 0:
        raise DataError(
            f"Every patch {where} shows some of structure {config.structure}, so there is no "
            "negative example. Choose a smaller patch.size."
        )
    if len(searched) == 0:
        raise DataError(
            f"All {n_slices} slices are query slices with query.batch_size={config.batch_size}, "
            "so nothing is left to search. Use more slices or a larger query.batch_size."
        )
    return Split(middles, positives, negatives, searched)


def _few(values: np.ndarray) -> str:
    """Return the first few numbers as text."""
    shown = ", ".join(str(v) for v in values[:4].tolist())
    return f"{shown}, ..." if len(values) > 4 else shown


def sample_examples(
    candidates: np.ndarray, n: int, *, seed: int, kind: str = "positive"
) -> np.ndarray:
    """Return ``n`` of the candidates, drawn without replacement, in the order drawn.

    Args:
        candidates: Positions, shape ``(N,)``.
        n: How many.
        seed: Any integer, 0 included.
        kind: Word for the error message.

    Raises:
        DataError: If there are fewer than ``n``.
    """
    if len(candidates) < n:
        raise DataError(
            f"{n} {kind} examples are wanted, but only {len(candidates)} patches qualify. "
            "Ask for fewer, or change patch.size or query.min_overlap."
        )
    return np.random.default_rng(seed).choice(candidates, size=n, replace=False)
