"""What the files of ``configs/`` say of settings: their comments, read without Hydra."""

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from emqs.settings import CONFIG_DIR

_KEY = re.compile(r"^(?P<indent> *)(?P<key>[\w@/]+):(?P<rest>.*)$")
_COMMENT = re.compile(r"(?:^|\s)#\s?(?P<text>.*)$")
_COLUMN = 14  # comments that begin further right go on with that of the line above

#: Settings that a command has since it shares a group, and that do nothing there.
SILENT: dict[str, frozenset[str]] = {
    "search": frozenset(
        f"query.{name}"
        for name in (
            "structure", "min_overlap", "batch_size", "sizes", "dense", "window", "step", "smooth",
            "smooth_z", "question",
        )
    ),
    "embed": frozenset({"embed.planes", "patch.border"}),
    "serve": frozenset({"serve.host", "serve.port"}),  # host and port themselves are typed
}  # fmt: skip


@dataclass(frozen=True)
class Described:
    """What a file of settings says.

    Attributes:
        summary: Its first sentence.
        meanings: Of each setting in it, by its name with dots.
        headings: Lines that stand above a setting and go for those after it, too.
    """

    summary: str
    meanings: dict[str, str] = field(default_factory=dict)
    headings: dict[str, str] = field(default_factory=dict)


@cache
def described(path: Path) -> Described:
    """Return what a file of ``configs/`` says of itself and of each of its settings.

    Args:
        path: A YAML file, ``key: value  # meaning``; a comment in the same column goes on below.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    made = Described(_summary(lines))
    stack: list[tuple[int, str]] = []
    above: list[str] = []
    last = ""
    for line in lines:
        key, comment = _KEY.match(line), _COMMENT.search(line)
        text = comment["text"].strip() if comment else ""
        if key is None:
            if line.lstrip().startswith("#") and line.index("#") >= _COLUMN and last:
                made.meanings[last] = f"{made.meanings[last]} {text}".strip()
            elif line.startswith(" ") and line.lstrip().startswith("#"):
                above.append(text)
            continue
        indent = len(key["indent"])
        stack = [*(part for part in stack if part[0] < indent), (indent, key["key"])]
        if stack[0][1] in ("defaults", "hydra"):
            last = ""
            continue
        last = ".".join(name for _, name in stack)
        made.meanings[last] = text
        if above and not text:
            made.meanings[last] = " ".join(above)
        elif above:
            made.headings[last] = " ".join(above)
        above = []
    return made


def _summary(lines: list[str]) -> str:
    """Return the first sentence of the comment that a file begins with."""
    said: list[str] = []
    for line in lines:
        if line.startswith("# @package"):
            continue
        if not line.startswith("# ") or line.startswith("#   "):
            break
        said.append(line[2:].strip())
    return sentence(" ".join(said))


def sentence(text: str) -> str:
    """Return the first sentence of a text, without its full stop."""
    return re.split(r"(?<! al)\.(?: |$)", text, maxsplit=1)[0].rstrip(":. ")


def defaults(name: str) -> list[object]:
    """Return the list of defaults of a file of ``configs/``, e.g. ``"search"``."""
    loaded = yaml.safe_load((CONFIG_DIR / f"{name}.yaml").read_text(encoding="utf-8"))
    return list((loaded or {}).get("defaults", []))


def groups(command: str) -> dict[str, str | None]:
    """Return the groups that a command chooses from, and the default of each."""
    chosen: dict[str, str | None] = {}
    for entry in defaults(command):
        for key, value in entry.items() if isinstance(entry, dict) else ():
            name = str(key).removeprefix("optional ")
            if name == "recipe":  # what a model takes of these two
                chosen |= {"loss": None, "augment": None}
            elif not name.startswith("override "):
                chosen[name] = value
    return chosen


def options(command: str, group: str) -> dict[str, str]:
    """Return the options of a group that a command can take, each with one line.

    Args:
        command: E.g. ``"search"``.
        group: E.g. ``"model"``; of ``"experiment"`` those made for this command.
    """
    paths = sorted((CONFIG_DIR / group).glob("*.yaml"))
    if group == "experiment":
        own = re.compile(rf"\bemqs[. ]{command} experiment=")
        paths = [path for path in paths if own.search(path.read_text(encoding="utf-8"))]
    return {path.stem: described(path).summary for path in paths}


def meanings(command: str, chosen: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return what every setting of a command means, and the headings above them, by full name.

    Args:
        command: E.g. ``"search"``.
        chosen: The option of each group, e.g. ``{"query": "default"}``. What one does not say is
            looked up in the file that it is based on.
    """
    said: dict[str, str] = {}
    headings: dict[str, str] = {}
    for group, option in chosen.items():
        folder = group.partition("@")[0]
        for base in _bases(folder, option):
            path = CONFIG_DIR / folder / f"{base}.yaml"
            prefix = "" if "@package _global_" in path.read_text(encoding="utf-8") else f"{group}."
            own = described(path)
            said |= {f"{prefix}{key}": text for key, text in own.meanings.items() if text}
            headings |= {f"{prefix}{key}": text for key, text in own.headings.items()}
    own = described(CONFIG_DIR / f"{command}.yaml")
    said |= {key: text for key, text in own.meanings.items() if text}
    return said, headings | own.headings


def _bases(group: str, option: str) -> list[str]:
    """Return what an option of a group is based on, and itself last."""
    if not (CONFIG_DIR / group / f"{option}.yaml").is_file():
        return []
    names = [entry for entry in defaults(f"{group}/{option}") if isinstance(entry, str)]
    return [*(name for name in names if name != "_self_" and "/" not in name), option]


@cache
def _files() -> dict[tuple[str, str], Path]:
    """Return the file of each option, by its group and name."""
    return {(path.parent.name, path.stem): path for path in CONFIG_DIR.glob("*/*.yaml")}


def idle(command: str, group: str, option: str) -> str | None:
    """Return the first setting of an option of a group if it changes nothing in a command.

    That is so where the command's own file, or silence, goes before each of its settings.
    """
    path = _files().get((group, option))
    if path is None or groups(command).get(group, option) == option:
        return None
    before = described(CONFIG_DIR / f"{command}.yaml").meanings
    given = [f"{group}.{key}" for key in described(path).meanings]
    rules = all(name in before or not acts(command, name) for name in given)
    return given[0] if given and rules else None


def acts(command: str, name: str) -> bool:
    """Return whether a setting, by its full name, does anything in a command."""
    return name not in SILENT.get(command, ())
