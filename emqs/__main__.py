"""The command ``emqs``: ``emqs VERB ...`` does what ``python -m emqs.VERB ...`` does."""

import difflib
import importlib
import runpy
import sys
from collections.abc import Callable, Sequence

import emqs
from emqs.errors import read_as_far_as_wanted

TASKS = {  # what one wants to do, and the commands that do it
    "Look": {"tsne": "map what a model finds alike"},
    "Search": {
        "retrieve": "a few examples in slices in, the most similar patches out",
        "embed": "embed a whole volume, so that it can be searched in a moment",
        "search": "click a few examples in an embedded volume, get every place like them",
        "predict": "objects from a few clicks in an embedded volume, with their outlines",
    },
    "Measure": {"evaluate": "measure how well a model finds a structure in labelled slices"},
    "Train": {"train": "fit an encoder to patches, without labels"},
    "Volumes": {
        "ingest": "raw slices to one aligned, even, multiscale volume",
        "export": "copy an embedded volume to Parquet files or ClickHouse",
        "download": "fetch a public dataset",
    },
    "Labels": {"compress": "label volumes: convert, verify, ask for labels, measure codecs"},
    "Serve": {"serve": "the platform in the browser and as a REST API"},
}
VERBS = {verb: line for verbs in TASKS.values() for verb, line in verbs.items()}
NOUNS: dict[str, tuple[str, str]] = {
    "user": ("emqs.web.admin:user", "accounts of a server: emqs user add NAME"),
    "dataset": ("emqs.web.admin:dataset", "volumes of a server: emqs dataset add NAME volume=PATH"),
}  # name to "module:function", which takes what is typed
# after the name and returns an exit code, and to a line of help; e.g. emqs user add NAME


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: What is typed after ``emqs``; None: that of this process.

    Returns:
        The exit code: 2 if there is no such command. Errors of a command end the process as they
        do with ``python -m``.
    """
    typed = list(sys.argv[1:] if arguments is None else arguments)
    name, rest = (typed[0], typed[1:]) if typed else ("--help", [])
    if name.startswith("-"):
        with read_as_far_as_wanted():
            return option(name, rest)
    if name in NOUNS:
        module, _, function = NOUNS[name][0].partition(":")
        run: Callable[[list[str]], int] = getattr(importlib.import_module(module), function)
        return run(rest)
    if name not in VERBS:
        print(f"emqs: {unknown(name)}", file=sys.stderr)  # noqa: T201
        return 2
    sys.argv = ["emqs", *rest]  # the first becomes the file's path, as with python -m
    runpy.run_module(f"emqs.{name}", run_name="__main__", alter_sys=True)
    return 0


def option(name: str, rest: Sequence[str]) -> int:
    """Do what an option of ``emqs`` itself asks for; return the exit code."""
    if name in ("--help", "-h"):
        print(overview())  # noqa: T201
    elif name == "--version":
        print(f"emqs {emqs.__version__}")  # noqa: T201
    elif name in ("--completion", "--complete"):
        from emqs.runs import completion

        if name == "--complete":
            print("\n".join(completion.completions(" ".join(rest), [*VERBS, *NOUNS])))  # noqa: T201
        elif len(rest) == 1 and rest[0] in completion.SHELLS:
            print(completion.script(rest[0]), end="")  # noqa: T201
        else:
            shells = ", ".join(completion.SHELLS)
            print(f"emqs: --completion takes one of {shells}.", file=sys.stderr)  # noqa: T201
            return 2
    else:
        print(  # noqa: T201
            f"emqs: there is no option {name}; there are --help, --version and --completion. "
            "The name of a command comes first.",
            file=sys.stderr,
        )
        return 2
    return 0


def overview() -> str:
    """Return what ``emqs`` alone prints: the commands, grouped by task, each with one line."""
    nouns = {name: line for name, (_, line) in NOUNS.items()}
    width = max(map(len, VERBS | nouns))
    lines = [f"emqs {emqs.__version__}, similarity search in electron microscopy"]
    for task, verbs in TASKS.items():
        shown = verbs | nouns if task == "Serve" else verbs
        lines += ["", task, *(f"  emqs {name:<{width}}  {line}" for name, line in shown.items())]
    return "\n".join(
        [
            *lines,
            "",
            "A first search, on slices that are drawn on the spot:  emqs retrieve",
            "What a command does, examples and settings:            emqs NAME --help",
            "Completion in your shell (bash, zsh, fish):            "
            'eval "$(emqs --completion bash)"',
        ]
    )


def unknown(name: str) -> str:
    """Return one sentence about a command that does not exist, with the closest that does."""
    names = [*VERBS, *NOUNS]
    close = difflib.get_close_matches(name, names, n=1)
    advice = f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}."
    return f"there is no command {name!r}; {advice}"


if __name__ == "__main__":
    sys.exit(main())
