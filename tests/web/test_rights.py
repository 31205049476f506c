"""Every route, every role, a private and a public dataset: all as written out in the matrix."""

import re
from itertools import product

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Mount
from support.served import Served
from web.rights_matrix import FURTHER, LINKS, OPEN_RIGHTS, PEOPLE, RIGHTS, routes

from emqs.web import app, pages
from emqs.web.rights import declared

API = "/api/v1"
NO_DATASET = "There is no such dataset, or none that you may know of."
NO_ROLE = re.compile(r"This needs the role \w+ in the dataset\.|Only admins may do this\.")


def test_every_route_declares_exactly_one_right_and_it_is_the_written_one() -> None:
    found = []
    for router in app.ROUTERS:
        for route, needed in declared(router.routes):
            assert isinstance(route, APIRoute), route
            assert len(needed) == 1, route.path
            in_path = "{dataset}" in route.path
            assert in_path == needed[0].right.startswith("dataset:"), route.path
            found += [(method, route.path, needed[0].right) for method in route.methods]
    written = routes()
    assert len(set(found)) == len(found)
    plain = [(m, re.sub(r":path\}", "}", path), right) for m, path, right in found]
    assert sorted(plain) == sorted(written)


def test_nothing_answers_besides_the_routers(local: Served) -> None:
    """Whatever the application answers is a route of a router, a page, or a built file."""
    for route, needed in declared(pages.router.routes):
        assert [one.right for one in needed] == ["public"], route.path
    known = {"/api/openapi.json", "/assets"}
    others = [
        route
        for route in local.app.routes
        if getattr(route, "path", None) is not None or isinstance(route, Mount)
    ]
    assert {getattr(route, "path", None) for route in others} <= known


def filled(path: str, dataset: str) -> str:
    """Return an address with something in each place: the dataset, or a name of nothing."""
    return re.sub(r"\{(\w+)\}", lambda part: dataset if part[1] == "dataset" else "nothing", path)


@pytest.mark.parametrize(
    ("dataset", "person"),
    [
        ("brain", "annotator"),
        ("open", "stranger"),
        ("nowhere", "guest"),
        *(
            pytest.param(dataset, person, marks=pytest.mark.slow)
            for dataset, person in [*product(("brain", "open"), PEOPLE), ("nowhere", "root")]
            if (dataset, person) not in (("brain", "annotator"), ("open", "stranger"))
        ),
    ],
)
def test_everybody_gets_what_the_matrix_says(local: Served, dataset: str, person: str) -> None:
    wrong = []
    with local.client(local.people.get(person)) as client:
        for method, path, right in routes():
            if dataset != "brain" and "{dataset}" not in path:
                continue
            if path.endswith("/auth/logout"):
                continue
            rights = RIGHTS if dataset == "brain" else RIGHTS | OPEN_RIGHTS
            expected = rights[right][PEOPLE.index(person)]
            if dataset == "nowhere":
                expected = 401 if person == "guest" else 404
            url = API + filled(path, dataset)
            answer = client.request(
                method, url, json={} if method in ("POST", "PUT", "PATCH") else None
            )
            if not fits(answer.status_code, answer.text, expected, method, path):
                wrong.append((method, path, expected, answer.status_code, answer.text[:100]))
    assert wrong == []


def fits(status: int, text: str, expected: int, method: str, path: str) -> bool:
    """Return whether an answer is what is expected; of 200, that the right was not refused."""
    if path == "/metrics" or path.startswith(LINKS):  # this test asks from this computer
        return status in (200, 401, 404) or (path == "/metrics" and status == expected)
    if expected != 200:
        same_words = method == "HEAD" or expected != 404 or NO_DATASET in text
        return status == expected and same_words
    if status == 403:
        return FURTHER.get((method, path)) == 403 and NO_ROLE.search(text) is None
    told_nothing = NO_DATASET in text or NO_ROLE.search(text) is not None
    return status not in (401, 500) and not told_nothing


def test_guests_read_public_datasets_only_where_that_is_switched_on(
    local: Served,
) -> None:
    client = local.client()
    assert client.get(f"{API}/datasets/open").status_code == 401
    object.__setattr__(local.context.settings, "anonymous", True)
    assert client.get(f"{API}/datasets/open").status_code == 200
    assert client.get(f"{API}/datasets/brain").status_code == 401
    assert client.get(f"{API}/datasets/nowhere").status_code == 401
    assert [d["name"] for d in client.get(f"{API}/datasets").json()["datasets"]] == ["open"]
    assert client.post(f"{API}/datasets/open/annotations", json={}).status_code == 401
    assert client.get(f"{API}/atlas").status_code == 200


@pytest.mark.slow
def test_a_role_through_a_group_counts_as_ones_own_and_ends_with_it(made: Served) -> None:
    root, stranger = made.client(made.people["root"]), made.client(made.people["stranger"])
    assert root.post(f"{API}/groups", json={"name": "lab"}).status_code == 201
    grant = {"group": "lab", "role": "reviewer"}
    assert root.put(f"{API}/datasets/brain/grants", json=grant).status_code == 204
    assert stranger.get(f"{API}/datasets/brain").status_code == 404
    member = f"{API}/groups/lab/members/stranger"
    assert root.put(member, json={"is_owner": True}).status_code == 204
    assert stranger.get(f"{API}/datasets/brain").json()["role"] == "reviewer"
    assert stranger.put(f"{API}/groups/lab/members/reader", json={}).status_code == 204
    assert stranger.delete(member).status_code == 204
    assert stranger.get(f"{API}/datasets/brain").status_code == 404
    assert stranger.put(f"{API}/groups/lab/members/reader", json={}).status_code == 404


def test_the_last_admin_stays(made: Served) -> None:
    root = made.client(made.people["root"])
    for change in ({"is_active": False}, {"is_admin": False}):
        assert root.patch(f"{API}/users/root", json=change).status_code == 409
    assert root.get(f"{API}/auth/me").json()["is_admin"]


def test_changes_and_refusals_stand_in_the_audit_log(made: Served) -> None:
    root, reader = made.client(made.people["root"]), made.client(made.people["reader"])
    root.put(f"{API}/datasets/brain/grants", json={"user": "stranger", "role": "reader"})
    reader.put(f"{API}/datasets/brain/grants", json={"user": "reader", "role": "manager"})
    reader.get(f"{API}/users/x")
    entries = root.get(f"{API}/audit", params={"dataset": made.datasets["brain"]}).json()["entries"]
    seen = [(entry["outcome"], entry["user_id"], entry["action"]) for entry in entries]
    action = "PUT /datasets/{dataset}/grants"
    assert seen == [
        ("refused", made.people["reader"]["id"], action),
        ("done", made.people["root"]["id"], action),
    ]
    assert entries[0]["details"]["status"] == 403
    pages = root.get(f"{API}/audit", params={"limit": 1}).json()
    older = root.get(f"{API}/audit", params={"limit": 1, "before": pages["before"]}).json()
    assert older["entries"][0]["number"] < pages["entries"][0]["number"]
