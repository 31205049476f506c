"""Search an embedding volume: clicked examples in, the places most alike out, best first.

Signatures are compared first, all of them, with those of the positive examples. The candidates, a
fixed number of the nearest, are ranked again by their codes, which also knows the negative
examples. Of places that are near each other only the best is kept. Where the list needs more, it
goes on with the next candidates, so the first page of results does not depend on how many are
asked for. With ``exact`` every place is ranked by its code.
"""

import logging
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from emqs import hamming, scorers
from emqs.config import IndexConfig, QueryConfig
from emqs.errors import ConfigError
from emqs.store import Grid, Store

logger = logging.getLogger(__name__)

HEAD_EXAMPLES = 5  # of each kind: from so many on, a classifier is fitted to them
WIDER = 4  # every further round looks at so many times more candidates
MAX_CANDIDATES = 2**22  # of a round that ranks by codes: what a computer's memory holds
MAX_POINTS = 10_000


@dataclass(frozen=True)
class SearchConfig:
    """What is looked for, and what is shown. Values come from ``configs/search.yaml``."""

    n_results: int = 48  # on a page
    page: int = 0  # counted from 0
    candidates: int = 10_000  # nearest signatures that are ranked by their codes
    exact: bool = False  # rank every place by its code
    distance_nm: float | None = None  # least distance of results; None: the edge of a patch
    box_nm: list[Any] | None = None  # [[z,y,x],[z,y,x]], first and last; None: everywhere
    n_threads: int | None = None  # of the scan; None: one per core

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        for name, least in (("n_results", 1), ("page", 0), ("candidates", 1)):
            if getattr(self, name) < least:
                raise ConfigError(
                    f"search.{name} must be at least {least}, got {getattr(self, name)}."
                )
        if self.candidates > MAX_CANDIDATES:
            raise ConfigError(
                f"search.candidates must be at most {MAX_CANDIDATES}, got {self.candidates}. "
                "search.exact=true ranks every place."
            )
        if self.distance_nm is not None and not 0 <= self.distance_nm < math.inf:
            raise ConfigError(f"search.distance_nm must be 0 or more, got {self.distance_nm:g}.")
        if self.box_nm is not None:
            box = self.box_nm
            numbers = [v for corner in box if isinstance(corner, list | tuple) for v in corner]
            if len(box) != 2 or len(numbers) != 6 or not all(_is_number(v) for v in numbers):
                raise ConfigError(
                    "search.box_nm must be the first and the last corner in nm, "
                    f"'[[z,y,x],[z,y,x]]', got {box}."
                )
            if any(a > b for a, b in zip(numbers[:3], numbers[3:], strict=True)):
                raise ConfigError(f"search.box_nm ends before it begins: {box}.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(frozen=True)
class Matches:
    """A page of results, best first."""

    ranks: np.ndarray  # (K,), int64, from 1, over all pages
    places: np.ndarray  # (K, 3), int64, indices along Z Y X of the grid
    voxels: np.ndarray  # (K, 3), int64, the voxel at the centre, Z Y X
    centres_nm: np.ndarray  # (K, 3), float64, Z Y X
    hamming: np.ndarray  # (K,), int64, to the nearest positive example's signature
    scores: np.ndarray  # (K,), float64
    positives: np.ndarray  # (P, 3), int64, places of the examples
    negatives: np.ndarray  # (M, 3), int64
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """The columns of matches.csv by name."""
        voxels, nm = self.voxels.T, self.centres_nm.T
        return {
            "rank": self.ranks,
            **dict(zip("zyx", voxels, strict=True)),
            **dict(zip(("z_nm", "y_nm", "x_nm"), nm, strict=True)),
            "hamming": self.hamming,
            "score": self.scores,
        }


def search(
    store: Store,
    positive: Sequence[Sequence[int]],
    negative: Sequence[Sequence[int]] = (),
    *,
    query: QueryConfig,
    settings: SearchConfig,
) -> Matches:
    """Return the places of an embedding volume that look most like examples.

    An example is the patch of the grid closest around a clicked voxel. Places that overlap an
    example in the sense of ``distance_nm`` are not shown. Equal scores keep the order of the grid,
    so the same search gives the same table.

    Args:
        store: May still be filled; what is there is searched.
        positive: Voxels ``(z, y, x)`` of the volume, at least one.
        negative: Voxels of what is not looked for, may be empty.
        query: How codes are compared: ``scorer``, ``metric``, ``whiten`` and their settings. With
            ``scorer="nearest"`` and at least 5 examples of each kind, a logistic head is fitted.
        settings: Everything else.

    Returns:
        The page that was asked for; it is shorter, or empty, where there are no more places.

    Raises:
        ConfigError: If there is no positive example, or one lies outside the volume, in a place
            that was skipped, or in one that is not embedded yet.
        DataError: If the store is damaged, or nothing is in it yet.
    """
    started = time.perf_counter()
    grid = store.grid
    signatures, valid = store.flat()
    toward = _examples("positive", positive, store, valid)
    away = _examples("negative", negative, store, valid)
    if len(toward) == 0:
        raise ConfigError(
            "The search needs at least one positive example. Give positive='[[z,y,x]]'."
        )
    scorer = _scorer(store, query, toward, away)
    allowed = valid if settings.box_nm is None else valid & inside(grid, settings.box_nm)
    wanted = signatures[toward]
    prepared = time.perf_counter()
    if settings.exact:
        rounds = _exact_rounds(store, scorer, allowed, settings)
    else:
        rounds = _rounds(store, scorer, signatures, wanted, allowed, settings)
    n_wanted = (settings.page + 1) * settings.n_results
    found, scores = suppressed(
        rounds,
        grid,
        np.concatenate([toward, away]),
        distance_nm=_distance(grid, settings),
        n_wanted=n_wanted,
    )
    first = settings.page * settings.n_results
    found, scores = found[first:], scores[first:]
    places = grid.zyx(found)
    half = np.array([0, grid.size // 2, grid.size // 2])
    differences = np.bitwise_count(signatures[found][:, None] ^ wanted[None])
    return Matches(
        ranks=np.arange(first + 1, first + 1 + len(found)),
        places=places,
        voxels=grid.first_voxels(places) + half,
        centres_nm=grid.centres_nm(places),
        hamming=differences.min(axis=1).astype(np.int64),
        scores=scores,
        positives=grid.zyx(toward),
        negatives=grid.zyx(away),
        seconds={
            "preparing": prepared - started,
            "searching": time.perf_counter() - prepared,
        },
    )


def _distance(grid: Grid, settings: SearchConfig) -> float:
    if settings.distance_nm is not None:
        return settings.distance_nm
    return grid.size * grid.voxel_size_nm[1]


def _examples(
    kind: str, points: Sequence[Sequence[int]], store: Store, valid: np.ndarray
) -> np.ndarray:
    """Return the positions of examples in the flat grid, ``(P,)``, int64."""
    shape, grid = store.manifest["volume"]["shape"], store.grid
    if len(points) > MAX_POINTS:
        raise ConfigError(f"{kind} holds {len(points)} points; at most {MAX_POINTS} are allowed.")
    positions = []
    for point in points:
        voxel = list(point) if isinstance(point, Sequence) else []
        if len(voxel) != 3 or not all(isinstance(v, int | np.integer) for v in voxel):
            raise ConfigError(
                f"{kind} must be a list of voxels in whole numbers, '[[z,y,x],[z,y,x]]', "
                f"got {point}."
            )
        z, y, x = (int(v) for v in voxel)
        if not all(0 <= v < n for v, n in zip((z, y, x), shape, strict=True)):
            raise ConfigError(
                f"The {kind} example {[z, y, x]} lies outside the volume of shape (Z, Y, X) = "
                f"{tuple(shape)}; voxels are counted from 0."
            )
        place = grid.nearest_place((z, y, x))
        position = int(np.ravel_multi_index(place, grid.shape))
        if not valid[position]:
            block = place[0], place[1] // grid.block, place[2] // grid.block
            why = (
                "was skipped: it is constant, padding, or holds NaN. Click on tissue"
                if store.has(block)
                else "is not embedded yet. Wait for python -m emqs.embed, or click elsewhere"
            )
            raise ConfigError(f"The patch around the {kind} example {[z, y, x]} {why}.")
        positions.append(position)
    return np.array(positions, dtype=np.int64)


def _scorer(
    store: Store, query: QueryConfig, toward: np.ndarray, away: np.ndarray
) -> scorers.Scorer:
    """Return what scores codes."""
    if query.scorer == "nearest" and min(len(toward), len(away)) >= HEAD_EXAMPLES:
        query = replace(query, scorer="logistic")
    fewest = min(len(toward), len(away) or len(toward))
    query = replace(query, num_neighbors=min(query.num_neighbors, fewest))
    needed = scorers.needs_background(query, has_negatives=len(away) > 0)
    return scorers.build(
        query,
        IndexConfig(name="exact"),
        store.codes(toward),
        store.codes(away) if len(away) else None,
        store.sample() if needed else None,
    )


def inside(grid: Grid, box_nm: Sequence[Sequence[float]]) -> np.ndarray:
    """Return which places have their centre in a box, shape ``(N,)``, bool; both ends count."""
    parts = []
    for axis in range(3):
        places = np.zeros((grid.shape[axis], 3), dtype=np.int64)
        places[:, axis] = np.arange(grid.shape[axis])
        centres = grid.centres_nm(places)[:, axis]
        parts.append((centres >= box_nm[0][axis]) & (centres <= box_nm[1][axis]))
    z, y, x = parts
    return (z[:, None, None] & y[None, :, None] & x[None, None, :]).ravel()


def _rounds(
    store: Store,
    scorer: scorers.Scorer,
    signatures: np.ndarray,
    wanted: np.ndarray,
    allowed: np.ndarray,
    settings: SearchConfig,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield positions and scores of ever more candidates, each round best first.

    How many a round holds depends on ``candidates`` alone, so that pages follow each other.
    """
    mask = None if allowed.all() else allowed
    seen, total = 0, settings.candidates
    while True:
        positions, _ = hamming.nearest(
            signatures, wanted, total, mask=mask, n_threads=settings.n_threads
        )
        new = np.sort(positions[seen:])
        if len(new):
            scores = scorer.score(store.codes(new))
            order = np.argsort(-scores, kind="stable")
            yield new[order], scores[order]
        if len(positions) < total:
            return
        seen, total = total, min(total * WIDER, total + MAX_CANDIDATES)


def _exact_rounds(
    store: Store, scorer: scorers.Scorer, allowed: np.ndarray, settings: SearchConfig
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield positions and scores of all places, best first, in parts.

    Codes are read block by block and not kept; scores take 8 bytes per place.
    """
    grid = store.grid
    scores = np.full(grid.n_places, -np.inf)
    flat = np.arange(grid.n_places).reshape(grid.shape) if grid.n_places < 2**20 else None
    for block in store.done():
        where = grid.places(block)
        if flat is not None:
            positions = flat[where.slices].ravel()
        else:
            axes = [np.arange(a, b) for a, b in zip(where.start, where.stop, strict=True)]
            positions = np.ravel_multi_index(np.ix_(*axes), grid.shape).ravel()
        here = allowed[positions]
        if here.any():
            scores[positions[here]] = scorer.score(store.block_codes(block)[here])
    n_allowed = int(allowed.sum())
    seen, total = 0, settings.candidates
    while seen < n_allowed:
        total = min(total, n_allowed)
        if total < grid.n_places:
            least = np.partition(scores, grid.n_places - total)[grid.n_places - total]
        else:
            least = -np.inf
        best = np.flatnonzero((scores >= least) & allowed)
        order = best[np.argsort(-scores[best], kind="stable")][:total]
        yield order[seen:], scores[order[seen:]]
        seen, total = total, total * WIDER


def suppressed(
    rounds: Iterator[tuple[np.ndarray, np.ndarray]],
    grid: Grid,
    examples: np.ndarray,
    *,
    distance_nm: float,
    n_wanted: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the best places that keep a distance from each other and from the examples.

    Args:
        rounds: Positions and scores, each round best first; as many are taken as are needed.
        grid: Where places are.
        examples: Positions that are not shown, and nothing nearer to them.
        distance_nm: Least distance between centres; 0 leaves out the examples alone.
        n_wanted: How many, at most.

    Returns:
        Positions ``(K,)``, int64, and scores ``(K,)``, float64, in the order of the rounds.
    """
    kept = np.empty(0, dtype=np.int64)
    kept_scores = np.empty(0)
    blockers = grid.centres_nm(grid.zyx(examples))
    for positions, scores in rounds:
        centres = grid.centres_nm(grid.zyx(positions))
        free = ~np.isin(positions, examples)
        for centre in blockers if distance_nm > 0 else ():
            free &= _far(centres, centre, distance_nm)
        at = 0
        chosen: list[int] = []
        while len(kept) + len(chosen) < n_wanted:
            rest = np.flatnonzero(free[at:])
            if len(rest) == 0:
                break
            at += int(rest[0])
            chosen.append(at)
            free[at] = False
            if distance_nm > 0:
                free[at:] &= _far(centres[at:], centres[at], distance_nm)
        kept = np.concatenate([kept, positions[chosen]])
        kept_scores = np.concatenate([kept_scores, scores[chosen]])
        blockers = np.concatenate([blockers, centres[chosen]])
        if len(kept) >= n_wanted:
            break
    return kept, kept_scores


def _far(centres: np.ndarray, centre: np.ndarray, distance_nm: float) -> np.ndarray:
    return np.asarray(np.sum((centres - centre) ** 2, axis=1) >= distance_nm**2 * (1 - 1e-9))
