"""Frame and viewer: where a click points, what it shows, what stays; the size of the pages."""

import gzip
import json
import re
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect
from support.browsing import (
    PASSWORD,
    Workplace,
    click_voxel,
    drawn,
    no_serious_findings,
    until_equal,
    until_true,
    voxel_at,
)

from emqs.web import pages

pytestmark = pytest.mark.slow

MOST_BYTES = 6_000_000
MOST_AT_FIRST = 600_000  # compressed
TOY = "/d/toy/search"
POSITION = "() => window.emqsViewer.state().position"


def looking_at(**view: object) -> str:
    return f"{TOY}#{quote(json.dumps({'view': view}))}"


def look(page: Page, position: list[float], scale: float, layout: str = "xy") -> None:
    """Look at another place, as by an address that is typed into the page that is open."""
    view = {"position": position, "crossSectionScale": scale, "layout": layout}
    page.evaluate(
        """(view) => {
            const kept = JSON.parse(decodeURIComponent(location.hash.slice(1)) || "{}");
            location.hash = encodeURIComponent(JSON.stringify({...kept, view}));
        }""",
        view,
    )
    until_equal(page, POSITION, position)
    until_equal(page, "() => window.emqsViewer.state().crossSectionScale", scale)
    until_true(page, f"() => JSON.stringify(window.emqsViewer.state().layout).includes('{layout}')")
    drawn(page)


def state(page: Page) -> dict:
    return page.evaluate("() => window.emqsViewer.state()")


def clicked(page: Page, dx: int, dy: int) -> dict[str, int]:
    """Return the voxel that an alt-click adds as an example, dx, dy pixels off the middle."""
    script = "() => JSON.parse(decodeURIComponent(location.hash.slice(1))).search?.p ?? []"
    before = len(page.evaluate(script))
    click_voxel(page, dx, dy, keys=("Alt",))
    expect(page.locator(".examples.positives .thumbnail")).to_have_count(before + 1)
    until_true(page, f"() => ({script})().length === {before + 1}")
    z, y, x = page.evaluate(script)[-1]
    return {"z": z, "y": y, "x": x}


def test_a_user_signs_in_and_sees_the_volume(place: Workplace) -> None:
    page = place.page(None)
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    drawn(page)
    assert page.errors == []  # type: ignore[attr-defined]
    no_serious_findings(page)


def test_a_click_means_the_voxel_under_the_mouse(place: Workplace) -> None:
    page = place.page("ann", TOY)
    drawn(page)
    # the middle of a panel is the middle of a pixel if it has an odd number of them
    shape = page.locator(".neuroglancer-rendered-data-panel").first.evaluate(
        "(panel) => [panel.clientWidth, panel.clientHeight]"
    )
    middle = [at + 0.5 * (pixels % 2) for at, pixels in zip((200, 300), shape, strict=True)]
    look(page, [*middle, 7.5], 1)
    for dx, dy in ((0, 0), (37, 0), (0, -53), (-120, 99)):
        assert clicked(page, dx, dy) == {"z": 7, "y": 300 + dy, "x": 200 + dx}
    look(page, [200.5, 300.5, 7.5], 0.125)  # eight pixels a voxel
    assert clicked(page, 8 * 5, -8 * 3) == {"z": 7, "y": 297, "x": 205}
    # a slice along Y: z grows downwards, a section is four pixels of 5 nm deep
    look(page, [200.5, 300.5, 7.5], 0.125, "xz")
    assert clicked(page, 8 * 5, 32 * 2) == {"z": 9, "y": 300, "x": 205}
    assert page.errors == []  # type: ignore[attr-defined]


def test_the_whole_slice_is_shown_at_first_and_segments_are_one_click_off(place: Workplace) -> None:
    page = place.page("ann", TOY)
    drawn(page)
    view = page.evaluate("() => window.emqsViewer.inView()")
    assert view["start"]["x"] <= 0 <= 512 <= view["stop"]["x"]
    assert view["start"]["y"] <= 0 <= 512 <= view["stop"]["y"]
    assert view["start"]["y"] > -64, "it fills the viewer"
    assert view["start"]["z"] is None, "nobody sees along the axis of a slice"
    labels = page.get_by_role("checkbox", name="labels")
    expect(labels).not_to_be_checked()
    labels.check()
    until_true(page, "() => window.emqsViewer.layers()[1].visible")
    drawn(page)
    page.mouse.move(*voxel_at(page, 40, 40))
    page.mouse.move(*voxel_at(page, 41, 40))
    expect(page.locator(".viewer-tools .values")).to_have_text(re.compile(r"image \d+, labels \d+"))
    page.get_by_role("button", name="Contrast and more of image").click()
    expect(page.locator(".neuroglancer").get_by_text("Opacity")).to_be_visible()
    page.locator(".neuroglancer").get_by_title("Close").click()
    tools = page.get_by_role("toolbar", name="Tools of the viewer")
    for name, layout in (
        ("Three directions", "4panel"),
        ("XZ", "xz"),
        ("3D: 3D", "3d"),
        ("XY", "xy"),
    ):
        button = tools.get_by_role("button", name=name)
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        assert state(page)["layout"] in (layout, {"type": layout})
    page.evaluate("() => window.emqsViewer.go({z: 1.5, y: 20, x: 30})")
    tools.get_by_role("button", name="Fit").click()
    until_equal(page, POSITION, [256, 256, 6])
    tools.get_by_role("button", name="Help").click()
    expect(page.get_by_text("Toggle", exact=False).first).to_be_visible()
    assert page.errors == []  # type: ignore[attr-defined]


def test_what_pages_show_survives_a_new_state_and_is_no_part_of_it(place: Workplace) -> None:
    page = place.page("ann", TOY)
    drawn(page)
    shapes = [{"kind": "point", "id": str(n), "at": {"z": 6, "y": n, "x": n}} for n in range(50)]
    shown = "(viewer) => viewer.element && viewer.layers().filter(l => l.name === 'mine').length"
    page.evaluate("(s) => window.emqsViewer.show('mine', '#ffffff', s)", shapes)
    page.evaluate(
        """() => {
        const viewer = window.emqsViewer;
        const before = viewer.state();
        viewer.restore({...before, position: [10.5, 20.5, 3.5]});
        viewer.restore({...before, position: [11.5, 20.5, 3.5]});
        }"""
    )
    until_true(page, f"() => ({shown})(window.emqsViewer) === 1")
    drawn(page)
    after = state(page)
    assert [layer["name"] for layer in after["layers"]] == ["image", "labels"]
    assert after["position"] == [11.5, 20.5, 3.5]
    page.evaluate("() => { window.emqsViewer.hide('mine'); }")
    page.evaluate("(s) => window.emqsViewer.show('mine', '#ffffff', s)", shapes[:3])
    page.evaluate("() => window.emqsViewer.hide('mine')")
    page.wait_for_timeout(300)  # a late drawing would bring it back
    assert page.evaluate(f"() => ({shown})(window.emqsViewer)") == 0
    assert page.errors == []  # type: ignore[attr-defined]


def test_the_view_goes_along_to_other_pages_and_back(place: Workplace) -> None:
    page = place.page("ann", looking_at(position=[100.5, 110.5, 2.5]))
    drawn(page)
    page.get_by_role("link", name="Annotate").click()
    until_true(page, "() => location.hash.includes('110.5')")
    until_equal(page, POSITION, [100.5, 110.5, 2.5])
    page.evaluate("() => window.emqsViewer.go({z: 5.5, y: 120.5, x: 130.5})")
    until_true(page, "() => location.hash.includes('120.5')")
    page.get_by_role("link", name="Datasets").click()  # a page without a viewer
    expect(page.locator(".viewer")).to_have_count(0)
    until_true(page, "() => window.emqsViewer === undefined")
    page.get_by_role("link", name="Search").click()
    drawn(page)
    until_equal(page, POSITION, [130.5, 120.5, 5.5])
    page.go_back()
    page.go_back()  # Annotate, as it was left
    expect(page.locator(".viewer")).to_have_count(1)
    drawn(page)
    until_equal(page, POSITION, [130.5, 120.5, 5.5])
    page.go_back()  # Search, as it was
    until_true(page, "() => window.emqsViewer.state().position[0] === 100.5")
    # an address that is typed into the page that is open
    moved = json.dumps({"view": {"position": [9.5, 8.5, 7.5]}})
    page.evaluate("(text) => { location.hash = encodeURIComponent(text); }", moved)
    until_true(page, "() => window.emqsViewer.state().position[2] === 7.5")
    assert page.errors == []  # type: ignore[attr-defined]


def test_many_viewers_one_after_the_other_leave_nothing_behind(place: Workplace) -> None:
    page = place.page("ann", TOY)
    drawn(page)
    for _ in range(2):
        page.get_by_role("link", name="Datasets").click()
        expect(page.locator(".viewer")).to_have_count(0)
        page.get_by_role("link", name="Search").click()
        drawn(page)
    readers = [worker for worker in page.workers if "chunk_worker" in worker.url]
    assert len(readers) == 1, "each viewer ended its worker"
    assert page.locator(".neuroglancer canvas").count() == 1
    assert page.errors == []  # type: ignore[attr-defined]


def test_the_pages_are_small_enough() -> None:
    static = pages.STATIC
    files = [path for path in static.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES
    names = [path.name for path in files]
    for worker in ("chunk_worker.bundle-", "async_computation.bundle-"):
        assert any(re.fullmatch(re.escape(worker) + r".+\.js", name) for name in names), worker
    index = static / "index.html"
    first = re.findall(r'(?:src|href)="/([^"]+)"', index.read_text(encoding="utf-8"))
    loaded = [index, *(static / name for name in first)]
    assert any(path.suffix == ".js" for path in loaded)
    assert not any("neuroglancer" in path.name for path in loaded), "it is loaded when it is shown"
    assert sum(packed(path) for path in loaded) <= MOST_AT_FIRST


def packed(path: Path) -> int:
    return len(gzip.compress(path.read_bytes(), 6))
