"""Administration: users, groups, jobs, workers, and who did what."""

import re

import pytest
from playwright.sync_api import expect
from support.browsing import PASSWORD, Workplace, no_serious_findings

pytestmark = pytest.mark.slow
JOBS = True  # a process does them


def test_a_user_is_made_changed_and_locked(place: Workplace) -> None:
    page = place.page("root", "/admin/users")
    no_serious_findings(page)
    page.get_by_text("New user").click()
    form = page.locator("form", has_text="Make the account")
    form.get_by_label("Name", exact=True).fill("Not a name!")
    form.get_by_role("button", name="Make the account").click()
    expect(page.get_by_role("alert")).to_contain_text("A name has 1 to 100 letters")
    form.get_by_label("Name", exact=True).fill("una")
    form.get_by_label("Display name").fill("Una U.")
    form.get_by_role("button", name="Make the account").click()
    link = page.get_by_label("Link for una")
    expect(link).to_have_value(re.compile(f"^{place.url}/#one-time="))
    expect(page.get_by_role("row", name="una")).to_contain_text("Una U.")
    no_serious_findings(page)
    hers = place.page(None, link.input_value())
    hers.get_by_label("New password").fill(PASSWORD)
    hers.get_by_role("button", name="Set the password and sign in").click()
    expect(hers.get_by_text("There is no dataset that you may see yet.")).to_be_visible()

    page.get_by_role("button", name="Change una").click()
    dialog = page.get_by_role("dialog")
    no_serious_findings(page)
    dialog.get_by_label("Administrator of this server").check()
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="una")).to_contain_text("Administrator")
    assert place.api("una").get("/audit").status_code == 200
    page.get_by_role("button", name="Change una").click()
    dialog.get_by_label("Administrator of this server").uncheck()
    dialog.get_by_label("May sign in").uncheck()
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="una")).to_contain_text("locked")
    hers.reload()
    expect(hers.get_by_role("button", name="Sign in")).to_be_visible()

    page.get_by_label("Filter by name").fill("roo")
    expect(page.get_by_role("row", name="una")).to_have_count(0)
    page.get_by_role("button", name="Change root").click()
    dialog.get_by_label("Administrator of this server").uncheck()
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("last admin")


def test_a_user_is_signed_out_everywhere_and_gets_a_new_link(place: Workplace) -> None:
    theirs = place.page("sid", "/account")
    expect(theirs.get_by_role("heading", name="Account")).to_be_visible()
    page = place.page("root", "/admin/users")
    page.get_by_role("button", name="Change sid").click()
    page.get_by_role("button", name="Sign out everywhere").click()
    question = page.get_by_role("dialog", name="Sign out everywhere")  # above another dialog
    question.get_by_role("button", name="Sign out everywhere").click()
    expect(page.get_by_text("sid is signed out everywhere.")).to_be_visible()
    theirs.reload()
    expect(theirs.get_by_role("button", name="Sign in")).to_be_visible()
    page.get_by_role("button", name="New link to sign in with").click()
    expect(page.get_by_label("Link for sid")).to_be_visible()


def test_a_group_gives_its_members_a_role(place: Workplace) -> None:
    page = place.page("root", "/admin/users")
    page.get_by_role("link", name="Groups").click()
    expect(page.get_by_text("There are no groups yet.")).to_be_visible()
    page.get_by_text("New group").click()
    page.get_by_label("Name of the group").fill("lab")
    page.get_by_role("button", name="Make the group").click()
    card = page.get_by_role("listitem", name="lab")
    expect(card).to_be_visible()
    page.get_by_label("Add to lab").fill("nobody")
    card.get_by_role("button", name="Add to the group").click()
    expect(page.get_by_role("alert")).to_contain_text("no user of that name")
    page.get_by_label("Add to lab").fill("sid")
    card.get_by_label("may change who is in it").check()
    card.get_by_role("button", name="Add to the group").click()
    expect(card.get_by_role("listitem").filter(has_text="sid")).to_contain_text("owner")
    no_serious_findings(page)
    grant = {"group": "lab", "role": "reader"}
    place.api("root").put("/datasets/toy/grants", json=grant).raise_for_status()

    theirs = place.page("sid", "/datasets")
    expect(theirs.get_by_role("listitem", name="Toy neuropil")).to_be_visible()
    theirs.goto("/account")
    theirs.get_by_label("Add to lab").fill("rea")
    theirs.get_by_role("button", name="Add to the group").click()
    expect(theirs.get_by_text("rea is in lab now.")).to_be_visible()
    theirs.get_by_role("button", name="Leave lab").click()
    theirs.get_by_role("dialog").get_by_role("button", name="Leave").click()
    expect(theirs.get_by_text("You are in no group.")).to_be_visible()
    assert place.api("sid").get("/datasets").json()["datasets"] == []

    page.get_by_role("button", name="Delete lab").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(card).to_have_count(0)
    assert place.api("root").get("/groups").json()["groups"] == []


def test_jobs_of_everybody_and_who_does_them(place: Workplace) -> None:
    box = {"layer": "image", "start": [0, 0, 0], "stop": [2, 64, 64], "format": "npy"}
    asked = place.api("rea").post("/datasets/toy/jobs", json={"kind": "download", "settings": box})
    asked.raise_for_status()
    page = place.page("root", "/admin/jobs")
    job = page.get_by_role("listitem").filter(has_text="Cut out a box")
    expect(job).to_contain_text("rea · toy")
    expect(job).to_contain_text("Done", timeout=60_000)
    no_serious_findings(page)
    with page.expect_download() as download:
        job.get_by_role("link", name="Download").click()
    assert download.value.path().read_bytes()[:6] == b"\x93NUMPY"
    page.get_by_label("State").select_option("Failed")
    expect(page.get_by_text("No jobs.")).to_be_visible()
    page.get_by_text("Make a dataset of raw slices").click()
    page.get_by_label("Path of the slices").fill("/etc")
    page.get_by_label("Name of what is made").fill("made")
    page.get_by_label("Voxel size in nm").fill("40, 5, 5")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("alert")).to_contain_text("serve.readable")
    page.get_by_role("link", name="Workers").click()
    expect(page.get_by_role("table", name="Workers")).to_contain_text("Make searchable")
    no_serious_findings(page)


def test_the_audit_log_is_filtered_and_paged(place: Workplace) -> None:
    root = place.api("root")
    for number in range(60):
        root.patch("/auth/me", json={"display_name": f"root {number}"}).raise_for_status()
    root.patch("/auth/me", json={"display_name": "root"}).raise_for_status()
    place.api("rea").patch("/datasets/toy", json={"title": "mine"})
    page = place.page("root", "/admin/audit")
    table = page.get_by_role("table", name="Audit log")
    expect(table.get_by_role("row")).to_have_count(51)
    no_serious_findings(page)
    page.get_by_role("button", name="Show more").click()
    expect(table.get_by_role("row").nth(60)).to_be_visible()
    page.get_by_label("Outcome").select_option("refused")
    row = table.get_by_role("row").filter(has_text="PATCH /datasets/toy")
    expect(row).to_contain_text("rea")
    expect(row).to_contain_text("refused 403")
    page.reload()  # the filter is in the address
    expect(page.get_by_label("Outcome")).to_have_value("refused")
    page.get_by_label("User").select_option("mia")
    expect(page.get_by_text("Nothing fits the filter.")).to_be_visible()
