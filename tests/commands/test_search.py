"""Searching an embedding volume, against a slow search written out here."""

import csv
import json
import shlex
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.embedded_volumes import VOXEL_NM, filled, model, volume, voxels
from support.failing_server import Server
from support.searches import run_command
from support.small_stores import grid_of, random_codes, write_store

from emqs import __main__ as console
from emqs.embed import work as embed
from emqs.embedding.stores.zarr import ARRAYS, EmbeddingStore, open_store
from emqs.errors import ConfigError, DataError
from emqs.models import weights
from emqs.retrieval import ranking, scorers
from emqs.retrieval.settings import IndexConfig, QueryConfig, SearchConfig
from emqs.retrieval.volume_search import Matches, search
from emqs.search import work as find
from emqs.volumes import write_ome_zarr

QUERY = QueryConfig(metric="cosine", whiten="standard")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> EmbeddingStore:
    """Return an embedding volume of 3 x 24 x 32 places."""
    source = volume(voxels(3, 200, 264))
    return filled(tmp_path_factory.mktemp("search") / "a.zarr", source, block=16).store


def look(
    store: EmbeddingStore, positive: list[list[int]], *more: list[list[int]], **settings: object
) -> Matches:
    settings = {"n_results": 20, **settings}
    return search(
        store,
        positive,
        *more,
        query=QUERY,
        settings=SearchConfig(**settings),  # type: ignore[arg-type]
    )


def cosine_scores(store: EmbeddingStore, toward: list[int], away: list[int]) -> np.ndarray:
    """Return exp(-d+) - exp(-d-) of standardised cosine distances, one place after the other."""
    sample = store.sample().astype(np.float64)
    codes = store.codes(np.arange(store.grid.n_places)).astype(np.float64)
    codes = (codes - sample.mean(axis=0)) / sample.std(axis=0)
    codes /= np.linalg.norm(codes, axis=1, keepdims=True)
    scores = np.exp(-np.min([1 - codes @ codes[p] for p in toward], axis=0))
    if away:
        scores -= np.exp(-np.min([1 - codes @ codes[p] for p in away], axis=0))
    return np.asarray(scores)


def suppress(
    store: EmbeddingStore, order: list[int], examples: list[int], least_nm: float
) -> list[int]:
    """Return positions in order that keep their distance, compared pair by pair."""
    grid, kept, blockers = store.grid, [], list(examples)
    centres = grid.centres_nm(grid.zyx(np.arange(grid.n_places)))
    for position in order:
        apart = [np.linalg.norm(centres[position] - centres[other]) for other in blockers]
        if min(apart) >= least_nm - 1e-6:
            kept.append(position)
            blockers.append(position)
    return kept


POSITIVE, NEGATIVE = [[0, 48, 64], [1, 120, 200]], [[2, 20, 30]]
TOWARD, AWAY = [0 * 768 + 5 * 32 + 7, 1 * 768 + 14 * 32 + 24], [2 * 768 + 2 * 32 + 3]


def flat(store: EmbeddingStore, matches: Matches) -> list[int]:
    return [int(p) for p in np.ravel_multi_index(tuple(matches.places.T), store.grid.shape)]


@pytest.mark.parametrize("settings", [{"exact": True}, {"candidates": 5000}])
def test_the_ranking_is_that_of_a_slow_search(
    made: EmbeddingStore, settings: dict[str, object]
) -> None:
    found = look(made, POSITIVE, NEGATIVE, n_results=40, **settings)
    scores = cosine_scores(made, TOWARD, AWAY)
    expected = suppress(made, np.argsort(-scores, kind="stable").tolist(), TOWARD + AWAY, 80.0)
    assert flat(made, found) == expected[:40]
    assert found.scores == pytest.approx(scores[expected[:40]], abs=1e-4)
    signatures, _ = made.flat()
    for position, distance in zip(flat(made, found), found.hamming.tolist(), strict=True):
        bits = [bin(int(signatures[position]) ^ int(signatures[p])).count("1") for p in TOWARD]
        assert distance == min(bits)
    assert found.voxels[0].tolist() == [
        found.places[0, 0], 8 * found.places[0, 1] + 8, 8 * found.places[0, 2] + 8,
    ]  # fmt: skip


def test_few_candidates_are_those_with_the_nearest_signatures(made: EmbeddingStore) -> None:
    found = look(made, POSITIVE, candidates=50, n_results=5, distance_nm=0)
    signatures, _ = made.flat()
    distance = np.min(
        [[bin(int(s) ^ int(signatures[p])).count("1") for s in signatures] for p in TOWARD], axis=0
    )
    nearest = np.argsort(distance, kind="stable")[:50]
    scores = cosine_scores(made, TOWARD, [])
    expected = [p for p in sorted(nearest, key=lambda p: (-scores[p], p)) if p not in TOWARD]
    assert flat(made, found) == expected[:5]


def test_suppression_refills_the_list(made: EmbeddingStore) -> None:
    # the 10 first candidates lie so near each other that 30 results need further rounds
    found = look(made, POSITIVE, candidates=10, n_results=30, distance_nm=150.0)
    assert len(found.ranks) == 30
    centres = found.centres_nm
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=2)
    assert apart[np.triu_indices(30, 1)].min() >= 150
    everything = look(made, POSITIVE, candidates=10, n_results=10_000, distance_nm=150.0)
    assert 30 < len(everything.ranks) < 1000  # ends where there are no more
    once = flat(made, look(made, POSITIVE, candidates=10, n_results=10_000, distance_nm=0))
    assert sorted([*once, *TOWARD]) == list(range(3 * 24 * 32))


@pytest.mark.slow
@pytest.mark.parametrize("candidates", [7, 2000])
@pytest.mark.parametrize("looked_at", [1, 5, 512])
def test_suppression_is_greedy_however_many_are_looked_at(
    made: EmbeddingStore, candidates: int, looked_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = look(made, POSITIVE, NEGATIVE, exact=True, n_results=10_000, distance_nm=0)
    order = flat(made, everything)
    expected = suppress(made, order, [*TOWARD, *AWAY], 70.0)
    monkeypatch.setattr(ranking, "LOOKED_AT", looked_at)
    for n in (1, 13, 10_000):
        found = look(
            made,
            POSITIVE,
            NEGATIVE,
            exact=True,
            candidates=candidates,
            n_results=n,
            distance_nm=70.0,
        )
        assert flat(made, found) == expected[:n]


def test_pages_follow_each_other(made: EmbeddingStore) -> None:
    whole = look(made, POSITIVE, NEGATIVE, candidates=20, n_results=30)
    pages = [look(made, POSITIVE, NEGATIVE, candidates=20, n_results=10, page=p) for p in range(3)]
    assert np.concatenate([p.ranks for p in pages]).tolist() == list(range(1, 31))
    assert [place for page in pages for place in flat(made, page)] == flat(made, whole)
    assert len(look(made, POSITIVE, page=10_000).ranks) == 0


def test_threads_and_repeats_change_nothing(made: EmbeddingStore) -> None:
    runs = [look(made, POSITIVE, NEGATIVE, n_threads=n) for n in (1, 3, 1)]
    for run in runs[1:]:
        assert all(np.array_equal(run.columns[k], v) for k, v in runs[0].columns.items())


@pytest.mark.slow
def test_how_the_store_was_filled_changes_nothing(tmp_path: Path, made: EmbeddingStore) -> None:
    source = volume(voxels(3, 200, 264))
    other = filled(tmp_path / "a.zarr", source, block=16, worker=[2, 3]).store
    for name in ARRAYS:  # stopped in the middle, and looked at before it goes on
        (other.path / name / "c" / ("0/2/1/0" if name == "embeddings" else "2/1/0")).unlink()
    look(open_store(other.path), POSITIVE)
    again = filled(tmp_path / "a.zarr", source, block=16, worker=[1, 2])
    assert again.n_blocks == 1
    expected = look(made, POSITIVE, NEGATIVE, n_results=200)
    found = look(again.store, POSITIVE, NEGATIVE, n_results=200)
    assert all(np.array_equal(found.columns[k], v) for k, v in expected.columns.items())


def test_only_a_box_is_searched(made: EmbeddingStore) -> None:
    box = [[30, 200, 400], [60, 700, 1200]]
    for exact in (False, True):
        found = look(made, POSITIVE, box_nm=box, n_results=500, distance_nm=0, exact=exact)
        # slices 1 and 2; centres 37.5 + 40 i nm: i from 5 to 16 along Y, 10 to 29 along X;
        # the second example is one of them
        assert len(found.ranks) == 2 * 12 * 20 - 1
        assert np.all(found.centres_nm >= box[0])
        assert np.all(found.centres_nm <= box[1])


def test_the_scorer_is_the_one_asked_for_whatever_the_number_of_examples(
    made: EmbeddingStore,
) -> None:
    rng = np.random.default_rng(1)
    points = [[int(rng.integers(3)), int(y), int(x)] for y, x in rng.integers(20, 180, (10, 2))]
    for n_negative in (0, 4, 5):
        settings = SearchConfig(n_results=20)
        given = points[:5], points[5 : 5 + n_negative]
        nearest = search(made, *given, query=QueryConfig(), settings=settings)
        assert abs(nearest.scores).max() <= 1  # differences of exponentials
        query = QueryConfig(scorer="logistic")
        fitted = search(made, *given, query=query, settings=settings)
        own, against = (
            made.codes(np.ravel_multi_index(places.T, made.grid.shape))
            for places in (fitted.positives, fitted.negatives)
        )
        head = scorers.build(
            query, IndexConfig(name="exact"), own, against if n_negative else None, made.sample()
        )
        codes = made.codes(np.ravel_multi_index(fitted.places.T, made.grid.shape))
        assert np.allclose(fitted.scores, head.score(codes))
        assert np.all(np.diff(fitted.scores) <= 0)
        assert (fitted.probabilities is None) == (n_negative < 5)


@pytest.mark.slow
def test_while_the_volume_is_being_embedded(tmp_path: Path) -> None:
    made = filled(tmp_path / "a.zarr", volume(voxels(3, 200, 264)), block=16).store
    complete = look(made, [[0, 30, 30]], n_results=10_000, distance_nm=0)
    for name in ARRAYS:
        (made.path / name / "c" / ("0/2/1/1" if name == "embeddings" else "2/1/1")).unlink()
    fresh = open_store(made.path)
    part = look(fresh, [[0, 30, 30]], n_results=10_000, distance_nm=0)
    assert len(complete.ranks) - len(part.ranks) == 8 * 16
    assert not np.any((part.places >= [2, 16, 16]).all(axis=1))
    with pytest.raises(ConfigError, match="is not embedded yet"):
        look(fresh, [[2, 190, 250]])


@pytest.mark.slow
def test_points_that_cannot_be_searched(made: EmbeddingStore, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"negative example \[3, 0, 0\] lies outside the volume"):
        look(made, POSITIVE, [[3, 0, 0]])
    with pytest.raises(ConfigError, match="at least one positive"):
        look(made, [])
    with pytest.raises(ConfigError, match="whole numbers"):
        look(made, [[0, 1.5, 3]])  # type: ignore[list-item]
    array = voxels()
    array[1] = 9
    skipped = filled(tmp_path / "b.zarr", volume(array)).store
    with pytest.raises(ConfigError, match=r"\[1, 50, 50\] was skipped"):
        look(skipped, [[1, 50, 50]])
    assert not np.any(look(skipped, [[0, 50, 50]], n_results=999).places[:, 0] == 1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_results": 0}, "search.n_results"),
        ({"page": -1}, "search.page"),
        ({"candidates": 2**30}, "search.candidates must be at most"),
        ({"distance_nm": -1.0}, "search.distance_nm"),
        ({"box_nm": [[0, 0, 0]]}, "first and the last corner"),
        ({"box_nm": [[0, 0, 5], [1, 1, 4]]}, "ends before it begins"),
    ],
)
def test_settings_out_of_range(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SearchConfig(**settings)  # type: ignore[arg-type]


def test_suggestions_are_of_the_best_and_do_not_change_what_is_shown(made: EmbeddingStore) -> None:
    plain = look(made, POSITIVE, NEGATIVE)
    asked = look(made, POSITIVE, NEGATIVE, suggestions=4)
    np.testing.assert_array_equal(plain.places, asked.places)
    np.testing.assert_array_equal(plain.scores, asked.scores)
    assert len(plain.suggested) == 0
    best = {tuple(place) for place in look(made, POSITIVE, NEGATIVE, n_results=200).places.tolist()}
    chosen = [tuple(place) for place in asked.suggested.tolist()]
    assert len(set(chosen)) == 4
    assert set(chosen) <= best
    later = look(made, POSITIVE, NEGATIVE, suggestions=4, page=2)
    np.testing.assert_array_equal(later.suggested, asked.suggested)


def test_a_probability_stands_beside_the_score_from_five_of_each_on(made: EmbeddingStore) -> None:
    here = [
        [z, y, x] for z, y, x in ((0, 48, 64), (1, 48, 64), (2, 48, 64), (0, 56, 64), (0, 48, 72))
    ]
    there = [[2, 20, 30], [1, 20, 30], [0, 20, 30], [0, 150, 200], [1, 180, 60]]
    assert look(made, here, there[:4]).probabilities is None
    found = look(made, here, there)
    assert found.probabilities is not None
    assert ((found.probabilities > 0) & (found.probabilities < 1)).all()
    assert np.all(np.diff(found.probabilities) <= 0)  # as the scores do
    assert list(found.columns)[-2:] == ["score", "probability"]
    off = search(made, here, there, query=replace(QUERY, calibrate=False), settings=SearchConfig())
    assert off.probabilities is None


@pytest.mark.slow
def test_the_command_writes_its_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_ome_zarr(tmp_path / "v.zarr", voxels(), VOXEL_NM, (1, 64, 64), origin_nm=(60.0, 0.0, 5.0))
    weights.save(tmp_path / "w.safetensors", model())
    e, v = tmp_path / "e.zarr", tmp_path / "v.zarr"
    run_command(
        embed, "embed", tmp_path, f"volume={v}", f"out={e}", f"weights={tmp_path}/w.safetensors",
        "patch.size=16", "patch.stride=8", "device=cpu", "embed.n_sample=256",
    )  # fmt: skip
    run_command(
        find, "search", tmp_path, f"store={e}", "positive=[[0,48,64]]", "negative=[[1,20,20]]",
        "search.n_results=6", "image=precomputed://https://example.org/v",
    )  # fmt: skip
    folder = tmp_path / "run_search"
    with (folder / "matches.csv").open() as stream:
        table = list(csv.DictReader(stream))
    assert list(table[0]) == [
        "rank", "z", "y", "x", "z_nm", "y_nm", "x_nm", "box_z", "box_y", "box_x", "box_depth",
        "box_height", "box_width", "hamming", "score",
    ]  # fmt: skip
    assert [row["rank"] for row in table] == [str(n) for n in range(1, 7)]
    first = table[0]
    assert float(first["z_nm"]) == 60 + 30 * int(first["z"])
    assert float(first["x_nm"]) == 5 + 5 * float(first["x"])
    assert float(first["x"]) == int(first["box_x"]) + 7.5  # of 16 voxels
    found = json.loads((folder / "matches.json").read_text())["matches"]
    assert [str(row["hamming"]) for row in found] == [row["hamming"] for row in table]
    state = json.loads((folder / "neuroglancer.json").read_text())
    assert state["dimensions"]["z"] == [3e-08, "m"]
    assert state["layers"][0]["source"] == "precomputed://https://example.org/v"
    point = state["layers"][1]["annotations"][0]["point"]
    assert point == pytest.approx(
        [float(first["x"]) + 1.5, float(first["y"]) + 0.5, int(first["z"]) + 2.5]
    )
    assert (folder / "results.png").stat().st_size > 10_000
    for name, labels in (("examples", ["positive", "negative"]), ("suggestions", [""] * 5)):
        with (folder / f"{name}.csv").open() as stream:
            assert [row["label"] for row in csv.DictReader(stream)] == labels
    info = json.loads((folder / "annotations" / "info").read_text())
    assert info["lower_bound"] == [1.0, 0.0, 2.0]  # the origin in voxels, x y z
    assert info["upper_bound"] == [137.0, 104.0, 5.0]
    stored = struct.unpack("<3f", (folder / "annotations" / "by_id" / "1").read_bytes()[:12])
    assert stored == pytest.approx(point)
    (folder / "results.png").unlink()
    capsys.readouterr()
    clicked = (f"store={e}", "positive=[[0,48,64]]")
    run_command(find, "search", tmp_path, *clicked, "search.size_nm=200", "search.n_results=6")
    assert (folder / "results.png").stat().st_size > 10_000  # of larger windows, too
    assert "emqs serve home=lab" in capsys.readouterr().out
    run_command(find, "search", tmp_path, *clicked, "search.box_nm=[[0,0,0],[1,1,1]]")
    assert "No places: none lies in search.box_nm and is further" in capsys.readouterr().out


@pytest.mark.slow
def test_a_search_asks_for_nothing_that_a_store_names(
    tmp_path: Path, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """A store of a stranger names an address: no request is made of it, with figures or without."""
    store = write_store(
        tmp_path / "e.zarr", random_codes(grid_of()), grid_of(), source=f"{server.url}/v.zarr"
    )
    for more in ("figures=false", "figures=true"):
        run_command(find, "search", tmp_path, f"store={store.path}", "positive=[[0,48,64]]", more)
    assert server.requests == []
    assert "No pictures: " in capsys.readouterr().out
    layers = json.loads((tmp_path / "run_search" / "neuroglancer.json").read_text())["layers"]
    assert [layer["name"] for layer in layers] == ["matches"]
    with pytest.raises(DataError, match=r"There is no volume at http"):
        run_command(
            find, "search", tmp_path, f"store={store.path}", "positive=[[0,48,64]]",
            f"volume={server.url}/v.zarr",
        )  # fmt: skip
    assert server.requests != []


@pytest.mark.slow
def test_the_line_for_the_browser_is_typed_as_it_stands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sqlalchemy", reason="datasets of a server need: pip install 'emqs[serve]'")
    image, store = tmp_path / "my v.zarr", tmp_path / "e.zarr"
    write_ome_zarr(image, voxels(2), VOXEL_NM, (1, 64, 64))
    encoder = replace(model(name="pixels", contrast="none"), sha256=None)
    filled(store, volume(voxels(2), name=str(image)), encoder)
    clicked = (f"store={store}", "positive=[[1,48,64]]", "figures=false")
    run_command(find, "search", tmp_path, *clicked, "image=precomputed://https://example.org/v")
    assert "emqs serve" not in capsys.readouterr().out
    run_command(find, "search", tmp_path, *clicked)
    (line,) = [
        line for line in capsys.readouterr().out.splitlines() if line.startswith("  emqs dataset")
    ]
    monkeypatch.chdir(tmp_path)
    assert console.main(shlex.split(line)[1:]) == 0
    assert "Dataset mine: 2 x 104 x 136 voxels, 2 layers." in capsys.readouterr().out
