"""A volume that is made on this computer and then put into a bucket, file by file.

Writers of volumes fill files little by little, which a bucket cannot. So the volume is made in the
cache of this computer, as anywhere on disk, put into the bucket, and removed here. The file that
says what the volume is comes last: nobody reads half a volume.
"""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from emqs.errors import ConfigError, DataError
from emqs.files import LOCK
from emqs.volumes.addresses import is_bucket
from emqs.volumes.chunks import locate
from emqs.volumes.objects import Objects, cache_folder, name_in_cache

LAST = ("zarr.json", ".zattrs", ".zgroup", "info", "attributes.json")  # at the top: what it is
THREADS = 8  # files on their way at a time
MOST_BYTES = 5 * 10**9  # of one file, that servers take at once


@contextmanager
def staged(name: str) -> Iterator[Path]:
    """Give a path on disk for what will lie at a name, and put it there when the block ends well.

    Args:
        name: A path, which is given as it is; or an address in a bucket, below which there is
            nothing yet.

    Yields:
        Where to make the volume. What an earlier run left there half made can be gone on with; a
        whole volume there was not yet put into the bucket.

    Raises:
        ConfigError: If something is at the address already.
        DataError: If the bucket is not there, says no, or does not answer. The volume stays on
            this computer, and the next run goes on.
    """
    if not is_bucket(name):
        yield Path(name)
        return
    target = Objects(locate(name))
    target.check()
    _check_new(target)
    folder = cache_folder() / "staged" / name_in_cache(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"{folder}, in which {name} is made before it is put there, cannot be written: "
            f"{error.strerror}. Set EMQS_CACHE to a folder that can be."
        ) from None
    made = folder / name.rstrip("/").rpartition("/")[2]
    yield made
    _put(made, target)
    shutil.rmtree(folder, ignore_errors=True)


def _check_new(target: Objects) -> None:
    """Raise if a volume is at an address; files of one that is not whole may be."""
    there = next((key for key in LAST if target.holds(key)), None)
    if there is not None:
        raise ConfigError(
            f"{target.name} exists already: {there} is there. Give another name, or remove it "
            "first."
        )


def _put(folder: Path, target: Objects) -> None:
    """Put all files of a folder into a bucket; those that are there already are compared."""
    if not folder.is_dir():
        raise ConfigError(
            f"{target.name}: only formats that are folders of chunks are put into a bucket (Zarr, "
            "N5, precomputed)."
        )
    files = {str(f.relative_to(folder)): f for f in sorted(folder.rglob("*")) if f.is_file()}
    files.pop(LOCK, None)
    there = set(target.keys())
    foreign = min(there - set(files), default=None)
    if foreign is not None:
        raise ConfigError(
            f"{target.name} holds files of something else, e.g. {foreign}. Give another name, or "
            f"remove them; the volume is whole in {folder}."
        )

    def put(key: str) -> None:
        if files[key].stat().st_size > MOST_BYTES:
            raise DataError(f"{files[key]} is larger than the 5 GB that a server takes at once.")
        content = files[key].read_bytes()
        if key not in there or target.read(key)[0] != content:
            target.put(key, content)

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(put, (key for key in files if key not in LAST)):
            pass
    for key in (key for key in reversed(LAST) if key in files):
        put(key)
