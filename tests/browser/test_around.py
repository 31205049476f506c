"""What stands around, seen in the browser: connections from neuPrint, merges written by a job."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from support.browsing import Workplace, no_serious_findings, toy_workplace
from support.neuprint import TOKEN, Neuprint

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def neuprint() -> Iterator[Neuprint]:
    server = Neuprint()
    yield server
    server.close()


@pytest.fixture(scope="module")
def shared_place(
    neuprint: Neuprint, browser: object, toy_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workplace]:
    """A server that asks neuPrint about the toy dataset."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMQS_NEUPRINT_TOKEN", TOKEN)
        settings = f"+serve.neuprint.toy={{server:'{neuprint.url}',dataset:'hemibrain:v1.2.1'}}"
        folder = tmp_path_factory.mktemp("place")
        with toy_workplace(folder, toy_home, browser, settings) as place:  # type: ignore[arg-type]
            yield place


def test_connections_of_selected_segments(place: Workplace, neuprint: Neuprint) -> None:
    page = place.page("rea", "/d/toy/annotate/segments")
    connections = page.get_by_role("region", name="Connections (neuPrint)")
    ask = connections.get_by_role("button", name="Show connections of the selected")
    expect(ask).to_be_disabled()
    page.get_by_label("Segment number").fill("5")
    page.get_by_role("button", name="Add", exact=True).click()
    ask.click()
    outputs = connections.get_by_role("region", name="Outputs").locator("tbody tr")
    expect(outputs).to_have_count(1)
    assert outputs.first.locator("td").all_inner_texts() == [
        "5",
        "18446744073709551615",
        "MBON",
        "12",
    ]
    inputs = connections.get_by_role("region", name="Inputs").locator("tbody tr")
    expect(inputs.locator("td").last).to_have_text("7")
    assert all("[5]" in asked["cypher"] for asked in neuprint.asked), neuprint.asked
    no_serious_findings(page)
    neuprint.answer = 500, {"message": "no such luck"}
    try:
        ask.click()
        expect(connections.get_by_role("alert")).to_contain_text("neuPrint")
    finally:
        neuprint.answer = None
    assert page.errors == []  # type: ignore[attr-defined]


def test_accepted_merges_are_written_into_a_new_copy_by_a_job(place: Workplace) -> None:
    ann, rob = place.api("ann"), place.api("rob")

    def version() -> str:
        layers = rob.get("/datasets/toy").json()["layers"]
        return str(next(one["version"] for one in layers if one["name"] == "labels"))

    before = version()
    step = {"action": "merge", "segments": ["1", "2"], "base_version": before}
    ann.post("/datasets/toy/merges/labels", json=step).raise_for_status()
    body = {"layer": "labels", "title": "Two are one", "description": "A fold."}
    pull = ann.post("/datasets/toy/pulls", json=body).raise_for_status().json()
    review = {"step": "accepted", "revision": pull["revision"], "text": ""}
    rob.post(f"/datasets/toy/pulls/{pull['id']}/review", json=review).raise_for_status()
    page = place.page("rob", "/d/toy/reviews")
    page.get_by_role("button", name="Write a new copy").click()
    expect(page.get_by_text("A job writes labels anew.")).to_be_visible()
    page.get_by_role("link", name="Two are one").click()

    for _ in range(600):  # a page that is loaded again takes more of a processor than an answer
        if version() != before:
            break
        page.wait_for_timeout(200)

    def applied() -> bool:
        page.reload()
        expect(page.get_by_role("list", name="History")).to_be_visible()
        return page.get_by_text("Applied in").count() > 0

    for _ in range(60):
        if applied():
            break
        page.wait_for_timeout(1000)
    expect(page.get_by_role("list", name="History")).to_contain_text("Applied")
    assert version() != before
    assert page.errors == []  # type: ignore[attr-defined]
