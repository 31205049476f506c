"""What ``--help`` prints: what a command does, examples, choices, and the settings that act."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from string import Template
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict

from emqs.runs import described
from emqs.runs.compose import with_hydra
from emqs.settings import CONFIG_DIR

WIDTH = 100  # of a line
MEANING = 30  # column in which meanings begin
CHOICE = 20  # the same of choices


def help_text(name: str, settings: Sequence[str] = ()) -> str:
    """Return what ``--help`` prints.

    Args:
        name: The command.
        settings: What was typed beside ``--help``; values are shown with it.

    Raises:
        CompactHydraException: If a name is unknown or a setting cannot be read.
    """
    cfg = with_hydra(name, settings)
    chosen = {
        str(group): str(option)
        for group, option in cfg.hydra.runtime.choices.items()
        if option is not None and not str(group).startswith("hydra/")
    }
    template = Template(cfg.hydra.help.template)
    with open_dict(cfg):
        del cfg["hydra"]
    parts = [*_choices(name, chosen), *_settings(name, cfg, chosen)]
    return template.substitute(CONFIG="\n".join(parts)).rstrip()


def _choices(name: str, chosen: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of the groups that there is a choice in."""
    lines: list[str] = []
    for group in described.groups(name):
        options = described.options(name, group)
        if len(options) < 2:
            continue
        default = chosen.get(group)
        lines.append(f"  {group}={default}" if default else f"  {group}=NAME, or none")
        lines += [_choice(option, line) for option, line in options.items()]
    if lines:
        yield "Choices, GROUP=NAME:"
        yield from lines
        yield ""


def _settings(name: str, cfg: DictConfig, chosen: dict[str, str]) -> Iterator[str]:
    """Yield the lines of all settings that act: those of the command, then group by group."""
    yield "Settings, NAME=VALUE, with their defaults; [name] begins those that are typed name.NAME:"
    said, headings = described.meanings(name, chosen)
    plain = OmegaConf.to_container(cfg, resolve=False)
    if not isinstance(plain, dict):
        raise RuntimeError("a command's settings are a mapping")
    parts = {str(k): v for k, v in plain.items() if isinstance(v, dict)}
    top = {str(k): v for k, v in plain.items() if not isinstance(v, dict) and k not in parts}
    yield from _of(name, "", top, said, headings)
    for part, values in parts.items():
        rows = list(_of(name, part, values, said, headings))
        if rows:
            yield ""
            yield _row(f"[{part}]", _about(part, said, chosen))
            yield from rows


def _about(part: str, said: Mapping[str, str], chosen: Mapping[str, str]) -> str:
    """Return one sentence about settings that belong together."""
    path = CONFIG_DIR / part / f"{chosen.get(part)}.yaml"
    return described.described(path).summary if path.is_file() else said.get(part, "")


def _of(
    name: str,
    prefix: str,
    values: Mapping[Any, object],
    said: Mapping[str, str],
    headings: Mapping[str, str],
) -> Iterator[str]:
    """Yield the lines of the settings of one mapping, those of mappings in it among them."""
    for key, value in values.items():
        full = f"{prefix}.{key}" if prefix else str(key)
        if not described.acts(name, full):
            continue
        if full in headings:
            yield from textwrap.wrap(headings[full], WIDTH - 2, initial_indent="  ",
                                     subsequent_indent="  ")  # fmt: skip
        if isinstance(value, dict) and value:
            yield from _of(name, full, value, said, headings)
            continue
        short = full.partition(".")[2] or full
        yield _row(f"  {short}={shown(value)}", said.get(full, ""))


def shown(value: object) -> str:
    """Return a value as it is typed."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).replace("'", "").replace(" ", "") if isinstance(value, list) else str(value)


def _choice(option: str, line: str) -> str:
    """Return an option and what it is, on one line."""
    said = textwrap.shorten(line, WIDTH - CHOICE, placeholder=" ...")
    return f"{'    ' + option:<{CHOICE - 1}} {said}".rstrip()


def _row(left: str, meaning: str) -> str:
    """Return a name and what it means, indented and wrapped in two columns."""
    if not meaning:
        return left
    lines = textwrap.wrap(meaning, WIDTH - MEANING, break_long_words=False, break_on_hyphens=False)
    short = len(left) < MEANING - 1
    shown = [f"{left:<{MEANING}}{lines[0]}"] if short else [left, " " * MEANING + lines[0]]
    return "\n".join([*shown, *(" " * MEANING + line for line in lines[1:])])
