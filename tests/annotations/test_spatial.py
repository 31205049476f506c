import itertools
import json
import random
import struct
from types import SimpleNamespace

import pytest

pytest.importorskip("sqlalchemy", reason="the database needs: pip install 'emqs[serve]'")

from support.accounts_setup import add_dataset
from support.worlds import World

from emqs.annotations import atlas, ids, spatial
from emqs.annotations.drafts import thinning
from emqs.annotations.ids import new_id
from emqs.annotations.records import Annotation, Frame
from emqs.errors import DataError, NotFoundError

SHAPE = [60, 500, 700]
FLOATS = {"point": 3, "line": 6, "sphere": 6, "box": 6}


def view_of(world: World, kind: str, **options: object) -> spatial.View:
    frame = Frame((40.0, 4.0, 4.0), tuple(options.pop("shape", SHAPE)))
    options.setdefault("owners", frozenset({world.ada}))
    return spatial.View(world.brain, kind, frame=frame, **options)


def decoded(content: bytes, kind: str) -> dict[int, tuple]:
    """Read a cell by the description of the format, with struct: number -> floats, properties."""
    (count,) = struct.unpack_from("<Q", content)
    width = 4 * FLOATS[kind] + 4
    assert len(content) == 8 + count * (width + 8)
    numbers = struct.unpack_from(f"<{count}Q", content, 8 + count * width)
    records = [
        struct.unpack_from(f"<{FLOATS[kind]}f4B", content, 8 + i * width) for i in range(count)
    ]
    assert len(set(numbers)) == count
    return dict(zip(numbers, records, strict=True))


def all_cells(world: World, view: spatial.View) -> list[tuple[dict, tuple, dict[int, tuple]]]:
    """Every cell of every level that the info file speaks of."""
    with world.database.read() as connection:
        info = json.loads(json.dumps(spatial.view_info(connection, view)))
        cells = []
        for level in info["spatial"]:
            nx, ny, nz = level["grid_shape"]
            for x in range(nx):
                for y in range(ny):
                    for z in range(nz):
                        name = f"{x}_{y}_{z}"
                        content = spatial.cell(connection, view, level["key"], name)
                        cells.append((level, (x, y, z), decoded(content, view.kind)))
    return cells


@pytest.fixture
def crowd(world: World, monkeypatch: pytest.MonkeyPatch) -> list[Annotation]:
    monkeypatch.setattr(spatial, "IN_A_CELL", 10)
    world.brain = add_dataset(world.database, "cells", shape=SHAPE)
    chance = random.Random(3)

    def place() -> list[float]:
        return [chance.uniform(0, n) for n in SHAPE]

    rows = [
        {"kind": "point", "points": [place()], "colour_class": chance.choice("ab")}
        for _ in range(300)
    ]
    for _ in range(60):
        first = place()
        second = [
            min(n - 0.01, a + chance.uniform(1, 200)) for a, n in zip(first, SHAPE, strict=True)
        ]
        rows.append({"kind": "line", "points": [first, second]})
        rows.append({"kind": "box", "points": [first, second]})
        rows.append({"kind": "sphere", "points": [first], "radius_nm": chance.uniform(4, 400)})
    assert world.batch(rows).counts == {"created": 480}
    world.batch([{"kind": "point", "points": [[1, 1, 1]]}], world.ben)
    made = list(world.page(limit=1000).rows)
    world.delete(made.pop(7))
    return made


def test_every_point_lies_in_exactly_one_cell(world: World, crowd: list[Annotation]) -> None:
    points = {row.number: row for row in crowd if row.kind == "point"}
    cells = all_cells(world, view_of(world, "point", classes=("b",)))
    seen = [number for _, _, held in cells for number in held]
    assert sorted(seen) == sorted(points)
    assert len({level["key"] for level, _, _ in cells}) == 3
    for level, place, held in cells:
        for number, record in held.items():
            row = points[number]
            assert record[:3] == pytest.approx(row.points[0][::-1], abs=1e-4)
            assert record[3:] == ((1 if row.colour_class == "b" else 0), 0, 0, 0)
            assert [
                int(c // edge)
                for c, edge in zip(row.points[0][::-1], level["chunk_size"], strict=True)
            ] == list(place)


def seed_ids(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Let new ids follow from a number, not from chance and the time."""
    moments = itertools.count(1_700_000_000_000_000_000, 1_000_000)
    monkeypatch.setattr(ids, "_last", 0)
    monkeypatch.setattr(ids, "time", SimpleNamespace(time_ns=lambda: next(moments)))
    monkeypatch.setattr(ids, "secrets", SimpleNamespace(randbits=random.Random(seed).getrandbits))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "part"),
    [
        ((12, 512, 512), 1.0),
        ((300, 300, 300), 1.0),
        ((2, 3, 900), 1.0),
        ((12, 512, 512), 0.1),  # all in a corner
    ],
    ids=["flat", "cube", "thread", "cluster"],
)
def test_levels_hold_all_once_and_say_how_full_they_are(
    world: World, monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int, int], part: float
) -> None:
    monkeypatch.setattr(spatial, "IN_A_CELL", 20)
    world.brain = add_dataset(world.database, "cells", shape=list(shape))
    chance = random.Random(5)
    seed_ids(monkeypatch, 5)  # they say on which level an annotation lies
    rows = [
        {"kind": "point", "points": [[chance.uniform(0, part * n) for n in shape]]}
        for _ in range(900)
    ]
    assert world.batch(rows).counts == {"created": 900}
    cells = all_cells(world, view_of(world, "point", shape=shape))
    numbers = [number for _, _, held in cells for number in held]
    assert len(numbers) == len(set(numbers)) == 900
    by_key: dict[str, list[int]] = {}
    limits = {level["key"]: level["limit"] for level, _, _ in cells}
    for level, _, held in cells:
        by_key.setdefault(level["key"], []).append(len(held))
        assert all(
            edge <= length for edge, length in zip(level["chunk_size"], shape[::-1], strict=True)
        )
    assert {key: max(held) for key, held in by_key.items()} == limits
    for held in by_key.values():
        assert sum(held) / len(held) <= 20
    assert len(limits) == 3
    # of very many a sample says how full the cells are
    monkeypatch.setattr(spatial, "SAMPLED", 300)
    with world.database.read() as connection:
        levels = spatial.view_info(connection, view_of(world, "point", shape=shape))["spatial"]
    for level, limit in zip(levels, limits.values(), strict=True):
        assert limit / 3 < level["limit"] < 3 * limit


@pytest.mark.parametrize("kind", ["line", "box", "sphere"])
def test_large_ones_lie_on_one_level_in_every_cell_that_they_touch(
    world: World, crowd: list[Annotation], kind: str
) -> None:
    rows = {row.number: row for row in crowd if row.kind == kind}
    cells = all_cells(world, view_of(world, kind))
    levels: dict[int, set[str]] = {}
    for level, place, held in cells:
        edges = level["chunk_size"]
        for number in held:
            levels.setdefault(number, set()).add(level["key"])
        for number, row in rows.items():
            if level["key"] in levels.get(number, ()):
                assert (number in held) == _touches(row, place, edges)
    assert {number: len(keys) for number, keys in levels.items()} == dict.fromkeys(rows, 1)
    for _, _, held in cells:
        for number, record in held.items():
            row = rows[number]
            expected = [c for point in row.points for c in point[::-1]]
            if kind == "sphere":
                expected += [row.radius_nm / size for size in (4, 4, 40)]
            assert record[:6] == pytest.approx(expected, rel=1e-5)


def _touches(row: Annotation, place: tuple[int, int, int], edges: list[int]) -> bool:
    around = [row.radius_nm / size for size in (40, 4, 4)] if row.radius_nm else [0, 0, 0]
    for axis in range(3):
        values = [point[axis] for point in row.points]
        edge = edges[2 - axis]
        first = place[2 - axis] * edge
        if min(values) - around[axis] >= first + edge or max(values) + around[axis] < first:
            return False
    return True


def test_the_info_file_says_what_neuroglancer_needs(
    world: World, crowd: list[Annotation], monkeypatch: pytest.MonkeyPatch
) -> None:
    view = view_of(world, "sphere", classes=("x",))
    with world.database.read() as connection:
        info = spatial.view_info(connection, view)
        monkeypatch.setattr(spatial, "IN_A_CELL", 60)
        few = spatial.view_info(connection, view)
    assert info["@type"] == "neuroglancer_annotations_v1"
    assert info["dimensions"] == {"x": (4e-9, "m"), "y": (4e-9, "m"), "z": (4e-8, "m")}
    assert (info["lower_bound"], info["upper_bound"]) == ([0, 0, 0], [700, 500, 60])
    assert info["annotation_type"] == "ELLIPSOID"
    assert [level["chunk_size"] for level in few["spatial"]] == [[700, 500, 60]]
    for level in info["spatial"]:  # how many a level has is chance: ids say which
        edge = 1 << int(level["key"].rpartition("-")[2])
        assert level["chunk_size"] == [min(edge, 700), min(edge, 500), min(edge, 60)]
        covered = [n * e for n, e in zip(level["grid_shape"], level["chunk_size"], strict=True)]
        spare = zip(covered, level["chunk_size"], [700, 500, 60], strict=True)
        assert all(0 <= c - n < edge for c, edge, n in spare)
    assert info["properties"][0]["enum_labels"] == ["other", "x"]


def test_a_level_is_a_sample_and_never_changes() -> None:
    ids = [new_id() for _ in range(20_000)]
    levels = [spatial.level_of(name, 3) for name in ids]
    shares = [levels.count(level) / len(ids) for level in range(4)]
    assert shares == pytest.approx([8**-3, 7 / 8**3, 7 / 8**2, 7 / 8], abs=0.01)
    # one more level: those of the last one are parted, the others are where they were, one deeper
    for name, level in zip(ids, levels, strict=True):
        assert spatial.level_of(name, 4) in ({level + 1} if level else {0, 1})
    assert thinning("01k000000000000000000000000") == thinning("01k000000000000000000000000")


def test_one_by_its_number(world: World, crowd: list[Annotation]) -> None:
    view = view_of(world, "line")
    row = next(row for row in crowd if row.kind == "line")
    with world.database.read() as connection:
        content = spatial.by_id(connection, view, str(row.number))
        assert struct.unpack("<6f4B", content)[:3] == pytest.approx(row.points[0][::-1], rel=1e-5)
        point = next(row for row in crowd if row.kind == "point")
        for wrong in (str(point.number), "0", "x", str(2**64), "²", "-1"):
            with pytest.raises(NotFoundError, match="There is no line"):
                spatial.by_id(connection, view, wrong)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("spatial-1-2-8", "0_0_0"),
        ("spatial-9-0-8", "0_0_0"),
        ("spatial-0-0-11", "0_0_0"),
        ("spatial-1-1-8", "0_0_1"),
        ("spatial-1-1-8", "-1_0_0"),
        ("1-1-8", "0_0_0"),
        ("spatial-1-1", "0_0_0"),
        ("spatial-1-1-8", "0_0"),
        ("../x", "0_0_0"),
    ],
)
def test_cells_that_do_not_exist(world: World, key: str, name: str) -> None:
    with (
        world.database.read() as connection,
        pytest.raises(NotFoundError, match="There is no cell"),
    ):
        spatial.cell(connection, view_of(world, "point"), key, name)


def test_an_empty_view_has_one_empty_cell(world: World) -> None:
    cells = all_cells(world, view_of(world, "point"))
    assert [held for _, _, held in cells] == [{}]


def test_a_view_needs_shape_and_voxel_size(world: World) -> None:
    with pytest.raises(DataError, match="needs voxel_size_nm and shape"):
        spatial.View(world.brain, "point", frozenset(), Frame(None, (1, 1, 1)))
    with pytest.raises(DataError, match="kind must be one of"):
        view_of(world, "blob")


def test_the_atlas_shows_what_was_reviewed(world: World) -> None:
    row = world.create(
        {
            "kind": "point",
            "points": [[1, 2, 3]],
            "title": "t",
            "description": "d",
            "colour_class": "b",
        }
    )
    with world.database.write() as connection:
        entry = atlas.submit(connection, world.brain, world.ada, row.id, revision=1)
        atlas.review(connection, world.brain, world.ben, entry.id, "accepted", revision=1)
    world.update(row, {"points": [[50, 60, 70]]})
    view = view_of(world, "point", owners=frozenset(), classes=("b",))
    with world.database.read() as connection:
        content = spatial.atlas_cell(view, atlas.accepted(connection, world.brain))
        one = spatial.atlas_by_id(view, atlas.accepted(connection, world.brain), str(row.number))
        with pytest.raises(NotFoundError, match="in the atlas"):
            spatial.atlas_by_id(view, atlas.accepted(connection, world.brain), "99")
    assert decoded(content, "point") == {row.number: (3.0, 2.0, 1.0, 1, 0, 0, 0)}
    assert one == content[8:24]
    level = spatial.atlas_info(view, [entry])["spatial"][0]
    assert (level["key"], level["limit"], level["chunk_size"]) == ("atlas", 1, SHAPE[::-1])
