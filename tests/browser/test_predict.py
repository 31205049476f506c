"""The page of predictions: from the examples of a search to an overlay, objects, the volume."""

import csv
import io
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from playwright.sync_api import Page, expect
from support.browsing import (
    Workplace,
    click_voxel,
    drawn,
    no_serious_findings,
    until_equal,
    until_true,
)

from emqs.volumes import open_volume

pytestmark = pytest.mark.slow
JOBS = True  # a process does them

EXAMPLES = {"p": [[6, 61, 386], [6, 83, 392]], "n": [[6, 300, 330], [6, 250, 60]]}
SEARCH = "/d/toy/search#" + quote(json.dumps({"search": EXAMPLES}))
FIRST_MS = 240_000  # the first prediction of a process, on a busy computer
LAYERS = "window.emqsViewer.layers().map((layer) => layer.name)"


def kept(page: Page) -> dict[str, Any]:
    return dict(json.loads(unquote(urlsplit(page.url).fragment) or "{}"))


def body(page: Page, **more: object) -> dict[str, Any]:
    """Return what the page has asked, as its address holds it."""
    state = kept(page)
    r = state["predict"]["r"]
    places = {
        name: [dict(zip("zyx", one, strict=True)) for one in state["search"].get(key, [])]
        for name, key in (("positives", "p"), ("negatives", "n"))
    }
    return {**places, "start": r[:3], "stop": r[3:], **more}


def labels(page: Page) -> list[int]:
    return [int(text) for text in page.locator("table.objects tbody button").all_inner_texts()]


def by_volume(objects: list[dict]) -> list[int]:
    return [row["label"] for row in sorted(objects, key=lambda o: (-o["volume_nm3"], o["label"]))]


def volume_of(objects: list[dict]) -> str:
    """Volume of the first object, as the list of objects has it."""
    return f"{max(row['volume_nm3'] for row in objects):,.0f}"


def test_from_a_search_to_objects(place: Workplace, tmp_path: Path) -> None:
    page = place.page("ann", SEARCH)
    drawn(page)
    page.get_by_role("link", name="Predict the objects").click()
    expect(page.get_by_role("heading", name="Predict", exact=True)).to_be_visible()
    expect(page.locator(".thumbnail.positives")).to_have_count(2)
    page.keyboard.press("Enter")  # predict here, also before the viewer stands
    rows = page.locator("table.objects tbody tr")
    expect(rows.first).to_be_visible(timeout=FIRST_MS)
    asked = body(page)
    assert (asked["start"], asked["stop"]) == ([6, 0, 0], [7, 512, 512])
    ann = place.api("ann")
    told = ann.post("/datasets/toy/predictions", json=asked, timeout=240).raise_for_status().json()
    assert labels(page) == by_volume(told["objects"])
    until_true(page, f"() => {LAYERS}.includes('probability')")
    drawn(page)
    # the page before has taken back its marks before this one drew them
    drawn_here = ["image", "labels", "positives", "negatives", "probability", "predicted part"]
    assert sorted(page.evaluate(f"() => {LAYERS}")) == sorted(drawn_here)
    page.screenshot(path=tmp_path / "predicted.png")

    # an object: seen in the viewer, gone to by a click
    largest = max(told["objects"], key=lambda row: row["volume_nm3"])
    rows.first.hover()
    until_true(page, f"() => {LAYERS}.includes('object')")
    rows.first.get_by_role("button").click()
    expected = {axis: pytest.approx(largest[axis] + 0.5, abs=1e-3) for axis in "zyx"}
    assert page.evaluate("() => window.emqsViewer.centre()") == expected

    # the threshold: other objects of the same probability
    slider = page.get_by_label("Threshold", exact=True)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.method} {request.url}"))
    slider.fill("20")
    one = f"/datasets/toy/predictions/{told['id']}"
    lower = ann.get(f"{one}/objects", params={"threshold": 0.2}).json()["objects"]
    assert volume_of(lower) != volume_of(told["objects"])
    expect(rows).to_have_count(len(lower))
    expect(rows.first).to_contain_text(volume_of(lower))
    assert labels(page) == by_volume(lower)
    assert not [one for one in sent if one.startswith("POST") or "precomputed" in one]
    assert kept(page)["predict"]["t"] == 0.2
    with page.expect_download() as download:
        page.get_by_role("button", name="Table (CSV)").click()
    table = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert [int(row["n_voxels"]) for row in table] == [row["n_voxels"] for row in lower]
    no_serious_findings(page)

    # a reload shows the same
    page.reload()
    expect(rows).to_have_count(len(lower))
    assert labels(page) == by_volume(lower)
    expect(page.get_by_label("Threshold", exact=True)).to_have_value("20")
    page.get_by_role("button", name="Usual").click()
    expect(rows).to_have_count(len(told["objects"]))
    expect(rows.first).to_contain_text(volume_of(told["objects"]))

    # a click on what is suggested is an example, and is predicted with
    suggestion = page.locator(".suggestion").first
    suggestion.get_by_role("button", name="No, ").click()
    expect(page.locator(".thumbnail.negatives")).to_have_count(3)
    assert kept(page)["search"]["n"][-1] == [told["suggestions"][0][axis] for axis in "zyx"]
    again = ann.post("/datasets/toy/predictions", json=body(page), timeout=240).json()
    assert again["id"] != told["id"]
    source = "window.emqsViewer.overlaySources('probability')"
    until_equal(page, f"() => {source}.every((url) => url.includes('{again['id']}'))", True)
    expect(rows).to_have_count(len(again["objects"]))

    # so is one in the slice, and undo
    drawn(page)
    click_voxel(page, 40, 40, keys=("Alt", "Shift"))
    expect(page.locator(".thumbnail.negatives")).to_have_count(4)
    page.keyboard.press("Control+z")
    expect(page.locator(".thumbnail.negatives")).to_have_count(3)
    until_equal(page, f"() => {source}.every((url) => url.includes('{again['id']}'))", True)

    # another page and back: it is still there
    page.get_by_role("link", name="Search", exact=True).click()
    until_true(page, f"() => !{LAYERS}.includes('probability')")
    page.get_by_role("link", name="Predict", exact=True).click()
    until_true(page, f"() => {LAYERS}.includes('probability')")
    page.get_by_role("button", name="Remove the prediction").click()
    until_true(page, f"() => !{LAYERS}.includes('probability')")
    assert "predict" not in kept(page)
    assert page.errors == []  # type: ignore[attr-defined]


def test_the_whole_volume_as_a_job(place: Workplace, tmp_path: Path) -> None:
    page = place.page("ann", SEARCH.replace("/search#", "/predict#"))
    drawn(page)
    page.get_by_label("Name of the layer").fill("labels")
    expect(page.get_by_text("There is a layer of this name.")).to_be_visible()
    page.get_by_label("Name of the layer").fill("mito")
    page.get_by_role("button", name="Run on the whole volume").click()
    link = page.get_by_role("link", name="Download")
    expect(link).to_be_visible(timeout=2 * FIRST_MS)
    visible = LAYERS.replace("layer.name", "[layer.name, layer.visible]")
    shown = f"() => {visible}.filter(([name]) => name.startsWith('mito'))"
    until_equal(page, shown, [["mito", False], ["mito-objects", True]])
    drawn(page)
    page.screenshot(path=tmp_path / "objects.png")
    page.get_by_role("checkbox", name="mito", exact=True).check()
    until_equal(page, shown, [["mito", True], ["mito-objects", True]])
    drawn(page)
    page.screenshot(path=tmp_path / "probability.png")
    ann = place.api("ann")
    (state,) = (
        layer
        for layer in ann.get("/datasets/toy/state").json()["layers"]
        if layer["name"] == "mito"
    )
    assert state["shaderControls"] == {"threshold": 0.5}
    assert "#uicontrol float threshold" in state["shader"]
    job = next(one for one in ann.get("/jobs").json()["jobs"] if one["kind"] == "predict")
    table = list(csv.DictReader(io.StringIO(ann.get(f"/jobs/{job['id']}/file").text)))
    layers = {layer["name"]: layer for layer in ann.get("/datasets/toy").json()["layers"]}
    assert layers["mito"]["kind"] == "image"
    assert layers["mito-objects"]["own"]
    (made,) = place.home.glob("layers/*/mito-*.zarr")
    with open_volume(made / "labels" / "objects") as objects:
        assert objects.shape == (12, 512, 512)
        numbers = objects.read(objects.box)
    assert sorted({int(row["label"]) for row in table}) == list(range(1, int(numbers.max()) + 1))
    assert len(table) > 0
    assert page.errors == []  # type: ignore[attr-defined]


def test_who_may_not_and_what_is_wrong(place: Workplace) -> None:
    page = place.page("rea", "/d/toy/predict")
    drawn(page)
    button = page.get_by_role("button", name="Predict here")
    expect(button).to_be_disabled()
    expect(button).to_have_attribute("title", "Add an example of the structure first.")
    expect(page.get_by_text("This needs the role annotator in the dataset.")).to_be_visible()
    expect(page.get_by_role("button", name="Run on the whole volume")).to_have_count(0)
    outside = {"search": EXAMPLES, "predict": {"r": [6, 0, 0, 7, 900, 512]}}
    page = place.page("rea", "/d/toy/predict#" + quote(json.dumps(outside)))
    expect(page.get_by_role("alert")).to_contain_text("inside the volume", timeout=FIRST_MS)
    no_serious_findings(page)
    assert page.errors == []  # type: ignore[attr-defined]
