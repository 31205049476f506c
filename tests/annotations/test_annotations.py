import time

import pytest

pytest.importorskip("sqlalchemy", reason="the database needs: pip install 'emqs[serve]'")

import sqlalchemy as sa
from support.accounts_setup import add_dataset, add_group, add_layer
from support.worlds import World

from emqs.annotations import annotations, sharing
from emqs.annotations.changes import last_change
from emqs.annotations.schema import group_members
from emqs.errors import ConflictError, DataError, ForbiddenError, NotFoundError

POINT = {"kind": "point", "points": [[1.5, 2.25, 3]]}


def test_an_annotation_comes_back_as_it_was_given(world: World) -> None:
    fields = {
        "kind": "line",
        "points": [[1, 20, 3.5], [4, 2, 60]],
        "radius_nm": None,
        "title": "Ein Spalt; 'quoted' <b>é</b> \U0001f9e0",
        "description": "two\nlines\t\r\n",
        "tags": ["b", "a"],
        "properties": {"score": 0.25, "list": [1, None, True, {"x": "y"}]},
        "colour_class": "cleft",
        "layer_id": None,
    }
    before = time.time()
    made = world.create(fields)
    with world.database.read() as connection:
        found = annotations.get(connection, world.brain, made.id, owners=frozenset({world.ada}))
        by_number = annotations.by_number(
            connection, world.brain, made.number, owners=frozenset({world.ada})
        )
    assert found == made == by_number
    assert found.content() == fields
    assert (found.owner_id, found.revision, found.change) == (world.ada, 1, 1)
    assert before <= found.created <= time.time()
    assert found.as_json()["created"].endswith("+00:00")


def test_several_lie_at_one_place(world: World) -> None:
    made = [world.create(POINT | {"title": title}) for title in "abc"]
    assert world.titles() == ["a", "b", "c"]
    assert len({row.id for row in made}) == 3
    assert sorted(row.id for row in made) == [row.id for row in made]


def test_a_circle_is_a_sphere_with_its_radius_in_nm(world: World) -> None:
    made = world.create({"kind": "circle", "points": [[10, 100, 100]], "radius_nm": 80})
    assert (made.kind, made.radius_nm) == ("sphere", 80)
    # 80 nm are 2 slices of 40 nm and 20 pixels of 4 nm
    assert world.page(start=(11.9, 100, 100), stop=(13, 101, 101)).rows == (made,)
    assert world.page(start=(12.1, 100, 100), stop=(13, 101, 101)).rows == ()
    assert world.page(start=(10, 100, 119), stop=(11, 101, 121)).rows == (made,)
    assert world.page(start=(10, 100, 121), stop=(11, 101, 122)).rows == ()


def test_corners_of_a_box_may_be_given_in_any_order(world: World) -> None:
    made = world.create({"kind": "box", "points": [[5, 1, 9], [2, 4, 7]]})
    assert made.points == ((2, 1, 7), (5, 4, 9))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "blob"}, "kind must be one of point, line, sphere, box"),
        ({"kind": ["point"]}, "kind must be one of"),
        ({"kind": "line"}, "points of a line must be 2"),
        ({"points": [[1, 2]]}, "three finite numbers"),
        ({"points": [[1, 2, float("nan")]]}, "three finite numbers"),
        ({"points": [[1, 2, 1e12]]}, "three finite numbers"),
        ({"points": [[1, 2, "3"]]}, "three finite numbers"),
        ({"points": [[1, 2, True]]}, "three finite numbers"),
        ({"points": "nowhere"}, "three finite numbers"),
        ({"radius_nm": 5}, "Only a sphere has radius_nm"),
        ({"kind": "sphere"}, "A sphere needs radius_nm"),
        ({"kind": "sphere", "radius_nm": -1}, "A sphere needs radius_nm"),
        ({"kind": "box", "points": [[1, 1, 1], [2, 1, 2]]}, "larger than 0 along Z, Y and X"),
        ({"title": "x" * 401}, "title must have at most 400 characters, got 401"),
        ({"title": None}, "title must be a text, got NoneType"),
        ({"description": "a\0b"}, "not text"),
        ({"description": "a\ud800b"}, "not text"),
        ({"tags": "one"}, "tags must be a list"),
        ({"tags": ["a", " "]}, "A tag is empty"),
        ({"tags": [str(i) for i in range(51)]}, "at most 50"),
        ({"properties": [1]}, "properties must be a JSON object"),
        ({"properties": {"a": float("inf")}}, "without NaN and infinity"),
        ({"properties": {"a": "\0"}}, "not text"),
        ({"properties": {"a": "x" * 20_000}}, "properties must have at most"),
        ({"layer_id": "nothing"}, "is no layer of this dataset"),
        ({"titel": "x"}, "has no field 'titel'"),
    ],
)
def test_what_makes_no_sense_is_refused(world: World, change: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        world.create(POINT | change)
    assert world.page().rows == ()


def test_kind_and_points_are_needed(world: World) -> None:
    with pytest.raises(DataError, match="needs the field 'kind'"):
        world.create({"points": [[1, 2, 3]]})


def test_a_centre_outside_the_volume_is_refused(world: World) -> None:
    world.brain = add_dataset(world.database, "small", shape=[10, 20, 30])
    world.create(POINT | {"points": [[9.99, 0, 29]]})
    world.create({"kind": "box", "points": [[-5, -5, -5], [10, 10, 10]]})
    with pytest.raises(DataError, match=r"lies outside the volume of 10 x 20 x 30 voxels"):
        world.create(POINT | {"points": [[10, 0, 0]]})


def test_a_sphere_needs_a_voxel_size(world: World) -> None:
    world.brain = add_dataset(world.database, "sizeless", voxel_size_nm=None)
    with pytest.raises(DataError, match="has no voxel size"):
        world.create({"kind": "sphere", "points": [[1, 2, 3]], "radius_nm": 5})


def test_a_layer_must_be_one_that_the_user_sees(world: World) -> None:
    shared = add_layer(world.database, world.brain, "shared")
    of_ben = add_layer(world.database, world.brain, "mine", owner_id=world.ben)
    assert world.create(POINT | {"layer_id": shared}).layer_id == shared
    with pytest.raises(DataError, match="is no layer of this dataset"):
        world.create(POINT | {"layer_id": of_ben})


def test_only_what_is_given_is_changed(world: World) -> None:
    old = world.create(POINT | {"title": "a", "tags": ["t"], "properties": {"p": 1}})
    new = world.update(old, {"title": "b"})
    assert new.content() == old.content() | {"title": "b"}
    assert (new.revision, new.change, new.created) == (2, 2, old.created)
    assert world.update(new, {"title": "b"}) == new  # says nothing new


def test_a_kind_can_be_changed_with_its_points(world: World) -> None:
    sphere = world.create({"kind": "sphere", "points": [[1, 2, 3]], "radius_nm": 8})
    point = world.update(sphere, {"kind": "point"})
    assert (point.kind, point.radius_nm) == ("point", None)
    with pytest.raises(DataError, match="points of a line must be 2"):
        world.update(point, {"kind": "line"})


def test_who_has_not_seen_the_newest_revision_is_refused(world: World) -> None:
    old = world.create(POINT)
    world.update(old, {"title": "b"})
    for step in (lambda: world.update(old, {"title": "c"}), lambda: world.delete(old)):
        with pytest.raises(ConflictError, match="is at revision 2 and not 1"):
            step()
    assert world.titles() == ["b"]


def test_others_cannot_change_it(world: World) -> None:
    old = world.create(POINT)
    with pytest.raises(ForbiddenError, match="another user's"):
        world.update(old, {"title": "mine"}, user=world.ben)
    with world.database.read() as connection, pytest.raises(NotFoundError):
        annotations.get(connection, world.brain, old.id, owners=frozenset({world.ben}))


def test_an_id_of_another_dataset_is_not_found(world: World) -> None:
    old = world.create(POINT)
    world.brain = add_dataset(world.database, "other")
    with pytest.raises(NotFoundError, match="no annotation"):
        world.update(old, {"title": "x"})
    with pytest.raises(NotFoundError, match="no annotation"), world.database.read() as connection:
        annotations.by_number(connection, world.brain, 2**64 - 1, owners=frozenset({world.ada}))
    world.brain = "nothing"
    with pytest.raises(NotFoundError, match="no dataset nothing"):
        world.create(POINT)


def test_deleted_ones_are_listed_only_when_asked_for(world: World) -> None:
    kept, gone = world.create(POINT | {"title": "kept"}), world.create(POINT | {"title": "gone"})
    gone = world.delete(gone)
    assert world.titles() == ["kept"]
    assert world.titles(deleted=True) == ["gone"]
    assert world.titles(deleted=None) == ["kept", "gone"]
    with pytest.raises(ConflictError, match="is deleted; undo brings it back"):
        world.update(gone, {"title": "x"})
    back = world.undo(gone)
    assert back.content() == world.page(deleted=None).rows[1].content()
    assert world.titles() == ["kept", "gone"]
    assert kept.deleted is None


def test_undo_goes_back_step_by_step(world: World) -> None:
    row = world.create(POINT | {"title": "1", "tags": ["x"]})
    row = world.update(row, {"title": "2", "tags": ["y", "z"]})
    assert world.titles(tags=("x",)) == []
    assert world.titles(tags=("y", "z")) == ["2"]
    row = world.delete(row)
    seen = []
    for _ in range(2):
        row = world.undo(row)
        seen.append((row.title, row.tags, row.deleted))
    assert seen == [("2", ("y", "z"), None), ("1", ("x",), None)]
    with pytest.raises(ConflictError, match="no step to take back"):
        world.undo(row)
    assert world.titles(tags=("x",)) == ["1"]
    row = world.update(row, {"title": "3"})
    assert world.undo(row).title == "1"  # what was taken back before stays so


def test_history_says_who_did_what_and_when(world: World) -> None:
    row = world.create(POINT | {"title": "1"})
    row = world.undo(world.delete(world.update(row, {"title": "2"})))
    with world.database.read() as connection:
        steps = annotations.history(connection, row)
    assert [(s.number, s.action, s.user_id) for s in steps] == [
        (1, "created", world.ada),
        (2, "updated", world.ada),
        (3, "deleted", world.ada),
        (4, "undone", world.ada),
    ]
    assert [s.content["title"] for s in steps] == ["1", "2", "2", "2"]
    assert [s.content["deleted"] is None for s in steps] == [True, True, False, True]
    assert sorted(s.at for s in steps) == [s.at for s in steps]


def test_a_sandbox_is_seen_by_a_group_it_is_shared_with(world: World) -> None:
    def seen_by_ben() -> frozenset[str]:
        with world.database.read() as connection:
            return sharing.visible_owners(connection, world.brain, world.ben)

    group = add_group(world.database, "lab", world.ada, world.ben)
    foreign = add_group(world.database, "others", world.ben)
    with world.database.write() as connection:
        sharing.share(connection, world.brain, world.ada, group)
        sharing.share(connection, world.brain, world.ada, group)
        with pytest.raises(NotFoundError, match="you are a member of"):
            sharing.share(connection, world.brain, world.ada, foreign)
        assert sharing.shared_with(connection, world.brain, world.ada) == [group]
    assert seen_by_ben() == {world.ada, world.ben}
    with world.database.read() as connection:
        elsewhere = sharing.visible_owners(connection, "other", world.ben)
        assert sharing.visible_owners(connection, world.brain, world.ada) == {world.ada}
    assert elsewhere == {world.ben}
    with world.database.write() as connection:
        sharing.unshare(connection, world.brain, world.ada, group)
        with pytest.raises(NotFoundError, match="is not shared"):
            sharing.unshare(connection, world.brain, world.ada, group)
    assert seen_by_ben() == {world.ben}


def test_changes_are_counted(world: World) -> None:
    row = world.create(POINT)
    world.batch([POINT, POINT])
    world.update(row, {"title": "x"})
    with world.database.read() as connection:
        assert last_change(connection, world.brain) == 3
    changed = world.page(after_change=2, sort="changed").rows
    assert [(r.title, r.change) for r in changed] == [("x", 3)]


def test_who_left_a_group_shares_no_longer(world: World) -> None:
    group = add_group(world.database, "lab", world.ada, world.ben)
    with world.database.write() as connection:
        sharing.share(connection, world.brain, world.ada, group)
        connection.execute(sa.delete(group_members).where(group_members.c.user_id == world.ada))
        assert sharing.visible_owners(connection, world.brain, world.ben) == {world.ben}
