"""Commands in processes of their own that start in a moment, as all is imported before."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

STARTER = Path(__file__).with_name("starter.py")


@dataclass
class Fork:
    """A process, which is asked as one of ``subprocess``."""

    forks: "Forks"
    pid: int
    returncode: int | None = None
    seconds: float = 0.0  # of processor time, once it has ended
    n_bytes: int = 0  # of memory, at most

    def _told(self, answer: list[float]) -> int | None:
        if answer:
            self.returncode, self.n_bytes = int(answer[0]), int(answer[2])
            self.seconds = answer[1]
        return self.returncode

    def poll(self) -> int | None:
        """Return its exit code, or None while it runs."""
        if self.returncode is None:
            self._told(self.forks.ask({"look": self.pid}))
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit code once it has ended."""
        if timeout is None and self.returncode is None:
            self._told(self.forks.ask({"wait": self.pid}))
        ends = time.monotonic() + (timeout or 0)
        while self.poll() is None:
            if time.monotonic() > ends:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(0.02)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Forks:
    """Starts modules like ``python -m``, in processes that have some imported."""

    def __init__(self, modules: Sequence[str]) -> None:
        threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
        environment = os.environ | threads | {"PYTHONWARNINGS": "ignore"}
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        self._process = subprocess.Popen(
            [sys.executable, str(STARTER), *modules], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        assert self._answer() == "ready"

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def ask(self, order: Mapping[str, object]) -> list[float]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return [float(number) for number in self._answer().split()]

    def start(
        self, module: str, words: Sequence[str], folder: Path, said: Path, **more: object
    ) -> Fork:
        """Start a module in a folder.

        Args:
            module: Its name, e.g. ``emqs.serve``.
            words: Its arguments.
            folder: Where.
            said: What it says is written here.
            more: Where its errors are written (``errors``), if it is not there; an ``environment``
                on top of that of this process; ``patches``: what is set before it begins, by
                ``"module:name"``.
        """
        said.touch()  # so that it can be read from now on
        order = {"module": module, "words": list(words), "folder": str(folder), "said": str(said)}
        return Fork(self, int(self.ask({"start": {**order, **more}})[0]))

    def stop(self) -> None:
        """End what starts; what it has started goes on."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()
