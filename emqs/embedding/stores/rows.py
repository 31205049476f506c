"""What copies of an embedding volume share, in Parquet or in a database: rows and a manifest."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from emqs.embedding.stores import manifest as manifests
from emqs.embedding.stores.grid import Triple
from emqs.embedding.stores.zarr import EmbeddingStore
from emqs.errors import ConfigError, DataError
from emqs.files import json_object

FORMAT = "emqs-table"
VERSION = 1
VARYING = ("contrast", "code_version", "volume")  # parts of a manifest that slices added change
FIXED = ("dtype", "level", "dataset", "axes")  # of a volume; they do not

ROWS = 2**17  # written at once, at most, ...
BYTES = 2**26  # ... and their size

Advance = Callable[[int], None]


@dataclass(frozen=True)
class Exported:
    """What a run did."""

    n_places: int  # rows written by this run
    n_found: int  # rows that were there
    n_blocks: int  # blocks of the grid that were looked at
    seconds: float


def row_type(code_size: int) -> np.dtype:
    """Return the type of a row: position, signature and code, packed, little-endian."""
    return np.dtype([("place", "<u8"), ("signature", "<u8"), ("code", "<f2", (code_size,))])


def block_rows(store: EmbeddingStore, block: Triple) -> np.ndarray:
    """Return a row for each place of a block that has a signature, in the order of the grid.

    Raises:
        DataError: If the block is missing or damaged.
    """
    positions, signatures = store.block_signatures(block)
    members = np.isin(store.grid.positions(store.grid.places(block)), positions)
    rows = np.empty(len(positions), dtype=row_type(store.code_size))
    rows["place"], rows["signature"] = positions, signatures
    rows["code"] = store.block_codes(block)[members]  # float32 of float16: nothing is rounded
    return rows


def grouped(parts: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield rows that are written at once, some parts together, so that memory is bounded."""
    waiting: list[np.ndarray] = []
    for rows in parts:
        both = sum(map(len, waiting)) + len(rows)
        if waiting and (both > ROWS or both * rows.itemsize > BYTES):
            yield np.concatenate(waiting)
            waiting = []
        if len(rows):
            waiting.append(rows)
    if waiting:
        yield np.concatenate(waiting)


@dataclass(frozen=True)
class Description:
    """What a copy says of itself.

    Attributes:
        manifest: Of the store.
        sample_sha256: Of the sample beside it, as it is kept; None: an older emqs made the copy.
        more: What else the kind of copy keeps.
    """

    manifest: dict[str, Any]
    sample_sha256: str | None
    more: dict[str, Any]


def described(manifest: dict[str, Any], sample: bytes, more: dict[str, Any] | None = None) -> bytes:
    """Return the manifest of a store as copies keep it, with checksums of it and of the sample."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "store": manifest,
        "sample_sha256": hashlib.sha256(sample).hexdigest(),
        **(more or {}),
    }
    return json.dumps(manifests.sealed(content)).encode()


def read_description(name: str, content: bytes) -> Description:
    """Return what ``described`` was called on.

    Args:
        name: The copy, for messages.
        content: What was kept.

    Raises:
        DataError: If it is damaged, or of another version.
    """
    record = json_object(content, f"The manifest of {name}", "that of an embedding volume")
    version = record.get("format"), record.get("version")
    if version != (FORMAT, VERSION):
        raise DataError(
            f"{name} has format {version[0]!r} version {version[1]!r}; this emqs reads {FORMAT!r} "
            f"version {VERSION}."
        )
    record = manifests.unsealed(record, name)
    manifest, sample = record.get("store"), record.get("sample_sha256")
    if not isinstance(manifest, dict) or not isinstance(sample, str | None):
        raise DataError(f"{name} is damaged: it holds no manifest of a store.")
    more = {key: record[key] for key in record if key not in ("store", "sample_sha256")}
    return Description(manifest, sample, more)


def check_grown(name: str, manifest: dict[str, Any], store: EmbeddingStore) -> None:
    """Raise an error unless a copy was made of a store as it is, or before slices were added.

    Args:
        name: The copy, for the message.
        manifest: The manifest of the store when the copy was made.
        store: What the copy is compared with.

    Raises:
        ConfigError: If the copy was made of something else, or of a longer store.
    """
    for setting in _differing(_lasting(manifest), _lasting(store.manifest), ""):
        raise ConfigError(
            f"{name} holds another embedding volume than {store.name}: {setting} differs. Give "
            "another out=, or remove what is there."
        )
    slices = manifest["grid"]["shape"][0]
    if slices > store.grid.shape[0]:
        raise ConfigError(
            f"{name} holds {slices} slices, but {store.name} has only {store.grid.shape[0]}. Give "
            "another out=, or the store that it was made of."
        )


def _lasting(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a manifest that slices added to the end do not change."""
    volume = {key: manifest["volume"].get(key) for key in FIXED}
    grid = {**manifest["grid"], "shape": manifest["grid"]["shape"][1:]}
    kept = {key: value for key, value in manifest.items() if key not in VARYING}
    return {**kept, "volume": volume, "grid": grid}


def _differing(one: dict[str, Any], other: dict[str, Any], before: str) -> Iterator[str]:
    """Yield dotted names of settings that differ."""
    for key in sorted({*one, *other}, key=lambda key: (key == "signer", key)):
        mine, its = one.get(key), other.get(key)
        if isinstance(mine, dict) and isinstance(its, dict) and key != "signer":
            yield from _differing(mine, its, f"{before}{key}.")
        elif mine != its:
            yield f"{before}{key}"
