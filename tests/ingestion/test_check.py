"""Bad slices are found, good ones stay good, and users overrule."""

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from support.raw_slices import tissue, written

from emqs.errors import DataError, MissingDependencyError
from emqs.ingestion import check, table
from emqs.ingestion.check import alone, together
from emqs.ingestion.judge import judge
from emqs.ingestion.matching.pair import Pair
from emqs.ingestion.measures import measure, tile_spreads
from emqs.ingestion.settings import AlignConfig, CheckConfig
from emqs.ingestion.sources import open_source

LIMITS = CheckConfig()


def stack_with_faults() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    slices = []
    for plane in tissue(24, 150, seed=3):
        unit = (plane / 255.0) ** rng.uniform(0.7, 1.4)
        slices.append(np.clip(255 * unit + rng.normal(0, 3, plane.shape), 1, 254).astype(np.uint8))
    slices[3] = np.full((150, 150), 120, np.uint8)
    slices[6] = np.clip(gaussian_filter(slices[6].astype(float), 3), 1, 254).astype(np.uint8)
    slices[9][:, :80] = 0
    slices[12][:, :80] = 128
    slices[15][:60] = 255
    slices[18] = slices[17].copy()
    return slices


def test_each_fault_is_found_and_good_slices_stay_good() -> None:
    slices = stack_with_faults()
    measures = {slot: measure(image) for slot, image in enumerate(slices)}
    verdicts = alone([f"s{k}" for k in range(24)], measures, LIMITS)
    bad = {one.slot: one.verdict for one in verdicts if not one.use}
    assert bad == {
        3: "blank", 6: "blurred", 9: "saturated", 12: "partly_blank", 15: "saturated",
        18: "duplicate",
    }  # fmt: skip
    assert all(one.why for one in verdicts if not one.use)


def test_measures_of_16_bits_are_those_of_8() -> None:
    image = tissue(1, 120)[0]
    small, large = measure(image), measure(image.astype(np.uint16) * 257)
    for name in ("mean", "spread", "texture", "noise", "sharpness", "sharpness_wide", "empty"):
        assert small[name] == pytest.approx(large[name], rel=1e-4, abs=1e-6)
    assert small["sha256"] != large["sha256"]


def test_spreads_of_tiles_are_those_of_their_pixels() -> None:
    image = np.random.default_rng(0).normal(size=(50, 80)).astype(np.float32)
    spreads = tile_spreads(image)
    assert spreads.shape == (2, 3)
    assert spreads[1, 2] == pytest.approx(image[24:48, 48:72].std(), rel=1e-5)


def pair(a: int, b: int, correlation: float, step: float = 0.0, at: float = 150.0) -> Pair:
    """Slices 5 pixels beside each other; some of 40 blocks lie ``step`` further off."""
    first = np.array([[60.0, at], [110.0, at], [160.0, at]]) if step else np.empty((0, 2))
    second = first + np.array([0.0, 5.0 + step])
    y, x = np.meshgrid(np.arange(60.0, 400, 50), np.arange(50.0, 500, 50), indexing="ij")
    rest = np.column_stack([y.ravel(), x.ravel()])
    rest = rest[np.abs(rest[:, 1] - at) > 50] if step else rest
    return Pair(
        a, b, 30.0, correlation=correlation, n_blocks=40, n_agree=40, block_px=100,
        displaced=len(first) / 40, elsewhere=(first.tolist(), second.tolist()),
        points=(rest.tolist(), (rest + np.array([0.0, 5.0])).tolist()),
        forward=[[1.0, 0.0, 0.0], [0.0, 1.0, 5.0]], still=[[1.0, 0.0, 0.0], [0.0, 1.0, 5.0]],
        elsewhere_px=8.0,
    )  # fmt: skip


def verdicts_of(n: int) -> list[check.Verdict]:
    return [check.Verdict(k, f"s{k}", check.GOOD, True, "", {}) for k in range(n)]


SECTIONS = {1: 0.5, 2: 0.2, 3: 0.05}  # correlations by distance: 50 nm, and ...
FIB = {1: 0.95, 2: 0.87, 3: 0.77}  # ... 5 nm


def chain(n: int, order: list[int], fit: dict[int, float] = SECTIONS) -> list[Pair]:
    """Pairs of slices that lie in another order in truth."""
    return [
        pair(a, b, fit[min(3, abs(order[a] - order[b]))])
        for a in range(n)
        for b in (a + 1, a + 2)
        if b < n
    ]


@pytest.mark.parametrize("fit", [SECTIONS, FIB])
def test_swapped_neighbours_are_told_from_good_ones(fit: dict[int, float]) -> None:
    good = together(verdicts_of(9), chain(9, list(range(9)), fit), LIMITS)
    assert all(one.use for one in good)
    swapped = together(verdicts_of(9), chain(9, [0, 1, 2, 4, 3, 5, 6, 7, 8], fit), LIMITS)
    assert [one.slot for one in swapped if one.verdict == "swapped"] == [3, 4]
    assert "slot 4 fit better the other way round" in swapped[3].why


def test_the_same_section_twice_differs_less_than_neighbours_do() -> None:
    pairs = chain(9, list(range(9)))
    pairs = [pair(4, 5, 0.95) if (p.first, p.second) == (4, 5) else p for p in pairs]
    judged = together(verdicts_of(9), pairs, LIMITS)
    assert [one.slot for one in judged if one.verdict == "same_section"] == [5]


def one_slice_apart(to: Pair, back: Pair) -> list[check.Verdict]:
    """Verdicts of a chain, of which the pairs of slice 4 with its neighbours are given."""
    special = {(3, 4): to, (4, 5): back}
    pairs = [special.get((p.first, p.second), p) for p in chain(9, list(range(9)))]
    return together(verdicts_of(9), pairs, LIMITS)


def test_a_fold_is_what_one_neighbour_moves_and_the_next_moves_back() -> None:
    judged = one_slice_apart(pair(3, 4, 0.5, 30.0), pair(4, 5, 0.5, -29.0))
    assert [one.slot for one in judged if one.verdict == "folded"] == [4]
    assert "8 % of it lies elsewhere" in judged[4].why


def test_a_fold_is_seen_if_each_neighbour_follows_another_part_of_it() -> None:
    judged = one_slice_apart(pair(3, 4, 0.5, 30.0), pair(4, 5, 0.5, 29.0, at=400.0))
    assert [one.slot for one in judged if one.verdict == "folded"] == [4]


@pytest.mark.parametrize(
    "back",
    [
        pair(4, 5, 0.5, 30.0),  # tissue that runs on, obliquely
        pair(4, 5, 0.5, -30.0, at=400.0),  # somewhere else
        pair(4, 5, 0.5, -12.0),  # by another step
        pair(4, 5, 0.5),
    ],
)
def test_tissue_that_lies_elsewhere_and_does_not_come_back_is_no_fold(back: Pair) -> None:
    assert all(one.use for one in one_slice_apart(pair(3, 4, 0.5, 30.0), back))


def test_a_users_table_overrules_and_is_checked(tmp_path: Path) -> None:
    slices = stack_with_faults()
    measures = {slot: measure(image) for slot, image in enumerate(slices)}
    verdicts = alone([f"s{k}" for k in range(24)], measures, LIMITS)
    path = table.write(tmp_path / "slices.csv", verdicts)
    assert table.overruled(path, verdicts) == verdicts
    rows = path.read_text().splitlines()
    rows[7] = rows[7].replace("blurred,no", "blurred,yes")
    rows[2] = rows[2].replace("good,yes", "good,no")
    path.write_text("\n".join(rows))
    changed = table.overruled(path, verdicts)
    assert changed[6].use
    assert not changed[1].use
    assert changed[1].why.startswith("The user's table decides")
    path.write_text("\n".join(rows[:-1]))
    with pytest.raises(DataError, match="is not of these slices"):
        table.overruled(path, verdicts)
    path.write_text("\n".join(rows).replace("good,yes", "good,maybe", 1))
    with pytest.raises(DataError, match="use='maybe' in the row of slot 0"):
        table.overruled(path, verdicts)


def test_a_stack_without_two_good_slices_is_refused(tmp_path: Path) -> None:
    blank = [np.full((40, 40), grey, np.uint8) for grey in (90, 91, 92)]
    source = open_source(str(written(tmp_path / "raw", blank)))
    with pytest.raises(DataError, match=r"0 of 3 slices can be used \(3 blank\)"):
        judge(source, tmp_path, check_settings=LIMITS, align=AlignConfig("none"),
              step=lambda *_: None)  # fmt: skip


def test_sift_without_opencv_is_told_before_any_slice_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    source = open_source(str(written(tmp_path / "raw", [tissue(1, 40)[0]] * 2)))
    settings = AlignConfig("affine", matcher="sift")
    with pytest.raises(MissingDependencyError, match=r"pip install 'emqs\[sift\]'"):
        judge(source, tmp_path, check_settings=LIMITS, align=settings, step=lambda *_: None)
    assert not (tmp_path / "measures.jsonl").exists()


def test_types_of_pixels_may_not_be_mixed(tmp_path: Path) -> None:
    images = [tissue(1, 40)[0], tissue(1, 40)[0].astype(np.uint16)]
    source = open_source(str(written(tmp_path / "raw", images)))
    with pytest.raises(DataError, match="slice_0 is uint8, slice_1 is uint16"):
        judge(source, tmp_path, check_settings=LIMITS, align=AlignConfig("none"),
              step=lambda *_: None)  # fmt: skip


def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    folder = written(tmp_path / "raw", list(tissue(3, 60)))
    whole = (folder / "slice_1.png").read_bytes()
    (folder / "slice_1.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"slice_1\.png .*damaged or cut off.*kept as a gap"):
        judge(open_source(str(folder)), tmp_path, check_settings=LIMITS, align=AlignConfig("none"),
              step=lambda *_: None)  # fmt: skip
