"""Signatures by their laws: balance, order of distances, the same bits in every batch."""

import json
from dataclasses import replace

import numpy as np
import pytest

from emqs.embedding import signatures
from emqs.embedding.signatures import Signer
from emqs.errors import ConfigError, DataError


def embeddings(n: int, size: int, seed: int = 0) -> np.ndarray:
    """Codes in clusters, with variances that fall off and correlated columns, far from 0."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(size, size))  # the same for all n
    spread = 1 / np.arange(1, size + 1) ** 0.5
    centres = rng.normal(size=(20, size)) * spread
    rng = np.random.default_rng(seed + 1000 + n)
    codes = centres[rng.integers(20, size=n)] + rng.normal(size=(n, size)) * spread
    return (codes @ mixing + 7).astype(np.float32)


def bits(signed: np.ndarray, n_bits: int = 64) -> np.ndarray:
    return (signed[:, None] >> np.arange(n_bits, dtype=np.uint64)) & np.uint64(1)


@pytest.mark.slow
@pytest.mark.parametrize("size", [64, 100])
def test_bits_of_long_embeddings_are_balanced_and_little_correlated(size: int) -> None:
    codes = embeddings(4000, size)
    signer = signatures.fit(codes, seed=0)
    values = bits(signer.sign(codes))
    np.testing.assert_allclose(values.mean(axis=0), 0.5, atol=0.001)
    fresh = bits(signer.sign(embeddings(3000, size)))
    np.testing.assert_allclose(fresh.mean(axis=0), 0.5, atol=0.05)
    correlation = np.abs(np.corrcoef(values.T.astype(float))) - np.eye(64)
    assert correlation.mean() < 0.2  # directions share variance, so bits cannot be independent


@pytest.mark.parametrize(("size", "n_bits"), [(32, 64), (18, 64), (5, 64), (1, 7), (32, 33)])
def test_short_embeddings_share_evenly_spaced_thresholds(size: int, n_bits: int) -> None:
    codes = embeddings(3000, size)
    signer = signatures.fit(codes, n_bits=n_bits, seed=0)
    shares = bits(signer.sign(codes), n_bits).mean(axis=0)
    per_direction = np.bincount(signer.direction_of_bit)
    assert len(per_direction) == size
    assert set(per_direction) <= {n_bits // size, -(-n_bits // size)}
    for direction, count in enumerate(per_direction):
        here = np.sort(shares[signer.direction_of_bit == direction])
        np.testing.assert_allclose(here, np.arange(1, count + 1) / (count + 1), atol=0.001)


def test_a_bit_is_a_projection_above_a_threshold() -> None:
    codes = embeddings(500, 12)
    signer = signatures.fit(codes, seed=0)
    projected = (codes.astype(float) - signer.mean) @ signer.directions
    for bit in range(64):
        above = projected[:, signer.direction_of_bit[bit]] > signer.thresholds[bit]
        got = (signer.sign(codes) >> np.uint64(bit)) & np.uint64(1) == 1
        sure = np.abs(projected[:, signer.direction_of_bit[bit]] - signer.thresholds[bit]) > 1e-9
        np.testing.assert_array_equal(got[sure], above[sure])
    turned = signer.directions * codes.astype(float).std(axis=0)[:, None]
    np.testing.assert_allclose(turned.T @ turned, np.eye(12), atol=1e-9)


def test_every_dimension_counts_the_same() -> None:
    codes = embeddings(2000, 16).astype(np.float64)
    stretched = codes * 2.0 ** np.arange(-8, 8)
    signed = signatures.fit(codes, seed=0).sign(codes)
    again = signatures.fit(stretched, seed=0).sign(stretched)
    np.testing.assert_array_equal(again, signed)


@pytest.mark.slow
@pytest.mark.parametrize("size", [18, 32, 64, 128])
def test_hamming_distance_follows_the_euclidean(size: int) -> None:
    codes = embeddings(2000, size)
    signer = signatures.fit(codes, seed=0)
    signed = signer.sign(codes)
    hamming = np.bitwise_count(signed[:100, None] ^ signed[100:])
    euclidean = np.linalg.norm(codes[:100, None] - codes[100:], axis=2)
    assert np.corrcoef(hamming.ravel(), euclidean.ravel())[0, 1] > 0.6
    near = np.argsort(euclidean, axis=1)[:, :20]
    chosen = np.argsort(hamming, axis=1, kind="stable")[:, :200]
    recall = np.mean([np.isin(n, c).mean() for n, c in zip(near, chosen, strict=True)])
    assert recall > 0.6, f"recall of the nearest 20 among 200 of 1,900: {recall:.2f}"


def test_behind_a_matrix_signatures_are_those_of_what_it_makes() -> None:
    codes = embeddings(3000, 16).astype(np.float64)
    matrix = np.linalg.qr(np.random.default_rng(1).normal(size=(16, 16)))[0] @ np.diag(
        np.linspace(0.2, 1, 16)
    )
    spread = codes.std(axis=0)
    signed = signatures.fit(codes, seed=0, matrix=matrix).sign(codes)
    turned = (codes - codes.mean(axis=0)) / spread @ matrix
    hamming = np.bitwise_count(signed[:200, None] ^ signed[200:])
    after, before = (
        np.linalg.norm(kind[:200, None] - kind[200:], axis=2) for kind in (turned, codes / spread)
    )
    follows = [np.corrcoef(hamming.ravel(), far.ravel())[0, 1] for far in (after, before)]
    assert follows[0] > follows[1] + 0.05


def test_at_a_threshold_sums_are_taken_in_one_order() -> None:
    """As the next number above or below a sum in order says, though a product sums otherwise."""
    codes = embeddings(600, 100).astype(np.float64)
    signer = signatures.fit(codes, seed=0)
    part, summed = codes - signer.mean, np.zeros((len(codes), signer.directions.shape[1]))
    for along, column in zip(signer.directions, part.T, strict=True):
        summed += along * column[:, None]
    assert (part @ signer.directions != summed).any()
    for number in range(0, 600, 7):
        own = summed[number, signer.direction_of_bit]
        for thresholds, bit in ((own, 0), (np.nextafter(own, -np.inf), 2**64 - 1)):
            near = replace(signer, thresholds=thresholds)
            assert int(near.sign(codes)[number]) == bit


@pytest.mark.slow
def test_the_same_bits_in_every_batch_and_every_run() -> None:
    codes = embeddings(9000, 32)
    signer = signatures.fit(codes[:3000], seed=3)
    signed = signer.sign(codes)
    for step in (1, 7, 1000, 4097):
        stop = min(len(codes), 300 * step)
        parts = [signer.sign(codes[i : i + step]) for i in range(0, stop, step)]
        np.testing.assert_array_equal(np.concatenate(parts)[:stop], signed[:stop])
    np.testing.assert_array_equal(signatures.fit(codes[:3000], seed=3).sign(codes), signed)
    assert (signatures.fit(codes[:3000], seed=4).sign(codes) != signed).any()


def test_distances_do_not_depend_on_where_and_how_large_embeddings_are() -> None:
    codes = embeddings(1000, 16).astype(np.float64)
    signed = signatures.fit(codes, seed=0).sign(codes)
    np.testing.assert_array_equal(signatures.fit(codes * 8, seed=0).sign(codes * 8), signed)


@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_medians_are_those_of_numpy(n: int) -> None:
    values = np.random.default_rng(n).normal(size=(n, 5)).round(1)
    np.testing.assert_array_equal(signatures._medians(values), np.median(values, axis=0))


def test_a_signer_survives_json() -> None:
    codes = embeddings(1000, 32)
    signer = signatures.fit(codes, seed=0)
    again = Signer.from_dict(json.loads(json.dumps(signer.to_dict())))
    np.testing.assert_array_equal(again.sign(codes), signer.sign(codes))
    for key in ("mean", "directions", "direction_of_bit", "thresholds"):
        np.testing.assert_array_equal(getattr(again, key), getattr(signer, key))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("format", "other", "must have format 'emqs-signer'"),
        ("version", 2, "version 2"),
        ("mean", [1.0], "do not fit"),
        ("thresholds", [], "do not fit"),
        ("thresholds", [float("nan")] * 64, "do not fit"),
        ("direction_of_bit", [99] * 64, "do not fit"),
        ("directions", [[1.0], [1.0, 2.0]], "damaged"),
        ("directions", None, "do not fit|damaged"),
    ],
)
def test_a_damaged_signer_is_refused(key: str, value: object, message: str) -> None:
    content = signatures.fit(embeddings(100, 8), seed=0).to_dict()
    with pytest.raises(DataError, match=message):
        Signer.from_dict({**content, key: value})


def test_constant_columns_and_few_codes_are_no_problem() -> None:
    codes = embeddings(3, 32)
    codes[:, 5] = 4
    signer = signatures.fit(codes, seed=0)
    assert signer.n_bits == 64
    assert len(set(signer.sign(codes).tolist())) == 3


def test_what_cannot_be_learned_from() -> None:
    codes = embeddings(100, 8)
    with pytest.raises(ConfigError, match="n_bits must be from 1 to 64, got 65"):
        signatures.fit(codes, n_bits=65, seed=0)
    with pytest.raises(DataError, match="All 100 embeddings of the sample are equal"):
        signatures.fit(np.full((100, 8), 0.1, dtype=np.float32), seed=0)
    with pytest.raises(DataError, match=r"no embeddings.*\(0, 8\)"):
        signatures.fit(codes[:0], seed=0)
    broken = codes.copy()
    broken[42, 3] = np.nan
    signer = signatures.fit(codes, seed=0)
    with pytest.raises(DataError, match="Embedding 42 of 100 holds NaN"):
        signatures.fit(broken, seed=0)
    with pytest.raises(DataError, match="Embedding 42 of 100 holds NaN"):
        signer.sign(broken)
    with pytest.raises(DataError, match=r"of shape \(N, 8\), got float32 of shape \(100, 7\)"):
        signer.sign(codes[:, :7])
    assert signer.sign(codes[:0]).shape == (0,)
