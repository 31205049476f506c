"""An embedding volume searched with windows that are larger than those it was made of.

The code of a large window follows from those of the small ones that cover it (``pooling``), so no
voxel is looked at. What is compared first, a signature of every place, is made when a size is
searched for the first time, from all codes once; it is kept in the folder ``.scan`` of the store,
9 bytes a place for each size, and follows the store as it grows. Beside it lies a sample of codes
of that size, from which the signatures are learnt and what is usual in the volume.
"""

import logging
import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from emqs.embedding import signatures as signing
from emqs.embedding.pooling import POOLED, combined
from emqs.embedding.signatures import Signer
from emqs.embedding.stores import SearchableStore, flat_copy, hamming
from emqs.embedding.stores.arrays import SHORT
from emqs.embedding.stores.grid import PlaceGrid, Triple
from emqs.embedding.stores.manifest import SCALE
from emqs.embedding.stores.zarr import EmbeddingStore
from emqs.errors import ConfigError, DataError
from emqs.files import DAMAGED_ZIP, replacing
from emqs.volumes import Box

N_SAMPLE = 4096  # codes that signatures are learnt from
DRAWS = 32  # rounds of drawing them, where few places have codes
ENOUGH = 0.8  # of the blocks: a sample of fewer is drawn again
AT_ONCE = 4096  # places whose codes are made together
BLOCKS_KEPT = 4  # blocks of codes in memory: a place lies in so many at most, if blocks are large

Codes = tuple[np.ndarray, np.ndarray]  # (Y, X, D), float32, and whether there are any, (Y, X)

logger = logging.getLogger(__name__)


def of_size(store: SearchableStore, size_nm: float) -> SearchableStore:
    """Return an embedding volume with larger windows, seen at the scale of those it was made of.

    Args:
        store: As it was made; one that was given a size before is given the new one instead.
        size_nm: Edge of a window; the next size that fits the grid is taken.

    Returns:
        What is searched; the store itself if its own windows have that size.

    Raises:
        ConfigError: If windows would be smaller than those of the store, or larger than a slice, or
            its codes cannot be put together.
    """
    if isinstance(store, SizedStore):
        return (
            store if _steps(store.store, size_nm) == store.steps else of_size(store.store, size_nm)
        )
    steps = _steps(store, size_nm)
    if steps == 0:
        return store
    _check(store)
    if not isinstance(store, EmbeddingStore):
        raise ConfigError(
            f"search.size_nm={size_nm:g} needs the folder that python -m emqs.embed made; "
            f"{store.name} is searched with its own windows alone."
        )
    return SizedStore(store, steps)


def _check(store: SearchableStore) -> None:
    """Raise unless the codes of a store can be put together."""
    model, planes = store.manifest["model"]["name"], store.grid.planes
    if model not in POOLED:
        raise ConfigError(
            f"search.size_nm needs codes of {' or '.join(POOLED)}; those of {store.name} are of "
            f"model={model}, and do not follow from smaller windows. Leave search.size_nm out."
        )
    if planes != "xy":
        raise ConfigError(
            f"search.size_nm needs windows in slices; {store.name} was made with planes={planes}. "
            "Leave search.size_nm out."
        )


def _steps(store: SearchableStore, size_nm: float) -> int:
    """Return how many steps of the grid a window of a size is larger than those of the store."""
    grid = store.grid
    steps = round((size_nm / grid.voxel_size_nm[1] - grid.size) / grid.stride[1])
    most = min(grid.shape[1:]) - 1
    if not 0 <= steps <= most:
        edge = grid.voxel_size_nm[1]
        raise ConfigError(
            f"search.size_nm={size_nm:g} is out of reach of {store.name}: its windows have "
            f"{grid.size * edge:g} nm, and {(grid.size + most * grid.stride[1]) * edge:g} nm is "
            "the largest that fits its slices. Smaller ones need a store with a smaller patch.size."
        )
    return steps


@dataclass(frozen=True, eq=False)
class SizedStore:
    """An embedding volume with larger windows, which can be searched (``SearchableStore``).

    Attributes:
        store: As it was made.
        steps: So many steps of the grid its windows are smaller.
    """

    store: EmbeddingStore
    steps: int

    @cached_property
    def grid(self) -> PlaceGrid:
        """Where windows lie: they begin where small ones do."""
        own = self.store.grid
        z, y, x = own.shape
        size = own.size + self.steps * own.stride[1]
        shape = z, y - self.steps, x - self.steps
        return replace(own, shape=shape, size=size, scale=own.seen)

    @cached_property
    def offsets(self) -> list[tuple[int, int]]:
        """Which small windows cover one, in steps along Y and X from the first."""
        count = min(math.ceil(self.grid.size / self.store.grid.size), self.steps + 1)
        along = np.linspace(0, self.steps, count).round().astype(int).tolist()
        return list(product(along, along))

    @property
    def name(self) -> str:
        """That of the store."""
        return self.store.name

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What codes were made of and with, as of a store that was made with this size."""
        kept = {key: value for key, value in self.store.manifest.items() if key != SHORT}
        own = self.store.grid
        made = {"grid": self.grid.to_dict(), "signer": self.signer.to_dict()}
        return kept | made | {SCALE: own.seen / own.size}

    @property
    def short_coder(self) -> None:
        """There are no short codes."""
        return

    def short_codes(self, positions: np.ndarray) -> np.ndarray:
        """Raise: there are none."""
        raise RuntimeError(f"{len(positions)} short codes of larger windows are not kept")

    def _inside(self, positions: np.ndarray) -> np.ndarray:
        """Return the positions of the small windows in each, ``(windows, n)``, int64."""
        z, y, x = self.grid.zyx(np.asarray(positions)).T
        shape = self.store.grid.shape
        return np.stack(
            [np.ravel_multi_index((z, y + down, x + right), shape) for down, right in self.offsets]
        )

    def codes(self, positions: np.ndarray) -> np.ndarray:
        """Return the codes ``(n, D)``, float32, of places that have one, in their order."""
        result = np.empty((len(positions), self.store.code_size), dtype=np.float32)
        for start in range(0, len(positions), AT_ONCE):
            inside = self._inside(positions[start : start + AT_ONCE])
            needed, where = np.unique(inside, return_inverse=True)
            codes, where = self.store.codes(needed), where.reshape(inside.shape)
            result[start : start + AT_ONCE] = combined(codes[rows] for rows in where)
        return result

    def _needed(self, block: Triple) -> list[Triple]:
        """Return the blocks of the store that a block of windows is made of."""
        z, y, x = block
        edge, places = self.grid.block, self.grid.places(block)
        last = [(stop - 1 + self.steps) // edge for stop in places.stop[1:]]
        return [(z, v, u) for v in range(y, last[0] + 1) for u in range(x, last[1] + 1)]

    def _stamps(self) -> dict[Triple, list[int]]:
        """Return the blocks of windows that can be made, and what changes when they change."""
        own = self.store.stamps()
        stamps = {}
        for block in self.grid.blocks():
            needed = self._needed(block)
            if all(one in own for one in needed):
                times, nodes, sizes = zip(*(own[one] for one in needed), strict=True)
                stamps[block] = [max(times), sum(nodes) % 2**62, sum(sizes)]
        return stamps

    def _reader(self) -> Callable[[Triple], Codes]:
        """Return what reads blocks of the store, and keeps the last ones."""
        grid = self.store.grid

        @lru_cache(maxsize=BLOCKS_KEPT)
        def read(block: Triple) -> Codes:
            places = grid.places(block)
            valid = np.isin(grid.positions(places), self.store.block_signatures(block)[0])
            shape = places.shape[1:]
            return self.store.block_codes(block).reshape(*shape, -1), valid.reshape(shape)

        return read

    def _block(self, block: Triple, read: Callable[[Triple], Codes]) -> Codes:
        """Return the codes of a block of windows, and which of them have one."""
        places = self.grid.places(block)
        height, width = places.shape[1:]
        top, left = places.start[1:]
        around = height + self.steps, width + self.steps
        codes = np.zeros((*around, self.store.code_size), dtype=np.float32)
        valid = np.zeros(around, dtype=bool)
        for one in self._needed(block):
            own, there = read(one)
            y, x = (n * self.grid.block - a for n, a in zip(one[1:], (top, left), strict=True))
            part = np.s_[y : y + there.shape[0], x : x + there.shape[1]]
            fits = codes[part].shape[:2]
            codes[part], valid[part] = own[: fits[0], : fits[1]], there[: fits[0], : fits[1]]
        spans = [np.s_[y : y + height, x : x + width] for y, x in self.offsets]
        return combined(codes[span] for span in spans), np.all([valid[span] for span in spans], 0)

    @cached_property
    def _sample(self) -> np.ndarray:
        """Codes from all over the volume, kept beside the signatures."""
        folder = self.store.copies / flat_copy.COPY
        file = folder / f"{'x'.join(map(str, self.grid.shape))}.size.npz"
        n_blocks = len(self.store.done())
        known = _kept(file, self.store.code_size, n_blocks)
        if known is not None:
            return known
        drawn = self._drawn()
        try:
            folder.mkdir(exist_ok=True)
            with replacing(file) as new, new.open("wb") as stream:
                np.savez(stream, codes=drawn, n_blocks=n_blocks)
        except OSError as error:
            raise DataError(
                f"What is learnt of windows of another size cannot be written to {folder}: "
                f"{error.strerror}. Make room there, or make it writable."
            ) from None
        return drawn

    def _drawn(self) -> np.ndarray:
        """Return codes of places drawn with a fixed seed, ``(n, D)``, float16."""
        rng = np.random.default_rng(0)
        chosen = np.empty(0, dtype=np.int64)
        for _ in range(DRAWS):
            some = np.unique(rng.integers(self.grid.n_places, size=N_SAMPLE))
            valid = np.all([self.store.signatures(inside)[1] for inside in self._inside(some)], 0)
            chosen = np.union1d(chosen, some[valid])
            if len(chosen) >= min(N_SAMPLE, self.grid.n_places):
                break
        if len(chosen) < 2:
            raise DataError(
                f"{self.name} has no whole windows of {self.grid.size} voxels yet. Wait for "
                "python -m emqs.embed, or give a smaller search.size_nm."
            )
        kept = np.sort(rng.permutation(chosen)[:N_SAMPLE])
        return self.codes(kept).astype(np.float16)

    def sample(self) -> np.ndarray:
        """Return codes from all over the volume, shape ``(n, D)``, float32."""
        return self._sample.astype(np.float32)

    @cached_property
    def signer(self) -> Signer:
        """What turns codes of this size into signatures."""
        return signing.fit(self._sample.astype(np.float64), seed=0)

    @cached_property
    def _scanned(self) -> tuple[np.ndarray, np.ndarray]:
        """Signatures of all places, and which have one; made of what is new in the store."""
        read, signer = self._reader(), self.signer

        def signed(block: Triple) -> tuple[np.ndarray, np.ndarray]:
            codes, valid = self._block(block, read)
            signatures = np.zeros(valid.shape, dtype=np.uint64)
            signatures[valid] = signer.sign(codes[valid])
            return signatures[None], valid[None]

        ending = f".size-{zlib.crc32(np.ascontiguousarray(self._sample).data):08x}"
        parts = (f"{ending}.signatures", np.uint64, 1), (f"{ending}.valid", np.bool_, 1)
        copy = flat_copy.FlatCopy(self.store.copies, self.name, self.grid, ending, parts, signed)
        stamps = self._stamps()
        logger.debug("Windows of %d voxels: %d blocks", self.grid.size, len(stamps))
        signatures, valid = copy.followed(stamps)
        self._forget(ending)
        return signatures, valid

    def _forget(self, ending: str) -> None:
        """Remove what was made with an earlier sample."""
        folder = self.store.copies / flat_copy.COPY
        start = "x".join(map(str, self.grid.shape))
        for file in folder.glob(f"{start}.size-*"):
            if not file.name.startswith(start + ending):
                file.unlink(missing_ok=True)

    def signatures(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return signatures ``(n,)``, uint64, and which places have one, ``(n,)``, bool."""
        if "_scanned" in self.__dict__:
            signatures, valid = self._scanned
            return signatures[positions], valid[positions]
        positions = np.asarray(positions)  # a few examples; not all need be made for these
        valid = np.all([self.store.signatures(inside)[1] for inside in self._inside(positions)], 0)
        signatures = np.zeros(len(positions), dtype=np.uint64)
        signatures[valid] = self.signer.sign(self.codes(positions[valid]))
        return signatures, valid

    def why_missing(self, position: int) -> str:
        """Return why a place has no signature, to complete "The patch ...", and what to do."""
        inside = self._inside(np.array([position]))[:, 0]
        _, valid = self.store.signatures(inside)
        return self.store.why_missing(int(inside[np.argmin(valid)]))

    def nearest(
        self,
        queries: np.ndarray,
        first: int,
        stop: int,
        *,
        within: Box | None,
        n_threads: int | None,
    ) -> np.ndarray:
        """Return the places with the nearest signatures; see ``SearchableStore.nearest``."""
        signatures, valid = self._scanned
        allowed = self.grid.valid_in(valid, within)
        positions, _ = hamming.nearest(signatures, queries, stop, mask=allowed, n_threads=n_threads)
        return positions[first:]

    def blocks(self, within: Box | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield positions and codes of all places that have one, block by block of the grid."""
        allowed, read = self.grid.valid_in(self._scanned[1], within), self._reader()
        for block in self._stamps():
            positions = self.grid.positions(self.grid.places(block))
            inside = allowed[positions]
            if inside.any():
                codes, _ = self._block(block, read)
                yield positions[inside], codes.reshape(-1, self.store.code_size)[inside]


def _kept(file: Path, code_size: int, n_blocks: int) -> np.ndarray | None:
    """Return a sample that was kept; None if there is none, or it is damaged or of too little."""
    try:
        with np.load(file, allow_pickle=False) as content:  # compares its CRC-32
            codes, of_blocks = np.asarray(content["codes"]), int(content["n_blocks"])
    except FileNotFoundError:
        return None
    except DAMAGED_ZIP:
        logger.warning("The sample %s is damaged; it is drawn again.", file)
        return None
    fits = codes.dtype == np.float16 and codes.ndim == 2 and codes.shape[1] == code_size
    return codes if fits and ENOUGH * n_blocks <= of_blocks <= n_blocks else None
