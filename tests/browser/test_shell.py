"""The frame of the pages: signing in, the viewer, links."""

import pytest
from playwright.sync_api import expect
from support.browsing import PASSWORD, Workplace, drawn, no_serious_findings

pytestmark = pytest.mark.slow


def test_a_user_signs_in_and_sees_the_volume(place: Workplace) -> None:
    page = place.page(None)
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    drawn(page)
    assert page.errors == []  # type: ignore[attr-defined]
    no_serious_findings(page)
