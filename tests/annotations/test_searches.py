import pytest

pytest.importorskip("sqlalchemy", reason="the database needs: pip install 'emqs[serve]'")

from support.worlds import World

from emqs.annotations import searches, states
from emqs.annotations.searches import Mark, Match, Search
from emqs.errors import ConflictError, DataError, ForbiddenError, NotFoundError

EXAMPLES = {"positive": [[1, 2, 3]], "negative": []}
MATCHES = [
    Match(1, "brain", (1.0, 2.0, 3.0), 0, 0.99, 0.5, {"segment": "7"}),
    Match(2, "brain", (4.0, 5.0, 6.0), 3),
    Match(3, "other", (4.0, 5.0, 6.0), None, -1.5),
]


def save(world: World, matches: list[Match] = MATCHES, **options: object) -> Search:
    given = {"title": "t", "examples": EXAMPLES, "settings": {"k": 3}, "fingerprint": ["abc"]}
    with world.database.write() as connection:
        search = searches.save(connection, world.brain, world.ada, **given | options)
        return searches.store_matches(connection, search, matches)


def test_a_search_is_kept_with_what_it_gave(world: World) -> None:
    saved = save(world, note="n")
    with world.database.read() as connection:
        search = searches.get(connection, world.brain, world.ada, saved.id)
        assert search == saved
        assert (search.examples, search.settings, search.fingerprint) == (
            EXAMPLES,
            {"k": 3},
            ["abc"],
        )
        assert search.ran is not None
        found = searches.matches(connection, search)
    assert [m.__dict__ | {"details": dict(m.details)} for m in found] == [
        m.__dict__ | {"details": dict(m.details or {})} for m in MATCHES
    ]


def test_it_is_run_again(world: World) -> None:
    saved = save(world)
    with world.database.write() as connection:
        again = searches.store_matches(connection, saved, MATCHES[:1], fingerprint=["def"])
        assert len(searches.matches(connection, again)) == 1
        with pytest.raises(ConflictError, match="changed in the meantime"):
            searches.store_matches(connection, saved, [])
    assert (again.fingerprint, again.revision) == (["def"], saved.revision + 1)


def test_two_are_compared(world: World) -> None:
    first = save(world)
    moved = [Match(1, "brain", (4.0, 5.0, 6.0), 3), Match(2, "brain", (7.0, 8.0, 9.0), 4)]
    second = save(world, moved, settings={"k": 2})
    with world.database.read() as connection:
        differ = searches.compare(connection, first, second)
    assert [(a.rank, b.rank) for a, b in differ.both] == [(2, 1)]
    assert [m.rank for m in differ.only_first] == [1, 3]
    assert [m.rank for m in differ.only_second] == [2]
    assert (differ.same_examples, differ.same_settings, differ.same_fingerprint) == (
        True,
        False,
        True,
    )


def test_marks(world: World) -> None:
    search = save(world)
    place = (4.0, 5.0, 6.0)
    with world.database.write() as connection:
        searches.mark(
            connection,
            search,
            world.ada,
            [
                Mark("brain", place, "right"),
                Mark("other", place, "right"),
                Mark("brain", place, "wrong"),
            ],
        )
        assert searches.marks(connection, search) == [
            Mark("other", place, "right"),
            Mark("brain", place, "wrong"),
        ]
        searches.mark(connection, search, world.ada, [("other", place)])
        assert searches.marks(connection, search) == [Mark("brain", place, "wrong")]
        with pytest.raises(DataError, match="right or wrong, got 'good'"):
            searches.mark(connection, search, world.ada, [Mark("brain", place, "good")])


def test_own_searches_are_changed_and_deleted(world: World) -> None:
    search = save(world)
    with world.database.write() as connection:
        new = searches.update(
            connection, search, world.ada, {"note": "new"}, revision=search.revision
        )
        assert (new.title, new.note) == ("t", "new")
        with pytest.raises(ConflictError, match="is at revision"):
            searches.update(connection, new, world.ada, {}, revision=1)
        with pytest.raises(ForbiddenError, match="another user's"):
            searches.update(connection, new, world.ben, {}, revision=new.revision)
        with pytest.raises(DataError, match="title and note can be changed"):
            searches.update(connection, new, world.ada, {"owner_id": "x"}, revision=new.revision)
        with pytest.raises(NotFoundError):
            searches.get(connection, world.brain, world.ben, search.id)
        searches.delete(connection, new, world.ada, revision=new.revision)
        with pytest.raises(NotFoundError, match="no saved search"):
            searches.get(connection, world.brain, world.ada, search.id)
        assert searches.page(connection, world.brain, world.ada) == ([], None)


def test_pages_of_searches(world: World) -> None:
    ids = [save(world, []).id for _ in range(5)]
    with world.database.read() as connection:
        first, after = searches.page(connection, world.brain, world.ada, limit=3)
        rest, end = searches.page(connection, world.brain, world.ada, limit=3, after=after)
        assert searches.page(connection, world.brain, world.ben) == ([], None)
        with pytest.raises(DataError, match="limit"):
            searches.page(connection, world.brain, world.ada, limit=201)
    assert ([s.id for s in first + rest], end) == (ids[::-1], None)


@pytest.mark.parametrize(
    ("matches", "message"),
    [
        ([MATCHES[0], MATCHES[0]], "same rank"),
        ([Match(1, "brain", (1, 2, float("nan")))], "three finite numbers"),
        ([Match(1, "brain", (1, 2, 3), 1, float("inf"))], "score of match 1 is inf"),
        ([Match(1, "brain", (1, 2, 3), details={"x": float("nan")})], "details must be JSON"),
        ([Match(n, "b", (1, 2, 3)) for n in range(20_001)], "at most 20000 matches"),
    ],
)
def test_matches_that_are_none(world: World, matches: list[Match], message: str) -> None:
    with pytest.raises(DataError, match=message):
        save(world, matches)
    with world.database.read() as connection:
        assert searches.page(connection, world.brain, world.ada) == ([], None)


def test_searches_that_are_none(world: World) -> None:
    with pytest.raises(DataError, match="examples must be JSON"):
        save(world, examples={"positive": {1, 2}})
    with pytest.raises(DataError, match="settings must be JSON of at most"):
        save(world, settings="x" * 500_001)
    with pytest.raises(DataError, match="title must have at most"):
        save(world, title="x" * 401)


def test_states_are_kept_under_short_keys(world: World) -> None:
    with world.database.write() as connection:
        kept = states.keep(
            connection, {"b": 1, "a": [2.5]}, dataset_id=world.brain, owner_id=world.ada
        )
        assert states.get(connection, kept.key) == kept
        assert 8 <= len(kept.key) <= 16
        assert kept.key.isalnum()
        same = states.keep(
            connection, {"a": [2.5], "b": 1}, dataset_id=world.brain, owner_id=world.ada
        )
        assert same == kept
        others = [
            states.keep(connection, {"a": 1}, dataset_id=world.brain, owner_id=world.ada),
            states.keep(connection, kept.state, dataset_id=world.brain, owner_id=world.ben),
            states.keep(connection, kept.state, dataset_id=world.brain),
            states.keep(connection, kept.state, owner_id=world.ada),
        ]
        assert len({state.key for state in [kept, *others]}) == 5
        with pytest.raises(NotFoundError, match="no viewer state zzz"):
            states.get(connection, "zzz")


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ([1], "JSON object, got list"),
        ({"a": float("nan")}, "without NaN"),
        ({"a": "x" * 1_000_001}, "at most 1000000 characters"),
        ({"a": "\0"}, "U\\+0000"),
    ],
)
def test_states_that_are_none(world: World, state: object, message: str) -> None:
    with world.database.write() as connection, pytest.raises(DataError, match=message):
        states.keep(connection, state)
