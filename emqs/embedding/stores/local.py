"""The search of an embedding volume on disk: a scan of a flat copy of its signatures."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from emqs.embedding.stores import hamming
from emqs.embedding.stores.grid import Grid
from emqs.embedding.stores.zarr import Store
from emqs.volumes import Box


class Local:
    """An embedding volume on disk; it may still be filled, what is there at first is searched."""

    def __init__(self, store: Store) -> None:
        """Take an opened embedding volume; nothing is read yet."""
        self.store = store

    @property
    def name(self) -> str:
        """Path of the store."""
        return str(self.store.path)

    @property
    def manifest(self) -> dict[str, Any]:
        """What codes were made of and with."""
        return self.store.manifest

    @property
    def grid(self) -> Grid:
        """Where patches lie."""
        return self.store.grid

    @cached_property
    def _flat(self) -> tuple[np.ndarray, np.ndarray]:
        return self.store.flat()

    def sample(self) -> np.ndarray:
        """Return codes from all over the volume, shape ``(n, D)``, float32."""
        return self.store.sample()

    def signatures(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return signatures ``(n,)``, uint64, and which places have one, ``(n,)``, bool."""
        signatures, valid = self._flat
        return signatures[positions], valid[positions]

    def codes(self, positions: np.ndarray) -> np.ndarray:
        """Return the codes ``(n, D)``, float32, of places that have one, in their order."""
        return self.store.codes(positions)

    def why_missing(self, position: int) -> str:
        """Return why a place has no signature, to complete "The patch ...", and what to do."""
        z, y, x = self.grid.zyx(np.array([position]))[0].tolist()
        if self.store.has((z, y // self.grid.block, x // self.grid.block)):
            return "was skipped: it is constant, padding, or holds NaN. Click on tissue"
        return "is not embedded yet. Wait for python -m emqs.embed, or click elsewhere"

    def nearest(
        self,
        wanted: np.ndarray,
        first: int,
        stop: int,
        *,
        within: Box | None,
        n_threads: int | None,
    ) -> np.ndarray:
        """Return the places with the nearest signatures; see ``Engine.nearest``."""
        signatures, valid = self._flat
        allowed = self._allowed(within)
        mask = None if allowed is valid and valid.all() else allowed
        positions, _ = hamming.nearest(signatures, wanted, stop, mask=mask, n_threads=n_threads)
        return positions[first:]

    def _allowed(self, within: Box | None) -> np.ndarray:
        """Return which places may be found, shape ``(N,)``, bool."""
        _, valid = self._flat
        if within is None:
            return valid
        allowed = np.zeros(self.grid.shape, dtype=np.bool_)
        allowed[within.slices] = valid.reshape(self.grid.shape)[within.slices]
        return allowed.ravel()

    def blocks(self, within: Box | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield positions and codes of all places that have one, block by block of the grid."""
        allowed = self._allowed(within)
        for block in self.store.done():
            positions = self.grid.positions(self.grid.places(block))
            here = allowed[positions]
            if here.any():
                yield positions[here], self.store.block_codes(block)[here]
