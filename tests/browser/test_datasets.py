"""The datasets: seen, added, changed, shared, made searchable, deleted."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect
from support.browsing import Workplace, loaded, no_serious_findings, toy_workplace
from support.served import write_zarr

pytestmark = pytest.mark.slow

SHAPE = (2, 160, 200)


@pytest.fixture(scope="module")
def shared_place(
    browser: object, toy_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workplace]:
    """A server that may read a folder with a small volume, and its segments."""
    folder = tmp_path_factory.mktemp("place")
    data = folder / "data"
    data.mkdir()
    rng = np.random.default_rng(0)
    write_zarr(data / "small.zarr", rng.integers(0, 255, SHAPE, dtype="u1"), size=(40, 8, 8))
    labels = np.ones(SHAPE, dtype="u8")
    labels[:, 80:] = 2
    write_zarr(data / "segments.zarr", labels, size=(40, 8, 8))
    settings = (f"serve.readable=[{data}]",)
    with toy_workplace(folder, toy_home, browser, *settings) as place:  # type: ignore[arg-type]
        yield place


def data_of(place: Workplace) -> Path:
    return place.home.parent / "data"


def test_one_sees_what_one_may_know_of(place: Workplace) -> None:
    page = place.page("rea", "/datasets")
    card = page.get_by_role("listitem", name="Toy neuropil")
    expect(card).to_contain_text("12 × 512 × 512")  # noqa: RUF001
    expect(card).to_contain_text("20 × 5 × 5 nm")  # noqa: RUF001
    expect(card).to_contain_text("Reader")
    expect(card).to_contain_text("✓ searchable")
    expect(card.get_by_role("link", name="Settings")).to_have_count(0)
    expect(page.get_by_role("button", name="Add a dataset")).to_have_count(0)
    page.get_by_text("Where is my dataset?").click()
    expect(page.get_by_text("your name here is rea")).to_be_visible()
    no_serious_findings(page)
    loaded(card.locator("img"), width=320)
    card.get_by_role("link", name="Toy neuropil").click()
    expect(page).to_have_url(re.compile("/d/toy/search"))
    page.go_back()
    expect(page.get_by_role("heading", name="Datasets")).to_be_visible()
    stranger = place.page("sid", "/datasets")
    expect(stranger.get_by_text("There is no dataset that you may see yet.")).to_be_visible()
    no_serious_findings(stranger)


@pytest.mark.parametrize(
    ("name", "path", "told"),
    [
        ("sid", "/d/toy/search", "There is no dataset toy, or you may not see it."),
        ("rob", "/d/toy/settings/members", "your role in it is: Reviewer"),
        ("mia", "/d/toy/settings/nothing", "There is no such page."),
        ("mia", "/admin/users", "Only administrators of this server"),
        ("mia", "/d/toy/nothing", "There is no such page."),
        ("mia", "/nothing", "There is no such page."),
    ],
)
def test_pages_that_one_may_not_use_say_why(
    place: Workplace, name: str, path: str, told: str
) -> None:
    page = place.page(name, path)
    expect(page.get_by_role("alert")).to_contain_text(told)
    no_serious_findings(page)
    page.get_by_role("link", name="To the datasets").click()
    expect(page.get_by_role("heading", name="Datasets")).to_be_visible()


def test_an_admin_adds_a_dataset_from_a_path(place: Workplace) -> None:
    page = place.page("root", "/datasets")
    page.get_by_role("button", name="Add a dataset").click()
    dialog = page.get_by_role("dialog", name="Add a dataset")
    dialog.get_by_label("Name", exact=True).fill("small")
    dialog.get_by_label("Path of the volume").fill("/etc/passwd")
    no_serious_findings(page)
    dialog.get_by_role("button", name="Add a dataset").click()
    expect(dialog.get_by_role("alert")).to_contain_text("serve.readable")
    dialog.get_by_label("Path of the volume").fill(str(data_of(place) / "small.zarr"))
    dialog.get_by_label("Title").fill("A small one")
    dialog.get_by_text("More:").click()
    dialog.get_by_label("Paths of segmentations").fill(
        f"parts = {data_of(place) / 'segments.zarr'}"
    )
    dialog.get_by_label("Voxel size").fill("40, 8")
    dialog.get_by_role("button", name="Add a dataset").click()
    expect(dialog.get_by_role("alert")).to_contain_text("three numbers")
    dialog.get_by_label("Voxel size").fill("")
    dialog.get_by_role("button", name="Add a dataset").click()

    expect(page).to_have_url(f"{place.url}/d/small/settings/jobs")  # which makes it searchable
    known = place.api("root").get("/datasets/small").json()
    assert (known["shape"], known["voxel_size_nm"]) == (list(SHAPE), [40, 8, 8])
    assert [layer["name"] for layer in known["layers"]] == ["image", "parts"]
    assert place.api("sid").get("/datasets/small").status_code == 404


def test_members_get_access_and_lose_it(place: Workplace) -> None:
    page = place.page("root", "/d/small/settings/members")
    page.get_by_label("Name of the member").fill("sid")
    form = page.locator("form", has_text="Add a member")
    form.get_by_label("Role").select_option("Reader")
    form.get_by_role("button", name="Add a member").click()
    expect(page.get_by_role("row", name="sid")).to_be_visible()
    no_serious_findings(page)
    assert place.api("sid").get("/datasets/small").json()["role"] == "reader"
    page.get_by_label("Name of the member").fill("nobody")
    form.get_by_role("button", name="Add a member").click()
    expect(page.get_by_role("alert")).to_contain_text("no user of that name")
    page.get_by_label("Role of sid").select_option("Annotator")
    expect(page.get_by_label("Role of sid")).to_have_value("annotator")
    page.get_by_role("button", name="Remove sid from the dataset").click()
    expect(page.get_by_text("It has no members yet.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("row", name="sid")).to_be_visible()
    assert place.api("sid").get("/datasets/small").json()["role"] == "annotator"


def test_a_dataset_is_made_searchable_by_a_job(place: Workplace) -> None:
    page = place.page("root", "/d/small/settings/about")
    page.get_by_role("link", name="Jobs", exact=True).click()
    expect(page.get_by_text("This dataset is not searchable yet.")).to_be_visible()
    page.get_by_label("Patch size").fill("many")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("alert")).to_contain_text("must be a number, got “many”")
    page.get_by_label("Patch size").fill("80")
    no_serious_findings(page)
    page.get_by_role("button", name="Start").click()
    job = page.get_by_role("listitem").filter(has_text="Make searchable")
    expect(job).to_contain_text("Done", timeout=120_000)  # a worker computes codes
    expect(page.get_by_text("This dataset is not searchable yet.")).to_be_hidden()
    assert place.api("sid").get("/datasets/small").json()["searchable"]
    job.get_by_role("button", name="Log").click()
    expect(page.get_by_role("dialog").locator("pre")).not_to_be_empty()
    no_serious_findings(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    job.get_by_role("link", name="Search it").click()
    expect(page).to_have_url(re.compile(f"{place.url}/d/small/search"))
    expect(page.get_by_role("button", name="Search", exact=True)).to_be_visible()
    assert page.errors == []  # type: ignore[attr-defined]


def test_a_job_is_cancelled_and_started_again(place: Workplace) -> None:
    page = place.page("mia", "/d/toy/settings/jobs")
    for name in ("first", "second"):  # there is one worker: the second one waits
        page.get_by_label("What is done").select_option("Make searchable")
        page.get_by_label("Name of what is made").fill(name)
        page.get_by_label("Distance", exact=True).fill("4")
        page.get_by_role("button", name="Start").click()
        expect(page.get_by_role("listitem").filter(has_text=f"name: {name}")).to_be_visible()
    second = page.get_by_role("listitem").filter(has_text="name: second")
    second.get_by_role("button", name="Cancel").click()
    expect(second).to_contain_text("Cancelled")
    first = page.get_by_role("listitem").filter(has_text="name: first")
    expect(first).to_contain_text("Running", timeout=60_000)
    expect(first.get_by_role("progressbar")).to_be_visible()
    no_serious_findings(page)
    first.get_by_role("button", name="Cancel").click()
    expect(first).to_contain_text("Cancelled", timeout=60_000)
    second.get_by_role("button", name="Start again").click()
    expect(second).not_to_contain_text("Cancelled")
    second.get_by_role("button", name="Cancel").click()
    expect(second).to_contain_text("Cancelled", timeout=60_000)


def test_two_managers_do_not_overwrite_each_other(place: Workplace) -> None:
    page = place.page("mia", "/d/toy/settings/about")
    page.get_by_label("Title").fill("Toy of mia")
    root = place.api("root")
    root.patch("/datasets/toy", json={"title": "Toy of root"}).raise_for_status()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("changed in the meantime")
    page.get_by_role("button", name="Read it again").click()
    expect(page.get_by_label("Title")).to_have_value("Toy of root")
    page.get_by_label("Title").fill("Toy neuropil")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The dataset is saved.")).to_be_visible()
    no_serious_findings(page)
    assert root.get("/datasets/toy").json()["title"] == "Toy neuropil"
    expect(page.get_by_role("button", name="Delete the dataset")).to_have_count(0)  # for admins


def test_layers_and_links(place: Workplace) -> None:
    page = place.page("root", "/d/toy/settings/layers")
    page.get_by_text("Add a layer").first.click()
    page.get_by_label("Name of the layer").fill("other")
    form = page.locator("form")
    form.get_by_label("Path").fill(str(data_of(place) / "missing.zarr"))
    form.get_by_role("button", name="Add a layer").click()
    expect(page.get_by_role("alert")).to_contain_text("missing.zarr")
    form.get_by_label("Path").fill(str(data_of(place) / "segments.zarr"))
    form.get_by_role("button", name="Add a layer").click()
    expect(page.get_by_role("row", name="other")).to_contain_text("Segmentation")
    no_serious_findings(page)
    page.get_by_role("button", name="Remove other").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("row", name="other")).to_have_count(0)

    page.get_by_role("link", name="Links", exact=True).click()
    page.get_by_label("Name of the link").fill("for a paper")
    page.get_by_label("Layer").select_option("image")
    page.get_by_role("button", name="Make link").or_(
        page.get_by_role("button", name="Make a link")
    ).click()
    address = page.get_by_label("Your new link").input_value()
    no_serious_findings(page)
    listed = place.api("rea").get(f"{address}/layers")
    assert [layer["name"] for layer in listed.json()["layers"]] == ["image"]
    page.get_by_role("button", name="Withdraw the link for a paper").click()
    page.get_by_role("dialog").get_by_role("button", name="Withdraw").click()
    expect(page.get_by_text("No links are valid now.")).to_be_visible()
    assert place.api("rea").get(f"{address}/layers").status_code in (401, 404)


def test_a_dataset_is_deleted_after_its_name_is_typed(place: Workplace) -> None:
    root = place.api("root")
    body = {"name": "gone", "volume": str(data_of(place) / "small.zarr")}
    root.post("/datasets", json=body).raise_for_status()
    page = place.page("root", "/d/gone/settings/about")
    page.get_by_role("button", name="Delete the dataset").click()
    dialog = page.get_by_role("dialog")
    button = dialog.get_by_role("button", name="Delete the dataset")
    expect(button).to_be_disabled()
    no_serious_findings(page)
    dialog.get_by_label("Type gone to confirm").fill("gone")
    button.click()
    expect(page).to_have_url(f"{place.url}/datasets")
    expect(page.get_by_role("listitem", name="gone")).to_have_count(0)
    assert root.get("/datasets/gone").status_code == 404
