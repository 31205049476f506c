"""Signing in and out, one's own account, tokens of programs."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Page, expect
from support.browsing import PASSWORD, Workplace, no_serious_findings, toy_workplace, until_equal
from web.oidc_provider import CLIENT, SECRET, Provider

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """Somebody who signs in ann, whose e-mail address they have checked."""
    made = Provider()
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_place(
    browser: object, toy_home: Path, tmp_path_factory: pytest.TempPathFactory, provider: Provider
) -> Iterator[Workplace]:
    """A server where one may sign in at the provider, too, and has few tries."""
    os.environ["EMQS_OIDC_LAB_SECRET"] = SECRET
    lab = f"{{issuer:'{provider.issuer}',client_id:{CLIENT},label:Lab,match_email:true}}"
    settings = (f"+serve.oidc.lab={lab}", "serve.logins_per_minute=4", "job_workers=0")
    folder = tmp_path_factory.mktemp("place")
    with toy_workplace(folder, toy_home, browser, *settings) as place:  # type: ignore[arg-type]
        place.api("root").patch("/users/ann", json={"email": "ann@lab.org"}).raise_for_status()
        yield place


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_in_with_the_keyboard_alone_out_and_back(place: Workplace) -> None:
    page = place.page(None, "/datasets")
    expect(page).to_have_title("Sign in to emqs")
    no_serious_findings(page)
    page.get_by_label("Name").focus()
    page.keyboard.type("rea")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Datasets")).to_be_visible()
    expect(page).to_have_title("Datasets · emqs")
    page.keyboard.press("Tab")  # the first stop of a page
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Toy neuropil")).to_be_focused()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password", exact=True)).to_be_visible()
    page.reload()
    expect(page.get_by_label("Password", exact=True)).to_be_visible()
    assert page.errors == []  # type: ignore[attr-defined]


def test_a_wrong_password_and_too_many_tries_are_told(place: Workplace) -> None:
    page = place.page(None, "/")
    sign_in(page, "sid", "none of the passwords")
    expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    no_serious_findings(page)
    for _ in range(4):
        page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text(re.compile("many|Wait|again", re.I))
    expect(page.get_by_role("alert")).not_to_contain_text("password is wrong")


def test_a_link_that_works_once_sets_a_password(place: Workplace) -> None:
    root = place.api("root")
    made = root.post("/users", json={"name": "nora", "display_name": "Nora N."}).json()
    page = place.page(None, f"/datasets#one-time={made['one_time']}")
    expect(page.get_by_role("heading", name="Welcome to emqs")).to_be_visible()
    no_serious_findings(page)
    button = page.get_by_role("button", name="Set the password and sign in")
    page.get_by_label("New password").fill("short")
    expect(button).to_be_disabled()
    page.get_by_label("New password").fill("nora's own password")
    button.click()
    expect(page.get_by_role("link", name="Nora N.")).to_be_visible()
    assert "one-time" not in page.url
    page.get_by_role("button", name="Sign out").click()
    sign_in(page, "nora", "nora's own password")
    expect(page.get_by_role("link", name="Nora N.")).to_be_visible()
    again = place.page(None, f"/#one-time={made['one_time']}")
    again.get_by_role("button", name="Go on without a password").click()
    expect(again.get_by_role("alert")).to_contain_text("used before")
    again.get_by_role("button", name="Sign in another way").click()
    expect(again.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


def test_a_provider_signs_in_and_one_comes_back_to_the_page(place: Workplace) -> None:
    page = place.page(None, "/account")
    page.get_by_role("link", name="Sign in with Lab").click()
    expect(page.get_by_role("heading", name="Account")).to_be_visible()
    expect(page.locator(".fact-list")).to_contain_text("ann@lab.org")


def test_a_session_that_ended_is_begun_again_over_the_page(place: Workplace) -> None:
    page = place.page("mia", "/account")
    page.get_by_label("Display name").fill("Mia the first")
    place.api("root").delete("/users/mia/sessions").raise_for_status()
    page.get_by_role("button", name="Save").click()
    dialog = page.get_by_role("dialog", name="Sign in again")
    expect(dialog).to_be_visible()
    no_serious_findings(page)
    expect(dialog.get_by_label("Name")).to_have_value("mia")
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    dialog.get_by_role("button", name="Sign in", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_label("Display name")).to_have_value("Mia the first")  # nothing is lost
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="Mia the first")).to_be_visible()
    assert place.api("mia").get("/auth/me").json()["display_name"] == "Mia the first"


def test_language_and_colours_are_remembered(place: Workplace) -> None:
    page = place.page("ben", "/account")
    page.get_by_label("Colours").select_option("Dark")
    background = "() => getComputedStyle(document.body).backgroundColor"
    until_equal(page, background, "rgb(20, 23, 28)")
    no_serious_findings(page)
    page.locator("main").get_by_label("Language").select_option("Deutsch")
    expect(page.get_by_role("heading", name="Konto")).to_be_visible()
    until_equal(page, "() => document.documentElement.lang", "de")
    other = place.page("ben", "/account")  # another browser
    expect(other.get_by_role("heading", name="Konto")).to_be_visible()
    until_equal(other, background, "rgb(20, 23, 28)")
    no_serious_findings(other)
    other.get_by_role("banner").get_by_label("Sprache").select_option("English")
    expect(other.get_by_role("heading", name="Account")).to_be_visible()


def test_a_token_is_shown_once_works_and_is_withdrawn(place: Workplace) -> None:
    page = place.page("rob", "/account")
    page.get_by_text("New token").click()
    page.get_by_label("Name of the token").fill("notebook")
    page.get_by_role("checkbox", name="write").uncheck()
    page.get_by_label("Valid for").select_option("7 days")
    page.get_by_role("button", name="Make the token").click()
    field = page.get_by_label("Your new token")
    expect(field).to_have_value(re.compile("^emqs_"))
    no_serious_findings(page)
    token = field.input_value()
    headers = {"Authorization": f"Bearer {token}"}
    me = f"{place.url}/api/v1/auth/me"
    assert httpx2.get(me, headers=headers).json()["name"] == "rob"
    changed = httpx2.patch(me, headers=headers, json={"display_name": "x"})
    assert changed.status_code == 403  # it may only read
    page.reload()
    row = page.get_by_role("row", name="notebook")
    expect(row).to_contain_text("read")
    expect(page.get_by_label("Your new token")).to_be_hidden()
    page.get_by_role("button", name="Withdraw notebook").click()
    page.get_by_role("dialog").get_by_role("button", name="Withdraw").click()
    expect(page.get_by_text("No program has a token yet.")).to_be_visible()
    assert httpx2.get(me, headers=headers).status_code == 401


def test_a_new_password_ends_other_sign_ins(place: Workplace) -> None:
    root = place.api("root")
    root.post("/users", json={"name": "pam", "password": PASSWORD}).raise_for_status()
    elsewhere, page = place.api("pam"), place.page("pam", "/account")
    expect(page.get_by_role("button", name="Sign out there")).to_have_count(1)
    page.get_by_label("Old password").fill("a wrong old one")
    page.get_by_label("New password").fill("a new long password")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("alert")).to_contain_text("old password is wrong")
    page.get_by_label("Old password").fill(PASSWORD)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("The password is changed")).to_be_visible()
    expect(page.get_by_role("button", name="Sign out there")).to_have_count(0)
    assert elsewhere.get("/auth/me").status_code == 401


def test_there_is_no_signing_out_without_accounts(
    browser: object, toy_home: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "alone"
    folder.mkdir()
    settings = ("serve.accounts=false", "job_workers=0")
    with toy_workplace(folder, toy_home, browser, *settings) as place:  # type: ignore[arg-type]
        page = place.page(None, "/account")
        expect(page.get_by_role("heading", name="Account")).to_be_visible()
        expect(page.get_by_role("button", name="Sign out")).to_have_count(0)
        expect(page.get_by_role("heading", name="Password")).to_have_count(0)
        page.goto("/admin/users")
        expect(page.get_by_role("status").filter(has_text="no accounts")).to_be_visible()
