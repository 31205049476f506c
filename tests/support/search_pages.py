"""What a page of searches shows, and what the API answers to the same question."""

import json
import re
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from playwright.sync_api import Page, expect
from support.browsing import Workplace, drawn, until_true

TOY = "/d/toy/search"
EXAMPLE = {"z": 6, "y": 200, "x": 300}
OTHER = {"z": 3, "y": 120, "x": 90}


def asked(page: Page) -> dict:
    """Return the search that stands in the address."""
    return json.loads(unquote(urlsplit(page.url).fragment) or "{}").get("search", {})


def opened(place: Workplace, name: str = "ann", **search: object) -> Page:
    """Return a page with a search in its address."""
    page = place.page(name, f"{TOY}#{quote(json.dumps({'search': search}))}")
    drawn(page)
    return page


def triple(voxel: dict) -> list[int]:
    return [voxel["z"], voxel["y"], voxel["x"]]


def cards(page: Page) -> list[dict]:
    """Return what the cards of the matches say."""
    texts = page.locator("ol[aria-label=Matches] .card").evaluate_all(
        """(all) => all.map((card) => [
            card.querySelector('.rank').textContent,
            ...[...card.querySelectorAll('p')].map((p) => p.innerText),
        ])"""
    )
    rows = []
    for rank, voxel, nm, *rest in texts:
        z, y, x = (int(part) for part in re.findall(r"\d+", voxel))
        hamming, score = re.search(r"H (\d+)\s*(-?[\d.]+)", rest[-1]).groups()  # type: ignore[union-attr]
        rows.append(
            {
                "rank": int(rank),
                **{"z": z, "y": y, "x": x},
                "nm": [float(part) for part in nm.removesuffix(" nm").split(", ")],
                "hamming": int(hamming),
                "score": float(score),
            }
        )
    return rows


def as_cards(matches: list[dict]) -> list[dict]:
    """Return what cards say of matches of the API."""
    return [
        {
            **{name: row[name] for name in ("rank", "z", "y", "x", "hamming")},
            "nm": [round(row[f"{axis}_nm"], 1) for axis in "zyx"],
            "score": round(row["score"], 3),
        }
        for row in matches
    ]


def same_cards(page: Page, matches: list[dict]) -> None:
    expect(page.locator("ol[aria-label=Matches] .card")).to_have_count(len(matches))
    rows, expected = cards(page), as_cards(matches)
    for row, other in zip(rows, expected, strict=True):
        assert row.pop("nm") == other.pop("nm")
        assert row == pytest.approx(other, abs=1e-6)


def places(short: list[list[int]]) -> list[dict]:
    return [dict(zip("zyx", one, strict=True)) for one in short]


def answer(
    place: Workplace, path: str = "search", dataset: str = "toy", **body: object
) -> dict[str, Any]:
    """Return what the API answers to ann."""
    with place.api("ann") as client:
        told = client.post(f"/datasets/{dataset}/{path}", json=body)
    assert told.status_code < 300, told.text
    return dict(told.json())


def search(page: Page) -> None:
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("ol[aria-label=Matches] .card").first).to_be_visible()
    expect(page.get_by_text("Searching…")).to_have_count(0)


def settled(page: Page, count: int) -> None:
    """Wait until the address holds as many matches as are shown."""
    shown = "JSON.parse(decodeURIComponent(location.hash.slice(1) || '{}')).search?.shown"
    until_true(page, f"() => {shown} === {count}")
