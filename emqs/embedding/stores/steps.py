"""How codes change from one slice of the grid to the next: a sample of pairs of places."""

from math import prod
from weakref import WeakKeyDictionary

import numpy as np

from emqs.embedding.stores import SearchableStore
from emqs.embedding.stores.grid import INNER

SQUARES = 64  # of places that are read together: so many are drawn
LEAST = 256  # fewer pairs say too little

_KNOWN: WeakKeyDictionary[SearchableStore, np.ndarray] = WeakKeyDictionary()


def along_z(store: SearchableStore) -> np.ndarray:
    """Return differences of the codes of places one step of the grid apart along Z.

    Places in the middle of a thing mostly have the same thing beneath them. So these differences
    show how codes vary where what is seen stays the same.

    They are read once, and kept while the store is open.

    Args:
        store: What is searched; it may still be filled.

    Returns:
        Shape ``(n, D)``, float32, from all over the volume, the same for the same codes; n is 0
        where there is one slice, or fewer than ``LEAST`` pairs of places have codes.
    """
    if store not in _KNOWN:
        _KNOWN[store] = _drawn(store)
    return _KNOWN[store]


def _drawn(store: SearchableStore) -> np.ndarray:
    """Return what ``along_z`` returns, read anew."""
    grid = store.grid
    width = int(store.manifest["code_size"])
    n_z, n_y, n_x = grid.shape
    squares = n_z - 1, -(-n_y // INNER), -(-n_x // INNER)
    drawn = np.random.default_rng(0).choice(prod(squares), min(SQUARES, prod(squares)), False)
    z, y, x = (index[:, None, None] for index in np.unravel_index(np.sort(drawn), squares))
    y, x = y * INNER + np.arange(INNER)[:, None], x * INNER + np.arange(INNER)
    z, y, x = (index[(y < n_y) & (x < n_x)] for index in np.broadcast_arrays(z, y, x))
    upper, in_slice = np.ravel_multi_index((z, y, x), grid.shape), n_y * n_x
    has_code = np.logical_and(*(store.signatures(upper + step)[1] for step in (0, in_slice)))
    upper = upper[has_code]
    if len(upper) < LEAST:
        return np.empty((0, width), dtype=np.float32)
    both = store.codes(np.concatenate([upper, upper + in_slice]))
    return np.asarray(both[len(upper) :] - both[: len(upper)])
