"""Passwords and tokens in addresses: refused where they are typed, and in no file that is written.

Hydra writes what was typed into three files before a command begins, so there is no mending it
later. What comes from the environment (``volume='${oc.env:ADDRESS}'``) is there by its name only;
whatever emqs itself writes, records, errors and manifests, is redacted.
"""

import re
from collections.abc import Sequence
from typing import Any

from emqs.errors import ConfigError

HIDDEN = "***"
_PASSWORD = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^/\s:@'\"]*):[^/\s@'\"]+@")
_TOKEN = re.compile(
    r"([?&][\w.-]*(?:token|secret|password|passwd|signature|credential|api-?_?key|sig)=)[^&\s'\"]+",
    re.IGNORECASE,
)


VARIABLES = {  # which passwords come from the environment, by scheme of the address
    "postgresql": "EMQS_DATABASE_PASSWORD",
    "clickhouse": "EMQS_CLICKHOUSE_PASSWORD",
}


def redacted(text: str) -> str:
    """Return a text with the passwords and tokens of the addresses in it left out."""
    return _TOKEN.sub(rf"\1{HIDDEN}", _PASSWORD.sub(rf"\1:{HIDDEN}@", text))


def all_redacted(value: Any) -> Any:  # noqa: ANN401 - whatever settings hold
    """Return settings with all texts in them redacted, in lists and by name, too."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {key: all_redacted(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [all_redacted(part) for part in value]
    return value


def check_typed(arguments: Sequence[str]) -> None:
    """Raise if a command line holds a password or a token, which the message does not, or code.

    Raises:
        ConfigError: Naming the setting.
    """
    for argument in arguments:
        if "_target_" in argument.split("=", 1)[0]:
            raise ConfigError(
                f"{argument.split('=', 1)[0]} would choose which code runs, which no setting does. "
                "Leave it out."
            )
        if redacted(argument) != argument:
            name = (
                argument.split("=", 1)[0] if "=" in argument.split("://", 1)[0] else "an argument"
            )
            raise ConfigError(
                f"{name} holds a password or a token, which would be written into the files of the "
                f"run, and now stands in the shell's history: change it. {_instead(argument, name)}"
            )


def _instead(argument: str, name: str) -> str:
    """Return what to type instead."""
    for scheme, variable in VARIABLES.items():
        if f"{scheme}://" in argument:
            return f"Leave it out, and give the password in the environment, {variable}."
    return f"Put the address into an environment variable, and give {name}='${{oc.env:VARIABLE}}'."
