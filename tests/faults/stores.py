"""What emqs writes and reads again, of which one bit is flipped, each time in a fresh process.

A flip changes nothing that is read, or is told in one line. Commands are not typed: what they call
to read is called, in a process that is a fork of one which has imported all and opened nothing.
"""

import os
import pickle
import random
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from faults import commands
from support.faults import Line, Starter, damaged_file
from support.label_volumes import opened

from emqs import models
from emqs.embedding.build import verify
from emqs.embedding.stores.connections import ClickhouseConfig
from emqs.embedding.stores.opening import open_searchable, unfinished
from emqs.errors import EmqsError
from emqs.labels import questions
from emqs.models import weights
from emqs.notebook import composed
from emqs.retrieval import volume_search
from emqs.retrieval.settings import QueryConfig, SearchConfig
from emqs.settings import read
from emqs.volumes import Volume, open_volume

LONGEST_S = 60  # of processor time, for one reading
HELD = ("nothing changed", "refused", "told")
POSITIVE, NEGATIVE = [[1, 50, 60], [2, 20, 90]], [[0, 20, 30]]


class Read(NamedTuple):
    """What is read.

    Attributes:
        files: Files and folders that may be hit, in the folder where all lies.
        result: Returns all that is read, in that folder; and whether something was told.
        flips: How many of 100 are tried on it.
    """

    files: tuple[str, ...]
    result: Callable[[], tuple[Any, bool]]
    flips: int


@cache
def _asked() -> tuple[Any, Any, Any]:
    cfg = composed("search", [])
    return (
        read(QueryConfig, cfg.query, "query"),
        read(SearchConfig, cfg.search, "search"),
        read(ClickhouseConfig, cfg.clickhouse, "clickhouse"),
    )


def found(name: str) -> tuple[Any, bool]:
    """Search a store, as ``search`` does."""
    query, settings, connection = _asked()
    store = open_searchable(name, connection)
    told = unfinished(store) is not None
    matches = volume_search.search([store], POSITIVE, NEGATIVE, query=query, settings=settings)
    columns = {key: np.asarray(value).tobytes() for key, value in matches.columns.items()}
    return [columns, matches.placed["z_nm"].tobytes(), matches.suggested.tobytes()], told


def verified() -> tuple[Any, bool]:
    """Compare a store with its volume, as ``embed task=verify`` does."""
    seen = verify(open_volume("v.zarr"), weights.load(Path("w.safetensors")), "e.zarr")
    seen.check()
    return seen.n_whole, bool(seen.missing or seen.n_unknown)


def seen(volume: Volume) -> list[object]:
    """Return all that a volume says."""
    facts = [volume.shape, str(volume.dtype), volume.voxel_size_nm, volume.origin_nm]
    return [*facts, volume.read(volume.box).tobytes()]


def image(name: str) -> tuple[Any, bool]:
    """Read a volume of images, as every command does."""
    return seen(open_volume(name)), False


def labelled(name: str) -> tuple[Any, bool]:
    """Read labels, and ask which there are, as ``compress`` does."""
    volume = opened(Path(name))
    return [seen(volume), str(questions.labels(volume))], False


def learned(name: str) -> tuple[Any, bool]:
    """Read weights, and encode with them, as every command does."""
    model = weights.load(Path(name))
    tensors = [(key, value.numpy().tobytes()) for key, value in model.network.state_dict().items()]
    return [model.name, model.settings, model.preprocessing, tensors], False


READS = {
    "embedding volume, searched": Read(("e.zarr",), partial(found, "e.zarr"), 16),
    "embedding volume, verified": Read(("e.zarr",), verified, 8),
    "Parquet, searched": Read(("pq",), partial(found, "chdb://pq"), 10),
    "labels in Zarr": Read(("compress.zarr",), partial(labelled, "compress.zarr"), 16),
    "ingested volume": Read(("ingest.zarr",), partial(image, "ingest.zarr"), 14),
    "predicted scores": Read(("predict.zarr",), partial(image, "predict.zarr"), 10),
    "predicted objects": Read(
        ("predict.zarr",), partial(labelled, "predict.zarr/labels/objects"), 10
    ),
    "weights, `.safetensors`": Read(("w.safetensors",), partial(learned, "w.safetensors"), 8),
    "weights, `.pth.tar`": Read(("w.pth.tar",), partial(learned, "w.pth.tar"), 8),
}


def prepare(folder: Path) -> None:
    """Make all that is read; not where forks are made, since libraries start threads."""
    starter = Starter()
    commands.prepare(starter, folder)
    for name in ("compress", "ingest", "predict"):
        said = starter.type(commands.WRITERS[name], folder)
        assert said.code == 0, said.text
        (folder / "made.zarr").rename(folder / f"{name}.zarr")
    starter.stop()
    torch.manual_seed(0)
    tensors = models.build("ae", {}).state_dict()
    torch.save({"state_dict": tensors}, folder / "w.pth.tar")


def in_fresh_process(work: Callable[[], tuple[Any, bool]], folder: Path) -> tuple[str, Any]:
    """Return how a reading ended, and what was read or said.

    Returns:
        ``"read"``, ``"told"``, ``"refused"``, ``"failed"`` or ``"crashed"``.
    """
    answer = folder / "answer"
    process = os.fork()
    if process:
        _, status, _ = os.wait4(process, 0)
        if status or not answer.exists():
            return "crashed", os.waitstatus_to_exitcode(status)
        ended: tuple[str, Any] = pickle.loads(answer.read_bytes())  # our own
        answer.unlink()
        return ended
    try:
        _quietly(folder)
        try:
            result, told = work()
            ended = ("told" if told else "read", result)
        except EmqsError as fault:
            text = str(fault)
            ended = ("failed" if "\n" in text.strip() else "refused", text)
        except BaseException:
            ended = ("failed", traceback.format_exc())
        answer.write_bytes(pickle.dumps(ended))
    finally:
        os._exit(0 if answer.exists() else 1)


def _quietly(folder: Path) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_S, LONGEST_S))
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    os.chdir(folder)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def flipped(name: str, world: Path, folder: Path, seed: int, expected: object) -> str:
    """Flip a bit of what is read; return how it ended, one of ``HELD`` if all is well."""
    reading = READS[name]
    for file in world.iterdir():  # what is not hit is not written
        if file.name not in reading.files:
            (folder / file.name).symlink_to(file)
        elif file.is_dir():
            shutil.copytree(file, folder / file.name)
        else:
            shutil.copy(file, folder / file.name)
    line = Line("", (), "", reading.files, lambda _: None)
    said = damaged_file(folder, line, random.Random(f"{name}{seed}"), "flip")
    kind, result = in_fresh_process(reading.result, folder)
    if kind in ("refused", "told"):
        return kind
    if kind == "read":
        return "nothing changed" if result == expected else f"another result: {said}"
    return f"{kind}: {said}: {result}"


def undisturbed(name: str, world: Path) -> object:
    """Return what is read if nothing is hit."""
    kind, result = in_fresh_process(READS[name].result, world)
    assert kind == "read", f"{name}: {kind}: {result}"
    return result


if __name__ == "__main__":
    prepare(Path(sys.argv[1]))
