"""The table of annotations: filters, order, pages, columns, many at once, files."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from support.browsing import Workplace, drawn

pytestmark = pytest.mark.slow

ALL = "/datasets/toy/annotations"
KINDS = ("point", "line", "sphere", "box")
N = 300
TEXT = "Text in title, description or tags"


def row(i: int) -> dict[str, Any]:
    """Return the annotation number i: its kind, slice and words follow from the number."""
    kind = KINDS[i % 4]
    first = [float(i % 12) + 0.5, 10.0 + i, 20.0 + i]
    last = [first[0] + 0.25, first[1] + 8, first[2] + 6]
    return {
        "kind": kind,
        "points": [first, last] if kind in ("line", "box") else [first],
        "radius_nm": 50.0 if kind == "sphere" else None,
        "title": f"thing {(i * 7) % N:03d}",
        "description": "rare" if i % 50 == 0 else "",
        "tags": ["even"] if i % 2 == 0 else ["odd", "checked"],
        "colour_class": "synapse" if i < 30 else "",
    }


@pytest.fixture(scope="module")
def page(shared_place: Workplace) -> Iterator[Page]:
    """The table with 300 annotations of ann's; the tests of this file follow each other in it."""
    with shared_place.api("ann") as client:
        report = client.post(f"{ALL}/batch", json={"rows": [row(i) for i in range(N)]})
        assert report.json()["counts"] == {"created": N}
    opened = shared_place.page("ann", "/d/toy/annotate")
    drawn(opened)
    yield opened
    assert opened.errors == []  # type: ignore[attr-defined]


def titles(page: Page) -> list[str]:
    return [text.strip() for text in page.locator("tr.line .open").all_inner_texts()]


def count_is(page: Page, n: int) -> None:
    expect(page.locator(".annotate-bar [role=status]").first).to_have_text(f"Annotations: {n}")


def cell(page: Page, name: str) -> Locator:
    return page.locator("tr.filters").get_by_label(name, exact=True)


def test_pages_follow_each_other_in_the_chosen_order(page: Page) -> None:
    count_is(page, N)
    assert titles(page) == [row(i)["title"] for i in range(N - 1, N - 51, -1)]  # newest first
    page.get_by_role("button", name="Title ").click()
    first = page.locator("tr.line").first
    expect(first).to_contain_text("thing 000")
    seen = titles(page)
    for start in range(50, N, 50):
        page.get_by_role("button", name="Next").click()
        expect(page.get_by_role("navigation", name="Pages of the list")).to_contain_text(
            f"{start + 1} to {start + 50}"
        )
        expect(first).to_contain_text(f"thing {start:03d}")
        seen += titles(page)
    assert seen == [f"thing {i:03d}" for i in range(N)]
    expect(page.get_by_role("button", name="Next")).to_be_disabled()
    page.get_by_role("button", name="Previous").click()
    expect(first).to_contain_text("thing 200")
    page.get_by_role("button", name="Title ").click()  # the other way round
    expect(first).to_contain_text("thing 299")
    expect(page.get_by_role("columnheader", name="Title ")).to_have_attribute(
        "aria-sort", "descending"
    )
    page.get_by_role("button", name="Kind ").click()
    expect(first.locator("td").nth(1)).to_have_text("Box")
    page.get_by_role("button", name="Kind ").click()
    expect(first.locator("td").nth(1)).to_have_text("Sphere")
    page.get_by_role("button", name="Title ").click()
    expect(first).to_contain_text("thing 000")
    page.get_by_role("button", name="Title ").click()
    expect(first).to_contain_text("thing 299")


def test_each_column_has_a_filter(page: Page) -> None:
    whole = [row(i) for i in range(N)]
    cell(page, "Kind").select_option("Line")
    count_is(page, 75)
    cell(page, "Tag").fill("checked")
    count_is(page, 75)  # lines have odd numbers
    cell(page, "Tag").fill("even")
    count_is(page, 0)
    expect(page.locator(".empty")).to_have_text("No annotation fits these filters.")
    page.get_by_role("button", name="Without filters").click()
    count_is(page, N)
    cell(page, TEXT).fill("RARE")
    count_is(page, sum(one["description"] == "rare" for one in whole))
    page.get_by_role("button", name="Without this filter: Text").click()
    count_is(page, N)


def test_columns_are_chosen_and_remembered(page: Page) -> None:
    expect(page.locator("thead")).not_to_contain_text("Voxel")
    page.get_by_role("button", name="Columns").click()
    for name in ("Voxel (z, y, x)", "Colour class", "Owner", "Place in nm (z, y, x)"):
        page.get_by_role("dialog").get_by_label(name).check()
    page.get_by_role("dialog").get_by_label("Tags").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    expect(page.locator("thead")).to_contain_text("Voxel (z, y, x)")
    expect(page.locator("thead")).not_to_contain_text("Tags")
    cell(page, TEXT).fill("thing 000")
    count_is(page, 1)
    line = page.locator("tr.line")
    expect(line).to_contain_text("0.5, 10, 20")
    expect(line).to_contain_text("0, 48, 98")  # (10 - 0.5) x 5 and (20 - 0.5) x 5 nm
    expect(line).to_contain_text("ann")
    page.get_by_role("button", name="Without this filter").click()
    cell(page, "Colour class").select_option("synapse")
    count_is(page, 30)
    cell(page, "From slice z").fill("2")
    cell(page, "From slice z").press("Tab")
    cell(page, "To slice z").fill("3")
    cell(page, "To slice z").press("Tab")
    # of the first 30: centres or ends in slices 2 and 3; spheres reach 2.5 slices up and down
    fits = [
        i
        for i in range(30)
        if (i % 12 in (2, 3) if i % 4 != 2 else i % 12 + 3 >= 2 and i % 12 - 2 < 4)
    ]
    count_is(page, len(fits))
    page.reload()  # the address holds the filters
    count_is(page, len(fits))
    page.get_by_role("button", name="Without filters").click()
    count_is(page, N)


def test_many_are_tagged_and_deleted_at_once_with_undo(shared_place: Workplace, page: Page) -> None:
    cell(page, TEXT).fill("thing 00")
    count_is(page, 10)
    page.get_by_label("Select all own ones on this page").check()
    page.get_by_role("button", name="Tags, class…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Add tags").fill("bulk, done")
    dialog.get_by_label("Remove tags").fill("checked")
    dialog.get_by_label("Colour class").select_option("nucleus")
    dialog.get_by_role("button", name="Change").click()
    expect(page.locator(".notice")).to_contain_text("Annotations changed: 10")

    def tagged(tag: str) -> list[dict[str, Any]]:
        with shared_place.api("ann") as client:
            return list(client.get(ALL, params={"tag": tag}).json()["annotations"])

    now = tagged("bulk")
    assert {one["title"] for one in now} == {f"thing {i:03d}" for i in range(10)}
    assert {one["colour_class"] for one in now} == {"nucleus"}
    assert all(
        set(one["tags"]) in ({"odd", "bulk", "done"}, {"even", "bulk", "done"}) for one in now
    )
    page.locator(".notice").get_by_role("button", name="Undo").click()
    expect(page.locator(".notice")).to_contain_text("Taken back")
    assert tagged("bulk") == []

    page.get_by_role("button", name="Without this filter").click()
    count_is(page, N)
    cell(page, "Kind").select_option("Box")
    count_is(page, 75)
    page.get_by_label("Select all own ones on this page").check()
    expect(page.locator(".selected")).to_contain_text("Selected: 50")
    page.get_by_role("button", name="Select all that fit").click()
    expect(page.locator(".selected")).to_contain_text("Selected: 75")
    page.locator(".selected").get_by_role("button", name="Delete").click()
    count_is(page, 0)
    page.get_by_role("button", name="Without this filter").click()
    count_is(page, N - 75)
    page.locator(".notice").get_by_role("button", name="Undo").click()
    count_is(page, N)


def upload(page: Page, name: str, text: str) -> None:
    page.get_by_role("dialog").get_by_label("File").set_input_files(
        {"name": name, "mimeType": "text/plain", "buffer": text.encode()}
    )


def test_a_file_is_looked_over_before_it_is_imported(shared_place: Workplace, page: Page) -> None:
    with shared_place.api("ann") as client:
        (one,) = client.get(ALL, params={"text": "thing 005"}).json()["annotations"]
    head = "id,revision,kind,z,y,x,title\n"
    changed = f"{one['id']},{one['revision']},,,,,thing 005 again\n"
    text = head + ",,point,1.5,2.5,3.5,fresh\n,,point,1.5,two,3.5,wrong\n" + changed
    page.get_by_role("button", name="Import").click()
    upload(page, "three.csv", text)
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".counts")).to_contain_text("New: 1")
    expect(dialog.locator(".counts")).to_contain_text("Changed: 1")
    expect(dialog.locator(".counts")).to_contain_text("Errors, left out: 1")
    expect(dialog.locator("tbody tr")).to_have_text("2The column y must hold a number, got 'two'.")
    count_is(page, N)  # nothing was written
    with shared_place.api("ann") as client:
        assert client.get(ALL, params={"text": "fresh"}).json()["annotations"] == []
    dialog.get_by_role("button", name="Import 2").click()
    expect(dialog).to_contain_text("What was done")
    dialog.get_by_role("button", name="Close").last.click()
    count_is(page, N + 1)
    with shared_place.api("ann") as client:
        (fresh,) = client.get(ALL, params={"text": "fresh"}).json()["annotations"]
        assert fresh["points"] == [[1.5, 2.5, 3.5]]
        assert client.get(f"{ALL}/{one['id']}").json()["title"] == "thing 005 again"
    page.get_by_role("button", name="Import").click()
    upload(page, "three.csv", text)  # once more: the new one is there already
    expect(dialog.locator(".counts")).to_contain_text("There already: 1")
    upload(page, "nothing.json", "{broken")
    expect(dialog.get_by_role("alert")).to_be_visible()
    page.keyboard.press("Escape")


def test_what_is_filtered_is_exported(page: Page) -> None:
    cell(page, "Kind").select_option("Sphere")
    count_is(page, 75)
    contents = {}
    for name in ("CSV", "JSON"):
        page.get_by_role("button", name="Export").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Format").select_option(name)
        with page.expect_download() as download:
            dialog.get_by_role("link", name="Download").click()
        contents[name] = download.value.path().read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(contents["CSV"])))
    listed = json.loads(contents["JSON"])["annotations"]
    expected = sorted(row(i)["title"] for i in range(2, N, 4))
    for titles_read in ([one["title"] for one in rows], [one["title"] for one in listed]):
        assert sorted(title.removesuffix(" again") for title in titles_read) == expected
    assert {float(one["radius_nm"]) for one in rows} == {50.0}
    for one in rows:
        i = next(i for i in range(N) if row(i)["title"] == one["title"].removesuffix(" again"))
        assert [float(one[axis]) for axis in "zyx"] == row(i)["points"][0]
