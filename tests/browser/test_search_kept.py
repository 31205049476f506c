"""Searches that are kept, linked and exported; several datasets; and what may go wrong."""

import csv
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Route, expect
from support.browsing import (
    PASSWORD,
    Workplace,
    add_people,
    drawn,
    no_serious_findings,
    until_equal,
    until_true,
    workplace,
)
from support.search_pages import (
    EXAMPLE,
    OTHER,
    answer,
    asked,
    cards,
    opened,
    same_cards,
    search,
    triple,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shared_place(
    browser: Browser, toy_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workplace]:
    """A server with the toy, a copy of it, and the toy without codes."""
    home = tmp_path_factory.mktemp("place") / "home"
    shutil.copytree(toy_home, home)
    add_people(home)
    toy = (home / "datasets" / "toy.yaml").read_text(encoding="utf-8")
    copy = toy.replace("Toy neuropil", "Copy of the toy")
    (home / "datasets" / "copy.yaml").write_text(copy, encoding="utf-8")
    plain = re.sub(r"(?m)^store:.*\n", "", toy).replace("Toy neuropil", "Without codes")
    (home / "datasets" / "plain.yaml").write_text(plain, encoding="utf-8")
    with workplace(home, browser, "job_workers=0") as place:
        yield place


def test_searches_are_saved_run_again_compared_exported_and_deleted(
    place: Workplace, tmp_path: Path
) -> None:
    page = opened(place, p=[triple(EXAMPLE)], shown=24)
    expect(page.locator(".card").first).to_be_visible()
    page.get_by_role("button", name="Match 2 is wrong").click()

    def save(title: str, note: str) -> None:
        page.get_by_role("button", name="Save…").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Title").fill(title)
        dialog.get_by_label("Note").fill(note)
        dialog.get_by_role("button", name="Save").click()
        expect(page.locator(".saved-banner")).to_contain_text(title)

    save("dark mitochondria", "=1+1, seen by\neye")
    page.get_by_role("button", name="Refine").click()
    expect(page.locator(".thumbnail")).to_have_count(2)
    save("without nuclei", "")
    page.get_by_role("link", name="Saved searches").click()
    rows = page.locator("li.saved")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("1 positive, 1 negative")
    expect(rows.nth(1)).to_contain_text("=1+1, seen by\neye")
    no_serious_findings(page)
    with place.api("ann") as client:
        kept = client.get("/datasets/toy/searches").json()["searches"]
        second, first = (client.get(f"/datasets/toy/searches/{one['id']}").json() for one in kept)
        assert [mark["mark"] for mark in first["marks"]] == ["wrong"]

    # compare
    for row in (rows.nth(0), rows.nth(1)):
        row.get_by_role("checkbox").check()
    page.get_by_role("button", name="Compare two").click()
    expect(page.locator("#compare-title")).to_be_visible()
    with place.api("ann") as client:
        url = f"/datasets/toy/searches/{second['id']}/compare"
        told = client.get(url, params={"with": first["id"]}).json()
        if not page.url.split("#")[0].endswith(f"{second['id']}/{first['id']}"):
            told = {
                "both": told["both"],
                "only_first": told["only_second"],
                "only_second": told["only_first"],
            }
    for part, name in (("both", "both"), ("first", "only_first"), ("second", "only_second")):
        expect(page.locator(f".compared.{part} .card")).to_have_count(len(told[name]))
    expect(page.locator(".compare")).to_contain_text("other examples · same filters · same codes")
    no_serious_findings(page)
    page.go_back()

    # edit, export
    rows.nth(1).get_by_role("button", name="Edit").click()
    page.get_by_role("dialog").get_by_label("Title").fill("mitochondria, dark")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(rows.nth(1)).to_contain_text("mitochondria, dark")
    with page.expect_download() as download:
        rows.nth(1).get_by_role("link", name="CSV").click()
    download.value.save_as(tmp_path / "matches.csv")
    with (tmp_path / "matches.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert [float(row["x"]) for row in table] == [row["placed"]["x"] for row in first["matches"]]
    assert [float(row["score"]) for row in table] == [row["score"] for row in first["matches"]]
    with page.expect_download() as download:
        rows.nth(1).get_by_role("link", name="neuroglancer").click()
    download.value.save_as(tmp_path / "state.json")
    state = json.loads((tmp_path / "state.json").read_text(encoding="utf-8"))
    assert len(state["layers"][-1]["annotations"]) == len(first["matches"])

    # open: the marks are there, too; run again, which counts them
    rows.nth(1).get_by_role("button", name="mitochondria, dark", exact=True).click()
    expect(page.locator(".saved-banner")).to_contain_text("mitochondria, dark")
    expect(page.get_by_role("group", name="Marks")).to_contain_text("✗ 1 wrong")
    until_true(page, f"() => location.hash.includes('{first['id']}')")
    page.reload()
    expect(page.locator(".saved-banner")).to_contain_text("mitochondria, dark")
    same_cards(page, answer(place, positives=[EXAMPLE])["matches"])
    with page.expect_response(lambda response: response.url.endswith("/run")) as ran:
        page.get_by_role("button", name="Run again").click()
    expect(page.locator("ol[aria-label=Matches] .card")).to_have_count(
        len(ran.value.json()["matches"])
    )

    # delete, and not
    page.get_by_role("link", name="Saved searches").click()
    rows.nth(0).get_by_role("button", name="Delete").click()
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(rows).to_have_count(2)
    assert page.errors == []  # type: ignore[attr-defined]


def test_matches_become_annotations_of_those_who_may(place: Workplace, tmp_path: Path) -> None:
    page = opened(place, p=[triple(EXAMPLE)], shown=24)
    expect(page.locator(".card").first).to_be_visible()
    page.get_by_role("button", name="Annotate…").click()  # nobody gets 24 of them unasked
    asked = page.get_by_role("dialog")
    expect(asked.get_by_role("button", name="Make 0 annotations")).to_be_disabled()
    page.keyboard.press("Escape")
    for rank in (1, 3):
        page.get_by_label(f"Select match {rank}", exact=True).check()
    page.get_by_role("button", name="Match 2 is right").click()

    def annotate(which: str) -> None:
        page.get_by_role("button", name="Annotate…").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label(which).check()
        dialog.get_by_label("Title").fill("candidate")
        dialog.get_by_label("Tags").fill("mitochondrion, to check")
        dialog.get_by_role("button", name=re.compile("Make .* annotations")).click()
        expect(dialog).to_have_count(0)

    def there() -> list[dict]:
        with place.api("ann") as client:
            return client.get("/datasets/toy/annotations").json()["annotations"]

    annotate("Selected (2)")
    expect(page.get_by_text("2 annotations were made.")).to_be_visible()
    expected = answer(place, positives=[EXAMPLE])["matches"]
    made = sorted(there(), key=lambda one: one["properties"]["rank"])
    assert [one["title"] for one in made] == ["candidate 1", "candidate 3"]
    assert made[1]["points"] == [[expected[2]["placed"][axis] + 0.5 for axis in "zyx"]]
    assert made[0]["tags"] == ["mitochondrion", "to check"]
    assert made[0]["properties"]["score"] == expected[0]["score"]
    page.locator(".notice").get_by_role("button", name="Undo").click()
    expect(page.get_by_text("The annotations were taken back.")).to_be_visible()
    assert there() == []
    annotate("Marked right (1)")
    expect(page.get_by_text("1 annotations were made.")).to_be_visible()
    assert [one["properties"]["rank"] for one in there()] == [2]

    # what is not saved can be exported, too
    page.get_by_text("Export", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    download.value.save_as(tmp_path / "matches.csv")
    with (tmp_path / "matches.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    placed = [row["placed"] for row in expected]
    assert [{name: float(row[name]) for name in placed[0]} for row in table] == placed

    reader = opened(place, "rea", p=[triple(EXAMPLE)], shown=24)
    expect(reader.locator(".card").first).to_be_visible()
    denied = reader.get_by_role("button", name="Annotate…")
    expect(denied).to_be_disabled()
    expect(denied).to_have_attribute("title", re.compile("role annotator"))
    assert page.errors == reader.errors == []  # type: ignore[attr-defined]


def test_a_reload_back_and_a_colleague_s_link_show_the_same(place: Workplace) -> None:
    page = opened(place, p=[triple(EXAMPLE)], n=[triple(OTHER)])
    search(page)
    page.get_by_role("button", name="Match 1 is right").click()
    page.evaluate("() => window.emqsViewer.go({z: 2.5, y: 222.5, x: 111.5})")
    until_true(page, "() => location.hash.includes('222.5') && location.hash.includes('right')")
    before = cards(page)
    page.reload()
    expect(page.locator("ol[aria-label=Matches] .card")).to_have_count(len(before))
    assert cards(page) == before
    expect(page.get_by_role("group", name="Marks")).to_contain_text("✓ 1 right")
    drawn(page)
    until_equal(page, "() => window.emqsViewer.centre()", {"z": 2.5, "y": 222.5, "x": 111.5})
    page.get_by_role("link", name="Annotate").click()
    expect(page.locator(".card")).to_have_count(0)
    page.go_back()
    expect(page.locator("ol[aria-label=Matches] .card")).to_have_count(len(before))
    page.get_by_role("link", name="Datasets").click()
    page.get_by_role("link", name="Search").click()  # no address says it; it is as it was left
    expect(page.locator(".thumbnail")).to_have_count(2)

    page.get_by_role("button", name="Copy link").click()
    link = page.get_by_role("textbox", name="Link to what you see")
    notice = page.get_by_text("Copied: ")
    expect(link.or_(notice)).to_be_visible()
    text = link.input_value() if link.count() else notice.inner_text()
    address = re.search(r"http\S+/s/\w+", text)
    assert address is not None
    colleague = place.page("rea", urlsplit(address[0]).path)
    expect(colleague.locator("ol[aria-label=Matches] .card")).to_have_count(len(before))
    assert cards(colleague) == before
    drawn(colleague)
    centre = {"z": 2.5, "y": 222.5, "x": 111.5}
    until_equal(colleague, "() => window.emqsViewer.centre()", centre)
    stranger = place.page("sid", urlsplit(address[0]).path)
    expect(stranger.get_by_role("alert")).to_contain_text("There is no viewer state")
    assert page.errors == colleague.errors == []  # type: ignore[attr-defined]


def test_a_lost_connection_an_expired_session_and_a_slow_server(place: Workplace) -> None:
    page = opened(place, p=[triple(EXAMPLE)])
    page.context.set_offline(True)
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("main").get_by_role("alert")).to_contain_text("does not answer")
    expect(page.get_by_text("What you did last may not be saved.")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator(".card").first).to_be_visible()  # it asks again by itself
    expect(page.get_by_role("alert")).to_have_count(0)

    page.context.clear_cookies()
    page.get_by_label("Search at every change").check()
    page.locator("summary", has_text="Filters").click()
    page.get_by_label("Rank every place exactly").check()
    again = page.get_by_role("dialog")
    expect(again.get_by_label("Name")).to_have_value("ann")
    again.get_by_label("Password", exact=True).fill(PASSWORD)
    again.get_by_role("button", name="Sign in").click()
    expect(again).to_have_count(0)
    expect(page.get_by_text("These matches answer the question before.")).to_have_count(0)
    expect(page.get_by_role("alert")).to_have_count(0)
    assert asked(page)["f"]["exact"], "nothing of the page was lost"
    page.get_by_label("Search at every change").uncheck()

    held: list[Route] = []
    page.route("**/datasets/toy/search", lambda route: held.append(route))
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_text("Searching…")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Searching…")).to_have_count(0)
    expect(page.locator(".card").first).to_be_visible()
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_text("Searching…")).to_be_visible()
    page.get_by_label("Rank every place exactly").uncheck()
    with page.expect_event("requestfailed"):
        page.get_by_role("button", name="Search", exact=True).click()  # replaces the one before
    while len(held) < 3:
        page.wait_for_timeout(50)
    held[2].continue_()
    expect(page.get_by_text("Searching…")).to_have_count(0)
    same_cards(page, answer(place, positives=[EXAMPLE])["matches"])
    page.unroute("**/datasets/toy/search")

    page.route("**/datasets/toy/search", lambda route: route.abort())
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.unroute("**/datasets/toy/search")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    assert page.errors == []  # type: ignore[attr-defined]


def test_another_dataset_and_one_that_cannot_be_searched(place: Workplace) -> None:
    page = opened(place, p=[triple(EXAMPLE)], shown=24)
    expect(page.locator(".card").first).to_be_visible()
    page.locator("summary", has_text="Filters").click()
    page.get_by_label("Copy of the toy").check()
    page.get_by_role("checkbox", name="Toy neuropil").uncheck()
    search(page)
    question = {"positives": [EXAMPLE], "datasets": ["copy"], "only": ["copy"]}
    expected = answer(place, **question)["matches"]
    assert {row["dataset"] for row in expected} == {"copy"}
    first = page.locator("ol[aria-label=Matches] .card").first
    expect(first).to_contain_text("copy")
    first.locator("button.go").click()  # opens that dataset at that place, and keeps the cards
    until_true(page, "() => location.pathname === '/d/copy/search'")
    drawn(page)
    there = {axis: expected[0][axis] + 0.5 for axis in "zyx"}
    until_equal(page, "() => window.emqsViewer.centre()", there)
    expect(page.locator("ol[aria-label=Matches] .card")).to_have_count(len(expected))
    assert asked(page)["p"] == [[*triple(EXAMPLE), "toy"]]
    page.get_by_label("Dataset", exact=True).select_option("plain")
    expect(page.get_by_text("Without codes cannot be searched yet")).to_be_visible()
    expect(page.get_by_text("Ask the manager of the dataset")).to_be_visible()
    no_serious_findings(page)
    page.get_by_label("Dataset", exact=True).select_option("toy")
    expect(page.locator(".thumbnail")).to_have_count(1)  # the example came along
    german = place.page("mia", "/d/plain/search", locale="de-DE")
    expect(german.get_by_text("kann noch nicht durchsucht werden")).to_be_visible()
    expect(german.get_by_role("link", name="In den Einstellungen")).to_be_visible()
    assert page.errors == german.errors == []  # type: ignore[attr-defined]
