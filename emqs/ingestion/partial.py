"""The folder beside the volume in which it is made; what is in it is gone on with."""

import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from emqs.errors import ConfigError, DataError
from emqs.files import LOCK, claimed, read_json, write_json

PLAN = "plan.json"

logger = logging.getLogger(__name__)


def plan_digest(plan: Mapping[str, Any]) -> str:
    """Return a checksum of what a volume is made of and how."""
    return sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()


def check_target(out: Path, digest: str) -> bool:
    """Return whether the volume is there already, made of the same slices in the same way.

    Args:
        out: The volume.
        digest: Of ``plan_digest``.

    Raises:
        ConfigError: If something else is there, or the folder for it is not.
    """
    if not out.exists():
        if out.parent.exists() and not out.parent.is_dir():
            raise ConfigError(f"out={out}: {out.parent} is no folder. Give another place.")
        if not out.parent.is_dir():
            raise ConfigError(
                f"out={out}: the folder {out.parent} does not exist. Make it, or give another."
            )
        return False
    try:
        group = read_json(out / "zarr.json", "the description of a volume")
        made_by = group["attributes"]["emqs"]["plan_sha256"]
    except (OSError, DataError, KeyError, TypeError):
        made_by = None
    if made_by == digest:
        return True
    what = "holds something else" if made_by is None else "was made with other settings or slices"
    raise ConfigError(f"out={out} exists and {what}. Give another name, or remove it first.")


@contextmanager
def working_folder(out: Path, plan: Mapping[str, Any], *, restart: bool) -> Iterator[Path]:
    """Give the folder in which a volume is made; another process cannot have it meanwhile.

    Args:
        out: The volume that is to be.
        plan: What it is made of and how; what was begun otherwise is not gone on with.
        restart: Begin anew, whatever is there.

    Raises:
        ConfigError: If it was begun with other settings.
        DataError: If another process works there, or it cannot be written.
    """
    folder = out.with_name(f".{out.name}.partial")
    with ExitStack() as claim:
        try:
            claim.enter_context(claimed(folder, out))
        except OSError as error:
            raise DataError(
                f"out={out} cannot be written: {error.strerror}. Choose another place."
            ) from None
        if restart:
            _empty(folder)
        _check_plan(folder, plan)
        yield folder


def _check_plan(folder: Path, plan: Mapping[str, Any]) -> None:
    path = folder / PLAN
    try:
        content = read_json(path, "the plan of what is made here")
        begun, seal = content["plan"], content["sha256"]
        whole = isinstance(begun, dict) and seal == plan_digest(begun)
    except FileNotFoundError:
        whole = False
    except (DataError, KeyError):
        whole = False
        logger.warning("%s is damaged; what was begun there is made again.", path)
    if not whole:
        _empty(folder)
        write_json(path, {"plan": plan, "sha256": plan_digest(plan)})
        return
    now = json.loads(json.dumps(plan))
    differing = [name for name in now if begun.get(name) != now[name]]
    if differing:
        raise ConfigError(
            f"{folder} was begun with other {', '.join(differing)}. Give the same settings to go "
            "on, or restart=true to begin anew."
        )


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.name == LOCK:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
