"""Settings of the server; values come from ``configs/serve.yaml``."""

from dataclasses import dataclass, field, fields
from ipaddress import ip_address

from emqs.errors import ConfigError
from emqs.settings import above_zero, at_least, one_of


@dataclass(frozen=True)
class OidcConfig:
    """Where users may sign in besides here: an OpenID provider.

    The secret of the client comes from the environment, ``EMQS_OIDC_NAME_SECRET``.
    """

    issuer: str  # https://accounts.google.com
    client_id: str
    label: str = ""  # on the button; empty: the name
    create_users: bool = False  # a stranger who signs in gets an account without rights
    match_email: bool = (
        False  # an account with the e-mail address that the provider checked is theirs
    )
    domains: list[str] = field(default_factory=list)  # only e-mail addresses of these; empty: all


@dataclass(frozen=True)
class NeuprintConfig:
    """Where the connections of a dataset's segments are.

    The token comes from the environment, ``EMQS_NEUPRINT_TOKEN``.
    """

    server: str  # https://neuprint.janelia.org
    dataset: str  # hemibrain:v1.2.1


@dataclass(frozen=True)
class ServeConfig:
    """How the server answers."""

    host: str = "127.0.0.1"
    port: int = 8570
    accounts: bool = True  # False: whoever reaches the server is its admin; on 127.0.0.1 only
    anonymous: bool = False  # public datasets may be read without signing in
    hosts: list[str] = field(default_factory=list)  # names it is reached by, besides host
    address: str | None = None  # of pages, https://emqs.lab.org; None: the one that was asked for
    proxies: list[str] = field(default_factory=list)  # addresses whose X-Forwarded-* is believed
    https: bool = False  # it is reached by https: cookies are sent over nothing else
    readable: list[str] = field(default_factory=list)  # folders that admins may add datasets from
    session_hours: float = 24 * 14
    max_body: int = 32 * 2**20  # bytes of a request, but for uploads of labels
    max_upload: int = 2 * 2**30  # bytes of an uploaded layer of labels
    logins_per_minute: int = 10  # tries, for each name and for each address
    searches: int = 10  # at work at a time in one process; more wait
    search_wait_s: float = 30.0  # longest wait of a search for its turn
    oidc: dict[str, OidcConfig] = field(default_factory=dict)
    neuprint: dict[str, NeuprintConfig] = field(default_factory=dict)  # by name of the dataset

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        if not 0 <= self.port < 2**16:
            raise ConfigError(f"serve.port must be from 0 to 65535, got {self.port}.")
        for name in ("max_body", "max_upload", "logins_per_minute", "searches"):
            at_least(f"serve.{name}", getattr(self, name), 1)
        above_zero("serve.session_hours", self.session_hours)
        above_zero("serve.search_wait_s", self.search_wait_s)
        if not self.accounts and not is_loopback(self.host):
            raise ConfigError(
                f"serve.host={self.host} is reachable from other computers, which needs "
                "serve.accounts=true."
            )


@dataclass(frozen=True)
class StartConfig:
    """How the server is started."""

    home: str | None = None
    demo: bool = False
    database: str | None = None
    database_password_file: str | None = None
    workers: int = 1
    job_workers: int = 1
    open: bool | None = None
    log: str = "auto"

    def __post_init__(self) -> None:
        """Check the limits that a type cannot express."""
        at_least("workers", self.workers, 1)
        at_least("job_workers", self.job_workers, 0)
        one_of("log", self.log, ("auto", "json", "text"))
        if self.home is None and not self.demo:
            raise ConfigError("home is missing: give it as home=FOLDER, or try demo=true.")

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of the settings."""
        return [part.name for part in fields(cls)]


def is_loopback(host: str) -> bool:
    """Return whether only this computer can reach what listens on an address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
