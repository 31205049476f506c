"""A small ClickHouse server."""

import subprocess
import sys
from pathlib import Path

from emqs.embedding.stores.connections import ClickhouseConfig

PLAIN = ClickhouseConfig()


USER, SECRET = "emqs", "not to be shown"


def nothing(_: int) -> None:
    """Stand for a bar that moves."""


def serve(folder: Path, *more: str) -> tuple["subprocess.Popen[str]", int]:
    """Start a server; return it and its port."""
    command = [sys.executable, str(Path(__file__).parent / "clickhouse_http.py"), str(folder)]
    process = subprocess.Popen([*command, USER, SECRET, *more], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def stop(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
