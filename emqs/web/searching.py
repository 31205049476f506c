"""Searches of embedding stores that stay open: the second one pays for the search alone.

Functions take plain values and return plain values; routes turn these into JSON. Results do not
depend on what else is asked: the same question of the same store gives the same places, so pages
follow each other, and what was found is kept for the next page.
"""

import hashlib
import json
import math
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emqs.annotations.turns import Turns
from emqs.errors import ConfigError
from emqs.web.caches import Cache
from emqs.web.context import Context
from emqs.web.layers import OpenLayer
from emqs.web.refusals import Refusal
from emqs.web.search_values import MOST_RANK, Ask, Example, Found, Match

if TYPE_CHECKING:
    from emqs.web import place_filter
    from emqs.web import search_parts as parts

MOST_OPEN = 8  # stores, 9 bytes a place each
MOST_QUERIES = 100  # of one batch
LOOK_S = 10.0  # between two looks for new blocks of a store that is being filled
FILTER_BYTES = 2**30  # masks and gathered signatures
FOUND_BYTES = 2**26
AHEAD = 2  # pages that are found together
EXACT_AT_ONCE = 2  # exact searches at a time: each keeps 16 bytes a place, and takes minutes
# The values of configs/search.yaml; a test compares them.
QUERY = {
    "scorer": "logistic", "metric": "cosine", "whiten": "turned", "c": 10.0, "typical": True,
}  # fmt: skip
SMOOTH = 0.25


@dataclass
class OpenStore:
    """An embedding volume that is open.

    Attributes:
        engine: Answers.
        fingerprint: Of codes, signatures and what is embedded so far.
        complete: Whether no block is missing.
        looked: When that was looked at, monotonic seconds.
        stamp: Of its metadata file.
        lock: Held while an engine is used that answers one at a time; None: all at once.
    """

    engine: "parts.SearchableStore"
    fingerprint: str
    complete: bool
    looked: float
    stamp: tuple[int, int, int] | None
    lock: "threading.Lock | None" = None


@dataclass(frozen=True, eq=False)
class _Results:
    matches: tuple[Match, ...]
    exhausted: bool


def _too_many() -> Refusal:
    sentence = "Too many searches are at work. Ask again in a moment."
    return Refusal(503, sentence, {"Retry-After": "5"})


class Searcher:
    """The open stores of a process, and what was found in them lately."""

    def __init__(self, cache: Path, *, at_once: int, wait_s: float) -> None:
        """Start with nothing open.

        Args:
            cache: Folder of the home for what can be made again.
            at_once: Searches at a time; more wait.
            wait_s: Longest wait.
        """
        self._folder = cache
        self._stores: Cache[OpenStore] = Cache(MOST_OPEN)
        self._filters: Cache[place_filter.FilteredEngine] = Cache(FILTER_BYTES, _filter_bytes)
        self._found: Cache[_Results] = Cache(
            FOUND_BYTES, lambda results: 400 * len(results.matches)
        )
        self._turns = Turns(at_once, wait_s, _too_many)
        self._exact_turns = Turns(EXACT_AT_ONCE, wait_s, _too_many)

    # --- stores ----------------------------------------------------------------------------------

    def store(self, name: str) -> OpenStore:
        """Return an open store; one that has changed is opened again.

        Raises:
            DataError: If it is not there or damaged.
        """
        opened = self._stores.get(name, lambda: opened_store(name))
        if opened.stamp != _stamp(name) or _has_grown(opened):
            self._stores.forget(lambda key: key == name)
            opened = self._stores.get(name, lambda: opened_store(name))
        return opened

    def warm(self, names: Sequence[str]) -> None:
        """Open stores, and load what searches need, before anybody asks."""
        from emqs.web import search_parts as parts

        parts.hamming.load()
        for name in names:
            self.store(name)

    # --- searches --------------------------------------------------------------------------------

    def search(
        self, stores: Sequence[str], ask: Ask, segments: Sequence[OpenLayer | None] = ()
    ) -> Found:
        """Return a page of matches.

        Args:
            stores: Paths or addresses; codes of several must be comparable.
            ask: What is searched.
            segments: The segmentation of each store, where ``ask`` names segments.

        Raises:
            ConfigError: If an example is outside or not embedded, or codes cannot be compared.
            DataError: If a store is damaged.
            Refusal: 503 if too many searches are at work.
        """
        started = time.perf_counter()
        opened = [self.store(name) for name in stores]
        fingerprints = tuple(one.fingerprint for one in opened)
        segment_keys = tuple("" if one is None else one.key for one in segments)
        key = (tuple(stores), fingerprints, segment_keys, ask.question)
        last = ask.after + ask.k
        kept = self._found.peek(key)
        seconds = 0.0
        if kept is None or (len(kept.matches) < last and not kept.exhausted):
            n_results = min(max(AHEAD * ask.k, last), MOST_RANK)
            exact = self._exact_turns.one() if ask.exact else nullcontext()
            with exact, self._turns.one() as busy:
                kept = self._results(stores, opened, ask, segments, n_results, busy)
            self._found.forget(lambda other: other == key)
            self._found.get(key, lambda: kept)
            seconds = time.perf_counter() - started
        page = kept.matches[ask.after : last]
        more = len(kept.matches) > last or not kept.exhausted
        return Found(page, fingerprints, more and bool(page), seconds)

    def batch(
        self,
        stores: Sequence[str],
        asks: Sequence[Ask],
        segments: Sequence[OpenLayer | None] = (),
    ) -> list[Found | ConfigError]:
        """Return the answers to several questions; one that cannot be answered is its error.

        Raises:
            ConfigError: If there are too many.
        """
        if len(asks) > MOST_QUERIES:
            raise ConfigError(f"A batch holds at most {MOST_QUERIES} searches, got {len(asks)}.")
        answers: list[Found | ConfigError] = []
        for ask in asks:
            try:
                answers.append(self.search(stores, ask, segments))
            except ConfigError as error:
                answers.append(error)
        return answers

    def suggest(
        self,
        stores: Sequence[str],
        ask: Ask,
        n: int = 5,
        segments: Sequence[OpenLayer | None] = (),
    ) -> list[Match]:
        """Return the matches whose marks would tell most, the most telling one first."""
        from emqs.web import search_parts as parts

        pool = self.search(stores, replace(ask, k=parts.POOL, after=0), segments).matches
        opened = [self.store(name) for name in stores]
        joined = parts.SeveralStores(tuple(one.engine for one in opened))
        examples = [*ask.positives, *ask.negatives]
        with self._turns.one():
            space = parts.fit_space(parts.QueryConfig(**QUERY), joined.sample())  # type: ignore[arg-type]
            codes = space(joined.codes(_positions(joined, [match.example for match in pool])))
            known = space(joined.codes(_positions(joined, examples)))
        return [pool[i] for i in parts.suggest(codes, known, n).tolist()]

    def _results(
        self,
        names: Sequence[str],
        opened: Sequence[OpenStore],
        ask: Ask,
        segments: Sequence[OpenLayer | None],
        n_results: int,
        busy: int,
    ) -> _Results:
        from emqs.web import search_parts as parts

        whole = engines = [one.engine for one in opened]
        if ask.inside or ask.outside:
            engines = self._filtered(names, opened, ask, segments)
        if ask.only:
            engines = _without_others(engines, ask.only)
        settings = parts.SearchConfig(
            n_results=n_results,
            candidates=ask.candidates,
            exact=ask.exact,
            expand=True,
            smooth=SMOOTH,
            distance_nm=ask.distance_nm,
            box_nm=None if ask.region_nm is None else [list(corner) for corner in ask.region_nm],
            n_threads=max(1, (os.cpu_count() or 1) // max(1, busy)),
        )
        query = parts.QueryConfig(**QUERY)  # type: ignore[arg-type] # of this one's fields
        with _held(opened):
            matches = parts.search(
                engines,
                [(one.store, *one.voxel) for one in ask.positives],
                [(one.store, *one.voxel) for one in ask.negatives],
                query=query,
                settings=settings,
                unfiltered=whole,
            )
        return _Results(tuple(_matches(matches)), len(matches.ranks) < n_results)

    def _filtered(
        self,
        names: Sequence[str],
        opened: Sequence[OpenStore],
        ask: Ask,
        segments: Sequence[OpenLayer | None],
    ) -> "list[parts.SearchableStore]":
        from emqs.web import place_filter

        if len(segments) != len(opened):
            raise ConfigError("This dataset has no segmentation whose segments could be searched.")
        engines: list[parts.SearchableStore] = []
        for name, one, layer in zip(names, opened, segments, strict=True):
            if layer is None or layer.kind != "segmentation":
                raise ConfigError(f"{name} has no segmentation whose segments could be searched.")
            path = place_filter.file_of(
                self._folder, name, one.fingerprint, layer.place, layer.layer.version
            )

            def made(
                one: OpenStore = one, layer: OpenLayer = layer, path: Path = path
            ) -> place_filter.FilteredEngine:
                labels = layer.scales[0].volume
                table = place_filter.place_segments(one.engine, labels, path)
                allowed = place_filter.allowed_places(
                    table, ask.inside, ask.outside, layer.equivalences
                )
                return place_filter.FilteredEngine(one.engine, allowed)

            chosen = frozenset(ask.inside), frozenset(ask.outside)
            engines.append(self._filters.get((name, one.fingerprint, layer.key, chosen), made))
        return engines


def searcher(state: Context) -> Searcher:
    """Return the searches of this process."""
    return state.kept(
        Searcher,
        lambda state: Searcher(
            state.home.cache, at_once=state.settings.searches, wait_s=state.settings.search_wait_s
        ),
    )


def refined(ask: Ask, marks: Sequence[tuple[Example, bool]]) -> Ask:
    """Return a question that knows which matches were right and which wrong.

    Args:
        ask: The question before.
        marks: Places, and whether each is right; of several marks of a place the last counts.
    """
    said = dict(marks)
    positives = [one for one in ask.positives if said.get(one, True)]
    negatives = [one for one in ask.negatives if not said.get(one, False)]
    positives += [one for one, right in said.items() if right and one not in positives]
    negatives += [one for one, right in said.items() if not right and one not in negatives]
    return replace(ask, positives=tuple(positives), negatives=tuple(negatives), after=0)


# --- parts ---------------------------------------------------------------------------------------


def _stamp(name: str) -> tuple[int, int, int] | None:
    """Return what changes when the metadata of a store on disk do."""
    if "://" in name:
        return None
    try:
        status = os.stat(f"{name}/zarr.json")  # noqa: PTH116 - fast, before every search
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def opened_store(name: str) -> OpenStore:
    """Return a store, opened; ``Searcher.store`` keeps it open."""
    from emqs.web import search_parts as parts

    mark = _stamp(name)
    engine = parts.open_searchable(name, parts.ClickhouseConfig())
    text = json.dumps(engine.manifest, sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    if not isinstance(engine, parts.EmbeddingStore):
        return OpenStore(engine, digest, True, time.monotonic(), mark, threading.Lock())
    engine.signatures(np.zeros(1, dtype=np.int64))  # makes and maps the copy that is searched
    if engine.short_coder is not None:
        engine.short_codes(np.zeros(1, dtype=np.int64))
    done = len(engine.done())
    complete = done == math.prod(engine.grid.blocks_shape)
    fingerprint = digest if complete else f"{digest}+{done}"
    return OpenStore(engine, fingerprint, complete, time.monotonic(), mark)


def _has_grown(opened: OpenStore) -> bool:
    """Return whether blocks were added to a store that lacks some; looked at now and then."""
    if opened.complete or time.monotonic() - opened.looked < LOOK_S:
        return False
    opened.looked = time.monotonic()
    done = len(opened.engine.done())  # type: ignore[attr-defined] # it is one on disk
    return not opened.fingerprint.endswith(f"+{done}")


def _without_others(
    engines: "Sequence[parts.SearchableStore]", only: Sequence[int]
) -> "list[parts.SearchableStore]":
    """Return engines of which only some give matches; examples may lie in all of them."""
    from emqs.web import place_filter

    return [
        engine
        if number in only
        else place_filter.FilteredEngine(engine, np.zeros(engine.grid.n_places, dtype=np.bool_))
        for number, engine in enumerate(engines)
    ]


@contextmanager
def _held(opened: Sequence[OpenStore]) -> Iterator[None]:
    """Hold the locks of engines that answer one at a time, always in the same order."""
    locks = sorted({id(one.lock): one.lock for one in opened if one.lock is not None}.items())
    for _, lock in locks:
        lock.acquire()
    try:
        yield
    finally:
        for _, lock in locks:
            lock.release()


def _positions(joined: "parts.SeveralStores", examples: Sequence[Example]) -> np.ndarray:
    """Return the positions of the places around voxels, ``(n,)``, int64."""
    positions = []
    for one in examples:
        grid = joined.stores[one.store].grid
        place = grid.nearest_place(one.voxel)
        positions.append(
            int(joined.starts[one.store]) + int(np.ravel_multi_index(place, grid.shape))
        )
    return np.array(positions, dtype=np.int64)


def _matches(matches: "parts.Matches") -> Iterator[Match]:
    columns = (
        matches.ranks,
        matches.stores,
        matches.voxels,
        matches.centres_nm,
        matches.hamming,
        matches.scores,
    )
    rows = zip(*(column.tolist() for column in columns), strict=True)
    placed = {name: column.tolist() for name, column in matches.placed.items()}
    likely = matches.probabilities
    for number, (rank, store, voxel, nm, hamming, score) in enumerate(rows):
        probability = None if likely is None else float(likely[number])
        place = {name: values[number] for name, values in placed.items()}
        yield Match(rank, store, tuple(voxel), tuple(nm), place, hamming, score, probability)


def _filter_bytes(engine: "place_filter.FilteredEngine") -> int:
    return int(engine.allowed.nbytes + 2 * engine._signatures.nbytes)
