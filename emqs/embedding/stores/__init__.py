"""Where the signatures and codes that are searched lie, behind one set of questions.

``local`` answers them from an embedding volume on disk. ``joined`` makes several of them one.
"""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from emqs.embedding.short_codes import ShortCoder
from emqs.embedding.stores.grid import PlaceGrid
from emqs.volumes import Box


class SearchableStore(Protocol):
    """An embedding volume that can be searched.

    A position counts the places of the grid in its order, from 0. Answers do not depend on the
    kind of engine: the same volume gives the same positions in the same order.
    """

    @property
    def name(self) -> str:
        """What the user calls it: a path or an address without a password."""
        ...

    @property
    def manifest(self) -> dict[str, Any]:
        """What codes were made of and with."""
        ...

    @property
    def grid(self) -> PlaceGrid:
        """Where patches lie."""
        ...

    def sample(self) -> np.ndarray:
        """Return codes from all over the volume, shape ``(n, D)``, float32."""
        ...

    def signatures(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return signatures ``(n,)``, uint64, and which places have one, ``(n,)``, bool."""
        ...

    def codes(self, positions: np.ndarray) -> np.ndarray:
        """Return the codes ``(n, D)``, float32, of places that have one, in their order."""
        ...

    @property
    def short_coder(self) -> ShortCoder | None:
        """What short codes were made with; None where there are none."""
        ...

    def short_codes(self, positions: np.ndarray) -> np.ndarray:
        """Return the short codes of places, ``(n, size)``, uint8."""
        ...

    def why_missing(self, position: int) -> str:
        """Return why a place has no signature, to complete "The patch ...", and what to do."""
        ...

    def nearest(
        self,
        queries: np.ndarray,
        first: int,
        stop: int,
        *,
        within: Box | None,
        n_threads: int | None,
    ) -> np.ndarray:
        """Return the places with the nearest signatures, by distance and then by position.

        Args:
            queries: Signatures ``(P,)``, uint64; the nearest of them counts.
            first: How many of the nearest are left out.
            stop: One past the last of the nearest that is returned.
            within: Places that may be found, as indices of the grid; None: all.
            n_threads: At work at a time; None: one per core. Does not change the result.

        Returns:
            Positions, shape ``(n,)``, int64; n is ``stop - first``, or less where there are no
            more.
        """
        ...

    def blocks(self, within: Box | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield positions and codes of all places that have one, block by block of the grid."""
        ...
