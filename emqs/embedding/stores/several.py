"""Several embedding volumes searched as one: their places are counted one volume after the other.

Codes can be compared where encoder, weights, preprocessing and the size of a patch in nm are the
same. Signatures cannot, since every volume has learnt its own; so each is scanned with the
signatures that it gives to the codes of the examples.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from emqs.embedding.short_codes import ShortCoder
from emqs.embedding.signatures import Signer
from emqs.embedding.stores import SearchableStore, steps
from emqs.embedding.stores.grid import INNER
from emqs.embedding.stores.manifest import SCALE
from emqs.errors import ConfigError

APART = 1e150  # nm along the first axis between two volumes: never near each other


@dataclass(frozen=True)
class SeveralStores:
    """One or several embedding volumes.

    Attributes:
        stores: At least one; that their codes can be compared is checked.
        by_codes: Never by short codes, even where there are any.
    """

    stores: tuple[SearchableStore, ...]
    by_codes: bool = False

    def __post_init__(self) -> None:
        """Raise an error unless codes can be compared."""
        first = self.stores[0]
        for other in self.stores[1:]:
            for name, had, has in _differences(first, other):
                raise ConfigError(
                    f"{first.name} and {other.name} cannot be searched together: one was made with "
                    f"{name}={had}, the other with {name}={has}, so their codes cannot be "
                    "compared. Embed one of them again, or search them one after the other."
                )

    @cached_property
    def starts(self) -> np.ndarray:
        """First position of every volume, and one past the last, int64."""
        return np.cumsum([0, *(store.grid.n_places for store in self.stores)])

    @property
    def n_places(self) -> int:
        """Number of places of all volumes."""
        return int(self.starts[-1])

    @cached_property
    def signers(self) -> list[Signer]:
        """What turns codes into the signatures of each volume."""
        return [Signer.from_dict(store.manifest["signer"]) for store in self.stores]

    def owners(self, positions: np.ndarray) -> np.ndarray:
        """Return the number of the volume that each position lies in, ``(n,)``, int64."""
        return np.searchsorted(self.starts, positions, side="right") - 1

    def _split(self, positions: np.ndarray) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Yield volumes, which of the positions lie there, and their positions in it."""
        owners = self.owners(positions)
        for number in np.unique(owners).tolist():
            members = np.flatnonzero(owners == number)
            yield number, members, positions[members] - self.starts[number]

    def _gathered(
        self, positions: np.ndarray, width: int, dtype: type, ask: Callable[..., np.ndarray]
    ) -> np.ndarray:
        result: np.ndarray = np.empty((len(positions), width), dtype=dtype)
        for number, members, inside in self._split(positions):
            result[members] = ask(self.stores[number], inside)
        return result

    def codes(self, positions: np.ndarray) -> np.ndarray:
        """Return codes ``(n, D)``, float32, in the order of positions."""
        width = int(self.stores[0].manifest["code_size"])
        return self._gathered(positions, width, np.float32, lambda e, inside: e.codes(inside))

    @property
    def have_short_codes(self) -> bool:
        """Whether every volume has short codes that may be used."""
        return not self.by_codes and all(store.short_coder is not None for store in self.stores)

    def scored_short(
        self, positions: np.ndarray, scores: Callable[[ShortCoder], Callable[..., np.ndarray]]
    ) -> np.ndarray:
        """Return scores of the short codes of places, ``(n,)``, float64.

        Args:
            positions: Of places of volumes that have short codes.
            scores: Given what makes short codes, returns what scores them, ``(n, size)``, uint8.
        """
        result = np.empty(len(positions))
        for number, members, inside in self._split(positions):
            coder = self.stores[number].short_coder
            if coder is None:
                raise ValueError(f"{self.stores[number].name} has no short codes")
            result[members] = scores(coder)(self.stores[number].short_codes(inside))
        return result

    @property
    def edge_nm(self) -> float:
        """Edge of a patch in nm, the same for all volumes."""
        return self.stores[0].grid.edge_nm

    def have_code(self, positions: np.ndarray) -> np.ndarray:
        """Return which places have a code, ``(n,)``, bool."""

        def ask(store: SearchableStore, inside: np.ndarray) -> np.ndarray:
            return store.signatures(inside)[1][:, None]

        return self._gathered(positions, 1, np.bool_, ask)[:, 0]

    def around(
        self, positions: np.ndarray, *, reach: float, least: float, along_z: float = 1.0
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the places one step away from others along one or several axes of the grid.

        Args:
            positions: Of places, ``(n,)``, int64.
            reach: Sigma of the Gaussian of their distance that weighs them, in edges of a patch.
            least: Weight below which a neighbour is left out.
            along_z: Share of ``reach`` along Z, where patches without depth do not overlap.

        Returns:
            Which of ``positions`` each lies around, its own position, and its weight, ``(m,)``.
        """
        members, around, weights = [], [], []
        for number, own, inside in self._split(positions):
            grid = self.stores[number].grid
            zyx, (_, height, width) = grid.zyx(inside).T, grid.shape
            in_grid = {  # by axis and step along it
                (axis, step): (zyx[axis] + step >= 0) & (zyx[axis] + step < grid.shape[axis])
                for axis, step in product(range(3), (-1, 0, 1))
            }
            for step in product((-1, 0, 1), repeat=3):
                far = np.array(step) * grid.stride * grid.voxel_size_nm / (reach * grid.edge_nm)
                if grid.planes == "xy":
                    far[0] /= along_z
                weight = math.exp(-float(far @ far) / 2)
                if not any(step) or weight < least:
                    continue
                z, y, x = step
                there = np.flatnonzero(in_grid[0, z] & in_grid[1, y] & in_grid[2, x])
                members.append(own[there])
                around.append(positions[own[there]] + (z * height + y) * width + x)
                weights.append(np.full(len(there), weight))
        none = [np.empty(0, dtype=np.int64)]
        return (
            np.concatenate(none + members),
            np.concatenate(none + around),
            np.concatenate([np.empty(0), *weights]),
        )

    def stored_together(self, positions: np.ndarray) -> np.ndarray:
        """Return a number for each place, the same where codes are read together, ``(n,)``."""
        zyx = self.zyx(positions) // (1, INNER, INNER)
        columns = np.column_stack([self.owners(positions), zyx]).T
        return np.ravel_multi_index(tuple(columns), tuple(columns.max(axis=1) + 1))

    def zyx(self, positions: np.ndarray) -> np.ndarray:
        """Return indices ``(n, 3)``, int64, along Z Y X of the grids that positions lie in."""
        return self._gathered(positions, 3, np.int64, lambda e, inside: e.grid.zyx(inside))

    def voxels(self, positions: np.ndarray) -> np.ndarray:
        """Return the voxels ``(n, 3)``, int64, Z Y X, at the centres of patches."""

        def ask(store: SearchableStore, inside: np.ndarray) -> np.ndarray:
            half = np.array([0, store.grid.size // 2, store.grid.size // 2])
            return store.grid.first_voxels(store.grid.zyx(inside)) + half

        return self._gathered(positions, 3, np.int64, ask)

    def centres(self, positions: np.ndarray) -> np.ndarray:
        """Return the centres ``(n, 3)`` of patches in voxels, whole or .5, Z Y X."""
        return self._gathered(
            positions, 3, np.float64, lambda e, inside: e.grid.centres(e.grid.zyx(inside))
        )

    def boxes(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the first voxels and the edges of places, ``(n, 3)`` each, int64, Z Y X."""
        both = self._gathered(
            positions, 6, np.int64, lambda e, inside: np.hstack(e.grid.boxes(e.grid.zyx(inside)))
        )
        return both[:, :3], both[:, 3:]

    def centres_nm(self, positions: np.ndarray) -> np.ndarray:
        """Return the centres ``(n, 3)``, float64, Z Y X of patches in nm."""
        return self._gathered(
            positions, 3, np.float64, lambda e, inside: e.grid.centres_nm(e.grid.zyx(inside))
        )

    def points(self, positions: np.ndarray) -> np.ndarray:
        """Return centres in nm in a space where volumes lie far apart, ``(n, 4)``, float64."""
        far = self.owners(positions)[:, None] * APART
        return np.concatenate([far, self.centres_nm(positions)], axis=1)

    def distances(self, positions: np.ndarray, queries: Sequence[np.ndarray]) -> np.ndarray:
        """Return Hamming distances ``(n,)``, int64, to the nearest of the wanted signatures.

        Args:
            positions: Of places that have a signature.
            queries: Signatures for each volume, ``(P,)``, uint64.
        """
        result = np.empty(len(positions), dtype=np.int64)
        for number, members, inside in self._split(positions):
            signatures, _ = self.stores[number].signatures(inside)
            different = signatures[:, None] ^ queries[number][None]
            result[members] = np.bitwise_count(different).min(axis=1)
        return result

    def sample(self) -> np.ndarray:
        """Return codes from all over all volumes, shape ``(n, D)``, float32."""
        return np.concatenate([store.sample() for store in self.stores])

    def steps(self) -> np.ndarray:
        """Return how codes change from slice to slice in all volumes, ``(n, D)``, float32."""
        return np.concatenate([steps.along_z(store) for store in self.stores])


def _differences(
    first: SearchableStore, other: SearchableStore
) -> Iterator[tuple[str, object, object]]:
    """Yield the settings in which codes of two volumes differ: name and both values."""
    for name in ("name", "weights_sha256", "network", "preprocessing"):
        had, has = (store.manifest["model"][name] for store in (first, other))
        if had != has:
            yield f"model.{name}", had, has
    planes = [store.grid.planes for store in (first, other)]
    if planes[0] != planes[1]:
        yield "planes", planes[0], planes[1]
    sizes = [store.grid.edge_nm for store in (first, other)]
    if not math.isclose(*sizes, rel_tol=1e-3):
        yield "patch.size", f"{sizes[0]:g} nm", f"{sizes[1]:g} nm"
    seen = [store.grid.seen * store.grid.voxel_size_nm[1] for store in (first, other)]
    if math.isclose(*sizes, rel_tol=1e-3) and not math.isclose(*seen, rel_tol=1e-3):
        own = [
            store.manifest.get(SCALE, store.grid.seen / store.grid.size) for store in (first, other)
        ]
        yield "embed.scale", f"{own[0]:g}", f"{own[1]:g}"
