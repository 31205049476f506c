"""What is typed after a command, before Hydra reads it: slips are told in one sentence."""

import difflib
import re
from collections.abc import Sequence

from emqs.runs import described
from emqs.settings import CONFIG_DIR

#: Options of Hydra, and how many words follow each. Those that take a command's settings from
#: somewhere else, or from a pickle, are none of emqs.
OPTIONS = {
    "--help": 0, "-h": 0, "--hydra-help": 0, "--version": 0, "--resolve": 0, "--run": 0, "-r": 0,
    "--multirun": 0, "-m": 0, "--shell-completion": 0, "-sc": 0, "--cfg": 1, "-c": 1,
    "--package": 1, "-p": 1, "--config-dir": 1, "-cd": 1, "--info": 1, "-i": 1,
}  # fmt: skip
_NAME = re.compile(r"[A-Za-z_][\w@./]*")


def slip(name: str, arguments: Sequence[str]) -> str | None:
    """Return one sentence about the first word that is no setting and no option; None: all are.

    Args:
        name: The command, e.g. ``"search"``.
        arguments: As typed after it.
    """
    words = list(arguments)
    position = 0
    while position < len(words):
        word = words[position]
        if word.startswith("-"):
            option, _, value = word.partition("=")
            if option not in OPTIONS:
                return _no_option(name, option, value or _next(words, position))
            position += 0 if value else OPTIONS[option]
        elif "=" not in word and not word.startswith("~"):
            return _no_sign(name, words, position)
        elif word.startswith("="):
            return f"{word!r} stands without a name. Write name=value, without spaces around the =."
        elif idle := described.idle(name, *word.partition("=")[::2]):
            return (
                f"{word} does nothing in {name}, whose own defaults go before it. Name what is "
                f"meant, such as {idle}=VALUE; --help lists all settings."
            )
        elif not described.acts(name, full := word.partition("=")[0].lstrip("+~")):
            return f"{full} does nothing in {name}. Leave it out; --help lists what does."
        position += 1
    return None


def _next(words: list[str], position: int) -> str:
    """Return the word after one, if it may be its value."""
    after = words[position + 1] if position + 1 < len(words) else ""
    return "" if after.startswith("-") or "=" in after else after


def _no_option(name: str, option: str, value: str) -> str:
    known = setting(name, option.lstrip("-").replace("-", "_"))
    advice = f"Did you mean {known}={value or 'VALUE'}?" if known else "--help lists all settings."
    return (
        f"There is no option {option}: settings are typed as name=value, without dashes. {advice}"
    )


def _no_sign(name: str, words: list[str], position: int) -> str:
    word, after = words[position], _next(words, position)
    known = setting(name, word) if _NAME.fullmatch(word) else None
    if known is None:
        return (
            f"{word!r} is no setting: settings are typed as name=value. --help lists all of them."
        )
    if words[position + 1 : position + 2] == ["="]:
        after = " ".join(words[position + 2 : position + 3])
    return f"{word!r} has no value. Did you mean {known}={after or 'VALUE'}?"


def setting(name: str, word: str) -> str | None:
    """Return the setting or group of a command that a word stands for, or None.

    Args:
        name: The command.
        word: A full name; the last part of one, e.g. ``structure``; nearly one; or the name of
            another command, whose last part is one of this, e.g. ``input.axes``.
    """
    names = settings(name)
    if word in names:
        return word
    suffix = [full for full in names if full.endswith(f".{word}")]
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.8)
    last = word.rpartition(".")[2]
    likely = suffix + close + [full for full in names if full.rpartition(".")[2] == last]
    return likely[0] if likely else None


def settings(name: str) -> list[str]:
    """Return the groups and settings of a command that act there, as its files name them."""
    groups = described.groups(name)
    chosen = {group: option for group, option in groups.items() if option is not None}
    said = described.described(CONFIG_DIR / f"{name}.yaml").meanings
    own = list(said)
    for group, option in chosen.items():
        path = CONFIG_DIR / group / f"{option}.yaml"
        prefix = "" if "@package _global_" in path.read_text(encoding="utf-8") else f"{group}."
        own += [f"{prefix}{key}" for key in described.described(path).meanings]
    parents = {full.rpartition(".")[0] for full in own}
    leaves = [full for full in own if full not in parents and described.acts(name, full)]
    return list(dict.fromkeys([*groups, *leaves]))
