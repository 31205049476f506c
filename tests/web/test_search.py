"""Searches over HTTP answer what the library answers, and are kept, marked, compared, exported."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient
from support.searches import run_command
from support.served import Served, write_zarr
from support.small_stores import EDGE, VOXEL_NM, grid_of, random_codes, write_store

from emqs.annotations.schema import datasets, search_matches
from emqs.retrieval.places import COLUMNS
from emqs.search import work as find
from emqs.web import search_parts as library
from emqs.web.searching import QUERY

API = "/api/v1"
BRAIN = f"{API}/datasets/brain"
SHAPE = (4, 200, 264)  # of the volume that the store is of
EXAMPLE = {"z": 2, "y": 100, "x": 120}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return two comparable stores, and labels in which x below 132 is 5 and above is 6."""
    folder = tmp_path_factory.mktemp("stores")
    codes = random_codes(grid_of())
    write_store(folder / "a.zarr", codes, grid_of())
    write_store(folder / "b.zarr", random_codes(grid_of(), seed=1), grid_of())
    labels = np.full(SHAPE, 5, dtype=np.uint64)
    labels[:, :, 132:] = 6
    write_zarr(folder / "segments.zarr", labels, size=VOXEL_NM)
    return {name: folder / f"{name}.zarr" for name in ("a", "b", "segments")}


@pytest.fixture
def searched(local: Served, stores: dict[str, Path]) -> Served:
    for name, store in (("brain", "a"), ("open", "b")):
        local.layer(local.datasets[name], "codes", stores[store], "embedding")
    local.layer(local.datasets["brain"], "segments", stores["segments"], "segmentation")
    given = {"shape": list(SHAPE), "voxel_size_nm": list(VOXEL_NM)}
    with local.context.database.write() as connection:
        connection.execute(datasets.update().values(settings=given))
    return local


@pytest.fixture
def ann(searched: Served) -> TestClient:
    return searched.client(searched.people["annotator"])


def expected(store: Path, positives: list, negatives: list = (), **settings: object) -> list[dict]:
    found = library.search(
        library.open_searchable(str(store), library.ClickhouseConfig()),
        positives,
        list(negatives),
        query=library.QueryConfig(**QUERY),
        settings=library.SearchConfig(**settings, expand=True, smooth=0.25),
    )
    names = ("rank", "z", "y", "x", "z_nm", "y_nm", "x_nm", "hamming", "score")
    clicks = dict(zip("zyx", found.voxels.T, strict=True))  # voxels to click, not centres
    columns = [(found.columns | clicks)[name].tolist() for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def same(told: list[dict], library_rows: list[dict]) -> None:
    assert len(told) == len(library_rows) > 0
    for row, other in zip(told, library_rows, strict=True):
        assert {key: row[key] for key in other} == pytest.approx(other)


def ask(client: TestClient, status: int = 200, **question: object) -> dict:
    answer = client.post(f"{BRAIN}/search", json={"positives": [EXAMPLE], **question})
    assert answer.status_code == status, answer.text
    return answer.json()


def test_the_answer_is_the_library_s_page_by_page(ann: TestClient, stores: dict[str, Path]) -> None:
    rows = expected(stores["a"], [[2, 100, 120]], [[1, 20, 20]], n_results=25)
    told, after = [], 0
    while after is not None and len(told) < 25:
        page = ask(ann, negatives=[{"z": 1, "y": 20, "x": 20}], k=10, after=after)
        told += page["matches"]
        after = page["after"]
    same(told[:25], rows)
    assert set(page["fingerprint"]) == {"brain"}


def test_region_distance_and_exact_reach_the_library(
    ann: TestClient, stores: dict[str, Path]
) -> None:
    box = [[0.0, 100.0, 100.0], [90.0, 600.0, 700.0]]
    rows = expected(
        stores["a"], [[2, 100, 120]], n_results=9, box_nm=box, distance_nm=200.0, exact=True
    )
    region = {"start": box[0], "stop": box[1]}
    same(ask(ann, k=9, region_nm=region, distance_nm=200.0, exact=True)["matches"], rows)


def test_matches_lie_inside_or_outside_of_segments(ann: TestClient) -> None:
    for given, left in (({"inside": ["5"]}, True), ({"outside": [5]}, False)):
        found = ask(ann, k=20, segmentation="segments", **given)["matches"]
        assert found
        assert all((row["x"] < 132) == left for row in found)
    assert ask(ann, 400, inside=[0])["error"].startswith("A segment is")
    assert ask(ann, 404, inside=[1], segmentation="none")


def test_annotations_are_examples(ann: TestClient) -> None:
    point = {"kind": "point", "points": [[2.5, 100.5, 120.5]], "title": "t"}
    number = ann.post(f"{BRAIN}/annotations", json=point).json()["id"]
    assert ask(ann, positives=[{"annotation": number}])["matches"] == ask(ann)["matches"]
    assert ask(ann, 404, positives=[{"annotation": "none"}])
    for bad in ([{"z": 1}], [{}]):
        assert ask(ann, 400, positives=bad)


def test_annotations_of_others_are_no_examples(searched: Served, ann: TestClient) -> None:
    point = {"kind": "point", "points": [[2.5, 100.5, 120.5]]}
    number = ann.post(f"{BRAIN}/annotations", json=point).json()["id"]
    other = searched.client(searched.people["reviewer"])
    assert ask(other, 404, positives=[{"annotation": number}])


def test_several_datasets_are_searched_if_one_may_read_them(
    searched: Served, ann: TestClient
) -> None:
    both = ask(ann, datasets=["open"], k=40)
    assert {row["dataset"] for row in both["matches"]} == {"brain", "open"}
    assert set(both["fingerprint"]) == {"brain", "open"}
    there = [{**EXAMPLE, "dataset": "open"}]
    assert ask(ann, datasets=["open"], positives=there)["matches"] != both["matches"]
    assert ask(ann, 400, positives=there)
    assert ask(ann, 404, datasets=["nowhere"])
    assert ask(ann, 400, only=["open"])
    stranger = searched.client(searched.people["stranger"])
    body = {"positives": [EXAMPLE], "datasets": ["brain"]}
    assert stranger.post(f"{API}/datasets/open/search", json=body).status_code == 404


@pytest.mark.slow
def test_examples_of_one_dataset_find_matches_in_another_alone(
    ann: TestClient, stores: dict[str, Path]
) -> None:
    alone = ask(ann, datasets=["open"], only=["open"], k=12)["matches"]
    assert {row["dataset"] for row in alone} == {"open"}
    both = ask(ann, datasets=["open"], k=40)["matches"]
    in_open = [row for row in both if row["dataset"] == "open"]
    shared = min(len(in_open), len(alone))
    keys = ("z", "y", "x", "hamming", "score")
    assert [[row[key] for key in keys] for row in alone[:shared]] == [
        [row[key] for key in keys] for row in in_open[:shared]
    ]
    exact = ask(ann, datasets=["open"], only=["brain"], k=40, exact=True)["matches"]
    assert {row["dataset"] for row in exact} == {"brain"}


def test_a_dataset_says_what_is_searched(ann: TestClient) -> None:
    told = ann.get(f"{BRAIN}/search").json()
    grid = grid_of()
    assert (told["patch"], told["stride"], told["places"]) == (
        EDGE, list(grid.stride), grid.n_places,
    )  # fmt: skip
    assert told["complete"]
    assert told["fingerprint"] == ask(ann)["fingerprint"]["brain"]
    assert ann.get(f"{API}/datasets/nowhere/search").status_code == 404


@pytest.mark.parametrize(
    "question",
    [
        {"positives": []},
        {"positives": [{"z": 99, "y": 1, "x": 1}]},
        {"positives": [{"z": -1, "y": 1, "x": 1}]},
        {"k": 0},
        {"k": 10**9},
        {"after": 10**9},
        {"region_nm": {"start": [0, 0, 0], "stop": [-1, 1, 1]}},
        {"region_nm": {"start": [0, 0], "stop": [1, 1]}},
        {"inside": [2**64]},
        {"distance_nm": -1},
        {"positives": [EXAMPLE] * 10_001},
    ],
)
def test_questions_that_make_no_sense_are_refused(ann: TestClient, question: dict) -> None:
    answer = ann.post(f"{BRAIN}/search", json={"positives": [EXAMPLE], **question})
    assert answer.status_code in (400, 422)
    assert answer.json()["error"]


def test_marks_refine_and_suggestions_are_matches(ann: TestClient, stores: dict[str, Path]) -> None:
    question = {"positives": [EXAMPLE], "k": 5}
    first = ask(ann, k=5)["matches"]
    marks = [
        {**{axis: first[0][axis] for axis in "zyx"}, "mark": "right"},
        {**{axis: first[1][axis] for axis in "zyx"}, "mark": "wrong"},
    ]
    answer = ann.post(f"{BRAIN}/search/refine", json={"question": question, "marks": marks}).json()
    voxels = [[row[axis] for axis in "zyx"] for row in first]
    rows = expected(stores["a"], [[2, 100, 120], voxels[0]], [voxels[1]], n_results=5)
    same(answer["matches"], rows)
    assert len(answer["question"]["positives"]) == 2
    again = ann.post(f"{BRAIN}/search", json=answer["question"]).json()
    assert again["matches"] == answer["matches"]
    wish = {"question": question, "n": 5}
    suggested = ann.post(f"{BRAIN}/search/suggestions", json=wish).json()["matches"]
    assert 1 <= len(suggested) <= 5


def test_many_questions_are_answered_in_one_request(ann: TestClient) -> None:
    good, bad = {"positives": [EXAMPLE]}, {"positives": [{"z": 99, "y": 0, "x": 0}]}
    answers = ann.post(f"{BRAIN}/search/batch", json={"questions": [good, bad]}).json()["answers"]
    assert answers[0]["matches"] == ask(ann)["matches"]
    assert "outside the volume" in answers[1]["error"]
    many = {"questions": [good] * 101}
    assert ann.post(f"{BRAIN}/search/batch", json=many).status_code == 422


def test_a_search_is_kept_run_again_compared_exported_and_made_into_annotations(
    searched: Served, ann: TestClient
) -> None:
    given = {"title": "mine", "question": {"positives": [EXAMPLE], "k": 6}}
    kept = ann.post(f"{BRAIN}/searches", json=given).json()
    url = f"{BRAIN}/searches/{kept['id']}"
    rows = ask(ann, k=6)["matches"]
    assert [row["score"] for row in kept["matches"]] == [row["score"] for row in rows]
    assert kept["fingerprint"] == ask(ann)["fingerprint"]
    match = {"If-Match": f'"{kept["revision"]}"'}
    changed = ann.patch(url, json={"note": "=1+1"}, headers=match).json()
    assert (changed["title"], changed["note"]) == ("mine", "=1+1")
    second = ann.post(f"{BRAIN}/searches", json={**given, "title": "other"}).json()
    mark = {**{axis: rows[0][axis] for axis in "zyx"}, "mark": "wrong"}
    marked = ann.post(f"{url}/marks", json={"marks": [mark]}).json()
    assert marked["marks"] == [{**mark, "dataset": "brain"}]
    assert marked["matches"] != kept["matches"]
    told = ann.get(f"{url}/compare", params={"with": second["id"]}).json()
    assert len(told["both"]) + len(told["only_first"]) == 6
    assert told["same_examples"]
    assert told["same_fingerprint"]
    state = ann.get(f"{url}/export", params={"format": "neuroglancer"}).json()
    assert state["layers"][-1]["annotations"][0]["point"] == [
        marked["matches"][0]["placed"][axis] + 0.5 for axis in "xyz"
    ]
    wish = {"ranks": [1, 2], "tags": ["found"]}
    report = ann.post(f"{url}/annotations", json=wish).json()
    assert report["counts"] == {"created": 2}
    assert ann.post(f"{url}/annotations", json=wish).json()["counts"] == {"existing": 2}
    (first, _) = ann.get(f"{BRAIN}/annotations").json()["annotations"]
    assert first["properties"]["search"] == kept["id"]
    assert first["properties"]["fingerprint"] == kept["fingerprint"]
    for other in ("reviewer", "root"):
        assert searched.client(searched.people[other]).get(url).status_code == 404
    now = ann.get(url)
    assert ann.delete(url, headers=match).status_code == 409
    assert ann.delete(url, headers={"If-Match": now.headers["etag"]}).status_code == 204
    assert ann.get(url).status_code == 404
    back = ann.post(f"{url}/restore").json()
    assert (back["id"], back["title"]) == (now.json()["id"], now.json()["title"])
    assert ann.get(url).json()["matches"] == now.json()["matches"]
    assert ann.post(f"{url}/restore").json()["revision"] == back["revision"]
    assert ann.post(f"{BRAIN}/searches/none/restore").status_code == 404


def test_tables_say_where_as_the_command_does(
    searched: Served, ann: TestClient, stores: dict[str, Path], tmp_path: Path
) -> None:
    clicked = (f"store={stores['a']}", "positive=[[2,100,120]]", "search.n_results=6")
    run_command(find, "search", tmp_path, *clicked, "figures=false")
    wanted = (tmp_path / "run_search" / "matches.csv").read_text().splitlines()
    names = wanted[0].split(",")
    assert float(next(csv.DictReader(wanted))["y"]) % 1 == 0.5  # an even edge
    given = {"title": "mine", "question": {"positives": [EXAMPLE], "k": 6}}
    kept = ann.post(f"{BRAIN}/searches", json=given).json()
    url = f"{BRAIN}/searches/{kept['id']}/export"
    table = list(csv.DictReader(io.StringIO(ann.get(url).text)))
    assert [",".join(row[name] for name in names) for row in table] == wanted[1:]
    assert list(table[0]) == ["rank", "dataset", *names[1:], "probability"]
    for told in (kept["matches"], ask(ann, k=6)["matches"]):
        rows = [[str(row["placed"][name]) for name in COLUMNS] for row in told]
        assert rows == [[row[name] for name in COLUMNS] for row in csv.DictReader(wanted)]
    middles = [[float(row[axis]) + 0.5 for axis in "zyx"] for row in csv.DictReader(wanted)]
    state = ann.get(url, params={"format": "neuroglancer"}).json()
    points = [one["point"][::-1] for one in state["layers"][-1]["annotations"]]
    notes = f"{BRAIN}/searches/{kept['id']}/annotations"
    assert ann.post(notes, json={}).json()["counts"] == {"created": 6}
    made = ann.get(f"{BRAIN}/annotations").json()["annotations"]
    made.sort(key=lambda one: one["properties"]["rank"])
    assert points == middles == [one["points"][0] for one in made]
    with searched.context.database.write() as connection:
        connection.execute(search_matches.update().values(details={}))  # of an older server
    for answer in (
        ann.get(url),
        ann.get(url, params={"format": "neuroglancer"}),
        ann.post(notes, json={}),
    ):
        assert answer.status_code == 409
        assert "Run the search again" in answer.json()["error"]


def test_a_dataset_without_codes_says_so(local: Served) -> None:
    reader = local.client(local.people["reader"])
    answer = reader.post(f"{BRAIN}/search", json={"positives": [EXAMPLE]})
    assert answer.status_code == 404
    assert "no embedding" in answer.json()["error"]


def test_places_of_matches_are_centres_of_patches(ann: TestClient) -> None:
    for row in ask(ann, k=10)["matches"]:
        assert (row["y"] - EDGE // 2) % 8 == 0
        centre = (row["y"] - 0.5) * VOXEL_NM[1]  # between two voxels of an even patch
        assert row["y_nm"] == pytest.approx(centre)
