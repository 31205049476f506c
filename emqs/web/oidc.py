"""Signing in at an OpenID provider: where the user is sent, and what comes back."""

import json
import logging
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from emqs.errors import ConfigError
from emqs.web.refusals import Refusal
from emqs.web.settings import OidcConfig, is_loopback

logger = logging.getLogger(__name__)

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
TIMEOUT_S = 10.0
LEEWAY_S = 60  # clocks of two computers
PENDING_S = 600  # longest time at the provider
KEYS_S = 30.0  # unknown keys do not make us ask for the keys more often than this
MAX_COOKIE = 4096  # characters


@dataclass(frozen=True)
class Pending:
    """A sign-in that was begun; kept in a cookie of the browser that began it."""

    provider: str
    state: str
    nonce: str
    verifier: str
    after: str  # path of the page that is shown then
    expires: float

    def encoded(self) -> str:
        """Return it as the value of a cookie."""
        return urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode()

    @classmethod
    def decoded(cls, value: str) -> "Pending":
        """Return what a cookie holds.

        Raises:
            Refusal: If it is none of ours, or too old.
        """
        try:
            if len(value) > MAX_COOKIE:
                raise ValueError
            pending = cls(**json.loads(urlsafe_b64decode(value)))
            fresh = time.time() < float(pending.expires)
        except (ValueError, TypeError):
            raise Refusal(400, "This sign-in was not begun here. Start it again.") from None
        if not fresh:
            raise Refusal(400, "This sign-in took too long. Start it again.")
        return pending


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
        pending = Pending(
            self.name,
            *(secrets.token_urlsafe(32) for _ in range(3)),
            after,
            time.time() + PENDING_S,
        )
        with self._client(redirect) as client:
            address, _ = client.create_authorization_url(
                self.metadata()["authorization_endpoint"],
                state=pending.state,
                nonce=pending.nonce,
                code_verifier=pending.verifier,
            )
        return str(address), pending

    def finish(self, pending: Pending, state: str, code: str, redirect: str) -> Claims:
        """Return who has signed in.

        Args:
            pending: What was remembered by the browser that comes back.
            state: What the provider gave back.
            code: What the provider takes for an ID token.
            redirect: The same address as for ``start``.

        Raises:
            Refusal: If the state, the code or anything in the token is not as it must be.
        """
        if pending.provider != self.name or not secrets.compare_digest(
            pending.state.encode(), state.encode()
        ):
            raise Refusal(400, "The answer of the provider is to another sign-in. Start it again.")
        try:
            with self._client(redirect) as client:
                token = client.fetch_token(
                    self.metadata()["token_endpoint"],
                    code=code,
                    code_verifier=pending.verifier,
                    grant_type="authorization_code",
                )
        except (AuthlibBaseError, httpx.HTTPError, ValueError) as error:
            logger.warning("oidc %s: no token: %s", self.name, type(error).__name__)
            raise Refusal(
                400, "The provider did not confirm the sign-in. Start it again."
            ) from None
        return self.checked(token.get("id_token"), pending.nonce)

    def checked(self, value: object, nonce: str) -> Claims:
        """Return what an ID token says, if it was signed by the provider, for us, and now.

        Raises:
            Refusal: If not.
        """
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
            raise Refusal(403, "Accounts of this e-mail address may not sign in.")
        name = claims.get("preferred_username") or claims.get("name")
        return Claims(
            self.config.issuer, str(claims["sub"]), email, name if isinstance(name, str) else None
        )

    def _invalid(self, error: Exception) -> Refusal:
        logger.warning("oidc %s: refused an ID token: %s", self.name, type(error).__name__)
        return Refusal(400, "The provider's answer is not valid for this sign-in. Start it again.")

    def _decoded(self, value: str, *, fresh_keys: bool) -> dict[str, Any]:
        return jwt.decode(value, self._known_keys(fresh=fresh_keys), algorithms=ALGORITHMS).claims

    def metadata(self) -> dict[str, Any]:
        """Return what the provider tells of itself.

        Raises:
            Refusal: If it does not answer, or calls itself something else.
        """
        with self._lock:
            if self._metadata is None:
                address = f"{self.config.issuer.rstrip('/')}/.well-known/openid-configuration"
                metadata = self._json(address)
                if metadata.get("issuer") != self.config.issuer:
                    raise Refusal(502, f"The provider {self.name} calls itself something else.")
                self._metadata = metadata
            return self._metadata

    def _known_keys(self, *, fresh: bool) -> KeySet:
        address = str(self.metadata()["jwks_uri"])
        with self._lock:
            due = time.monotonic() - self._keys_asked >= KEYS_S
            if self._keys is None or (fresh and due):
                self._keys_asked = time.monotonic()
                self._keys = KeySet.import_key_set(self._json(address))  # type: ignore[arg-type]
            return self._keys

    def _json(self, address: str) -> dict[str, Any]:
        try:
            answer = httpx.get(address, timeout=TIMEOUT_S)
            answer.raise_for_status()
            value = answer.json()
            if not isinstance(value, dict):
                raise ValueError
        except (httpx.HTTPError, ValueError):
            raise Refusal(502, f"The provider {self.name} does not answer.") from None
        return value

    def _client(self, redirect: str) -> OAuth2Client:
        return OAuth2Client(
            self.config.client_id,
            self._secret,
            scope="openid email profile",
            redirect_uri=redirect,
            code_challenge_method="S256",
            timeout=TIMEOUT_S,
        )
