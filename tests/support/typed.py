"""Command lines typed in this process, where all is imported."""

import importlib
import io
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from emqs.runs import command


def typed(verb: str, folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Type ``python -m emqs.VERB WORDS`` in a folder; return how it ended and what it said."""
    module = importlib.import_module(f"emqs.{verb}")
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with pytest.MonkeyPatch.context() as patch, chdir(folder):
        patch.setattr(sys, "argv", [f"{verb}.py", *words])
        patch.delenv("HYDRA_FULL_ERROR", raising=False)
        with redirect_stdout(out), redirect_stderr(err):
            try:
                command.start(verb, module.main)
            except SystemExit as end:
                code = 1 if isinstance(end.code, str) else int(end.code or 0)
                err.write(f"{end.code}\n" if isinstance(end.code, str) else "")
    return subprocess.CompletedProcess([verb, *words], code, out.getvalue(), err.getvalue())
