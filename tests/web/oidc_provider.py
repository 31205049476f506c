"""A small OpenID provider over loopback: it signs ID tokens with a key of its own."""

import json
import secrets
import threading
import time
from base64 import b64decode, urlsafe_b64encode
from functools import cache
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "emqs-client", "the secret of the client"


@cache
def _numbers(number: int) -> dict[str, Any]:
    return dict(RSAKey.generate_key(2048).as_dict(private=True))  # takes a second


def own_key() -> RSAKey:
    return RSAKey.import_key({**_numbers(0), "kid": "first", "use": "sig"})


def another_key(name: str) -> RSAKey:
    return RSAKey.import_key({**_numbers(1), "kid": name, "use": "sig"})


class Provider:
    """Signs everybody in as ``claims`` say; ``change`` alters what it puts into ID tokens."""

    def __init__(self) -> None:
        self.key = own_key()
        self.published = [self.key]
        self.claims: dict[str, Any] = {
            "sub": "123",
            "email": "Ann@lab.org",
            "email_verified": True,
            "name": "Ann",
        }
        self.change: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.signer = self.key
        self.codes: dict[str, dict[str, str]] = {}
        self.asked_for_keys = 0
        self.raw_token: str | None = None
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                url = urlsplit(self.path)
                query = {k: v[0] for k, v in parse_qs(url.query).items()}
                if url.path == "/.well-known/openid-configuration":
                    self.json(provider.metadata())
                elif url.path == "/keys":
                    provider.asked_for_keys += 1
                    keys = [key.as_dict(private=False) for key in provider.published]
                    self.json({"keys": keys})
                elif url.path == "/authorize":
                    self.authorize(query)

            def authorize(self, query: dict[str, str]) -> None:
                assert query["response_type"] == "code"
                assert query["client_id"] == CLIENT
                assert query["code_challenge_method"] == "S256"
                code = secrets.token_urlsafe()
                provider.codes[code] = query
                back = urlencode({"code": code, "state": query["state"]})
                self.send_response(302)
                self.send_header("Location", f"{query['redirect_uri']}?{back}")
                self.end_headers()

            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                form = {k: v[0] for k, v in parse_qs(self.rfile.read(length).decode()).items()}
                asked = provider.codes.pop(form.get("code", ""), None)
                name, _, secret = (
                    b64decode(self.headers["authorization"].removeprefix("Basic "))
                    .decode()
                    .partition(":")
                )
                challenge = urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest())
                if (
                    asked is None
                    or (unquote(name), unquote(secret).replace("+", " ")) != (CLIENT, SECRET)
                    or challenge.decode().rstrip("=") != asked["code_challenge"]
                    or form["redirect_uri"] != asked["redirect_uri"]
                ):
                    self.json({"error": "invalid_grant"}, 400)
                    return
                token = provider.raw_token or provider.token(asked["nonce"])
                self.json({"access_token": "x", "token_type": "Bearer", "id_token": token})

            def json(self, value: object, status: int = 200) -> None:
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }

    def token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce,
            **self.claims, **self.change,
        }  # fmt: skip
        claims = {k: v for k, v in claims.items() if v is not None}
        header = {"alg": "RS256", "kid": self.signer.kid, **self.header}
        return jwt.encode(header, claims, self.signer)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
