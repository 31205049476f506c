import pytest

pytest.importorskip("sqlalchemy", reason="the database needs: pip install 'emqs[serve]'")

from support.accounts_setup import add_layer
from support.worlds import World

from emqs.annotations import batches
from emqs.errors import DataError

POINT = {"kind": "point", "points": [[1, 2, 3]]}


def statuses(report: batches.BatchReport) -> list[str]:
    return [row.status for row in report.rows]


def test_each_row_has_its_report(world: World) -> None:
    mine = world.create(POINT | {"title": "mine", "description": "kept"})
    bens = world.create(POINT, world.ben)
    same = world.create(POINT | {"title": "same"})
    report = world.batch(
        [
            POINT | {"title": "new", "tags": ["t"]},
            {"id": mine.id, "revision": 1, "title": "changed"},
            {"id": same.id, "revision": 1, "title": "same"},
            {"id": bens.id, "revision": 1, "title": "stolen"},
            {"id": "nothing", "revision": 1},
            {"id": 5, "revision": 1},
            {"id": mine.id, "revision": 1, "title": "twice"},
            {"id": same.id, "revision": 7},
            {"id": same.id, "title": "no revision"},
            {"kind": "point"},
            "text",
            POINT | {"layer_id": "nothing"},
            POINT | {"layer_id": "nothing", "title": "x"},
        ]
    )
    assert statuses(report)[:3] == ["created", "updated", "unchanged"]
    assert statuses(report)[3:] == ["failed"] * 10
    messages = [
        "another user's",
        "no annotation nothing",
        "no annotation 5",
        "stands in an earlier row",
        "at revision 1 and not 7",
        "give the revision that you have seen",
        "needs the field 'points'",
        "must be a JSON object, got str",
        "no layer of this dataset",
        "no layer of this dataset",
    ]
    for row, message in zip(report.rows[3:], messages, strict=True):
        assert message in row.error
    assert report.written
    rows = world.page().rows
    assert [(row.title, row.description, row.revision) for row in rows] == [
        ("changed", "kept", 2),
        ("same", "", 1),
        ("new", "", 1),
    ]
    assert report.rows[0].id == rows[2].id
    assert world.titles(tags=("t",)) == ["new"]


def test_all_or_nothing(world: World) -> None:
    rows = [POINT, {"kind": "blob"}, POINT]
    report = world.batch(rows, all_or_nothing=True)
    assert statuses(report) == ["not_written", "failed", "not_written"]
    assert not report.written
    assert world.page().rows == ()
    assert statuses(world.batch(rows[:1] + rows[2:], all_or_nothing=True)) == ["created"] * 2


def test_a_dry_run_writes_nothing_and_says_the_same(world: World) -> None:
    mine = world.create(POINT)
    rows = [POINT, {"id": mine.id, "revision": 1, "title": "x"}, {"id": mine.id}, {"kind": 1}]
    before = world.page().rows
    dry = world.batch(rows, dry_run=True)
    assert world.page().rows == before
    assert not dry.written
    assert statuses(world.batch(rows)) == statuses(dry)


def test_an_upload_can_be_sent_again(world: World) -> None:
    rows = [POINT | {"title": f"{i}", "client_key": f"file-{i}"} for i in range(1200)]
    assert world.batch(rows[:700]).counts == {"created": 700}
    again = world.batch(rows)
    assert again.counts == {"existing": 700, "created": 500}
    assert world.count() == (1200, True)
    first = world.batch(rows[:1]).rows[0]
    assert (first.status, first.id) == ("existing", again.rows[0].id)


def test_a_key_is_of_one_user_and_one_content(world: World) -> None:
    row = POINT | {"title": "a", "client_key": "k"}
    assert statuses(world.batch([row])) == ["created"]
    assert statuses(world.batch([row], world.ben)) == ["created"]
    other = world.batch([row | {"title": "b"}, POINT | {"client_key": ""}, row, row])
    assert statuses(other) == ["failed", "failed", "failed", "failed"]
    assert "says something else" in other.rows[0].error
    assert "1 to 100 printable characters" in other.rows[1].error
    assert "stands in an earlier row" in other.rows[3].error
    made = world.page().rows[0]
    world.delete(world.update(made, {"title": "c"}))
    (report,) = world.batch([row]).rows
    assert (report.status, report.revision) == ("existing", 3)
    assert "deleted since" in report.error


def test_a_known_layer_is_taken(world: World) -> None:
    layer = add_layer(world.database, world.brain, "cells")
    assert statuses(world.batch([POINT | {"layer_id": layer}] * 2)) == ["created"] * 2


def test_a_batch_has_its_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MOST_ROWS", 2)
    with pytest.raises(DataError, match="at most 2 rows, got 3"):
        world.batch([POINT] * 3)


def test_an_empty_batch(world: World) -> None:
    report = world.batch([])
    assert (report.rows, report.written, report.counts) == ((), False, {})


def test_each_is_deleted_and_brought_back_at_the_revision_that_was_seen(world: World) -> None:
    mine = [world.create(POINT | {"title": title}) for title in ("a", "b")]
    bens = world.create(POINT, world.ben)
    seen = [(row.id, 1) for row in (*mine, bens)] + [("nothing", 1)]
    with world.database.write() as connection:
        report = batches.delete(connection, world.brain, world.ada, seen)
    assert statuses(report) == ["deleted", "deleted", "failed", "failed"]
    assert (report.written, world.titles()) == (True, [])
    with world.database.write() as connection:
        late = batches.delete(connection, world.brain, world.ada, seen[:1])
        report = batches.undo(
            connection, world.brain, world.ada, [(row.id, row.revision) for row in report.rows[:2]]
        )
    assert (late.written, statuses(late)) == (False, ["failed"])
    assert statuses(report) == ["undone", "undone"]
    assert world.titles() == ["a", "b"]
