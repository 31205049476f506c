"""Signing in at an OpenID provider: where the user is sent, and what comes back."""

import secrets
import time
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sqlalchemy import Connection

from emqs.annotations.schema import oidc_logins
from emqs.errors import ConfigError
from emqs.web.refusals import Refusal
from emqs.web.sessions import digest
from emqs.web.settings import OidcConfig, is_loopback

if TYPE_CHECKING:  # what signs and asks is imported when somebody signs in so
    from authlib.integrations.httpx_client import OAuth2Client
    from joserfc.jwk import KeySet

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
TIMEOUT_S = 10.0
LEEWAY_S = 60  # clocks of two computers
PENDING_S = 600  # longest time at the provider
KEYS_S = 30.0  # unknown keys do not make us ask for the keys more often than this


REFUSALS = {  # why nobody gets in: the page of sign-in knows these names, and says the sentences
    "browser": "This sign-in was not begun in this browser. Start it again.",
    "late": "This sign-in took too long, or was finished before. Start it again.",
    "unconfirmed": "The provider did not confirm the sign-in. Start it again.",
    "invalid": "The provider's answer is not valid for this sign-in. Start it again.",
    "email": "Accounts of this e-mail address may not sign in.",
    "account": "You have no account here, or it is locked. Ask an admin.",
    "provider": "The provider does not answer as it should. Try again later.",
    "often": "Too many tries. Wait a minute.",
}


class SignInRefusal(Refusal):
    """A sign-in at a provider that ends without a session."""

    def __init__(self, status: int, why: str, detail: str = "") -> None:
        """Take a status, a name in ``REFUSALS``, and what only the log tells."""
        super().__init__(status, REFUSALS[why])
        self.why, self.detail = why, detail


@dataclass(frozen=True)
class Pending:
    """A sign-in that was begun; the browser keeps its state, and the database the rest."""

    provider: str
    state: str
    nonce: str
    verifier: str
    after: str  # path of the page that is shown then


def store(connection: Connection, pending: Pending) -> None:
    """Remember a sign-in that was begun, and forget those that nobody came back from."""
    now = time.time()
    connection.execute(oidc_logins.delete().where(oidc_logins.c.expires < now))
    connection.execute(
        oidc_logins.insert().values(
            state_hash=digest(pending.state),
            provider=pending.provider,
            nonce=pending.nonce,
            verifier=pending.verifier,
            next_path=pending.after,
            created=now,
            expires=now + PENDING_S,
        )
    )


def take(connection: Connection, provider: str, state: str, cookie: str | None) -> Pending:
    """Return a sign-in that was begun, and forget it: nobody can come back twice.

    Args:
        connection: A transaction that writes.
        provider: Who sends the user back.
        state: What the provider gave back.
        cookie: The state that this browser was sent away with.

    Raises:
        SignInRefusal: If the browser, the provider or the time is another.
    """
    if cookie is None or not secrets.compare_digest(cookie.encode(), state.encode()):
        raise SignInRefusal(400, "browser")
    row = connection.execute(
        oidc_logins.delete()
        .where(oidc_logins.c.state_hash == digest(state), oidc_logins.c.provider == provider)
        .where(oidc_logins.c.expires > time.time())
        .returning(oidc_logins.c.nonce, oidc_logins.c.verifier, oidc_logins.c.next_path)
    ).one_or_none()
    if row is None:
        raise SignInRefusal(400, "late")
    return Pending(provider, state, row.nonce, row.verifier, row.next_path)


@dataclass(frozen=True)
class Claims:
    """Who a provider says that somebody is."""

    issuer: str
    subject: str
    email: str | None  # only if the provider has checked that it is theirs
    name: str | None


class Provider:
    """One OpenID provider; what it tells of itself is asked for once."""

    def __init__(self, name: str, config: OidcConfig, secret: str | None) -> None:
        """Keep its settings; nothing is asked yet.

        Raises:
            ConfigError: If the issuer is not reached by https.
        """
        address = urlsplit(config.issuer)
        safe = address.scheme == "https" or is_loopback(address.hostname or "")
        if address.scheme not in ("http", "https") or not safe:
            raise ConfigError(
                f"serve.oidc.{name}.issuer must start with https://, got {config.issuer}."
            )
        self.name, self.config, self._secret = name, config, secret
        self._lock = Lock()
        self._metadata: dict[str, Any] | None = None
        self._keys: KeySet | None = None
        self._keys_asked = -KEYS_S

    def start(self, redirect: str, after: str) -> tuple[str, Pending]:
        """Return the address that the user is sent to, and what to remember until then.

        Args:
            redirect: Address that the provider sends the user back to.
            after: Path of the page that is shown then.
        """
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        pending = Pending(self.name, state, nonce, verifier, after)
        with self._client(redirect) as client:
            address, _ = client.create_authorization_url(
                self.metadata()["authorization_endpoint"],
                state=pending.state,
                nonce=pending.nonce,
                code_verifier=pending.verifier,
            )
        return str(address), pending

    def finish(self, pending: Pending, code: str, redirect: str) -> Claims:
        """Return who has signed in.

        Args:
            pending: What was remembered.
            code: What the provider takes for an ID token.
            redirect: The same address as for ``start``.

        Raises:
            SignInRefusal: If the code or anything in the token is not as it must be.
        """
        import httpx2
        from authlib.common.errors import AuthlibBaseError

        try:
            with self._client(redirect) as client:
                token = client.fetch_token(
                    self.metadata()["token_endpoint"],
                    code=code,
                    code_verifier=pending.verifier,
                    grant_type="authorization_code",
                )
        except (AuthlibBaseError, httpx2.HTTPError, ValueError) as error:
            raise SignInRefusal(400, "unconfirmed", type(error).__name__) from None
        return self.checked(token.get("id_token"), pending.nonce)

    def checked(self, value: object, nonce: str) -> Claims:
        """Return what an ID token says, if it was signed by the provider, for us, and now.

        Raises:
            SignInRefusal: If not.
        """
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError, JoseError

        try:
            claims = self._decoded(str(value), fresh_keys=False)
        except (InvalidKeyIdError, ValueError):  # a key that we do not know yet
            try:
                claims = self._decoded(str(value), fresh_keys=True)
            except (JoseError, ValueError) as error:
                raise self._invalid(error) from None
        except JoseError as error:
            raise self._invalid(error) from None
        rules = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self.config.issuer},
            aud={"essential": True, "value": self.config.client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            rules.validate(claims)
            audience = claims["aud"]
            party = claims.get("azp")
            if isinstance(audience, list) and len(audience) > 1 and party is None:
                raise ValueError("several audiences and no azp")
            if party is not None and party != self.config.client_id:
                raise ValueError("azp")
        except (JoseError, ValueError) as error:
            raise self._invalid(error) from None
        return self._claims(claims)

    def _claims(self, claims: dict[str, Any]) -> Claims:
        email = claims.get("email") if claims.get("email_verified") is True else None
        email = email.lower() if isinstance(email, str) else None
        domains = [domain.lower() for domain in self.config.domains]
        if domains and (email is None or email.rpartition("@")[2] not in domains):
            raise SignInRefusal(403, "email")
        name = claims.get("preferred_username") or claims.get("name")
        return Claims(
            self.config.issuer, str(claims["sub"]), email, name if isinstance(name, str) else None
        )

    def _invalid(self, error: Exception) -> SignInRefusal:
        return SignInRefusal(400, "invalid", f"{type(error).__name__}: {error}")

    def _decoded(self, value: str, *, fresh_keys: bool) -> dict[str, Any]:
        from joserfc import jwt

        return jwt.decode(value, self._known_keys(fresh=fresh_keys), algorithms=ALGORITHMS).claims

    def metadata(self) -> dict[str, Any]:
        """Return what the provider tells of itself.

        Raises:
            SignInRefusal: If it does not answer, or calls itself something else.
        """
        with self._lock:
            if self._metadata is None:
                address = f"{self.config.issuer.rstrip('/')}/.well-known/openid-configuration"
                metadata = self._json(address)
                if metadata.get("issuer") != self.config.issuer:
                    raise SignInRefusal(502, "provider", "it calls itself something else")
                self._metadata = metadata
            return self._metadata

    def _known_keys(self, *, fresh: bool) -> "KeySet":
        from joserfc.jwk import KeySet

        address = str(self.metadata()["jwks_uri"])
        with self._lock:
            due = time.monotonic() - self._keys_asked >= KEYS_S
            if self._keys is None or (fresh and due):
                self._keys_asked = time.monotonic()
                self._keys = KeySet.import_key_set(self._json(address))  # type: ignore[arg-type]
            return self._keys

    def _json(self, address: str) -> dict[str, Any]:
        import httpx2

        try:
            answer = httpx2.get(address, timeout=TIMEOUT_S)
            answer.raise_for_status()
            value = answer.json()
            if not isinstance(value, dict):
                raise ValueError
        except (httpx2.HTTPError, ValueError) as error:
            raise SignInRefusal(502, "provider", type(error).__name__) from None
        return value

    def _client(self, redirect: str) -> "OAuth2Client":
        from authlib.integrations.httpx_client import OAuth2Client

        return OAuth2Client(
            self.config.client_id,
            self._secret,
            scope="openid email profile",
            redirect_uri=redirect,
            code_challenge_method="S256",
            timeout=TIMEOUT_S,
        )
