"""What a module imports at once is installed: extras are asked for where they are used."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = {  # what is reached only by those who have an extra
    "emqs/web/": "serve",
    "emqs/annotations/": "serve",
    "emqs/embedding/stores/hamming_numba.py": "fast",
    "emqs/codecs/zarr_codec.py": "labels",
}
BROUGHT = {"requests": "pooch", "starlette": "fastapi", "pydantic": "fastapi", "llvmlite": "numba"}


def named(requirements: list[str]) -> set[str]:
    """Return the distributions that requirements name, those of other extras, too."""
    names: set[str] = set()
    for text in requirements:
        name, extras = re.match(r"([\w.-]+)(?:\[([\w,]+)\])?", text).groups()  # type: ignore[union-attr]
        if name == "emqs":
            for extra in extras.split(","):
                names |= named(PROJECT["optional-dependencies"][extra])
        else:
            names.add(name.lower().replace("_", "-"))
    return names


def imported(path: Path) -> set[str]:
    """Return the other packages that a module imports when it is imported."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(str(node.module).split(".")[0])
    return names - set(sys.stdlib_module_names) - {"emqs"}


def missing(path: Path, known: dict[str, list[str]]) -> set[str]:
    """Return what a module imports and no requirement brings."""
    inside = path.relative_to(TOP).as_posix()
    has = named(PROJECT["dependencies"])
    for start, extra in EXTRAS.items():
        if inside.startswith(start):
            has |= named([f"emqs[{extra}]"])
    return {
        name
        for name in imported(path)
        if not {one.lower().replace("_", "-") for one in known.get(BROUGHT.get(name, name), [])}
        & has
    }


@pytest.mark.slow
def test_modules_import_what_is_installed() -> None:
    known = dict(packages_distributions())
    paths = [p for p in (TOP / "emqs").rglob("*.py") if "node_modules" not in p.parts]
    assert len(paths) > 300
    wrong = {str(path.relative_to(TOP)): missing(path, known) for path in paths}
    assert {path: names for path, names in wrong.items() if names} == {}


@pytest.mark.slow
@pytest.mark.parametrize("line", ["import tensorstore", "from zarr.codecs import BytesCodec"])
def test_what_only_an_extra_brings_is_told(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "emqs" / "volumes" / "x.py"
    module.parent.mkdir(parents=True)
    module.write_text(f"import numpy\n{line}\n")
    monkeypatch.setattr(sys.modules[__name__], "TOP", tmp_path)
    assert missing(module, dict(packages_distributions())) == {re.split(r"[ .]", line)[1]}
