"""Turn composed configurations into checked dataclasses; find configs/ and the shipped weights.

``configs/`` stands at the top of the repository, and inside the package in an installed wheel;
``CONFIG_DIR`` is whichever exists. The same holds for the weights that ship (``WEIGHTS_DIR``).
"""

import math
import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from emqs.errors import ConfigError

PACKAGE_DIR = Path(__file__).resolve().parent


def _beside_or_inside(beside: str, inside: str) -> Path:
    """Return the folder inside the installed package if there is one, else the checkout's."""
    packaged = PACKAGE_DIR / inside
    return packaged if packaged.is_dir() else PACKAGE_DIR.parent / beside


CONFIG_DIR = _beside_or_inside("configs", "configs")
WEIGHTS_DIR = _beside_or_inside("weights", "shipped_weights")

OmegaConf.register_new_resolver("emqs_weights", lambda: str(WEIGHTS_DIR), replace=True)
OmegaConf.register_new_resolver(  # what belongs to a name, or to all others
    "emqs_of", lambda name, known, otherwise: known.get(name, otherwise), replace=True
)

Settings = TypeVar("Settings")

_ENTRIES = dict[str, int | str] | None  # the type of settings that choose along axes


def read(cls: type[Settings], node: DictConfig | dict[str, Any], where: str) -> Settings:
    """Turn one part of the composed configuration into a checked dataclass.

    Args:
        cls: The dataclass, of a room's ``settings.py``.
        node: The part of the configuration, e.g. ``cfg.query``.
        where: Its name as the user types it, e.g. ``"query"``; empty for the top level.

    Returns:
        The settings, every type and limit checked.

    Raises:
        ConfigError: If a key is unknown or missing, or a value has the wrong type or is out of
            range. The message names the setting.
    """
    if not isinstance(node, dict | DictConfig) or (
        isinstance(node, DictConfig) and node._is_none()
    ):
        raise ConfigError(
            f"{where or 'The configuration'} must hold settings by name, such as "
            f"{next(iter(cls.__annotations__))}, got {node!r}."
        )
    in_tree = isinstance(node, DictConfig) and node._get_parent() is not None
    try:  # ${...} is resolved where the node stands, before it is taken out
        plain = OmegaConf.to_container(node, resolve=True) if isinstance(node, DictConfig) else node
    except OmegaConfBaseException as error:
        raise _named(error, "" if in_tree else where) from None
    _check_text(cls, plain, where)
    try:
        return cast(
            Settings,
            OmegaConf.to_object(OmegaConf.merge(_blank(cls, plain), plain)),
        )
    except OmegaConfBaseException as error:
        raise _named(error, where) from None


def _check_text(cls: type, values: object, where: str) -> None:
    """Raise unless every setting that is a name or text was given as such.

    A folder called 2024_05_01 or 1e3 is a number by the time it comes here, and its name is lost.

    Raises:
        ConfigError: Naming the setting, and how to type it.
    """
    if not isinstance(values, dict):
        return
    hints = get_type_hints(cls)
    for part in fields(cls):
        value, kind = values.get(part.name), hints[part.name]
        name = f"{where}.{part.name}" if where else part.name
        if is_dataclass(kind):
            _check_text(cast(type, kind), value, name)
        if kind == _ENTRIES and isinstance(value, dict):
            _check_entries(value, name)
        given = value if kind == list[str] and isinstance(value, list) else [value]
        if kind not in (str, str | None, list[str], list[str] | None):
            continue
        for one in given:
            if isinstance(one, int | float):
                raise ConfigError(
                    f"{name} is text, and was read as the number {one}. Put it in quotes: "
                    f"\"{name}='...'\" on a command line, '...' in a file."
                )


def _check_entries(values: dict[str, object], where: str) -> None:
    """Raise unless every value is a whole number or a name.

    Raises:
        ConfigError: Naming the setting, and how to type it.
    """
    for key, one in values.items():
        if isinstance(one, float | bool):
            raise ConfigError(
                f"{where}: {key} is a whole number or a name, and was read as {one}. Put a name in "
                f"quotes: \"{where}={{{key}: '...'}}\" on a command line, '...' in a file."
            )


#: Kinds of values, as OmegaConf names them, and what is allowed.
KINDS = {
    "float": "a number", "integer": "a whole number", "int": "a whole number",
    "bool": "true or false", "str": "a name or text",
}  # fmt: skip
#: What OmegaConf says of values of a wrong type, and the kind if it does not say it.
WRONG_TYPES = (
    (r"Value '(?P<value>.*)' of type '.*' could not be converted to (?P<kind>Float|Integer)", ""),
    (r"Value '(?P<value>.*)' is not a valid bool", "bool"),
    (r"Incompatible value 'None' for field of type '(?P<kind>float|int|bool|str)'", ""),
)


def _named(error: OmegaConfBaseException, where: str) -> ConfigError:
    """Return OmegaConf's complaint with the full name of the setting."""
    key = getattr(error, "full_key", None) or ""
    name = ".".join(part for part in (where, key) if part) or "the configuration"
    reason = str(getattr(error, "msg", None) or error).splitlines()[0]
    if "is not a ListConfig" in reason:
        return ConfigError(f"{name} must be a list in brackets, e.g. [1,2].")
    if re.match(r"Key '.*' not in '", reason):
        return ConfigError(f"{name} is no setting.")
    if "missing mandatory value" in reason:
        return ConfigError(f"{name} is missing: give it as {name}=VALUE.")
    for pattern, kind in WRONG_TYPES:
        wrong = re.match(pattern, reason)
        if wrong:
            what = KINDS[kind or wrong["kind"].lower()]
            got = wrong.groupdict().get("value", "null")
            return ConfigError(f"{name} must be {what}, got {got}.")
    return ConfigError(f"{name}: {reason}.".replace("..", "."))


def _blank(cls: type, plain: object) -> DictConfig:
    """Return the defaults of a dataclass, with an empty entry for each that is given by name."""
    node: DictConfig = OmegaConf.structured(cls)
    OmegaConf.set_readonly(node, False)
    hints = get_type_hints(cls)
    for part in fields(cls):
        given = plain.get(part.name) if isinstance(plain, dict) else None
        kinds = get_args(hints[part.name])
        if get_origin(hints[part.name]) is dict and is_dataclass(kinds[1]):
            for name in given if isinstance(given, dict) else ():
                node[part.name][name] = OmegaConf.structured(kinds[1])
    return _writable(node)


def _writable(node: DictConfig) -> DictConfig:
    """Let values be merged into the parts of frozen dataclasses, which OmegaConf locks."""
    OmegaConf.set_readonly(node, False)
    for key in node:
        part = node._get_node(key)
        if isinstance(part, DictConfig):
            _writable(part)
    return node


def one_of(setting: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise unless a value is one of those allowed."""
    if value not in allowed:
        raise ConfigError(f"{setting} must be one of {', '.join(allowed)}, got '{value}'.")


def at_least(setting: str, value: float, least: float) -> None:
    """Raise unless a value is at least ``least``; NaN is not."""
    if not value >= least:
        raise ConfigError(f"{setting} must be at least {least:g}, got {value:g}.")


def above_zero(setting: str, value: float | None) -> None:
    """Raise unless a value is a finite number above 0, or None."""
    if value is not None and not 0 < value < math.inf:
        raise ConfigError(f"{setting} must be a finite number greater than 0, got {value:g}.")


def fraction(setting: str, value: float, *, zero: bool) -> None:
    """Raise unless a value is a fraction in (0, 1], or [0, 1] where zero is allowed."""
    if not (0 <= value <= 1 if zero else 0 < value <= 1):
        interval = "[0, 1]" if zero else "(0, 1]"
        hint = f" A percentage such as {value:g} is written {value / 100:g}." if value > 1 else ""
        raise ConfigError(f"{setting} must be a fraction in {interval}, got {value:g}.{hint}")
