"""The page of annotations: drawing, editing, sharing, the atlas."""

import math
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from support.browsing import Workplace, drawn, no_serious_findings, until_true
from support.slices import ONE_TO_ONE, Slice

pytestmark = pytest.mark.slow

ALL = "/datasets/toy/annotations"
SHOWN = (  # whether the viewer shows those of ben
    "() => window.emqsViewer.layers().some((one) => one.name === 'annotations of ben')"
)
NM = (20.0, 5.0, 5.0)  # edges of a voxel of the toy, Z Y X


def kept(place: Workplace, name: str, **asked: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    """Return the annotations that somebody sees, oldest first."""
    with place.api(name) as client:
        answer = client.get(ALL, params={"limit": 1000, **asked}).raise_for_status()
    return list(answer.json()["annotations"])


def open_page(place: Workplace, name: str, tab: str = "annotations", **options: Any) -> Page:  # noqa: ANN401
    """Return the page of annotations with everything loaded."""
    page = place.page(name, f"/d/toy/annotate/{tab}{ONE_TO_ONE}", **options)
    drawn(page)
    return page


def tool(page: Page, kind: str) -> None:
    group = page.get_by_role("group", name="Tool")
    group.get_by_role("button", name=kind).click()
    expect(group.get_by_role("button", name=kind)).to_have_attribute("aria-pressed", "true")


def test_every_kind_is_drawn_by_clicks_at_voxels_and_measured_in_nm(place: Workplace) -> None:
    page = open_page(place, "ann")
    view = Slice(page)
    said = page.locator(".measure")

    view.click(200, 300, "Control")
    expect(page.locator("tr.line")).to_have_count(1)
    tool(page, "Line")
    view.click(200, 150, "Control")
    view.move(230, 190)  # 30 and 40 voxels of 5 nm: 250 nm
    expect(said).to_have_text("Length 250.0 nm")
    page.keyboard.press("Escape")  # gives up what was begun
    expect(said).to_contain_text("both ends")
    view.click(200, 150, "Control")
    view.move(216, 150)
    page.keyboard.press("Period")  # to the next slices
    page.keyboard.press("Period")
    page.keyboard.press("Period")
    drawn(page)
    view.move(215, 150)
    view.move(216, 150)
    expect(said).to_have_text("Length 100.0 nm")  # 3 slices of 20 nm, 16 voxels of 5 nm: 60, 80
    view.click(216, 150, "Control")
    expect(page.locator("tr.line")).to_have_count(2)
    tool(page, "Sphere")
    view.click(300, 200, "Control")
    view.move(300, 240)
    expect(said).to_have_text("Diameter 200.0 nm")
    view.click(300, 240, "Control")
    expect(page.locator("tr.line")).to_have_count(3)
    tool(page, "Box")
    view.click(340, 300, "Control")
    view.move(349, 319)
    expect(said).to_have_text("Edges z 20.0, y 50.0, x 100.0 nm")  # 10 and 20 voxels with both ends
    view.click(349, 319, "Control")
    expect(page.locator("tr.line")).to_have_count(4)

    point, line, sphere, box = kept(place, "ann")
    z = 6.5  # the viewer stands at 6, in the seventh slice
    near = pytest.approx
    assert point["points"] == [[z, near(200, abs=0.5), near(300, abs=0.5)]]
    assert (line["kind"], line["radius_nm"]) == ("line", None)
    assert line["points"][0] == [z, near(200, abs=0.5), near(150, abs=0.5)]
    assert line["points"][1] == [z + 3, near(216, abs=0.5), near(150, abs=0.5)]
    ends = zip(*line["points"], NM, strict=True)
    assert math.hypot(*((b - a) * size for a, b, size in ends)) == near(100, abs=0.2)
    assert sphere["points"] == [[z + 3, near(300, abs=0.5), near(220, abs=0.5)]]
    assert sphere["radius_nm"] == near(100, abs=0.1)
    assert box["points"] == [[9, 340, 300], [10, 350, 320]]

    page.locator("tr.line").nth(3).get_by_role("button").click()  # the point: go there
    expect(page.locator(".one")).to_contain_text("6.5, 200")
    until_true(page, f"() => window.emqsViewer.centre().z === {z}")
    page.get_by_role("button", name="Undo", exact=False).first.click()  # the box
    expect(page.locator("tr.line")).to_have_count(3)
    page.locator(".measure").click()
    page.keyboard.press("Control+z")  # the sphere
    expect(page.locator("tr.line")).to_have_count(2)
    assert [row["kind"] for row in kept(place, "ann")] == ["point", "line"]
    assert page.errors == []  # type: ignore[attr-defined]


def test_a_click_on_an_annotation_selects_its_row(place: Workplace) -> None:
    with place.api("mia") as client:
        fields = {"kind": "point", "points": [[6.0, 222.0, 333.0]], "title": "soma"}
        client.post(ALL, json=fields).raise_for_status()
    page = open_page(place, "mia")
    view = Slice(page)
    expect(page.locator("tr.line")).to_have_count(1)
    expect(page.locator("tr.detail")).to_have_count(0)
    drawn(page)
    view.click(222, 333)
    expect(page.locator("tr.current")).to_contain_text("soma")
    page.reload()  # the address says which one is looked at
    drawn(page)
    expect(page.locator("tr.current")).to_contain_text("soma")


def test_annotations_are_made_and_changed_with_the_keyboard_alone(place: Workplace) -> None:
    page = open_page(place, "rob")
    before = len(kept(place, "rob"))
    page.evaluate("() => window.emqsViewer.go({ z: 4.5, y: 100.5, x: 200.5 })")
    page.locator("body").focus()
    page.keyboard.press("Shift+L")
    page.keyboard.press("Shift+C")
    expect(page.locator(".measure")).to_contain_text("Escape")
    page.evaluate("() => window.emqsViewer.go({ z: 7.5, y: 116.5, x: 200.5 })")
    expect(page.locator(".measure")).to_have_text("Length 100.0 nm")
    button = page.get_by_role("button", name="End at the crosshair")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("tr.current")).to_have_count(1)
    title = page.get_by_role("form", name="Edit").get_by_label("Title")
    title.focus()
    page.keyboard.type("a length")
    page.keyboard.press("Enter")
    expect(page.locator("tr.current")).to_contain_text("a length")
    (made,) = kept(place, "rob")[before:]
    assert made["points"] == [[4.5, 100.5, 200.5], [7.5, 116.5, 200.5]]
    assert made["title"] == "a length"
    page.get_by_role("button", name="Place at the crosshair").or_(
        page.get_by_role("button", name="Begin at the crosshair")
    ).focus()
    page.keyboard.press("Control+z")
    expect(page.locator("tr.current")).not_to_contain_text("a length")


def test_texts_are_changed_in_place_with_history_and_undo(place: Workplace) -> None:
    with place.api("mia") as client:
        fields = {"kind": "point", "points": [[3.0, 50.0, 60.0]], "title": "first"}
        made = client.post(ALL, json=fields).raise_for_status().json()
    page = open_page(place, "mia")
    page.get_by_role("button", name="first", exact=True).click()
    form = page.get_by_role("form", name="Edit")
    form.get_by_label("Title").fill("second")
    form.get_by_label("Tags").fill("dark, odd , dark")
    form.get_by_label("Colour class").select_option("Another one…")
    form.get_by_label("Colour class").fill("golgi")
    form.get_by_role("button", name="Save").click()
    expect(page.locator("tr.current")).to_contain_text("second")
    with place.api("mia") as client:
        now = client.get(f"{ALL}/{made['id']}").json()
        assert (now["title"], now["tags"], now["colour_class"]) == (
            "second",
            ["dark", "odd"],
            "golgi",
        )
        # somebody else's change in the meantime is not overwritten
        match = {"If-Match": f'"{now["revision"]}"'}
        client.patch(f"{ALL}/{made['id']}", json={"title": "third"}, headers=match)
    page.get_by_role("button", name="History").click()
    expect(page.locator(".history")).to_contain_text("first → second")
    form.get_by_label("Title").fill("fourth")
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_role("alert")).to_contain_text("changed in the meantime")
    page.reload()
    drawn(page)
    expect(page.locator("tr.current")).to_contain_text("third")
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("tr.current")).to_have_count(0)
    page.locator(".notice").get_by_role("button", name="Undo").click()
    expect(page.locator("tr.line").filter(has_text="third")).to_have_count(1)


def test_a_group_sees_the_annotations_of_a_colleague_and_cannot_change_them(
    place: Workplace,
) -> None:
    with place.api("root") as root:
        root.post("/groups", json={"name": "lab"}).raise_for_status()
        for name in ("ben", "rea", "rob"):
            root.put(f"/groups/lab/members/{name}", json={}).raise_for_status()
    with place.api("ben") as client:
        fields = {"kind": "point", "points": [[6.0, 100.0, 100.0]], "title": "seen by ben"}
        client.post(ALL, json=fields).raise_for_status()
    page = open_page(place, "ben")
    page.locator("details.whose summary").click()
    page.get_by_label("lab", exact=True).check()
    expect(page.locator("details.whose summary")).to_contain_text("shown to lab")

    for name in ("rob", "rea"):
        page = open_page(place, name)
        row = page.locator("tr.line").filter(has_text="seen by ben")
        expect(row.get_by_role("checkbox")).to_have_count(0)
        row.get_by_role("button").click()
        expect(page.locator("tr.detail")).to_contain_text("This annotation is ben")
        expect(page.locator("tr.detail").get_by_role("button", name="Delete")).to_have_count(0)
        expect(page.locator("tr.detail").get_by_role("form")).to_have_count(0)
        drawn(page)
        until_true(page, SHOWN)
    # the reader is told why there are no tools
    expect(page.get_by_role("status").filter(has_text="annotator")).to_be_visible()
    expect(page.get_by_role("group", name="Tool")).to_have_count(0)
    expect(page.get_by_role("button", name="Import")).to_have_count(0)
    page.locator("details.whose summary").click()
    page.get_by_label("ben", exact=True).uncheck()
    expect(page.locator("tr.line")).to_have_count(0)
    drawn(page)
    until_true(page, f"() => !({SHOWN})()")
    Slice(page).click(100, 100, "Control")  # draws nothing
    assert len(kept(place, "rea", owner="ben")) == 1


def test_an_annotation_is_submitted_to_the_atlas_withdrawn_and_submitted_again(
    place: Workplace,
) -> None:
    with place.api("ben") as client:
        fields = {"kind": "point", "points": [[6.0, 150.0, 150.0]], "title": "a synapse"}
        client.post(ALL, json=fields).raise_for_status()
    page = open_page(place, "ben")
    page.get_by_role("button", name="a synapse").click()
    page.get_by_role("button", name="To the atlas…").click()
    page.get_by_label("Description").fill("with a ribbon")
    page.get_by_role("button", name="Submit", exact=True).click()
    entry = page.locator("li.entry").filter(has_text="a synapse")
    expect(entry.locator(".state")).to_have_text("submitted")
    with place.api("rob") as client:
        (card,) = client.get("/atlas", params={"dataset": "toy", "owner": "ben"}).json()["entries"]
        assert (card["title"], card["description"]) == ("a synapse", "with a ribbon")
        body = {"step": "changes_requested", "revision": card["revision"], "text": "how large?"}
        client.post(f"/datasets/toy/atlas/{card['id']}/review", json=body).raise_for_status()
    page.reload()
    expect(entry.locator(".state")).to_have_text("changes asked for")
    entry.get_by_role("button", name="Discussion").click()
    expect(entry).to_contain_text("how large?")
    entry.get_by_label("Comment").fill("200 nm")
    entry.get_by_role("button", name="Add the comment").click()
    expect(entry.locator(".discussion")).to_contain_text("200 nm")
    entry.get_by_role("button", name="Submit again").click()
    expect(entry.locator(".state").first).to_have_text("submitted")
    entry.get_by_role("button", name="Withdraw").click()
    expect(entry.locator(".state").first).to_have_text("withdrawn")
    assert page.errors == []  # type: ignore[attr-defined]


def test_nothing_keeps_people_from_using_the_tabs(place: Workplace) -> None:
    body = {"kind": "point", "points": [[6.5, 100, 100]], "title": "one that is there"}
    place.api("ben").post(ALL, json=body).raise_for_status()
    page = open_page(place, "ben")
    tabs = page.get_by_role("navigation", name="Parts of the page")
    page.locator("tr.line").first.get_by_role("button").click()
    for name in ("Annotations", "Atlas", "Segments", "Layers and napari"):
        tabs.get_by_role("link", name=name).click()
        expect(page.locator(".annotate section").first).to_be_visible()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            no_serious_findings(page)
    tabs.get_by_role("link", name="Annotations").click()
    for name in ("Columns", "Import", "Export"):
        page.get_by_role("button", name=name).click()
        no_serious_findings(page)
        page.keyboard.press("Escape")
