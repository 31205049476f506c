"""Who may sign in, how, and for how long."""

import json
import logging
import time
from typing import Any

import pytest
from pwdlib import PasswordHash
from sqlalchemy import select
from starlette.testclient import TestClient
from support.served import Served

from emqs.annotations.schema import audit, sessions, users
from emqs.web import accounts
from emqs.web.auth import own_path

API = "/api/v1"
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def hashed() -> str:
    return accounts.hashed(PASSWORD)


@pytest.fixture
def ann(made: Served, hashed: str) -> Served:
    with made.context.database.write() as connection:
        accounts.create(connection, "ann", password_hash=hashed)
    return made


def login(made: Served, password: str = PASSWORD, name: str = "ann") -> tuple[TestClient, Any]:
    client = made.client()
    return client, client.post(f"{API}/auth/login", json={"name": name, "password": password})


def test_a_password_opens_a_session_that_ends_with_signing_out(ann: Served) -> None:
    client, answer = login(ann)
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert client.get(f"{API}/auth/me").json()["name"] == "ann"
    stolen = dict(client.cookies)
    assert client.post(f"{API}/auth/logout").status_code == 204
    assert ann.client(cookies=stolen).get(f"{API}/auth/me").status_code == 401


def test_nothing_that_opens_is_stored(ann: Served) -> None:
    client, _ = login(ann)
    token = client.post(f"{API}/auth/tokens", json={"name": "script"}).json()["token"]
    with ann.context.database.read() as connection:
        rows = str(
            connection.execute(select(sessions)).all() + connection.execute(select(users)).all()
        )
    assert token not in rows
    assert next(iter(client.cookies.values())) not in rows
    assert PASSWORD not in rows
    assert "$argon2id$" in rows


@pytest.mark.parametrize(
    ("name", "password"), [("ann", "wrong"), ("nobody", PASSWORD), ("ann", "x" * 900)]
)
def test_a_wrong_name_or_password_is_refused_with_the_same_words(
    ann: Served, name: str, password: str
) -> None:
    _, answer = login(ann, password, name)
    assert answer.status_code == 401
    assert answer.json() == {"error": "The name or the password is wrong."}
    with ann.context.database.read() as connection:
        entry = connection.execute(select(audit)).all()[-1]
    assert (entry.action, entry.outcome) == ("POST /auth/login", "refused")


@pytest.mark.slow
def test_an_unknown_name_takes_as_long_as_a_known_one(
    made: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "_hasher", PasswordHash.recommended)
    accounts._dummy.cache_clear()
    with made.context.database.write() as connection:
        accounts.create(connection, "ann", password_hash=accounts.hashed(PASSWORD))
    login(made, "wrong")  # the dummy is made
    seconds = {}
    for name in ("nobody", "ann"):
        started = time.perf_counter()
        login(made, "wrong", name)
        seconds[name] = time.perf_counter() - started
    accounts._dummy.cache_clear()
    assert 0.2 < seconds["nobody"] / seconds["ann"] < 5


def test_tries_are_limited_over_processes(ann: Served) -> None:
    with ann.context.database.write() as connection:
        from emqs.annotations.schema import rate_windows

        connection.execute(
            rate_windows.insert().values(key="login:testclient:ann", started=time.time(), count=10)
        )
    _, answer = login(ann)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 60


def test_a_locked_account_cannot_sign_in_and_its_sessions_end(ann: Served) -> None:
    client, _ = login(ann)
    root = ann.client(ann.people["root"])
    assert root.patch(f"{API}/users/ann", json={"is_active": False}).status_code == 204
    assert client.get(f"{API}/auth/me").status_code == 401
    assert login(ann)[1].status_code == 401


def test_a_new_password_ends_every_other_session(ann: Served) -> None:
    (first, _), (second, _) = login(ann), login(ann)
    body = {"old": PASSWORD, "new": "another long password"}
    assert second.post(f"{API}/auth/password", json={**body, "old": "no"}).status_code == 403
    assert second.post(f"{API}/auth/password", json={**body, "new": "short"}).status_code == 400
    assert second.post(f"{API}/auth/password", json=body).status_code == 204
    assert first.get(f"{API}/auth/me").status_code == 401
    assert second.get(f"{API}/auth/me").status_code == 200
    assert login(ann)[1].status_code == 401
    assert login(ann, "another long password")[1].status_code == 200


def test_a_one_time_link_works_once_and_not_for_ever(ann: Served) -> None:
    root = ann.client(ann.people["root"])
    token = root.post(f"{API}/users", json={"name": "Bob"}).json()["one_time"]
    newer = root.post(f"{API}/users/bob/one-time").json()["one_time"]
    client = ann.client()
    assert client.post(f"{API}/auth/one-time", json={"token": token}).status_code == 401
    body = {"token": newer, "password": PASSWORD}
    assert client.post(f"{API}/auth/one-time", json=body).json()["name"] == "bob"
    assert ann.client().post(f"{API}/auth/one-time", json=body).status_code == 401
    assert login(ann, name="bob")[1].status_code == 200
    late = root.post(f"{API}/users/bob/one-time").json()["one_time"]
    with ann.context.database.write() as connection:
        connection.execute(
            sessions.update().where(sessions.c.kind == "one_time").values(expires=time.time() - 1)
        )
    assert ann.client().post(f"{API}/auth/one-time", json={"token": late}).status_code == 401


# --- tokens --------------------------------------------------------------------------------------


def token_of(client: TestClient, **body: object) -> dict:
    answer = client.post(f"{API}/auth/tokens", json={"name": "script", **body})
    assert answer.status_code == 201, answer.text
    return answer.json()


def bearer(token: dict) -> dict[str, str]:
    return {"Authorization": f"Bearer {token['token']}"}


def test_a_token_reads_or_writes_as_its_scopes_say_until_it_is_withdrawn(ann: Served) -> None:
    client, _ = login(ann)
    reading = token_of(client, scopes=["read"])
    program = ann.client(bearer(reading))
    assert program.get(f"{API}/auth/me").status_code == 200
    answer = program.patch(f"{API}/auth/me", json={"display_name": "A"})
    assert answer.status_code == 403
    assert program.post(f"{API}/auth/tokens", json={"name": "more"}).status_code == 403
    assert client.delete(f"{API}/auth/tokens/{reading['id']}").status_code == 204
    assert program.get(f"{API}/auth/me").status_code == 401
    assert client.delete(f"{API}/auth/tokens/{reading['id']}").status_code == 404


def test_a_token_ends(ann: Served) -> None:
    client, _ = login(ann)
    short = token_of(client, days=1e-9)
    time.sleep(0.01)
    assert ann.client(bearer(short)).get(f"{API}/auth/me").status_code == 401


def test_a_token_for_one_dataset_knows_of_no_other(made: Served) -> None:
    from emqs.web import sessions as session_functions

    with made.context.database.write() as connection:
        _, token = session_functions.begin(
            connection,
            made.people["root"]["id"],
            "api",
            scopes=["read", "dataset:open"],
            lasts_s=60,
        )
    program = made.client(bearer({"token": token}))
    assert program.get(f"{API}/datasets/open").status_code == 200
    assert program.get(f"{API}/datasets/brain").status_code == 404
    assert [d["name"] for d in program.get(f"{API}/datasets").json()["datasets"]] == ["open"]
    assert program.get(f"{API}/audit").status_code == 403  # an admin, but not the token


@pytest.mark.parametrize("scopes", [["fly"], [], ["dataset:brain"], ["admin"]])
def test_scopes_that_are_none_or_not_ones_own_are_refused(ann: Served, scopes: list[str]) -> None:
    client, _ = login(ann)
    answer = client.post(f"{API}/auth/tokens", json={"name": "x", "scopes": scopes})
    assert answer.status_code in (400, 403)


def test_nobody_withdraws_the_token_of_somebody_else(ann: Served) -> None:
    client, _ = login(ann)
    token = token_of(client)
    other = ann.client(ann.people["stranger"])
    assert other.delete(f"{API}/auth/tokens/{token['id']}").status_code == 404
    assert ann.client(bearer(token)).get(f"{API}/auth/me").status_code == 200


# --- pages of other sites ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:81"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": "http://127.0.0.1"}, 200),
        ({}, 200),
    ],
)
def test_only_own_pages_use_the_cookie(
    local: Served, hashed: str, headers: dict, status: int
) -> None:
    with local.context.database.write() as connection:
        accounts.create(connection, "ann", password_hash=hashed)
    client, _ = login(local)
    answer = client.patch(f"{API}/auth/me", json={"display_name": "A"}, headers=headers)
    assert answer.status_code == status


def test_what_other_sites_tried_stands_in_the_log_and_in_the_audit_log(
    local: Served, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    answer = local.client().post(f"{API}/auth/login", json={}, headers=headers)
    assert answer.status_code == 403
    assert "refused a cross-site POST of /api/v1/auth/login" in caplog.text
    (entry,) = local.client(local.people["root"]).get(f"{API}/audit").json()["entries"]
    assert (entry["outcome"], entry["details"]["why"]) == ("refused", "cross-site")


@pytest.mark.parametrize("authorization", ["Basic eDp5", "Bearer", "Bearer x", "bearer  ", "x"])
def test_with_authorization_the_cookie_is_never_used(
    local: Served, hashed: str, authorization: str
) -> None:
    with local.context.database.write() as connection:
        accounts.create(connection, "ann", password_hash=hashed)
    client, _ = login(local)
    headers = {"Authorization": authorization, "Sec-Fetch-Site": "cross-site"}
    assert client.patch(f"{API}/auth/me", json={}, headers=headers).status_code == 401


def test_a_foreign_host_name_is_not_answered(local: Served) -> None:
    answer = local.client().get(f"{API}/health", headers={"Host": "evil.example"})
    assert answer.status_code == 421


def test_every_answer_carries_the_headers_that_protect(local: Served) -> None:
    for path in ("/", f"{API}/health", f"{API}/auth/me", "/nothing"):
        headers = local.client().get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        script = headers["content-security-policy"].split("script-src")[1].split(";")[0]
        assert script.split() == ["'self'", "'unsafe-eval'"]  # nothing inline, of no other site


def test_a_request_that_is_too_long_is_refused_told_or_not(local: Served) -> None:
    local.app.user_middleware[0].kwargs["max_body"] = 1000
    client = local.client(local.people["root"])
    body = json.dumps({"name": "x" * 2000}).encode()
    kind = {"Content-Type": "application/json"}
    assert client.post(f"{API}/users", content=body, headers=kind).status_code == 413
    parts = (body[i : i + 100] for i in range(0, len(body), 100))  # no length is told
    assert client.post(f"{API}/users", content=parts, headers=kind).status_code == 413


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/atlas?x=1", "/atlas?x=1"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x", "/"),
    ],
)
def test_after_signing_in_only_own_pages_are_shown(path: str, own: str) -> None:
    assert own_path(path) == own


def test_secrets_are_not_logged(ann: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client, _ = login(ann)
    token = token_of(client)["token"]
    ann.client({"Authorization": f"Bearer {token}"}).get(f"{API}/auth/me?token=abcdef")
    logged = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith("emqs"))
    assert "/auth/me" in logged
    for secret in (token, PASSWORD, "abcdef", *client.cookies.values()):
        assert secret not in logged
