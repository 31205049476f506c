import csv
import io
import json
import random
from urllib.parse import quote

import pytest

pytest.importorskip("sqlalchemy", reason="the database needs: pip install 'emqs[serve]'")

from hypothesis import given
from hypothesis import strategies as st
from support.worlds import World

from emqs import files
from emqs.annotations import foreign, listing, tables
from emqs.annotations.filters import Filter
from emqs.annotations.records import Annotation, Frame
from emqs.errors import DataError

FRAME = Frame((40.0, 4.0, 4.0), None)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
NASTY = [
    "=1+1",
    "+x",
    "-5",
    "@sum",
    "\tx",
    "\r\n=1",
    "'=x",
    "''",
    "'",
    'a,b;c"d"',
    " ",
    "\n",
    "ä\u2028",
]


@given(TEXTS | st.sampled_from(NASTY))
def test_no_text_is_a_formula_and_none_is_lost(text: str) -> None:
    written = files.neutral(text)
    assert not written.startswith(tuple("=+-@\t\r\n"))
    assert files.plain(written) == text


def some_annotations(world: World) -> list[Annotation]:
    chance = random.Random(4)
    rows = []
    for number in range(60):
        kind = ["point", "line", "sphere", "box"][number % 4]
        places = [[chance.uniform(-9, 900) for _ in range(3)] for _ in range(2)]
        rows.append(
            {
                "kind": kind,
                "points": places if kind in ("line", "box") else places[:1],
                "radius_nm": chance.uniform(1, 99) if kind == "sphere" else None,
                "title": chance.choice(NASTY),
                "description": chance.choice(NASTY),
                "tags": chance.sample(["a", "b;c", "[d", "'=e", "f g", "é"], chance.randrange(4)),
                "properties": chance.choice([{}, {"=x": "-y", "n": [1, None, 0.1]}]),
                "colour_class": chance.choice(["", "=c"]),
            }
        )
    assert world.batch(rows).counts == {"created": 60}
    return list(world.page(limit=1000).rows)


def written(world: World, format: str, frame: Frame = FRAME, **where: object) -> str:
    chosen = Filter(owners=frozenset({world.ada}), **where)
    with world.database.read() as connection:
        rows = listing.each(connection, world.brain, chosen)
        return "".join(tables.write(rows, frame, format=format, name="brain", where=chosen))


def bring(
    world: World, file: bytes | str, user: str | None = None, **options: object
) -> tables.BatchReport:
    file = file.encode() if isinstance(file, str) else file
    contents = tables.read(
        file, FRAME, **{k: options.pop(k) for k in list(options) if k in ("format", "as_new")}
    )
    with world.database.write() as connection:
        return tables.bring_in(connection, world.brain, user or world.ada, contents, **options)


@pytest.mark.parametrize("format", ["csv", "json"])
def test_our_files_lose_nothing(world: World, format: str) -> None:
    rows = some_annotations(world)
    text = written(world, format)
    assert bring(world, text).counts == {"unchanged": 60}
    assert bring(world, text, world.ben).counts == {"failed": 60}  # they are ada's
    copied = bring(world, text, world.ben, as_new=True)
    assert copied.counts == {"created": 60}
    copies = world.page({world.ben}, limit=1000).rows
    assert [row.content() for row in copies] == [row.content() for row in rows]
    again = bring(world, text, world.ben, as_new=True)
    assert again.counts == {"existing": 60}


def test_csv_is_read_by_any_program(world: World) -> None:
    rows = some_annotations(world)
    table = list(csv.DictReader(io.StringIO(written(world, "csv"), newline="")))
    assert [row["id"] for row in table] == [row.id for row in rows]
    assert [float(row["z"]) for row in table] == [row.points[0][0] for row in rows]
    for line in table:
        for name in ("title", "description", "tags", "properties", "colour_class"):
            assert not line[name].startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_a_changed_csv_changes_what_it_gives(world: World) -> None:
    row = world.create(
        {"kind": "point", "points": [[1, 2, 3]], "title": "a", "description": "kept"}
    )
    text = f"id,revision,title\n{row.id},1,b\n,,\n"
    preview = bring(world, text, dry_run=True)
    assert preview.counts == {"updated": 1}
    assert world.titles() == ["a"]
    assert bring(world, text).counts == {"updated": 1}
    now = world.page().rows[0]
    assert (now.title, now.description, now.revision) == ("b", "kept", 2)
    assert "at revision 2 and not 1" in bring(world, text).rows[0].error


def test_a_csv_with_semicolons_and_a_mark_of_byte_order(world: World) -> None:
    text = "\ufeffkind;z;y;x;tags\ncircle;1;2;3,5;a\npoint;1;2;3.5;a, b;\n"
    report = bring(world, text)
    assert [row.status for row in report.rows] == ["failed", "failed"]
    report = bring(world, "\ufeffkind;z;y;x;tags\npoint;1;2;3.5;a, b\n")
    assert report.counts == {"created": 1}
    assert world.page().rows[0].tags == ("a, b",)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (b"\xff\xfe", "no UTF-8 text"),
        ("", "is empty"),
        ("kind,colour\n", "column 'colour'"),
        ("kind,kind\n", "names a column twice"),
        ('kind,z\n"point,1\n', "cannot be read"),
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("{}", "no layer with local annotations"),
        ('{"layers": 5}', "no layer with local annotations"),
        ('{"format": "emqs-annotations", "version": 2, "annotations": []}', "version 2"),
        ("https://ng.example/#!https://host/state.json", "holds no state"),
        ("https://ng.example/#!%7Bx", "no JSON"),
    ],
)
def test_files_that_are_none(file: bytes | str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        tables.read(file.encode() if isinstance(file, str) else file, FRAME)


def test_a_file_of_another_format_is_refused() -> None:
    with pytest.raises(DataError, match="looks like csv, not like napari"):
        tables.read(b"kind,z,y,x\n", FRAME, format="napari")
    with pytest.raises(DataError, match="format must be one of"):
        tables.read(b"kind,z,y,x\n", FRAME, format="xml")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("point,1,2", "has 3 cells"),
        ("point,one,2,3,{}", "column z must hold a number, got 'one'"),
        ("point,1,2,3,{", "properties must hold JSON"),
        ("point,1,,3,{}", "column y must hold a number"),
        ("point,nan,1,3,{}", "three finite numbers"),
        (",1,1,3,{}", "needs the field 'kind'"),
    ],
)
def test_a_bad_line_is_reported_and_the_others_are_read(
    world: World, line: str, message: str
) -> None:
    text = f"kind,z,y,x,properties\npoint,1,2,3,\n{line}\npoint,4,5,6,{{}}\n"
    report = bring(world, text)
    assert [row.status for row in report.rows] == ["created", "failed", "created"]
    assert message in report.rows[1].error
    assert world.count() == (2, True)


def test_all_or_nothing_of_a_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables.batches, "MOST_ROWS", 2)
    good = "".join(f"point,{number},1,1\n" for number in range(7))
    report = bring(world, f"kind,z,y,x\n{good}blob,1,1,1\n", all_or_nothing=True)
    assert report.counts == {"not_written": 7, "failed": 1}
    assert world.count() == (0, True)
    assert bring(world, f"kind,z,y,x\n{good}", all_or_nothing=True).counts == {"created": 7}


def test_equal_lines_are_different_annotations(world: World) -> None:
    text = "kind,z,y,x\n" + "point,1,2,3\n" * 3
    assert bring(world, text).counts == {"created": 3}
    assert bring(world, text + "point,1,2,3\n").counts == {"existing": 3, "created": 1}


AXES = {"x": [8e-9, "m"], "y": [8e-9, "m"], "z": [40e-9, "m"]}
LOCAL = [
    {"type": "point", "id": "p", "point": [10, 20, 30.5], "description": "first\nrest\nof it"},
    {"type": "line", "id": "l", "pointA": [1, 2, 3], "pointB": [4, 5, 6]},
    {"type": "ellipsoid", "id": "e", "center": [1, 2, 3], "radii": [50, 50, 10]},
    {"type": "axis_aligned_bounding_box", "id": "b", "pointA": [1, 2, 3], "pointB": [4, 5, 6]},
    {"type": "ellipsoid", "id": "no sphere", "center": [1, 2, 3], "radii": [50, 50, 50]},
    {"type": "polyline", "id": "unknown", "points": []},
    {"type": "point", "id": "short", "point": [1, 2]},
    "nonsense",
]


def state(axes: dict) -> dict:
    source = {"url": "local://annotations", "transform": {"outputDimensions": axes}}
    return {
        "layers": [
            {"type": "image", "source": "precomputed://x", "name": "em"},
            {"type": "annotation", "name": "a", "source": source, "annotations": LOCAL},
        ]
    }


def test_annotations_of_neuroglancer(world: World) -> None:
    axes = {"z": [40, "nm"], "y": [8e-9, "m"], "x": [8e-9, "m"]}
    for chosen, swapped in ((AXES, False), (axes, True)):
        contents = tables.read(json.dumps(state(chosen)).encode(), FRAME)
        assert contents.format == "neuroglancer"
        point, line, sphere, box, *bad = contents.rows
        place = [10.0, 40.0, 61.0] if swapped else [30.5, 40.0, 20.0]  # z, y, x in voxels of 4 nm
        assert point == {
            "kind": "point",
            "points": [place],
            "title": "first",
            "description": "rest\nof it",
            "client_key": "neuroglancer:p",
        }
        assert (line["kind"], box["kind"]) == ("line", "box")
        assert all(isinstance(row, tables.BadRow) for row in bad)
        if not swapped:
            assert sphere["radius_nm"] == pytest.approx(400)
            assert line["points"] == [[3, 4, 2], [6, 10, 8]]
    link = "https://neuroglancer-demo.appspot.com/#!" + quote(json.dumps(state(AXES)))
    assert tables.read(link.encode(), FRAME) == tables.read(json.dumps(state(AXES)).encode(), FRAME)
    report = bring(world, link)
    assert report.counts == {"created": 4, "failed": 4}
    assert "is no sphere" in report.rows[4].error
    assert "polyline" in report.rows[5].error
    assert bring(world, link).counts == {"existing": 4, "failed": 4}


def test_lists_of_neuroglancer_without_axes_are_voxels() -> None:
    contents = tables.read(json.dumps(LOCAL[:2]).encode(), Frame())
    assert contents.rows[0]["points"] == [[30.5, 20, 10]]
    bad = tables.read(json.dumps(state(AXES)).encode(), Frame()).rows[0]
    assert "the dataset has none" in bad.reason
    wrong = {"x": [8e-9, "s"], "y": [8e-9, "m"], "z": [40e-9, "m"]}
    assert (
        "must be x, y and z" in tables.read(json.dumps(state(wrong)).encode(), FRAME).rows[0].reason
    )


def test_neuroglancer_reads_what_is_written(world: World) -> None:
    world.batch(
        [
            {"kind": "point", "points": [[1.5, 2, 3]], "title": "t", "description": "d"},
            {"kind": "sphere", "points": [[1, 2, 3]], "radius_nm": 80},
            {"kind": "box", "points": [[1, 2, 3], [4, 5, 6]]},
        ]
    )
    layer = json.loads(written(world, "neuroglancer"))
    assert layer["source"]["transform"]["outputDimensions"]["z"] == [4e-8, "m"]
    point, sphere, box = layer["annotations"]
    assert (point["type"], point["point"], point["description"]) == ("point", [3, 2, 1.5], "t\nd")
    assert (sphere["type"], sphere["center"], sphere["radii"]) == (
        "ellipsoid",
        [3, 2, 1],
        [20, 20, 2],
    )
    assert (box["pointA"], box["pointB"]) == ([3, 2, 1], [6, 5, 4])
    assert bring(world, json.dumps(layer), world.ben).counts == {"created": 3}
    kept = ("kind", "points", "radius_nm", "title", "description")
    mine, theirs = (
        [{name: row.content()[name] for name in kept} for row in world.page({user}).rows]
        for user in (world.ada, world.ben)
    )
    assert theirs == mine
    link = foreign.neuroglancer_link("https://ng.example/", {"layers": [layer]})
    assert len(tables.read(link.encode(), FRAME).rows) == 3
    with pytest.raises(DataError, match="needs a voxel size"):
        written(world, "neuroglancer", Frame())


def test_bookmarks_of_dvid(world: World) -> None:
    bookmarks = [
        {
            "Pos": [10, 20, 30],
            "Kind": "Note",
            "Tags": ["user:ada"],
            "Prop": {"comment": "merge?\nsee left", "body ID": "123", "checked": "0"},
        },
        {"location": [1, 2, 3], "body ID": 7, "text": "old"},
        {"Pos": [1, 2]},
    ]
    for file in (bookmarks, {"metadata": {}, "data": bookmarks}):
        contents = tables.read(json.dumps(file).encode(), FRAME)
        assert contents.format == "dvid"
        first, second, third = contents.rows
        assert first["points"] == [[30.5, 20.5, 10.5]]
        assert (first["title"], first["description"]) == ("merge?", "see left")
        assert first["properties"] == {"body ID": "123", "checked": "0", "Kind": "Note"}
        assert second["properties"] == {"body ID": 7}
        assert isinstance(third, tables.BadRow)
    bring(world, json.dumps(bookmarks))
    back = json.loads(written(world, "dvid", kinds=("point",)))
    assert back[0] == bookmarks[0]
    assert (back[1]["Pos"], back[1]["Prop"]) == ([1, 2, 3], {"body ID": 7, "comment": "old"})


def test_points_of_napari(world: World) -> None:
    text = "index,axis-0,axis-1,axis-2,label\n0.0,30.0,20.0,10.5,'=x\n1.0,a,2,3,\n"
    report = bring(world, text)
    assert report.counts == {"created": 1, "failed": 1}
    row = world.page().rows[0]
    assert (row.points, dict(row.properties)) == (((30.5, 20.5, 11.0),), {"label": "=x"})
    lines = list(csv.reader(io.StringIO(written(world, "napari", kinds=("point",)))))
    assert lines == [
        ["index", "axis-0", "axis-1", "axis-2", "title"],
        ["0.0", "30.0", "20.0", "10.5", ""],
    ]


@pytest.mark.parametrize("format", ["dvid", "napari"])
def test_formats_of_points_leave_nothing_out_silently(world: World, format: str) -> None:
    with pytest.raises(DataError, match="holds points only"):
        written(world, format)
    with pytest.raises(DataError, match="format must be one of"):
        written(world, "xml")


def test_an_export_holds_the_filtered_rows(world: World) -> None:
    world.batch([{"kind": "point", "points": [[1, 2, 3]], "title": t} for t in ("a", "b", "ab")])
    shown = json.loads(written(world, "json", text="b"))
    assert [row["title"] for row in shown["annotations"]] == ["b", "ab"]
    assert (shown["dataset"], shown["voxel_size_nm"]) == ("brain", [40.0, 4.0, 4.0])
    assert json.loads(written(world, "json", text="zzz"))["annotations"] == []
