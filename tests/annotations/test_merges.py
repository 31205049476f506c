import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emqs.annotations.segments import LARGEST, Groups, checked_segment, remap
from emqs.errors import ConflictError, DataError, ForbiddenError, NotFoundError

pytest.importorskip("sqlalchemy", reason="the database needs: pip install 'emqs[serve]'")

from support.accounts_setup import add_layer
from support.worlds import World

from emqs.annotations import applying, merges, pull_requests
from emqs.annotations.merges import Sandbox
from emqs.annotations.pull_requests import PullRequest

IDS = st.integers(1, 12)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["merge", "split"]), st.lists(IDS, min_size=1, max_size=4, unique=True)
    ),
    max_size=15,
)


def components(edges: list[tuple[int, int]]) -> set[frozenset[int]]:
    """Connected components by flooding a graph, nothing clever."""
    near: dict[int, set[int]] = {}
    for a, b in edges:
        near.setdefault(a, {a}).add(b)
        near.setdefault(b, {b}).add(a)
    found = set()
    for start in near:
        part, todo = {start}, [start]
        while todo:
            for other in near[todo.pop()] - part:
                part.add(other)
                todo.append(other)
        found.add(frozenset(part))
    return {part for part in found if len(part) > 1}


@given(STEPS)
def test_groups_are_connected_components(steps: list[tuple[str, list[int]]]) -> None:
    groups = Groups()
    edges: list[tuple[int, int]] = []
    for action, segments in steps:
        before = {frozenset(group) for group in groups.groups()}
        if action == "merge":
            groups.merge(segments)
            edges += [(segments[0], other) for other in segments[1:]]
        else:
            groups.split(segments)
            # one by itself leaves; the others of its group stay together
            edges = [
                (min(rest), other)
                for group in before
                for rest in [group - set(segments)]
                for other in rest
            ]
        now = groups.groups()
        assert {frozenset(group) for group in now} == components(edges)
        assert all(len(set(group)) == len(group) for group in now)
    table = groups.table()
    assert set(table) == {member for group in groups.groups() for member in group}
    for segment, name in table.items():
        assert table[name] == name
        assert any({segment, name} <= part for part in components(edges))


def test_a_merge_is_named_as_its_first_segment_is() -> None:
    groups = Groups()
    groups.merge([5, 2])
    groups.merge([9, 5])
    assert groups.groups() == [[9, 5, 2]]
    groups.merge([2, 7])  # 2 is in the group of 9
    assert groups.table() == {9: 9, 5: 9, 2: 9, 7: 9}
    groups.split([9])
    assert groups.groups() == [[5, 2, 7]]
    assert groups.touched([2, 1]) == {1, 2, 5, 7}
    groups.split([5, 7])
    assert groups.groups() == []


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64", "int32", "int64"])
def test_remap_is_a_look_up_of_each_label(dtype: str) -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 120, (5, 6, 7)).astype(dtype)
    table = {3: 100, 4: 100, 100: 100, 7: 8, 120: 1, 2**40: 2**40, LARGEST: 5}
    expected = np.array([table.get(int(v), int(v)) for v in labels.ravel()]).reshape(labels.shape)
    before = labels.copy()
    changed = remap(labels, table)
    assert changed.dtype == labels.dtype
    assert np.array_equal(changed, expected)
    assert np.array_equal(labels, before)
    assert np.array_equal(remap(labels, {}), labels)
    assert remap(labels[:0], table).shape == (0, 6, 7)


def test_remap_of_the_largest_ids() -> None:
    labels = np.array([LARGEST, LARGEST - 1, 0, 2**63], dtype=np.uint64)
    assert remap(labels, {LARGEST: 2**63, LARGEST - 1: 2**63}).tolist() == [2**63, 2**63, 0, 2**63]
    with pytest.raises(DataError, match="becomes 300, which uint8 does not hold"):
        remap(np.array([1], dtype=np.uint8), {1: 300})
    with pytest.raises(DataError, match="whole numbers, got float32"):
        remap(np.zeros(2, dtype=np.float32), {1: 2})


@pytest.mark.parametrize(
    "value", [0, -1, 2**64, "x", "", "²", "1.0", 1.0, True, None, "-3", "0" * 21]
)
def test_what_is_no_segment(value: object) -> None:
    with pytest.raises(DataError, match="A segment is a whole number"):
        checked_segment(value)


@pytest.fixture
def layer(world: World) -> str:
    return add_layer(world.database, world.brain, "cells")


def step(world: World, layer: str, action: str, *segments: object, **options: object) -> Sandbox:
    options.setdefault("base_version", "1")
    user = options.pop("user", world.ada)
    with world.database.write() as connection:
        return getattr(merges, action)(connection, world.brain, layer, user, segments, **options)


def back(world: World, layer: str, action: str, **options: object) -> Sandbox:
    with world.database.write() as connection:
        return getattr(merges, action)(connection, world.brain, layer, world.ada, **options)


def set_version(world: World, layer: str, version: str) -> None:
    import sqlalchemy as sa

    from emqs.annotations.schema import layers

    with world.database.write() as connection:
        connection.execute(sa.update(layers).where(layers.c.id == layer).values(version=version))


def test_merges_are_private_and_taken_back(world: World, layer: str) -> None:
    step(world, layer, "merge", 1, "2")
    assert step(world, layer, "merge", 3, LARGEST).equivalences == [["1", "2"], ["3", str(LARGEST)]]
    with world.database.read() as connection:
        assert merges.sandbox(connection, world.brain, layer, world.ben).equivalences == []
    assert step(world, layer, "merge", 2, 3).equivalences == [["1", "2", "3", str(LARGEST)]]
    assert step(world, layer, "split", 2).equivalences == [["1", "3", str(LARGEST)]]
    assert back(world, layer, "undo").equivalences == [["1", "2", "3", str(LARGEST)]]
    assert back(world, layer, "undo").equivalences == [["1", "2"], ["3", str(LARGEST)]]
    assert back(world, layer, "redo").equivalences == [["1", "2", "3", str(LARGEST)]]
    now = step(world, layer, "merge", 8, 9)
    assert len(now.steps) == 5
    with pytest.raises(ConflictError, match="no merge to do again"):
        back(world, layer, "redo")
    for _ in range(4):
        now = back(world, layer, "undo")
    assert now.equivalences == []
    with pytest.raises(ConflictError, match="no merge to take back"):
        back(world, layer, "undo")
    assert back(world, layer, "redo").equivalences == [["1", "2"]]
    assert back(world, layer, "clear").steps == ()


def test_undo_and_redo_are_a_stack(world: World, layer: str) -> None:
    """Any walk of undo, redo and new steps ends where a list with a cursor ends."""
    chance = random.Random(1)
    kept: list[tuple[int, int]] = []
    at = 0
    for _ in range(60):
        action = chance.choice(["new", "new", "undo", "redo"])
        if action == "new":
            pair = tuple(chance.sample(range(1, 30), 2))
            kept = [*kept[:at], pair]
            at += 1
            now = step(world, layer, "merge", *pair)
        elif action == "undo" and at > 0:
            at -= 1
            now = back(world, layer, "undo")
        elif action == "redo" and at < len(kept):
            at += 1
            now = back(world, layer, "redo")
        else:
            continue
        assert [one.segments for one in now.active] == kept[:at]


@pytest.mark.parametrize(
    ("segments", "message"),
    [
        ([1], "two or more different"),
        ([1, 1], "two or more different"),
        ([0, 1], "A segment is"),
        ([1, "x"], "A segment is"),
        (range(1, 10_002), "at most 10000 segments"),
    ],
)
def test_what_is_no_merge(world: World, layer: str, segments: list, message: str) -> None:
    with pytest.raises(DataError, match=message):
        step(world, layer, "merge", *segments)


def test_splits_of_nothing(world: World, layer: str) -> None:
    with pytest.raises(ConflictError, match="None of these segments is merged"):
        step(world, layer, "split", 1)
    with pytest.raises(DataError, match="at least one"):
        step(world, layer, "split")


def test_the_segmentation_must_be_seen(world: World) -> None:
    image = add_layer(world.database, world.brain, "image", kind="image")
    of_ben = add_layer(world.database, world.brain, "mine", owner_id=world.ben)
    for wrong in (image, of_ben, "nothing"):
        with pytest.raises(NotFoundError, match="no segmentation"):
            step(world, wrong, "merge", 1, 2)
    assert step(world, of_ben, "merge", 1, 2, user=world.ben).equivalences == [["1", "2"]]


def test_a_moved_segmentation_is_noticed(world: World, layer: str) -> None:
    step(world, layer, "merge", 1, 2)
    with pytest.raises(ConflictError, match="at version 1 and not 0"):
        step(world, layer, "merge", 3, 4, base_version="0")
    set_version(world, layer, "2")
    now = step(world, layer, "merge", 3, 4, base_version="2")
    assert [one.segments for one in now.outdated] == [(1, 2)]
    with pytest.raises(ConflictError, match="1 of your merges were made over version 1"):
        open_request(world, layer)
    with pytest.raises(ConflictError, match="at version 2 and not 1"):
        back(world, layer, "confirm_base", base_version="1")
    assert back(world, layer, "confirm_base", base_version="2").outdated == ()
    assert open_request(world, layer).base_version == "2"


def open_request(
    world: World, layer: str, user: str | None = None, title: str = "t"
) -> PullRequest:
    with world.database.write() as connection:
        return pull_requests.open_request(
            connection, world.brain, layer, user or world.ada, title=title, description="because"
        )


def review(world: World, request: PullRequest, step: str, **options: object) -> PullRequest:
    options.setdefault("revision", request.revision)
    options.setdefault("text", "why")
    with world.database.write() as connection:
        return pull_requests.review(connection, world.brain, world.ben, request.id, step, **options)


def table(world: World, layer: str) -> tuple[str, dict[int, int], list[str]]:
    with world.database.read() as connection:
        return applying.equivalence_table(connection, world.brain, layer)


def apply(world: World, layer: str, new_version: str) -> None:
    version, _, ids = table(world, layer)
    with world.database.write() as connection:
        applying.mark_applied(
            connection,
            world.brain,
            layer,
            world.ben,
            ids,
            base_version=version,
            new_version=new_version,
            source=f"cells-{new_version}.zarr",
        )


def test_nothing_changes_before_a_review(world: World, layer: str) -> None:
    step(world, layer, "merge", 1, 2, 3)
    request = open_request(world, layer)
    assert table(world, layer) == ("1", {}, [])
    request = review(world, request, "accepted", text="")
    assert (request.state, request.author_id, request.reviewer_id) == (
        "accepted",
        world.ada,
        world.ben,
    )
    assert table(world, layer) == ("1", {1: 1, 2: 1, 3: 1}, [request.id])
    labels = np.array([[0, 1, 2], [3, 4, 3]], dtype=np.uint64)
    assert remap(labels, table(world, layer)[1]).tolist() == [[0, 1, 1], [1, 4, 1]]
    apply(world, layer, "2")
    assert table(world, layer) == ("2", {}, [])
    with world.database.read() as connection:
        done = pull_requests.get(connection, world.brain, request.id)
        lines = pull_requests.discussion(connection, done)
        outdated = merges.sandbox(connection, world.brain, layer, world.ada).outdated
        source = merges.segmentation(connection, world.brain, layer, world.ada).source
    assert (done.state, done.applied_version) == ("applied", "2")
    assert source == "cells-2.zarr"
    assert [(line.user_id, line.action) for line in lines] == [
        (world.ada, "open"),
        (world.ben, "accepted"),
        (world.ben, "applied"),
    ]
    assert len(outdated) == 1


def test_two_requests_that_touch_a_segment_conflict(world: World, layer: str) -> None:
    step(world, layer, "merge", 1, 2)
    mine = open_request(world, layer)
    step(world, layer, "merge", 2, 3, user=world.ben)
    bens = open_request(world, layer, world.ben)
    step(world, layer, "merge", 7, 8)
    back(world, layer, "clear")
    step(world, layer, "merge", 7, 8)
    apart = open_request(world, layer)
    review(world, mine, "accepted")
    review(world, apart, "accepted")
    with pytest.raises(
        ConflictError, match=f"pull request {mine.id}, accepted, has merged segment 2"
    ):
        review(world, bens, "accepted")
    assert table(world, layer)[1] == {1: 1, 2: 1, 7: 7, 8: 7}
    apply(world, layer, "2")
    with pytest.raises(
        ConflictError, match=f"pull request {mine.id}, applied, has merged segment 2"
    ):
        review(world, bens, "accepted")


def test_a_request_survives_an_unrelated_new_version(world: World, layer: str) -> None:
    step(world, layer, "merge", 1, 2)
    first = open_request(world, layer)
    step(world, layer, "merge", 5, 6, user=world.ben)
    second = open_request(world, layer, world.ben)
    review(world, first, "accepted")
    apply(world, layer, "2")
    review(world, second, "accepted")
    assert table(world, layer) == ("2", {5: 5, 6: 5}, [second.id])
    apply(world, layer, "3")
    assert table(world, layer) == ("3", {}, [])


def test_a_request_over_a_replaced_segmentation_conflicts(world: World, layer: str) -> None:
    step(world, layer, "merge", 1, 2)
    request = open_request(world, layer)
    accepted = review(world, request, "accepted")
    set_version(world, layer, "new")
    with pytest.raises(
        ConflictError, match="cannot be applied: the segmentation is at version new"
    ):
        table(world, layer)
    asked = review(world, accepted, "changes_requested")
    back(world, layer, "confirm_base", base_version="new")
    with world.database.write() as connection:
        renewed = pull_requests.renew(connection, world.brain, world.ada, asked.id, text="looked")
    assert (renewed.state, renewed.base_version) == ("open", "new")
    review(world, renewed, "accepted")
    assert table(world, layer)[0] == "new"


def test_the_state_of_a_request_allows_the_step(world: World, layer: str) -> None:
    with pytest.raises(DataError, match="Nothing is merged"):
        open_request(world, layer)
    step(world, layer, "merge", 1, 2)
    with pytest.raises(DataError, match="needs a title"):
        open_request(world, layer, title=" ")
    request = open_request(world, layer)
    with pytest.raises(DataError, match="Say why"):
        review(world, request, "rejected", text="")
    with pytest.raises(DataError, match="must be one of accepted"):
        review(world, request, "applied")
    with pytest.raises(ConflictError, match="at revision 1 and not 9"):
        review(world, request, "accepted", revision=9)
    with world.database.write() as connection:
        with pytest.raises(ForbiddenError, match="another user's"):
            pull_requests.withdraw(connection, world.brain, world.ben, request.id)
        gone = pull_requests.withdraw(connection, world.brain, world.ada, request.id)
        with pytest.raises(ForbiddenError, match="another user's"):
            pull_requests.renew(connection, world.brain, world.ben, request.id)
        with pytest.raises(ConflictError, match="is withdrawn, and only what is open"):
            pull_requests.renew(connection, world.brain, world.ada, request.id)
        pull_requests.comment(connection, world.brain, world.ben, request.id, "a pity")
        assert pull_requests.discussion(connection, gone)[-1].text == "a pity"
    with pytest.raises(ConflictError, match="is withdrawn"):
        review(world, gone, "accepted")
    with pytest.raises(NotFoundError, match="no pull request nothing"):
        review(world, PullRequest(**{**gone.__dict__, "id": "nothing"}), "accepted")


def test_versions_are_new_and_nothing_moved_meanwhile(world: World, layer: str) -> None:
    step(world, layer, "merge", 1, 2)
    request = review(world, open_request(world, layer), "accepted")
    with pytest.raises(ConflictError, match="Version 1 of cells was there before"):
        apply(world, layer, "1")
    with (
        world.database.write() as connection,
        pytest.raises(ConflictError, match="was changed while"),
    ):
        applying.mark_applied(
            connection,
            world.brain,
            layer,
            world.ben,
            [request.id],
            base_version="0",
            new_version="2",
        )


def test_pages_of_requests(world: World, layer: str) -> None:
    step(world, layer, "merge", 1, 2)
    ids = [open_request(world, layer).id for _ in range(5)]
    with world.database.read() as connection:
        first, after = pull_requests.page(connection, world.brain, limit=3)
        rest, end = pull_requests.page(connection, world.brain, limit=3, after=after)
        assert [r.id for r in first + rest] == ids[::-1]
        assert end is None
        for where in ({"states": ("accepted",)}, {"author_id": world.ben}, {"layer_id": "x"}):
            assert pull_requests.page(connection, world.brain, **where) == ([], None)
        with pytest.raises(DataError, match="state must be one of"):
            pull_requests.page(connection, world.brain, states=("maybe",))
        with pytest.raises(DataError, match="limit"):
            pull_requests.page(connection, world.brain, limit=0)
