"""What must not get through: each is refused with a sentence, and stands in the log."""

import csv
import io
import json
from typing import Any

import httpx2
import pytest
from support.served import Served
from web.test_work import BRAIN, NOTES, POINT, clients, ok, tagged

from emqs.annotations.ids import new_id
from emqs.annotations.schema import audit, data_links

API = "/api/v1"
FILES = f"{API}/data/brain/image/1/files"
FORGED = "0" * 26
FIRST = {"If-Match": '"1"'}
JSON = {"Content-Type": "application/json"}
FOREIGN = {"Sec-Fetch-Site": "cross-site"}

UNREAD = (400, 413, 422)  # a body that cannot be read is refused before it is asked whose it is

# name: who, method, address, what is sent, status
CASES: dict[str, tuple[str, str, str, dict[str, Any], int]] = {
    "forged id": ("annotator", "DELETE", f"{NOTES}/{FORGED}", {"headers": FIRST}, 404),
    "id of no kind": ("annotator", "GET", f"{NOTES}/;DROP TABLE users", {}, 404),
    "forged pull request": (
        "reviewer", "POST", f"{BRAIN}/pulls/{FORGED}/review",
        {"json": {"step": "accepted", "revision": 1}}, 404,
    ),
    "forged token": ("forger", "POST", NOTES, {"json": POINT}, 401),
    "id of somebody else": (
        "manager", "PATCH", "{note}", {"json": {"title": "x"}, "headers": FIRST}, 404,
    ),
    "id of a dataset that one may not know": ("stranger", "GET", "{note}", {}, 404),
    "token of somebody else": ("manager", "DELETE", f"{API}/auth/tokens/{{token}}", {}, 404),
    "huge batch": ("annotator", "POST", f"{NOTES}/batch", {"json": {"rows": [{}] * 10_001}}, 422),
    "huge request": ("annotator", "POST", f"{NOTES}/batch", {"content": b" " * (2**25 + 1)}, 413),
    "broken JSON": ("annotator", "POST", NOTES, {"content": b'{"kind":', "headers": JSON}, 422),
    "deep JSON": ("annotator", "POST", NOTES, {"content": b"[" * 100_000, "headers": JSON}, 400),
    "no JSON": ("annotator", "POST", f"{NOTES}/batch", {"content": b"rows=1"}, 422),
    "no table": ("annotator", "POST", f"{NOTES}/import", {"content": b"\xff\xfe"}, 400),
    "expired link": (
        "nobody", "GET", f"{API}/links/{{link}}/data/image/1/files/zarr.json", {}, 404,
    ),
    "cross-site post": (
        "nobody", "POST", f"{API}/auth/login", {"json": {}, "headers": FOREIGN}, 403,
    ),
    "path traversal": ("reader", "GET", f"{FILES}/..%2f..%2fetc%2fpasswd", {}, 404),
    "path traversal in a name": ("root", "GET", f"{API}/datasets/..%2f..%2fetc", {}, 404),
    "path traversal in a chunk": (
        "reader", "GET", f"{API}/data/brain/image/1/precomputed/raw/1x1x1/..%2f..%2finfo", {}, 404,
    ),
}  # fmt: skip


def named(made: Served) -> dict[str, str]:
    """Return addresses and ids of what others own."""
    ann = made.client(made.people["annotator"])
    note = ok(ann.post(NOTES, json=POINT), 201)
    link = ok(ann.post(f"{BRAIN}/links", json={"days": 1}), 201)
    with made.context.database.write() as connection:
        connection.execute(data_links.update().values(expires=1.0))
    (token,) = ok(ann.get(f"{API}/auth/tokens"))["tokens"]
    return {"note": f"{NOTES}/{note['id']}", "link": link["token"], "token": token["id"]}


@pytest.mark.parametrize(("who", "method", "path", "sent", "status"), CASES.values(), ids=CASES)
def test_it_is_refused_and_logged(
    local: Served,
    caplog: pytest.LogCaptureFixture,
    who: str,
    method: str,
    path: str,
    sent: dict[str, Any],
    status: int,
) -> None:
    names = named(local)
    caplog.set_level("INFO", "emqs")
    caplog.clear()
    forger = {"Authorization": f"Bearer {new_id()}"}
    client = local.client(forger if who == "forger" else local.people.get(who))
    answer = client.request(method, path.format(**names), **sent)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]
    (record,) = [record for record in caplog.records if record.name == "emqs.web.access"]
    logged = record.__dict__["fields"]
    assert (logged["method"], logged["status"]) == (method, status)
    if status not in UNREAD:
        assert logged["user"] == local.people.get(who, {}).get("id")
    own = [one.getMessage() for one in caplog.records if one.name.startswith("emqs")]
    assert names["link"] not in "".join(own)  # the client of the test names it
    if method != "GET":
        with local.context.database.read() as connection:
            rows = connection.execute(audit.select().order_by(audit.c.number)).all()
        assert (rows[-1].outcome, rows[-1].details["status"]) == ("refused", status)
        assert rows[-1].details["request"] == logged["request"]


def test_formulas_and_html_are_text_and_stay_text(local: Served) -> None:
    people = clients(local)
    ann = people["annotator"]
    evil = {"title": "=cmd|' /C calc'!A0", "description": "<img src=x onerror=alert(1)>"}
    columns = ["kind", "z", "y", "x", *evil]
    text = io.StringIO()
    table = csv.DictWriter(text, columns)
    table.writeheader()
    table.writerow({"kind": "point", "z": 1, "y": 2, "x": 3, **evil})
    report = ok(ann.post(f"{NOTES}/import", content=text.getvalue().encode()))
    assert report["counts"] == {"created": 1}
    listed = ann.get(NOTES)
    (row,) = ok(listed)["annotations"]
    assert {name: row[name] for name in evil} == evil
    plain_answer(listed)
    exported = ann.get(f"{NOTES}/export", params={"format": "csv"})
    (line,) = csv.DictReader(io.StringIO(exported.text))
    assert line["title"] == "'" + evil["title"]
    assert "attachment" in exported.headers["content-disposition"]
    # no page of the server puts it into HTML: whoever reviews it gets it as JSON
    ok(ann.post(f"{BRAIN}/atlas", json={"annotation": row["id"], "revision": 1}), 201)
    cards = people["reviewer"].get(f"{API}/atlas", params={"status": "submitted"})
    assert evil["description"] in json.dumps(ok(cards))
    plain_answer(cards)
    gone = ann.delete(f"{NOTES}/{row['id']}", headers=tagged(row))
    assert gone.status_code in (200, 409)


def plain_answer(answer: httpx2.Response) -> None:
    """Check that no browser takes an answer for a page."""
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
