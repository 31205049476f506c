"""A real server on the toy volume, and a real browser that looks at its pages."""

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from playwright.sync_api import Browser, BrowserContext, Error, Locator, Page, Playwright, expect
from support.forks import Fork
from support.serving import servers

from emqs.annotations.database import Database
from emqs.web import accounts, sessions
from emqs.web.home import Home

# WebGL is drawn by Mesa's llvmpipe (Debian: libegl1, libgl1-mesa-dri), which needs 10 to 20 % less
# of a processor than Chromium's own SwiftShader; where Mesa is missing Chromium takes that one.
FLAGS = [
    "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-gl=angle", "--use-angle=gl-egl",
    "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist",
    "--disable-gpu-compositing",  # a page is put together faster without a made-up graphics card
    # no process is started for a page that nobody asks for; the others are Playwright's own
    "--disable-features=SpareRendererForSitePerProcess,AvoidUnnecessaryBeforeUnloadCheckSync,"
    "DestroyProfileOnBrowserClose,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,MediaRouter,"
    "PaintHolding,ThirdPartyStoragePartitioning,AvoidCorsURLLoaderRestartOnRedirect,"
    "OptimizationHints,NetworkTimeServiceQuerying,AimEnabled,PreconnectToSearch,LensOverlay",
]  # fmt: skip
MESA = {  # a graphics card is left alone: pictures are the same on all computers
    "LIBGL_ALWAYS_SOFTWARE": "1",
    "LP_NUM_THREADS": "1",  # more of them wait for each other
    "__EGL_VENDOR_LIBRARY_FILENAMES": "/usr/share/glvnd/egl_vendor.d/50_mesa.json",
}
CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
PASSWORD = "a long enough password"
WAIT_MS = 90_000  # a viewer without a graphics card, on a busy computer
ROLES = {  # in the toy dataset
    "ann": "annotator",
    "ben": "annotator",
    "rob": "reviewer",
    "mia": "manager",
    "rea": "reader",
}
LAPTOP = {"width": 1366, "height": 768}
AXE = (
    Path(__file__).parents[2] / "emqs" / "web" / "frontend" / "node_modules" / "axe-core"
) / "axe.min.js"

expect.set_options(timeout=WAIT_MS / 3)


def chromium() -> str | None:
    """Return the path of a Chromium on this computer."""
    named = os.environ.get("EMQS_CHROMIUM")
    return named or next((path for path in CHROMIUM if Path(path).is_file()), None)


def launched(running: Playwright) -> Browser:
    """Start the Chromium of this computer, without a window."""
    environment = {**os.environ, **MESA}
    return running.chromium.launch(executable_path=chromium(), args=FLAGS, env=environment)


@dataclass
class Workplace:
    """A server that is running, and those who work there."""

    home: Path
    url: str
    browser: Browser
    contexts: list[BrowserContext] = field(default_factory=list)
    clients: list[httpx2.Client] = field(default_factory=list)
    by_password: bool = False  # takes long, and stands in the audit log

    def signed_in(self, name: str) -> dict[str, str]:
        """Begin a session of somebody, and return its cookie."""
        if self.by_password:
            body = {"name": name, "password": PASSWORD}
            told = httpx2.post(f"{self.url}/api/v1/auth/login", json=body).raise_for_status()
            return dict(told.cookies)
        with self.database.write() as connection:
            user = accounts.by_name(connection, name).id
            _, token = sessions.begin(connection, user, "cookie", lasts_s=86400.0)
        return {f"emqs_session_{urlsplit(self.url).port}": token}

    def api(self, name: str) -> httpx2.Client:
        """Return a client of the API who is signed in, for setting up and for looking behind."""
        base = f"{self.url}/api/v1"
        client = httpx2.Client(base_url=base, timeout=60, cookies=self.signed_in(name))
        self.clients.append(client)
        return client

    def context(self, name: str | None, **options: Any) -> BrowserContext:  # noqa: ANN401
        """Return a browser of its own for somebody who is signed in, or for nobody."""
        options = {"viewport": LAPTOP, "locale": "en-GB", **options}
        made = self.browser.new_context(base_url=self.url, **options)
        made.set_default_timeout(WAIT_MS)
        if name is not None:
            for cookie, value in self.signed_in(name).items():
                made.add_cookies([{"name": cookie, "value": value, "url": self.url}])
        self.contexts.append(made)
        return made

    def page(self, name: str | None, path: str = "/", **options: Any) -> Page:  # noqa: ANN401
        """Return a page that somebody has open; errors in its console end up in ``page.errors``."""
        page = self.context(name, **options).new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.errors = errors  # type: ignore[attr-defined]
        page.goto(path)
        return page

    def close_pages(self) -> None:
        """Close what tests opened."""
        for client in self.clients:
            client.close()
        self.clients.clear()
        for context in self.contexts:
            context.close()
        self.contexts.clear()

    @cached_property
    def database(self) -> Database:
        """The database of the server."""
        return Database.open(Home(self.home).database_url)

    def close(self) -> None:
        """Close what was opened."""
        self.close_pages()
        if "database" in vars(self):
            self.database.close()


def drawn(page: Page) -> None:
    """Wait until the viewer has drawn everything in view."""
    until_true(page, "() => Boolean(window.emqsViewer) && window.emqsViewer.isReady()")


def until_true(page: Page, script: str) -> None:
    """Wait until a function of the page returns true; pages may not evaluate text themselves."""
    until_equal(page, f"async () => Boolean(await ({script})())", True)


def until_equal(page: Page, script: str, expected: object) -> None:
    """Wait until a function of the page returns a value.

    A page that is being left may lack what the function asks for, or go away under it: that counts
    as another value.
    """
    ends = time.monotonic() + WAIT_MS / 1000
    while True:
        try:
            value = page.evaluate(script)
        except Error as error:
            value = error
        if value == expected:
            return
        assert time.monotonic() < ends, f"{script} never was {expected}, but {value}"
        page.wait_for_timeout(100)


def loaded(picture: Locator, *, width: int) -> None:
    """Wait until a picture is there, of so many pixels across."""
    expect(picture).to_have_js_property("complete", True)
    expect(picture).to_have_js_property("naturalWidth", width)


def no_serious_findings(page: Page) -> None:
    """Fail if axe finds something serious on a page that those need who see or move otherwise.

    What neuroglancer itself draws is left out.
    """
    if not AXE.is_file():
        raise FileNotFoundError(f"{AXE} is missing: npm ci in emqs/web/frontend.")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    answer = page.evaluate(
        "() => axe.run({exclude: ['.neuroglancer']}, {resultTypes: ['violations']})"
    )
    serious = [
        f"{one['id']}: {one['help']}: {node['target']} {node.get('failureSummary', '')}"
        for one in answer["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
    assert not serious, "\n".join(serious)


def voxel_at(page: Page, dx: float = 0, dy: float = 0) -> tuple[float, float]:
    """Return the pixel of the page that lies dx, dy pixels off the middle of the slice."""
    x, y = page.locator(".neuroglancer-rendered-data-panel").first.evaluate(
        """(panel) => {
            const box = panel.getBoundingClientRect();
            return [box.left + panel.clientWidth / 2, box.top + panel.clientHeight / 2];
        }"""
    )
    return x + dx, y + dy


def click_voxel(page: Page, dx: float = 0, dy: float = 0, *, keys: tuple[str, ...] = ()) -> None:
    """Click into the slice, dx, dy pixels off its middle, with keys held down."""
    x, y = voxel_at(page, dx, dy)
    for key in keys:
        page.keyboard.down(key)
    page.mouse.move(x - 3, y - 3)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.up()
    for key in reversed(keys):
        page.keyboard.up(key)


def add_people(home: Path) -> None:
    """Add an admin, root, users with roles in the toy dataset, and sid, who may not know of it."""
    database = Database.open(Home(home).database_url)
    secret = accounts.hashed(PASSWORD)
    with database.write() as connection:
        for name in ("root", *ROLES, "sid"):
            accounts.create(connection, name, password_hash=secret, is_admin=name == "root")
    database.close()
    toy = Home(home).datasets / "toy.yaml"
    roles = ", ".join(f"{name}: {role}" for name, role in ROLES.items())
    settings = toy.read_text(encoding="utf-8").replace("public", "private")
    toy.write_text(f"{settings}grants:\n  users: {{{roles}}}\n", encoding="utf-8")


@contextmanager
def toy_workplace(
    folder: Path, toy_home: Path, browser: Browser, *settings: str
) -> Iterator[Workplace]:
    """Run a server on a copy of a home with the toy dataset, and people in it."""
    home = folder / "home"
    shutil.copytree(toy_home, home)
    add_people(home)
    with workplace(home, browser, *settings) as place:
        yield place


def _until_it_answers(process: Fork, said: Path, errors: Path) -> str:
    """Return the address of a server."""
    while process.poll() is None:
        found = re.search(r"emqs serves at (http://\S+)/ ", said.read_text(encoding="utf-8"))
        if found is not None:
            with suppress(httpx2.TransportError):
                httpx2.get(f"{found[1]}/api/v1/health").raise_for_status()
                return found[1]
        time.sleep(0.05)
    raise RuntimeError(errors.read_text(encoding="utf-8"))


@contextmanager
def workplace(home: Path, browser: Browser, *settings: str) -> Iterator[Workplace]:
    """Run a server on a home folder until the tests are done."""
    words = [f"home={home}", "port=0", "log=json", *settings]
    said, errors = (home.parent / f"{home.name}-{name}.txt" for name in ("said", "server"))
    process = servers().start(
        "emqs.serve", words, home.parent, said, errors=str(errors), environment=dict(os.environ)
    )
    try:
        url = _until_it_answers(process, said, errors)
        place = Workplace(home, url, browser)
        yield place
        place.close()
    finally:
        process.terminate()
        process.wait(60)
