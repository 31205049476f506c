"""Search an embedding volume: clicked examples in, the places most alike out, best first.

To few examples some of the first matches are added (``expansion``, ``neighbours``); twice the
search begins anew. Signatures are compared first, all of them, with those of the positive examples.
The candidates, a fixed number of the nearest, are ranked by their codes, which also knows the
negative examples; where the store has short codes, these say which codes are read (``refining``).
Of places that are near each other only the best is kept. Where the list needs more, it goes on with
the next candidates, so the first page of results does not depend on how many are asked for. With
``exact`` every place is ranked by its code.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from emqs.embedding.stores import SearchableStore
from emqs.embedding.stores.grid import Triple
from emqs.embedding.stores.several import SeveralStores
from emqs.embedding.stores.zarr import EmbeddingStore
from emqs.errors import ConfigError
from emqs.retrieval import (
    calibration,
    expansion,
    neighbours,
    rounds,
    scorers,
    sizes,
    suggestions,
)
from emqs.retrieval.background import background_of, share
from emqs.retrieval.first_matches import first_matches
from emqs.retrieval.one_thread import one_blas_thread
from emqs.retrieval.places import NM, box_columns, centre_columns
from emqs.retrieval.ranking import suppressed
from emqs.retrieval.scorers.scorer import Scorer
from emqs.retrieval.scorers.space import Background, Space
from emqs.retrieval.settings import IndexConfig, QueryConfig, SearchConfig

logger = logging.getLogger(__name__)

FEW = 5  # fewer positive examples than these take some of the first matches to them
MAX_POINTS = 10_000


@dataclass(frozen=True)
class Matches:
    """A page of results, best first."""

    ranks: np.ndarray  # (K,), int64, from 1, over all pages
    places: np.ndarray  # (K, 3), int64, indices along Z Y X of the grid
    voxels: np.ndarray  # (K, 3), int64, the voxel at the centre, Z Y X
    centres_nm: np.ndarray  # (K, 3), float64, Z Y X
    hamming: np.ndarray  # (K,), int64, to the nearest positive example's signature
    scores: np.ndarray  # (K,), float64
    stores: np.ndarray  # (K,), int64, number of the store that each lies in, from 0
    positives: np.ndarray  # (P, 3), int64, places of the examples
    negatives: np.ndarray  # (M, 3), int64
    positive_stores: np.ndarray  # (P,), int64
    negative_stores: np.ndarray  # (M,), int64
    names: tuple[str, ...]  # of the stores
    centres: np.ndarray  # (K, 3), float64, the same in voxels, whole or .5
    first: np.ndarray  # (K, 3), int64, the first voxel of each place
    edges: np.ndarray  # (K, 3), int64, how many voxels it has along Z Y X
    probabilities: np.ndarray | None  # (K,), float64; None with fewer than 5 + 5 examples
    suggested: np.ndarray  # (S, 3), int64, places to label next, the most helpful first
    suggested_scores: np.ndarray  # (S,), float64
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def placed(self) -> dict[str, np.ndarray]:
        """The columns of matches.csv that say where, ``places.COLUMNS``."""
        placed = centre_columns(self.centres, voxel_size_nm=None)
        nm = dict(zip(NM, np.round(self.centres_nm, 2).T, strict=True))
        return {**placed, **nm, **box_columns(self.first, self.edges)}

    @property
    def columns(self) -> dict[str, np.ndarray]:
        """The columns of matches.csv by name; ``store`` is there if there are several."""
        several = {"store": np.array(self.names)[self.stores]} if len(self.names) > 1 else {}
        return {
            "rank": self.ranks,
            **several,
            **self.placed,
            "hamming": self.hamming,
            "score": self.scores,
            **({} if self.probabilities is None else {"probability": self.probabilities}),
        }

    def of_store(self, number: int) -> "Matches":
        """Return what lies in one of several stores; ranks stay as they are."""
        own, positive, negative = (
            owners == number for owners in (self.stores, self.positive_stores, self.negative_stores)
        )
        arrays = (
            "ranks", "places", "voxels", "centres_nm", "hamming", "scores", "stores", "centres",
            "first", "edges",
        )  # fmt: skip
        likely = self.probabilities
        return replace(
            self,
            probabilities=None if likely is None else likely[own],
            **{name: getattr(self, name)[own] for name in arrays},
            positives=self.positives[positive],
            negatives=self.negatives[negative],
            positive_stores=self.positive_stores[positive],
            negative_stores=self.negative_stores[negative],
        )


@one_blas_thread()
def search(
    searched: EmbeddingStore | SearchableStore | Sequence[SearchableStore],
    positive: Sequence[Sequence[int]],
    negative: Sequence[Sequence[int]] = (),
    *,
    query: QueryConfig,
    settings: SearchConfig,
    unfiltered: Sequence[SearchableStore] | None = None,
) -> Matches:
    """Return the places of embedding volumes that look most like examples.

    An example is the patch of the grid closest around a clicked voxel. Places that overlap an
    example in the sense of ``distance_nm`` are not shown. Equal scores keep the order of the grid,
    so the same search gives the same table, wherever the volume is kept.

    Args:
        searched: An embedding volume, which may still be filled; or where it is searched; or
            several of these. Their codes must be comparable; each gives ``candidates``.
        positive: Voxels ``(z, y, x)`` of the volume, at least one; ``(store, z, y, x)`` says which
            of several, by its number from 0.
        negative: Voxels of what is not looked for, may be empty.
        query: How codes are compared: ``scorer``, ``metric``, ``whiten`` and their settings.
        settings: Everything else.
        unfiltered: With ``settings.expand``, the same volumes where ``searched`` gives some of
            their places alone: which matches are added does not depend on what may be found. None:
            as ``searched``.

    Returns:
        The page that was asked for; it is shorter, or empty, where there are no more places.

    Raises:
        ConfigError: If there is no positive example, or one lies outside the volume, in a place
            that was skipped, or in one that is not embedded yet; or codes cannot be compared; or
            ``query.sizes`` is given.
        DataError: If a store is damaged, or nothing is in it yet.
    """
    started = time.perf_counter()
    if isinstance(searched, EmbeddingStore):
        searched = replace(searched)  # what was embedded since it was last searched counts
    stores = tuple(searched) if isinstance(searched, Sequence) else (searched,)
    joined = SeveralStores(resized(stores, positive, query, settings), settings.exact)
    whole = joined
    if unfiltered is not None:
        whole = SeveralStores(tuple(unfiltered), settings.exact)
        share(joined, whole)
    positives = _examples("positive", positive, joined)
    negatives = _examples("negative", negative, joined)
    _check_labels(positive, negative)
    if len(positives) == 0:
        raise ConfigError(
            "The search needs at least one positive example. Give positive='[[z,y,x]]'."
        )
    shown = joined.codes(positives)
    against = joined.codes(negatives) if len(negatives) else None
    usual = _usual(joined, query, has_negatives=against is not None)
    like = near = shown
    if settings.expand and query.scorer == "logistic" and len(positives) < FEW:
        like, near = _expanded(whole, query, settings, positives, negatives)
    scorer = _scorer(query, like, against, usual)
    queries, signed = ([s.sign(own) for s in joined.signers] for own in (shown, near))
    examples = np.concatenate([positives, negatives])
    prepared = time.perf_counter()
    if settings.exact:
        looked_at = rounds.of_all(joined, scorer, settings)
    else:
        looked_at = rounds.by_signatures(joined, scorer, signed, settings)
    shown_last = (settings.page + 1) * settings.n_results
    ranked, ranked_scores = suppressed(
        looked_at,
        joined,
        examples,
        distance_nm=_distance(joined, settings),
        n_wanted=max(shown_last, suggestions.POOL if settings.suggestions else 0),
    )
    first = settings.page * settings.n_results
    chosen, scores = ranked[first:shown_last], ranked_scores[first:shown_last]
    asked = _suggested(joined, ranked, shown, against, settings.suggestions)
    voxels, edges = joined.boxes(chosen)
    return Matches(
        ranks=np.arange(first + 1, first + 1 + len(chosen)),
        places=joined.zyx(chosen),
        voxels=joined.voxels(chosen),
        centres_nm=joined.centres_nm(chosen),
        hamming=joined.distances(chosen, queries),
        scores=scores,
        stores=joined.owners(chosen),
        positives=joined.zyx(positives),
        negatives=joined.zyx(negatives),
        positive_stores=joined.owners(positives),
        negative_stores=joined.owners(negatives),
        names=tuple(store.name for store in joined.stores),
        centres=joined.centres(chosen),
        first=voxels,
        edges=edges,
        probabilities=_probabilities(
            joined, query, settings, (positives, negatives), scorer, scores
        ),
        suggested=joined.zyx(ranked[asked]),
        suggested_scores=ranked_scores[asked],
        seconds={
            "preparing": prepared - started,
            "searching": time.perf_counter() - prepared,
        },
    )


def resized(
    stores: Sequence[SearchableStore],
    positive: Sequence[Sequence[int]],
    query: QueryConfig,
    settings: SearchConfig,
) -> tuple[SearchableStore, ...]:
    """Return embedding volumes with windows of ``settings.size_nm``; see ``sizes.resized``."""

    def places(joined: SeveralStores) -> np.ndarray:
        return _examples("positive", positive, joined)

    return sizes.resized(stores, settings.size_nm, places, query)


def _check_labels(positive: Sequence[Sequence[int]], negative: Sequence[Sequence[int]]) -> None:
    """Raise if a voxel is an example of both kinds."""
    both = set(map(tuple, positive)) & set(map(tuple, negative))
    if both:
        raise ConfigError(
            f"{list(min(both))} is both a positive and a negative example. Take it out of one."
        )


def _distance(joined: SeveralStores, settings: SearchConfig) -> float:
    return joined.edge_nm if settings.distance_nm is None else settings.distance_nm


def _examples(kind: str, points: Sequence[Sequence[int]], joined: SeveralStores) -> np.ndarray:
    """Return the positions of examples, ``(P,)``, int64."""
    if len(points) > MAX_POINTS:
        raise ConfigError(f"{kind} holds {len(points)} points; at most {MAX_POINTS} are allowed.")
    owners, positions = [], []
    for point in points:
        number, voxel = _split(kind, point, joined)
        store = joined.stores[number]
        shape = store.manifest["volume"]["shape"]
        if not all(0 <= v < n for v, n in zip(voxel, shape, strict=True)):
            raise ConfigError(
                f"The {kind} example {list(voxel)} lies outside the volume of shape (Z, Y, X) = "
                f"{tuple(shape)}; voxels are counted from 0."
            )
        place = store.grid.nearest_place(voxel)
        owners.append(number)
        positions.append(int(np.ravel_multi_index(place, store.grid.shape)))
    for number, store in enumerate(joined.stores):
        members = [i for i, owner in enumerate(owners) if owner == number]
        if not members:
            continue
        _, valid_places = store.signatures(
            np.array([positions[i] for i in members], dtype=np.int64)
        )
        for i in (i for i, valid in zip(members, valid_places.tolist(), strict=True) if not valid):
            why = store.why_missing(positions[i])
            raise ConfigError(f"The patch around the {kind} example {list(points[i])} {why}.")
    return joined.starts[np.array(owners, dtype=np.int64)] + np.array(positions, dtype=np.int64)


def _split(kind: str, point: object, joined: SeveralStores) -> tuple[int, Triple]:
    """Return which store a point of the command line lies in, and its voxel."""
    numbers = list(point) if isinstance(point, Sequence) else []
    if len(numbers) not in (3, 4) or not all(isinstance(v, int | np.integer) for v in numbers):
        raise ConfigError(
            f"{kind} must be a list of voxels in whole numbers, '[[z,y,x],[z,y,x]]', got {point}."
        )
    count = len(joined.stores)
    if len(numbers) == 3 and count > 1:
        raise ConfigError(
            f"The {kind} example {numbers} does not say which of the {count} stores it lies in. "
            f"Give {kind}='[[store,z,y,x]]', where store is 0 for the first."
        )
    number = int(numbers.pop(0)) if len(numbers) == 4 else 0
    if not 0 <= number < count:
        raise ConfigError(
            f"The {kind} example {point} names store {number}, but there are only {count}, counted "
            "from 0."
        )
    z, y, x = (int(v) for v in numbers)
    return number, (z, y, x)


def _usual(joined: SeveralStores, query: QueryConfig, *, has_negatives: bool) -> Background | None:
    """Return what scorers learn of the volumes, which is read once for all of them, or None."""
    if query.sizes is not None:
        raise ConfigError(
            "query.sizes is of slices: an embedding volume holds codes of one size. Leave it out."
        )
    is_needed = scorers.needs_background(query, has_negatives=has_negatives)
    return background_of(joined) if is_needed else None


def _scorer(
    query: QueryConfig,
    positives: np.ndarray,
    negatives: np.ndarray | None,
    usual: Background | None,
) -> Scorer:
    """Return what scores codes, given those of the examples, ``(P, D)`` and ``(M, D)``."""
    fewest = len(positives) if negatives is None else min(len(positives), len(negatives))
    query = replace(query, num_neighbors=min(query.num_neighbors, fewest))
    return scorers.build(query, IndexConfig(name="exact"), positives, negatives, usual)


def _expanded(
    joined: SeveralStores,
    query: QueryConfig,
    settings: SearchConfig,
    positives: np.ndarray,
    negatives: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return codes of positive examples and of the first matches that agree with them.

    The first matches are those of the examples evened with their neighbours: what lies beside the
    thing by chance, at the edge of one patch, is not in all of these.

    Args:
        joined: All of what is searched.
        query: How codes are compared.
        settings: Of the search; the first matches may lie anywhere, but not on each other.
        positives: Positions of examples, ``(P,)``.
        negatives: The same, ``(M,)``.

    Returns:
        These codes and those of the matches, ``(P + n, D)``, float32, and a code in the middle of
        all, ``(1, D)``.
    """
    usual = background_of(joined)
    anywhere, space = replace(settings, box_nm=None), usual.space(query)
    shown = joined.codes(positives)
    against = joined.codes(negatives) if len(negatives) else None
    steady = _evened_codes(joined, space, positives)
    scorer = _scorer(query, steady, against, usual)
    queries = [signer.sign(steady) for signer in joined.signers]
    examples = np.concatenate([positives, negatives])
    for n in expansion.FIRST:
        if settings.exact:
            looked_at = rounds.of_all(joined, scorer, replace(anywhere, smooth=0.0))
        else:
            looked_at = rounds.by_signatures(joined, scorer, queries, anywhere, roughly=True)
        codes = joined.codes(first_matches(looked_at, joined, scorer, examples, n))
        taken = codes[expansion.agreeing(space, steady, codes)]
        more, middle = np.concatenate([shown, taken]), expansion.middle(space, steady, taken)
        if n != expansion.FIRST[-1]:
            scorer = _scorer(query, more, against, usual)
            queries = [signer.sign(middle) for signer in joined.signers]
    return more, middle


def _evened_codes(joined: SeveralStores, space: Space, positions: np.ndarray) -> np.ndarray:
    """Return codes in the direction of the mean of each place and its neighbours, ``(P, D)``."""
    member, around, weights = neighbours.around(joined, positions)
    has = joined.have_code(around)
    member, around, weights = member[has], around[has], weights[has]
    members = np.concatenate([np.arange(len(positions)), member])
    codes = joined.codes(np.concatenate([positions, around]))
    all_weights = np.concatenate([np.ones(len(positions)), weights])
    return np.concatenate([
        expansion.mean_direction(space, codes[members == one], all_weights[members == one])
        for one in range(len(positions))
    ])  # fmt: skip


def _suggested(
    joined: SeveralStores,
    ranked: np.ndarray,
    positives: np.ndarray,
    negatives: np.ndarray | None,
    n: int,
) -> np.ndarray:
    """Return which of the ranked places to label next; see ``suggestions.suggest``."""
    if n == 0 or len(ranked) == 0:
        return np.empty(0, dtype=np.int64)
    pool = ranked[: suggestions.POOL]
    space = background_of(joined).space(QueryConfig(metric="cosine", whiten="standard"))
    known = positives if negatives is None else np.concatenate([positives, negatives])
    return suggestions.suggest(space(joined.codes(pool)), space(known), n)


def _probabilities(
    joined: SeveralStores,
    query: QueryConfig,
    settings: SearchConfig,
    examples: tuple[np.ndarray, np.ndarray],
    scorer: Scorer,
    scores: np.ndarray,
) -> np.ndarray | None:
    """Return how likely places show what is looked for, or None with too few examples.

    What is usual in the volume is told by the sample that its store keeps. Where scores are evened
    with those of neighbours, those of examples are, too.
    """
    fewest = min(map(len, examples))
    if fewest < calibration.MIN_EXAMPLES or not query.calibrate or len(scores) == 0:
        return None
    needed = [np.concatenate(examples)]
    if settings.smooth > 0:
        around = neighbours.around(joined, needed[0], reach=settings.smooth)[1]
        needed.append(around[joined.have_code(around)])
    places = np.unique(np.concatenate(needed))
    codes = joined.codes(places)
    usual = _usual(joined, query, has_negatives=True)

    def of(positions: np.ndarray) -> np.ndarray:
        return codes[np.searchsorted(places, positions)]

    def build(some: np.ndarray, others: np.ndarray) -> calibration.Score:
        own = _scorer(query, of(some), of(others), usual)

        def around_them(asked: np.ndarray) -> np.ndarray:
            known = np.isin(asked, places)
            scores = np.full(len(asked), np.nan)
            scores[known] = own.score(of(asked[known]))
            return scores

        def score(asked: np.ndarray) -> np.ndarray:
            alone = own.score(of(asked))
            if settings.smooth == 0:
                return alone
            return neighbours.evened(
                joined, around_them, asked, alone, reach=settings.smooth, along_z=neighbours.ALONG_Z
            )

        return score

    held_out = calibration.held_out_scores(build, *examples)
    typical = scorer.score(background_of(joined).codes)
    return calibration.fit(*held_out, typical, is_rare=True).probability(scores)
