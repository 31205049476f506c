"""The page of searches: from a click to cards, to marks, to the next search."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from support.browsing import (
    Workplace,
    click_voxel,
    drawn,
    no_serious_findings,
    until_equal,
    until_true,
)
from support.search_pages import (
    EXAMPLE,
    OTHER,
    answer,
    asked,
    opened,
    places,
    same_cards,
    search,
    settled,
    triple,
)

pytestmark = pytest.mark.slow


def test_from_a_click_to_matches_to_a_refined_search(place: Workplace) -> None:
    page = opened(place)
    expect(page.get_by_role("button", name="Search", exact=True)).to_be_disabled()
    click_voxel(page, 30, -40, keys=("Alt",))
    click_voxel(page, -150, 90, keys=("Alt", "Shift"))
    positives = page.get_by_role("list", name="Looks like this").locator(".thumbnail")
    negatives = page.get_by_role("list", name="Not like this").locator(".thumbnail")
    expect(positives).to_have_count(1)
    expect(negatives).to_have_count(1)
    expect(positives.locator(".sign")).to_have_text("+")
    expect(negatives.locator(".sign")).to_have_text("\u2212")
    picture = positives.locator("img")
    until_true(page, "() => document.querySelector('.thumbnail img').naturalWidth === 80")
    assert "width=80&height=80" in (picture.get_attribute("src") or "")

    # undo, by the button and by keys; remove
    page.get_by_role("button", name="Undo").click()
    expect(negatives).to_have_count(0)
    click_voxel(page, -150, 90, keys=("Alt", "Shift"))
    page.keyboard.press("Enter")  # meant for the search, not for the button that was pressed before
    expect(page.locator(".card").first).to_be_visible()
    expect(negatives).to_have_count(1)
    positives.get_by_role("button", name="Remove").click()
    expect(positives).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(positives).to_have_count(1)

    search(page)
    question = {"positives": places(asked(page)["p"]), "negatives": places(asked(page)["n"])}
    told = answer(place, **question)
    same_cards(page, told["matches"])
    expect(
        page.get_by_role("status").filter(has_text=f"{len(told['matches'])} in all")
    ).to_be_visible()
    layers = "window.emqsViewer.layers().map((layer) => layer.name)"
    until_equal(page, f"() => {layers}.slice(2).sort()", ["Matches", "negatives", "positives"])

    third = page.locator("ol[aria-label=Matches] .card").nth(2)
    third.hover()
    until_true(page, f"() => {layers}.includes('highlighted')")
    third.locator("button.go").click()
    where = page.evaluate("() => window.emqsViewer.centre()")
    assert where == {axis: told["matches"][2][axis] + 0.5 for axis in "zyx"}

    # marks, and places to mark
    first, second = told["matches"][:2]
    page.get_by_role("button", name="Match 1 is right").click()
    page.get_by_role("button", name="Match 2 is wrong").click()
    expect(page.get_by_role("group", name="Marks")).to_contain_text("✓ 1 right, ✗ 1 wrong")
    page.get_by_role("button", name="Label these next").click()
    wished = answer(place, path="search/suggestions", question=question, n=8)["matches"]
    said = {(row["z"], row["y"], row["x"]) for row in (first, second)}
    telling = [row["rank"] for row in wished if (row["z"], row["y"], row["x"]) not in said][:6]
    ranks = page.locator(".suggestions .rank")
    expect(ranks).to_have_text([str(rank) for rank in telling])
    no_serious_findings(page)
    page.locator(".suggestions .card").first.get_by_role("button", name="is wrong").click()
    marks = [
        {**{axis: row[axis] for axis in "zyx"}, "mark": mark}
        for row, mark in (
            (first, "right"),
            (second, "wrong"),
            (wished_row(wished, telling), "wrong"),
        )
    ]
    page.get_by_role("button", name="Refine").click()
    refined = answer(place, path="search/refine", question=question, marks=marks)
    expect(positives).to_have_count(2)
    expect(negatives).to_have_count(3)
    same_cards(page, refined["matches"])
    assert places(asked(page)["p"]) == refined["question"]["positives"]
    page.get_by_role("button", name="Undo").click()
    expect(negatives).to_have_count(1)
    expect(page.get_by_text("These matches answer the question before.")).to_be_visible()
    assert page.errors == []  # type: ignore[attr-defined]


def wished_row(wished: list[dict], telling: list[int]) -> dict:
    return next(row for row in wished if row["rank"] == telling[0])


def test_filters_and_endless_pages(place: Workplace) -> None:
    page = opened(place, p=[triple(EXAMPLE)], f={"distance_nm": 0, "k": 24}, shown=24)
    shown = page.locator("ol[aria-label=Matches] .card")
    expect(shown.nth(23)).to_be_attached()
    page.locator("ol[aria-label=Matches] + div").scroll_into_view_if_needed()
    expect(shown.nth(47)).to_be_attached()
    settled(page, shown.count())
    n = shown.count()
    assert n >= 48
    same_cards(page, answer(place, positives=[EXAMPLE], distance_nm=0, k=n)["matches"])
    page.reload()  # what was on the page is there again, all at once
    expect(shown).to_have_count(n)

    # a region: what is in view, then a field
    page.locator("summary", has_text="Filters").click()
    page.evaluate("() => window.emqsViewer.go({z: 6.5, y: 128, x: 128})")
    page.evaluate(
        "() => { const v = window.emqsViewer; v.restore({...v.state(), crossSectionScale: 0.3}); }"
    )
    drawn(page)
    page.get_by_role("button", name="What is in view").click()
    view = page.evaluate("() => window.emqsViewer.inView()")
    region = asked(page)["f"]["region"]
    assert region["start"][1] == pytest.approx(max(0, (view["start"]["y"] - 0.5) * 5))
    assert region["stop"][2] == pytest.approx(min(511 * 5, (view["stop"]["x"] - 0.5) * 5))
    assert [region["start"][0], region["stop"][0]] == [0, 220], "all slices of 20 nm"
    page.get_by_label("z to, nm", exact=True).fill("100")
    page.get_by_label("z to, nm", exact=True).press("Tab")
    search(page)
    region = asked(page)["f"]["region"]
    assert region["stop"][0] == 100
    expected = answer(place, positives=[EXAMPLE], distance_nm=0, k=24, region_nm=region)["matches"]
    assert expected
    assert max(row["z_nm"] for row in expected) <= 100
    same_cards(page, expected)
    until_true(page, "() => window.emqsViewer.layers().some((one) => one.name === 'region')")
    page.get_by_role("button", name="Everywhere").click()
    page.get_by_role("button", name="Usual").click()

    # segments: those that are selected in the viewer
    page.evaluate("() => window.emqsViewer.select('labels', ['3', '5'])")
    page.get_by_role("button", name="Selected").first.click()
    page.get_by_label("Rank every place exactly").check()
    search(page)
    question = {"positives": [EXAMPLE], "k": 24, "inside": ["3", "5"], "exact": True}
    same_cards(page, answer(place, **question)["matches"])
    inside = page.get_by_label("Only inside of segments")
    expect(inside).to_have_value("3 5")
    page.get_by_label("Not inside of segments").fill("3")
    page.get_by_label("Not inside of segments").press("Tab")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("searched and left out at once")
    no_serious_findings(page)
    assert page.errors == []  # type: ignore[attr-defined]


def test_all_of_it_without_a_mouse(place: Workplace) -> None:
    page = opened(place)
    page.keyboard.press("p")  # the mouse is not over the viewer: its centre
    expect(page.locator(".examples.positives .thumbnail")).to_have_count(1)
    assert asked(page)["p"] == [[6, 256, 256]]
    page.evaluate("() => window.emqsViewer.go({z: 3.5, y: 120.5, x: 90.5})")
    page.get_by_role("button", name="negative example").press("Enter")
    expect(page.locator(".examples.negatives .thumbnail")).to_have_count(1)
    assert asked(page)["n"] == [[3, 120, 90]]
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("Enter")
    first = page.locator("ol[aria-label=Matches] .card button.go").first
    expect(first).to_be_visible()
    page.get_by_text("Export", exact=True).focus()
    page.keyboard.press("Tab")
    expect(first).to_be_focused()
    page.keyboard.press("w")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("r")
    page.keyboard.press("ArrowDown")  # three in a row
    page.keyboard.press("s")
    expect(page.locator(".card.wrong .rank")).to_have_text(["1"])
    expect(page.locator(".card.right .rank")).to_have_text(["2"])
    expect(page.get_by_label("Select match 5", exact=True)).to_be_checked()
    expected = answer(place, positives=[{"z": 6, "y": 256, "x": 256}], negatives=[OTHER])
    page.keyboard.press("Enter")
    fifth = {axis: expected["matches"][4][axis] + 0.5 for axis in "zyx"}
    until_equal(page, "() => window.emqsViewer.centre()", fifth)
    page.keyboard.press("w")
    page.keyboard.press("w")  # takes it back
    page.keyboard.press("f")
    expect(page.locator(".examples.positives .thumbnail")).to_have_count(2)
    expect(page.locator(".examples.negatives .thumbnail")).to_have_count(2)
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys and gestures")
    expect(dialog).to_be_visible()
    no_serious_findings(page)
    page.keyboard.press("n")  # means nothing while a dialog is open
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.locator(".examples.negatives .thumbnail")).to_have_count(2)
    click_voxel(page, 10, 10)
    page.keyboard.press("n")  # under the mouse now
    expect(page.locator(".examples.negatives .thumbnail")).to_have_count(3)
    assert page.errors == []  # type: ignore[attr-defined]


def test_matches_are_there_soon_after_the_click(
    place: Workplace, record_property: Callable[[str, object], None]
) -> None:
    page = opened(place)
    page.get_by_label("Search at every change").check()
    times = []
    for dx in (10, 60, 110):
        began = time.perf_counter()
        click_voxel(page, dx, 20, keys=("Alt",))
        expect(page.locator(".thumbnail")).to_have_count(1)
        until_true(
            page,
            "() => { const image = document.querySelector('ol[aria-label=Matches] img');"
            " return Boolean(image?.complete && image.naturalWidth) &&"
            " !document.querySelector('.stale, .working'); }",
        )
        times.append(time.perf_counter() - began)
        page.get_by_role("button", name="Clear").click()
        expect(page.locator(".thumbnail")).to_have_count(0)
    record_property("seconds from the click to cards", times)
    assert min(times) < 10, "on a busy computer; an idle one takes less than a second"
