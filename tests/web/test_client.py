"""The Python client against a real server on a port."""

from pathlib import Path

import httpx2
import pandas as pd
import pytest
from support.small_stores import grid_of, random_codes, write_store
from web.fixtures import Live

from emqs.client import Client, rows_of
from emqs.errors import ConfigError, ConflictError, DataError, ForbiddenError, NotFoundError


def token_of(live: Live, person: str) -> str:
    return live.served.people[person]["Authorization"].removeprefix("Bearer ")


def client_of(live: Live, person: str = "annotator") -> Client:
    return Client(live.url, token_of(live, person))


@pytest.mark.slow
def test_from_sign_in_to_an_applied_merge(live: Live, tmp_path: Path) -> None:
    write_store(tmp_path / "a.zarr", random_codes(grid_of()), grid_of())
    live.served.layer(live.served.datasets["brain"], "codes", tmp_path / "a.zarr", "embedding")
    with client_of(live) as ann, client_of(live, "reviewer") as reviewer:
        assert ann.me()["name"] == "annotator"
        assert {one["name"] for one in ann.datasets()} == {"brain", "open"}
        brain, same = ann.dataset("brain"), reviewer.dataset("brain")
        assert brain.about()["role"] == "annotator"
        matches = [
            row for row, _ in zip(brain.search([(2, 100, 120)], k=7), range(20), strict=False)
        ]
        assert [row["rank"] for row in matches] == list(range(1, 21))
        questions = [brain.question([(2, 100, 120)], k=3)] * 120
        assert len(brain.search_many(questions)) == 120
        kept = brain.save_search("mine", questions[0])
        assert [one["id"] for one in brain.searches()] == [kept["id"]]
        row = brain.annotate(kind="point", points=[[1, 2, 3]], title="a", description="b")
        assert brain.update(row, title="c")["title"] == "c"
        with pytest.raises(ConflictError, match="changed in the meantime"):
            brain.update(row, title="d")
        (row,) = brain.annotations()
        entry = brain.submit(row)
        with pytest.raises(ForbiddenError, match="role reviewer"):
            brain.review(entry, "accepted")
        same.review(entry, "accepted")
        assert [one["title"] for one in reviewer.atlas(dataset="brain")] == ["c"]
        row = brain.undo(next(brain.annotations()))
        assert [step["action"] for step in brain.history(row["id"])] == [
            "created", "updated", "undone",
        ]  # fmt: skip
        assert brain.delete(row)["deleted"]
        brain.merge("labels", [1, 2])
        assert brain.split("labels", [2])["equivalences"] == []
        brain.merge("labels", [3, 4])
        pull = brain.request_pull("labels", "one cell")
        assert same.review_pull(pull, "accepted")["state"] == "accepted"
        assert [one["author"] for one in same.pulls()] == ["annotator"]


def test_an_upload_that_broke_off_is_sent_again_and_made_once(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emqs.client.BATCH", 10)
    rows = [{"kind": "point", "points": [[1, i % 7, 3]], "title": "same"} for i in range(35)]
    with client_of(live) as client:
        brain = client.dataset("brain")
        send, sent = client.http.request, []

        def breaking(method: str, path: str, **options: object) -> httpx2.Response:
            sent.append(path)
            answer = send(method, path, **options)
            if len(sent) == 3:
                raise httpx2.ReadError("the connection broke")
            return answer

        monkeypatch.setattr(client.http, "request", breaking)
        with pytest.raises(DataError, match="does not answer"):
            brain.upload(rows)
        done: list[int] = []
        reports = brain.upload(rows, progress=done.append)
        assert done == [10, 20, 30, 35]
        assert [one["index"] for one in reports] == list(range(35))
        assert [one["status"] for one in reports] == ["existing"] * 30 + ["created"] * 5
        assert len(list(brain.annotations(limit=10))) == 35


def test_tables_go_out_and_come_back_changed(live: Live, tmp_path: Path) -> None:
    with client_of(live) as client:
        brain = client.dataset("brain")
        given = pd.DataFrame(
            {"z": [1, 2], "y": [3.5, 4], "x": [5, 6], "title": ["a", None], "tags": [["t"], []]}
        )
        assert {one["status"] for one in brain.upload(given)} == {"created"}
        brain.annotate(kind="line", points=[[0, 0, 0], [1, 1, 1]], title="l")
        table = brain.table(sort="created")
        assert table["title"].tolist() == ["a", "", "l"]
        assert table["x2"].isna().tolist() == [True, True, False]
        table["title"] = ["new", "", "l"]
        assert [one["status"] for one in brain.upload(table)] == [
            "updated", "unchanged", "unchanged",
        ]  # fmt: skip
        file = brain.export(tmp_path / "a.csv", sort="title")
        assert "new" in file.read_text()
        with client_of(live, "manager") as manager:
            report = manager.dataset("brain").bring_in(file, as_new=True)
        assert report["counts"] == {"created": 3}
        with pytest.raises(DataError, match="columns z, y and x"):
            list(rows_of(pd.DataFrame({"title": ["a"]})))


def test_refusals_are_errors_with_the_sentence_of_the_server(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EMQS_TOKEN", raising=False)
    with pytest.raises(ConfigError, match="EMQS_TOKEN"):
        Client(live.url)
    monkeypatch.setenv("EMQS_TOKEN", "wrong")
    with Client(live.url) as nobody, pytest.raises(ForbiddenError, match="not valid"):
        nobody.me()
    with client_of(live, "stranger") as stranger, pytest.raises(NotFoundError):
        stranger.dataset("brain").about()
    with (
        Client("http://127.0.0.1:1", "x", timeout_s=2) as gone,
        pytest.raises(DataError, match="Is it running"),
    ):
        gone.me()
