"""Pull requests of merges: seen in the viewer, in conflict, reviewed, applied."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from support.browsing import Workplace, drawn, no_serious_findings, until_true

pytestmark = pytest.mark.slow


def opened(place: Workplace, name: str, title: str, *groups: list[str]) -> dict[str, Any]:
    """Return a pull request of somebody who has merged groups of segments."""
    client = place.api(name)
    layers = client.get("/datasets/toy").json()["layers"]
    version = next(one["version"] for one in layers if one["name"] == "labels")
    client.delete("/datasets/toy/merges/labels").raise_for_status()
    for group in groups:
        step = {"action": "merge", "segments": group, "base_version": version}
        client.post("/datasets/toy/merges/labels", json=step).raise_for_status()
    body = {"layer": "labels", "title": title, "description": "The gap at z 5 is a fold."}
    pull = client.post("/datasets/toy/pulls", json=body)
    pull.raise_for_status()
    return dict(pull.json())


def selected(page: Page, *segments: str) -> None:
    """Wait until the viewer shows these segments."""
    shown = ",".join(segments)
    until_true(page, f"() => window.emqsViewer?.segments('labels').sort().join(',') === '{shown}'")


def test_a_reviewer_sees_the_segments_and_accepts(place: Workplace) -> None:
    opened(place, "ann", "Neurites of ann", ["1", "2", "3"], ["7", "8"])
    rob = place.page("rob", "/d/toy/reviews")
    drawn(rob)
    no_serious_findings(rob)
    rob.get_by_label("State").select_option("Accepted")
    expect(rob.get_by_text("Nothing fits the filter.")).to_be_visible()
    rob.get_by_label("State").select_option("Open")
    rob.get_by_role("link", name="Neurites of ann").click()
    expect(rob.get_by_text("3 segments become 1")).to_be_visible()
    selected(rob, "1", "2", "3", "7", "8")
    drawn(rob)
    layer = "window.emqsViewer.layers().find((one) => one.name === 'labels')"
    assert rob.evaluate(f"() => {layer}.visible")
    colours = rob.evaluate(
        "() => window.emqsViewer.state().layers.find((one) => one.name === 'labels').segmentColors"
    )
    assert colours["1"] == colours["3"] == "#e69f00"
    assert colours["7"] == colours["8"] == "#56b4e9"
    no_serious_findings(rob)
    rob.get_by_role("button", name="Show alone: 7").click()
    selected(rob, "7", "8")
    before = rob.evaluate("() => window.emqsViewer.centre()")
    rob.get_by_role("button", name="Go to segment 8").click()
    until_true(
        rob,
        f"() => Math.abs(window.emqsViewer.centre().x - {before['x']}) + "
        f"Math.abs(window.emqsViewer.centre().y - {before['y']}) > 1",
    )
    rob.get_by_label("Comment").fill("Well seen.")
    rob.get_by_role("button", name="Comment").click()
    expect(rob.get_by_role("list", name="History")).to_contain_text("Well seen.")
    rob.get_by_role("button", name="Accept").click()
    expect(rob.get_by_role("list", name="History")).to_contain_text("Accepted")
    expect(rob.get_by_text("Accepted, not applied yet")).to_be_visible()
    expect(rob.get_by_role("button", name="Publish for all")).to_have_count(0)  # for managers


def test_a_conflict_is_marked_and_explained(place: Workplace) -> None:
    second = opened(place, "ben", "Neurites of ben", ["2", "5"])
    rob = place.page("rob", "/d/toy/reviews")
    rob.get_by_role("link", name="Neurites of ben").click()
    told = rob.get_by_role("alert").filter(has_text="Conflicts")
    expect(told).to_contain_text("has merged segment 2, too")
    expect(rob.get_by_role("button", name="Accept")).to_be_disabled()
    expect(rob.locator(".segment.conflict")).to_have_count(1)
    expect(rob.locator(".segment.conflict")).to_contain_text("2")
    no_serious_findings(rob)
    told.get_by_role("link", name="See the other request").click()
    expect(rob).to_have_url(re.compile("/d/toy/reviews/"))
    expect(rob.get_by_role("heading", name="Neurites of ann")).to_be_visible()
    rob.go_back()
    rob.get_by_label("Reason").fill("Leave out segment 2.")
    rob.get_by_role("button", name="Ask for changes").click()
    expect(rob.get_by_role("list", name="History")).to_contain_text("Leave out segment 2.")

    ben = place.api("ben")
    version = second["base_version"]
    ben.delete("/datasets/toy/merges/labels").raise_for_status()
    step = {"action": "merge", "segments": ["5", "6"], "base_version": version}
    ben.post("/datasets/toy/merges/labels", json=step).raise_for_status()
    page = place.page("ben", f"/d/toy/reviews/{second['id']}")
    assert page.get_by_role("button", name="Accept").count() == 0
    page.get_by_role("button", name="Take my merges as they are now").click()
    page.get_by_role("dialog").get_by_role("button", name="Take my merges").click()
    expect(page.get_by_text("2 segments become 5")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_role("button", name="Withdraw the request").click()
    page.get_by_role("dialog").get_by_role("button", name="Withdraw").click()
    expect(page.get_by_role("list", name="History")).to_contain_text("Withdrawn")
    assert rob.errors == page.errors == []  # type: ignore[attr-defined]


def test_a_manager_publishes_what_was_accepted(place: Workplace) -> None:
    before = place.api("rea").get("/datasets/toy").json()["layers"]
    version = next(one["version"] for one in before if one["name"] == "labels")
    mia = place.page("mia", "/d/toy/reviews")
    mia.get_by_role("button", name="Publish for all").click()
    mia.get_by_role("dialog").get_by_role("button", name="Publish for all").click()
    expect(mia.get_by_text("labels has the new version")).to_be_visible()
    mia.get_by_role("link", name="Neurites of ann").click()
    expect(mia.get_by_text("Applied in")).to_be_visible()
    expect(mia.locator(".fact-list")).to_contain_text("rob")  # who is credited
    expect(mia.get_by_role("list", name="History")).to_contain_text("mia ✔ Applied")
    after = place.api("rea").get("/datasets/toy").json()["layers"]
    assert next(one["version"] for one in after if one["name"] == "labels") != version
    assert mia.errors == []  # type: ignore[attr-defined]


def test_rejected_with_a_reason_and_read_by_a_reader(place: Workplace) -> None:
    pull = opened(place, "ann", "A wrong one", ["11", "12"])
    rob = place.page("rob", f"/d/toy/reviews/{pull['id']}")
    rob.get_by_role("button", name="Reject").click()
    expect(rob.get_by_role("alert")).to_contain_text("Say why")
    rob.get_by_label("Reason").fill("They do not touch.")
    rob.get_by_role("button", name="Reject").click()
    expect(rob.get_by_role("list", name="History")).to_contain_text("They do not touch.")
    rea = place.page("rea", f"/d/toy/reviews/{pull['id']}")
    expect(rea.get_by_role("list", name="History")).to_contain_text("They do not touch.")
    selected(rea, "11", "12")
    assert rea.get_by_role("button", name="Reject").count() == 0
    rea.get_by_role("link", name="Back to the reviews").click()
    selected(rea)  # what was selected before
    rea.goto("/d/toy/reviews/01m8hcmhrc5x4xqjwxt7d8nghr")
    expect(rea.get_by_role("alert")).to_contain_text("There is no pull request")
    no_serious_findings(rea)
