import itertools
import random
import time

import pytest

pytest.importorskip("sqlalchemy", reason="the database needs: pip install 'emqs[serve]'")

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.accounts_setup import add_dataset, add_user
from support.worlds import World

from emqs.annotations import filters, listing
from emqs.annotations.filters import Filter
from emqs.annotations.records import Annotation
from emqs.errors import DataError

PROPERTY = settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
WORDS = ["Spine", "spine head", "ÄXON", "100%", "a_b", "back\\slash", "", "straße", "'; --", "[x"]


def random_rows(seed: int, count: int) -> list[dict]:
    chance = random.Random(seed)

    def place() -> list[float]:
        return [chance.uniform(-50, 3000), chance.uniform(0, 3000), chance.uniform(0, 3000)]

    rows = []
    for _ in range(count):
        kind = chance.choice(["point", "point", "line", "sphere", "box"])
        first = place()
        second = [a + chance.choice([1, 30, 900]) * chance.uniform(0.1, 1) for a in first]
        rows.append(
            {
                "kind": kind,
                "points": [first, second] if kind in ("line", "box") else [first],
                "radius_nm": chance.uniform(1, 4000) if kind == "sphere" else None,
                "title": chance.choice(WORDS),
                "description": chance.choice(WORDS),
                "tags": chance.sample(["red", "green", "blue"], chance.randrange(3)),
                "colour_class": chance.choice(["", "x"]),
            }
        )
    return rows


def bounds(row: Annotation) -> list[tuple[float, float]]:
    """The box around an annotation, by its definition; voxels are 40 x 4 x 4 nm."""
    if row.kind == "sphere":
        around = [row.radius_nm / size for size in (40, 4, 4)]
        return [(c - r, c + r) for c, r in zip(row.points[0], around, strict=True)]
    return [(min(axis), max(axis)) for axis in zip(*row.points, strict=True)]


def touches(row: Annotation, start: tuple, stop: tuple) -> bool:
    return all(
        low < end and high >= first
        for (low, high), first, end in zip(bounds(row), start, stop, strict=True)
    )


def all_pages(world: World, **options: object) -> list[Annotation]:
    rows: list[Annotation] = []
    cursor = None
    while True:
        page = world.page(cursor=cursor, **options)
        assert len(page.rows) <= options.get("limit", 100)
        rows += page.rows
        cursor = page.cursor
        if cursor is None:
            return rows


@pytest.fixture
def crowd(world: World) -> list[Annotation]:
    """300 annotations of ada and 100 of ben, some deleted."""
    for user, seed, count in ((world.ada, 1, 150), (world.ben, 2, 100), (world.ada, 3, 150)):
        report = world.batch(random_rows(seed, count), user)
        assert report.counts == {"created": count}
    rows = list(world.page({world.ada, world.ben}, limit=1000).rows)
    for row in rows[::17]:
        world.delete(row)
    return list(world.page({world.ada, world.ben}, limit=1000, deleted=None).rows)


@pytest.mark.slow
def test_filters_are_their_definitions(
    world: World, crowd: list[Annotation], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(crowd) == 400
    live = [row for row in crowd if row.deleted is None]
    of_ada = [row for row in live if row.owner_id == world.ada]
    cases: list[tuple[dict, list[Annotation]]] = [
        ({}, of_ada),
        ({"owners": {world.ada, world.ben}}, live),
        ({"owners": {world.ben}}, [row for row in live if row.owner_id == world.ben]),
        ({"deleted": True}, [r for r in crowd if r.deleted and r.owner_id == world.ada]),
        ({"kinds": ("circle", "sphere")}, [row for row in of_ada if row.kind == "sphere"]),
        ({"kinds": ("line", "box")}, [row for row in of_ada if row.kind in ("line", "box")]),
        ({"tags": ("red",)}, [row for row in of_ada if "red" in row.tags]),
        ({"tags": ("red", "blue")}, [r for r in of_ada if {"red", "blue"} <= set(r.tags)]),
        ({"colour_class": ""}, [row for row in of_ada if row.colour_class == ""]),
        ({"layer_id": "nothing"}, []),
        ({"colour_class": "x"}, [row for row in of_ada if row.colour_class == "x"]),
        ({"atlas_states": ("accepted",)}, []),
        ({"atlas_states": ("", "accepted")}, of_ada),
        ({"changed_since": time.time() + 60}, []),
        (
            {"changed_since": of_ada[200].changed},
            [r for r in of_ada if r.changed >= of_ada[200].changed],
        ),
        ({"after_change": 1}, [row for row in of_ada if row.change > 1]),
        (
            {"z_range": (100.0, 900.0)},
            [r for r in of_ada if bounds(r)[0][0] < 900 and bounds(r)[0][1] >= 100],
        ),
        ({"z_range": (100.0, 100.0)}, []),
    ]
    for word in ["SPINE", "äxon", "%", "_", "\\", "strasse", "'", "red", "e\nb", "[", "--", "zzz"]:
        folded = word.casefold()
        text = [
            row
            for row in of_ada
            if folded in "\n".join([row.title, row.description, *row.tags]).casefold()
        ]
        cases.append(({"text": word}, text))
    for few in (3000, 10):  # by an index and sorted, and in order and checked
        monkeypatch.setattr(listing, "FEW", few)
        monkeypatch.setattr(listing, "FEW_SORTED", few)
        for where, expected in cases:
            found = all_pages(world, **where)
            assert [row.id for row in found] == [row.id for row in expected], where
            if "owners" not in where:
                assert world.count(**where) == (len(expected), True)


@pytest.mark.slow
def test_boxes_find_all_that_touches_them(
    world: World, crowd: list[Annotation], monkeypatch: pytest.MonkeyPatch
) -> None:
    live = [row for row in crowd if row.deleted is None]
    chance = random.Random(5)
    found_any = 0
    for number in range(40):
        edge = chance.choice([1, 50, 400, 2500])
        start = tuple(chance.uniform(-100, 3000) for _ in range(3))
        stop = tuple(low + edge * chance.uniform(0.2, 1) for low in start)
        monkeypatch.setattr(listing, "FEW", 3000 if number % 3 else 2)
        expected = [row.id for row in live if touches(row, start, stop)]
        with world.database.read() as connection:
            where = Filter(frozenset({world.ada, world.ben}), start=start, stop=stop)
            by_codes, by_slices = (
                set(connection.scalars(query))
                for query in filters.candidates(connection, world.brain, where)
            )
        assert {row.number for row in live if row.id in expected} <= by_codes & by_slices
        rows = all_pages(world, owners={world.ada, world.ben}, start=start, stop=stop)
        assert [row.id for row in rows] == expected
        found_any += len(expected) > 0
    assert found_any > 20


SORTS = ["created", "-created", "title", "-title", "changed", "-changed", "kind", "-kind"]


@pytest.mark.slow
def test_sorts(world: World, crowd: list[Annotation], monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {
        "created": lambda row: row.number,
        "title": lambda row: (row.title.casefold(), row.number),
        "changed": lambda row: (row.change, row.number),
        "kind": lambda row: (row.kind, row.number),
    }
    owners = {world.ada, world.ben}
    for few, text, sort in itertools.product((3000, 10), ("", "spine"), SORTS):
        monkeypatch.setattr(listing, "FEW", few)
        monkeypatch.setattr(listing, "FEW_SORTED", few)
        expected = sorted(
            (row for row in crowd if row.deleted is None and text in _text_of(row)),
            key=keys[sort.removeprefix("-")],
            reverse=sort.startswith("-"),
        )
        rows = all_pages(world, owners=owners, sort=sort, limit=67, text=text)
        assert [row.id for row in rows] == [row.id for row in expected], (few, text, sort)


def _text_of(row: Annotation) -> str:
    return "\n".join([row.title, row.description, *row.tags]).casefold()


@PROPERTY
@given(st.lists(st.sampled_from("cdup"), min_size=5, max_size=25), st.integers(1, 4))
@pytest.mark.slow
def test_pages_visit_each_row_once_while_others_are_written(
    world: World, steps: list[str], limit: int
) -> None:
    """Rows that are there all the time and not touched come once, whatever is done to others."""
    world.brain = add_dataset(world.database, f"d{time.time_ns()}")
    point = {"kind": "point", "points": [[1, 2, 3]]}
    chance = random.Random(len(steps))
    kept = [world.create(point | {"title": chance.choice("abc")}) for _ in range(6)]
    others = [world.create(point | {"title": "b"}) for _ in range(4)]
    for sort in ("created", "-created", "title", "-title", "changed", "-changed"):
        seen, cursor = [], None
        todo = iter(steps)
        while True:
            page = world.page(sort=sort, limit=limit, cursor=cursor)
            seen += [row.id for row in page.rows]
            cursor = page.cursor
            if cursor is None:
                break
            step = next(todo, "")
            if step == "c":
                others.append(world.create(point | {"title": chance.choice("abc")}))
            elif others and step == "d":
                world.delete(others.pop())
            elif others and step == "u":
                others[0] = world.update(others[0], {"title": chance.choice("abcdef") + "x"})
        assert sorted(i for i in seen if i in {row.id for row in kept}) == sorted(
            row.id for row in kept
        )


@PROPERTY
@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30),
    st.data(),
)
def test_every_piece_of_a_text_finds_it(world: World, text: str, data: st.DataObject) -> None:
    row = world.create({"kind": "point", "points": [[1, 2, 3]], "description": text})
    first = data.draw(st.integers(0, len(text)))
    piece = text[first : data.draw(st.integers(first, len(text)))]
    world_sees = [found.id for found in world.page(text=piece, limit=1000).rows]
    assert row.id in world_sees or _composed_otherwise(text, piece)
    world.delete(row)


def _composed_otherwise(text: str, piece: str) -> bool:
    """Whether a piece is, once composed, no piece of the composed text (cut off an accent)."""
    from emqs.annotations.drafts import folded

    return folded(piece) not in folded(text)


def test_the_index_of_texts_follows_every_change(world: World) -> None:
    row = world.create({"kind": "point", "points": [[1, 2, 3]], "title": "mitochondrion"})
    row = world.update(row, {"title": "vesicle"})
    assert world.titles(text="mitoch") == []
    assert world.titles(text="vesic") == ["vesicle"]
    row = world.update(row, {"tags": ["mitochondria"]})
    assert world.titles(text="mitoch") == ["vesicle"]
    with world.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM annotation_history")
        connection.exec_driver_sql("DELETE FROM annotations")
    assert world.titles(text="vesic") == []
    if world.database.kind == "sqlite":
        with world.database.write() as connection:  # raises if the index and the rows differ
            connection.exec_driver_sql(
                "INSERT INTO annotation_texts(annotation_texts) VALUES ('integrity-check')"
            )


def test_many_owners_are_joined(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_OWNERS", 2)
    users = [add_user(world.database, f"user{number}") for number in range(5)]
    for number, user in zip(range(20), itertools.cycle(users), strict=False):
        world.create({"kind": "point", "points": [[1, 2, 3]], "title": f"{number:02}"}, user)
    rows = all_pages(world, owners=set(users), limit=3)
    assert [row.title for row in rows] == [f"{number:02}" for number in range(20)]
    rows = all_pages(world, owners=set(users), limit=3, sort="-title")
    assert [row.title for row in rows] == [f"{number:02}" for number in range(19, -1, -1)]
    assert all_pages(world, owners={world.ben}) == []


def test_counting_ends_at_most(world: World) -> None:
    world.batch([{"kind": "point", "points": [[1, 2, 3]]}] * 20)
    assert world.count(most=19) == (19, False)
    assert world.count(most=20) == (20, True)


def test_a_cursor_belongs_to_its_list(world: World) -> None:
    world.batch([{"kind": "point", "points": [[1, 2, 3]]}] * 5)
    cursor = world.page(limit=2).cursor
    for other in ({"sort": "title"}, {"text": "x"}, {"owners": {world.ben}}):
        with pytest.raises(DataError, match="cursor of another list"):
            world.page(cursor=cursor, **other)
    for wrong in ("", "x", "!!!", "bnVsbA", cursor[:-4], "W10", "WzEsMl0", "é", "[" * 999):
        with pytest.raises(DataError, match="cursor"):
            world.page(cursor=wrong)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sort": "colour"}, "sort must be one of created, changed, title, kind"),
        ({"limit": 0}, "limit must be from 1 to 1000, got 0"),
        ({"limit": 1001}, "got 1001"),
        ({"kinds": ("blob",)}, "kind must be one of point"),
        ({"atlas_states": ("maybe",)}, "atlas_state must be one of"),
        ({"start": (0, 0, 0)}, "both corners"),
        ({"start": (0, 0, float("nan")), "stop": (1, 1, 1)}, "not a number"),
        ({"text": "x" * 401}, "at most 400 characters"),
        ({"text": "\0"}, "U\\+0000"),
    ],
)
def test_what_cannot_be_asked(world: World, options: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        world.page(**options)


def test_no_owner_no_row(world: World) -> None:
    world.create({"kind": "point", "points": [[1, 2, 3]]})
    with world.database.read() as connection:
        nobody = Filter(owners=frozenset())
        assert listing.page(connection, world.brain, nobody).rows == ()
        assert listing.count(connection, world.brain, nobody) == (0, True)


def test_an_export_is_of_one_moment(world: World) -> None:
    world.batch([{"kind": "point", "points": [[1, 2, 3]]}] * 1005)
    with world.database.read() as connection:
        rows = listing.each(connection, world.brain, Filter(owners=frozenset({world.ada})))
        first = next(rows)
        world.create({"kind": "point", "points": [[1, 2, 3]], "title": "later"})
        assert len([first, *rows]) == 1005
