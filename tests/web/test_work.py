"""Annotations, atlas, merges and pull requests as people of different roles meet them."""

import csv
import io
import json
from typing import Any

import httpx2
import numpy as np
import pytest
from starlette.testclient import TestClient
from support.served import Served

API = "/api/v1"
BRAIN = f"{API}/datasets/brain"
NOTES = f"{BRAIN}/annotations"
POINT = {"kind": "point", "points": [[1.5, 20.5, 30.5]], "title": "a synapse", "tags": ["psd"]}


def clients(made: Served) -> dict[str, TestClient]:
    return {name: made.client(headers) for name, headers in made.people.items()}


def ok(answer: httpx2.Response, status: int = 200) -> Any:  # noqa: ANN401 - JSON
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def tagged(row: dict[str, Any]) -> dict[str, str]:
    return {"If-Match": f'"{row["revision"]}"'}


def test_an_annotation_is_made_changed_undone_and_deleted_and_all_is_known(made: Served) -> None:
    ann = clients(made)["annotator"]
    first = ok(ann.post(NOTES, json=POINT), 201)
    url = f"{NOTES}/{first['id']}"
    changed = ok(ann.patch(url, json={"title": "other"}, headers=tagged(first)))
    assert (changed["title"], changed["tags"], changed["revision"]) == ("other", ["psd"], 2)
    stale = ann.patch(url, json={"title": "late"}, headers=tagged(first))
    assert (stale.status_code, stale.headers["etag"]) == (412, '"2"')
    assert ann.patch(url, json={"title": "blind"}).status_code == 428
    assert ann.patch(url, json={}, headers={"If-Match": "x"}).status_code == 400
    undone = ok(ann.post(f"{url}/undo", headers=tagged(changed)))
    assert undone["title"] == "a synapse"
    gone = ok(ann.delete(url, headers=tagged(undone)))
    assert gone["deleted"] is not None
    assert ann.patch(url, json={"title": "x"}, headers=tagged(gone)).status_code == 409
    steps = ok(ann.get(f"{url}/history"))["revisions"]
    assert [step["action"] for step in steps] == ["created", "updated", "undone", "deleted"]
    assert ok(ann.get(NOTES))["annotations"] == []


def test_a_list_is_filtered_sorted_and_paged(made: Served) -> None:
    ann = clients(made)["annotator"]
    rows = [
        {**POINT, "points": [[i % 4, i, i]], "title": f"t{i:02d}", "tags": ["even"] * (1 - i % 2)}
        for i in range(25)
    ]
    report = ok(ann.post(f"{NOTES}/batch", json={"rows": rows}))
    assert report["counts"] == {"created": 25}
    seen, after = [], None
    while True:
        query = {"limit": 10, "sort": "-title", **({"after": after} if after else {})}
        page = ok(ann.get(NOTES, params=query))
        seen += [row["title"] for row in page["annotations"]]
        after = page["after"]
        if after is None:
            break
    assert seen == sorted((row["title"] for row in rows), reverse=True)
    asked = {"tag": "even", "bbox": "0,0,0,10,10,10", "count": True}
    page = ok(ann.get(NOTES, params=asked))
    assert [row["title"] for row in page["annotations"]] == ["t00", "t02", "t04", "t06", "t08"]
    assert (page["count"], page["count_is_exact"]) == (5, True)
    assert set(page["owners"].values()) == {"annotator"}
    for bad in ({"bbox": "1,2"}, {"bbox": "nan,0,0,1,1,1"}, {"sort": "x"}, {"kind": "cube"}):
        assert ann.get(NOTES, params=bad).status_code == 400
    assert ann.get(NOTES, params={"limit": 10_000}).status_code == 422


def test_nobody_sees_or_changes_the_annotations_of_others_unless_they_are_shared(
    made: Served,
) -> None:
    people = clients(made)
    ann, other, root = people["annotator"], people["reviewer"], people["root"]
    row = ok(ann.post(NOTES, json=POINT), 201)
    url = f"{NOTES}/{row['id']}"
    for call in (other.get, other.delete):
        assert call(url, headers=tagged(row)).status_code == 404
    assert other.patch(url, json={"title": "x"}, headers=tagged(row)).status_code == 404
    assert ok(other.get(NOTES))["annotations"] == []
    ok(root.post(f"{API}/groups", json={"name": "lab"}), 201)
    for name in ("annotator", "reviewer"):
        ok(root.put(f"{API}/groups/lab/members/{name}", json={}), 204)
    ok(ann.put(f"{BRAIN}/shares/lab"), 204)
    assert ok(ann.get(f"{BRAIN}/shares"))["groups"] == ["lab"]
    seen = ok(other.get(url))
    assert (seen["title"], seen["owner"]) == ("a synapse", "annotator")
    assert ok(other.get(f"{BRAIN}/shares"))["owners"] == ["annotator", "reviewer"]
    assert ok(other.get(f"{NOTES}/by-number/{row['number']}"))["id"] == row["id"]
    info = f"{NOTES}/ng/by-annotator/point/1/by_id/{row['number']}"
    assert other.get(info).status_code == 200
    assert other.get(info.replace("by-annotator", "by-reviewer")).status_code == 404
    assert other.patch(url, json={"title": "x"}, headers=tagged(row)).status_code == 403
    ok(ann.delete(f"{BRAIN}/shares/lab"), 204)
    assert other.get(url).status_code == 404
    assert other.get(f"{NOTES}/by-number/{row['number']}").status_code == 404
    assert other.get(f"{NOTES}/by-number/{10**12}").status_code == 404
    assert other.get(info).status_code == 404
    assert ok(other.get(f"{BRAIN}/shares"))["owners"] == ["reviewer"]


def test_a_batch_reports_on_each_row(made: Served) -> None:
    ann = clients(made)["annotator"]
    rows = [POINT, {"kind": "cube", "points": []}, "text", {**POINT, "client_key": "7"}]
    whole = ok(ann.post(f"{NOTES}/batch", json={"rows": rows, "all_or_nothing": True}))
    assert (whole["written"], whole["counts"]) == (False, {"not_written": 2, "failed": 2})
    dry = ok(ann.post(f"{NOTES}/batch", json={"rows": rows, "dry_run": True}))
    assert (dry["written"], dry["counts"]) == (False, {"created": 2, "failed": 2})
    ok(ann.post(f"{NOTES}/batch", json={"rows": rows}))
    again = ok(ann.post(f"{NOTES}/batch", json={"rows": rows[3:]}))
    assert again["counts"] == {"existing": 1}
    many = {"rows": [POINT] * 10_001}
    assert ann.post(f"{NOTES}/batch", json=many).status_code == 422


@pytest.mark.slow
def test_many_are_deleted_and_come_back(made: Served) -> None:
    people = clients(made)
    ann, other = people["annotator"], people["manager"]
    rows = [ok(ann.post(NOTES, json={**POINT, "title": f"t{i}"}), 201) for i in range(3)]
    seen = [{"id": row["id"], "revision": row["revision"]} for row in rows]
    stale = {"id": rows[0]["id"], "revision": 7}
    report = ok(ann.post(f"{NOTES}/batch/delete", json={"rows": [stale, *seen[1:]]}))
    assert report["counts"] == {"failed": 1, "deleted": 2}
    assert [row["title"] for row in ok(ann.get(NOTES))["annotations"]] == ["t0"]
    gone = [{"id": row["id"], "revision": row["revision"]} for row in report["rows"][1:]]
    # nobody else brings them back, or deletes what is left
    assert ok(other.post(f"{NOTES}/batch/undo", json={"rows": gone}))["counts"] == {"failed": 2}
    assert ok(other.post(f"{NOTES}/batch/delete", json={"rows": seen[:1]}))["written"] is False
    assert ok(ann.post(f"{NOTES}/batch/undo", json={"rows": gone}))["counts"] == {"undone": 2}
    assert len(ok(ann.get(NOTES))["annotations"]) == 3
    many = {"rows": seen[:1] * 10_001}
    assert ann.post(f"{NOTES}/batch/delete", json=many).status_code == 422


def test_files_go_out_and_come_in_and_formulas_do_not_run(made: Served) -> None:
    people = clients(made)
    ann, other = people["annotator"], people["manager"]
    evil = {**POINT, "title": "=HYPERLINK(1)", "description": "<script>alert(1)</script>"}
    ok(ann.post(NOTES, json=evil), 201)
    answer = ann.get(f"{NOTES}/export", params={"format": "csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="brain.csv"'
    (line,) = csv.DictReader(io.StringIO(answer.text))
    assert line["title"] == "'=HYPERLINK(1)"
    url = f"{NOTES}/import"
    query = {"as_new": True}
    preview = ok(other.post(url, content=answer.content, params={**query, "dry_run": True}))
    assert (preview["written"], preview["counts"], preview["format"]) == (
        False,
        {"created": 1},
        "csv",
    )
    assert ok(other.post(url, content=answer.content, params=query))["counts"] == {"created": 1}
    assert ok(other.post(url, content=answer.content, params=query))["counts"] == {"existing": 1}
    (row,) = ok(other.get(NOTES))["annotations"]
    assert (row["title"], row["description"]) == (evil["title"], evil["description"])
    for name in ("json", "neuroglancer", "dvid", "napari"):
        text = other.get(f"{NOTES}/export", params={"format": name, "kind": "point"}).text
        assert "20" in text
    assert other.get(f"{NOTES}/export", params={"format": "xml"}).status_code == 400
    assert other.post(url, content=b"\xff\xfe").status_code == 400


def test_neuroglancer_reads_annotations_in_cells(made: Served) -> None:
    ann = clients(made)["annotator"]
    row = ok(ann.post(NOTES, json=POINT), 201)
    view = f"{NOTES}/ng/all/point/1"
    info = ok(ann.get(f"{view}/info"))
    assert info["@type"] == "neuroglancer_annotations_v1"
    answer = ann.get(f"{view}/{info['spatial'][0]['key']}/0_0_0")
    count = np.frombuffer(answer.content[:8], "<u8")[0]
    place = np.frombuffer(answer.content[8:20], "<f4")
    number = np.frombuffer(answer.content[-8:], "<u8")[0]
    assert (count, place.tolist(), number) == (1, [30.5, 20.5, 1.5], row["number"])
    tag = {"If-None-Match": answer.headers["etag"]}
    cell = f"{view}/{info['spatial'][0]['key']}/0_0_0"
    assert ann.get(cell, headers=tag).status_code == 304
    ok(ann.post(NOTES, json=POINT), 201)
    assert ann.get(cell, headers=tag).status_code == 200
    assert ann.get(f"{view}/by_id/{row['number']}").content[:12] == place.tobytes()
    assert ann.get(f"{NOTES}/ng/some/point/1/info").status_code == 404
    reader = clients(made)["reader"]
    assert reader.get(f"{view}/by_id/{row['number']}").status_code == 404


def test_the_atlas_shows_what_a_reviewer_has_accepted(made: Served) -> None:
    people = clients(made)
    ann, reader, reviewer = people["annotator"], people["reader"], people["reviewer"]
    row = ok(ann.post(NOTES, json=POINT), 201)
    given = {"annotation": row["id"], "revision": row["revision"]}
    assert ann.post(f"{BRAIN}/atlas", json=given).status_code == 400  # no description
    row = ok(ann.patch(f"{NOTES}/{row['id']}", json={"description": "d"}, headers=tagged(row)))
    given["revision"] = row["revision"]
    assert reader.post(f"{BRAIN}/atlas", json=given).status_code == 403
    entry = ok(ann.post(f"{BRAIN}/atlas", json=given), 201)
    url = f"{BRAIN}/atlas/{entry['id']}"
    assert ok(reader.get(f"{API}/atlas"))["entries"] == []
    assert reader.get(url).status_code == 404
    step = {"step": "changes_requested", "revision": entry["revision"], "text": "where?"}
    assert ann.post(f"{url}/review", json=step).status_code == 403
    entry = ok(reviewer.post(f"{url}/review", json=step))
    ok(ann.post(f"{url}/comments", json={"text": "in layer 2"}), 201)
    entry = ok(ann.post(f"{BRAIN}/atlas", json=given), 201)
    stale = {"step": "accepted", "revision": 1}
    assert reviewer.post(f"{url}/review", json=stale).status_code == 409
    ok(reviewer.post(f"{url}/review", json={"step": "accepted", "revision": entry["revision"]}))
    (card,) = (
        ok(reader.get(f"{API}/atlas", params={"text": "SYNAPSE (", "dataset": "brain"}))["entries"]
        or ok(reader.get(f"{API}/atlas", params={"text": "SYNAPSE"}))["entries"]
    )
    assert (card["owner"], card["reviewer"], card["state"]) == ("annotator", "reviewer", "accepted")
    lines = ok(reader.get(url))["discussion"]
    assert [line["action"] for line in lines] == [
        "submitted", "changes_requested", "comment", "submitted", "accepted",
    ]  # fmt: skip
    assert ok(people["stranger"].get(f"{API}/atlas"))["entries"] == []
    cell = reader.get(f"{NOTES}/ng/atlas/point/1/atlas/0_0_0").content
    assert np.frombuffer(cell[:8], "<u8")[0] == 1
    ok(ann.post(f"{url}/withdraw", json={}))
    assert ok(reader.get(f"{API}/atlas"))["entries"] == []


def test_merges_are_private_until_a_reviewer_accepts_them_and_a_manager_publishes(
    made: Served,
) -> None:
    people = clients(made)
    ann, reviewer, manager = people["annotator"], people["reviewer"], people["manager"]
    merges = f"{BRAIN}/merges/labels"
    step = {"segments": ["1", "2"], "base_version": "1"}
    ok(ann.post(merges, json=step), 201)
    ok(ann.post(merges, json={**step, "segments": [2, 18446744073709551615]}), 201)
    assert ann.post(merges, json={**step, "base_version": "0"}).status_code == 409
    box = ok(ann.get(merges))
    assert box["equivalences"] == [["1", "2", "18446744073709551615"]]
    assert ok(reviewer.get(merges))["equivalences"] == []
    assert ok(ann.post(f"{merges}/undo"))["equivalences"] == [["1", "2"]]
    ok(ann.post(f"{merges}/redo"))
    ok(
        ann.post(merges, json={**step, "action": "split", "segments": ["18446744073709551615"]}),
        201,
    )
    pull = ok(ann.post(f"{BRAIN}/pulls", json={"layer": "labels", "title": "one cell"}), 201)
    url = f"{BRAIN}/pulls/{pull['id']}"
    seen = ok(people["reader"].get(url))
    assert (seen["segments"], seen["conflicts"]) == ({"1": "1", "2": "1"}, [])
    accept = {"step": "accepted", "revision": pull["revision"]}
    assert ann.post(f"{url}/review", json=accept).status_code == 403
    ok(reviewer.post(f"{url}/comments", json={"text": "sure?"}), 201)
    accepted = ok(reviewer.post(f"{url}/review", json=accept))
    assert (accepted["author"], accepted["reviewer"]) == ("annotator", "reviewer")
    table = ok(people["reader"].get(f"{BRAIN}/equivalences/labels"))
    assert (table["version"], table["table"]) == ("1", {"1": "1", "2": "1"})
    publish = f"{BRAIN}/equivalences/labels/publish"
    assert reviewer.post(publish).status_code == 403
    new = ok(manager.post(publish))
    assert new["pulls"] == [pull["id"]]
    assert manager.post(publish).status_code == 409
    layer = next(one for one in ok(ann.get(BRAIN))["layers"] if one["name"] == "labels")
    assert layer["version"] == new["version"] != "1"
    assert ok(ann.get(url))["state"] == "applied"
    assert all(one["outdated"] for one in ok(ann.get(merges))["steps"])


@pytest.mark.slow
def test_a_second_publication_goes_on_from_the_first(made: Served) -> None:
    people = clients(made)
    ann, root = people["annotator"], people["root"]
    for segments in (["1", "2"], ["3", "1"]):
        version = next(
            one["version"] for one in ok(ann.get(BRAIN))["layers"] if one["name"] == "labels"
        )
        ok(ann.delete(f"{BRAIN}/merges/labels"))
        step = {"segments": segments, "base_version": version}
        ok(ann.post(f"{BRAIN}/merges/labels", json=step), 201)
        pull = ok(ann.post(f"{BRAIN}/pulls", json={"layer": "labels", "title": "t"}), 201)
        accept = {"step": "accepted", "revision": pull["revision"]}
        ok(root.post(f"{BRAIN}/pulls/{pull['id']}/review", json=accept))
        ok(root.post(f"{BRAIN}/equivalences/labels/publish"))
    from emqs.web import catalogue

    with made.context.database.read() as connection:
        layer = catalogue.layer(connection, made.datasets["brain"], "labels", None)
    assert layer.settings["equivalences"] == {"1": "3", "2": "3"}


def test_a_state_is_kept_under_a_short_key_for_those_who_may_read_its_dataset(
    made: Served,
) -> None:
    people = clients(made)
    given = {"dataset": "brain", "state": {"position": [1, 2, 3]}}
    key = ok(people["reader"].post(f"{API}/states", json=given), 201)["key"]
    assert len(key) <= 12
    assert ok(people["annotator"].get(f"{API}/states/{key}"))["state"] == given["state"]
    assert people["stranger"].get(f"{API}/states/{key}").status_code == 404
    assert people["stranger"].post(f"{API}/states", json=given).status_code == 404
    assert made.client().get(f"{API}/states/{key}").status_code == 401


def test_text_that_is_no_text_is_refused(made: Served) -> None:
    ann = clients(made)["annotator"]
    for title in ("\x00", "\ud800"):
        body = json.dumps({**POINT, "title": title}).encode()
        answer = ann.post(NOTES, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400, answer.text
    for body in (b'{"kind":', b"[" * 100_000, b'{"points": [[NaN, 1, 2]], "kind": "point"}', b""):
        answer = ann.post(NOTES, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422), answer.text


@pytest.mark.parametrize("name", ["..%2f..%2fetc", "%00", "a%2fb", "x" * 500])
def test_names_in_paths_are_only_names(made: Served, name: str) -> None:
    root = clients(made)["root"]
    for path in (f"{API}/datasets/{name}", f"{API}/users/{name}/sessions", f"{NOTES}/{name}"):
        answer = root.request("DELETE" if "users" in path else "GET", path)
        assert answer.status_code in (400, 404, 405, 422), answer.text
