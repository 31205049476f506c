"""The atlas: cards, filters, and the way of an entry from its author to all who read."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from support.browsing import Workplace, drawn, loaded, no_serious_findings, until_true

pytestmark = pytest.mark.slow

PLACE = [6.5, 100.5, 330.5]  # Z Y X


def submitted(place: Workplace, title: str, at: list[float], *tags: str) -> dict[str, Any]:
    """Return an entry that ann has submitted."""
    ann = place.api("ann")
    fields = {"kind": "point", "points": [at], "title": title, "tags": list(tags)}
    fields["description"] = f"About {title}."
    made = ann.post("/datasets/toy/annotations", json=fields).json()
    body = {"annotation": made["id"], "revision": made["revision"]}
    entry = ann.post("/datasets/toy/atlas", json=body)
    entry.raise_for_status()
    return dict(entry.json())


def at_place(page: Page, z: float, y: float, x: float) -> None:
    """Wait until the viewer shows a place."""
    until_true(
        page,
        f"""() => {{
            const at = window.emqsViewer?.centre();
            return Boolean(at) && Math.abs(at.z - {z}) < 1 && Math.abs(at.y - {y}) < 1 &&
                Math.abs(at.x - {x}) < 1;
        }}""",
    )


def test_a_reviewer_goes_to_the_place_and_asks_for_changes(place: Workplace) -> None:
    entry = submitted(place, "A dark mitochondrion", PLACE, "mitochondrion")
    rob = place.page("rob", "/d/toy/atlas")
    drawn(rob)
    expect(rob).to_have_title("Atlas · Toy neuropil · emqs")
    no_serious_findings(rob)
    rob.get_by_role("link", name="A dark mitochondrion").click()
    expect(rob).to_have_url(re.compile(f"/d/toy/atlas/{entry['id']}"))
    at_place(rob, *PLACE)
    expect(rob.get_by_text("6.5, 100.5, 330.5")).to_be_visible()
    expect(rob.get_by_text("(120, 500, 1,650 nm)")).to_be_visible()
    no_serious_findings(rob)
    rob.get_by_role("button", name="Ask for changes").click()
    expect(rob.get_by_role("alert")).to_contain_text("Say why")
    rob.get_by_label("Reason").fill("Which of the two?")
    rob.get_by_role("button", name="Ask for changes").click()
    history = rob.get_by_role("list", name="History")
    expect(history).to_contain_text("Which of the two?")
    expect(history).to_contain_text("Changes asked for")
    assert rob.get_by_role("button", name="Accept").count() == 0


def test_the_author_answers_and_what_is_new_is_accepted(place: Workplace) -> None:
    entry = place.api("rob").get("/atlas").json()["entries"][0]
    rea = place.page("rea", "/d/toy/atlas")
    expect(rea.get_by_text("The atlas is empty.")).to_be_visible()
    rob = place.page("rob", f"/d/toy/atlas/{entry['id']}")
    expect(rob.get_by_role("list", name="History")).to_contain_text("Which of the two?")
    ann = place.page("ann", f"/atlas?dataset=toy&entry={entry['id']}")  # as links have it
    expect(ann.get_by_role("list", name="History")).to_contain_text("Which of the two?")
    assert ann.get_by_role("button", name="Accept").count() == 0
    ann.get_by_label("Comment").fill("The left one.")
    ann.get_by_role("button", name="Comment").click()
    expect(ann.get_by_role("list", name="History")).to_contain_text("The left one.")
    ann.get_by_role("button", name="Change and submit again").click()
    dialog = ann.get_by_role("dialog")
    dialog.get_by_label("Title").fill("The left mitochondrion")
    dialog.get_by_label("Tags").fill("mitochondrion, dark")
    no_serious_findings(ann)
    dialog.get_by_role("button", name="Submit").click()
    expect(ann.get_by_role("heading", name="The left mitochondrion")).to_be_visible()

    # rob still sees the old one: nobody accepts what they have not seen
    rob.get_by_role("button", name="Reject").click()
    expect(rob.get_by_role("alert")).to_contain_text("Say why")
    rob.get_by_label("Reason").fill("No.")
    rob.get_by_role("button", name="Reject").click()
    expect(rob.get_by_role("alert")).to_contain_text("changed in the meantime")
    expect(rob.get_by_role("heading", name="The left mitochondrion")).to_be_visible()
    rob.get_by_label("Reason").fill("")
    rob.get_by_role("button", name="Accept").click()
    expect(rob.get_by_role("list", name="History")).to_contain_text("Accepted")
    expect(rob.get_by_text("Reviewer")).to_be_visible()
    rea.reload()
    expect(rea.get_by_role("link", name="The left mitochondrion")).to_be_visible()


def test_all_see_what_was_accepted_until_it_is_withdrawn(place: Workplace) -> None:
    rea = place.page("rea", "/d/toy/atlas")
    rea.get_by_role("link", name="The left mitochondrion").click()
    expect(rea.get_by_role("list", name="History")).to_contain_text("rob")
    at_place(rea, *PLACE)
    assert rea.get_by_role("button", name="Accept").count() == 0
    assert rea.get_by_role("button", name="Withdraw").count() == 0
    rea.go_back()
    expect(rea.get_by_role("list", name="Entries of the atlas")).to_be_visible()

    ann = place.page("ann", "/d/toy/atlas")
    ann.get_by_role("link", name="The left mitochondrion").click()
    ann.get_by_role("button", name="Withdraw").click()
    ann.get_by_role("dialog").get_by_role("button", name="Withdraw").click()
    expect(ann.get_by_role("list", name="History")).to_contain_text("Withdrawn")
    rea.reload()
    expect(rea.get_by_text("The atlas is empty.")).to_be_visible()
    for page in (rea, ann):
        assert page.errors == []  # type: ignore[attr-defined]


def test_filters_over_all_datasets(place: Workplace) -> None:
    first = submitted(place, "Synapse [1", [4.5, 200.5, 220.5], "synapse", "spine")
    submitted(place, "Vesicle cloud", [8.5, 380.5, 120.5], "synapse")
    review = {"step": "accepted", "revision": 1}
    place.api("rob").post(f"/datasets/toy/atlas/{first['id']}/review", json=review)
    page = place.page("rob", "/atlas")
    cards = page.get_by_role("list", name="Entries of the atlas").get_by_role("link")
    expect(page.get_by_role("link", name="Vesicle cloud")).to_be_visible()
    no_serious_findings(page)
    page.get_by_label("Text", exact=True).fill("[1")  # no pattern, but letters
    expect(cards).to_have_text(["Synapse [1"])
    page.get_by_label("Text", exact=True).fill("")
    page.get_by_label("State").select_option("Waits for review")
    expect(cards).to_have_text(["Vesicle cloud"])
    page.reload()  # the filter is in the address
    expect(cards).to_have_text(["Vesicle cloud"])
    page.get_by_role("button", name="Clear the filter").click()
    expect(page.get_by_role("link", name="Synapse [1")).to_be_visible()
    page.get_by_role("button", name="#spine").click()
    expect(cards).to_have_text(["Synapse [1"])
    page.get_by_label("Mine").check()
    expect(page.get_by_text("Nothing fits the filter.")).to_be_visible()
    page.get_by_label("Mine").uncheck()
    picture = page.get_by_role("listitem").filter(has_text="Synapse").locator("img")
    loaded(picture, width=256)
    page.get_by_role("link", name="Synapse [1").focus()  # with the keyboard alone
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Synapse [1")).to_be_visible()
    at_place(page, 4.5, 200.5, 220.5)
    page.go_back()
    expect(cards).to_have_text(["Synapse [1"])


def test_an_entry_that_one_may_not_see_is_told(place: Workplace) -> None:
    entry = submitted(place, "Hidden", PLACE)
    page = place.page("rea", f"/d/toy/atlas/{entry['id']}")
    expect(page.get_by_role("alert")).to_contain_text("There is no atlas entry")
    no_serious_findings(page)
