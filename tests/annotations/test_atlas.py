import pytest

pytest.importorskip("sqlalchemy", reason="the database needs: pip install 'emqs[serve]'")

from support.accounts_setup import add_dataset
from support.worlds import World

from emqs.annotations import atlas
from emqs.annotations.atlas import AtlasFilter, Entry, Viewer
from emqs.annotations.records import Annotation
from emqs.errors import ConflictError, DataError, ForbiddenError, NotFoundError

FIELDS = {"kind": "point", "points": [[1, 2, 3]], "title": "Spine", "description": "Large head"}


def submit(world: World, row: Annotation, user: str | None = None) -> Entry:
    with world.database.write() as connection:
        return atlas.submit(
            connection, world.brain, user or row.owner_id, row.id, revision=row.revision
        )


def review(world: World, entry: Entry, step: str, text: str = "why", **options: object) -> Entry:
    options.setdefault("revision", entry.revision)
    with world.database.write() as connection:
        return atlas.review(
            connection, world.brain, world.ben, entry.id, step, text=text, **options
        )


def withdraw(world: World, entry: Entry, user: str) -> Entry:
    with world.database.write() as connection:
        return atlas.withdraw(connection, world.brain, user, entry.id)


def viewer(world: World, user: str | None, reviews: bool = False) -> Viewer:
    datasets = frozenset({world.brain})
    return Viewer(user, datasets, datasets if reviews else frozenset())


def seen(world: World, who: Viewer, **where: object) -> list[str]:
    with world.database.read() as connection:
        entries, after = atlas.page(connection, who, AtlasFilter(**where))
    assert after is None
    return [entry.id for entry in entries]


def annotation_now(world: World) -> Annotation:
    return world.page(deleted=None).rows[0]


def test_only_accepted_entries_are_seen_by_all(world: World) -> None:
    row = world.create(FIELDS)
    entry = submit(world, row)
    stranger, nobody = viewer(world, "stranger"), viewer(world, None)
    assert seen(world, viewer(world, world.ada)) == [entry.id]
    assert seen(world, viewer(world, world.ben, reviews=True)) == [entry.id]
    assert seen(world, stranger) == seen(world, nobody) == []
    with world.database.read() as connection, pytest.raises(NotFoundError):
        atlas.get(connection, stranger, world.brain, entry.id)
    entry = review(world, entry, "accepted", "")
    assert (entry.state, entry.reviewer_id) == ("accepted", world.ben)
    assert seen(world, stranger) == seen(world, nobody) == [entry.id]
    assert seen(world, Viewer(None, frozenset())) == []
    assert annotation_now(world).atlas_state == "accepted"
    entry = review(world, entry, "rejected")
    assert seen(world, stranger) == []


def test_title_and_description_are_needed(world: World) -> None:
    for missing in ("title", "description"):
        row = world.create(FIELDS | {missing: " \n"})
        with pytest.raises(DataError, match=f"the {missing} is empty"):
            submit(world, row)


def test_only_own_seen_and_living_annotations_are_submitted(world: World) -> None:
    row = world.create(FIELDS)
    with pytest.raises(ForbiddenError, match="another user's"):
        submit(world, row, world.ben)
    newer = world.update(row, {"title": "x"})
    for stale in (row, world.delete(newer)):
        with pytest.raises(ConflictError, match="changed or deleted"):
            submit(world, stale)


def test_changes_are_asked_for_and_made(world: World) -> None:
    row = world.create(FIELDS)
    entry = review(world, submit(world, row), "changes_requested", "Which dendrite?")
    assert annotation_now(world).atlas_state == "changes_requested"
    row = world.update(annotation_now(world), {"description": "On dendrite 5"})
    again = submit(world, row)
    assert (again.id, again.state, again.revision) == (entry.id, "submitted", 3)
    assert again.content["description"] == "On dendrite 5"
    with world.database.write() as connection:
        atlas.comment(connection, viewer(world, world.ada), world.brain, entry.id, "Done.")
        lines = atlas.discussion(connection, again)
    assert [(line.user_id, line.action, line.text) for line in lines] == [
        (world.ada, "submitted", ""),
        (world.ben, "changes_requested", "Which dendrite?"),
        (world.ada, "submitted", ""),
        (world.ada, "comment", "Done."),
    ]


def test_a_later_edit_is_not_shown_before_it_is_accepted(world: World) -> None:
    row = world.create(FIELDS)
    first = review(world, submit(world, row), "accepted")
    row = world.update(annotation_now(world), {"title": "Spine!", "points": [[9, 9, 9]]})
    anyone = viewer(world, "anyone")
    with world.database.read() as connection:
        shown = atlas.get(connection, anyone, world.brain, first.id)
    assert (shown.content["title"], shown.content["points"]) == ("Spine", [[1.0, 2.0, 3.0]])
    second = submit(world, row)
    assert seen(world, anyone) == [first.id]
    review(world, second, "accepted")
    assert seen(world, anyone) == [second.id]
    assert seen(world, anyone, states=("superseded",)) == []
    assert seen(world, viewer(world, world.ada), states=("superseded",)) == [first.id]


def test_the_same_revision_is_not_submitted_twice(world: World) -> None:
    row = world.create(FIELDS)
    entry = submit(world, row)
    with pytest.raises(ConflictError, match="in the atlas or in review"):
        submit(world, row)
    review(world, entry, "rejected")
    assert submit(world, row).id != entry.id


def test_a_reviewer_decides_on_what_was_seen(world: World) -> None:
    row = world.create(FIELDS)
    entry = submit(world, row)
    submit(world, world.update(row, {"title": "other"}))
    with pytest.raises(ConflictError, match="at revision 2 and not 1"):
        review(world, entry, "accepted")
    with pytest.raises(DataError, match="Say why"):
        review(world, entry, "rejected", " ", revision=2)
    with pytest.raises(DataError, match="must be one of accepted, rejected"):
        review(world, entry, "withdrawn", revision=2)


def test_own_entries_are_withdrawn(world: World) -> None:
    entry = review(world, submit(world, world.create(FIELDS)), "accepted")
    with pytest.raises(ForbiddenError, match="another user's"):
        withdraw(world, entry, world.ben)
    assert withdraw(world, entry, world.ada).state == "withdrawn"
    assert seen(world, viewer(world, "anyone")) == []
    with pytest.raises(ConflictError, match="is withdrawn, and only what is"):
        withdraw(world, entry, world.ada)
    with pytest.raises(ConflictError, match="only what is submitted can become accepted"):
        review(world, entry, "accepted", revision=3)


def test_filters(world: World) -> None:
    texts = [("100% sure", "a_b"), ("Äpfel", "x"), ("[unbalanced", "( too")]
    rows = [
        world.create(FIELDS | {"title": t, "description": d, "tags": [t[:2], 'q"uote']})
        for t, d in texts
    ]
    a, b, c = (submit(world, row).id for row in rows)
    who = viewer(world, world.ada)
    assert seen(world, who) == [c, b, a]
    assert seen(world, who, text="äPFEL") == [b]
    assert seen(world, who, text="%") == [a]
    assert seen(world, who, text="_") == [a]
    assert seen(world, who, text="[") == [c]
    assert seen(world, who, tags=("Äp",)) == [b]
    assert seen(world, who, tags=('q"uote',)) == [c, b, a]
    assert seen(world, who, tags=("Äp", 'q"uote')) == [b]
    assert seen(world, who, tags=("q",)) == []
    assert seen(world, who, owner_id=world.ben) == []
    assert seen(world, who, states=("accepted",)) == []
    assert seen(world, who, dataset_id="other") == []
    with pytest.raises(DataError, match="state must be one of"):
        AtlasFilter(states=("maybe",))


def test_pages(world: World) -> None:
    ids = [submit(world, world.create(FIELDS)).id for _ in range(7)]
    got, after = [], None
    with world.database.read() as connection:
        while True:
            entries, after = atlas.page(
                connection, viewer(world, world.ada), AtlasFilter(), limit=3, after=after
            )
            got += [entry.id for entry in entries]
            if after is None:
                break
        with pytest.raises(DataError, match="limit"):
            atlas.page(connection, viewer(world, None), AtlasFilter(), limit=0)
    assert got == ids[::-1]


def test_comments_of_those_who_see_it(world: World) -> None:
    entry = submit(world, world.create(FIELDS))
    with world.database.write() as connection:
        with pytest.raises(NotFoundError):
            atlas.comment(connection, viewer(world, "x"), world.brain, entry.id, "hi")
        with pytest.raises(DataError, match="needs a text"):
            atlas.comment(connection, viewer(world, world.ada), world.brain, entry.id, " ")
    review(world, entry, "accepted")
    with world.database.write() as connection, pytest.raises(ForbiddenError, match="Sign in"):
        atlas.comment(connection, viewer(world, None), world.brain, entry.id, "hi")


def test_an_entry_is_of_one_dataset(world: World) -> None:
    entry = submit(world, world.create(FIELDS))
    world.brain = add_dataset(world.database, "other")
    with pytest.raises(NotFoundError, match="no atlas entry"):
        review(world, entry, "accepted")
