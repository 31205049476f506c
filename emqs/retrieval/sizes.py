"""The size of windows that an embedding volume is searched with: given, or told by the examples."""

from collections.abc import Callable, Sequence

import numpy as np

from emqs.embedding.stores import SearchableStore
from emqs.embedding.stores.several import SeveralStores
from emqs.embedding.stores.sized import of_size
from emqs.errors import ConfigError
from emqs.retrieval.scorers.space import Background
from emqs.retrieval.settings import FOUND, QueryConfig

FACTORS = (1.0, 1.5, 2.0, 3.0, 4.0)  # of the windows of the store: what is tried

Stores = tuple[SearchableStore, ...]


def resized(
    stores: Sequence[SearchableStore],
    size_nm: float | str | None,
    places: Callable[[SeveralStores], np.ndarray],
    query: QueryConfig,
) -> Stores:
    """Return embedding volumes with windows of the size that is asked for.

    Args:
        stores: As they were made, or as this function returned them.
        size_nm: Edge of a window; ``"found"``: that at which examples agree best with each other,
            compared with what is usual in the volumes; None: the stores as they are.
        places: Returns positions of the positive examples, ``(P,)``, given stores of a size.
        query: How codes are compared.

    Raises:
        ConfigError: If a store has no such size, or it is to be told by fewer than two examples.
    """
    if size_nm is None:
        return tuple(stores)
    if size_nm != FOUND:
        return tuple(of_size(store, float(size_nm)) for store in stores)
    tried = [at for at in map(lambda f: _all_of(stores, f), FACTORS) if at is not None]
    return min(tried, key=lambda at: disagreement(SeveralStores(at), places, query))


def _all_of(stores: Sequence[SearchableStore], factor: float) -> Stores | None:
    """Return stores with windows so many times larger; None if they do not fit a slice."""
    grid = stores[0].grid
    own = grid.size - getattr(stores[0], "steps", 0) * grid.stride[1]
    size_nm = factor * own * grid.voxel_size_nm[1]
    fits = all(
        size_nm / store.grid.voxel_size_nm[1] <= min(store.manifest["volume"]["shape"][1:])
        for store in stores
    )
    return tuple(of_size(store, size_nm) for store in stores) if fits else None


def disagreement(
    joined: SeveralStores, places: Callable[[SeveralStores], np.ndarray], query: QueryConfig
) -> float:
    """Return how badly examples find each other among what is usual; lower is better.

    Each is looked for by the others, by the nearest of them; what counts is the share of a sample
    of the volume that lies nearer, its logarithm, so that 1 of 1,000 is as much better than 10 as
    10 than 100. The mean over all examples is returned.

    Raises:
        ConfigError: If there are fewer than two examples.
    """
    examples = np.unique(places(joined))
    if len(examples) < 2:
        raise ConfigError(
            f"search.size_nm={FOUND} needs at least two positive examples that lie apart, got "
            f"{len(examples)}. Give more, or a size in nm."
        )
    return shares_nearer(joined.codes(examples), Background(joined.sample()), query)


def shares_nearer(examples: np.ndarray, background: Background, query: QueryConfig) -> float:
    """Return the mean of ``disagreement`` of codes ``(P, D)``, at least two."""
    space = background.space(query)
    shown = space(examples).astype(np.float64)
    usual = space(background.codes).astype(np.float64)
    alike = _squared(shown, shown)
    np.fill_diagonal(alike, np.inf)
    near = _squared(usual, shown)
    others = ~np.eye(len(shown), dtype=bool)
    share = [
        np.sum(near[:, keep].min(axis=1) < row.min())
        for keep, row in zip(others, alike, strict=True)
    ]
    return float(np.log((1 + np.array(share)) / (1 + len(usual))).mean())


def _squared(codes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return squared distances, ``(n, m)``."""
    lengths = np.square(codes).sum(axis=1)[:, None] + np.square(others).sum(axis=1)
    return np.asarray(lengths - 2 * codes @ others.T)
