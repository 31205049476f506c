"""Fixtures that several test modules share."""

import gc
import io
import logging
import os
import random
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings
from support.failing_server import Server, asked_with

# two test processes share two cores: threads of theirs would wait for each other; libraries read
# this when they are loaded, in the processes that tests start too
for _library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

# the same examples in every run; to hunt with others: pytest --hypothesis-profile=hunt
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("hunt", deadline=None, max_examples=1000)
settings.load_profile("same")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Seed whatever draws, before any fixture of a test does; no test has to remember it."""
    import numpy as np
    import torch  # here, so that the process which only hands out tests does not load it

    _let_garbage_lie()
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - of libraries that draw from it
    torch.manual_seed(0)


@cache
def _let_garbage_lie() -> None:
    """Look for garbage less often, and not among what came with the libraries: a tenth of a run."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Let the collector of garbage pass by all that importing the tests makes."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """Give back the environment and the log as they were: the next test must not see a command's.

    Ray's own settings stay: it reads them once in a process, when it is imported.
    """
    before = dict(os.environ)
    log = logging.getLogger()
    level = log.level
    try:
        return (yield)
    finally:
        log.setLevel(level)
        for name in set(os.environ) - set(before):
            if not name.startswith("RAY_"):
                del os.environ[name]
        os.environ.update(before)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Make bars draw into text, as on a terminal of 100 columns."""
    from rich import console as consoles

    text = io.StringIO()
    made = consoles.Console

    def console(*, stderr: bool) -> object:
        assert stderr
        return made(file=text, force_terminal=True, width=100)

    monkeypatch.setattr(consoles, "Console", console)
    return text


def _folder(variable: str, content: str) -> Path:
    """Return the folder an environment variable names, or skip the test."""
    value = os.environ.get(variable)
    if value is None:
        pytest.skip(f"{variable} is not set; it names the folder of {content}")
    folder = Path(value)
    if not folder.is_dir():
        pytest.fail(f"{variable}={value} is not a folder")
    return folder


@pytest.fixture
def images_dir() -> Path:
    """Folder with real stacks, NAME/raw and NAME/labels."""
    return _folder("EMQS_IMAGES", "real image stacks, NAME/raw and NAME/labels")


@pytest.fixture
def weights_dir() -> Path:
    """Folder with the published checkpoints."""
    return _folder("EMQS_WEIGHTS", "the published checkpoints, *.pth.tar")


@pytest.fixture
def labels_dir() -> Path:
    """Folder with real label volumes and streams of the original Compresso."""
    return _folder("EMQS_LABELS", "real label volumes, pinky40/ and golden-compresso/")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Serves ``tmp_path``; a few quick attempts instead of 20 seconds."""
    patience = {"max_retries": 3, "initial_delay": "1ms", "max_delay": "5ms"}
    with asked_with(patience, tmp_path, monkeypatch) as server:
        yield server
