"""Several embedding volumes searched as one, against a slow search of each written out here."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.embedded_volumes import VOXEL_NM, filled, model, volume, voxels
from support.searches import run_command

from emqs.embedding.stores.zarr import EmbeddingStore
from emqs.errors import ConfigError
from emqs.retrieval.settings import QueryConfig, SearchConfig
from emqs.retrieval.volume_search import Matches, search
from emqs.search import work as find
from emqs.volumes import from_array, write_ome_zarr

QUERY = QueryConfig(metric="cosine", whiten="standard")
POSITIVE, NEGATIVE = [[0, 0, 48, 64], [1, 1, 60, 40]], [[1, 0, 20, 30]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[EmbeddingStore]:
    """Return embedding volumes of 3 x 12 x 16 and 2 x 9 x 13 places."""
    folder = tmp_path_factory.mktemp("joined")
    other = from_array(voxels(2, 80, 112, seed=5), VOXEL_NM, name="other")
    return [filled(folder / "a.zarr").store, filled(folder / "b.zarr", other).store]


def look(
    stores: list[EmbeddingStore],
    positive: list[list[int]],
    *more: list[list[int]],
    **settings: object,
) -> Matches:
    config = SearchConfig(**{"n_results": 20, **settings})  # type: ignore[arg-type]
    return search(list(stores), positive, *more, query=QUERY, settings=config)


def slow(stores: list[EmbeddingStore]) -> list[tuple[int, int]]:
    """Return store and position of all places, best first: all codes by exp(-d+) - exp(-d-)."""
    sample = np.concatenate([store.sample() for store in stores]).astype(np.float64)
    codes = []
    for store in stores:
        raw = store.codes(np.arange(store.grid.n_places)).astype(np.float64)
        raw = (raw - sample.mean(axis=0)) / sample.std(axis=0)
        codes.append(raw / np.linalg.norm(raw, axis=1, keepdims=True))
    toward = [codes[0][0 * 192 + 5 * 16 + 7], codes[1][1 * 117 + 7 * 13 + 4]]
    away = codes[1][0 * 117 + 2 * 13 + 3]
    ranked = []
    for number, own in enumerate(codes):
        nearest = np.min([1 - own @ other for other in toward], axis=0)
        scores = np.exp(-nearest) - np.exp(-(1 - own @ away))
        ranked += [(-score, number, place) for place, score in enumerate(scores.tolist())]
    examples = [(0, 87), (1, 212), (1, 29)]
    return [(n, p) for _, n, p in sorted(ranked) if (n, p) not in examples]


def found(stores: list[EmbeddingStore], matches: Matches) -> list[tuple[int, int]]:
    return [
        (number, int(np.ravel_multi_index(tuple(place), stores[number].grid.shape)))
        for number, place in zip(matches.stores.tolist(), matches.places, strict=True)
    ]


@pytest.mark.parametrize("settings", [{"exact": True}, {"candidates": 40}])
def test_all_stores_are_ranked_by_one_score(
    made: list[EmbeddingStore], settings: dict[str, object]
) -> None:
    expected = slow(made)
    matches = look(made, POSITIVE, NEGATIVE, n_results=1000, distance_nm=0, **settings)
    assert sorted(found(made, matches)) == sorted(expected)  # every round was looked at
    if "exact" in settings:
        assert found(made, matches) == expected
        assert {number for number, _ in expected[:20]} == {0, 1}
    assert matches.columns["store"].tolist() == [str(made[n].path) for n in matches.stores]


def test_each_store_is_scanned_with_its_own_signatures(made: list[EmbeddingStore]) -> None:
    matches = look(made, POSITIVE, candidates=25, n_results=30, distance_nm=0)
    codes = np.concatenate([made[0].codes(np.array([87])), made[1].codes(np.array([212]))])
    for number, store in enumerate(made):
        wanted = store.signer.sign(codes).tolist()
        signatures, _ = store.flat()
        distances = [min(bin(int(s) ^ w).count("1") for w in wanted) for s in signatures]
        nearest = set(np.argsort(distances, kind="stable")[:25].tolist())
        here = [place for n, place in found(made, matches) if n == number]
        assert set(here) <= nearest
        assert matches.of_store(number).hamming.tolist() == [distances[p] for p in here]


def test_places_of_different_stores_are_never_near_each_other(made: list[EmbeddingStore]) -> None:
    # 1e9 nm is far more than the volumes measure: an example leaves nothing in its store
    matches = look(made, [[0, 0, 48, 64]], distance_nm=1e9)
    assert matches.stores.tolist() == [1]
    assert matches.ranks.tolist() == [1]


def test_pages_and_boxes_of_several_stores(made: list[EmbeddingStore]) -> None:
    whole = look(made, POSITIVE, NEGATIVE, candidates=30, n_results=24)
    pages = [look(made, POSITIVE, NEGATIVE, candidates=30, n_results=8, page=p) for p in range(3)]
    assert [f for page in pages for f in found(made, page)] == found(made, whole)
    box = [[30, 0, 0], [60, 320, 320]]  # slice 1 of both, slice 2 of the first; 8 x 8 places
    boxed = look(made, POSITIVE, box_nm=box, n_results=999, distance_nm=0)
    assert len(boxed.of_store(0).ranks) == 2 * 8 * 8
    assert len(boxed.of_store(1).ranks) == 8 * 8 - 1  # an example is one of them


def test_a_point_says_in_which_store_it_lies(made: list[EmbeddingStore]) -> None:
    with pytest.raises(ConfigError, match="does not say which of the 2 stores"):
        look(made, [[0, 48, 64]])
    with pytest.raises(ConfigError, match="names store 2, but there are only 2"):
        look(made, [[2, 0, 48, 64]])
    with pytest.raises(ConfigError, match=r"\[2, 9, 9\] lies outside the volume .* \(2, 80, 112\)"):
        look(made, [[1, 2, 9, 9]])
    one, four = look(made[:1], [[0, 48, 64]]), look(made[:1], [[0, 0, 48, 64]])
    assert found(made, one) == found(made, four)
    assert "store" not in one.columns


def test_codes_that_cannot_be_compared_are_refused(
    made: list[EmbeddingStore], tmp_path: Path
) -> None:
    other = filled(tmp_path / "c.zarr", encoder=model(1)).store
    with pytest.raises(ConfigError, match=r"c.zarr cannot be .* model.weights_sha256=0+, .*=0+1,"):
        look([*made, other], POSITIVE)
    ortho = replace(made[1], grid=replace(made[1].grid, planes="ortho"))
    with pytest.raises(ConfigError, match=r"planes=xy, the other with planes=ortho"):
        look([made[0], ortho], POSITIVE)
    larger = replace(made[1], grid=replace(made[1].grid, voxel_size_nm=(30.0, 6.0, 6.0)))
    with pytest.raises(ConfigError, match=r"patch\.size=80 nm, the other with patch\.size=96 nm"):
        look([made[0], larger], POSITIVE)


@pytest.mark.slow
def test_the_command_with_two_stores(tmp_path: Path) -> None:
    places = []
    for name, seed, size in (("a", 0, VOXEL_NM), ("b", 5, (30.0, 5.0, 5.0))):
        write_ome_zarr(tmp_path / f"{name}.ome.zarr", voxels(2, seed=seed), size, (1, 64, 64))
        source = volume(voxels(2, seed=seed), name=str(tmp_path / f"{name}.ome.zarr"))
        places.append(str(filled(tmp_path / f"{name}.zarr", source).store.path))
    stores = ",".join(places)
    run_command(
        find, "search", tmp_path, f"store=[{stores}]", "positive=[[0,0,48,64]]",
        "negative=[[1,1,20,20]]", "search.n_results=12",
    )  # fmt: skip
    folder = tmp_path / "run_search"
    with (folder / "matches.csv").open() as stream:
        table = list(csv.DictReader(stream))
    assert list(table[0])[:5] == ["rank", "store", "z", "y", "x"]
    counts = [sum(row["store"] == place for row in table) for place in places]
    assert sum(counts) == 12
    assert min(counts) > 0
    assert json.loads((folder / "matches.json").read_text())["store"] == places
    for number, count in enumerate(counts):
        state = json.loads((folder / f"neuroglancer_{number}.json").read_text())
        assert len(state["layers"][-1]["annotations"]) == count
        assert (folder / f"results_{number}.png").stat().st_size > 10_000
    with pytest.raises(ConfigError, match="image=x needs a single store"):
        run_command(find, "search", tmp_path, f"store=[{stores}]", "positive=[]", "image=x")
