"""Pages at size: 100,000 annotations, and a search from a click to cards in a large volume.

    EMQS_TOY_HOME=FOLDER python benchmarks/pages.py --annotations 100000
    python benchmarks/pages.py --store STORE          # an embedding volume; without its image

With annotations: frames while panning, and times of the table. With a store: seconds from a click
to the first card and to the pictures on cards in view, for one example and for ten of each kind; of
the image only what the viewer shows first is made up, the rest is empty.

Needs Chromium, playwright and built pages. Without a graphics card the frames are drawn by the
processor, so that the numbers with none beside it say what the annotations cost.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import numpy as np
import zarr
from playwright.sync_api import Browser, Page, expect, sync_playwright
from support.browsing import Workplace, add_people, click_voxel, drawn, launched, workplace
from support.slices import ONE_TO_ONE

from emqs.web import demo
from emqs.web.home import Home

SHAPE = (12, 512, 512)  # of the toy, Z Y X
AT_ONCE = 10_000
N_LEVELS = 6
N_FRAMES = 20
N_TRIES = 9
APART = 40  # voxels between clicks, two places of the store
TEXT = "Text in title, description or tags"
FRAMES = """(steps) => new Promise((done) => {
    const times = [];
    const start = window.emqsViewer.centre();
    let last = performance.now();
    function frame(now) {
        times.push(now - last);
        last = now;
        if (times.length > steps) return done(times.slice(1));
        const turn = (times.length / steps) * 2 * Math.PI;
        const [dy, dx] = [60 * Math.sin(turn), 60 * Math.cos(turn) - 60];
        window.emqsViewer.go({ z: start.z, y: start.y + dy, x: start.x + dx });
        requestAnimationFrame(frame);
    }
    requestAnimationFrame(frame);
})"""


def fill(place: Workplace, n: int) -> float:
    """Put annotations of all kinds all over the toy, and return how long that took, in seconds."""
    draw = random.Random(0)
    started = time.perf_counter()
    with place.api("ann") as client:
        for first in range(0, n, AT_ONCE):
            rows = []
            for i in range(first, min(n, first + AT_ONCE)):
                z, y, x = (draw.uniform(0, length - 10 * (length > 12)) for length in SHAPE)
                kind = draw.choices(("point", "line", "sphere", "box"), (7, 1, 1, 1))[0]
                two = kind in ("line", "box")
                end = [min(z + 0.5, 11.99), y + 8, x + 8]
                rows.append(
                    {
                        "kind": kind,
                        "points": [[z, y, x], end] if two else [[z, y, x]],
                        "radius_nm": 20.0 if kind == "sphere" else None,
                        "title": f"{draw.choice(('synapse', 'vesicle', 'spine'))} {i:06d}",
                        "tags": [f"tag{i % 20}"],
                    }
                )
            report = client.post("/datasets/toy/annotations/batch", json={"rows": rows})
            report.raise_for_status()
    return time.perf_counter() - started


def frames(page: Page) -> dict[str, float]:
    """Return milliseconds between frames while the view goes round in a circle."""
    page.evaluate(FRAMES, N_FRAMES)  # warm
    times = sorted(page.evaluate(FRAMES, N_FRAMES))
    return {
        "median_ms": round(statistics.median(times), 1),
        "p95_ms": round(times[int(0.95 * len(times))], 1),
        "frames_per_second": round(1000 * len(times) / sum(times), 1),
    }


def timed(page: Page, act: Callable[[int], None], until: Callable[[int], None]) -> float:
    """Return the median of milliseconds from an act of the user until the rows stand there."""
    times = []
    for i in range(N_TRIES):
        started = time.perf_counter()
        act(i)
        until(i)
        times.append(1000 * (time.perf_counter() - started))
        page.wait_for_timeout(300)
    return round(statistics.median(times), 1)


def table_times(page: Page) -> dict[str, float]:
    """Return milliseconds of the actions of the table, the browser's drawing with them."""
    pages = page.get_by_role("navigation", name="Pages of the list")
    following = page.get_by_role("button", name="Next")
    title = page.get_by_role("button", name="Title ")
    first = page.locator("tr.line").first
    text = page.get_by_label(TEXT, exact=True)

    def sorted_now(i: int) -> None:
        way = "ascending" if i % 2 == 0 else "descending"
        expect(page.locator("th[aria-sort]").first).to_have_attribute("aria-sort", way)
        expect(page.locator(".table")).to_have_attribute("aria-busy", "false")

    results = {
        "next_page_ms": timed(
            page,
            lambda _: following.click(),
            lambda i: expect(pages).to_contain_text(f"{50 * i + 51:,} to"),
        ),
        "sort_by_title_ms": timed(page, lambda _: title.click(), sorted_now),
    }

    def ask(i: int) -> None:
        text.fill(str(111 * (i + 1)))
        text.press("Enter")  # else it waits for the end of typing

    results["filter_by_text_ms"] = timed(
        page, ask, lambda i: expect(first).to_contain_text(str(111 * (i + 1)))
    )
    text.fill("")
    text.press("Enter")
    kind = page.get_by_label("Kind", exact=True)
    kinds = ("Line", "Sphere", "Box", "Point")
    results["filter_by_kind_ms"] = timed(
        page,
        lambda i: kind.select_option(kinds[i % 4]) and None,
        lambda i: expect(first.locator("td").nth(1)).to_have_text(kinds[i % 4]),
    )
    return results


def make_image(path: Path, shape: list[int], voxel_size_nm: list[float]) -> None:
    """Write an OME-Zarr with a pyramid that is empty but for noise around its middle."""
    root = zarr.open_group(path, mode="w", zarr_format=3)
    noise = np.random.default_rng(0).integers(90, 170, (1, 2048, 2048), dtype=np.uint8)
    datasets = []
    for level in range(N_LEVELS):
        size = [shape[0], *(-(-n // 2**level) for n in shape[1:])]
        chunks = (1, 512, 512)
        array = root.create_array(str(level), shape=size, chunks=chunks, dtype="uint8")
        part = noise[:, :: 2**level, :: 2**level]
        corner = [(n - m) // 2 for n, m in zip(size[1:], part.shape[1:], strict=True)]
        box = [slice(a, a + m) for a, m in zip(corner, part.shape[1:], strict=True)]
        array[(slice(shape[0] // 2, shape[0] // 2 + 1), *box)] = part
        scale = [voxel_size_nm[0], *(v * 2**level for v in voxel_size_nm[1:])]
        at = {"coordinateTransformations": [{"type": "scale", "scale": scale}]}
        datasets.append({"path": str(level), **at})
    axes = [{"name": name, "type": "space", "unit": "nanometer"} for name in "zyx"]
    scales = [{"axes": axes, "datasets": datasets, "name": "image"}]
    root.attrs["ome"] = {"version": "0.5", "multiscales": scales}


def from_click_to_cards(page: Page, n_more: int, i_try: int) -> dict[str, float]:
    """Return seconds from a click to the first card, and to the pictures on all that are there.

    Each try clicks another place of the store.
    """
    clear = page.get_by_role("button", name="Clear", exact=True)
    if clear.is_enabled():
        clear.click()
    for i in range(n_more):  # examples that are there before the last click
        click_voxel(
            page, 30 * (i % 5) - 200, 25 * (i // 5) - 150, keys=("Alt", "Shift")[: 1 + i % 2]
        )
    expect(page.locator(".thumbnail.positives, .thumbnail.negatives")).to_have_count(n_more)
    searching = page.locator(".results[aria-busy=true]")
    started = time.perf_counter()
    click_voxel(page, 100 + APART * (i_try % 3), APART * (i_try // 3), keys=("Alt",))
    page.keyboard.press("Enter")
    while searching.count() == 0:
        page.wait_for_timeout(5)
    while searching.count() > 0 or page.locator(".card").count() == 0:
        page.wait_for_timeout(10)
    first = time.perf_counter() - started
    ready = """(all) => all.filter((i) => i.getBoundingClientRect().top < innerHeight)
        .every((i) => i.complete && i.naturalWidth > 0)"""  # the others when they are seen
    while not page.locator(".card img").evaluate_all(ready):
        page.wait_for_timeout(20)
    return {"first_card_s": first, "pictures_in_view_s": time.perf_counter() - started}


def search_times(browser: Browser, folder: Path, store: Path) -> dict[str, object]:
    """Return the times of searches of a store from its page."""
    told = json.loads((store / "zarr.json").read_text(encoding="utf-8"))["attributes"]["emqs"]
    shape, size = told["volume"]["shape"], told["grid"]["voxel_size_nm"]
    home = folder / "home"
    Home(home).datasets.mkdir(parents=True)
    make_image(folder / "image.zarr", shape, size)
    toy = f"visibility: public\nvolume: {folder / 'image.zarr'}\nstore: {store.resolve()}\n"
    (Home(home).datasets / "toy.yaml").write_text(toy, encoding="utf-8")
    add_people(home)
    view = {"position": [n / 2 for n in shape[::-1]], "crossSectionScale": 1}
    results: dict[str, object] = {"places": int(np.prod(told["grid"]["shape"]))}
    with workplace(home, browser) as place:
        page = place.page("ann", f"/d/toy/search#{quote(json.dumps({'view': view}))}")
        drawn(page)
        for name, n_more in (("one", 0), ("ten_of_each", 19)):
            first, *warm = [from_click_to_cards(page, n_more, i) for i in range(N_TRIES)]
            results[name] = {
                "first_time": {key: round(value, 2) for key, value in first.items()},
                **{key: round(statistics.median(t[key] for t in warm), 2) for key in first},
            }
        results["errors"] = page.errors  # type: ignore[attr-defined]
    return results


def annotated(browser: Browser, folder: Path, given: argparse.Namespace) -> dict[str, object]:
    """Return the times of the page of annotations with many of them."""
    home = folder / "home"
    if "EMQS_TOY_HOME" in os.environ:
        shutil.copytree(os.environ["EMQS_TOY_HOME"], home)
    else:
        demo.make(Home(home), quiet=True)
    add_people(home)
    with workplace(home, browser) as place:
        page = place.page("ann", "/d/toy/annotate" + ONE_TO_ONE)
        drawn(page)
        results: dict[str, object] = {"frames_of_none": frames(page)}
        results["writing_s"] = round(fill(place, given.annotations), 1)
        started = time.perf_counter()
        page.reload()
        expect(page.locator("tr.line")).to_have_count(50)
        results["first_rows_s"] = round(time.perf_counter() - started, 2)
        drawn(page)
        results["all_drawn_s"] = round(time.perf_counter() - started, 2)
        results["frames"] = frames(page)
        if given.screenshot is not None:
            drawn(page)
            page.screenshot(path=given.screenshot)
        print(json.dumps(results), file=sys.stderr, flush=True)
        results["table"] = table_times(page)
        results["errors"] = page.errors  # type: ignore[attr-defined]
    return results


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--annotations", type=int, default=100_000)
    parser.add_argument("--store", type=Path, help="an embedding volume that is searched instead")
    parser.add_argument("--screenshot", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as running:
        browser = launched(running)
        if given.store is None:
            results = annotated(browser, Path(folder), given)
        else:
            results = search_times(browser, Path(folder), given.store)
        browser.close()
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
