"""Names and paths of a command line stay what they are.

Hydra reads ``volume=2024_05_01`` as the whole number 20240501, ``out=1e3`` as 1000.0, and stops at
a bracket, a comma or a ``#``. Where a setting is a name or a path, its value is quoted before Hydra
reads it, unless it is quoted already or is plain.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from emqs.files import on_disk

#: Settings that are names or paths, at the top level or by their full name.
NAMES = frozenset(
    {
        "align.transforms", "cache", "check.table", "checkpoint", "ckpt_path",
        "dataset.name", "examples",
        "dataset.path", "embed.dataset",
        "host", "hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir", "image", "input.dataset",
        "input.scale", "logger.group", "logger.project", "model.weights", "out", "paths.images",
        "paths.labels", "paths.outputs", "paths.weights", "save_to", "source", "store", "target",
        "teacher.weights", "url", "volume", "weights",
    }
)  # fmt: skip
_PLAIN = re.compile(r"[A-Za-z0-9_/\-+.%*@?|:]+")  # what Hydra takes without quotes
_NUMBER = re.compile(r"[+-]?[\d._]+([eE][+-]?[\d_]+)?")
_OTHERS = ("true", "false", "nan", "inf", "+inf", "-inf")
_SWEEPS = re.compile(r"(choice|range|interval|glob|sort|shuffle|tag|extend_list)\(")


def quoted(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of a command with names and paths quoted where Hydra needs it.

    Args:
        arguments: As typed, e.g. ``["-m", "store=2024_05_01", "device=cpu"]``.

    Returns:
        As many; with ``-m`` or ``--multirun`` a comma goes on to separate the points of a sweep.
    """
    sweep = any(argument in ("-m", "--multirun") for argument in arguments)
    return [_argument(argument, sweep) for argument in arguments]


def _argument(argument: str, sweep: bool) -> str:
    key, separator, value = argument.partition("=")
    if not separator or key.lstrip("+~") not in NAMES or "${" in value:
        return argument
    if sweep and _SWEEPS.match(value):
        return argument
    parts = split(value) if sweep else [value]
    return f"{key}={','.join(_value(part) for part in parts)}"


def _value(text: str) -> str:
    """Return a name, or a list of names in brackets, quoted where it has to be."""
    if text.startswith("[") and text.endswith("]"):
        return f"[{','.join(_value(part.strip()) for part in split(text[1:-1]))}]"
    if not text.isascii() and "://" not in text and text[0] not in "\"'":
        text = str(on_disk(Path(text)))
    return quote(text)


def quote(text: str) -> str:
    """Return a name as Hydra reads it as text: quoted unless it is plain, empty or ``null``."""
    if text == "" or text == "null" or text[0] in "\"'":
        return text
    plain = _PLAIN.fullmatch(text) and not _NUMBER.fullmatch(text)
    if plain and text.lower() not in _OTHERS:
        return text
    escaped = re.sub(r"(\\*)'", r"\1\1\\'", text)  # a backslash counts before a quote only
    escaped = re.sub(r"(\\+)$", r"\1\1", escaped)
    return f"'{escaped}'"


def split(text: str) -> list[str]:
    """Return what commas separate, outside of quotes and brackets."""
    parts, depth, mark, start = [], 0, "", 0
    for place, letter in enumerate(text):
        if mark:
            mark = "" if letter == mark and text[place - 1] != "\\" else mark
        elif letter in "\"'":
            mark = letter
        elif letter in "[{(":
            depth += 1
        elif letter in "]})":
            depth -= 1
        elif letter == "," and depth <= 0:
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]
