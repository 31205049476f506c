"""Every page looks as it did when somebody last looked at it.

``EMQS_NEW_PICTURES=1`` writes them to ``docs/pages``, too, as they are; look at them.
"""

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from support.browsing import Workplace, drawn
from support.pictures import MOST_CHANGED, picture_of, same_as_before, share_changed

pytestmark = pytest.mark.slow
JOBS = True  # a process does them

STILL: dict[str, Any] = {"color_scheme": "light", "reduced_motion": "reduce"}
GO = """(path) => {  // as a click on a link does, so that the viewer stays
    history.pushState(null, "", path);
    window.dispatchEvent(new PopStateEvent("popstate"));
}"""
LAYER = ".viewer-tools .layer"
SHOWN = Path(__file__).parents[2] / "docs" / "pages"
ASKED = {"search": {"p": [[6, 61, 386]], "n": [[6, 250, 60]], "shown": 24}}
CARDS = "/d/toy/search#" + quote(json.dumps(ASKED)).replace("{", "{{").replace("}", "}}")
CLICKS = {"p": [[6, 61, 386], [6, 83, 392]], "n": [[6, 420, 60], [6, 250, 60]]}
PART = [6, 0, 0, 7, 512, 512]
STATE = {"search": CLICKS, "predict": {"r": PART}}
PREDICTED = "/d/toy/predict#" + quote(json.dumps(STATE)).replace("{", "{{").replace("}", "}}")
MORE_THAN_SHOWN = 16  # lines of a table
# name of the reference, who looks, address, what is there once the page is, what varies besides
PAGES = [
    ("sign-in", None, "/", "form", ()),
    ("search", "ann", "/d/toy/search", LAYER, ()),
    ("search-cards", "ann", CARDS, ".card >> nth=8", (".card p",)),
    ("search-dark", "ann", CARDS, ".card >> nth=8", (".card p",)),
    ("search-saved", "ann", "/d/toy/search/saved", "text=A kept search", ()),
    ("predict", "ann", PREDICTED, "table.objects tbody tr", ("td",)),
    ("annotate", "ann", "/d/toy/annotate", "tr.line >> nth=3", ()),
    ("annotate-dark", "ann", "/d/toy/annotate", "tr.line >> nth=3", ()),
    ("annotate-atlas", "ann", "/d/toy/annotate/atlas", "li.entry >> nth=0", ()),
    ("annotate-segments", "ann", "/d/toy/annotate/segments", ".groups li", ()),
    ("annotate-layers", "ann", "/d/toy/annotate/layers", "text=No links are valid now", ()),
    ("atlas", "rob", "/d/toy/atlas", "text=The dark one", ()),
    ("atlas-all", "rob", "/atlas", "text=The dark one", ()),
    ("atlas-entry", "rob", "/d/toy/atlas/{entry}", "text=Accept", ()),
    ("reviews", "rob", "/d/toy/reviews", "text=Two are one", ()),
    ("review", "rob", "/d/toy/reviews/{pull}", "text=2 segments become 1", ()),
    ("account", "ann", "/account", "text=Display name", ()),
    ("datasets", "root", "/datasets", "main >> text=Toy neuropil", ()),
    ("settings-about", "root", "/d/toy/settings", "form", ()),
    ("settings-layers", "root", "/d/toy/settings/layers", "tbody tr", ()),
    ("settings-members", "root", "/d/toy/settings/members", "tbody tr >> nth=4", ()),
    ("settings-links", "root", "/d/toy/settings/links", "text=No links are valid now", ()),
    ("settings-jobs", "root", "/d/toy/settings/jobs", "h1", ()),
    ("admin-users", "root", "/admin/users", "tbody tr >> nth=6", ()),
    ("admin-groups", "root", "/admin/groups", "h1", ()),
    ("admin-jobs", "root", "/admin/jobs", "h1", ()),
    ("admin-workers", "root", "/admin/workers", "h1", ("tbody",)),
    ("admin-audit", "root", "/admin/audit", "tbody tr >> nth=0", ("tbody",)),
    ("refused", "rea", "/admin/users", "text=administrators", ()),
]


@pytest.fixture(scope="module")
def filled(shared_place: Workplace) -> dict[str, str]:
    """The ids of an entry of the atlas and a pull request, among more that pages show."""
    shared_place.by_password = True  # pages of the admin show who signed in when
    ann = shared_place.api("ann")
    rows = [
        {"kind": "point", "points": [[6.5, 100.5, 330.5]], "title": "The dark one", "tags": ["x"]},
        {"kind": "line", "points": [[6.5, 20, 30], [6.5, 60, 60]], "title": "A neurite"},
        {"kind": "sphere", "points": [[6.5, 200, 220]], "radius_nm": 100.0, "title": "A vesicle"},
        {"kind": "box", "points": [[2, 20, 30], [9, 90, 80]], "title": "A spine"},
    ]
    for row in rows:
        row["description"] = f"About {row['title']}."
        ann.post("/datasets/toy/annotations", json=row).raise_for_status()
    listed = ann.get("/datasets/toy/annotations", params={"sort": "created"}).json()
    first = listed["annotations"][0]
    asked = {"annotation": first["id"], "revision": first["revision"]}
    entry = ann.post("/datasets/toy/atlas", json=asked).raise_for_status().json()
    layers = ann.get("/datasets/toy").json()["layers"]
    version = next(one["version"] for one in layers if one["name"] == "labels")
    step = {"action": "merge", "segments": ["1", "2"], "base_version": version}
    ann.post("/datasets/toy/merges/labels", json=step).raise_for_status()
    request = {"layer": "labels", "title": "Two are one", "description": "A fold lies between."}
    pull = ann.post("/datasets/toy/pulls", json=request).raise_for_status().json()
    question = {"positives": [{"z": 6, "y": 200, "x": 300}]}
    kept = {"title": "A kept search", "note": "Vesicles.", "question": question}
    ann.post("/datasets/toy/searches", json=kept).raise_for_status()
    wanted = {
        name: [dict(zip("zyx", one, strict=True)) for one in CLICKS[key]]
        for name, key in (("positives", "p"), ("negatives", "n"))
    }
    wanted |= {"start": PART[:3], "stop": PART[3:]}
    ann.post("/datasets/toy/predictions", json=wanted, timeout=240).raise_for_status()
    for _ in range(MORE_THAN_SHOWN):  # how many lines of the audit log there are varies by one
        shared_place.api("rea")
    return {"entry": entry["id"], "pull": pull["id"]}


@pytest.fixture(scope="module")
def looks(shared_place: Workplace, filled: dict[str, str]) -> Iterator[dict[str, Image.Image]]:
    """A picture of each page."""
    pages: dict[str | None, Page] = {}
    taken = {}
    for name, who, path, sign, varying in PAGES:
        if who not in pages:
            pages[who] = shared_place.page(who, path.format(**filled), **STILL)
        page = pages[who]
        page.emulate_media(color_scheme="dark" if name.endswith("-dark") else "light")
        page.evaluate(GO, path.format(**filled))
        expect(page.locator(sign).first).to_be_visible()
        expect(page.locator(".spinner")).to_have_count(0)
        if "/d/toy/" in path and "settings" not in path:
            expect(page.locator(LAYER).first).to_be_visible()
        page.evaluate("() => document.fonts.ready")
        taken[name] = picture_of(page, *varying)
        if os.environ.get("EMQS_NEW_PICTURES") and name != "settings-layers":  # it shows paths
            show(page, name)
    page = pages["root"]  # a page that is another one: a line less, a button less
    page.evaluate(GO, "/d/toy/settings/members")
    expect(page.locator("tbody tr").nth(4)).to_be_visible()
    page.evaluate("() => document.querySelector('tbody tr').remove()")
    taken["a line less"] = picture_of(page)
    page.evaluate(GO, "/datasets")
    expect(page.locator("main >> text=Toy neuropil")).to_be_visible()
    page.evaluate("() => { document.querySelector('main').style.marginLeft = '2rem'; }")
    taken["moved"] = picture_of(page)
    yield taken
    shared_place.close_pages()


def show(page: Page, name: str) -> None:
    """Write what a page shows, once its viewer and its pictures are drawn, for those who read."""
    if page.locator(".viewer").count():
        drawn(page)
    page.wait_for_load_state("networkidle")
    content = page.screenshot(animations="disabled", caret="hide")
    whole = Image.open(io.BytesIO(content)).convert("RGB")
    whole.save(SHOWN / f"{name}.webp", quality=85, method=6)


def test_pages_look_as_before(looks: dict[str, Image.Image], tmp_path: Path) -> None:
    told = [same_as_before(looks[name], name, tmp_path) for name, *_ in PAGES]
    assert not any(told), "\n".join(one for one in told if one)


@pytest.mark.parametrize(
    ("changed", "name"), [("a line less", "settings-members"), ("moved", "datasets")]
)
def test_a_changed_page_is_told(looks: dict[str, Image.Image], changed: str, name: str) -> None:
    assert share_changed(looks[changed], looks[name]) > 2 * MOST_CHANGED
    assert share_changed(looks[name], looks[name]) == 0
