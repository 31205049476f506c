"""Faults: each is one function that takes a command and what it makes, and says how it went.

A command is a line of a table (``tests/faults/commands.py``). Every function raises AssertionError
if something was lost, is different, or was told otherwise than in one line.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from support.failing_server import Server
from support.forks import Fork, Forks

IMPORTED = (
    "numpy", "torch", "tensorstore", "hydra", "zarr", "pyarrow.parquet", "scipy.ndimage",
    "scipy.optimize", "sklearn.linear_model", "emqs.runs.command", "emqs.embedding.build",
    "emqs.embedding.stores.opening", "emqs.embedding.stores.parquet_export", "emqs.runs.model",
    "emqs.retrieval.volume_search", "emqs.labels.convert", "emqs.labels.tasks",
    "emqs.ingestion.ingest", "emqs.prediction.predict", "emqs.training.train",
    "emqs.evaluation.report", "emqs.retrieval.report", "emqs.evaluation.projection",
)  # fmt: skip
SECRET = b"the password of somebody else; "
MOST_SECONDS, MOST_BYTES = 10.0, 2 * 10**9


@dataclass(frozen=True)
class Line:
    """A command.

    Attributes:
        verb: After ``python -m emqs.``.
        words: Its settings.
        target: What it makes, in the folder where it is typed.
        reads: Files and folders that are flipped, cut, removed.
        result: Returns what is compared of a folder in which it was typed.
        is_once: Whether a target that is finished is refused.
        checkpoint: From which it goes on, if it is there.
        patches: What is set before it begins, by ``"module:name"``.
    """

    verb: str
    words: tuple[str, ...]
    target: str
    reads: tuple[str, ...]
    result: Callable[[Path], object]
    is_once: bool = False
    checkpoint: str = ""
    patches: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    text: str
    seconds: float = 0.0  # of processor time
    n_bytes: int = 0  # of memory, at most

    @property
    def is_refused(self) -> bool:
        """Whether it ended with one line of its own, and not with a traceback or a signal."""
        return self.code == 1 and "Traceback" not in self.text and "emqs." in self.text


class Starter:
    """Types commands into processes that start in a moment."""

    def __init__(self) -> None:
        self._forks = Forks(IMPORTED)
        self._running: dict[int, Fork] = {}

    def start(self, line: Line, folder: Path, said: str = "said.txt") -> int:
        """Start a command in a folder; return its process."""
        words = [*line.words, "hydra.run.dir=run"]
        started = self._forks.start(
            f"emqs.{line.verb}", words, folder, folder / said, patches=dict(line.patches)
        )
        self._running[started.pid] = started
        return started.pid

    def wait(self, process: int, folder: Path, said: str = "said.txt") -> Said:
        """Return how a process ended."""
        ended = self._running.pop(process)
        code = ended.wait()
        text = (folder / said).read_text(errors="replace")
        return Said(code, text, ended.seconds, ended.n_bytes)

    def type(self, line: Line, folder: Path, said: str = "said.txt") -> Said:
        """Type a command, and wait for its end."""
        return self.wait(self.start(line, folder, said), folder, said)

    def stop(self) -> None:
        self._forks.stop()


@dataclass(frozen=True)
class Undisturbed:
    """What a command makes if nothing happens."""

    result: object
    seconds: float
    n_bytes: int  # of disk, of all that was read and made


@dataclass(frozen=True)
class Stage:
    """Where commands are typed.

    Attributes:
        starter: Starts them.
        world: A folder with all that commands read; it is copied for each fault.
        folder: An empty one.
        known: What commands make that nothing happens to, by their words.
    """

    starter: Starter
    world: Path
    folder: Path
    known: dict[tuple[str, ...], Undisturbed]

    def copy(self, name: str) -> Path:
        """Return a new copy of the world."""
        return Path(shutil.copytree(self.world, self.folder / name))

    def undisturbed(self, line: Line) -> Undisturbed:
        """Return what a command makes if nothing happens."""
        key = (line.verb, *line.words)
        if key not in self.known:
            folder = self.copy("undisturbed")
            started = time.monotonic()
            said = self.starter.type(line, folder)
            assert said.code == 0, said.text
            seconds = time.monotonic() - started
            n_bytes = sum(f.stat().st_blocks * 512 for f in folder.rglob("*"))
            self.known[key] = Undisturbed(line.result(folder), seconds, n_bytes)
            shutil.rmtree(folder)
        return self.known[key]


def finish(stage: Stage, line: Line, folder: Path) -> None:
    """Type a command again; it must end well, with the same result, and leave nothing behind."""
    expected = stage.undisturbed(line).result
    if line.checkpoint and (folder / line.checkpoint).exists():
        going_on = replace(line, words=(*line.words, f"ckpt_path={line.checkpoint}"))
        said = stage.starter.type(going_on, folder)
        assert said.is_refused or said.code == 0, said.text
        assert "damaged" not in said.text, said.text
        assert said.code != 0 or line.result(folder) == expected
    was_whole = line.is_once and (folder / line.target).exists()
    said = stage.starter.type(line, folder)
    assert said.is_refused if was_whole else said.code == 0, said.text
    assert line.result(folder) == expected
    left = [p.name for p in folder.iterdir() if p.name.endswith((".tmp", ".partial", ".lock"))]
    assert left == []


def kill(stage: Stage, line: Line, seed: int) -> None:
    """Kill a command at some moment; typed again, it makes what it would have made."""
    seconds = stage.undisturbed(line).seconds
    chance = random.Random(f"{line.words}{seed}")
    folder = stage.copy(f"kill{seed}")
    for _ in range(2):  # a second kill meets what the first one left
        process = stage.starter.start(line, folder)
        time.sleep(chance.uniform(0, seconds))
        os.kill(process, signal.SIGKILL)
        stage.starter.wait(process, folder)
    finish(stage, line, folder)


def full_disk(stage: Stage, line: Line, seed: int) -> None:
    """Let the disk be full; it is told in one line, and with more room the command goes on."""
    known = stage.undisturbed(line)
    chance = random.Random(f"{line.words}{seed}")
    with small_disk(stage.folder / f"disk{seed}", 3 * known.n_bytes + 2**23) as disk:
        folder = Path(shutil.copytree(stage.world, disk / "work"))
        before = sum(f.stat().st_blocks * 512 for f in folder.rglob("*"))
        room = shutil.disk_usage(disk).free
        filler = disk / "filler"
        kept = int(chance.uniform(0.02, 0.9) * max(known.n_bytes - before, 2**16))
        with filler.open("wb") as stream:
            os.posix_fallocate(stream.fileno(), 0, max(room - kept, 4096))
        said = stage.starter.type(line, folder, str(stage.folder / "said.txt"))
        if said.code == 0:
            assert line.result(folder) == known.result
        else:  # what it says finds no room itself
            assert said.code == 1, said
            assert "Traceback" not in said.text, said.text
        filler.unlink()
        finish(stage, line, folder)


def two_at_once(stage: Stage, line: Line, seed: int) -> None:
    """Type a command twice at once: the target is whole, and who may not write says so."""
    seconds = stage.undisturbed(line).seconds
    folder = stage.copy(f"two{seed}")
    chance = random.Random(f"{line.words}{seed}")
    first = stage.starter.start(line, folder, "first.txt")
    time.sleep(chance.uniform(0, seconds / 2))
    second = stage.starter.start(line, folder, "second.txt")
    ends = [
        stage.starter.wait(process, folder, name)
        for process, name in ((first, "first.txt"), (second, "second.txt"))
    ]
    assert any(end.code == 0 for end in ends), ends
    for end in ends:
        assert end.code == 0 or end.is_refused, end.text
    finish(stage, line, folder)


def foreign(stage: Stage, line: Line, seed: int) -> None:
    """Put something else where the target belongs: it is refused, and stays as it is."""
    folder = stage.copy(f"foreign{seed}")
    target = folder / line.target
    target.mkdir(parents=True)
    (target / "thesis.tex").write_text("of somebody else")
    said = stage.starter.type(line, folder)
    assert said.is_refused, said.text
    assert [p.name for p in target.iterdir()] == ["thesis.tex"]


#: Patience with servers, in tests.
IMPATIENT = {
    "emqs.volumes.chunks:WAIT_S": 2.0,
    "emqs.volumes.chunks:SLOWEST_BYTES_S": 1e9,
    "emqs.volumes.chunks:MOST_MEMORY_BYTES": 2**28,
    "emqs.volumes.chunks:LOOK_S": 0.05,
    "emqs.volumes.chunks:RETRIES": {
        "max_retries": 3, "initial_delay": "10ms", "max_delay": "50ms",
    },
}  # fmt: skip
#: After which answers of a server the command makes what it would have made.
HARMLESS = ("500 now and then", "503 now and then", "cut now and then", "drop now and then",
            "longer", "slow")  # fmt: skip


def wrong_server(stage: Stage, line: Line, how: str, seed: int) -> bool:
    """Let a command read its volume from a server that answers wrongly.

    The result is the same, or one line names the server; then nothing is left with which the same
    command, of a server that is well again, would not make the same.

    Args:
        stage: Where.
        line: The command; its word ``volume=`` names a file or folder of the world.
        how: One of ``support.wrong_answers.ANSWERS``, a status, ``"drop"`` or ``"hang"``; with
            `` now and then`` only some answers are wrong.
        seed: Which.

    Returns:
        Whether it was refused.
    """
    expected = stage.undisturbed(line).result
    folder = stage.copy("server")
    server = Server(folder)
    try:
        words = tuple(word.replace("volume=", f"volume={server.url}/") for word in line.words)
        remote = replace(line, words=words, patches={**line.patches, **IMPATIENT})
        now_and_then = how.endswith(" now and then")
        kind = how.removesuffix(" now and then")
        chance = random.Random(f"{line.words}{how}{seed}")
        if now_and_then:
            few = [None] * 7 + [kind]
            server.failures = [chance.choice(few) for _ in range(10_000)]
        else:  # begins once the volume is open
            server.failures, server.always = [None] * chance.randrange(8), kind
        if kind != "404" and seed % 2 == 0:  # a chunk that is not there is filled, as formats say
            server.only = r"^/(?!.*(zarr\.json|info)$)"
        end = stage.starter.type(remote, folder)
        assert end.code == 0 or how not in HARMLESS, end.text
        if end.code != 0:
            assert end.is_refused, end.text
            assert server.url in end.text, end.text
            assert end.seconds < MOST_SECONDS, end
            assert end.n_bytes < MOST_BYTES, end
        server.failures, server.always = [], None
        again = stage.starter.type(remote, folder) if end.code else end
        assert again.code == 0, again.text
        got = line.result(folder)
    finally:
        server.stop()
    assert without_address(got, server.url, folder) == expected
    shutil.rmtree(folder)
    return end.code != 0


def without_address(result: object, url: str, folder: Path) -> object:
    """Return a result of a served volume as that of one in the folder."""
    if not isinstance(result, dict):
        return result
    return {
        key: value.replace(url.encode(), b"FOLDER") if key.endswith(".json") else value
        for key, value in result.items()
    }


def damage(stage: Stage, line: Line, seed: int, how: str = "flip") -> bool:
    """Damage a file that a command reads: the result is the same, or it is told in one line.

    Args:
        stage: Where.
        line: The command.
        seed: Which file, and where in it.
        how: ``"flip"`` a bit, ``"cut"`` the file, ``"remove"`` it, or ``"swap"`` two.

    Returns:
        Whether it was refused.
    """
    expected = stage.undisturbed(line).result
    folder = stage.copy(f"{how}{seed}")
    said = damaged_file(folder, line, random.Random(f"{how}{line.words}{seed}"), how)
    end = stage.starter.type(line, folder)
    if end.code == 0:
        result = line.result(folder)
        if " blocks; places in the others are not found" in end.text:
            return True  # a block of which a file is gone is one that is not made yet
        assert result == expected, f"another result after {said}: {end.text}"
    else:
        assert end.is_refused, f"{said}: {end.text}"
    shutil.rmtree(folder)
    return end.code != 0


def hostile(stage: Stage, line: Line, change: Callable[[Path], None]) -> None:
    """Let a stranger have made what a command reads.

    It is refused in one line, soon, in little memory; nothing outside was read, and no code ran.
    """
    folder = stage.copy("hostile")
    (stage.folder / "secret.raw").write_bytes(SECRET * 1000)
    change(folder)
    before = {path for path in folder.rglob("*") if path.is_file()}
    end = stage.starter.type(line, folder)
    assert end.is_refused, end.text
    assert end.seconds < MOST_SECONDS, end
    assert end.n_bytes < MOST_BYTES, end
    assert not (folder / "ran").exists()
    for path in {path for path in folder.rglob("*") if path.is_file()} - before:
        assert path.stat().st_size < 2**20, path
        assert SECRET not in path.read_bytes(), path


def damaged_file(folder: Path, line: Line, chance: random.Random, how: str) -> str:
    """Damage a file; return which, and where."""
    files = sorted(
        file
        for name in line.reads
        for file in ([folder / name] if (folder / name).is_file() else (folder / name).rglob("*"))
        if file.is_file() and file.stat().st_size
    )
    kinds = sorted({(f.relative_to(folder).parts[:2], f.suffix) for f in files})
    kind = chance.choice(kinds)  # the few small files that decide as often as the many large ones
    of_kind = [f for f in files if (f.relative_to(folder).parts[:2], f.suffix) == kind]
    file = chance.choice(of_kind)
    content = bytearray(file.read_bytes())
    at = chance.randrange(len(content))
    if how == "flip":
        content[at] ^= 1 << chance.randrange(8)
        file.write_bytes(content)
    elif how == "cut":
        file.write_bytes(content[:at])
    elif how == "remove":
        file.unlink()
    else:
        other = chance.choice(of_kind)
        held = other.read_bytes()
        other.write_bytes(content)
        file.write_bytes(held)
    return f"{how} {file.relative_to(folder)} at {at} of {len(content)}"


@contextmanager
def small_disk(folder: Path, n_bytes: int) -> Iterator[Path]:
    """Make a folder a disk of its own, which holds so many bytes."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={n_bytes}", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("a small disk can be mounted by root alone")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
