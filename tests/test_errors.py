import sys
from pathlib import Path

import pytest

from emqs import errors


@pytest.mark.parametrize(
    "kind",
    [
        errors.ConfigError,
        errors.DataError,
        errors.CodecError,
        errors.WeightsError,
        errors.MissingDependencyError,
    ],
)
def test_every_error_is_an_emqs_error_named_in_the_module(kind: type[Exception]) -> None:
    assert issubclass(kind, errors.EmqsError)
    assert errors.__doc__ is not None
    assert f"── {kind.__name__} " in errors.__doc__


def test_the_tree_in_the_docstring_is_complete() -> None:
    assert errors.__doc__ is not None
    for value in vars(errors).values():
        if isinstance(value, type) and issubclass(value, errors.EmqsError):
            assert value.__name__ in errors.__doc__


def test_require_returns_the_module() -> None:
    import json

    assert errors.require("json", extra="dev", purpose="read files") is json


def test_require_says_how_to_install() -> None:
    message = (
        r"^The package 'not_there_at_all' is needed to draw maps, and is not installed\. "
        r"Install it with: pip install 'emqs\[maps\]'$"
    )
    with pytest.raises(errors.MissingDependencyError, match=message):
        errors.require("not_there_at_all", extra="maps", purpose="draw maps")


def test_require_says_so_for_a_part_of_a_missing_package() -> None:
    with pytest.raises(errors.MissingDependencyError, match=r"'not_there_at_all\.part' is needed"):
        errors.require("not_there_at_all.part", extra="maps", purpose="draw maps")


def test_require_does_not_blame_a_package_whose_own_import_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "installed_but_broken.py").write_text("import installed\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        with pytest.raises(ModuleNotFoundError, match="No module named 'installed'"):
            errors.require("installed_but_broken", extra="maps", purpose="draw maps")
    finally:
        sys.modules.pop("installed_but_broken", None)


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (ValueError("no\n number."), "no number"),
        (ValueError(), "ValueError"),
        (KeyError("shape"), "there is no 'shape'"),
        (KeyError("object 'x' is not there"), "object 'x' is not there"),
        (OSError("cannot read <_io.BufferedReader name='0.png'>"), "cannot read the file"),
        (OSError(f"cannot read {object()!r} now"), "cannot read object now"),
        (ValueError("less <b>, more"), "less <b>, more"),
    ],
)
def test_what_a_library_says_is_told_without_objects_of_python(fault: Exception, line: str) -> None:
    assert errors.one_line(fault) == line


def test_the_first_line_of_what_a_library_says() -> None:
    assert errors.first_line(ValueError("\nno file:\n at 12")) == "no file"
    assert errors.first_line(ValueError()) == "ValueError"
