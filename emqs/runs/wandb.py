"""Whether and how Weights & Biases can be reached."""

import netrc
import os
from typing import Literal, cast, get_args

from emqs.errors import ConfigError

WandbMode = Literal["online", "offline", "disabled", "shared"]


def wandb_mode() -> WandbMode:
    """Return ``WANDB_MODE`` if it is set, else ``"online"`` where there is a key, else offline.

    A key is ``WANDB_API_KEY`` or an entry of the W&B server in the user's netrc file. W&B is never
    left to ask for one.

    Raises:
        ConfigError: If ``WANDB_MODE`` is unknown, or needs a key and there is none.
    """
    allowed = get_args(WandbMode)
    mode = os.environ.get("WANDB_MODE") or ("online" if _has_wandb_key() else "offline")
    if mode not in allowed:
        raise ConfigError(f"WANDB_MODE must be one of {', '.join(allowed)}, got '{mode}'.")
    if mode in ("online", "shared") and not _has_wandb_key():
        raise ConfigError(
            f"WANDB_MODE={mode} needs a key, and there is none. Set WANDB_API_KEY, run "
            "`wandb login`, or use WANDB_MODE=offline."
        )
    return cast(WandbMode, mode)


def _has_wandb_key() -> bool:
    """Return whether W&B will find a key without asking."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai").split("://")[-1].split("/")[0]
    try:
        known = netrc.netrc(os.environ.get("NETRC")).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        known = None
    return known is not None
