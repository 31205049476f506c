"""Several searches in one pass over the signatures: each finds what it finds alone."""

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from support.served import until
from support.small_stores import grid_of, random_codes, write_store

from emqs.embedding.stores import hamming
from emqs.embedding.stores.shared_scan import MOST, Ask, SharedScan
from emqs.embedding.stores.zarr import open_store
from emqs.errors import ConfigError


def slow(
    signatures: np.ndarray, queries: np.ndarray, k: int, mask: np.ndarray | None
) -> np.ndarray:
    """Return the nearest by a sort of all distances."""
    distances = np.bitwise_count(signatures[:, None] ^ queries[None]).min(axis=1).astype(int)
    if mask is not None:
        distances[~mask] = 1000
    order = np.argsort(distances, kind="stable")[:k]
    return order[distances[order] < 1000]


@pytest.mark.parametrize("many", [2**24, 1])  # NumPy's loops; numba's, where it is installed
@pytest.mark.parametrize("masked", [False, True])
def test_each_gets_what_a_full_sort_gives(
    monkeypatch: pytest.MonkeyPatch, many: int, masked: bool
) -> None:
    monkeypatch.setattr(hamming, "MANY", many)
    rng = np.random.default_rng(0)
    signatures = rng.integers(0, 2**64, 70_001, dtype=np.uint64)
    signatures[100:9000] = signatures[50]  # equal ones, over the end of what is kept
    mask = rng.random(len(signatures)) < 0.3 if masked else None
    searches = [
        (signatures[[50]], 5000),
        (signatures[[7, 8, 9, 10, 11]], 300),
        (rng.integers(0, 2**64, 2, dtype=np.uint64), 1),
        (signatures[[60_000]], 100_000),
    ]
    for threads in (1, 3):
        found = hamming.nearest_of_each(signatures, searches, mask=mask, n_threads=threads)
        for (queries, k), own in zip(searches, found, strict=True):
            assert np.array_equal(own, slow(signatures, queries, k, mask))
    with pytest.raises(ConfigError, match="k must be at least 1"):
        hamming.nearest_of_each(signatures, [(signatures[:1], 0)])


class Scanned:
    """A scan that waits to be let go, and remembers who was scanned together."""

    def __init__(self) -> None:
        self.together: list[list[int]] = []
        self.go = threading.Semaphore(0)

    def __call__(self, asks: Sequence[Ask]) -> list[np.ndarray]:
        self.together.append([k for _, k, _ in asks])
        assert self.go.acquire(timeout=20)
        if any(k == 13 for _, k, _ in asks):
            raise ValueError("no luck")
        return [np.array([k]) for _, k, _ in asks]


def test_who_comes_meanwhile_is_scanned_together() -> None:
    scanned = Scanned()
    shared = SharedScan(scanned)
    answers: dict[int, int | str] = {}

    def ask(k: int) -> None:
        try:
            answers[k] = int(shared((np.zeros(1, dtype=np.uint64), k, None))[0])
        except ValueError as error:
            answers[k] = str(error)

    def started(first: int, last: int) -> list[threading.Thread]:
        threads = [threading.Thread(target=ask, args=(k,)) for k in range(first, last)]
        for thread in threads:
            thread.start()
        return threads

    threads = started(1, 2)
    until(lambda: scanned.together == [[1]], 20)
    count = 11 + MOST  # more than one scan takes; the number 13 is among them
    threads += started(2, count)
    until(lambda: len(shared._queue) == count - 2, 20)
    scanned.go.release()
    until(lambda: len(scanned.together) == 2, 20)
    until(lambda: 1 in answers, 20)  # it does not wait for the others
    assert len(scanned.together[1]) == MOST
    for _ in range(2):
        scanned.go.release()
    for thread in threads:
        thread.join(20)
    assert sorted(k for part in scanned.together for k in part) == list(range(1, count))
    unlucky = next(part for part in scanned.together if 13 in part)
    assert answers == {k: "no luck" if k in unlucky else k for k in range(1, count)}
    threads = started(1, 2)  # and it goes on
    scanned.go.release()
    threads[0].join(20)
    assert answers[1] == 1


def test_a_store_answers_many_at_once_as_one_after_the_other(tmp_path: Path) -> None:
    grid = grid_of((4, 48, 64))
    made = write_store(tmp_path / "a.zarr", random_codes(grid), grid)
    signatures, _ = made.flat()
    store = open_store(made.path)
    found: dict[int, np.ndarray] = {}

    def ask(number: int) -> None:
        queries = signatures[[number * 100, number * 100 + 1]]
        found[number] = store.nearest(queries, 10, 700, within=None, n_threads=None)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for number in range(24):
        queries = signatures[[number * 100, number * 100 + 1]]
        assert np.array_equal(found[number], slow(signatures, queries, 700, None)[10:])
