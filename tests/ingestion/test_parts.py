"""Blocks that lie elsewhere than the part of a slice that lies still."""

import numpy as np
import pytest

from emqs.ingestion import affine
from emqs.ingestion.matching.blocks import Blocks, grid
from emqs.ingestion.matching.parts import Parts, split

EDGE = 96
NONE = Blocks(np.empty((0, 2)), np.empty((0, 2)), np.empty(0), 81)


def apart(offsets_of: np.ndarray, centres: np.ndarray) -> Parts:
    """Parts of a pair whose own map is the one that fits all blocks best."""
    seen = Blocks(centres, offsets_of, np.full(len(centres), 20.0), len(centres))
    whole = affine.fit(centres, centres + offsets_of)
    left = np.linalg.norm(affine.apply(whole, centres) - centres - offsets_of, axis=1)
    return split(seen, NONE, (np.eye(2, 3), whole), left < 4.0, EDGE // 2)


@pytest.fixture
def centres() -> np.ndarray:
    """Of 81 blocks of a slice that was reduced to 512 x 512."""
    return grid((512, 512), EDGE, EDGE // 2) + (EDGE - 1) / 2


@pytest.mark.parametrize("step", [7.5, -7.5])
def test_a_fold_that_one_map_nearly_fits_is_seen(centres: np.ndarray, step: float) -> None:
    noise = np.random.default_rng(0).normal(0, 0.2, centres.shape)
    moved = centres[:, 1] > 512 / 3
    offsets = noise + np.column_stack([np.zeros(len(centres)), np.where(moved, step, 0.0)])
    whole = affine.fit(centres, centres + offsets)
    left = np.linalg.norm(affine.apply(whole, centres) - centres - offsets, axis=1)
    assert left.max() < 4  # all blocks follow that map, as far as it is asked
    seen = apart(offsets, centres)
    assert seen.share == pytest.approx((~moved).mean())  # of the smaller part
    assert np.abs(seen.still - [[1, 0, 0], [0, 1, step]]).max() < 0.5
    assert (seen.first[:, 1] < 512 / 3).all()
    np.testing.assert_allclose(seen.second - seen.first, 0, atol=1.5)


def test_a_stretch_a_turn_and_a_bend_are_no_folds(centres: np.ndarray) -> None:
    y, x = (centres / 512).T
    for dy, dx in ((8 * y, 15 * x), (10 * x, -10 * y), (3 * np.sin(3 * x), 3 * np.cos(3 * y))):
        assert apart(np.column_stack([dy, dx]), centres).share == 0


def test_blocks_that_lie_anywhere_are_no_part(centres: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    offsets = np.zeros_like(centres)
    offsets[::9] = rng.uniform(-20, 20, offsets[::9].shape)
    assert apart(offsets, centres).share == 0


def test_a_block_that_lies_elsewhere_needs_a_neighbour_that_does(centres: np.ndarray) -> None:
    """Blocks are 9 x 9; of those that were looked for further off some are found elsewhere."""
    rng = np.random.default_rng(2)
    seen = Blocks(centres, rng.normal(0, 0.2, centres.shape), np.full(81, 20.0), 81)
    for places, n_apart in (([0, 4, 40, 80], 0), ([0, 1, 40, 80], 2), ([20, 21, 30, 8], 3)):
        strange = Blocks(centres[places], np.full((4, 2), 15.0), np.full(4, 20.0), 81)
        parts = split(seen, strange, (np.eye(2, 3), np.eye(2, 3)), np.ones(81, bool), EDGE // 2)
        assert parts.share * 81 == pytest.approx(n_apart)
        assert len(parts.first) == n_apart
