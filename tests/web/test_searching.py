"""Searches of open stores give what the library gives, and segments are counted literally."""

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from support.small_stores import add_blocks, grid_of, random_codes, write_store

from emqs.annotations.turns import Turns
from emqs.embedding.stores.zarr import EmbeddingStore
from emqs.errors import ConfigError, DataError
from emqs.retrieval import volume_search as lookup
from emqs.retrieval.settings import QueryConfig
from emqs.settings import CONFIG_DIR
from emqs.volumes import Box, from_array
from emqs.web import place_filter, search_values, searching
from emqs.web.catalogue import Layer
from emqs.web.chunks import Scale
from emqs.web.layers import OpenLayer
from emqs.web.refusals import Refusal
from emqs.web.search_values import Ask, Example
from emqs.web.searching import Searcher, _too_many
from emqs.web.sources import Place

GRID = grid_of()
CODES = random_codes(GRID)
ONE = (Example((1, 50, 60)),)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> EmbeddingStore:
    return write_store(tmp_path_factory.mktemp("stores") / "a.zarr", CODES, GRID)


@pytest.fixture
def searcher(tmp_path: Path) -> Searcher:
    return Searcher(tmp_path, at_once=2, wait_s=5)


def labels_layer(tmp_path: Path, labels: np.ndarray, size: tuple[float, float, float],
                 equivalences: object = None) -> OpenLayer:  # fmt: skip
    layer = Layer("1" * 26, "2" * 26, "seg", "segmentation", "seg.zarr", "1", None, {})
    path = tmp_path / "seg.zarr"
    path.mkdir(exist_ok=True)
    place = Place(str(path), "segmentation", {})
    scale = Scale(from_array(labels, size, name="seg"), (1, 1, 1))
    return OpenLayer(layer, place, "s", (scale,), 0, None, None, equivalences)  # type: ignore[arg-type]


def segments_of_places(labels: np.ndarray, size: tuple[float, float, float]) -> np.ndarray:
    """Look up the label in the middle of each place, one after the other."""
    centres = GRID.centres_nm(GRID.zyx(np.arange(GRID.n_places)))
    found = np.zeros(GRID.n_places, np.uint64)
    for number, centre in enumerate(centres):
        index = [int(np.floor(c / s + 0.5)) for c, s in zip(centre, size, strict=True)]
        if all(0 <= i < n for i, n in zip(index, labels.shape, strict=True)):
            found[number] = labels[tuple(index)]
    return found


def blobs(shape: tuple[int, int, int]) -> np.ndarray:
    z, y, x = np.indices(shape)
    return (1 + (y // 23) + 10 * (x // 31) + 100 * (z // 2)).astype(np.uint64)


# --- what is found -------------------------------------------------------------------------------


def test_the_web_searches_as_the_command_does() -> None:
    with initialize_config_dir(version_base="1.3", config_dir=str(CONFIG_DIR)):
        cfg = compose("search")
    assert {name: cfg.query[name] for name in searching.QUERY} == searching.QUERY
    assert cfg.search.candidates == search_values.CANDIDATES
    assert cfg.search.expand
    assert cfg.search.smooth == searching.SMOOTH


@pytest.mark.parametrize("exact", [False, True])
def test_matches_are_those_of_the_library(
    made: EmbeddingStore, searcher: Searcher, exact: bool
) -> None:
    ask = Ask(ONE, (Example((3, 20, 20)),), k=30, exact=exact)
    found = searcher.search([str(made.path)], ask)
    expected = lookup.search(
        made, [[1, 50, 60]], [[3, 20, 20]], query=QueryConfig(**searching.QUERY),
        settings=lookup.SearchConfig(n_results=30, exact=exact, expand=True, smooth=0.25),
    )  # fmt: skip
    assert [match.rank for match in found.matches] == list(range(1, 31))
    assert [list(match.voxel) for match in found.matches] == expected.voxels.tolist()
    assert [list(match.nm) for match in found.matches] == expected.centres_nm.tolist()
    assert [match.hamming for match in found.matches] == expected.hamming.tolist()
    assert [match.score for match in found.matches] == expected.scores.tolist()
    assert all(match.probability is None for match in found.matches)
    assert found.more


@pytest.mark.slow
def test_pages_follow_each_other_to_the_end(made: EmbeddingStore, searcher: Searcher) -> None:
    store = [str(made.path)]
    whole = searcher.search(store, Ask(ONE, k=1000))
    assert not whole.more
    other = Searcher(searcher._folder, at_once=2, wait_s=5)
    pages, after = [], 0
    while True:
        page = other.search(store, Ask(ONE, k=7, after=after))
        pages += page.matches
        after += 7
        if not page.more:
            break
    assert tuple(pages) == whole.matches
    assert len(pages) > 100
    assert other.search(store, Ask(ONE, k=7, after=7)).seconds == 0.0  # it was found before
    beyond = other.search(store, Ask(ONE, k=7, after=5000))
    assert (beyond.matches, beyond.more) == ((), False)


def test_a_region(made: EmbeddingStore, searcher: Searcher) -> None:
    region = ((30.0, 0.0, 200.0), (60.0, 300.0, 700.0))
    found = searcher.search([str(made.path)], Ask(ONE, region_nm=region, k=1000, distance_nm=0))
    places = GRID.centres_nm(GRID.zyx(np.arange(GRID.n_places)))
    inside = np.all((places >= region[0]) & (places <= region[1]), axis=1)
    example = int(np.ravel_multi_index(GRID.nearest_place(ONE[0].voxel), GRID.shape))
    assert len(found.matches) == inside.sum() - inside[example]
    for match in found.matches:
        assert all(a <= v <= b for a, v, b in zip(region[0], match.nm, region[1], strict=True))


# --- segments ------------------------------------------------------------------------------------

SIZES = [(30.0, 5.0, 5.0), (60.0, 10.0, 10.0), (30.0, 7.0, 3.0)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("slab", [2**27, 2000])
def test_segments_of_places(
    made: EmbeddingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple, slab: int
) -> None:
    monkeypatch.setattr(place_filter, "SLAB_BYTES", slab)
    labels = blobs((3, 170, 180))
    engine = made
    volume = from_array(labels, size)
    path = tmp_path / "x" / "a.npy"
    found = place_filter.place_segments(engine, volume, path)
    np.testing.assert_array_equal(found, segments_of_places(labels, size))
    broken = from_array(np.zeros((1, 1, 1), np.uint64), size)
    again = place_filter.place_segments(engine, broken, path)  # not looked at: the file is there
    np.testing.assert_array_equal(again, found)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises((DataError, ValueError)):
        place_filter.place_segments(engine, volume, path)


@pytest.mark.parametrize("few", [2**22, 0])
@pytest.mark.parametrize("exact", [False, True])
def test_inside_and_outside_of_segments(
    made: EmbeddingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int, exact: bool
) -> None:
    monkeypatch.setattr(place_filter, "FEW", few)
    searcher = Searcher(tmp_path, at_once=2, wait_s=5)
    labels = blobs((4, 200, 264))
    segments = segments_of_places(labels, SIZES[0])
    layer = labels_layer(tmp_path, labels, SIZES[0])
    store = [str(made.path)]
    free = searcher.search(store, Ask(ONE, k=1000, distance_nm=0, exact=exact)).matches
    free += searcher.search(store, Ask(ONE, k=1000, after=1000, distance_nm=0, exact=exact)).matches
    free += searcher.search(store, Ask(ONE, k=1000, after=2000, distance_nm=0, exact=exact)).matches
    free += searcher.search(store, Ask(ONE, k=1000, after=3000, distance_nm=0, exact=exact)).matches
    assert len(free) == GRID.n_places - 1

    def segment(match: search_values.Match) -> int:
        place = GRID.nearest_place(match.voxel)
        return int(segments[np.ravel_multi_index(place, GRID.shape)])

    for inside, outside in [((12, 113), ()), ((), (12, 113)), ((1, 2, 3), (2,)), ((9999,), ())]:
        if set(inside) & set(outside):
            with pytest.raises(ConfigError, match="at once"):
                Ask(ONE, inside=inside, outside=outside)
            continue
        ask = Ask(ONE, inside=inside, outside=outside, k=500, distance_nm=0, exact=exact)
        found = searcher.search(store, ask, [layer]).matches
        expected = [
            m for m in free
            if (not inside or segment(m) in inside) and segment(m) not in outside
        ]  # fmt: skip
        assert [m.voxel for m in found] == [m.voxel for m in expected[:500]]
        assert [m.score for m in found] == [m.score for m in expected[:500]]
    assert searcher.search(store, Ask(ONE, inside=(9999,)), [layer]).matches == ()


def test_merged_segments_count_as_one(
    made: EmbeddingStore, tmp_path: Path, searcher: Searcher
) -> None:
    labels = blobs((4, 200, 264))
    merged = (np.array([12, 113], np.uint64), np.array([500, 500], np.uint64))
    layer = labels_layer(tmp_path, labels, SIZES[0], merged)
    plain = labels_layer(tmp_path, labels, SIZES[0])
    store = [str(made.path)]
    both = searcher.search(store, Ask(ONE, inside=(500,), k=1000), [layer]).matches
    other = Searcher(tmp_path / "other", at_once=1, wait_s=1)
    assert both == other.search(store, Ask(ONE, inside=(12, 113), k=1000), [plain]).matches
    assert len(both) > 0
    allowed = place_filter.allowed_places(np.array([12, 7], np.uint64), (12,), (), merged)
    assert allowed.tolist() == [False, False]  # 12 is 500 now


def test_region_and_segment_together(
    made: EmbeddingStore, tmp_path: Path, searcher: Searcher
) -> None:
    labels = blobs((4, 200, 264))
    layer = labels_layer(tmp_path, labels, SIZES[0])
    region = ((0.0, 0.0, 0.0), (30.0, 2000.0, 2000.0))
    store = [str(made.path)]
    found = searcher.search(store, Ask(ONE, inside=(1, 101), region_nm=region), [layer]).matches
    assert {match.voxel[0] for match in found} <= {0, 1}
    nowhere = replace(Ask(ONE, inside=(101,)), region_nm=region)  # 101 begins two slices further
    assert searcher.search(store, nowhere, [layer]).matches == ()


def test_labels_that_are_too_many_to_read_now_need_a_job(
    made: EmbeddingStore, tmp_path: Path, searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = labels_layer(tmp_path, blobs((4, 200, 264)), SIZES[0])
    monkeypatch.setattr(
        place_filter.place_segments, "__kwdefaults__",
        {**place_filter.place_segments.__kwdefaults__, "most_voxels": 10},
    )  # fmt: skip
    with pytest.raises(ConfigError, match="job of the kind places"):
        searcher.search([str(made.path)], Ask(ONE, inside=(1,)), [layer])
    with pytest.raises(ConfigError, match="no segmentation"):
        searcher.search([str(made.path)], Ask(ONE, inside=(1,)))


# --- refining ------------------------------------------------------------------------------------


def test_marks_become_examples() -> None:
    a, b, c = (Example((0, 0, n)) for n in range(3))
    ask = Ask((a,), (b,), k=5, after=10)
    found = searching.refined(ask, [(c, True), (b, True), (a, False)])
    assert found.positives == (c, b)
    assert found.negatives == (a,)
    assert (found.k, found.after) == (5, 0)
    again = searching.refined(found, [(c, False), (c, True)])
    assert again.positives == (c, b)


def kinds_of_places() -> np.ndarray:
    heaps = np.random.default_rng(99).normal(size=(6, CODES.shape[1])) * 2
    distances = np.linalg.norm(CODES.astype(float)[:, None] - heaps, axis=2)
    return np.asarray(distances.argmin(axis=1))


def voxel_of(position: int) -> tuple[int, int, int]:
    z, y, x = GRID.first_voxels(GRID.zyx(np.array([position])))[0].tolist()
    return z, y + 8, x + 8


def test_probabilities_tell_the_kinds_apart(
    made: EmbeddingStore, searcher: Searcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "SMOOTH", 0.0)  # what is beside a place is of any kind here
    kinds = kinds_of_places()
    right = [Example(voxel_of(p)) for p in np.flatnonzero(kinds == 2)[::15][:30]]
    wrong = [Example(voxel_of(p)) for p in np.flatnonzero(kinds != 2)[::80][:30]]
    few = searcher.search([str(made.path)], Ask(tuple(right[:4]), tuple(wrong[:4])))
    assert few.matches[0].probability is None
    found = searcher.search(
        [str(made.path)], Ask(tuple(right), tuple(wrong), k=1000, distance_nm=0)
    )
    probabilities = np.array([match.probability for match in found.matches])
    assert np.all((probabilities >= 0) & (probabilities <= 1))
    assert np.all(np.diff(probabilities) <= 1e-9)  # as the scores are
    truth = [kinds[np.ravel_multi_index(GRID.nearest_place(m.voxel), GRID.shape)] == 2
             for m in found.matches]  # fmt: skip
    assert np.mean(truth[:300]) > 0.95
    assert probabilities[0] > 0.8 > 0.2 > probabilities[-1]


def test_suggestions_are_matches_that_have_no_mark(
    made: EmbeddingStore, searcher: Searcher
) -> None:
    ask = Ask(ONE, (Example((3, 20, 20)),))
    found = searcher.suggest([str(made.path)], ask)
    assert len({match.voxel for match in found}) == 5
    pool = searcher.search([str(made.path)], replace(ask, k=200)).matches
    assert all(match in pool for match in found)
    assert searcher.suggest([str(made.path)], ask) == found


def test_a_batch_answers_what_can_be_answered(made: EmbeddingStore, searcher: Searcher) -> None:
    outside = Ask((Example((99, 0, 0)),))
    first, second, third = searcher.batch([str(made.path)], [Ask(ONE, k=3), outside, Ask(ONE, k=2)])
    assert isinstance(first, search_values.Found)
    assert len(first.matches) == 3
    assert isinstance(second, ConfigError)
    assert "outside the volume" in str(second)
    assert isinstance(third, search_values.Found)
    assert third.matches == first.matches[:2]
    with pytest.raises(ConfigError, match="at most"):
        searcher.batch([str(made.path)], [Ask(ONE)] * 101)


# --- stores --------------------------------------------------------------------------------------


def test_several_stores_and_codes_that_cannot_be_compared(
    made: EmbeddingStore, tmp_path: Path, searcher: Searcher
) -> None:
    second = write_store(tmp_path / "b.zarr", random_codes(GRID, seed=5), GRID)
    foreign = write_store(tmp_path / "c.zarr", CODES, GRID, name="other")
    names = [str(made.path), str(second.path)]
    found = searcher.search(names, Ask((Example((1, 50, 60), 1),), k=50))
    assert {match.store for match in found.matches} == {0, 1}
    assert len(set(found.fingerprints)) == 2
    with pytest.raises(ConfigError, match="cannot be searched together"):
        searcher.search([str(made.path), str(foreign.path)], Ask(ONE))
    with pytest.raises(DataError, match="no embedding volume"):
        searcher.search([str(tmp_path / "none.zarr")], Ask(ONE))


def test_a_store_stays_open_and_is_looked_at_again_when_it_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = write_store(tmp_path / "a.zarr", CODES, GRID, blocks=8)
    searcher = Searcher(tmp_path, at_once=1, wait_s=1)
    first = searcher.store(str(made.path))
    assert searcher.store(str(made.path)) is first
    assert not first.complete
    found = searcher.search([str(made.path)], Ask(ONE, k=1000, after=1000, distance_nm=0))
    assert len(found.matches) == 2 * 24 * 32 - 1 - 1000
    add_blocks(made, CODES, 8, 12)
    assert searcher.store(str(made.path)) is first  # it was looked at a moment ago
    monkeypatch.setattr(searching, "LOOK_S", 0.0)
    second = searcher.store(str(made.path))
    assert second is not first
    assert second.fingerprint != first.fingerprint
    more = searcher.search([str(made.path)], Ask(ONE, k=1000, after=1000, distance_nm=0))
    assert more.fingerprints != found.fingerprints
    assert len(more.matches) == 1000
    add_blocks(made, CODES, 12, None)
    third = searcher.store(str(made.path))
    assert third.complete
    assert "+" not in third.fingerprint


def test_a_store_that_is_made_anew_is_opened_anew(tmp_path: Path) -> None:
    import shutil

    made = write_store(tmp_path / "a.zarr", CODES, GRID)
    searcher = Searcher(tmp_path, at_once=1, wait_s=1)
    before = searcher.search([str(made.path)], Ask(ONE))
    shutil.rmtree(made.path)
    with pytest.raises(DataError):
        searcher.search([str(made.path)], Ask(ONE))
    write_store(made.path, random_codes(GRID, seed=7), GRID)
    after = searcher.search([str(made.path)], Ask(ONE))
    assert after.fingerprints != before.fingerprints
    assert after.matches != before.matches


# --- many at once --------------------------------------------------------------------------------


def test_many_at_once_get_what_one_alone_gets(made: EmbeddingStore, tmp_path: Path) -> None:
    asks = [Ask((Example((z, 20 + 8 * n, 60)),), k=5) for z in range(2) for n in range(6)]
    alone = Searcher(tmp_path, at_once=1, wait_s=30)
    expected = [alone.search([str(made.path)], ask).matches for ask in asks]
    searcher = Searcher(tmp_path, at_once=3, wait_s=30)
    answers: dict[int, object] = {}

    def work(number: int) -> None:
        answers[number] = searcher.search([str(made.path)], asks[number]).matches

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(asks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answers[n] for n in range(len(asks))] == expected


def test_who_waits_too_long_for_a_search_is_told_so() -> None:
    turns = Turns(1, 0.05, _too_many)
    with turns.one(), pytest.raises(Refusal) as refused, turns.one():
        pass
    assert refused.value.status == 503
    assert refused.value.headers == {"Retry-After": "5"}


@pytest.mark.slow
def test_the_server_never_imports_torch(made: EmbeddingStore, tmp_path: Path) -> None:
    script = f"""
import sys
from pathlib import Path
from emqs.web import data, jobs, layers, levels, links, search_values, searching, snapshots, worker
before = sorted(m for m in ("torch", "sklearn", "hydra", "matplotlib") if m in sys.modules)
searcher = searching.Searcher(Path({str(tmp_path)!r}), at_once=1, wait_s=1)
asked = search_values.Ask((search_values.Example((1, 50, 60)),))
assert searcher.search([{str(made.path)!r}], asked).matches
print(before, "torch" in sys.modules, "lightning" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                          cwd=ROOT, check=False)  # fmt: skip
    assert done.stdout.strip() == "[] False False", done.stderr


def test_filtered_engine_answers_the_rest_as_the_volume_does(made: EmbeddingStore) -> None:
    engine = made
    allowed = np.arange(GRID.n_places) % 3 == 0
    filtered = place_filter.FilteredEngine(engine, allowed)
    some = np.array([5, 700])
    np.testing.assert_array_equal(filtered.codes(some), engine.codes(some))
    np.testing.assert_array_equal(filtered.signatures(some)[0], engine.signatures(some)[0])
    box = Box((1, 0, 0), (2, 24, 32))
    positions = np.concatenate([p for p, _ in filtered.blocks(box)])
    assert np.all(positions % 3 == 0)
    assert len(positions) == np.count_nonzero(allowed[768:1536])


@pytest.mark.parametrize(
    "bad",
    [{"k": 0}, {"k": 1001}, {"after": -1}, {"after": 10**9}, {"inside": (-1,)},
     {"outside": (2**64,)}],
)  # fmt: skip
def test_bad_questions(bad: dict) -> None:
    with pytest.raises(ConfigError):
        Ask(ONE, **bad)
