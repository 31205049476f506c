"""The command emqs: what is typed after it reaches python -m emqs.VERB unchanged."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import emqs
from emqs import __main__ as console


def typed(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True)


def test_a_verb_is_the_command_of_that_name(tmp_path: Path) -> None:
    script = "import sys; from emqs.__main__ import main; sys.exit(main())"
    settings = ("store=none.zarr", "positive=[[0,1,2]]")
    out = [f"hydra.run.dir={tmp_path / name}" for name in "ab"]
    short = typed("-c", script, "search", *settings, out[0])
    long = typed("-m", "emqs.search", *settings, out[1])
    assert short.stderr == long.stderr
    assert short.stderr.startswith("emqs.search: There is no embedding volume none.zarr.")
    assert short.returncode == long.returncode == 1
    records = [(tmp_path / name / "run.json").read_text().replace("/b", "/a") for name in "ab"]
    for line in ('"argv": [', '"store=none.zarr",', '"command": "search"'):
        assert line in records[0]
        assert line in records[1]
    assert (tmp_path / "a" / "search.log").exists() == (tmp_path / "b" / "search.log").exists()


@pytest.mark.slow
def test_help_is_that_of_the_command() -> None:
    assert (
        typed("-m", "emqs", "export", "--help").stdout
        == typed("-m", "emqs.export", "--help").stdout
        != ""
    )


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert console.main(["--version"]) == 0
    assert capsys.readouterr().out == f"emqs {emqs.__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_alone_it_lists_every_command(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert console.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    folder = Path(emqs.__file__).parent
    commands = {path.stem for path in folder.glob("*.py") if "command.start(" in path.read_text()}
    assert set(console.VERBS) == commands != set()
    for verb, line in console.VERBS.items():
        assert sum(row.split() == ["emqs", verb, *line.split()] for row in lines) == 1
    assert max(map(len, lines)) <= 100


ALL = ", ".join([*console.VERBS, *console.NOUNS])


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("serch", "emqs: there is no command 'serch'; did you mean search?\n"),
        ("evaluat", "emqs: there is no command 'evaluat'; did you mean evaluate?\n"),
        ("xyzzy", f"emqs: there is no command 'xyzzy'; there are {ALL}.\n"),
    ],
)
def test_an_unknown_command(word: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert console.main([word, "a=b"]) == 2
    assert capsys.readouterr().err == said


def test_a_noun_is_a_function_that_gets_the_rest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "NOUNS", {"user": ("builtins:len", "add and list users")})
    assert console.main(["user", "add", "me"]) == 2  # the length of ["add", "me"]
    assert console.main([]) == 0
    assert "emqs user      add and list users" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("words", [["emqs"], ["emqs", "search", "--help"], ["emqs.compress", "-h"]])
def test_who_has_read_enough_gets_no_traceback(words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", *words], stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, b"")
