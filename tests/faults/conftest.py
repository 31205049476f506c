"""The stage on which faults are tried; longer runs are left out unless they are asked for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from faults import commands
from support.faults import Stage, Starter, Undisturbed


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what has the marker ``endurance``, unless ``-m`` names it."""
    if "endurance" in config.option.markexpr:
        return
    longer = [item for item in items if item.get_closest_marker("endurance")]
    items[:] = [item for item in items if item not in longer]
    config.hook.pytest_deselected(items=longer)


@pytest.fixture(scope="session")
def starter() -> Iterator[Starter]:
    """Starts commands in a moment."""
    started = Starter()
    yield started
    started.stop()


@pytest.fixture(scope="session")
def world(starter: Starter, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that commands read, an embedding volume and its copy among it."""
    folder = tmp_path_factory.mktemp("world")
    commands.prepare(starter, folder)
    return folder


@pytest.fixture(scope="session")
def known() -> dict[tuple[str, ...], Undisturbed]:
    """What commands make that nothing happens to."""
    return {}


@pytest.fixture
def stage(
    starter: Starter,
    world: Path,
    known: dict[tuple[str, ...], Undisturbed],
    tmp_path: Path,
) -> Stage:
    """Where commands are typed."""
    return Stage(starter, world, tmp_path, known)
