"""The OpenID providers of a server, one of each in a process."""

import os

from emqs.errors import NotFoundError
from emqs.web.context import Context
from emqs.web.oidc import Provider


class Providers:
    """Every provider of the settings; what each tells of itself is remembered."""

    def __init__(self, state: Context) -> None:
        """Read the secrets from the environment: ``EMQS_OIDC_NAME_SECRET``."""
        self.by_name = {
            name: Provider(name, config, os.environ.get(secret_name(name)))
            for name, config in state.settings.oidc.items()
        }


def secret_name(provider: str) -> str:
    """Return the environment variable that holds the secret of a provider's client."""
    return f"EMQS_OIDC_{provider.upper().replace('-', '_')}_SECRET"


def of(state: Context, name: str) -> Provider:
    """Return a provider.

    Raises:
        NotFoundError: If the settings name none of that name.
    """
    known = state.kept(Providers, Providers).by_name
    if name not in known:
        raise NotFoundError("There is no such provider to sign in at.")
    return known[name]
