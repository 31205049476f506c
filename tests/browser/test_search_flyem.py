"""A search of real tissue, from the first click to a saved search."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect
from support.browsing import Workplace, add_people, click_voxel, drawn, workplace
from support.search_pages import answer, asked, places, same_cards, search

from emqs.volumes.copying import write_ome_zarr

pytestmark = pytest.mark.slow

N_SLICES = 12
SETTINGS = """\
title: Fly
visibility: private
volume: ../files/fly.zarr
store: ../files/fly_emb.zarr
labels: ../files/fly_bodies.zarr
grants: {users: {ann: annotator}}
"""


@pytest.fixture(scope="module")
def shared_place(
    browser: Browser, toy_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workplace]:
    """A server with a few slices of the FLYEM volume and their bodies."""
    images = os.environ.get("EMQS_IMAGES")
    if images is None:
        pytest.skip("needs EMQS_IMAGES, a folder with the FLYEM images")
    home = tmp_path_factory.mktemp("fly") / "home"
    shutil.copytree(toy_home, home)
    add_people(home)
    files = home / "files"
    for kind, name in (("raw", "fly"), ("labels", "fly_bodies")):
        slices = sorted((Path(images) / "FLYEM" / kind).glob("*.png"))[:N_SLICES]
        stack = np.stack([np.asarray(Image.open(path)) for path in slices])
        stack = stack if kind == "raw" else stack.astype(np.uint64)
        write_ome_zarr(files / f"{name}.zarr", stack, (10.0, 10.0, 10.0), (4, 125, 125))
    embed = ["emqs.embed", f"volume={files / 'fly.zarr'}", f"out={files / 'fly_emb.zarr'}"]
    sizes = ["patch.size=48", "patch.stride=24", f"paths.outputs={home / 'cache'}"]
    subprocess.run([sys.executable, "-m", *embed, *sizes], check=True, cwd=home)
    (home / "datasets" / "fly.yaml").write_text(SETTINGS, encoding="utf-8")
    with workplace(home, browser, "job_workers=0") as place:
        yield place


def test_from_a_click_to_a_saved_search_of_real_tissue(place: Workplace) -> None:
    page = place.page("ann", "/d/fly/search")
    drawn(page)
    click_voxel(page, 60, -80, keys=("Alt",))
    click_voxel(page, -150, 120, keys=("Alt", "Shift"))
    expect(page.locator(".thumbnail")).to_have_count(2)
    search(page)
    question = {"positives": places(asked(page)["p"]), "negatives": places(asked(page)["n"])}
    told = answer(place, dataset="fly", **question)
    same_cards(page, told["matches"])
    assert len(told["matches"]) >= 12
    for rank, mark in ((1, "right"), (2, "wrong"), (3, "right")):
        page.get_by_role("button", name=f"Match {rank} is {mark}", exact=True).click()
    marks = [
        {**{axis: row[axis] for axis in "zyx"}, "mark": mark}
        for row, mark in zip(told["matches"], ("right", "wrong", "right"), strict=False)
    ]
    page.get_by_role("button", name="Refine").click()
    expect(page.locator(".thumbnail")).to_have_count(5)
    refined = answer(place, dataset="fly", path="search/refine", question=question, marks=marks)
    same_cards(page, refined["matches"])
    page.get_by_role("button", name="Save\u2026").click()
    page.get_by_role("dialog").get_by_label("Title").fill("seen in the fly")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.locator(".saved-banner")).to_contain_text("seen in the fly")
    page.get_by_role("link", name="Saved searches").click()
    expect(page.locator("li.saved")).to_contain_text("3 positive, 2 negative")
    with place.api("ann") as client:
        (kept,) = client.get("/datasets/fly/searches").json()["searches"]
        whole = client.get(f"/datasets/fly/searches/{kept['id']}").json()
    assert [row["x"] for row in whole["matches"]] == [row["x"] for row in refined["matches"]]
    assert page.errors == []  # type: ignore[attr-defined]
