"""Command lines of ``emqs.compress``, typed in this process."""

import sys
from pathlib import Path

import pytest

from emqs import compress
from emqs.runs import command


class Run:
    """Types command lines in one folder, in this process."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        self.folder, self._patch, self._said = folder, monkeypatch, capfd

    def __call__(self, line: str, *more: str) -> str:
        """Run a command line that works; return what it printed."""
        self._start([*line.split(), *more])
        out, err = self._said.readouterr()
        assert err == ""
        return str(out)

    def fails(self, line: str) -> str:
        """Run one that does not; return its one line."""
        with pytest.raises(SystemExit) as end:
            self._start(line.split())
        assert isinstance(end.value.code, str)
        assert "\n" not in end.value.code
        return end.value.code

    def _start(self, words: list[str]) -> None:
        self._patch.delenv("HYDRA_FULL_ERROR", raising=False)
        sweep = [f"hydra.sweep.dir={self.folder / 'sweep'}"]
        own = [f"hydra.run.dir={self.folder / 'run'}", *(sweep if "-m" in words else [])]
        self._patch.setattr(sys, "argv", ["compress.py", *words, *own])
        command.start("compress", compress.main)
