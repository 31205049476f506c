"""A browser, and a server for the tests of one file, with people and a toy volume."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")

from support.browsing import Workplace, chromium, launched, toy_workplace  # noqa: E402

from emqs.web import demo, pages  # noqa: E402
from emqs.web.home import Home  # noqa: E402

PATIENCE_MS = 20_000  # for what is expected on a page


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """A Chromium without a window."""
    if chromium() is None:
        pytest.skip("there is no Chromium here: apt-get install chromium, or set EMQS_CHROMIUM")
    if not (pages.STATIC / "index.html").is_file():
        pytest.fail("the pages are not built: npm ci && npm run build in emqs/web/frontend")
    playwright.expect.set_options(timeout=PATIENCE_MS)
    with playwright.sync_playwright() as running:
        made = launched(running)
        yield made
        made.close()


@pytest.fixture(scope="session")
def toy_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with the toy dataset, to be copied; EMQS_TOY_HOME names one made before.

    The processes that tests run in share one: the first of them makes it.
    """
    made = os.environ.get("EMQS_TOY_HOME")
    if made is not None:
        return Path(made)
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "toy"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not demo.is_made(Home(folder / "home")):
            demo.make(Home(folder / "home"), quiet=True)
    return folder / "home"


@pytest.fixture(scope="module")
def shared_place(
    request: pytest.FixtureRequest,
    browser: object,
    toy_home: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Workplace]:
    """A server of the tests of one file; jobs are done if it says ``JOBS = True``."""
    folder = tmp_path_factory.mktemp("place")
    jobs = f"job_workers={int(getattr(request.module, 'JOBS', False))}"
    with toy_workplace(folder, toy_home, browser, jobs) as place:  # type: ignore[arg-type]
        yield place


@pytest.fixture
def place(shared_place: Workplace) -> Iterator[Workplace]:
    """The server of this file; pages that a test opened are closed after it."""
    yield shared_place
    shared_place.close_pages()
