"""Files in a bucket: each appears whole or not at all, and is never replaced by accident.

There are no locks in a bucket. Instead a file is written on a condition: only if there is none, or
only if it still is the one that was looked at. Who comes second is told so, and looks again.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any

from emqs.errors import DataError
from emqs.files import json_object
from emqs.volumes.chunks import MAX_METADATA_BYTES, Location, tensorstore, wait
from emqs.volumes.volume import MAX_CHUNK_BYTES

ABSENT = b"\x02"  # what tensorstore calls the state of a file that is not there
AT_ONCE = 256  # requests
ROUNDS = 5  # a file that somebody else writes meanwhile is looked at again so often


@dataclass(frozen=True)
class Objects:
    """The files below an address.

    Attributes:
        location: Where; opened with the rights that the environment gives.
    """

    location: Location

    @property
    def name(self) -> str:
        """The address."""
        return self.location.name

    def check(self) -> None:
        """Raise unless the bucket is there and may be listed.

        Raises:
            DataError: Saying what is wrong: bucket, rights, credentials, server.
        """
        self.holds("zarr.json")

    def holds(self, key: str) -> bool:
        """Return whether a file is there; it is not read."""
        return bool(self._listed(key, f"{key}\0"))

    def keys(self, folder: str = "") -> list[str]:
        """Return the names of all files below a folder, ``""`` or ending in a slash."""
        stop = f"{folder[:-1]}0" if folder else ""  # "0" follows "/"
        return self._listed(folder, stop)

    def _listed(self, first: str, stop: str) -> list[str]:
        between = tensorstore().KvStore.KeyRange(first, stop)
        listed = wait(partial(self.location.store.list, between), 0, self.name)
        return sorted(key.decode(errors="replace") for key in listed)

    def read(self, key: str) -> tuple[bytes | None, bytes]:
        """Return a file, None if there is none, and its state, on which ``write`` can depend."""
        got = self._got(key, MAX_CHUNK_BYTES)
        return (bytes(got.value) if got.state == "value" else None), got.stamp.generation

    def _got(self, key: str, n_bytes: int) -> Any:  # noqa: ANN401 - of tensorstore
        return wait(partial(self.location.store.read, key), n_bytes, f"{self.name}/{key}")

    def read_json(self, key: str, what: str) -> tuple[dict[str, Any], bytes]:
        """Return a JSON object that a file holds, and the state of the file.

        Raises:
            FileNotFoundError: If there is none.
            DataError: If it cannot be read, is too long, or holds something else.
        """
        content, state = self.read(key)
        if content is None:
            raise FileNotFoundError(f"{self.name}/{key}")
        if len(content) > MAX_METADATA_BYTES:
            raise DataError(f"{self.name}/{key} has {len(content)} bytes, too many for {what}.")
        return json_object(content, f"{self.name}/{key}", what), state

    def write(self, key: str, content: bytes, state: bytes = ABSENT) -> bool:
        """Write a file if its state is still what it was; return whether it was.

        Args:
            key: Its name.
            content: What it will hold.
            state: As of ``read``; without one the file is new, and one that is there stays.

        Raises:
            DataError: If the server says no, or does not answer.
        """
        where = f"{self.name}/{key}"
        start = partial(self.location.store.write, key, content, if_equal=state)
        return bool(wait(start, len(content), where).generation)

    def put(self, key: str, content: bytes) -> None:
        """Have a file hold something; if it does already, nothing is written.

        An answer that was lost on its way does no harm: the second attempt finds its own file.

        Raises:
            DataError: If somebody else writes other things there all the time.
        """
        if self.write(key, content):
            return
        for _ in range(ROUNDS):
            held, state = self.read(key)
            if held == content or self.write(key, content, state):
                return
        raise DataError(
            f"{self.name}/{key} is being written by another process with other content. Wait for "
            "it to end, or give another out=."
        )

    def remove(self, key: str) -> None:
        """Remove a file, if it is there."""
        wait(partial(self.location.store.write, key, None), 0, f"{self.name}/{key}")

    def states(self, keys: Sequence[str]) -> Iterator[bytes]:
        """Yield the state of each file, many asked for at once; one byte of each is read.

        Raises:
            DataError: If one is not there.
        """
        one = slice(0, 1)
        for first in range(0, len(keys), AT_ONCE):
            part = keys[first : first + AT_ONCE]
            begun = [self.location.store.read(key, byte_range=one) for key in part]
            for key, future in zip(part, begun, strict=True):
                where = f"{self.name}/{key}"
                got = wait(partial(_itself, future), 0, where)
                if got.state != "value":
                    raise DataError(f"{where} has vanished. Run the same command again.")
                yield got.stamp.generation


def _itself(future: Any) -> Any:  # noqa: ANN401 - of tensorstore
    return future


def number_of(state: bytes) -> int:
    """Return a number of 63 bits that stands for the state of a file."""
    return int.from_bytes(blake2b(state, digest_size=8).digest(), "little") >> 1


def cache_folder() -> Path:
    """Return the folder of this computer in which copies of what lies in buckets are kept.

    It is ``$EMQS_CACHE``, else ``emqs`` in ``$XDG_CACHE_HOME`` or in ``~/.cache``. All of it can be
    made again.
    """
    own = os.environ.get("EMQS_CACHE")
    if own:
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "emqs"


def name_in_cache(address: str) -> str:
    """Return a name for an address that no other one has, and that tells which it is."""
    last = address.rstrip("/").rpartition("/")[2]
    return f"{last[:64]}-{sha256(address.rstrip('/').encode()).hexdigest()[:16]}"
