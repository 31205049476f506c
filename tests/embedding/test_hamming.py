"""The exact scan, by NumPy and by numba, against counting bits one by one."""

import importlib
import logging
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from emqs.embedding.stores import hamming
from emqs.errors import ConfigError, DataError


@pytest.fixture(params=["numpy", pytest.param("numba", marks=pytest.mark.slow)])
def loops(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The loops that a test uses, whatever there is to compare."""
    if request.param == "numba":
        compiled()
    monkeypatch.setattr(hamming, "MANY", 0 if request.param == "numba" else 2**62)
    return str(request.param)


def compiled() -> ModuleType:
    pytest.importorskip("numba")
    return importlib.import_module("emqs.embedding.stores.hamming_numba")


def literal(signatures: np.ndarray, positives: list[int], k: int) -> list[tuple[int, int]]:
    """Distance and position of the k nearest, by counting the ones of each difference."""
    found = []
    for position, one in enumerate(signatures.tolist()):
        found.append((min((one ^ p).bit_count() for p in positives), position))
    return sorted(found)[:k]


def scene(n: int, seed: int = 0) -> np.ndarray:
    """Signatures of 12 changing bits, so that equal distances abound."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 2**12, size=n, dtype=np.uint64) << np.uint64(52)


def pairs(found: tuple[np.ndarray, np.ndarray]) -> list[tuple[int, int]]:
    positions, distances = found
    assert (positions.dtype, distances.dtype) == (np.int64, np.uint8)
    return list(zip(distances.tolist(), positions.tolist(), strict=True))


@pytest.mark.parametrize("n", [1, 63, 64, 65, 1000])
@pytest.mark.parametrize("k", [1, 5, 2000])
@pytest.mark.parametrize("n_threads", [1, 5])
def test_the_scan_equals_counting(
    n: int, k: int, n_threads: int, loops: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hamming, "BLOCK", 64)
    monkeypatch.setattr(hamming, "PART", 24)
    signatures = scene(n)
    for positives in ([0], [2**63, 2**52 * 77, 2**52 * 3], [2**64 - 1, 2**64 - 1]):
        found = hamming.nearest(signatures, positives, k, n_threads=n_threads)
        assert pairs(found) == literal(signatures, positives, k)


@pytest.mark.parametrize("order", ["nearest last", "nearest first", "all equal"])
def test_orders_that_are_worst(order: str, loops: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hamming, "BLOCK", 64)
    signatures = scene(3000)
    ranked = np.argsort(np.bitwise_count(signatures), kind="stable")
    signatures = {
        "nearest last": signatures[ranked[::-1]],
        "nearest first": signatures[ranked],
        "all equal": np.full(3000, 5, dtype=np.uint64),
    }[order]
    for k in (1, 100, 1500):
        found = hamming.nearest(signatures, [0], k, n_threads=2)
        assert pairs(found) == literal(signatures, [0], k)


class Backwards:
    """In place of threads: the last part is searched first."""

    def __init__(self, n_threads: int) -> None:
        pass

    def __enter__(self) -> "Backwards":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def map(self, work: Callable[[object], object], parts: list[object]) -> list[object]:
        return [work(part) for part in reversed(parts)][::-1]


def test_parts_that_are_done_in_another_order(loops: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a later part knows must not leave out an equal one that comes before."""
    monkeypatch.setattr(hamming, "BLOCK", 64)
    monkeypatch.setattr(hamming, "ThreadPoolExecutor", Backwards)
    signatures = scene(3000) & np.uint64(7 << 52)
    for k in (1, 7, 20):
        found = hamming.nearest(signatures, [0, 2**53], k, n_threads=2)
        assert pairs(found) == literal(signatures, [0, 2**53], k)


def test_masked_places_are_never_found(loops: str) -> None:
    signatures = scene(500)
    mask = np.random.default_rng(1).random(500) < 0.3
    found = hamming.nearest(signatures, [0], 1000, mask=mask)
    expected = [(d, p) for d, p in literal(signatures, [0], 500) if mask[p]]
    assert pairs(found) == expected
    positions, _ = hamming.nearest(signatures, [0], 3, mask=np.zeros(500, dtype=bool))
    assert len(positions) == 0


def test_a_mapped_file_of_whole_blocks_and_more(tmp_path: Path, loops: str) -> None:
    n = 3 * hamming.BLOCK + 11
    signatures = np.random.default_rng(0).integers(0, 2**64, size=n, dtype=np.uint64)
    signatures.tofile(tmp_path / "signatures")
    mapped = np.memmap(tmp_path / "signatures", np.uint64, "r")
    distances = np.bitwise_count(signatures ^ signatures[-1])
    expected = np.argsort(distances, kind="stable")[:200]
    positions, found = hamming.nearest(mapped, signatures[-1:], 200)
    np.testing.assert_array_equal(positions, expected)
    np.testing.assert_array_equal(found, distances[expected])
    assert positions[0] == n - 1


def test_counts_are_those_of_all_distances(loops: str) -> None:
    signatures = scene(2 * hamming.BLOCK + 5)
    mask = np.random.default_rng(1).random(len(signatures)) < 0.5
    distances = np.minimum(
        np.bitwise_count(signatures), np.bitwise_count(signatures ^ np.uint64(2**63))
    )
    expected = np.bincount(distances[mask], minlength=65)
    got = hamming.counts(signatures, [0, 2**63], mask=mask, n_threads=2)
    np.testing.assert_array_equal(got, expected)
    assert hamming.counts(signatures, [0]).sum() == len(signatures)


def both(monkeypatch: pytest.MonkeyPatch, *args: object, **kwargs: object) -> list[bytes]:
    """Positions and distances by NumPy and by numba, as bytes."""
    compiled()
    found = []
    for many in (2**62, 0):
        monkeypatch.setattr(hamming, "MANY", many)
        positions, distances = hamming.nearest(*args, **kwargs)  # type: ignore[arg-type]
        assert (positions.dtype, distances.dtype) == (np.int64, np.uint8)
        found.append(positions.tobytes() + distances.tobytes())
    return found


@pytest.mark.parametrize("seed", range(24))
def test_both_loops_find_the_same(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 40_000 if seed % 4 else 600))
    bits = int(rng.choice([1, 3, 12, 64]))  # few: nearly all distances are equal
    signatures = rng.integers(0, 2**bits, size=n, dtype=np.uint64, endpoint=bits < 64)
    if seed % 3 == 0:  # nearest last, so that all are looked at
        signatures = signatures[np.argsort(-np.bitwise_count(signatures).astype(int))]
    positives = rng.integers(0, 2**bits, size=int(rng.integers(1, 14)), dtype=np.uint64)
    if seed % 3 == 0:
        positives[:] = 0
    mask = rng.random(n) < rng.choice([0.0, 0.01, 0.5]) if seed % 2 else None
    for k in (1, 17, 300, n, 3 * n, 10**30):
        numpy, numba = both(
            monkeypatch, signatures, positives, k, mask=mask, n_threads=int(rng.integers(1, 4))
        )
        assert numpy == numba


def test_both_loops_where_the_buffer_overflows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ever nearer ones fill what numba keeps several times over, ties at the limit included."""
    ones = np.repeat(np.arange(64, -1, -1, dtype=np.uint64), 1500)
    signatures = np.array([2 ** int(n) - 1 for n in range(65)], dtype=np.uint64)[ones.astype(int)]
    for k in (1, 50, 1499, 1500, 1501, 4000):
        numpy, numba = both(monkeypatch, signatures, [0], k, n_threads=1)
        assert numpy == numba
        positions, _ = hamming.nearest(signatures, [0], k, n_threads=1)
        expected = np.argsort(ones, kind="stable")[:k]
        np.testing.assert_array_equal(positions, expected)


def test_arrays_that_are_not_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    signatures = scene(4000)
    mask = np.random.default_rng(1).random(8000)[::2] < 0.5
    numpy, numba = both(monkeypatch, signatures[::2], signatures[:3], 100, mask=mask[::2])
    assert numpy == numba
    twice = signatures[::2].copy(), mask[::2].copy()
    assert both(monkeypatch, twice[0], signatures[:3], 100, mask=twice[1]) == [numpy, numpy]


def raised(error: Exception) -> ModuleType:
    raise error


def test_which_loops_are_used_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hamming, "MANY", 0)
    caplog.set_level(logging.INFO, "emqs.embedding.stores.hamming")
    compiled()

    def said(error: ImportError) -> str:
        caplog.clear()
        hamming._numba.cache_clear()
        with monkeypatch.context() as patched:
            patched.setattr(hamming.importlib, "import_module", lambda _: raised(error))
            for _ in range(2):
                assert len(hamming.nearest(scene(100), [0], 3)[0]) == 3
        hamming._numba.cache_clear()
        return " ".join(f"{r.levelname} {r.getMessage()}" for r in caplog.records)

    assert said(ModuleNotFoundError(name="numba")) == (
        "INFO Signatures are compared by NumPy; numba is faster: pip install 'emqs[fast]'."
    )
    assert said(ImportError("Numba needs NumPy 2.5 or less")) == (
        "WARNING Signatures are compared by NumPy, since numba cannot be used: Numba needs NumPy "
        "2.5 or less"
    )
    with pytest.raises(ModuleNotFoundError):
        said(ModuleNotFoundError(name="emqs.errors"))
    hamming._numba.cache_clear()
    caplog.clear()
    assert hamming._numba() is hamming._numba() is compiled()
    assert caplog.messages == ["Signatures are compared by numba."]


def test_few_are_compared_by_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing numba would take longer than the scan."""
    monkeypatch.setattr(hamming, "_numba", lambda: pytest.fail("numba was asked for"))
    hamming.nearest(scene(1000), [0, 1], 3)


def test_bad_arguments() -> None:
    signatures = scene(10)
    assert len(hamming.nearest(signatures[:0], [0], 3)[0]) == 0
    with pytest.raises(ConfigError, match="at least one positive"):
        hamming.nearest(signatures, [], 3)
    with pytest.raises(ConfigError, match="k must be at least 1, got 0"):
        hamming.nearest(signatures, [0], 0)
    with pytest.raises(ConfigError, match="n_threads must be at least 1, got 0"):
        hamming.nearest(signatures, [0], 1, n_threads=0)
    with pytest.raises(DataError, match=r"uint64 of shape \(N,\), got int64"):
        hamming.nearest(signatures.astype(np.int64), [0], 1)
    with pytest.raises(DataError, match=r"bool of shape \(10,\), got bool of shape \(9,\)"):
        hamming.nearest(signatures, [0], 1, mask=np.ones(9, dtype=bool))
