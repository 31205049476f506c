"""README.md and docs/ say what is true: commands, settings and examples; nothing is left out."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

import emqs
from emqs import models
from emqs.settings import CONFIG_DIR

TOP = Path(__file__).parent.parent
README = (TOP / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted(path.stem for path in CONFIG_DIR.glob("*.yaml"))
PAGES = {path: path.read_text(encoding="utf-8") for path in sorted((TOP / "docs").rglob("*.md"))}
TEXT = "\n".join([README, *PAGES.values()])
CALL = re.compile(r"(?:python -m emqs\.|emqs )([a-z]\w*)(?: [^\n&]*)?")
BLOCKS = re.findall(r"```bash\n(.*?)```", TEXT, flags=re.S)
CODE = [
    line
    for text in (
        *BLOCKS,
        *re.findall(r"`([^`\n]+)`", TEXT),
        *re.findall(r"^    (\S.*)$", TEXT, re.M),
    )
    for line in re.sub(r"\\\n *", "", text).splitlines()
]
CALLS = sorted(
    {
        match.group(0).split(" #")[0].strip()
        for line in CODE
        for match in [re.search(r"(?:^|&& )(" + CALL.pattern + ")", line.strip())]
        if match is not None
        and not re.search(r"--help|emqs (user|dataset|NAME)|\.\.\.|emqs\.web", line)
    }
)
CALLS = [call.removeprefix("&& ") for call in CALLS]


def options(group: str) -> set[str]:
    return {path.stem for path in (CONFIG_DIR / group).glob("*.yaml")}


def composed(name: str, overrides: list[str]) -> object:
    GlobalHydra.instance().clear()
    with initialize_config_dir(version_base="1.3", config_dir=str(CONFIG_DIR)):
        return compose(config_name=name, overrides=overrides, return_hydra_config=True)


HELP = {name: OmegaConf.load(CONFIG_DIR / f"{name}.yaml").hydra.help.template for name in COMMANDS}
CALLS += sorted(
    line.strip()
    for template in HELP.values()
    for line in template.splitlines()
    if line.startswith("  emqs ") and "PATH" not in line
)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_what_a_command_does_and_shows_three_examples(name: str) -> None:
    assert HELP[name].startswith(f"emqs {name}: ")
    assert HELP[name].endswith("\n\n$CONFIG\n")
    examples = HELP[name].partition("Examples:\n")[2].partition("\n\n$CONFIG")[0].splitlines()
    assert len(examples) == 3
    assert all(line.startswith(f"  emqs {name} ") for line in examples)


def test_there_are_calls_to_check() -> None:
    assert len(CALLS) >= 15, CALLS


def points(words: list[str]) -> set[tuple[str, ...]]:
    """What a command line asks for; of a sweep, points that show each value once."""
    settings = sorted(word for word in words if word != "-m")
    if "-m" not in words:
        return {tuple(settings)}
    swept = [(key, values.split(",")) for key, values in (s.split("=", 1) for s in settings)]
    most = max((len(values) for _, values in swept), default=1)
    return {
        tuple(f"{key}={values[min(number, len(values) - 1)]}" for key, values in swept)
        for number in range(most)
    }


POINTS = sorted(
    {
        (words[0], point)
        for words in (shlex.split(re.sub(r"^(python -m )?emqs[. ]", "", call)) for call in CALLS)
        for point in points(words[1:])
    }
)


@pytest.mark.parametrize(("name", "settings"), POINTS)
@pytest.mark.slow
def test_every_command_line_composes(name: str, settings: tuple[str, ...]) -> None:
    assert (TOP / "emqs" / f"{name}.py").is_file()
    composed(name, list(settings))


def test_every_command_is_in_the_readme_and_the_reverse() -> None:
    named = set(re.findall(r"`emqs ([a-z]+) [^`]*`", README))
    assert named == set(COMMANDS)
    for name in COMMANDS:
        source = (TOP / "emqs" / f"{name}.py").read_text(encoding="utf-8")
        assert 'if __name__ == "__main__":' in source


@pytest.mark.parametrize("group", ["query", "patch"])
def test_every_setting_of_a_search_is_in_the_readme(group: str) -> None:
    settings = yaml.safe_load((CONFIG_DIR / group / "default.yaml").read_text(encoding="utf-8"))
    missing = [key for key in settings if f"`{group}.{key}`" not in TEXT]
    assert missing in ([], ["unit"])  # the unit is explained beside patch.size
    assert "`patch.unit`" in TEXT


def test_every_setting_named_in_the_readme_exists() -> None:
    cfg = composed("evaluate", ["index=annoy"])
    pattern = r"`((?:query|patch|index|dataset|paths|hydra)(?:\.\w+)+)(?<!py)(?:=[^`]*)?`"
    names = set(re.findall(pattern, TEXT))
    assert len(names) >= 10
    for name in names:
        parent, key = name.rsplit(".", 1)
        assert key in OmegaConf.select(cfg, parent), name


def test_the_defaults_in_the_table_are_the_defaults() -> None:
    cfg = composed("evaluate", ["index=annoy"])
    rows = re.findall(
        r"^\| `((?:query|patch|index)\.\w+)` \|[^|]*\| `?([^|`]+)`?[^|]*\|", TEXT, re.M
    )
    assert len(rows) >= 8
    for name, shown in rows:
        value = OmegaConf.select(cfg, name)
        assert shown.split(":")[0].strip() == json.dumps(value).strip('"'), name


def test_every_dataset_and_encoder_is_in_the_readme() -> None:
    missing = [name for name in options("dataset") if f"`{name}`" not in TEXT]
    assert missing == []
    assert options("model") == set(models.NETWORKS)


@pytest.mark.slow
def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = re.findall(r"```python\n(.*?)```", README, flags=re.S)
    assert len(examples) == 1
    assert examples[0] in PAGES[TOP / "docs" / "how-to" / "python.md"]
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(examples[0], "README.md", "exec"), names)
    metrics = names["result"].metrics  # type: ignore[attr-defined]
    assert metrics["component_ap"] > metrics["chance"]["component_ap"]


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="needs the extra docs")
    words = [
        "build",
        "--strict",
        "-q",
        "-f",
        "docs/mkdocs/mkdocs.yml",
        "-d",
        str(tmp_path / "site"),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", *words],
        cwd=TOP, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    pages = {path.parent.name for path in (tmp_path / "site").rglob("index.html")}
    assert {"own-slices", "commands", "settings", "python", "benchmarks", "quality"} <= pages
    commands = (tmp_path / "site" / "reference" / "commands" / "index.html").read_text()
    assert "n_suggestions" in commands  # of predict, from its settings
    python = (tmp_path / "site" / "reference" / "python" / "index.html").read_text()
    assert "Return the places of an embedding volume" in python


def test_the_version_heads_the_changelog() -> None:
    changelog = (TOP / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## \[([^\]]+)\]", changelog, re.M)[0] == emqs.__version__
    citation = yaml.safe_load((TOP / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == emqs.__version__


def test_pictures_and_links_exist() -> None:
    made = {"benchmarks.md", "weights.md", "commands.md", "settings.md"}  # with the site
    missing = [
        (path.name, link)
        for path, text in {TOP / "README.md": README, **PAGES}.items()
        for link in re.findall(r"\]\((?!http)([^)#]+)\)", text)
        if not (path.parent / link).is_file() and Path(link).name not in made
    ]
    assert missing == []


def test_the_readme_is_short_and_every_page_is_in_the_site() -> None:
    assert len(README.splitlines()) <= 200
    site = (TOP / "docs" / "mkdocs" / "mkdocs.yml").read_text(encoding="utf-8")
    pages = {path.relative_to(TOP / "docs").as_posix() for path in PAGES}
    assert pages <= set(re.findall(r": ([\w/-]+\.md)$", site, re.M))


def test_the_architecture_names_every_room() -> None:
    text = (TOP / "docs" / "architecture.md").read_text(encoding="utf-8")
    pyproject = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = pyproject["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c["type"] == "layers")
    names = [name.strip() for layer in layers for name in layer.split("|")]
    standing = [name for name in names if not name.startswith("(")]
    assert len(standing) > 15
    table = [line for line in text.splitlines() if line.startswith("| ")]
    assert [
        n for n in standing if not any(re.search(rf"`(emqs/)?{n}(\.py)?`", r) for r in table)
    ] == []
    rooms = {path.parent.name for path in (TOP / "emqs").glob("*/__init__.py")}
    assert rooms <= set(standing)


def test_the_picture_of_the_architecture_shows_every_room() -> None:
    picture = (TOP / "docs" / "architecture.svg").read_text(encoding="utf-8")
    rooms = [path.parent.name for path in (TOP / "emqs").glob("*/__init__.py")]
    assert len(rooms) > 10
    assert [room for room in rooms if f">{room}</text>" not in picture] == []
