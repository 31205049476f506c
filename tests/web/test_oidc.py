"""Signing in at an OpenID provider, a small real one over loopback, and what gets nobody in."""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from sqlalchemy import func, select
from starlette.testclient import TestClient
from support.served import Served, served
from web.oidc_provider import CLIENT, SECRET, Provider, another_key

from emqs.annotations.database import Database
from emqs.annotations.schema import audit, identities, oidc_logins, users
from emqs.errors import ConfigError
from emqs.web import accounts, oidc
from emqs.web.settings import OidcConfig

API = "/api/v1/auth"
#: Of what a token, a key or a provider says the database knows nothing.
ANY_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


@pytest.fixture
def made(
    tmp_path: Path, provider: Provider, database: Database, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Served]:
    monkeypatch.setenv("EMQS_OIDC_LAB_SECRET", SECRET)
    config = OidcConfig(provider.issuer, CLIENT, create_users=True)
    with served(tmp_path / "home", database=database, oidc={"lab": config}) as server:
        yield server


def begun(made: Served, after: str = "/atlas") -> tuple[TestClient, str]:
    """Begin a sign-in as a browser would; return it and where the provider sends it back to."""
    browser = made.client(follow_redirects=False)
    start = browser.get(f"{API}/oidc/lab/start", params={"next": after})
    assert start.status_code == 303, start.text
    back = httpx2.get(start.headers["location"])
    assert back.status_code == 302, back.text
    return browser, back.headers["location"]


def signed_in(made: Served, **options: str) -> tuple[TestClient, Any]:
    browser, back = begun(made, **options)
    return browser, browser.get(back)


def why(answer: httpx2.Response) -> str:
    """Return why somebody came back to the page of sign-in."""
    assert answer.status_code == 303, answer.text
    place, _, name = answer.headers["location"].partition("=")
    assert place == "/?refused"
    assert "emqs_session" not in answer.headers.get("set-cookie", "")
    return str(name)


@pytest.mark.slow
def test_a_stranger_gets_an_account_without_rights_and_comes_back_to_it(made: Served) -> None:
    browser, answer = signed_in(made)
    assert (answer.status_code, answer.headers["location"]) == (303, "/atlas")
    me = browser.get(f"{API}/me").json()
    assert (me["name"], me["email"], me["is_admin"], me["datasets"]) == (
        "ann",
        "ann@lab.org",
        False,
        {},
    )
    again, _ = signed_in(made)
    assert again.get(f"{API}/me").json()["id"] == me["id"]
    with made.context.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(users)).scalar_one() == 1
        assert connection.execute(select(func.count()).select_from(oidc_logins)).scalar_one() == 0


def test_names_that_are_taken_get_a_number(made: Served) -> None:
    with made.context.database.write() as connection:
        accounts.create(connection, "ann")
    browser, _ = signed_in(made)
    assert browser.get(f"{API}/me").json()["name"] == "ann-2"


def test_the_answer_is_worthless_in_another_browser_and_a_second_time(made: Served) -> None:
    _, back = begun(made)
    assert why(made.client(follow_redirects=False).get(back)) == "browser"
    browser, back = begun(made)
    assert browser.get(back).headers["location"] == "/atlas"
    assert why(browser.get(back)) == "browser"  # which forgot it
    kept = {"Cookie": f"emqs_oidc={httpx2.URL(back).params['state']}"}
    assert why(made.client(follow_redirects=False).get(back, headers=kept)) == "late"


def test_a_state_of_somebody_else_is_refused(made: Served) -> None:
    browser, back = begun(made)
    _, other = begun(made)
    assert why(browser.get(other)) == "browser"
    assert why(browser.get(back.partition("state=")[0] + "state=x")) == "browser"
    assert why(browser.get(back.partition("?")[0])) == "browser"
    assert browser.get(f"{API}/me").status_code == 401


def test_a_sign_in_that_took_too_long_is_refused(made: Served) -> None:
    browser, back = begun(made)
    with made.context.database.write() as connection:
        connection.execute(oidc_logins.update().values(expires=time.time() - 1))
    assert why(browser.get(back)) == "late"


@ANY_DATABASE
def test_a_code_that_is_not_the_provider_s_is_refused(made: Served) -> None:
    browser, back = begun(made)
    url = httpx2.URL(back)
    assert why(browser.get(str(url.copy_set_param("code", "forged")))) == "unconfirmed"
    browser, back = begun(made)
    denied = httpx2.URL(back).copy_remove_param("code").copy_set_param("error", "access_denied")
    assert why(browser.get(str(denied))) == "unconfirmed"
    assert browser.get(f"{API}/me").status_code == 401


def test_what_is_refused_stands_in_the_log_and_in_the_audit(
    made: Served, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    provider.change = {"nonce": "another"}
    assert why(signed_in(made)[1]) == "invalid"
    browser, back = begun(made)
    denied = httpx2.URL(back).copy_remove_param("code").copy_set_param("error", "access\ndenied")
    assert why(browser.get(str(denied))) == "unconfirmed"
    with made.context.database.read() as connection:
        rows = connection.execute(select(audit).order_by(audit.c.number)).all()
    callback = "GET /auth/oidc/{provider}/callback"
    assert [(row.action, row.outcome) for row in rows] == [(callback, "refused")] * 2
    assert rows[0].details["why"].startswith("400 The provider's answer is not valid")
    assert "nonce" in rows[0].details["why"]
    assert "access?denied" in rows[1].details["why"]
    own = "".join(one.getMessage() for one in caplog.records if one.name.startswith("emqs"))
    assert "not valid for this sign-in" in own
    assert "access?denied" in own
    assert "code=" not in own  # what stands in the address may be a secret


@ANY_DATABASE
def test_too_many_answers_are_refused(made: Served) -> None:
    browser = made.client(follow_redirects=False)
    answers = [browser.get(f"{API}/oidc/lab/callback") for _ in range(20)]
    assert {why(answer) for answer in answers} == {"browser", "often"}


def test_the_page_of_sign_in_knows_every_reason_and_says_the_same() -> None:
    pages = Path(oidc.__file__).parent / "frontend" / "src"
    page = (pages / "pages" / "account" / "SignIn.tsx").read_text("utf-8")
    words = (pages / "i18n" / "strings.ts").read_text("utf-8")
    for name, sentence in oidc.REFUSALS.items():
        assert f'{name}: "sign_in.refused_{name}"' in page
        assert f'"sign_in.refused_{name}": {{\n    en: "{sentence}"' in words


BAD = {
    "wrong nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "wrong audience": {"aud": "another-client"},
    "several audiences, no azp": {"aud": [CLIENT, "another"]},
    "wrong azp": {"aud": [CLIENT, "another"], "azp": "another"},
    "expired": {"exp": int(time.time()) - 3600},
    "no expiry": {"exp": None},
    "not yet": {"nbf": int(time.time()) + 3600},
    "made in the future": {"iat": int(time.time()) + 3600},
    "another issuer": {"iss": "https://evil.example"},
    "nobody": {"sub": None},
}


@ANY_DATABASE
@pytest.mark.parametrize("change", BAD.values(), ids=BAD.keys())
def test_a_token_that_is_not_for_this_sign_in_is_refused(
    made: Served, provider: Provider, change: dict
) -> None:
    provider.change = change
    browser, answer = signed_in(made)
    assert why(answer) == "invalid"
    assert browser.get(f"{API}/me").status_code == 401


@ANY_DATABASE
def test_a_token_of_an_unknown_key_is_refused(made: Served, provider: Provider) -> None:
    provider.signer = another_key("evil")
    assert why(signed_in(made)[1]) == "invalid"


@ANY_DATABASE
def test_a_key_of_the_same_name_does_not_help(made: Served, provider: Provider) -> None:
    provider.signer = another_key("first")
    assert why(signed_in(made)[1]) == "invalid"


@pytest.mark.slow
@ANY_DATABASE
def test_new_keys_are_asked_for_but_not_on_every_forged_token(
    made: Served, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_in(made)
    provider.signer = another_key("second")
    asked = provider.asked_for_keys
    assert why(signed_in(made)[1]) == "invalid"  # keys were asked for a moment ago
    assert provider.asked_for_keys == asked
    provider.published.append(provider.signer)
    monkeypatch.setattr(oidc, "KEYS_S", 0.0)
    assert signed_in(made)[1].headers["location"] == "/atlas"
    assert provider.asked_for_keys == asked + 1


@pytest.mark.slow
@ANY_DATABASE
def test_a_token_without_a_real_signature_is_refused(made: Served, provider: Provider) -> None:
    now = int(time.time())
    claims = {"iss": provider.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "sub": "1"}
    secret = OctKey.import_key(SECRET)  # a client that takes its secret for a key is fooled
    parts = [
        urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "none"}, claims)
    ]
    forged = (
        f"{parts[0]}.{parts[1]}.",
        jwt.encode({"alg": "HS256"}, claims, secret, algorithms=["HS256"]),
        "x",
        "a.b.c",
    )
    for token in forged:
        provider.raw_token = token
        assert why(signed_in(made)[1]) == "invalid"


@pytest.mark.slow
def test_an_address_that_was_not_checked_is_nobody_s(
    tmp_path: Path, provider: Provider, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMQS_OIDC_LAB_SECRET", SECRET)
    config = OidcConfig(provider.issuer, CLIENT, match_email=True, domains=["lab.org"])
    with served(tmp_path / "home", database=database, oidc={"lab": config}) as made:
        with made.context.database.write() as connection:
            accounts.create(connection, "ann", email="ann@lab.org")
        provider.change = {"email_verified": False}
        assert why(signed_in(made)[1]) == "email"
        provider.change = {"email": "ann@evil.org"}
        assert why(signed_in(made)[1]) == "email"
        provider.change = {"sub": "9", "email": "bob@lab.org"}
        assert why(signed_in(made)[1]) == "account"  # no account, and none is made
        provider.change = {}
        browser, answer = signed_in(made)
        assert answer.headers["location"] == "/atlas"
        assert browser.get(f"{API}/me").json()["name"] == "ann"
        with made.context.database.read() as connection:
            assert connection.execute(select(identities.c.subject)).scalars().all() == ["123"]


def test_a_locked_account_is_not_opened(made: Served) -> None:
    signed_in(made)
    with made.context.database.write() as connection:
        connection.execute(users.update().values(is_active=False))
    assert why(signed_in(made)[1]) == "account"


@ANY_DATABASE
def test_a_provider_without_https_or_that_calls_itself_something_else_is_refused(
    made: Served, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="must start with https"):
        oidc.Provider("x", OidcConfig("http://accounts.example", "x"), None)
    monkeypatch.setattr(Provider, "issuer", property(lambda self: "http://other"))
    answer = made.client(follow_redirects=False).get(f"{API}/oidc/lab/start")
    assert why(answer) == "provider"


@ANY_DATABASE
def test_an_unknown_provider_is_not_there(made: Served) -> None:
    assert made.client().get(f"{API}/oidc/none/start").status_code == 404
