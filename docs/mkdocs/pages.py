"""Pages that are made when the site is built: from settings, help, and files beside docs/."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from omegaconf import OmegaConf

from emqs.__main__ import TASKS
from emqs.runs import described
from emqs.runs.help import help_text, shown
from emqs.settings import CONFIG_DIR

TOP = Path(__file__).parents[2]
BESIDE = {
    "benchmarks.md": TOP / "benchmarks" / "README.md",
    "weights.md": TOP / "weights" / "README.md",
    "changes.md": TOP / "CHANGELOG.md",
}
NEEDED = {"download": ["dataset=EPFL"]}  # what a command cannot be asked without


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made."""
    made = {"reference/commands.md": commands(), "reference/settings.md": settings()}
    made |= {name: path.read_text(encoding="utf-8") for name, path in BESIDE.items()}
    for name, content in made.items():
        files.append(File.generated(config, name, content=within(content, name)))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Name files that are not part of the site, instead of linking to them."""
    markdown = markdown.replace("](../benchmarks/README.md", "](benchmarks.md")
    return re.sub(
        r"\[([^\]]*)\]\((?:\.\./)+(?:emqs|configs|tests|images)/[^)]*\)", r"`\1`", markdown
    )


def within(markdown: str, name: str) -> str:
    """Return the text of a file from beside docs/ with links that hold in the site."""
    if name not in BESIDE:
        return markdown
    markdown = markdown.replace("](../docs/", "](").replace("](docs/", "](")
    kept = r"\]\((?!https?:|#|[\w-]+\.(?:png|svg|md)\)|pages/)([^)]*)\)"
    return re.sub(rf"\[([^\]]*){kept}", r"\1", markdown)


def commands() -> str:
    """Return a page with the help of every command."""
    lines = [
        "# Commands",
        "",
        "What `emqs NAME --help` prints. Each is `python -m emqs.NAME`, too.",
        "",
    ]
    for task, verbs in TASKS.items():
        lines += [f"## {task}", ""]
        for verb in verbs:
            lines += [f"### emqs {verb}", "", "```text", help_text(verb, NEEDED.get(verb, []))]
            lines += ["```", ""]
    return "\n".join(lines)


def settings() -> str:
    """Return a page with every file of configs/: what it is for, its values and their meaning."""
    lines = [
        "# Settings",
        "",
        "Every option of every group in `configs/`, chosen as `GROUP=NAME`; its settings are typed",
        "as `GROUP.SETTING=VALUE`. Settings of commands stand in [commands](commands.md).",
        "",
    ]
    for folder in sorted(path for path in CONFIG_DIR.iterdir() if path.is_dir()):
        lines += [f"## {folder.name}", ""]
        for path in sorted(folder.glob("*.yaml")):
            made = described.described(path)
            lines += [f"### {folder.name}={path.stem}", "", f"{made.summary}.", ""]
            values = OmegaConf.load(path)
            rows = [(key, text) for key, text in made.meanings.items() if text]
            if rows:
                lines += ["| setting | default | meaning |", "| --- | --- | --- |"]
                lines += [
                    f"| `{key}` | {default(values, key)} | {escaped(text)} |" for key, text in rows
                ]
                lines.append("")
    return "\n".join(lines)


def default(values: object, key: str) -> str:
    """Return the value of a setting, by its name with dots, as it is typed."""
    value = OmegaConf.to_container(values)  # type: ignore[call-overload]
    for part in key.split("."):
        value = value[int(part) if isinstance(value, list) else part]
    return "" if isinstance(value, dict) else f"`{shown(value)}`"


def escaped(text: str) -> str:
    """Return text for a cell of a table."""
    return re.sub(r"([|<>*_\[\]])", r"\\\1", text)
