"""Signing in and out, API tokens, and who one is."""

import logging
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from emqs.errors import ForbiddenError, NotFoundError
from emqs.web import accounts, catalogue, oidc, providers, rates, sessions
from emqs.web.context import Context, context
from emqs.web.refusals import Refusal
from emqs.web.rights import Access, needs
from emqs.web.sessions import User

logger = logging.getLogger(__name__)

router = APIRouter(prefix="/auth", tags=["auth"])

OIDC_COOKIE = "emqs_oidc"
HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
MOST_DAYS = 3650
MOST_SAID = 200  # letters of what a provider says that are logged
WRONG = "The name or the password is wrong."


class Login(BaseModel):
    """A name and a password."""

    name: str = Field(max_length=200)
    password: str = Field(max_length=1000)


class OneTime(BaseModel):
    """What a one-time link holds, and a password to sign in with from then on."""

    token: str = Field(max_length=200)
    password: str | None = Field(None, max_length=1000)


class NewPassword(BaseModel):
    """A new password, and the old one if there is one."""

    old: str | None = Field(None, max_length=1000)
    new: str = Field(max_length=1000)


class Profile(BaseModel):
    """What one may change of oneself; what is left out stays."""

    display_name: str | None = Field(None, min_length=1, max_length=200)
    settings: dict[str, Any] | None = None


class NewToken(BaseModel):
    """A token for a program."""

    name: str = Field(min_length=1, max_length=200)
    scopes: list[str] = Field(default=["read", "write"], max_length=50)
    days: float | None = Field(30, gt=0, le=MOST_DAYS, description="null: until it is withdrawn")


def me_of(state: Context, user: User) -> dict[str, Any]:
    """Return what a page has to know of who is signed in."""
    with state.database.read() as connection:
        row = accounts.by_name(connection, user.name)
        known = catalogue.readable(connection, user)
        groups = [
            g["name"]
            for g in accounts.listed_groups(connection, user)
            if any(m["name"] == user.name for m in g["members"])
        ]
    return {
        "id": user.id,
        "name": user.name,
        "display_name": row.display_name,
        "email": row.email,
        "is_admin": user.is_admin,
        "has_password": row.password_hash is not None,
        "settings": row.settings,
        "groups": groups,
        "accounts": state.settings.accounts,
        "datasets": {dataset.name: role for dataset, role in known},
    }


def _sign_in(state: Context, request: Request, response: Response, user: User) -> None:
    """Begin a session and set its cookie."""
    lasts_s = state.settings.session_hours * HOUR_S
    agent = request.headers.get("user-agent", "")[:200]
    with state.database.write() as connection:
        _, token = sessions.begin(connection, user.id, "cookie", name=agent, lasts_s=lasts_s)
        accounts.signed_in(connection, user.id)
    request.state.user, request.state.noted = user.id, True
    response.set_cookie(
        state.cookie,
        token,
        max_age=int(lasts_s),
        httponly=True,
        samesite="lax",
        secure=state.settings.https,
        path="/",
    )


def _keys(request: Request, name: str, most: int) -> dict[str, int]:
    """Return what is counted of a try to sign in."""
    address = "" if request.client is None else request.client.host
    return {
        f"login:{address}:{name.lower()[:100]}": most,
        f"login-name:{name.lower()[:100]}": 10 * most,
        f"login-address:{address}": 10 * most,
    }


@router.post("/login", dependencies=[needs("public")])
def login(request: Request, response: Response, body: Login) -> dict[str, Any]:
    """Sign in with a name and a password; sets the cookie of a session."""
    state = context(request)
    keys = _keys(request, body.name, state.settings.logins_per_minute)
    rates.count(state.database, keys)
    row = None
    with state.database.read() as connection:
        try:
            row = accounts.by_name(connection, body.name.strip())
        except NotFoundError:
            request.state.refused = "unknown name"
    fits = accounts.matches(body.password, None if row is None else row.password_hash)
    if row is None or not fits or not row.is_active:
        raise Refusal(401, WRONG)
    user = User(row.id, row.name, row.display_name, row.email, row.is_admin)
    _sign_in(state, request, response, user)
    with state.database.write() as connection:
        rates.forget(connection, next(iter(keys)))
    return me_of(state, user)


@router.post("/one-time", dependencies=[needs("public")])
def one_time(request: Request, response: Response, body: OneTime) -> dict[str, Any]:
    """Sign in with a link that works once; a password that is given counts from then on."""
    state = context(request)
    rates.count(state.database, _keys(request, "*one-time", state.settings.logins_per_minute))
    hashed = None if body.password is None else accounts.hashed(body.password)
    with state.database.write() as connection:
        user = sessions.use_once(connection, body.token)
        if user is not None and hashed is not None:
            accounts.set_password(connection, user.id, hashed, keep=None)
    if user is None:
        raise Refusal(401, "This link was used before, or is too old. Ask an admin for another.")
    _sign_in(state, request, response, user)
    return me_of(state, user)


@router.post("/logout", status_code=204, dependencies=[needs("public")])
def logout(request: Request) -> Response:
    """Sign out: the cookie is worthless from now on, whoever has a copy of it."""
    state = context(request)
    token = request.cookies.get(state.cookie, "")
    if token and "authorization" not in request.headers:
        with state.database.write() as connection:
            known = sessions.of_token(connection, token, ("cookie",))
            if known is not None:
                sessions.end(connection, known[1].id)
    response = Response(status_code=204)
    response.delete_cookie(state.cookie, path="/", secure=state.settings.https)
    return response


@router.get("/me")
def me(request: Request, access: Annotated[Access, needs("user")]) -> dict[str, Any]:
    """Return who is signed in, with groups and roles."""
    assert access.user is not None  # noqa: S101 - the right says so
    return me_of(context(request), access.user)


@router.patch("/me")
def change_me(
    request: Request, access: Annotated[Access, needs("user")], body: Profile
) -> dict[str, Any]:
    """Change what others see of oneself, or one's own settings of pages."""
    assert access.user is not None  # noqa: S101 - the right says so
    state = context(request)
    with state.database.write() as connection:
        accounts.change(connection, access.user.name, body.model_dump(exclude_none=True))
    return me_of(state, access.user)


@router.post("/password", status_code=204)
def password(
    request: Request, access: Annotated[Access, needs("user")], body: NewPassword
) -> Response:
    """Set a new password; other sign-ins and tokens of this user are withdrawn."""
    state = context(request)
    if access.session is None or access.session.kind != "cookie" or access.user is None:
        raise Refusal(403, "A password is changed by somebody who has signed in, not by a token.")
    rates.count(state.database, _keys(request, access.user.name, state.settings.logins_per_minute))
    with state.database.read() as connection:
        stored = accounts.by_name(connection, access.user.name).password_hash
    if stored is not None and not accounts.matches(body.old or "", stored):
        raise Refusal(403, "The old password is wrong.")
    hashed = accounts.hashed(body.new)
    with state.database.write() as connection:
        accounts.set_password(connection, access.user.id, hashed, keep=access.session.id)
    return Response(status_code=204)


@router.get("/tokens")
def tokens(request: Request, access: Annotated[Access, needs("user")]) -> dict[str, Any]:
    """List one's own sign-ins and tokens that are valid; of none the secret."""
    with context(request).database.read() as connection:
        rows = sessions.listed(connection, access.user_id)
    current = None if access.session is None else access.session.id
    return {"tokens": [{**row, "current": row["id"] == current} for row in rows]}


@router.post("/tokens", status_code=201)
def new_token(
    request: Request, access: Annotated[Access, needs("user")], body: NewToken
) -> dict[str, Any]:
    """Make a token for a program; it is shown this once."""
    scopes = sessions.checked_scopes(body.scopes)
    if access.session is not None and access.session.kind != "cookie":
        raise Refusal(403, "A token is made by somebody who has signed in, not by a token.")
    if "admin" in scopes and (access.user is None or not access.user.is_admin):
        raise Refusal(403, "Only tokens of admins may be used to admin.")
    lasts_s = None if body.days is None else body.days * DAY_S
    with context(request).database.write() as connection:
        number, token = sessions.begin(
            connection, access.user_id, "api", name=body.name, scopes=scopes, lasts_s=lasts_s
        )
    return {"id": number, "token": token, "name": body.name, "scopes": scopes}


@router.delete("/tokens/{token_id}", status_code=204)
def withdraw(request: Request, access: Annotated[Access, needs("user")], token_id: str) -> Response:
    """Withdraw one of one's own sign-ins or tokens, in every process at once."""
    with context(request).database.write() as connection:
        sessions.end(connection, token_id, access.user_id)
    return Response(status_code=204)


@router.get("/providers", dependencies=[needs("public")])
def listed_providers(request: Request) -> dict[str, Any]:
    """List where one may sign in besides here."""
    state = context(request)
    return {
        "local": True,
        "providers": [
            {"name": name, "label": config.label or name}
            for name, config in sorted(state.settings.oidc.items())
        ],
    }


@router.get("/oidc/{provider}/start", dependencies=[needs("public")])
def oidc_start(
    request: Request,
    provider: str,
    after: Annotated[str, Query(alias="next", max_length=2000)] = "/",
) -> Response:
    """Send the browser to a provider to sign in."""
    state = context(request)
    known = providers.of(state, provider)
    try:
        address, pending = known.start(_callback(request, provider), own_path(after))
    except oidc.SignInRefusal as error:
        return _refused(request, error)
    with state.database.write() as connection:
        oidc.store(connection, pending)
    response = RedirectResponse(address, 303)
    response.set_cookie(
        OIDC_COOKIE,
        pending.state,
        max_age=oidc.PENDING_S,
        httponly=True,
        samesite="lax",
        secure=state.settings.https,
        path="/api/v1/auth/oidc",
    )
    return response


@router.get("/oidc/{provider}/callback", dependencies=[needs("public")])
def oidc_callback(
    request: Request,
    provider: str,
    answered: Annotated[str, Query(alias="state", max_length=500)] = "",
    code: Annotated[str | None, Query(max_length=4000)] = None,
    error: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """Take the browser back from a provider, and begin a session if it says who it is.

    Who is refused comes to the page of sign-in, which says why in one sentence.
    """
    state = context(request)
    known = providers.of(state, provider)
    try:
        _count_oidc(request)
        with state.database.write() as connection:
            cookie = request.cookies.get(OIDC_COOKIE)
            pending = oidc.take(connection, provider, answered, cookie)
        if error is not None or code is None:
            raise oidc.SignInRefusal(400, "unconfirmed", error or "no code")
        claims = known.finish(pending, code, _callback(request, provider))
        user = _known_user(state, known, claims)
    except oidc.SignInRefusal as refusal:
        return _refused(request, refusal)
    response = RedirectResponse(pending.after, 303)
    _sign_in(state, request, response, user)
    response.delete_cookie(OIDC_COOKIE, path="/api/v1/auth/oidc")
    return response


def _count_oidc(request: Request) -> None:
    state = context(request)
    try:
        rates.count(state.database, _keys(request, "*oidc", state.settings.logins_per_minute))
    except Refusal as error:
        raise oidc.SignInRefusal(error.status, "often") from None


def _known_user(state: Context, provider: oidc.Provider, claims: oidc.Claims) -> User:
    """Return whose account the claims open."""
    config = provider.config
    try:
        with state.database.write() as connection:
            return accounts.of_claims(
                connection,
                claims,
                create_users=config.create_users,
                match_email=config.match_email,
            )
    except ForbiddenError as error:
        raise oidc.SignInRefusal(403, "account", str(error)) from None


def _refused(request: Request, refusal: oidc.SignInRefusal) -> Response:
    """Return the way to the page of sign-in, which says why; the log and the audit say it, too."""
    said = "".join(c if c.isprintable() else "?" for c in refusal.detail[:MOST_SAID])
    detail = f" ({said})" if said else ""
    logger.warning(
        "%s refused: %d %s%s", request.url.path, refusal.status, refusal.sentence, detail
    )
    request.state.refused = f"{refusal.status} {refusal.sentence}{detail}"
    return RedirectResponse(f"/?refused={refusal.why}", 303)


def own_path(path: str) -> str:
    """Return a path of this server; of another server's address the start page is left."""
    parts = urlsplit(path)
    own = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.netloc
    return path if own and "\\" not in path and path.isprintable() else "/"


def _callback(request: Request, provider: str) -> str:
    """Return the address that a provider sends browsers back to."""
    base = context(request).settings.address or str(request.base_url)
    return f"{base.rstrip('/')}/api/v1/auth/oidc/{provider}/callback"
