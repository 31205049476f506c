"""Which patches show one class only, and where they lie on a two-dimensional map of their codes.

NumPy and scikit-learn only; nothing here draws or reads files.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emqs.errors import DataError
from emqs.patches.grid import grid
from emqs.patches.overlap import structure_fraction

log = logging.getLogger(__name__)

DROPPED = -1  # class of a patch that shows too little of one class, or more than one


def patch_classes(
    labels: Sequence[np.ndarray],
    boxes: np.ndarray,
    classes: Sequence[int],
    *,
    min_fraction: float,
    refuse_others: bool = True,
) -> np.ndarray:
    """Return the one class that each box shows, or ``DROPPED``.

    With ``refuse_others`` (the documented rule) a box shows class c if more than ``min_fraction``
    of its pixels are c and no pixel is of a further class; background (label 0) surrounds every
    structure and is no further class. A box shows the background, class 0, if all of it is
    background. Without ``refuse_others``, a box shows class c if more than ``min_fraction`` is c,
    whatever the rest, and class 0 if no pixel is of any of ``classes``.

    Args:
        labels: Z label slices, each ``(Y, X)``, any integer dtype; 0 is background.
        boxes: Shape ``(N, 5)``, integer, columns ``(z, y, x, height, width)`` in pixels.
        classes: Label values to look for, without 0. ``[1]`` is the two-class map, background
            against class 1; a class in the labels but not here is a further class.
        min_fraction: Fraction of a box, in [0, 1), at least 0.5 without ``refuse_others``, where
            two classes could pass otherwise; the box needs more than that.
        refuse_others: Whether a pixel of a further class drops a box.

    Returns:
        Shape ``(N,)``, int64: 0, one of ``classes``, or ``DROPPED``.

    Raises:
        DataError: If a box reaches outside its slice.

    Source:
        Patch-based Querying: above 0.5 with class 1 alone (binary), above 0.75 (multi label).
    """
    wanted = np.array(sorted(set(classes)), dtype=np.int64)
    if refuse_others:
        foreground = [slice_ != 0 for slice_ in labels]
    else:
        foreground = [np.isin(slice_, wanted) for slice_ in labels]
    covered = structure_fraction(foreground, boxes, 1)
    shown = np.where(covered == 0, 0, DROPPED).astype(np.int64)
    for value in wanted.tolist():
        fraction = structure_fraction(labels, boxes, value)
        enough = fraction > min_fraction
        if refuse_others:
            enough &= fraction == covered  # equal counts over equal areas are equal floats
        shown[enough] = value
    return shown


@dataclass(frozen=True)
class Labelled:
    """Patches that show one class, sorted by slice."""

    boxes: np.ndarray  # (N, 5), int64
    classes: np.ndarray  # (N,), int64: label values
    n_seen: int  # patches looked at, those dropped included


def labelled_patches(
    labels: Sequence[np.ndarray],
    edges_and_steps: Sequence[tuple[int, int]],
    classes: Sequence[int],
    *,
    min_fraction: float,
    refuse_others: bool = True,
    border: bool = False,
) -> Labelled:
    """Return all patches of dense grids that show one class, each once.

    Args:
        labels: Z label slices, each ``(Y, X)``, any integer dtype.
        edges_and_steps: Edge of a patch and step of its grid, in pixels.
        classes: As in ``patch_classes``, and so the next two.
        min_fraction: Fraction of a box.
        refuse_others: Whether a pixel of a further class drops a patch.
        border: Keep patches that are cut at the border of a slice. Resized, they are distorted.

    Returns:
        The patches, sorted by slice.

    Raises:
        ConfigError: If a slice is smaller than a patch both ways.
    """
    boxes, shown, n_seen = [], [], 0
    for z, slice_ in enumerate(labels):  # one by one: a dense grid over all slices is large
        shape = (slice_.shape[0], slice_.shape[1])
        grids = [grid([shape], edge, step, border=border) for edge, step in edges_and_steps]
        candidates = np.concatenate(grids)
        if len(grids) > 1:  # two sizes cut at the same corner are the same patch
            candidates = np.unique(candidates, axis=0)
        found = patch_classes(
            [slice_], candidates, classes, min_fraction=min_fraction, refuse_others=refuse_others
        )
        kept = found != DROPPED
        n_seen += len(candidates)
        boxes.append(candidates[kept] + np.array([z, 0, 0, 0, 0]))
        shown.append(found[kept])
    return Labelled(np.concatenate(boxes), np.concatenate(shown), n_seen)


def sample_per_class(classes: np.ndarray, max_points: int | None, *, seed: int) -> np.ndarray:
    """Return the positions of at most ``max_points`` patches of each class.

    Args:
        classes: Shape ``(N,)``, integer; patches that are ``DROPPED`` are never returned.
        max_points: Most patches of one class; None takes all.
        seed: 0 or more. Each class has a draw of its own, so the patches drawn of one class do not
            depend on the others.

    Returns:
        Positions, int64, ascending, each at most once.
    """
    chosen = []
    for value in np.unique(classes[classes != DROPPED]).tolist():
        members = np.flatnonzero(classes == value)
        if max_points is not None and len(members) > max_points:
            generator = np.random.default_rng([seed, value])
            members = generator.choice(members, size=max_points, replace=False)
        chosen.append(members)
    return np.sort(np.concatenate(chosen)) if chosen else np.empty(0, dtype=np.int64)


def windows(n_slices: int, starts: Sequence[int], length: int) -> list[tuple[int, int]]:
    """Return the windows of slices that fit into a stack.

    Args:
        n_slices: Slices in the stack.
        starts: First slice of each window.
        length: Slices of a window.

    Returns:
        ``(first, one past last)`` of each window that fits, in the order of ``starts``; the whole
        stack if none does.
    """
    fitting = [(start, start + length) for start in starts if start + length <= n_slices]
    return fitting or [(0, n_slices)]


def _check_codes(codes: np.ndarray, least: int, hint: str) -> None:
    """Raise an error unless there are enough codes, without NaN, that are not all the same."""
    if codes.ndim != 2:
        raise DataError(f"Codes must have the shape (N, D), got {codes.shape}.")
    if len(codes) < least:
        raise DataError(f"A map needs at least {least} patches, got {len(codes)}. {hint}")
    bad = ~np.isfinite(codes).all(axis=1)
    if bad.any():
        raise DataError(
            f"{int(bad.sum())} of {len(codes)} codes are NaN or infinite, the first is number "
            f"{int(np.flatnonzero(bad)[0])}. Check the weights file (weights=...)."
        )
    if (codes == codes[0]).all():
        raise DataError(
            f"All {len(codes)} codes are the same, so there is nothing to map. "
            "Check the weights file (weights=...) and the contrast of the slices."
        )


def pca(codes: np.ndarray, *, seed: int) -> tuple[np.ndarray, float]:
    """Return the codes on their two main axes.

    Args:
        codes: Shape ``(N, D)``, float, D at least 2.
        seed: 0 or more, of the solver.

    Returns:
        Coordinates, shape ``(N, 2)``, float64, largest spread first, and the fraction of the
        variance that they hold, in [0, 1].

    Raises:
        DataError: If there are fewer than 2 codes, or they are NaN or all the same.
    """
    from sklearn.decomposition import PCA

    _check_codes(codes, 2, "Use more slices or a smaller patch.stride.")
    solver = PCA(n_components=2, random_state=seed)
    points = solver.fit_transform(codes.astype(np.float64))
    return points, float(solver.explained_variance_ratio_.sum())


def tsne(codes: np.ndarray, *, perplexity: float, seed: int) -> tuple[np.ndarray, float]:
    """Return the codes on a t-SNE map; distances between far groups have no meaning there.

    The start is the PCA of the codes, so that the large-scale order is theirs and two runs agree.

    Args:
        codes: Shape ``(N, D)``, float.
        perplexity: About how many neighbours each patch has; less than N.
        seed: 0 or more.

    Returns:
        Coordinates, shape ``(N, 2)``, float32, and the Kullback-Leibler divergence that is left,
        in nats (smaller is better, comparable only between maps of the same codes).

    Raises:
        DataError: If there are not more codes than ``perplexity``, or they are NaN or all the same.

    Source:
        van der Maaten and Hinton, Visualizing Data using t-SNE, JMLR 9 (2008); scikit-learn.
    """
    from sklearn.manifold import TSNE

    _check_codes(
        codes,
        int(np.floor(perplexity)) + 1,
        f"Lower tsne.perplexity (now {perplexity:g}), or use more slices, or a smaller "
        "patch.stride.",
    )
    if len(codes) < 3 * perplexity:
        log.warning(
            "Only %d patches for tsne.perplexity=%g: a map this small shows little; "
            "a perplexity below %g would suit it.",
            len(codes),
            perplexity,
            len(codes) / 3,
        )
    solver = TSNE(n_components=2, perplexity=perplexity, init="pca", random_state=seed)
    points = solver.fit_transform(codes.astype(np.float32))
    return points, float(solver.kl_divergence_)


def oriented(points: np.ndarray, rows: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return a map, mirrored so that maps of similar patches look alike.

    The signs of t-SNE and PCA axes are arbitrary. Here patches from the top of slices lie higher,
    so that lines from a map to a slice beside it cross less, and the background lies further right.

    Args:
        points: Map coordinates, shape ``(N, 2)``, to the right and upwards.
        rows: Row of each patch in its slice, shape ``(N,)``; rows count downwards.
        classes: Shape ``(N,)``; 0 is the background.
    """
    wanted = np.stack([classes == 0, -rows], axis=1).astype(np.float64)
    centred = points.astype(np.float64) - points.mean(axis=0, dtype=np.float64)
    agreement = (centred * (wanted - wanted.mean(axis=0))).sum(axis=0)
    return points * np.where(agreement < 0, -1, 1).astype(points.dtype)


def knn_agreement(
    points: np.ndarray, classes: np.ndarray, *, k: int, groups: np.ndarray | None = None
) -> float:
    """Return how often the k nearest neighbours of a patch, without itself, vote for its class.

    Args:
        points: Codes or map coordinates, shape ``(N, D)``, float.
        classes: Shape ``(N,)``, integer.
        k: Neighbours that vote; a tie goes to the smallest class.
        groups: Shape ``(N,)``, e.g. slice numbers: only neighbours of other groups vote. Patches
            of a dense grid have copies of themselves, shifted by a few pixels, as neighbours;
            groups leave these out. None: all others vote.

    Returns:
        Fraction of patches, in [0, 1]. Compare with ``majority_share``.

    Raises:
        DataError: If a patch has fewer than k others to ask.
    """
    from sklearn.neighbors import NearestNeighbors

    neighbours = np.empty((len(points), k), dtype=np.int64)
    if groups is None:
        _check_others(k, len(points) - 1)
        finder = NearestNeighbors(n_neighbors=k).fit(points)
        neighbours[:] = finder.kneighbors(return_distance=False)
    else:
        for group in np.unique(groups):
            inside, outside = np.flatnonzero(groups == group), np.flatnonzero(groups != group)
            _check_others(k, len(outside))
            finder = NearestNeighbors(n_neighbors=k).fit(points[outside])
            neighbours[inside] = outside[finder.kneighbors(points[inside], return_distance=False)]
    values, numbers = np.unique(classes, return_inverse=True)
    votes = np.stack([(numbers[neighbours] == n).sum(axis=1) for n in range(len(values))], axis=1)
    return float(np.mean(votes.argmax(axis=1) == numbers))


def _check_others(k: int, n_others: int) -> None:
    if n_others < k:
        raise DataError(
            f"{k} neighbours are to vote, but a patch has only {max(n_others, 0)} others to ask. "
            "Lower tsne.neighbors, or use more slices or a smaller patch.stride."
        )


def majority_share(classes: np.ndarray) -> float:
    """Return the fraction of the largest class: what guessing it always would score."""
    return float(np.unique(classes, return_counts=True)[1].max() / len(classes))


def separation(
    codes: np.ndarray, points: np.ndarray, classes: np.ndarray, slices: np.ndarray, *, k: int
) -> dict[str, float | None]:
    """Return how well classes keep together, by code and on the map.

    Args:
        codes: Shape ``(N, D)``, float.
        points: Map coordinates, shape ``(N, 2)``.
        classes: Shape ``(N,)``, integer.
        slices: Slice numbers, shape ``(N,)``. Neighbours in the same slice of a dense grid are
            mostly the same place, so agreement is also measured with other slices only.
        k: Neighbours that vote.

    Returns:
        ``knn_agreement_codes``, ``knn_agreement_map``, both again with ``_other_slices`` (None if
        a patch has fewer than k others there), and ``knn_chance``: guessing the largest class.

    Raises:
        DataError: If there are not more than k patches.
    """
    result: dict[str, float | None] = {}
    apart = len(classes) - int(np.unique(slices, return_counts=True)[1].max()) >= k
    for space, coordinates in (("codes", codes), ("map", points)):
        name = f"knn_agreement_{space}"
        result[name] = knn_agreement(coordinates, classes, k=k)
        result[f"{name}_other_slices"] = (
            knn_agreement(coordinates, classes, k=k, groups=slices) if apart else None
        )
    result["knn_chance"] = majority_share(classes)
    return result
