"""How a run goes on after it was stopped: what to type, and what is taken over from it."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from emqs.runs.record import read_record

#: Commands that go on where they were when the same is typed again.
AGAIN = frozenset({"embed", "predict", "ingest", "export", "compress", "download"})
NOT_TAKEN = ("hydra.", "ckpt_path")  # settings that belong to one run alone


def how(name: str, typed: Sequence[str], folder: Path, *, sweep: bool) -> str:
    """Return what is said of a run that was interrupted: how to go on with it; may be empty.

    Args:
        name: The command, e.g. ``"embed"``.
        typed: Its settings, as typed; of a sweep, all that was typed after its name.
        folder: Of the run, or of the point of a sweep.
        sweep: Whether it is a point of a sweep.
    """
    if sweep:
        words = [word for word in typed if not word.startswith("hydra.sweep.dir=")]
        words.append(f"hydra.sweep.dir={os.path.relpath(folder.parent)}")
        return f"; go on with: emqs {shlex.join([name, *words])}"
    checkpoint = folder / "checkpoints" / "last.ckpt"
    if name == "train" and checkpoint.is_file():
        return f"; go on with: emqs train ckpt_path={shlex.quote(os.path.relpath(checkpoint))}"
    if name in AGAIN:
        return f"; go on with: emqs {shlex.join([name, *typed])}"
    return ""


def with_earlier(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of ``train`` with those of the run whose checkpoint is gone on with.

    What was typed for that run stands in its record, beside ``checkpoints/``; what is typed now
    wins. A checkpoint without its run's folder takes nothing over.

    Args:
        arguments: As typed, e.g. ``["ckpt_path=outputs/train/DATE/checkpoints/last.ckpt"]``.
    """
    given = {argument.partition("=")[0].lstrip("+"): argument for argument in arguments}
    if "ckpt_path" not in given or "-m" in given or "--multirun" in given:
        return list(arguments)
    path = given["ckpt_path"].partition("=")[2].strip("'\"")
    record = read_record(Path(path).expanduser().parent.parent) or {}
    earlier = [str(argument) for argument in record.get("argv", [])]
    taken = [
        argument
        for argument in earlier
        if "=" in argument
        and not argument.lstrip("+").startswith(NOT_TAKEN)
        and argument.partition("=")[0].lstrip("+") not in given
    ]
    return [*taken, *arguments]
