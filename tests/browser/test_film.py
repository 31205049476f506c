"""One story through all pages, as a film strip: from signing in to a pull request that is merged.

``EMQS_NEW_PICTURES=1`` writes it to ``docs/pages/film.webp``; look at it.
"""

import io
import os
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect
from support.browsing import PASSWORD, Workplace, click_voxel, drawn, until_true
from support.search_pages import TOY, search

pytestmark = pytest.mark.slow

FILM = Path(__file__).parents[2] / "docs" / "pages" / "film.webp"
FRAME = (440, 247)  # pixels of a picture of 1366 x 768
COLUMNS = 3
CAPTION = 18  # pixels
STEPS = (
    "sign in", "click: it looks like this", "search: matches as cards", "two marked wrong",
    "refined", "saved", "annotated", "submitted to the atlas", "accepted by a reviewer",
    "segments merged", "a pull request", "accepted and published for all",
)  # fmt: skip


class Film:
    """Pictures, one for each step."""

    def __init__(self) -> None:
        self.pictures: list[Image.Image] = []

    def take(self, page: Page) -> None:
        """Add what a page shows, once its viewer has drawn."""
        if page.locator(".viewer").count():
            drawn(page)
        content = page.screenshot(animations="disabled", caret="hide")
        whole = Image.open(io.BytesIO(content)).convert("RGB")
        self.pictures.append(whole.resize(FRAME, Image.Resampling.LANCZOS))

    def strip(self) -> Image.Image:
        """Return all pictures with their captions."""
        rows = -(-len(self.pictures) // COLUMNS)
        width, height = FRAME
        strip = Image.new("RGB", (COLUMNS * (width + 4), rows * (height + CAPTION + 4)), "white")
        draw = ImageDraw.Draw(strip)
        for i, (picture, step) in enumerate(zip(self.pictures, STEPS, strict=True)):
            left, top = i % COLUMNS * (width + 4), i // COLUMNS * (height + CAPTION + 4)
            draw.text((left + 2, top + 3), f"{i + 1}. {step}", fill="black")
            strip.paste(picture, (left, top + CAPTION))
        return strip


def test_from_signing_in_to_a_pull_request(place: Workplace) -> None:
    film = Film()
    page = place.page(None, TOY)
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    film.take(page)
    page.get_by_role("button", name="Sign in", exact=True).click()
    drawn(page)
    find(page, film)
    annotate(page, place, film)
    merge(page, place, film)
    assert page.errors == []  # type: ignore[attr-defined]
    assert len(film.pictures) == len(STEPS)
    if os.environ.get("EMQS_NEW_PICTURES"):
        film.strip().save(FILM, quality=85, method=6)


def find(page: Page, film: Film) -> None:
    """Search for what was clicked on, mark, refine, and keep the search."""
    click_voxel(page, 60, 80, keys=("Alt",))
    expect(page.locator(".examples.positives .thumbnail")).to_have_count(1)
    until_true(page, "() => document.querySelector('.thumbnail img').naturalWidth === 80")
    film.take(page)
    search(page)
    film.take(page)
    for rank in (3, 5):
        page.get_by_role("button", name=f"Match {rank} is wrong", exact=True).click()
    expect(page.get_by_role("group", name="Marks")).to_contain_text("✗ 2 wrong")
    film.take(page)
    page.get_by_role("button", name="Refine").click()
    expect(page.locator(".examples.negatives .thumbnail")).to_have_count(2)
    expect(page.get_by_role("heading", name="Matches")).to_be_in_viewport()  # at the first of them
    film.take(page)
    page.get_by_role("button", name="Save…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Title").fill("Mitochondria")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator(".saved-banner")).to_contain_text("Mitochondria")
    film.take(page)


def annotate(page: Page, place: Workplace, film: Film) -> None:
    """Draw a sphere, send it to the atlas, and have it accepted by somebody else."""
    page.get_by_role("link", name="Annotate", exact=True).click()
    drawn(page)
    group = page.get_by_role("group", name="Tool")
    group.get_by_role("button", name="Sphere").click()
    click_voxel(page, 60, 80, keys=("Control",))
    click_voxel(page, 60, 150, keys=("Control",))
    expect(page.locator("tr.line")).to_have_count(1)
    film.take(page)
    page.locator("tr.line").first.click()
    page.get_by_role("link", name="Atlas", exact=True).last.click()
    form = page.get_by_role("region", name="Submit to the atlas")
    if form.get_by_label("Title").count() == 0:
        form.get_by_label("Annotation").select_option(index=1)
    form.get_by_label("Title").fill("A mitochondrion")
    form.get_by_label("Description").fill("Dark, with cristae.")
    form.get_by_role("button", name="Submit").click()
    expect(page.locator("li.entry")).to_contain_text("A mitochondrion")
    film.take(page)
    rob = place.page("rob", "/d/toy/atlas")
    rob.get_by_role("link", name="A mitochondrion").click()
    rob.get_by_role("button", name="Accept").click()
    expect(rob.get_by_role("list", name="History")).to_contain_text("Accepted")
    film.take(rob)
    rob.context.close()


def merge(page: Page, place: Workplace, film: Film) -> None:
    """Merge two segments, and have it accepted and published by somebody else."""
    page.get_by_role("link", name="Segments", exact=True).click()
    for segment in ("1", "2"):
        page.get_by_label("Segment number").fill(segment)
        page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="Merge (m)", exact=True).click()
    expect(page.locator(".groups li")).to_have_count(1)
    film.take(page)
    requests = page.get_by_role("region", name="My pull requests")
    requests.get_by_label("Title").fill("Two are one")
    requests.get_by_label("Description").fill("A fold lies between.")
    requests.get_by_role("button", name="Submit the pull request").click()
    expect(requests.locator("li.entry .state")).to_have_text("open")
    requests.locator("li.entry").scroll_into_view_if_needed()
    film.take(page)
    mia = place.page("mia", "/d/toy/reviews")
    mia.get_by_role("link", name="Two are one").click()
    expect(mia.get_by_text("2 segments become 1")).to_be_visible()
    mia.get_by_role("button", name="Accept").click()
    expect(mia.get_by_role("list", name="History")).to_contain_text("Accepted")
    mia.get_by_role("link", name="Back to the reviews").click()
    mia.get_by_role("button", name="Publish for all").click()
    mia.get_by_role("dialog").get_by_role("button", name="Publish for all").click()
    expect(mia.get_by_text("labels has the new version")).to_be_visible()
    film.take(mia)
