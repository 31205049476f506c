"""The exact scan against counting bits one by one."""

from pathlib import Path

import numpy as np
import pytest

from emqs import hamming
from emqs.errors import ConfigError, DataError


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


@pytest.mark.parametrize("n", [1, 7, 63, 64, 65, 1000])
@pytest.mark.parametrize("k", [1, 5, 64, 2000])
@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_the_scan_equals_counting(
    n: int, k: int, n_threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hamming, "BLOCK", 64)
    monkeypatch.setattr(hamming, "PART", 24)
    signatures = scene(n)
    for positives in ([0], [2**63, 2**52 * 77, 2**52 * 3], [2**64 - 1, 2**64 - 1]):
        found = hamming.nearest(signatures, positives, k, n_threads=n_threads)
        assert pairs(found) == literal(signatures, positives, k)


@pytest.mark.parametrize("order", ["nearest last", "nearest first", "all equal"])
def test_orders_that_are_worst(order: str, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_masked_places_are_never_found() -> None:
    signatures = scene(500)
    mask = np.random.default_rng(1).random(500) < 0.3
    found = hamming.nearest(signatures, [0], 1000, mask=mask)
    expected = [(d, p) for d, p in literal(signatures, [0], 500) if mask[p]]
    assert pairs(found) == expected
    positions, _ = hamming.nearest(signatures, [0], 3, mask=np.zeros(500, dtype=bool))
    assert len(positions) == 0


def test_a_mapped_file_of_whole_blocks_and_more(tmp_path: Path) -> None:
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


def test_counts_are_those_of_all_distances() -> None:
    signatures = scene(2 * hamming.BLOCK + 5)
    mask = np.random.default_rng(1).random(len(signatures)) < 0.5
    distances = np.minimum(
        np.bitwise_count(signatures), np.bitwise_count(signatures ^ np.uint64(2**63))
    )
    expected = np.bincount(distances[mask], minlength=65)
    got = hamming.counts(signatures, [0, 2**63], mask=mask, n_threads=2)
    np.testing.assert_array_equal(got, expected)
    assert hamming.counts(signatures, [0]).sum() == len(signatures)


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
