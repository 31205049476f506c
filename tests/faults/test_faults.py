"""What is promised is kept: nothing lost, nothing silently different, whatever happens."""

from collections.abc import Callable

import pytest
from faults.commands import FAILING, MORE, READERS, RUNS, SERVED, WRITERS
from faults.hostile_files import ELSEWHERE, HOSTILE, OUTSIDE
from support.faults import (
    Line,
    Stage,
    damage,
    foreign,
    full_disk,
    hostile,
    kill,
    two_at_once,
    wrong_server,
)

ENDURANCE = 20  # seeds of the longer run


def seeds(few: int, many: int = ENDURANCE) -> list[object]:
    """Return the seeds of a run in CI, marked slow, and those of the longer run."""
    return [
        pytest.param(seed, marks=pytest.mark.slow if seed < few else pytest.mark.endurance)
        for seed in range(max(few, many))
    ]


#: What is killed, or finds the disk full; ``retrieve`` makes its run as ``evaluate`` does.
TRIED = [
    pytest.param(name, marks=[pytest.mark.endurance] if name == "retrieve" else [])
    for name in WRITERS | RUNS
]


@pytest.mark.parametrize("seed", seeds(1))
@pytest.mark.parametrize("name", TRIED)
def test_killed(stage: Stage, name: str, seed: int) -> None:
    kill(stage, (WRITERS | RUNS)[name], seed)


@pytest.mark.parametrize("seed", seeds(1, 5))
@pytest.mark.parametrize("name", TRIED)
def test_the_disk_is_full(stage: Stage, name: str, seed: int) -> None:
    full_disk(stage, (WRITERS | RUNS)[name], seed)


@pytest.mark.endurance
@pytest.mark.parametrize("seed", range(ENDURANCE))
@pytest.mark.parametrize("fault", [kill, full_disk])
@pytest.mark.parametrize("name", MORE)
def test_more_targets(
    stage: Stage, name: str, fault: Callable[[Stage, Line, int], None], seed: int
) -> None:
    fault(stage, MORE[name], seed)


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITERS)
def test_two_at_once(stage: Stage, name: str) -> None:
    two_at_once(stage, WRITERS[name], 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITERS)
def test_something_else_is_there(stage: Stage, name: str) -> None:
    foreign(stage, WRITERS[name], 0)


@pytest.mark.parametrize("seed", seeds(2, 200))
@pytest.mark.parametrize("how", ["flip", "cut", "remove", "swap"])
@pytest.mark.parametrize("name", READERS)
def test_damaged(stage: Stage, name: str, how: str, seed: int) -> None:
    damage(stage, READERS[name], seed, how)


@pytest.mark.slow
@pytest.mark.parametrize("what", HOSTILE)
def test_hostile(stage: Stage, what: str) -> None:
    hostile(stage, *HOSTILE[what])


@pytest.mark.parametrize("what", [
    pytest.param(what, marks=pytest.mark.slow if OUTSIDE[0] in what else pytest.mark.endurance)
    for what in ELSEWHERE
])  # fmt: skip
def test_voxels_that_lie_elsewhere(stage: Stage, what: str) -> None:
    hostile(stage, *ELSEWHERE[what])


@pytest.mark.parametrize("seed", seeds(1, 6))
@pytest.mark.parametrize("how", FAILING)
def test_a_server_that_fails(stage: Stage, how: str, seed: int) -> None:
    name = list(SERVED)[(seed + FAILING.index(how)) % len(SERVED)]  # each command with some
    wrong_server(stage, SERVED[name], how, seed)
