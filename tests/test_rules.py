"""Rules that no linter keeps: how long a file is, and how many parameters a function has."""

import ast
from collections.abc import Iterator
from pathlib import Path

import emqs

PACKAGE = Path(emqs.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES, MOST_PARAMETERS = 450, 8


def public_functions(tree: ast.AST, inside: str = "") -> Iterator[tuple[str, int]]:
    """Yield each public function or method with the number of its parameters, self not counted."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node, f"{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and is_public(node.name):
            yield inside + node.name, parameters(node, is_method=bool(inside))


def is_public(name: str) -> bool:
    return name == "__init__" or not name.startswith("_")


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef, *, is_method: bool) -> int:
    named = function.args
    several = [one for one in (named.vararg, named.kwarg) if one is not None]
    decorators = {getattr(one, "id", "") for one in function.decorator_list}
    own = is_method and "staticmethod" not in decorators
    return len(named.posonlyargs + named.args + named.kwonlyargs + several) - own


def test_no_file_is_longer_than_one_reads() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert len(lengths) > 100
    long = {
        path.relative_to(PACKAGE).as_posix(): n for path, n in lengths.items() if n > MOST_LINES
    }
    assert long == {}


def test_no_public_function_takes_more_than_eight_parameters() -> None:
    many = {}
    for path in FILES:
        for name, n in public_functions(ast.parse(path.read_text(encoding="utf-8"))):
            if n > MOST_PARAMETERS:
                many[f"{path.relative_to(PACKAGE).as_posix()}: {name}"] = n
    assert many == {}


def test_parameters_are_counted_as_they_are_given() -> None:
    source = """
class Reader:
    def __init__(self, a, *, b, **more): ...
    @staticmethod
    def read(a, /, b, *rest): ...
    def _own(self, a, b, c): ...
class _Own:
    def read(self, a): ...
def write(a, b=1): ...
def _write(a): ...
"""
    assert dict(public_functions(ast.parse(source))) == {
        "Reader.__init__": 3, "Reader.read": 3, "write": 2,
    }  # fmt: skip
