"""The tabs of segments and of layers: merges, pull requests, labels of one's own, links, napari."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from playwright.sync_api import Page, expect
from support.browsing import Workplace, drawn, no_serious_findings, until_true
from support.slices import ONE_TO_ONE, Slice

from emqs.volumes import Box, open_volume

pytestmark = pytest.mark.slow

MERGES = "/datasets/toy/merges/labels"
PLACES = [(315, 294), (215, 282), (315, 202)]  # y, x in the middle of three segments, in slice 6


@pytest.fixture(scope="module")
def page(shared_place: Workplace) -> Iterator[Page]:
    """Ann's page of segments; the tests of this file follow each other in it."""
    opened = shared_place.page("ann", "/d/toy/annotate/segments" + ONE_TO_ONE)
    drawn(opened)
    yield opened
    assert opened.errors == []  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def numbers(toy_home: Path) -> list[str]:
    """The segments at the places, read from the file."""
    labels = open_volume(str(toy_home / "files" / "toy_segments.zarr"))
    slice_ = labels.read(Box((6, 0, 0), (7, 512, 512)))[0]
    found = [str(int(slice_[place])) for place in PLACES]
    assert len(set(found) - {"0"}) == 3
    return found


def behind(place: Workplace, name: str = "ann") -> dict[str, Any]:
    with place.api(name) as client:
        return dict(client.get(MERGES).raise_for_status().json())


def shown(page: Page) -> list[str]:
    """Return the segments that the viewer shows as selected."""
    return list(page.evaluate("() => window.emqsViewer.segments('labels')"))


def test_segments_are_selected_in_the_viewer_and_merged_onto_the_first(
    shared_place: Workplace, page: Page, numbers: list[str]
) -> None:
    view = Slice(page)
    picked = page.locator(".picked li")
    for n, place in enumerate(PLACES, start=1):
        view.double_click(*place)
        expect(picked).to_have_count(n)
    assert [text.split()[0] for text in picked.all_inner_texts()] == numbers
    expect(picked.first).to_contain_text("(first)")
    view.double_click(*PLACES[2])  # once more: not selected
    expect(picked).to_have_count(2)

    page.keyboard.press("m")
    expect(page.locator(".groups li")).to_have_count(1)
    first, second, third = numbers
    assert behind(shared_place)["equivalences"] == [[first, second]]
    assert [step["segments"] for step in behind(shared_place)["steps"]] == [[first, second]]
    # the viewer shows them as one: a click on either is a click on the same
    expect(picked.first).to_contain_text(first)
    expect(picked.first).to_contain_text("of 2 segments")
    page.get_by_role("button", name="Deselect all").click()
    view.double_click(*PLACES[1])
    expect(picked).to_have_count(1)
    one = shown(page)
    view.double_click(*PLACES[0])
    expect(picked).to_have_count(0)
    assert one == [str(min(int(first), int(second)))]  # the smaller number stands for both

    page.get_by_label("Segment number").fill(third)  # for those who cannot double-click
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_label("Segment number").fill(second)
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="Merge (m)", exact=True).click()
    expect(page.locator(".groups li").first).to_contain_text(third)
    # onto the first that was selected; what it was merged with before comes along
    assert [sorted(group) for group in behind(shared_place)["equivalences"]] == [sorted(numbers)]
    assert behind(shared_place)["equivalences"][0][0] == third


def test_steps_are_taken_back_and_groups_taken_apart(
    shared_place: Workplace, page: Page, numbers: list[str]
) -> None:
    merges = page.get_by_role("region", name="My merges")
    merges.get_by_role("button", name="Undo").click()
    expect(page.locator(".groups li")).to_contain_text(numbers[0])
    assert behind(shared_place)["equivalences"] == [numbers[:2]]
    merges.get_by_role("button", name="Redo").click()
    expect(page.locator(".groups li")).to_contain_text(numbers[2])
    page.locator(".groups li .open").click()
    expect(page.locator(".picked li")).to_have_count(1)
    page.keyboard.press("Shift+M")
    expect(page.locator(".groups li")).to_have_count(0)
    assert behind(shared_place)["equivalences"] == []
    merges.get_by_role("button", name="Undo").click()
    expect(page.locator(".groups li")).to_have_count(1)
    merges.get_by_text("Steps: 3").click()
    expect(merges.locator(".steps .undone")).to_have_count(1)
    no_serious_findings(page)


def test_merges_are_submitted_and_conflicts_are_told(
    shared_place: Workplace, page: Page, numbers: list[str]
) -> None:
    requests = page.get_by_role("region", name="My pull requests")
    requests.get_by_label("Title").fill("three are one")
    requests.get_by_label("Description").fill("seen in slice 6")
    requests.get_by_role("button", name="Submit the pull request").click()
    entry = requests.locator("li.entry")
    expect(entry.locator(".state")).to_have_text("open")
    with shared_place.api("rob") as rob:
        (pull,) = rob.get("/datasets/toy/pulls").json()["pulls"]
        assert (pull["author"], pull["title"]) == ("ann", "three are one")
        full = rob.get(f"/datasets/toy/pulls/{pull['id']}").json()
        assert full["segments"] == dict.fromkeys(numbers, numbers[2])
        # another request with one of the segments is accepted first
        version = rob.get(MERGES).json()["version"]
        body = {"action": "merge", "segments": [numbers[0], "1"], "base_version": version}
        rob.post(MERGES, json=body).raise_for_status()
        other = rob.post("/datasets/toy/pulls", json={"layer": "labels", "title": "two"}).json()
        step = {"step": "accepted", "revision": other["revision"], "text": ""}
        rob.post(f"/datasets/toy/pulls/{other['id']}/review", json=step).raise_for_status()
    page.reload()
    drawn(page)
    expect(entry.get_by_role("alert")).to_contain_text(f"has merged segment {numbers[0]}")
    entry.get_by_role("button", name="Withdraw").click()
    expect(entry.locator(".state")).to_have_text("withdrawn")


def test_a_reader_looks_at_segments_and_merges_nothing(
    place: Workplace, numbers: list[str]
) -> None:
    reader = place.page("rea", "/d/toy/annotate/segments" + ONE_TO_ONE)
    view = Slice(reader)
    view.double_click(*PLACES[0])
    view.double_click(*PLACES[1])
    expect(reader.locator(".picked li")).to_have_count(2)
    expect(reader.get_by_role("button", name="Merge")).to_have_count(0)
    reader.keyboard.press("m")
    expect(reader.get_by_role("status").filter(has_text="annotator")).to_be_visible()
    reader.get_by_role("link", name="Layers and napari").click()
    expect(reader.get_by_role("link", name="Download napari.py")).to_be_visible()
    for name in ("Upload", "Make a link"):
        expect(reader.get_by_role("button", name=name)).to_have_count(0)
    assert behind(place, "rea")["steps"] == []


def array_file(labels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, labels)
    return stream.getvalue()


def test_labels_are_uploaded_seen_at_once_and_deleted(shared_place: Workplace) -> None:
    page = shared_place.page("ann", "/d/toy/annotate/layers" + ONE_TO_ONE)
    view = Slice(page)
    form = page.get_by_role("region", name="Upload a label layer")

    def choose(name: str, content: bytes) -> None:
        file = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
        form.get_by_label("File of labels").set_input_files(file)

    choose("notes.npy", b"this is no array")
    form.get_by_role("button", name="Upload", exact=True).click()
    expect(form.get_by_role("alert")).to_contain_text("no npy file")
    form.get_by_label("Name").fill("painted")
    choose("painted.npy", array_file(np.full((4, 40, 60), 77, dtype=np.uint32)))
    form.get_by_label("First voxel").fill("4, 100, 200")
    form.get_by_role("button", name="Upload", exact=True).click()
    expect(page.locator(".notice")).to_contain_text("Uploaded: layer painted")
    expect(page.get_by_role("region", name="My layers")).to_contain_text("painted")
    drawn(page)
    chosen = "() => window.emqsViewer.segments('painted').join()"
    view.double_click(98, 230)  # outside of it
    view.double_click(101, 201)  # in one corner
    until_true(page, f"() => ({chosen})() === '77'")
    view.double_click(138, 258)  # in the opposite one: not selected any more
    until_true(page, f"() => ({chosen})() === ''")
    page.reload()
    drawn(page)
    until_true(page, "() => window.emqsViewer.layers().some((one) => one.name === 'painted')")
    page.get_by_role("button", name="Delete the layer painted").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("region", name="My layers")).to_contain_text("no layers of your own")
    until_true(page, "() => !window.emqsViewer.layers().some((one) => one.name === 'painted')")

    page.evaluate("() => window.emqsViewer.go({ z: 3.5, y: 60.5, x: 70.5 })")
    link = page.get_by_role("link", name="Download napari.py")
    link.focus()
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    script = download.value.path().read_text(encoding="utf-8")
    assert "START = [0, 0, 0]" in script  # 512 voxels around (60, 70) reach over the edge
    compile(script, "napari.py", "exec")
    assert page.errors == []  # type: ignore[attr-defined]


def test_a_link_opens_the_data_until_it_is_withdrawn(shared_place: Workplace) -> None:
    page = shared_place.page("ann", "/d/toy/annotate/layers")
    links = page.get_by_role("region", name="Links for other programs")
    links.get_by_label("Name of the link").fill("a script")
    links.get_by_label("Layer").select_option("image")
    links.get_by_role("button", name="Make a link").click()
    address = links.locator("code").inner_text()
    assert address.startswith(f"precomputed://{shared_place.url}/api/v1/links/")
    info = address.removeprefix("precomputed://") + "/info"
    assert httpx2.get(info).json()["type"] == "image"
    links.get_by_role("button", name="Withdraw the link a script").click()
    page.get_by_role("dialog").get_by_role("button", name="Withdraw").click()
    expect(links).to_contain_text("No links are valid now.")
    assert httpx2.get(info).status_code in (401, 404)
