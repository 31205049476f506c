"""The embedding volume: codes and signatures of a regular grid of patches, beside their volume.

It is an OME-Zarr 0.5 group. ``embeddings`` (float16, axes C Z Y X, the image of the group) holds a
code for every place of the grid, ``signatures`` (uint64, Z Y X) its signature, ``valid`` (uint8)
whether there is one: places without contrast, of padding or with NaN are skipped and 0. ``sample``
holds the codes that the signer was fitted to. Where codes are long, ``short`` (uint8, Z Y X C)
holds a short one of each, by which candidates are chosen before their codes are read; older stores
have none. ``made_of`` (uint64) holds a digest of the voxels that a block was made of. The group's
attributes hold a manifest of what must match for codes to be comparable, with its checksum. A place
is known by its position in the grid; nothing else is stored about it.

The grid is worked on in blocks. A block is one file of each array, which appears whole or not at
all and carries checksums (CRC-32C). Signatures are written last: where they are, the rest is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from emqs.embedding.short_codes import ShortCoder
from emqs.embedding.signatures import Signer
from emqs.embedding.stores import flat_copy, hamming
from emqs.embedding.stores import manifest as manifests
from emqs.embedding.stores.arrays import (
    ARRAYS,
    MADE_OF,
    SHORT,
    block_contents,
    digest,
    opened_whole,
)
from emqs.embedding.stores.folders import METADATA, DiskFolder, Folder, folder_of
from emqs.embedding.stores.grid import INNER, PlaceGrid, Triple
from emqs.embedding.stores.shared_scan import Ask, SharedScan
from emqs.errors import DataError, one_line
from emqs.volumes import Box
from emqs.volumes.chunks import NotThereError, wait

FORMAT = "emqs-store"
VERSION = 1
KEY = "emqs"  # of the manifest, among the attributes of the group
AT_ONCE = 1024  # places whose codes are looked up together, which reads 64 codes for each at most


@dataclass(frozen=True, eq=False)
class EmbeddingStore:
    """An embedding volume on disk or in a bucket, to be searched (``SearchableStore``).

    It may still be filled; what is there at the first question is searched.

    Attributes:
        folder: Where it lies.
        manifest: What codes were made of and with; see ``create``.
        grid: Where patches lie.
        code_size: Length D of a code.
        signer: What turns codes into signatures.
        short_coder: What makes short codes; None: the store has none.
    """

    folder: Folder
    manifest: dict[str, Any] = field(repr=False)
    grid: PlaceGrid
    code_size: int
    signer: Signer = field(repr=False)
    short_coder: ShortCoder | None = field(default=None, repr=False)

    @property
    def path(self) -> Path:
        """Its folder on disk.

        Raises:
            DataError: If it lies in a bucket.
        """
        if isinstance(self.folder, DiskFolder):
            return self.folder.path
        raise DataError(f"{self.name} lies in a bucket; this needs an embedding volume on disk.")

    @property
    def arrays(self) -> tuple[str, ...]:
        """Names of the arrays of places, in the order in which a block is written."""
        short = () if self.short_coder is None else (SHORT,)
        made_of = (MADE_OF,) if MADE_OF in self.manifest else ()
        return (*ARRAYS[:-1], *short, *made_of, ARRAYS[-1])

    @cached_property
    def _arrays(self) -> dict[str, Any]:
        """The arrays, opened so that a missing block is an error."""
        size = 0 if self.short_coder is None else self.short_coder.size
        return opened_whole(self.folder, self.arrays, self.grid, self.code_size, size)

    def sample(self) -> np.ndarray:
        """Return codes from all over the volume, shape ``(n, D)``, float32."""
        return np.asarray(self._read("sample", np.s_[:]), dtype=np.float32)

    def _read(self, name: str, where: Any) -> np.ndarray:  # noqa: ANN401 - an index
        view = self._arrays[name][where]
        n_bytes = prod(view.shape) * view.dtype.numpy_dtype.itemsize
        content = wait(lambda: view.read(order="C"), n_bytes, f"{self.name}/{name}")
        return np.asarray(content)

    def is_done(self, block: Triple) -> bool:
        """Return whether a block is there and whole; every checksum is compared.

        Raises:
            DataError: If the disk cannot be read.
        """
        return self.has(block) and self._is_whole(block)

    def has(self, block: Triple) -> bool:
        """Return whether a block has been written; its checksums are not compared."""
        return self.folder.has(self.arrays, block)

    def _is_whole(self, block: Triple) -> bool:
        try:
            signatures, valid = self._whole(block)[:2]  # reading compares checksums
            self._stored_codes(block)
        except DataError:
            return False
        return bool(np.all(valid <= 1) and np.all(signatures[valid == 0] == 0))

    def made_of(self, block: Triple) -> int | None:
        """Return the digest of the voxels that a block was made of; None: an older emqs made it.

        Raises:
            DataError: If it is missing or damaged.
        """
        return self._digests(block)[0] if MADE_OF in self.arrays else None

    def _digests(self, block: Triple) -> list[int]:
        return [int(n) for n in self._readable(MADE_OF, _one(block)).ravel()]

    def _whole(self, block: Triple) -> list[np.ndarray]:
        """Return signatures, valid and short codes of a block, which belong together, and there.

        Raises:
            DataError: If they do not, or one is missing or damaged.
        """
        where = self.grid.places(block).slices
        names = ("signatures", "valid", *([] if self.short_coder is None else [SHORT]))
        contents = [self._readable(name, where) for name in names]
        if MADE_OF in self.arrays and self._digests(block)[2] != digest(block, *contents):
            raise self._damaged(f"What is stored of block {list(block)} is of another one.")
        return contents

    def _stored_codes(self, block: Triple) -> np.ndarray:
        """Return the codes of a block as they are stored, ``(D, 1, Y, X)``, float16."""
        where = (slice(None), *self.grid.places(block).slices)
        codes = self._checked(lambda: self._arrays["embeddings"][where].read(order="C"))
        if MADE_OF in self.arrays and self._digests(block)[1] != digest(block, codes):
            raise self._damaged(f"The codes of block {list(block)} are of another one.")
        return codes

    def _damaged(self, why: object) -> DataError:
        return DataError(
            f"{why} A block of {self.name} is damaged; python -m emqs.embed with the same settings "
            "makes it again, and nothing else."
        )

    def write(self, block: Triple, codes: np.ndarray, valid: np.ndarray, made_of: int = 0) -> None:
        """Write a block; what is there of it is replaced.

        Args:
            block: Its numbers along Z Y X.
            codes: Shape ``(n, D)``, float16, finite, of the valid places in the order of the grid.
            valid: Shape ``(Y, X)`` of the block, bool; n of them are true.
            made_of: Digest of the voxels that codes were made of, 64 bits.

        Raises:
            DataError: If the disk is full or cannot be written; what was written stays usable.
        """
        where = self.grid.places(block).slices
        contents = block_contents(block, codes, valid, made_of, self.signer, self.short_coder)
        for name in self.arrays:
            content = contents[name]
            index: tuple[slice, ...] = _one(block) if name == MADE_OF else where
            index = (slice(None), *where) if name == "embeddings" else index
            self.folder.write(name, block, index, content)

    def codes(self, positions: np.ndarray) -> np.ndarray:
        """Return the codes of places.

        Args:
            positions: In the flat grid, shape ``(n,)``, integer.

        Returns:
            Shape ``(n, D)``, float32, in their order; zeros where a place was skipped.

        Raises:
            DataError: If a block that is needed is missing or damaged.
        """
        result = np.empty((len(positions), self.code_size), dtype=np.float32)
        z, y, x = self.grid.zyx(np.asarray(positions)).T
        order = np.lexsort((x // INNER, y // INNER, z))  # places that are stored together
        for start in range(0, len(order), AT_ONCE):
            part = order[start : start + AT_ONCE]
            view = self._arrays["embeddings"][:, z[part], y[part], x[part]]
            result[part] = self._checked(partial(view.read, order="C")).T
        self._check_codes(np.asarray(positions), result)
        return result

    def _check_codes(self, positions: np.ndarray, codes: np.ndarray) -> None:
        """Raise if codes are not those of their signatures, of one place of each block."""
        if "_scanned" not in self.__dict__:  # nothing is searched, nothing was compared with
            return
        z, y, x = self.grid.zyx(positions).T
        _, height, width = self.grid.blocks_shape
        number = (z * height + y // self.grid.block) * width + x // self.grid.block
        _, one = np.unique(number, return_index=True)
        signatures, valid = self.signatures(positions[one])
        if np.any((self.signer.sign(codes[one]) != signatures)[valid]):
            raise self._damaged("Codes and signatures of a block do not belong together.")

    def _checked(self, start: Any) -> np.ndarray:  # noqa: ANN401
        try:
            return np.asarray(wait(start, 2**24, f"{self.name}/embeddings"))
        except NotThereError:
            raise DataError(
                f"{self.name} has no codes for a place that was found. Run python -m emqs.embed "
                "with the same settings, which makes what is missing."
            ) from None
        except DataError as error:
            raise self._damaged(error) from None

    def block_codes(self, block: Triple) -> np.ndarray:
        """Return the codes of a block, shape ``(Y * X, D)``, float32, in the order of the grid."""
        codes = self._stored_codes(block)
        return codes.reshape(self.code_size, -1).T.astype(np.float32)

    def block_signatures(self, block: Triple) -> tuple[np.ndarray, np.ndarray]:
        """Return positions ``(n,)``, int64, and signatures, uint64, of the places that have one.

        Raises:
            DataError: If the block is missing or damaged.
        """
        signatures, is_valid = self._whole(block)[:2]
        valid = is_valid.ravel() == 1
        return self.grid.positions(self.grid.places(block))[valid], signatures.ravel()[valid]

    def done(self) -> list[Triple]:
        """Return the blocks that have been written, in the order of the grid."""
        return sorted(self.folder.written(self.arrays, self.grid.blocks_shape))

    def flat(self) -> tuple[np.ndarray, np.ndarray]:
        """Return all signatures and which places count, from a copy that is made once.

        The copy lies in the folder ``.scan`` of the store, or, of a store in a bucket, in the
        cache of this computer; it has 9 bytes per patch, and is mapped, not read. Blocks that were
        written since are added to it.

        Returns:
            Signatures, ``(N,)``, uint64, in the order of the grid, and whether a place has one,
            ``(N,)``, bool; places that are skipped or not embedded yet have none.

        Raises:
            DataError: If a block is damaged, or the copy cannot be written.
        """
        return self._flat(self.stamps())

    def stamps(self) -> dict[Triple, list[int]]:
        """Return the blocks that are there, and three numbers that change with each."""
        try:
            return self.folder.stamps(self.done())
        except OSError as error:
            raise DataError(f"{self.name} cannot be read: {error.strerror}.") from None

    def _flat(self, blocks: dict[Triple, list[int]]) -> tuple[np.ndarray, np.ndarray]:
        def read(block: Triple) -> tuple[np.ndarray, np.ndarray]:
            signatures, valid = self._whole(block)[:2]
            return signatures, valid == 1

        parts = (".signatures", np.uint64, 1), (".valid", np.bool_, 1)
        copy = flat_copy.FlatCopy(self.copies, self.name, self.grid, "", parts, read)
        signatures, valid = copy.followed(blocks)
        return signatures, valid

    def _readable(self, name: str, where: tuple[slice, ...]) -> np.ndarray:
        try:
            return self._read(name, where)
        except DataError as error:
            raise self._damaged(error) from None

    @property
    def name(self) -> str:
        """Its path or address, as the user calls it."""
        return self.folder.name

    @cached_property
    def copies(self) -> Path:
        """Where copies of what is searched are kept, in a folder ``.scan``."""
        return self.folder.copies(lambda: manifests.sealed(self.manifest)[manifests.SEAL])

    @cached_property
    def _blocks(self) -> dict[Triple, list[int]]:
        """The blocks that are searched; what is embedded later is not searched any more."""
        return self.stamps()

    @property
    def n_blocks(self) -> int:
        """How many blocks are searched."""
        return len(self._blocks)

    @cached_property
    def _scanned(self) -> tuple[np.ndarray, np.ndarray]:
        """Signatures and which places count."""
        return self._flat(self._blocks)

    @cached_property
    def _short_copy(self) -> flat_copy.FlatCopy:
        coder = self.short_coder
        if coder is None:
            raise RuntimeError("the store has no short codes")

        def read(block: Triple) -> tuple[np.ndarray, np.ndarray]:
            codes = self._whole(block)[2]
            checks = flat_copy.row_checks(codes.reshape(-1, coder.size))
            return codes, checks.reshape(codes.shape[:-1])

        parts = (f".{SHORT}", np.uint8, coder.size), (f".{SHORT}_checks", np.uint16, 1)
        return flat_copy.FlatCopy(
            self.copies, self.name, self.grid, f".{SHORT}", parts, read, is_compared=False
        )

    @cached_property
    def _short(self) -> tuple[Any, ...]:
        """Short codes of all places, ``(N, size)``, uint8, and a checksum of each, uint16."""
        return self._short_copy.followed(self._blocks)

    def short_codes(self, positions: np.ndarray) -> np.ndarray:
        """Return the short codes of places that have one, ``(n, size)``, uint8."""
        codes, checks = map(np.asarray, self._short)  # slicing them is cheaper than of a memmap
        result = np.take(codes.reshape(-1, codes.shape[-1]), positions, axis=0)
        differ = flat_copy.row_checks(result) != np.take(checks, positions)
        if differ.any():
            self._short_copy.copied_again(self._short, np.asarray(positions)[differ])
            result[differ] = codes.reshape(-1, codes.shape[-1])[np.asarray(positions)[differ]]
        return result

    def signatures(self, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return signatures ``(n,)``, uint64, and which places have one, ``(n,)``, bool."""
        signatures, valid = self._scanned
        return signatures[positions], valid[positions]

    def why_missing(self, position: int) -> str:
        """Return why a place has no signature, to complete "The patch ...", and what to do."""
        z, y, x = self.grid.zyx(np.array([position]))[0].tolist()
        if self.has((z, y // self.grid.block, x // self.grid.block)):
            return "was skipped: it is constant, padding, or holds NaN. Click on tissue"
        return "is not embedded yet. Wait for python -m emqs.embed, or click elsewhere"

    def nearest(
        self,
        queries: np.ndarray,
        first: int,
        stop: int,
        *,
        within: Box | None,
        n_threads: int | None,
    ) -> np.ndarray:
        """Return the places with the nearest signatures; see ``SearchableStore.nearest``."""
        if within is None:  # what several searches ask of the whole volume is one pass
            return self._shared_scan((queries, stop, n_threads))[first:]
        signatures, valid = self._scanned
        allowed = self.grid.valid_in(valid, within)
        positions, _ = hamming.nearest(signatures, queries, stop, mask=allowed, n_threads=n_threads)
        return positions[first:]

    @cached_property
    def _shared_scan(self) -> SharedScan:
        signatures, valid = self._scanned
        mask = None if valid.all() else valid

        def scan(asks: Sequence[Ask]) -> list[np.ndarray]:
            n_threads = asks[0][2] if len(asks) == 1 else None
            searches = [(queries, stop) for queries, stop, _ in asks]
            return hamming.nearest_of_each(signatures, searches, mask=mask, n_threads=n_threads)

        return SharedScan(scan)

    def blocks(self, within: Box | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield positions and codes of all places that have one, block by block of the grid."""
        allowed = self.grid.valid_in(self._scanned[1], within)
        for block in self.done():
            positions = self.grid.positions(self.grid.places(block))
            inside = allowed[positions]
            if inside.any():
                yield positions[inside], self.block_codes(block)[inside]

    def grow(self, manifest: dict[str, Any]) -> "EmbeddingStore":
        """Return the store made longer along Z; what is there stays as it is.

        Args:
            manifest: As for ``create``; it differs in the number of slices alone.
        """
        grid = PlaceGrid.from_dict(manifest["grid"])
        for name in self.arrays:  # readers see longer arrays first, and the grid last
            key = f"{name}/{METADATA}"
            content = self.folder.read_json(key, "the description of an array")
            along_z = content["dimension_names"].index("z")
            content["shape"][along_z] = max(grid.shape[0], content["shape"][along_z])
            self.folder.replace_json(key, content)
        content = self.folder.read_json(METADATA, "the manifest of an embedding volume")
        content["attributes"][KEY] = manifests.sealed(manifest)
        self.folder.replace_json(METADATA, content)
        return open_store(self.folder.address)


def _one(block: Triple) -> tuple[slice, ...]:
    """Return the index of a block where there is one number for each."""
    return tuple(slice(n, n + 1) for n in block)


def open_store(place: str | Path) -> EmbeddingStore:
    """Return an embedding volume; its manifest is compared with its checksum, and checked.

    Args:
        place: Its folder, or its address in a bucket, ``s3://bucket/name.zarr``.

    Raises:
        DataError: If there is none, or it is damaged or of another version.
    """
    folder = folder_of(place)
    name = folder.name
    try:
        group = folder.read_json(METADATA, "the manifest of an embedding volume")
        content = group["attributes"][KEY]
        stated = content["format"], content["version"]
    except FileNotFoundError:
        raise DataError(
            f"There is no embedding volume {name}. Make one with python -m emqs.embed out={name}."
        ) from None
    except (KeyError, TypeError) as error:
        raise DataError(f"{name} is damaged or no embedding volume: {one_line(error)}.") from None
    if stated != (FORMAT, VERSION):
        raise DataError(
            f"{name} has format {stated[0]!r} version {stated[1]!r}; this emqs reads {FORMAT!r} "
            f"version {VERSION}."
        )
    manifest = manifests.unsealed(content, name)
    grid, signer, short_coder = manifests.checked(manifest, name)
    return EmbeddingStore(folder, manifest, grid, manifest["code_size"], signer, short_coder)
